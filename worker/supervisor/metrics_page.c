/* One family after another; in each, one sample per replica. */
#include "worker/supervisor/metrics_page.h"

#include <stdio.h>

#include "common/metrics/prometheus.h"

#include "worker/supervisor/state.h"

enum {
    NUMBER_BYTES = 16,
    LABELS_MAX = 4
};

/* The numbers every replica has one of. */
static int64_t value_of(const struct seat *seat, enum metric metric)
{
    const struct protocol_heartbeat *last = &seat->report.last;
    uint64_t value = 0;
    switch (metric) {
    case METRIC_REPLICA_RUNNING:
        return seat->phase == ASSIGN_CHILD_LIVE && last->state == PROTOCOL_STATE_RUNNING;
    case METRIC_REPLICA_FETCHED_RECORDS:
        value = last->counters.fetched_records;
        break;
    case METRIC_REPLICA_SENT_RECORDS:
        value = last->counters.sent_records;
        break;
    case METRIC_REPLICA_REJECTED_RECORDS:
        value = last->counters.rejected_records;
        break;
    case METRIC_REPLICA_FETCHED_BYTES:
        value = last->counters.fetched_bytes;
        break;
    case METRIC_REPLICA_SENT_BYTES:
        value = last->counters.sent_bytes;
        break;
    case METRIC_REPLICA_UNSETTLED_RECORDS:
        value = last->unsettled_records;
        break;
    case METRIC_REPLICA_RESIDENT_BYTES:
        value = last->resident_bytes;
        break;
    case METRIC_REPLICA_RESTARTS:
        return seat->restarts_count;
    default:
        break;
    }
    return value <= INT64_MAX ? (int64_t)value : INT64_MAX; /* a child is not believed everything */
}

static const enum metric replica_metrics[] = {
    METRIC_REPLICA_RUNNING,           METRIC_REPLICA_FETCHED_RECORDS, METRIC_REPLICA_SENT_RECORDS,
    METRIC_REPLICA_REJECTED_RECORDS,  METRIC_REPLICA_FETCHED_BYTES,   METRIC_REPLICA_SENT_BYTES,
    METRIC_REPLICA_UNSETTLED_RECORDS, METRIC_REPLICA_RESIDENT_BYTES,  METRIC_REPLICA_RESTARTS,
    METRIC_REPLICA_CPU_SECONDS,
};

/* Labels of one replica; texts borrowed. */
static size_t replica_labels(
    const struct seat *seat, char number[NUMBER_BYTES],
    struct prometheus_label ret_items[LABELS_MAX])
{
    (void)snprintf(number, NUMBER_BYTES, "%d", seat->lease.replica_index); /* fits */
    ret_items[0] = (struct prometheus_label){"clickpipe_id", seat->lease.pipe_id};
    ret_items[1] = (struct prometheus_label){"replica", number};
    return 2;
}

static enum status write_family(const struct supervisor *s, enum metric metric, struct buf *out)
{
    enum status st = prometheus_family(out, metric);
    for (size_t i = 0; st == ST_OK && i < s->seats_count; i++) {
        const struct seat *seat = s->seats[i];
        char number[NUMBER_BYTES];
        struct prometheus_label items[LABELS_MAX];
        const struct prometheus_labels labels = {items, replica_labels(seat, number, items)};
        st = metric == METRIC_REPLICA_CPU_SECONDS
                 ? prometheus_sample(out, metric, &labels, (double)seat->report.last.cpu_us / 1e6)
                 : prometheus_sample_i64(out, metric, &labels, value_of(seat, metric));
    }
    return st;
}

static enum status write_host(const struct supervisor *s, struct buf *out)
{
    const struct prometheus_label version = {"version", s->options->version};
    const struct prometheus_labels versions = {&version, 1};
    const struct prometheus_labels none = {NULL, 0};
    enum status st = prometheus_family(out, METRIC_BUILD_INFO);
    if (st == ST_OK) {
        st = prometheus_sample_i64(out, METRIC_BUILD_INFO, &versions, 1);
    }
    if (st == ST_OK) {
        st = prometheus_family(out, METRIC_WORKER_REPLICAS);
    }
    if (st == ST_OK) {
        st = prometheus_sample_i64(out, METRIC_WORKER_REPLICAS, &none, (int64_t)s->seats_count);
    }
    if (st == ST_OK) {
        st = prometheus_family(out, METRIC_WORKER_DATABASE_UP);
    }
    return st == ST_OK
               ? prometheus_sample_i64(out, METRIC_WORKER_DATABASE_UP, &none, s->database.is_up)
               : st;
}

/* Records behind the end of each partition. */
static enum status write_lag(const struct seat *seat, struct buf *out)
{
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < seat->report.partitions_count; i++) {
        const struct report_partition *row = &seat->report.partitions[i];
        if (row->committed < 0 || row->end_offset < row->committed) {
            continue;
        }
        char number[NUMBER_BYTES];
        char partition[NUMBER_BYTES];
        struct prometheus_label items[LABELS_MAX];
        size_t count = replica_labels(seat, number, items);
        (void)snprintf(partition, sizeof(partition), "%d", row->partition); /* fits */
        items[count++] = (struct prometheus_label){"topic", row->topic};
        items[count++] = (struct prometheus_label){"partition", partition};
        const struct prometheus_labels labels = {items, count};
        const size_t line_at = out->len_bytes;
        st = prometheus_sample_i64(
            out, METRIC_REPLICA_LAG_RECORDS, &labels, row->end_offset - row->committed);
        if (st != ST_OK) {
            out->len_bytes = line_at; /* no half line */
        }
    }
    return st;
}

enum status metrics_page_write(const struct supervisor *s, struct buf *out)
{
    enum status st = write_host(s, out);
    for (size_t i = 0; st == ST_OK && i < ARRAY_LEN(replica_metrics); i++) {
        st = write_family(s, replica_metrics[i], out);
    }
    if (st == ST_OK) {
        st = prometheus_family(out, METRIC_REPLICA_LAG_RECORDS);
    }
    for (size_t i = 0; st == ST_OK && i < s->seats_count; i++) {
        st = write_lag(s->seats[i], out);
        if (st == ST_TOO_LARGE) {
            return ST_OK;
        }
    }
    return st;
}
