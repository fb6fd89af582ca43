/*
 * Bounds and percentiles of the latency histogram. No memory, no state.
 */
#include "common/metrics/latency.h"

#include <assert.h>
#include <math.h>

int64_t latency_bound_ms(unsigned bucket)
{
    if (bucket >= LATENCY_BUCKETS - 1) {
        return INT64_MAX;
    }
    if (bucket == 0) {
        return 1;
    }
    /* Odd: a power of two. Even: half way (in steps) to the next one. */
    return bucket % 2 == 1 ? (int64_t)1 << ((bucket + 1) / 2) : (int64_t)3 << ((bucket - 2) / 2);
}

unsigned latency_bucket(int64_t latency_ms)
{
    unsigned bucket = 0;
    while (latency_ms > latency_bound_ms(bucket)) {
        bucket++;
    }
    return bucket;
}

int64_t
latency_percentile_ms(const int64_t *counts, size_t counts_count, int64_t max_ms, double share)
{
    assert(share >= 0 && share <= 1);
    int64_t total = 0;
    for (size_t i = 0; i < counts_count; i++) {
        total += counts[i];
    }
    if (total <= 0) {
        return 0;
    }
    int64_t wanted = (int64_t)ceil(share * (double)total);
    int64_t seen = 0;
    for (size_t i = 0; i < counts_count; i++) {
        seen += counts[i];
        if (seen >= wanted && counts[i] > 0) {
            int64_t bound = latency_bound_ms((unsigned)i);
            return bound < max_ms ? bound : max_ms;
        }
    }
    return max_ms;
}
