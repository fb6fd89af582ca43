#ifndef COMMON_METRICS_PROMETHEUS_H
#define COMMON_METRICS_PROMETHEUS_H

/*
 * Writing the Prometheus text format, version 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). A family starts with
 * prometheus_family; all its samples follow before the next family starts. Label values may hold
 * any bytes and are escaped.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/metrics/metrics_def.h"

#define PROMETHEUS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum metric {
#define X(id, name, type, help) METRIC_##id,
    METRICS_TABLE(X)
#undef X
};

struct prometheus_label {
    const char *name;  /* borrowed; [a-zA-Z_][a-zA-Z0-9_]* */
    const char *value; /* borrowed; UTF-8 */
};

struct prometheus_labels {
    const struct prometheus_label *items;
    size_t count;
};

/* Name as written, e.g. "ClickPipes_Info". Static memory. */
const char *metric_name(enum metric metric);

/* All writers: statuses of buf_add. */

/* HELP and TYPE of a family. */
enum status prometheus_family(struct buf *out, enum metric metric) MUST_CHECK;

/* One sample of a gauge or counter. Whole numbers are written without exponent. */
enum status prometheus_sample(
    struct buf *out, enum metric metric, const struct prometheus_labels *labels,
    double value) MUST_CHECK;
enum status prometheus_sample_i64(
    struct buf *out, enum metric metric, const struct prometheus_labels *labels,
    int64_t value) MUST_CHECK;

/* A histogram's bucket bounds (ascending, without +Inf) and counts, not yet added up:
 * counts[bounds_count] is what lies above the last bound. */
struct prometheus_histogram {
    const double *bounds;
    const uint64_t *counts; /* bounds_count + 1 */
    size_t bounds_count;
    double sum;
};
enum status prometheus_histogram(
    struct buf *out, enum metric metric, const struct prometheus_labels *labels,
    const struct prometheus_histogram *histogram) MUST_CHECK;

#endif
