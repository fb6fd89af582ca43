/*
 * The text writer. Order and grouping are the caller's; escaping and number form are here.
 */
#include "common/metrics/prometheus.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum metric_type {
    METRIC_TYPE_GAUGE,
    METRIC_TYPE_COUNTER,
    METRIC_TYPE_HISTOGRAM,
};

static const struct {
    const char *name;
    enum metric_type type;
    const char *help;
} METRICS[] = {
#define X(id, name, type, help) {name, METRIC_TYPE_##type, help},
    METRICS_TABLE(X)
#undef X
};

static const char *const TYPE_TEXTS[] = {"gauge", "counter", "histogram"};

const char *metric_name(enum metric metric)
{
    assert((size_t)metric < ARRAY_LEN(METRICS));
    return METRICS[metric].name;
}

enum status prometheus_family(struct buf *out, enum metric metric)
{
    assert((size_t)metric < ARRAY_LEN(METRICS));
    return buf_add_format(
        out, "# HELP %s %s\n# TYPE %s %s\n", METRICS[metric].name, METRICS[metric].help,
        METRICS[metric].name, TYPE_TEXTS[METRICS[metric].type]);
}

static enum status add_label_value(struct buf *out, const char *value)
{
    enum status status = ST_OK;
    while (*value != '\0' && status == ST_OK) {
        size_t plain = strcspn(value, "\\\"\n");
        status = buf_add(out, value, plain);
        value += plain;
        if (status != ST_OK || *value == '\0') {
            continue;
        }
        status = buf_add_text(out, *value == '\n' ? "\\n" : *value == '"' ? "\\\"" : "\\\\");
        value++;
    }
    return status;
}

static enum status
add_label(struct buf *out, const struct prometheus_label *label, const char *before)
{
    enum status status = buf_add_format(out, "%s%s=\"", before, label->name);
    if (status == ST_OK) {
        status = add_label_value(out, label->value);
    }
    return status == ST_OK ? buf_add_text(out, "\"") : status;
}

/* name suffix {labels, extra} blank. extra may be NULL. */
static enum status add_head(
    struct buf *out, const char *suffix, enum metric metric, const struct prometheus_labels *labels,
    const struct prometheus_label *extra)
{
    enum status status = buf_add_format(out, "%s%s", metric_name(metric), suffix);
    const char *before = "{";
    for (size_t i = 0; status == ST_OK && i < labels->count; i++) {
        status = add_label(out, &labels->items[i], before);
        before = ",";
    }
    if (status == ST_OK && extra != NULL) {
        status = add_label(out, extra, before);
        before = ",";
    }
    if (status == ST_OK && before[0] == ',') {
        status = buf_add_text(out, "}");
    }
    return status == ST_OK ? buf_add_text(out, " ") : status;
}

static void format_number(double value, char text[32])
{
    if (isnan(value)) {
        (void)snprintf(text, 32, "NaN");
    } else if (isinf(value)) {
        (void)snprintf(text, 32, value > 0 ? "+Inf" : "-Inf");
    } else {
        (void)snprintf(text, 32, "%.15g", value);
    }
}

enum status prometheus_sample(
    struct buf *out, enum metric metric, const struct prometheus_labels *labels, double value)
{
    char number[32];
    format_number(value, number);
    enum status status = add_head(out, "", metric, labels, NULL);
    return status == ST_OK ? buf_add_format(out, "%s\n", number) : status;
}

enum status prometheus_sample_i64(
    struct buf *out, enum metric metric, const struct prometheus_labels *labels, int64_t value)
{
    enum status status = add_head(out, "", metric, labels, NULL);
    return status == ST_OK ? buf_add_format(out, "%" PRId64 "\n", value) : status;
}

enum status prometheus_histogram(
    struct buf *out, enum metric metric, const struct prometheus_labels *labels,
    const struct prometheus_histogram *histogram)
{
    assert(METRICS[metric].type == METRIC_TYPE_HISTOGRAM);
    enum status status = ST_OK;
    uint64_t total = 0;
    for (size_t i = 0; status == ST_OK && i <= histogram->bounds_count; i++) {
        char bound[32] = "+Inf";
        if (i < histogram->bounds_count) {
            format_number(histogram->bounds[i], bound);
        }
        total += histogram->counts[i];
        struct prometheus_label le = {"le", bound};
        status = add_head(out, "_bucket", metric, labels, &le);
        if (status == ST_OK) {
            status = buf_add_format(out, "%" PRIu64 "\n", total);
        }
    }
    if (status == ST_OK) {
        char sum[32];
        format_number(histogram->sum, sum);
        status = add_head(out, "_sum", metric, labels, NULL);
        status = status == ST_OK ? buf_add_format(out, "%s\n", sum) : status;
    }
    if (status == ST_OK) {
        status = add_head(out, "_count", metric, labels, NULL);
    }
    return status == ST_OK ? buf_add_format(out, "%" PRIu64 "\n", total) : status;
}
