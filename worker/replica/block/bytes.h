#ifndef WORKER_REPLICA_BLOCK_BYTES_H
#define WORKER_REPLICA_BLOCK_BYTES_H

/*
 * Raw column memory: grows by shares of itself, never checked twice. Behind `len` there are always
 * at least BYTES_SLACK writable bytes once room was made, so wide stores may spill.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/base/attr.h"

enum {
    BYTES_SLACK = 64
};

/* A column's limit. A replica has at most 8 GB and a block a part of it. */
#define BYTES_MAX ((size_t)4 << 30)

struct bytes {
    uint8_t *at; /* owned; NULL while never grown */
    size_t len;
    size_t capacity; /* without the slack */
};

/* Make room for extra more bytes; false if the heap or BYTES_MAX refuses (contents unchanged). */
bool bytes_grow(struct bytes *b, size_t extra) MUST_CHECK;

/* Free and forget. */
void bytes_done(struct bytes *b);

/* Forget the contents; give memory above keep_bytes back. */
void bytes_reset(struct bytes *b, size_t keep_bytes);

static inline MUST_CHECK
bool bytes_room(struct bytes *b, size_t extra)
{
    return LIKELY(b->capacity - b->len >= extra) || bytes_grow(b, extra);
}

/* Append; false if there is no memory. */
static inline MUST_CHECK
bool bytes_add(struct bytes *b, const void *bytes, size_t len)
{
    if (UNLIKELY(!bytes_room(b, len))) {
        return false;
    }
    if (len > 0) {
        memcpy(b->at + b->len, bytes, len);
    }
    b->len += len;
    return true;
}

static inline MUST_CHECK
bool bytes_add_zeros(struct bytes *b, size_t len)
{
    if (UNLIKELY(!bytes_room(b, len))) {
        return false;
    }
    if (len > 0) {
        memset(b->at + b->len, 0, len);
    }
    b->len += len;
    return true;
}

/* Append a length in LEB128, as Native has it. */
static inline MUST_CHECK
bool bytes_add_varint(struct bytes *b, uint64_t value)
{
    if (UNLIKELY(!bytes_room(b, 10))) {
        return false;
    }
    uint8_t *at = b->at + b->len;
    while (value >= 0x80) {
        *at++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *at++ = (uint8_t)value;
    b->len = (size_t)(at - b->at);
    return true;
}

/* Read such a length; ret_value. Returns the place behind it. The bytes are our own, so complete.
 */
static inline const uint8_t *bytes_read_varint(const uint8_t *at, uint64_t *ret_value)
{
    uint64_t value = 0;
    unsigned shift = 0;
    while ((*at & 0x80) != 0) {
        value |= (uint64_t)(*at++ & 0x7f) << shift;
        shift += 7;
    }
    *ret_value = value | (uint64_t)*at++ << shift;
    return at;
}

#endif
