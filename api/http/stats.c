/*
 * One histogram for each route and answer code that can occur, in one block of atomic counters.
 */
#include "api/http/stats.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/metrics/prometheus.h"

/* Codes an answer can have: those of the status table; others count as 500. */
static const int CODES[] = {200, 400, 401, 403, 404, 405, 409, 413, 429, 500, 503, 504};
static const double BOUNDS_S[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                  0.1,   0.25,   0.5,   1,    2.5,   10};

struct cell {
    atomic_uint_fast64_t counts[ARRAY_LEN(BOUNDS_S) + 1];
    atomic_uint_fast64_t sum_us;
};

struct request_stats {
    const struct route_table *table;
    struct cell cells[]; /* (routes + 1 for unknown paths) × codes */
};

struct request_stats *request_stats_new(const struct route_table *table)
{
    size_t cells = (table->count + 1) * ARRAY_LEN(CODES);
    struct request_stats *stats = calloc(1, sizeof(*stats) + cells * sizeof(struct cell));
    if (stats != NULL) {
        stats->table = table;
    }
    return stats;
}

void request_stats_free(struct request_stats *stats)
{
    free(stats);
}

static size_t code_index(int http_code)
{
    size_t internal = 0;
    for (size_t i = 0; i < ARRAY_LEN(CODES); i++) {
        if (CODES[i] == http_code) {
            return i;
        }
        internal = CODES[i] == 500 ? i : internal;
    }
    return internal;
}

void request_stats_add(
    struct request_stats *stats, const struct route *route, int http_code, int64_t took_us)
{
    size_t row = route == NULL ? stats->table->count : (size_t)(route - stats->table->routes);
    assert(row <= stats->table->count);
    struct cell *cell = &stats->cells[row * ARRAY_LEN(CODES) + code_index(http_code)];
    size_t bucket = 0;
    while (bucket < ARRAY_LEN(BOUNDS_S) && (double)took_us > BOUNDS_S[bucket] * 1e6) {
        bucket++;
    }
    atomic_fetch_add_explicit(&cell->counts[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&cell->sum_us, (uint64_t)took_us, memory_order_relaxed);
}

static enum status
write_cell(const struct request_stats *stats, size_t row, size_t code, struct buf *out)
{
    const struct cell *cell = &stats->cells[row * ARRAY_LEN(CODES) + code];
    uint64_t counts[ARRAY_LEN(BOUNDS_S) + 1];
    uint64_t total = 0;
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        counts[i] = atomic_load_explicit(&cell->counts[i], memory_order_relaxed);
        total += counts[i];
    }
    if (total == 0) {
        return ST_OK;
    }
    bool is_known = row < stats->table->count;
    char code_text[16];
    (void)snprintf(code_text, sizeof(code_text), "%d", CODES[code]);
    const struct prometheus_label labels[] = {
        {"route", is_known ? stats->table->routes[row].pattern : "unknown"},
        {"method", is_known ? http_method_text(stats->table->routes[row].method) : "any"},
        {"code", code_text},
    };
    struct prometheus_labels all = {labels, ARRAY_LEN(labels)};
    struct prometheus_histogram histogram = {
        BOUNDS_S, counts, ARRAY_LEN(BOUNDS_S),
        (double)atomic_load_explicit(&cell->sum_us, memory_order_relaxed) / 1e6};
    return prometheus_histogram(out, METRIC_API_REQUEST_SECONDS, &all, &histogram);
}

enum status request_stats_write(const struct request_stats *stats, struct buf *out)
{
    enum status status = prometheus_family(out, METRIC_API_REQUEST_SECONDS);
    for (size_t row = 0; row <= stats->table->count; row++) {
        for (size_t code = 0; status == ST_OK && code < ARRAY_LEN(CODES); code++) {
            status = write_cell(stats, row, code, out);
        }
    }
    return status;
}
