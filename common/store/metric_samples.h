#ifndef COMMON_STORE_METRIC_SAMPLES_H
#define COMMON_STORE_METRIC_SAMPLES_H

/* The past of pipes for graphs: a row per pipe and SAMPLE_EVERY_S, written by whichever worker
 * comes first, kept for SAMPLE_KEEP_S. */

#include <stddef.h>
#include <stdint.h>

#include "common/store/store.h"

enum {
    SAMPLE_EVERY_S = 15,
    SAMPLE_KEEP_S = 7 * 24 * 3600,
};

/* Name of the series as REST shows it, column, and whether it is a counter: of counters the
 * increase is shown, of the others the highest value. */
/* clang-format off */
#define SAMPLE_TABLE(X) \
    X(fetchedRecords, fetched_records, true) X(sentRecords, sent_records, true) \
    X(rejectedRecords, rejected_records, true) X(fetchedBytes, fetched_bytes, true) \
    X(sentBytes, sent_bytes, true) X(lag, lag, false) X(latencyP50Ms, latency_p50_ms, false) \
    X(latencyP99Ms, latency_p99_ms, false) X(memoryBytes, memory_bytes, false) \
    X(cpuMillicores, cpu_millicores, false)
/* clang-format on */

enum {
#define X(name, column, is_counter) SAMPLE_##column,
    SAMPLE_TABLE(X)
#undef X
    SAMPLE_SERIES
};

struct metric_sample {
    int64_t at; /* Unix time of the step's begin */
    int64_t values[SAMPLE_SERIES];
};

struct metric_samples {
    struct metric_sample *items; /* ascending, one per step that has any sample */
    size_t count;
};
void metric_samples_done(struct metric_samples *samples);

/* Take a sample of every pipe that runs or should, unless there is one of this moment already, and
 * forget those that are too old. ST_UNAVAILABLE. */
enum status metric_samples_take(struct store *store, struct err *err) MUST_CHECK;

/* Unix times; to exclusive; step_s 1 or more. */
struct metric_range {
    int64_t from;
    int64_t to;
    int64_t step_s;
};

/* The highest value of each column in each step of the range. ret_samples: metric_samples_done.
 * ST_UNAVAILABLE, ST_NO_MEMORY. */
enum status metric_samples_list(
    struct store *store, const char *pipe_id, const struct metric_range *range,
    struct metric_samples *ret_samples, struct err *err) MUST_CHECK;

#endif
