#ifndef WORKER_REPLICA_DECODE_DATETIME_H
#define WORKER_REPLICA_DECODE_DATETIME_H

/*
 * Dates and times from text: the unambiguous part of what ClickHouse's best_effort parser takes
 * (docs/type-mapping.md lists it). Days are counted in the proleptic Gregorian calendar.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/replica/decode/number.h"

/* The last day read: rows of one batch are mostly of one day. Zeroed = empty. */
struct datetime_cache {
    uint64_t head; /* "YYYY-MM-" */
    uint16_t tail; /* "DD" */
    int32_t days;
};

struct datetime {
    int64_t seconds; /* since 1970-01-01 00:00:00 in the zone given, or as written without one */
    uint32_t nanos;
    int32_t days;  /* of the date as written */
    bool has_zone; /* seconds are UTC */
    bool has_time; /* not only a date */
};

/*
 * Read a date or date-time; the whole text must be one. NULL, or why it is none (static text;
 * *ret_datetime is then undefined). text: 8 bytes behind it must be readable.
 */
const char *datetime_read(
    const uint8_t *text, size_t len, struct datetime_cache *cache, struct datetime *ret_datetime);

/* Days since 1970-01-01 of a date that exists. */
int32_t datetime_days(int32_t year, uint32_t month, uint32_t day);

#endif
