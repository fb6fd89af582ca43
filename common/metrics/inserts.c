/*
 * Two small tables. Error numbers: ClickHouse src/Common/ErrorCodes.cpp; those a busy or changing
 * server answers with.
 */
#include "common/metrics/inserts.h"

#include <assert.h>

static const int64_t BOUNDS_MS[INSERT_BUCKETS] = {10,   30,    100,   300,      1000,
                                                  3000, 10000, 30000, INT64_MAX};

static const struct {
    int code;
    const char *text;
} CODES[INSERT_CODES - 1] = {
    {0, "none"},  /* no answer, or none with a number */
    {60, "60"},   /* UNKNOWN_TABLE */
    {159, "159"}, /* TIMEOUT_EXCEEDED */
    {202, "202"}, /* TOO_MANY_SIMULTANEOUS_QUERIES */
    {241, "241"}, /* MEMORY_LIMIT_EXCEEDED */
    {242, "242"}, /* TABLE_IS_READ_ONLY */
    {252, "252"}, /* TOO_MANY_PARTS */
    {319, "319"}, /* UNKNOWN_STATUS_OF_INSERT */
};

int64_t insert_bound_ms(unsigned bucket)
{
    assert(bucket < INSERT_BUCKETS);
    return BOUNDS_MS[bucket];
}

void insert_count_duration(uint64_t *numbers, int64_t duration_ms)
{
    const int64_t shown_ms = duration_ms < 0 ? 0 : duration_ms;
    unsigned bucket = 0;
    while (shown_ms > BOUNDS_MS[bucket]) {
        bucket++;
    }
    numbers[INSERT_SUM_MS] += (uint64_t)shown_ms;
    numbers[INSERT_FIRST_BUCKET + bucket]++;
}

void insert_count_retry(uint64_t *numbers, int code)
{
    unsigned place = 0;
    while (place < INSERT_CODES - 1 && CODES[place].code != code) {
        place++;
    }
    numbers[INSERT_FIRST_CODE + place]++;
}

void insert_count_latency(uint64_t *numbers, int64_t latency_ms, uint64_t count)
{
    const int64_t shown_ms = latency_ms < 0 ? 0 : latency_ms;
    unsigned bucket = latency_bucket(shown_ms);
    bucket = bucket < INSERT_LATENCIES ? bucket : INSERT_LATENCIES - 1;
    numbers[INSERT_FIRST_LATENCY + bucket] += count;
    numbers[INSERT_LATENCY_SUM_MS] += (uint64_t)shown_ms * count;
}

const char *insert_code_text(unsigned place)
{
    assert(place < INSERT_CODES);
    return place < INSERT_CODES - 1 ? CODES[place].text : "other";
}
