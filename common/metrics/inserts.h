#ifndef COMMON_METRICS_INSERTS_H
#define COMMON_METRICS_INSERTS_H

/*
 * The numbers about inserts that replicas count, in one array, as it travels from the sink through
 * the heartbeat to the database and into Prometheus: how long all answered inserts took together,
 * how many took how long, and how many were tried again after which error.
 */

#include <stdint.h>

#include "common/base/attr.h"

enum {
    INSERT_BUCKETS = 9,
    INSERT_CODES = 9,
    INSERT_SUM_MS = 0,                                        /* index of the sum, in ms */
    INSERT_FIRST_BUCKET = 1,                                  /* counts by duration */
    INSERT_FIRST_CODE = INSERT_FIRST_BUCKET + INSERT_BUCKETS, /* retries by error */
    INSERT_NUMBERS = INSERT_FIRST_CODE + INSERT_CODES,
};

/* Upper bound of a duration's bucket in ms: 10, 30, 100, … 30000; INT64_MAX for the last. */
int64_t insert_bound_ms(unsigned bucket);

/* Count one answered insert in numbers[INSERT_NUMBERS]; negative durations count as 0. */
void insert_count_duration(uint64_t *numbers, int64_t duration_ms);

/* Count one insert that is to be tried again. code: ClickHouse's error number, 0 = no answer or
 * one without a number. */
void insert_count_retry(uint64_t *numbers, int code);

/* The label of a retry's place (0 to INSERT_CODES − 1): "none", an error number, "other". Static
 * memory. */
const char *insert_code_text(unsigned place);

#endif
