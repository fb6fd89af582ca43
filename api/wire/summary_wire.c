/*
 * Facts of the store to the summary's JSON: written in one pass, since a list of a thousand is
 * asked for every few seconds.
 */
#include "api/wire/summary_wire.h"

#include <assert.h>
#include <string.h>

#include "common/metrics/latency.h"

static const struct runtime_summary NOTHING_YET;

struct summary_reason wire_summary_reason(const struct pipe_row *row)
{
    if (row->failure_code != NULL) {
        return (struct summary_reason){
            pipe_reason_from_text(row->failure_code),
            row->failure_message == NULL ? "" : row->failure_message};
    }
    if (!row->facts.is_wanted) {
        return (struct summary_reason){PIPE_REASON_NONE, ""};
    }
    if (row->reason_code != NULL && row->reason_code[0] != '\0') {
        return (struct summary_reason){
            pipe_reason_from_text(row->reason_code),
            row->reason_message == NULL ? "" : row->reason_message};
    }
    if (!row->facts.has_live_replica && !row->has_worker) {
        return (struct summary_reason){PIPE_REASON_NO_WORKER, "no worker has been seen lately"};
    }
    return (struct summary_reason){PIPE_REASON_NONE, ""};
}

static void write_reason(struct json_text *json, const struct pipe_row *row)
{
    struct summary_reason reason = wire_summary_reason(row);
    if (reason.code == PIPE_REASON_NONE) {
        json_text_null(json, "reason");
        return;
    }
    json_text_object(json, "reason");
    json_text_string(json, "code", pipe_reason_text(reason.code));
    json_text_string(json, "message", reason.message);
    json_text_string(json, "hint", pipe_reason_hint(reason.code));
    json_text_end_object(json);
}

static void write_last_error(struct json_text *json, const struct pipe_row *row)
{
    if (row->last_error_at == NULL) {
        json_text_null(json, "lastError");
        return;
    }
    json_text_object(json, "lastError");
    json_text_string(json, "time", row->last_error_at);
    json_text_string(json, "type", row->last_error_type == NULL ? "" : row->last_error_type);
    json_text_string(
        json, "message", row->last_error_message == NULL ? "" : row->last_error_message);
    json_text_end_object(json);
}

static void write_replica(struct json_text *json, const struct runtime_replica_row *row)
{
    json_text_object(json, NULL);
    json_text_integer(json, "index", row->replica_index);
    json_text_string(json, "host", row->host == NULL ? "" : row->host);
    if (row->is_live && row->pid > 0) {
        json_text_integer(json, "pid", row->pid);
    } else {
        json_text_null(json, "pid");
    }
    json_text_string(json, "state", row->is_live && row->state != NULL ? row->state : "idle");
    json_text_string(json, "startedAt", row->started_at);
    json_text_integer(json, "restarts", row->restarts);
    json_text_integer(json, "memoryBytes", row->memory_bytes);
    json_text_integer(json, "cpuMillicores", row->cpu_millicores);
    json_text_end_object(json);
}

/* wanted_count: replicas that the pipe should have; rows beyond it are of a larger past. */
static void
write_replicas(struct json_text *json, const struct runtime_summary *runtime, int wanted_count)
{
    json_text_array(json, "replicas");
    for (size_t i = 0; i < runtime->replicas_count; i++) {
        const struct runtime_replica_row *row = &runtime->replicas[i];
        if (row->is_live || row->replica_index < wanted_count) {
            write_replica(json, row);
        }
    }
    json_text_end_array(json);
}

static void write_partitions(struct json_text *json, const struct runtime_summary *runtime)
{
    json_text_array(json, "partitions");
    for (size_t i = 0; i < runtime->partitions_count; i++) {
        const struct runtime_partition_row *row = &runtime->partitions[i];
        int64_t from = row->committed < 0 ? 0 : row->committed;
        json_text_object(json, NULL);
        json_text_string(json, "topic", row->topic);
        json_text_integer(json, "partition", row->partition);
        json_text_integer(json, "committed", row->committed);
        json_text_integer(json, "end", row->end_offset);
        json_text_integer(json, "lag", row->end_offset > from ? row->end_offset - from : 0);
        json_text_end_object(json);
    }
    json_text_end_array(json);
}

static void write_latency(struct json_text *json, const struct runtime_summary *runtime)
{
    static const struct {
        const char *name;
        double share;
    } SHARES[] = {{"p50", 0.50}, {"p95", 0.95}, {"p99", 0.99}};
    json_text_object(json, "latencyMs");
    for (size_t i = 0; i < ARRAY_LEN(SHARES); i++) {
        int64_t value = latency_percentile_ms(
            runtime->latency_counts, ARRAY_LEN(runtime->latency_counts), runtime->latency_max_ms,
            SHARES[i].share);
        json_text_integer(json, SHARES[i].name, value);
    }
    json_text_integer(json, "max", runtime->latency_max_ms);
    json_text_end_object(json);
}

/* What is promised: as the last replica that started found it; of a pipe that does not ask for more
 * whatever the table could do. */
static void write_promise(struct json_text *json, const struct pipe_row *row)
{
    static const struct guarantee unknown = {
        .mode = GUARANTEE_AT_LEAST_ONCE,
        .detail = "exactlyOnce is on; what the table allows is looked at when the pipe starts",
    };
    if (!row->is_exactly_once) {
        struct guarantee plain;
        guarantee_not_asked(&plain);
        guarantee_write(json, "guarantee", &plain);
        return;
    }
    guarantee_write(json, "guarantee", row->has_guarantee ? &row->guarantee : &unknown);
}

/* What works and should not stay so: sentences for a person. */
static void write_warnings(struct json_text *json, const struct pipe_row *row)
{
    json_text_array(json, "warnings");
    if (row->registry_url != NULL && strncmp(row->registry_url, "http://", 7) == 0) {
        json_text_string(
            json, NULL,
            "the schema registry is asked over http://: its login and the schemas cross the "
            "network unencrypted; use https://");
    }
    if (row->certificate_warning != NULL) {
        json_text_string(json, NULL, row->certificate_warning);
    }
    json_text_end_array(json);
}

struct number {
    const char *name;
    int64_t value;
};

/* An object of four counters. */
static void write_four(struct json_text *json, const char *name, const struct number numbers[4])
{
    json_text_object(json, name);
    for (size_t i = 0; i < 4; i++) {
        json_text_integer(json, numbers[i].name, numbers[i].value);
    }
    json_text_end_object(json);
}

static void write_counters(struct json_text *json, const struct runtime_summary *runtime)
{
    const struct runtime_counters *c = &runtime->counters;
    const struct number records[] = {
        {"fetched", c->fetched_records},
        {"sent", c->sent_records},
        {"rejected", c->rejected_records},
        {"skipped", c->skipped_records},
    };
    const struct number bytes[] = {
        {"fetched", c->fetched_bytes},
        {"fetchedCompressed", c->fetched_wire_bytes},
        {"sent", c->sent_bytes},
        {"sentCompressed", c->sent_wire_bytes},
    };
    const struct number reasons[] = {
        {"rows", c->batches_rows},
        {"bytes", c->batches_bytes},
        {"age", c->batches_age},
        {"drain", c->batches_drain},
    };
    write_four(json, "records", records);
    write_four(json, "bytes", bytes);
    json_text_object(json, "rates");
    json_text_number(json, "recordsPerSecond", runtime->records_per_second);
    json_text_number(json, "bytesPerSecond", runtime->bytes_per_second);
    json_text_end_object(json);
    json_text_object(json, "batches");
    json_text_integer(json, "inserts", c->inserts);
    json_text_integer(json, "retries", c->insert_retries);
    write_four(json, "byReason", reasons);
    json_text_end_object(json);
}

static void write_lag(struct json_text *json, const struct runtime_summary *runtime, bool is_whole)
{
    json_text_object(json, "lag");
    json_text_integer(json, "records", runtime->lag_records);
    if (is_whole) {
        write_partitions(json, runtime);
    }
    json_text_end_object(json);
}

void wire_summary_write(
    struct json_text *json, const struct pipe_row *row, const struct runtime_summary *runtime,
    bool is_whole)
{
    if (runtime == NULL) {
        runtime = &NOTHING_YET;
    }
    json_text_object(json, NULL);
    json_text_string(json, "id", row->id);
    json_text_string(json, "name", row->name);
    json_text_string(json, "state", pipe_state_text(pipe_state_derive(&row->facts)));
    json_text_string(json, "since", row->state_since);
    write_reason(json, row);
    json_text_string(json, "desired", row->facts.is_wanted ? "running" : "stopped");
    if (is_whole) {
        write_replicas(json, runtime, row->scaling.replicas);
    }
    write_counters(json, runtime);
    write_lag(json, runtime, is_whole);
    write_latency(json, runtime);
    write_promise(json, row);
    write_last_error(json, row);
    write_warnings(json, row);
    json_text_end_object(json);
}
