#ifndef WORKER_REPLICA_DECODE_CONVERT_H
#define WORKER_REPLICA_DECODE_CONVERT_H

/*
 * One value of a format that has types of its own (Avro, Protobuf) into one cell. The rules are
 * those of docs/type-mapping.md: what a JSON text or number of the same meaning would store.
 * Each function appends exactly one value, or none when it fails. Null maps are the caller's
 * (column_add_null); cell and column are without Nullable here.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"

#include "worker/replica/block/column.h"
#include "worker/replica/decode/cell.h"
#include "worker/replica/decode/datetime.h"
#include "worker/replica/decode/number.h"

enum convert_end {
    CONVERT_DONE,
    CONVERT_UNFIT, /* convert->reason says why */
    CONVERT_NO_MEMORY,
};

/* Scratch of one decoder. Zeroed = empty; convert_done frees it. */
struct convert {
    const char *reason;   /* static text */
    struct bytes scratch; /* the decoder's, for texts that need padding behind them */
    struct datetime_cache day;
};

void convert_done(struct convert *c);

/* A text, as a JSON string of these bytes. JSON_PADDING_BYTES behind it must be readable. */
enum convert_end convert_text(
    struct convert *c, const struct cell *cell, struct column *column, const uint8_t *text,
    size_t len) MUST_CHECK;

/* Bytes without a meaning: into String, LowCardinality(String) and FixedString as they are. */
enum convert_end convert_bytes(
    struct convert *c, const struct cell *cell, struct column *column, const uint8_t *bytes,
    size_t len) MUST_CHECK;

enum convert_end convert_bool(
    struct convert *c, const struct cell *cell, struct column *column, bool value) MUST_CHECK;

/* A whole number, as a JSON number of that value. */
enum convert_end convert_integer(
    struct convert *c, const struct cell *cell, struct column *column, int64_t value) MUST_CHECK;

/* A double, or a float widened to one (is_float: its text is the float's shortest). */
enum convert_end convert_double(
    struct convert *c, const struct cell *cell, struct column *column, double value,
    bool is_float) MUST_CHECK;

/* unscaled * 10^-scale, unscaled as big-endian two's complement of up to 64 bytes. */
enum convert_end convert_decimal(
    struct convert *c, const struct cell *cell, struct column *column, const uint8_t *unscaled,
    size_t len, unsigned scale) MUST_CHECK;

/* Days since 1970-01-01. */
enum convert_end convert_date(
    struct convert *c, const struct cell *cell, struct column *column, int64_t days) MUST_CHECK;

/* An instant in ticks of 10^-scale s since 1970 UTC, scale 0 … 9. */
enum convert_end convert_instant(
    struct convert *c, const struct cell *cell, struct column *column, int64_t ticks,
    unsigned scale) MUST_CHECK;

/* A time of day (or a span) in ticks of 10^-scale s. */
enum convert_end convert_time(
    struct convert *c, const struct cell *cell, struct column *column, int64_t ticks,
    unsigned scale) MUST_CHECK;

#endif
