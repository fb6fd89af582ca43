#ifndef COMMON_METRICS_LATENCY_H
#define COMMON_METRICS_LATENCY_H

/*
 * The latency histogram that replicas report and the api reads: bucket i counts values above bound
 * i − 1 and up to bound i. Bounds: 1, 2, 3, 4, 6, 8, 12, 16, 24, … ms, two steps per doubling, so a
 * percentile read from it is at most a half above the truth. The worker's protocol has the same
 * bounds (worker/protocol/protocol.h); a unit test compares both.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"

enum {
    LATENCY_BUCKETS = 64
};

/* Upper bound of a bucket in ms; INT64_MAX for the last (and anything past it). */
int64_t latency_bound_ms(unsigned bucket);

/* The bucket of a latency; negative counts as 0. */
unsigned latency_bucket(int64_t latency_ms);

/*
 * The smallest bound below or at which at least this share (0–1) of the counts lies, but never
 * above max_ms, the largest value seen. 0 when nothing was counted.
 */
int64_t
latency_percentile_ms(const int64_t *counts, size_t counts_count, int64_t max_ms, double share);

#endif
