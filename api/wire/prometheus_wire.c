/*
 * Family by family, pipe by pipe: the text format wants all samples of a family together.
 */
#include "api/wire/prometheus_wire.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/metrics/inserts.h"
#include "common/metrics/latency.h"
#include "common/metrics/prometheus.h"

enum {
    LABELS_MAX = 10
};

/* One pipe's facts and the labels each of its series carries. */
struct subject {
    const struct pipe_row *pipe;
    const struct runtime_summary *runtime;
    struct prometheus_label labels[LABELS_MAX];
    size_t labels_count;
};

static const struct runtime_summary NOTHING_YET;

static const struct service_row *find_service(const struct service_rows *rows, const char *id)
{
    for (size_t i = 0; i < rows->count; i++) {
        if (strcmp(rows->items[i].id, id) == 0) {
            return &rows->items[i];
        }
    }
    return NULL;
}

static void add_label(struct subject *subject, const char *name, const char *value)
{
    assert(subject->labels_count < LABELS_MAX);
    subject->labels[subject->labels_count++] =
        (struct prometheus_label){name, value == NULL ? "" : value};
}

/* at: as of runtime_summaries_find. */
static struct subject
subject_of(const struct prometheus_page *page, const struct pipe_row *pipe, size_t *at)
{
    const struct runtime_summary *runtime = runtime_summaries_find(page->summaries, pipe->id, at);
    struct subject subject = {.pipe = pipe, .runtime = runtime == NULL ? &NOTHING_YET : runtime};
    const struct service_row *service = find_service(page->services, pipe->service_id);
    const json_t *kafka = json_object_get(json_object_get(pipe->definition, "source"), "kafka");
    add_label(&subject, "clickhouse_org", page->organization_id);
    add_label(&subject, "clickhouse_service", pipe->service_id);
    add_label(&subject, "clickhouse_service_name", service == NULL ? "" : service->name);
    add_label(&subject, "clickpipe_id", pipe->id);
    add_label(&subject, "clickpipe_name", pipe->name);
    add_label(&subject, "clickpipe_source", json_string_value(json_object_get(kafka, "type")));
    return subject;
}

static struct prometheus_labels labels_of(const struct subject *subject)
{
    return (struct prometheus_labels){subject->labels, subject->labels_count};
}

static enum status
write_one(const struct subject *s, enum metric metric, int64_t value, struct buf *out)
{
    struct prometheus_labels labels = labels_of(s);
    return prometheus_sample_i64(out, metric, &labels, value);
}

/* The same with one label more. */
static enum status write_labelled(
    const struct subject *s, enum metric metric, const struct prometheus_label *label,
    int64_t value, struct buf *out)
{
    struct subject more = *s;
    add_label(&more, label->name, label->value);
    return write_one(&more, metric, value, out);
}

static enum status write_info(const struct subject *s, struct buf *out)
{
    const char *state = pipe_state_text(pipe_state_derive(&s->pipe->facts));
    struct subject more = *s;
    add_label(&more, "clickpipe_state", state);
    add_label(&more, "clickpipe_status", state); /* older pages of the documentation */
    return write_one(&more, METRIC_CLICKPIPES_INFO, 1, out);
}

/* Means over the live replicas. */
static int64_t mean_of_live(const struct runtime_summary *runtime, bool is_memory)
{
    int64_t sum = 0;
    int64_t count = 0;
    for (size_t i = 0; i < runtime->replicas_count; i++) {
        const struct runtime_replica_row *row = &runtime->replicas[i];
        if (row->is_live) {
            sum += is_memory ? row->memory_bytes : row->cpu_millicores;
            count++;
        }
    }
    return count == 0 ? 0 : sum / count;
}

static enum status write_lag(const struct subject *s, struct buf *out)
{
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < s->runtime->partitions_count; i++) {
        const struct runtime_partition_row *row = &s->runtime->partitions[i];
        char partition[16];
        (void)snprintf(partition, sizeof(partition), "%d", row->partition);
        int64_t from = row->committed < 0 ? 0 : row->committed;
        struct subject more = *s;
        add_label(&more, "topic", row->topic);
        add_label(&more, "partition", partition);
        status = write_one(
            &more, METRIC_PIPE_LAG_RECORDS, row->end_offset > from ? row->end_offset - from : 0,
            out);
    }
    return status;
}

static enum status write_latency(const struct subject *s, struct buf *out)
{
    const int64_t *numbers = s->runtime->insert_numbers;
    double bounds[INSERT_LATENCIES - 1];
    uint64_t counts[INSERT_LATENCIES];
    for (unsigned i = 0; i < INSERT_LATENCIES; i++) {
        counts[i] = (uint64_t)numbers[INSERT_FIRST_LATENCY + i];
        if (i < INSERT_LATENCIES - 1) {
            bounds[i] = (double)latency_bound_ms(i) / 1000;
        }
    }
    const double sum = (double)numbers[INSERT_LATENCY_SUM_MS] / 1000;
    struct prometheus_labels labels = labels_of(s);
    struct prometheus_histogram histogram = {bounds, counts, INSERT_LATENCIES - 1, sum};
    return prometheus_histogram(out, METRIC_PIPE_LATENCY_SECONDS, &labels, &histogram);
}

static enum status write_insert_durations(const struct subject *s, struct buf *out)
{
    const int64_t *numbers = s->runtime->insert_numbers;
    double bounds[INSERT_BUCKETS - 1];
    uint64_t counts[INSERT_BUCKETS];
    for (unsigned i = 0; i < INSERT_BUCKETS; i++) {
        counts[i] = (uint64_t)numbers[INSERT_FIRST_BUCKET + i];
        if (i < INSERT_BUCKETS - 1) {
            bounds[i] = (double)insert_bound_ms(i) / 1000;
        }
    }
    const double sum = (double)numbers[INSERT_SUM_MS] / 1000;
    struct prometheus_labels labels = labels_of(s);
    struct prometheus_histogram histogram = {bounds, counts, INSERT_BUCKETS - 1, sum};
    return prometheus_histogram(out, METRIC_INSERT_SECONDS, &labels, &histogram);
}

static enum status write_retries(const struct subject *s, struct buf *out)
{
    enum status status = ST_OK;
    for (unsigned i = 0; status == ST_OK && i < INSERT_CODES; i++) {
        struct prometheus_label label = {"code", insert_code_text(i)};
        status = write_labelled(
            s, METRIC_INSERT_RETRIES, &label, s->runtime->insert_numbers[INSERT_FIRST_CODE + i],
            out);
    }
    return status;
}

static enum status write_cpu(const struct subject *s, struct buf *out)
{
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < s->runtime->replicas_count; i++) {
        const struct runtime_replica_row *row = &s->runtime->replicas[i];
        char index[16];
        (void)snprintf(index, sizeof(index), "%d", row->replica_index); /* fits */
        struct subject more = *s;
        add_label(&more, "replica", index);
        struct prometheus_labels labels = labels_of(&more);
        status = prometheus_sample(
            out, METRIC_REPLICA_CPU_SECONDS, &labels, (double)row->cpu_us / 1000000);
    }
    return status;
}

static enum status write_batches(const struct subject *s, struct buf *out)
{
    const struct runtime_counters *c = &s->runtime->counters;
    const struct {
        const char *reason;
        int64_t count;
    } rows[] = {
        {"rows", c->batches_rows},
        {"bytes", c->batches_bytes},
        {"age", c->batches_age},
        {"drain", c->batches_drain},
    };
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < ARRAY_LEN(rows); i++) {
        struct prometheus_label label = {"reason", rows[i].reason};
        status = write_labelled(s, METRIC_BATCHES, &label, rows[i].count, out);
    }
    return status;
}

static enum status write_replicas(const struct subject *s, enum metric metric, struct buf *out)
{
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < s->runtime->replicas_count; i++) {
        const struct runtime_replica_row *row = &s->runtime->replicas[i];
        char index[16];
        (void)snprintf(index, sizeof(index), "%d", row->replica_index);
        struct prometheus_label label = {"replica", index};
        int64_t value = metric == METRIC_REPLICA_RESTARTS ? row->restarts : row->memory_bytes;
        status = write_labelled(s, metric, &label, value, out);
    }
    return status;
}

static int64_t latency_median(const struct runtime_summary *runtime)
{
    return latency_percentile_ms(
        runtime->latency_counts, ARRAY_LEN(runtime->latency_counts), runtime->latency_max_ms, 0.5);
}

/* The counter of records or bytes behind one of Cloud's families; 0 for the others. */
static int64_t traffic_of(const struct runtime_counters *c, enum metric metric)
{
    switch (metric) {
    case METRIC_CLICKPIPES_FETCHED_EVENTS:
        return c->fetched_records;
    case METRIC_CLICKPIPES_SENT_EVENTS:
        return c->sent_records;
    case METRIC_CLICKPIPES_FETCHED_BYTES:
        return c->fetched_bytes;
    case METRIC_CLICKPIPES_FETCHED_BYTES_COMPRESSED:
        return c->fetched_wire_bytes;
    case METRIC_CLICKPIPES_SENT_BYTES:
        return c->sent_bytes;
    case METRIC_CLICKPIPES_SENT_BYTES_COMPRESSED:
        return c->sent_wire_bytes;
    case METRIC_CLICKPIPES_ERRORS:
        return c->rejected_records;
    default:
        return 0;
    }
}

/* The samples of one family for one pipe. */
static enum status write_family(const struct subject *s, enum metric metric, struct buf *out)
{
    const struct runtime_counters *c = &s->runtime->counters;
    switch (metric) {
    case METRIC_CLICKHOUSE_SERVICE_INFO:
    case METRIC_API_REQUEST_SECONDS:
    case METRIC_BUILD_INFO:
    case METRIC_WORKER_REPLICAS:
    case METRIC_WORKER_DATABASE_UP:
    case METRIC_REPLICA_RUNNING:
    case METRIC_REPLICA_FETCHED_RECORDS:
    case METRIC_REPLICA_SENT_RECORDS:
    case METRIC_REPLICA_REJECTED_RECORDS:
    case METRIC_REPLICA_FETCHED_BYTES:
    case METRIC_REPLICA_SENT_BYTES:
    case METRIC_REPLICA_UNSETTLED_RECORDS:
    case METRIC_REPLICA_LAG_RECORDS:
        return ST_OK; /* not a pipe's, or a worker's */
    case METRIC_CLICKPIPES_INFO:
        return write_info(s, out);
    case METRIC_CLICKPIPES_FETCHED_EVENTS:
    case METRIC_CLICKPIPES_SENT_EVENTS:
    case METRIC_CLICKPIPES_FETCHED_BYTES:
    case METRIC_CLICKPIPES_FETCHED_BYTES_COMPRESSED:
    case METRIC_CLICKPIPES_SENT_BYTES:
    case METRIC_CLICKPIPES_SENT_BYTES_COMPRESSED:
    case METRIC_CLICKPIPES_ERRORS:
        return write_one(s, metric, traffic_of(c, metric), out);
    case METRIC_CLICKPIPES_LATENCY:
        return write_one(s, metric, latency_median(s->runtime), out);
    case METRIC_CLICKPIPES_CPU_USAGE:
        return write_one(s, metric, mean_of_live(s->runtime, false), out);
    case METRIC_CLICKPIPES_CPU_LIMIT:
        return write_one(s, metric, s->pipe->scaling.cpu_millicores, out);
    case METRIC_CLICKPIPES_MEMORY_USAGE:
        return write_one(s, metric, mean_of_live(s->runtime, true), out);
    case METRIC_CLICKPIPES_MEMORY_LIMIT:
        return write_one(
            s, metric, (int64_t)llround(s->pipe->scaling.memory_gb * 1024 * 1024 * 1024), out);
    case METRIC_PIPE_LAG_RECORDS:
        return write_lag(s, out);
    case METRIC_PIPE_LATENCY_SECONDS:
        return write_latency(s, out);
    case METRIC_INSERT_RETRIES:
        return write_retries(s, out);
    case METRIC_INSERT_SECONDS:
        return write_insert_durations(s, out);
    case METRIC_REPLICA_CPU_SECONDS:
        return write_cpu(s, out);
    case METRIC_BATCHES:
        return write_batches(s, out);
    case METRIC_REBALANCES:
        return write_one(s, metric, c->rebalances, out);
    case METRIC_REPLICA_RESTARTS:
    case METRIC_REPLICA_RESIDENT_BYTES:
        return write_replicas(s, metric, out);
    }
    return ST_INTERNAL;
}

static enum status write_services(const struct prometheus_page *page, struct buf *out)
{
    enum status status = prometheus_family(out, METRIC_CLICKHOUSE_SERVICE_INFO);
    for (size_t i = 0; status == ST_OK && i < page->services->count; i++) {
        const struct service_row *service = &page->services->items[i];
        const struct prometheus_label labels[] = {
            {"clickhouse_org", page->organization_id},
            {"clickhouse_service", service->id},
            {"clickhouse_service_name", service->name},
            {"clickhouse_cluster_status", "running"},
            {"clickhouse_version",
             service->clickhouse_version == NULL ? "" : service->clickhouse_version},
            {"scrape", "full"},
        };
        struct prometheus_labels all = {labels, ARRAY_LEN(labels)};
        status = prometheus_sample_i64(out, METRIC_CLICKHOUSE_SERVICE_INFO, &all, 1);
    }
    return status;
}

enum status wire_prometheus_write(const struct prometheus_page *page, struct buf *out)
{
    enum status status = write_services(page, out);
    for (enum metric metric = METRIC_CLICKPIPES_INFO; metric < METRIC_API_REQUEST_SECONDS;
         metric++) {
        if (status == ST_OK) {
            status = prometheus_family(out, metric);
        }
        size_t at = 0;
        for (size_t i = 0; status == ST_OK && i < page->pipes->count; i++) {
            struct subject subject = subject_of(page, &page->pipes->items[i], &at);
            status = write_family(&subject, metric, out);
        }
    }
    return status;
}
