#ifndef WORKER_REPLICA_BLOCK_COLUMN_H
#define WORKER_REPLICA_BLOCK_COLUMN_H

/*
 * Builder of one column in the memory layout of the Native format: fixed-width values side by
 * side, strings with their length in front, offsets of arrays and maps apart from their elements,
 * LowCardinality as indexes into a dictionary, Variant as one number per value beside a column per
 * alternative, JSON as its text, a null map beside the values of Nullable.
 * Small appends are here to be inlined into the decoder. An append that answers false found no
 * memory; the row must then be rolled back.
 *
 * A value without a flag in the null map is present: the map is only as long as its last null, and
 * filled up when the column is encoded.
 * Layouts: ClickHouse src/DataTypes/Serializations/Serialization*.cpp.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/base/attr.h"
#include "common/clickhouse/type.h"

#include "worker/replica/block/bytes.h"
#include "worker/replica/block/dictionary.h"

struct column {
    enum ch_kind kind; /* of the values: Nullable is a flag here */
    bool is_nullable;
    uint8_t prefix_bytes; /* String: bytes of the last value's length, a guess for the next */
    uint8_t index_bytes;  /* LowCardinality: 1, 2 or 4 per value */
    uint32_t width_bytes; /* 0 = not of fixed width */
    struct bytes data;    /* values; String, JSON: lengths and bytes; LowCardinality: indexes;
                             Variant: the alternative's number, COLUMN_NO_ALTERNATIVE = NULL */
    bool null_is_absent;  /* sent as Nullable, and NULL means: the table's DEFAULT */
    bool is_left_out;     /* what is absent is left out of the block: so is the table's DEFAULT */
    struct bytes nulls;   /* Nullable: one byte per value, up to the last null */
    struct bytes absent;  /* is_left_out: one byte per value, up to the last absent one */
    struct bytes offsets; /* Array, Map: 64-bit end of each value's elements */
    size_t strings_count; /* String, JSON: values in data */
    size_t mark_strings;  /* String: a place in data to count from … */
    size_t mark_bytes;    /* … both as of some earlier commit */
    struct dictionary dictionary;
    struct column *key;       /* LowCardinality of no String: where column_add_key finds a value */
    size_t *counts;           /* Variant: values of each alternative that are closed */
    size_t seek_items;        /* String, JSON, Variant: where the last copy from here ended … */
    size_t seek_bytes;        /* … String, JSON: its place in data … */
    size_t *seek_counts;      /* … Variant: values of each alternative before it */
    struct column **children; /* Array: element; Map: key, value; Tuple: elements; Variant: all */
    size_t children_count;
    const struct ch_type *type; /* borrowed, without Nullable */
};

/* A builder for type (borrowed for its life). ret_column: owned, column_free. ST_UNSUPPORTED (no
 * builder for this type), ST_NO_MEMORY. */
enum status
column_new(const struct ch_type *type, struct column **ret_column, struct err *err) MUST_CHECK;
void column_free(struct column *column);

/* No values; memory buffers larger than keep_bytes are given back. False: no memory. */
bool column_reset(struct column *column, size_t keep_bytes) MUST_CHECK;

/* Number of complete cells. */
size_t column_items(const struct column *column);

/* Drop cells, complete or not, until `items` are left; items must not be below the last mark. */
void column_truncate(struct column *column, size_t items);

/* Remember where the strings end now, so that column_truncate has a short way. */
void column_mark(struct column *column);

/* Bytes the data has when encoded, and heap memory. */
size_t column_encoded_bytes(const struct column *column);
size_t column_memory_bytes(const struct column *column);

enum {
    COLUMN_NO_ALTERNATIVE = 255
};

/*
 * Variant: one value is a value of one alternative, then the alternative's number. Alternatives are
 * numbered as in type->children (by name, as ClickHouse does). Append exactly one value to
 * column_variant(column, i), then column_variant_close(column, i); NULL is column_add_null(column).
 * What was appended and not closed goes with column_truncate. False: no memory.
 */
static inline struct column *column_variant(const struct column *column, size_t alternative)
{
    return column->children[alternative];
}
bool column_variant_close(struct column *column, size_t alternative) MUST_CHECK;

/* LowCardinality of no String: append the one value that stands in column->key (and empty that).
 * False: no memory. */
bool column_add_key(struct column *column) MUST_CHECK;

/* Append the type's zero value (docs/type-mapping.md: Enum its lowest member), or, if the column is
 * Nullable, NULL. False: no memory. */
bool column_add_default(struct column *column) MUST_CHECK;
bool column_add_null(struct column *column) MUST_CHECK;

/*
 * Make the column (still empty) one whose absent values take the table's DEFAULT. ClickHouse takes
 * NULL for an absent value where the column itself is not Nullable
 * (input_format_null_as_default); other columns, and containers, must be left out of the block, so
 * rows of different absences go into blocks of their own. False: no memory.
 */
bool column_make_optional(struct column *column) MUST_CHECK;

/* Append what a value that the record does not have becomes: the DEFAULT of an optional column,
 * else as column_add_default. False: no memory. */
bool column_add_absent(struct column *column) MUST_CHECK;

/* Does the block that holds this row leave the column out? */
static inline bool column_is_absent(const struct column *column, size_t row)
{
    return row < column->absent.len && column->absent.at[row] != 0;
}

/* Append bytes as a String, FixedString (must fit) LowCardinality of these, or JSON (the text
 * of an object). */
bool column_add_text(struct column *column, const void *bytes, size_t len) MUST_CHECK;

/* Append `count` cells of source (same type) from index `from`; source only remembers where it was
 * read. False: no memory, incomplete. */
bool column_copy(struct column *column, struct column *source, size_t from, size_t count)
    MUST_CHECK;

/* Fill the null maps up to the number of values, all the way down. False: no memory. */
bool column_finish(struct column *column) MUST_CHECK;

/* LowCardinality: append one index, widening all when needed. */
bool column_add_wide_index(struct column *column, uint32_t index) MUST_CHECK;

/* True if a null can be stored as such. */
static inline bool column_takes_null(const struct column *column)
{
    return !column->null_is_absent &&
           (column->is_nullable || column->kind == CH_VARIANT ||
            (column->kind == CH_LOW_CARDINALITY && column->dictionary.is_nullable));
}

/* Room for len more bytes: the fast paths of the decoder ask and leave growing to the slow ones. */
static inline bool column_has_room(const struct column *column, size_t len)
{
    return LIKELY(column->data.capacity - column->data.len >= len);
}

/* The column's memory a few rows ahead, to be owned by this core's cache when its turn comes: a
 * block's columns are more than the cache holds, and each is written at its own place. */
static inline void column_prefetch(const struct column *column, size_t value_bytes)
{
    enum {
        AHEAD_BYTES = 256,
        LINE_BYTES = 64,
    };
    const uint8_t *ahead = column->data.at + column->data.len + AHEAD_BYTES;
    for (size_t at = 0; at < value_bytes; at += LINE_BYTES) {
        __builtin_prefetch(ahead + at, 1);
    }
}

/* Append the low width_bytes (1, 2, 4, 8) bytes of value where there is room for 8; the machine is
 * little-endian as Native is. */
static inline void column_put_u64(struct column *column, uint64_t value)
{
    memcpy(column->data.at + column->data.len, &value, sizeof(value)); /* may spill into slack */
    column_prefetch(column, 1);
    column->data.len += column->width_bytes;
}

static inline MUST_CHECK
bool column_add_u8(struct column *column, uint8_t value)
{
    if (UNLIKELY(!bytes_room(&column->data, sizeof(value)))) {
        return false;
    }
    column->data.at[column->data.len] = value;
    column->data.len += sizeof(value);
    return true;
}

/* The same, making room. */
static inline MUST_CHECK
bool column_add_u64(struct column *column, uint64_t value)
{
    if (UNLIKELY(!bytes_room(&column->data, sizeof(value)))) {
        return false;
    }
    column_put_u64(column, value);
    return true;
}

static inline MUST_CHECK
bool column_add_two(struct column *column, uint64_t low, uint64_t high)
{
    if (UNLIKELY(!bytes_room(&column->data, 2 * sizeof(low)))) {
        return false;
    }
    memcpy(column->data.at + column->data.len, &low, sizeof(low));
    memcpy(column->data.at + column->data.len + sizeof(low), &high, sizeof(high));
    column->data.len += 2 * sizeof(low);
    return true;
}

static inline MUST_CHECK
bool column_add_index(struct column *column, uint32_t index)
{
    if (LIKELY(column->index_bytes == 1 && index < 256)) {
        return column_add_u8(column, (uint8_t)index);
    }
    return column_add_wide_index(column, index);
}

/* Array, Map: all elements of one value are in; close it. */
static inline MUST_CHECK
bool column_add_offset(struct column *column, uint64_t end)
{
    return bytes_add(&column->offsets, &end, sizeof(end));
}

#endif
