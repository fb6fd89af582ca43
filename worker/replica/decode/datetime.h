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

/*
 * The quick way for what most producers write: a JSON string at its quote, of the cached day, as
 * "YYYY-MM-DDThh:mm:ss.mmmZ" or without ".mmm" (or with a blank for the T). Returns the place
 * behind the closing quote and the time in ticks of 10^-scale s, scale 3 … 6; NULL = not of that
 * shape or day. 40 bytes must be readable. The cache holds only days from 1900 to 2299.
 */
static inline const uint8_t *
datetime_usual(const uint8_t *at, const struct datetime_cache *cache, int64_t *ret_ms)
{
    uint64_t head;
    uint16_t tail;
    uint64_t time;
    memcpy(&head, at + 1, sizeof(head));
    memcpy(&tail, at + 9, sizeof(tail));
    memcpy(&time, at + 12, sizeof(time));
    time ^= 0x30303a30303a3030ULL; /* "hh:mm:ss": digits become 0-9, colons 0 */
    bool is_time = (((time + 0x76767f76767f7676ULL) | time) & 0x8080808080808080ULL) == 0;
    uint64_t pairs = time * 10 + (time >> 8);
    uint64_t hour = pairs & 0xff;
    uint64_t minute = pairs >> 24 & 0xff;
    uint64_t second = pairs >> 48 & 0xff;
    bool is_usual = *at == '"' && head == cache->head && tail == cache->tail && tail != 0 &&
                    (at[11] == 'T' || at[11] == ' ') && is_time && hour < 24 && minute < 60 &&
                    second < 60;
    if (!is_usual) {
        return NULL;
    }
    uint64_t ms = 0;
    at += 20;
    if (*at == '.') {
        unsigned count = 0;
        ms = number_digits8(at + 1, &count);
        if (count != 3) {
            return NULL;
        }
        at += 4;
    }
    if (at[0] != 'Z' || at[1] != '"') {
        return NULL;
    }
    uint64_t seconds = hour * 3600 + minute * 60 + second;
    *ret_ms = (int64_t)cache->days * 86400000 + (int64_t)(seconds * 1000 + ms);
    return at + 2;
}

struct datetime_day {
    int32_t year;
    uint32_t month; /* 1 … 12 */
    uint32_t day;   /* 1 … 31 */
};

/* The date of a day since 1970-01-01; false outside the years 0 to 9999. */
bool datetime_from_days(int64_t days, struct datetime_day *ret_day);

#endif
