/* A ring of histograms. */
#include "worker/replica/latency.h"

#include <string.h>

static struct latency_span *latency_now(struct latency *latency)
{
    return &latency->spans[latency->now_number % LATENCY_SPANS];
}

void latency_init(struct latency *ret_latency, int64_t now_ms)
{
    memset(ret_latency, 0, sizeof(*ret_latency));
    for (int i = 0; i < LATENCY_SPANS; i++) {
        ret_latency->spans[i].number = -1;
    }
    latency_advance(ret_latency, now_ms);
}

void latency_advance(struct latency *latency, int64_t now_ms)
{
    latency->now_number = now_ms / LATENCY_SPAN_MS;
    struct latency_span *span = latency_now(latency);
    if (span->number != latency->now_number) {
        memset(span, 0, sizeof(*span));
        span->number = latency->now_number;
    }
}

void latency_add(struct latency *latency, int64_t value_ms, uint64_t count)
{
    struct latency_span *span = latency_now(latency);
    int64_t shown_ms = value_ms < 0 ? 0 : value_ms;
    span->counts[protocol_latency_bucket(shown_ms)] += count;
    if (shown_ms > span->max_ms) {
        span->max_ms = shown_ms;
    }
}

void latency_sum(
    const struct latency *latency, uint64_t ret_counts[PROTOCOL_LATENCY_BUCKETS],
    int64_t *ret_max_ms)
{
    memset(ret_counts, 0, PROTOCOL_LATENCY_BUCKETS * sizeof(ret_counts[0]));
    *ret_max_ms = 0;
    for (int i = 0; i < LATENCY_SPANS; i++) {
        const struct latency_span *span = &latency->spans[i];
        if (span->number < 0 || latency->now_number - span->number >= LATENCY_SPANS) {
            continue;
        }
        for (int b = 0; b < PROTOCOL_LATENCY_BUCKETS; b++) {
            ret_counts[b] += span->counts[b];
        }
        if (span->max_ms > *ret_max_ms) {
            *ret_max_ms = span->max_ms;
        }
    }
}
