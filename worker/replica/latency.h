#ifndef WORKER_REPLICA_LATENCY_H
#define WORKER_REPLICA_LATENCY_H

/* Histogram of the last minute in the protocol's buckets: six spans of ten seconds, the oldest
 * dropped. */

#include <stdint.h>

#include "worker/protocol/protocol.h"

enum {
    LATENCY_SPANS = 6,
    LATENCY_SPAN_MS = 10000,
};

struct latency_span {
    int64_t number; /* monotonic ms / LATENCY_SPAN_MS */
    int64_t max_ms;
    uint64_t counts[PROTOCOL_LATENCY_BUCKETS];
};

struct latency {
    struct latency_span spans[LATENCY_SPANS];
    int64_t now_number;
};

/* now_ms: monotonic. */
void latency_init(struct latency *ret_latency, int64_t now_ms);

/* Move to now_ms: spans that are a minute old are forgotten. */
void latency_advance(struct latency *latency, int64_t now_ms);

/* Count `count` values of value_ms (negative counts as 0) at the time of the last advance. */
void latency_add(struct latency *latency, int64_t value_ms, uint64_t count);

/* The sum of the spans that are in the minute. */
void latency_sum(
    const struct latency *latency, uint64_t ret_counts[PROTOCOL_LATENCY_BUCKETS],
    int64_t *ret_max_ms);

#endif
