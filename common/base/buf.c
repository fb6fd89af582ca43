/* The bounded buffer: limit first, growth second, copy last. */
#include "common/base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BUF_FIRST_BYTES = 64
};

void buf_init(struct buf *b, size_t max_bytes)
{
    assert(b != NULL);
    *b = (struct buf){.max_bytes = max_bytes};
}

void buf_done(struct buf *b)
{
    assert(b != NULL);
    free(b->bytes);
    b->bytes = NULL;
    b->len_bytes = 0;
    b->capacity_bytes = 0;
}

void buf_reset(struct buf *b)
{
    b->len_bytes = 0;
    if (b->bytes != NULL) {
        b->bytes[0] = 0;
    }
}

enum status buf_reserve(struct buf *b, size_t extra_bytes)
{
    assert(b->len_bytes <= b->max_bytes);
    if (extra_bytes > b->max_bytes - b->len_bytes) {
        return ST_TOO_LARGE;
    }
    size_t needed = b->len_bytes + extra_bytes + 1;
    if (needed <= b->capacity_bytes) {
        return ST_OK;
    }
    size_t wanted = b->capacity_bytes < BUF_FIRST_BYTES ? BUF_FIRST_BYTES : b->capacity_bytes;
    while (wanted < needed) {
        wanted = wanted > SIZE_MAX / 2 ? needed : wanted * 2;
    }
    if (wanted > b->max_bytes + 1 && needed <= b->max_bytes + 1) {
        wanted = b->max_bytes + 1;
    }
    uint8_t *bytes = realloc(b->bytes, wanted);
    if (bytes == NULL) {
        return ST_NO_MEMORY;
    }
    b->bytes = bytes;
    b->capacity_bytes = wanted;
    b->bytes[b->len_bytes] = 0; /* fresh memory ends nowhere */
    return ST_OK;
}

enum status buf_add(struct buf *b, const void *bytes, size_t len_bytes)
{
    enum status st = buf_reserve(b, len_bytes);
    if (st != ST_OK) {
        return st;
    }
    if (len_bytes > 0) {
        memcpy(b->bytes + b->len_bytes, bytes, len_bytes);
    }
    b->len_bytes += len_bytes;
    b->bytes[b->len_bytes] = 0;
    return ST_OK;
}

enum status buf_add_text(struct buf *b, const char *text)
{
    return buf_add(b, text, strlen(text));
}

enum status buf_add_format(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int needed = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (needed < 0) {
        va_end(again);
        return ST_INVALID;
    }
    enum status st = buf_reserve(b, (size_t)needed);
    if (st == ST_OK) {
        /* the reserved space has the zero byte's place, so this cannot be cut */
        (void)vsnprintf((char *)b->bytes + b->len_bytes, (size_t)needed + 1, format, again);
        b->len_bytes += (size_t)needed;
    }
    va_end(again);
    return st;
}

const char *buf_text(const struct buf *b)
{
    return b->bytes == NULL ? "" : (const char *)b->bytes;
}

char *buf_take_text(struct buf *b)
{
    char *text = (char *)b->bytes;
    b->bytes = NULL;
    b->len_bytes = 0;
    b->capacity_bytes = 0;
    return text;
}
