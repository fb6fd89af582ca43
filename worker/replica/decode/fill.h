#ifndef WORKER_REPLICA_DECODE_FILL_H
#define WORKER_REPLICA_DECODE_FILL_H

/*
 * One value into one cell, exactly: the rules of docs/type-mapping.md, in one place for all
 * formats. Nothing is rounded (except floats), wrapped (unless penstock_overflow says so), shifted
 * or cut without a word. The JSON walk has quick ways for the usual shapes (json_cells.h) and comes
 * here with the rest; the typed formats come through convert.h.
 *
 * Each function appends exactly one value and returns NULL, or appends nothing and returns why
 * (static text); FILL_NO_MEMORY when the heap is empty. Nullable is the caller's business.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"

#include "worker/replica/block/column.h"
#include "worker/replica/decode/cell.h"
#include "worker/replica/decode/datetime.h"
#include "worker/replica/decode/number.h"
#include "worker/replica/decode/time_text.h"

extern const char FILL_NO_MEMORY[];
extern const char FILL_MISMATCH[]; /* this kind of value is nothing for the type */

/* A number as it is written; a String takes its text. */
const char *
fill_number(const struct cell *cell, struct column *column, const struct number *number) MUST_CHECK;

/* A text; the whole of it must be a value of the type. 8 bytes behind it must be readable. */
const char *fill_text(
    const struct cell *cell, struct column *column, struct datetime_cache *day, const uint8_t *text,
    size_t len) MUST_CHECK;

/* true or false: Bool, and 1 and 0 for numbers, as for ClickHouse. */
const char *fill_truth(const struct cell *cell, struct column *column, bool value) MUST_CHECK;

/* Float32, Float64, BFloat16: a value that is the nearest of the type (BFloat16: of Float32, its
 * lower bits are cut as the server does), or not a number, or infinite. */
const char *fill_float(const struct cell *cell, struct column *column, double value) MUST_CHECK;

/* Date, Date32: days since 1970-01-01. */
const char *fill_days(const struct cell *cell, struct column *column, int64_t days) MUST_CHECK;

/* DateTime, DateTime64: seconds since 1970 UTC and nanos (0 … 999999999) behind them. */
const char *fill_instant(
    const struct cell *cell, struct column *column, int64_t seconds, uint32_t nanos) MUST_CHECK;

/* Time, Time64: seconds and nanos (0 … 999999999), both without the sign; what is finer than
 * the column is cut. */
const char *
fill_time(const struct cell *cell, struct column *column, const struct time_text *time) MUST_CHECK;

/* Date and Date32 by day number; Date, DateTime and DateTime64 have ranges (cell's type). */
enum {
    DATE_DAYS_MAX = UINT16_MAX,
    DATE32_DAYS_MIN = -25567, /* 1900-01-01 */
    DATE32_DAYS_MAX = 120529, /* 2299-12-31 */
};

#endif
