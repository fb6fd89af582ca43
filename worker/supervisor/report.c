/* Heartbeats, differences, rates. */
#include "worker/supervisor/report.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"

/* No counter moves by more between two heartbeats; a child that says so is not believed. */
static const uint64_t step_max = (uint64_t)1 << 48;

void report_init(struct report *report, int64_t first_number)
{
    *report = (struct report){.last_number = first_number};
}

void report_done(struct report *report)
{
    free(report->partitions);
    report_init(report, report->last_number);
}

void report_child_started(struct report *report, int64_t now_ms)
{
    report->has_heartbeat = false;
    report->last = (struct protocol_heartbeat){.state = PROTOCOL_STATE_STARTING};
    report->window_start = (struct report_sample){.at_ms = now_ms};
    report->cpu_millicores = 0;
    report->records_per_second = 0;
    report->bytes_per_second = 0;
    report->has_changes = true;
    report->is_stranger = false;
}

void report_lease_changed(struct report *report)
{
    report->is_stranger = true;
    report->has_heartbeat = false;
    report->last = (struct protocol_heartbeat){.state = PROTOCOL_STATE_STARTING};
    report->pending = (struct report_counters){0};
    report->attempt.is_open = false;
    report->row_unsettled_records = 0;
    report->row_unsettled_bytes = 0;
    report->cpu_millicores = 0;
    report->records_per_second = 0;
    report->bytes_per_second = 0;
    report->has_changes = true;
}

static int64_t step(uint64_t before, uint64_t now)
{
    return now > before && now - before <= step_max ? (int64_t)(now - before) : 0;
}

/* Rates over a window of several seconds: inserts come in bursts, reading does, too. */
static void take_rates(struct report *report, const struct report_sample *now)
{
    const struct report_sample *from = &report->window_start;
    const int64_t elapsed_ms = now->at_ms - from->at_ms;
    if (elapsed_ms < 500) {
        return; /* too short to divide by */
    }
    const double elapsed_s = (double)elapsed_ms / 1000.0;
    const int64_t cpu_us = step(from->cpu_us, now->cpu_us);
    report->cpu_millicores = (int)((double)cpu_us / elapsed_s / 1000.0);
    report->records_per_second = (double)step(from->records, now->records) / elapsed_s;
    report->bytes_per_second = (double)step(from->bytes, now->bytes) / elapsed_s;
    if (elapsed_ms >= REPORT_RATE_WINDOW_MS) {
        report->window_start = *now;
    }
}

void report_take_heartbeat(
    struct report *report, const struct protocol_heartbeat *heartbeat, int64_t now_ms)
{
    if (report->is_stranger) {
        return;
    }
    const struct protocol_counters *before = &report->last.counters;
    const struct protocol_counters *now = &heartbeat->counters;
    bool has_moved = !report->has_heartbeat || report->last.state != heartbeat->state ||
                     report->last.unsettled_records != heartbeat->unsettled_records;
#define X(name)                                                                                    \
    report->pending.name += step(before->name, now->name);                                         \
    has_moved = has_moved || now->name != before->name;
    PROTOCOL_COUNTER_TABLE(X)
#undef X
    /* Unsettled records of partitions that went to another replica: it counts them. */
    report->pending.fetched_records -= step(now->fetched_records, before->fetched_records);
    report->pending.fetched_bytes -= step(now->fetched_bytes, before->fetched_bytes);
    report->pending.cpu_us += step(report->last.cpu_us, heartbeat->cpu_us);
    for (size_t i = 0; i < PROTOCOL_INSERT_NUMBERS; i++) {
        report->pending.insert_numbers[i] +=
            step(report->last.insert_numbers[i], heartbeat->insert_numbers[i]);
    }
    const struct report_sample sample = {
        .at_ms = now_ms,
        .cpu_us = heartbeat->cpu_us,
        .records = now->fetched_records,
        .bytes = now->fetched_bytes,
    };
    take_rates(report, &sample);
    report->last = *heartbeat;
    report->has_heartbeat = true;
    report->has_changes = report->has_changes || has_moved;
}

static int64_t clamp_count(uint64_t value)
{
    return value <= step_max ? (int64_t)value : 0;
}

void report_take_latency(struct report *report, const struct protocol_latency *latency)
{
    bool has_moved = false;
    for (size_t i = 0; i < PROTOCOL_LATENCY_BUCKETS; i++) {
        const int64_t count = clamp_count(latency->counts[i]);
        has_moved = has_moved || count != report->latency_counts[i];
        report->latency_counts[i] = count;
    }
    report->latency_max_ms = latency->max_ms > 0 ? latency->max_ms : 0;
    report->has_changes = report->has_changes || has_moved;
}

static struct report_partition *
find_partition(const struct report *report, const char *topic, int partition)
{
    for (size_t i = 0; i < report->partitions_count; i++) {
        struct report_partition *row = &report->partitions[i];
        if (row->partition == partition && strcmp(row->topic, topic) == 0) {
            return row;
        }
    }
    return NULL;
}

static enum status add_partition(struct report *report, struct report_partition **ret_row)
{
    if (report->partitions_count == REPORT_PARTITIONS_MAX) {
        return ST_TOO_LARGE;
    }
    if (report->partitions_count == report->partitions_capacity) {
        size_t capacity = report->partitions_capacity == 0 ? 16 : report->partitions_capacity * 2;
        struct report_partition *rows =
            realloc(report->partitions, capacity * sizeof(*report->partitions));
        if (rows == NULL) {
            return ST_NO_MEMORY;
        }
        report->partitions = rows;
        report->partitions_capacity = capacity;
    }
    *ret_row = &report->partitions[report->partitions_count++];
    return ST_OK;
}

enum status report_take_partitions(struct report *report, const struct protocol_partitions *message)
{
    assert(message->count <= PROTOCOL_PARTITIONS_PER_MESSAGE);
    enum status worst = ST_OK;
    for (uint32_t i = 0; i < message->count; i++) {
        const struct protocol_partition *from = &message->rows[i];
        struct report_partition *row = find_partition(report, from->topic, from->partition);
        const bool is_same =
            row != NULL && row->committed == from->committed && row->end_offset == from->end;
        if (is_same) {
            continue;
        }
        if (row == NULL) {
            enum status st = add_partition(report, &row);
            if (st != ST_OK) {
                worst = st;
                continue;
            }
            memcpy(row->topic, from->topic, sizeof(row->topic));
            row->partition = from->partition;
        }
        row->committed = from->committed;
        row->end_offset = from->end;
        row->is_pending = true;
        report->has_partitions_pending = true;
    }
    return worst;
}

void report_child_ended(struct report *report)
{
    report->pending.fetched_records -=
        clamp_count(report->last.unsettled_records) - report->row_unsettled_records;
    report->pending.fetched_bytes -=
        clamp_count(report->last.unsettled_bytes) - report->row_unsettled_bytes;
    report->row_unsettled_records = 0;
    report->row_unsettled_bytes = 0;
    report->last = (struct protocol_heartbeat){.state = PROTOCOL_STATE_STARTING};
    report->has_heartbeat = false;
    report->cpu_millicores = 0;
    report->records_per_second = 0;
    report->bytes_per_second = 0;
    report->has_changes = true;
}

static const char *state_text(const struct report *report, const struct report_process *process)
{
    if (process->is_draining) {
        return "draining";
    }
    switch ((enum protocol_replica_state)report->last.state) {
    case PROTOCOL_STATE_STARTING:
        return "starting";
    case PROTOCOL_STATE_RUNNING:
        return "running";
    case PROTOCOL_STATE_WAITING:
        return "waiting";
    case PROTOCOL_STATE_DRAINING:
        return "draining";
    }
    return "starting";
}

void report_fill(
    const struct report *report, const struct report_process *process,
    struct runtime_report *ret_row)
{
    *ret_row = (struct runtime_report){
        .state = state_text(report, process),
        .pid = process->pid,
        .restarts = process->restarts_count,
        .revision = process->revision,
        .resident_bytes = clamp_count(report->last.resident_bytes),
        .cpu_millicores = report->cpu_millicores,
        .records_per_second = report->records_per_second,
        .bytes_per_second = report->bytes_per_second,
        .unsettled_records = clamp_count(report->last.unsettled_records),
        .unsettled_bytes = clamp_count(report->last.unsettled_bytes),
        .latency_max_ms = report->latency_max_ms,
        .latency_counts = report->latency_counts,
        .latency_counts_count = PROTOCOL_LATENCY_BUCKETS,
        .cpu_us = report->pending.cpu_us,
        .insert_numbers = report->pending.insert_numbers,
        .insert_numbers_count = PROTOCOL_INSERT_NUMBERS,
#define X(name) .name = report->pending.name,
        PROTOCOL_COUNTER_TABLE(X)
#undef X
    };
}

bool report_is_due(const struct report *report, int64_t now_ms)
{
    if (report->has_changes || report->has_partitions_pending || report->attempt.is_open) {
        return true;
    }
    return report->has_heartbeat && now_ms - report->stored_ms >= REPORT_IDLE_MS;
}

enum status report_partitions(
    const struct report *report, struct runtime_partition **ret_rows, size_t *ret_count,
    struct err *err)
{
    struct runtime_partition *rows = calloc(report->partitions_count + 1, sizeof(*rows));
    if (rows == NULL) {
        return err_set(err, ST_NO_MEMORY, "%zu partitions", report->partitions_count);
    }
    size_t count = 0;
    for (size_t i = 0; i < report->partitions_count; i++) {
        const struct report_partition *from = &report->partitions[i];
        if (from->is_pending) {
            rows[count++] = (struct runtime_partition){
                .topic = from->topic,
                .partition = from->partition,
                .committed = from->committed,
                .end_offset = from->end_offset,
            };
        }
    }
    *ret_rows = rows;
    *ret_count = count;
    return ST_OK;
}

void report_partitions_answered(struct report *report, enum status st)
{
    if (status_may_retry(st)) {
        return;
    }
    for (size_t i = 0; i < report->partitions_count; i++) {
        report->partitions[i].is_pending = false;
    }
    report->has_partitions_pending = false;
}

static enum status flush_partitions(
    struct report *report, struct store *store, const struct lease *lease, struct err *err)
{
    struct runtime_partition *rows = NULL;
    size_t count = 0;
    enum status st = report_partitions(report, &rows, &count, err);
    if (st != ST_OK) {
        return st;
    }
    st = runtime_report_partitions(store, lease, rows, count, err);
    free(rows);
    report_partitions_answered(report, st);
    return st;
}

const struct runtime_report *
report_next(struct report *report, const struct report_process *process)
{
    struct report_attempt *attempt = &report->attempt;
    if (attempt->is_open) {
        return &attempt->row;
    }
    report_fill(report, process, &attempt->row);
    memcpy(attempt->latency_counts, report->latency_counts, sizeof(attempt->latency_counts));
    attempt->row.latency_counts = attempt->latency_counts;
    memcpy(
        attempt->insert_numbers, report->pending.insert_numbers, sizeof(attempt->insert_numbers));
    attempt->row.insert_numbers = attempt->insert_numbers;
    report->last_number = report->last_number == INT64_MAX ? 1 : report->last_number + 1;
    attempt->row.number = report->last_number;
    attempt->is_open = true;
    report->pending = (struct report_counters){0};
    report->has_changes = false;
    report->row_unsettled_records = attempt->row.unsettled_records;
    report->row_unsettled_bytes = attempt->row.unsettled_bytes;
    return &attempt->row;
}

void report_answered(struct report *report, enum status st, int64_t now_ms)
{
    if (status_may_retry(st) || st == ST_CONFLICT) {
        return;
    }
    report->attempt.is_open = false;
    report->stored_ms = now_ms;
    if (st == ST_FENCED) {
        report->pending = (struct report_counters){0};
        report->has_changes = false;
    }
}

static enum status send_next(
    struct report *report, const struct report_process *process, struct store *store,
    struct err *err)
{
    const struct runtime_report *row = report_next(report, process);
    enum status st = runtime_report(store, process->owner, process->lease, row, err);
    report_answered(report, st, clock_monotonic_ms());
    return st;
}

enum status report_flush(
    struct report *report, const struct report_process *process, struct store *store,
    struct err *err)
{
    enum status st = ST_OK;
    if (report->attempt.is_open) {
        st = send_next(report, process, store, err);
    }
    if (st == ST_OK) {
        st = send_next(report, process, store, err);
    }
    if (st != ST_OK || !report->has_partitions_pending) {
        return st;
    }
    return flush_partitions(report, store, process->lease, err);
}
