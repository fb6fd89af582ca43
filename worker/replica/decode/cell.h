#ifndef WORKER_REPLICA_DECODE_CELL_H
#define WORKER_REPLICA_DECODE_CELL_H

/*
 * How to read one ClickHouse type: the type with everything the decoder would otherwise work out
 * per value. A tree beside the type's own tree (Nullable is a flag, as in the column builders).
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/zone.h"
#include "common/clickhouse/type.h"
#include "common/model/pipe.h"

#include "worker/replica/block/column.h"
#include "worker/replica/decode/keys.h"

enum {
    CELL_TEXTS_MAX = 8
};

/* Variant: its alternatives by the kind of JSON value; COLUMN_NO_ALTERNATIVE = none. */
struct cell_choice {
    uint8_t integer;
    uint8_t fraction;
    uint8_t truth;
    uint8_t texts_count;
    uint8_t texts[CELL_TEXTS_MAX]; /* to be tried in this order: a date, …, any text at last */
};

struct cell {
    enum ch_kind kind; /* without Nullable */
    bool null_is_error;
    bool is_integer;
    bool is_signed;
    uint8_t scale;
    uint8_t precision;
    uint32_t width_bytes;
    int64_t ms_ticks;  /* DateTime64(3 … 6): ticks per millisecond; else 0 */
    uint64_t max;      /* integers of up to 64 bits: largest value */
    uint64_t min_size; /* the same: size of the smallest value, 0 = unsigned */
    enum pipe_overflow overflow;
    enum pipe_timestamp_unit timestamp_unit;
    struct zone *zone;          /* owned; DateTime, DateTime64: of texts without one; NULL = UTC */
    const struct ch_type *type; /* borrowed, without Nullable */
    struct cell **children;     /* owned; as in struct column */
    size_t children_count;
    struct key_table elements;      /* named Tuple */
    struct cell_choice choice;      /* Variant */
    struct ch_enum_member *members; /* owned array (names borrowed), Enum by name's length, bytes */
};

enum {
    CELL_ELEMENTS_MAX = 256 /* of one named tuple */
};

/* Make the tree for type (borrowed for its life). next_id: numbers keys, see keys_index.
 * ST_UNSUPPORTED (also a time zone that cannot be loaded), ST_NO_MEMORY. */
enum status cell_new(
    const struct ch_type *type, const struct pipe_settings *settings, uint32_t *next_id,
    struct cell **ret_cell, struct err *err) MUST_CHECK;
void cell_free(struct cell *cell);

/* The Enum's value of that name; false if it has no such name. */
bool cell_enum_value(
    const struct cell *cell, const uint8_t *name, size_t name_bytes, int16_t *ret_value);

/* True if the Enum has that value. */
bool cell_enum_has(const struct cell *cell, int64_t value);

#endif
