#ifndef WORKER_REPLICA_DECODE_JSON_NUMBER_H
#define WORKER_REPLICA_DECODE_JSON_NUMBER_H

/*
 * Numbers into cells: the exact conversions behind the fast paths of json_cells.h. `at` is always
 * the value's first byte, for the message.
 */

#include "worker/replica/decode/cell.h"
#include "worker/replica/decode/json_walk.h"
#include "worker/replica/decode/number.h"

/* False with the walk's fault set (and nothing appended). */
bool json_number_integer(
    struct walk *w, const struct cell *cell, struct column *column, const struct number *number);
bool json_number_float(
    struct walk *w, const struct cell *cell, struct column *column, const struct number *number);
bool json_number_decimal(
    struct walk *w, const struct cell *cell, struct column *column, const struct number *number);
bool json_number_enum(
    struct walk *w, const struct cell *cell, struct column *column, const struct number *number);
bool json_number_date(
    struct walk *w, const struct cell *cell, struct column *column, const struct number *number);
/* DateTime and DateTime64, by penstock_timestamp_unit. */
bool json_number_instant(
    struct walk *w, const struct cell *cell, struct column *column, const struct number *number);

/* A text into a number's cell: quoted numbers, "nan", "inf". text: see json_walk.h. */
bool json_text_number(
    struct walk *w, const struct cell *cell, struct column *column, const struct walk_text *text);
bool json_text_enum(
    struct walk *w, const struct cell *cell, struct column *column, const struct walk_text *text);
bool json_text_date(
    struct walk *w, const struct cell *cell, struct column *column, const struct walk_text *text);
bool json_text_instant(
    struct walk *w, const struct cell *cell, struct column *column, const struct walk_text *text);

/* Date and Date32 by day number; Date, DateTime and DateTime64 have ranges (cell's type). */
enum {
    DATE_DAYS_MAX = UINT16_MAX,
    DATE32_DAYS_MIN = -25567, /* 1900-01-01 */
    DATE32_DAYS_MAX = 120529, /* 2299-12-31 */
};

#endif
