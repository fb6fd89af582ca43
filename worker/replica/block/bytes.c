/* Growth of column memory. Large blocks are moved by the kernel (mremap), so doubling is cheap. */
#include "worker/replica/block/bytes.h"

#include <assert.h>
#include <stdlib.h>

enum {
    BYTES_FIRST = 1024
};

bool bytes_grow(struct bytes *b, size_t extra)
{
    assert(b->len <= b->capacity);
    if (extra > BYTES_MAX || b->len + extra > BYTES_MAX) {
        return false;
    }
    size_t wanted = b->capacity < BYTES_FIRST ? BYTES_FIRST : b->capacity * 2;
    while (wanted < b->len + extra) {
        wanted *= 2;
    }
    uint8_t *at = realloc(b->at, wanted + BYTES_SLACK);
    if (at == NULL) {
        return false;
    }
    b->at = at;
    b->capacity = wanted;
    return true;
}

void bytes_done(struct bytes *b)
{
    free(b->at);
    *b = (struct bytes){0};
}

void bytes_reset(struct bytes *b, size_t keep_bytes)
{
    if (b->capacity > keep_bytes) {
        bytes_done(b);
    }
    b->len = 0;
}
