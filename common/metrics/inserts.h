#ifndef COMMON_METRICS_INSERTS_H
#define COMMON_METRICS_INSERTS_H

/*
 * The numbers about inserts that replicas count, in one array, as it travels from the sink through
 * the heartbeat to the database and into Prometheus: how long all answered inserts took together,
 * how many took how long, how many were tried again after which error, and how old records were
 * when they were stored. All count since the pipe was created.
 */

#include <stdint.h>

#include "common/base/attr.h"
#include "common/metrics/latency.h"

enum {
    INSERT_BUCKETS = 9,
    INSERT_CODES = 9,
    INSERT_SUM_MS = 0,                                        /* index of the sum, in ms */
    INSERT_FIRST_BUCKET = 1,                                  /* counts by duration */
    INSERT_FIRST_CODE = INSERT_FIRST_BUCKET + INSERT_BUCKETS, /* retries by error */
    /* Records by the time from their timestamp to their insert: the buckets of latency.h up to
     * about two and a half hours, and one for all above. */
    INSERT_LATENCIES = 47,
    INSERT_FIRST_LATENCY = INSERT_FIRST_CODE + INSERT_CODES,
    INSERT_LATENCY_SUM_MS = INSERT_FIRST_LATENCY + INSERT_LATENCIES,
    INSERT_NUMBERS = INSERT_LATENCY_SUM_MS + 1,
};

/* Upper bound of a duration's bucket in ms: 10, 30, 100, … 30000; INT64_MAX for the last. */
int64_t insert_bound_ms(unsigned bucket);

/* Count one answered insert in numbers[INSERT_NUMBERS]; negative durations count as 0. */
void insert_count_duration(uint64_t *numbers, int64_t duration_ms);

/* Count one insert that is to be tried again. code: ClickHouse's error number, 0 = no answer or
 * one without a number. */
void insert_count_retry(uint64_t *numbers, int code);

/* Count `count` records of this age; negative ones count as 0. */
void insert_count_latency(uint64_t *numbers, int64_t latency_ms, uint64_t count);

/* The label of a retry's place (0 to INSERT_CODES − 1): "none", an error number, "other". Static
 * memory. */
const char *insert_code_text(unsigned place);

#endif
