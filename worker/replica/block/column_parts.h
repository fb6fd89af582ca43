#ifndef WORKER_REPLICA_BLOCK_COLUMN_PARTS_H
#define WORKER_REPLICA_BLOCK_COLUMN_PARTS_H

/* Inside this room: steps that column.c and column_copy.c share. */

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "worker/replica/block/bytes.h"
#include "worker/replica/block/column.h"

/* Copies from here start at the first value again. */
static inline void column_rewind(struct column *c)
{
    c->seek_items = 0;
    c->seek_bytes = 0;
    if (c->seek_counts != NULL) {
        memset(c->seek_counts, 0, c->children_count * sizeof(*c->seek_counts));
    }
}

/* Array, Map: where the elements of the first `items` values end. */
static inline uint64_t column_offset_at(const struct column *c, size_t items)
{
    uint64_t end = 0;
    if (items > 0) {
        memcpy(&end, c->offsets.at + (items - 1) * sizeof(end), sizeof(end));
    }
    return end;
}

/* Byte place of string number `item`, counted from string number `known` at byte `place`. */
static inline size_t
column_string_place(const struct column *c, size_t known, size_t place, size_t item)
{
    for (; known < item; known++) {
        uint64_t len = 0;
        const uint8_t *bytes = bytes_read_varint(c->data.at + place, &len);
        place = (size_t)(bytes - c->data.at) + len;
    }
    return place;
}

/* Fill flags with zeros for values that are there, up to `items`. */
static inline bool column_pad_flags(struct bytes *flags, size_t items)
{
    assert(flags->len <= items);
    return bytes_add_zeros(flags, items - flags->len);
}

#endif
