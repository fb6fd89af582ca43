/*
 * Facts of the store to the summary's JSON.
 */
#include "api/wire/summary_wire.h"

#include <assert.h>
#include <string.h>

#include "common/metrics/latency.h"

#include "api/wire/pipe_wire.h"

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

static json_t *reason_to_json(const struct pipe_row *row)
{
    struct summary_reason reason = wire_summary_reason(row);
    if (reason.code == PIPE_REASON_NONE) {
        return json_null();
    }
    return json_pack(
        "{s:s, s:s, s:s}", "code", pipe_reason_text(reason.code), "message", reason.message, "hint",
        pipe_reason_hint(reason.code));
}

static json_t *last_error_to_json(const struct pipe_row *row)
{
    if (row->last_error_at == NULL) {
        return json_null();
    }
    return json_pack(
        "{s:s, s:s, s:s}", "time", row->last_error_at, "type",
        row->last_error_type == NULL ? "" : row->last_error_type, "message",
        row->last_error_message == NULL ? "" : row->last_error_message);
}

/* wanted_count: replicas that the pipe should have; rows beyond it are of a larger past. */
static json_t *replicas_to_json(const struct runtime_summary *runtime, int wanted_count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < runtime->replicas_count; i++) {
        const struct runtime_replica_row *row = &runtime->replicas[i];
        if (!row->is_live && row->replica_index >= wanted_count) {
            continue;
        }
        json_t *replica = json_pack(
            "{s:i, s:s, s:o, s:s, s:s?, s:I, s:I, s:i}", "index", row->replica_index, "host",
            row->host == NULL ? "" : row->host, "pid",
            row->is_live && row->pid > 0 ? json_integer(row->pid) : json_null(), "state",
            row->is_live && row->state != NULL ? row->state : "idle", "startedAt", row->started_at,
            "restarts", (json_int_t)row->restarts, "memoryBytes", (json_int_t)row->memory_bytes,
            "cpuMillicores", row->cpu_millicores);
        if (json_array_append_new(list, replica) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *partitions_to_json(const struct runtime_summary *runtime)
{
    json_t *list = json_array();
    for (size_t i = 0; i < runtime->partitions_count; i++) {
        const struct runtime_partition_row *row = &runtime->partitions[i];
        int64_t from = row->committed < 0 ? 0 : row->committed;
        int64_t lag = row->end_offset > from ? row->end_offset - from : 0;
        json_t *partition = json_pack(
            "{s:s, s:i, s:I, s:I, s:I}", "topic", row->topic, "partition", row->partition,
            "committed", (json_int_t)row->committed, "end", (json_int_t)row->end_offset, "lag",
            (json_int_t)lag);
        if (json_array_append_new(list, partition) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *latency_to_json(const struct runtime_summary *runtime)
{
    static const struct {
        const char *name;
        double share;
    } SHARES[] = {{"p50", 0.50}, {"p95", 0.95}, {"p99", 0.99}};
    json_t *latency = json_object();
    bool is_ok = latency != NULL;
    for (size_t i = 0; i < ARRAY_LEN(SHARES); i++) {
        int64_t value = latency_percentile_ms(
            runtime->latency_counts, ARRAY_LEN(runtime->latency_counts), runtime->latency_max_ms,
            SHARES[i].share);
        is_ok = is_ok && json_object_set_new(latency, SHARES[i].name, json_integer(value)) == 0;
    }
    is_ok =
        is_ok && json_object_set_new(latency, "max", json_integer(runtime->latency_max_ms)) == 0;
    if (!is_ok) {
        json_decref(latency);
        return NULL;
    }
    return latency;
}

/* What is promised: as the last replica that started found it; of a pipe that does not ask for more
 * whatever the table could do. */
static json_t *promise_to_json(const struct pipe_row *row)
{
    const json_t *kafka = json_object_get(json_object_get(row->definition, "source"), "kafka");
    if (!json_is_true(json_object_get(kafka, "exactlyOnce"))) {
        struct guarantee plain;
        guarantee_not_asked(&plain);
        return guarantee_to_json(&plain);
    }
    if (row->has_guarantee) {
        return guarantee_to_json(&row->guarantee);
    }
    static const struct guarantee unknown = {
        .mode = GUARANTEE_AT_LEAST_ONCE,
        .detail = "exactlyOnce is on; what the table allows is looked at when the pipe starts",
    };
    return guarantee_to_json(&unknown);
}

/* What works and should not stay so: sentences for a person. */
static json_t *warnings_to_json(const struct pipe_row *row)
{
    const json_t *kafka = json_object_get(json_object_get(row->definition, "source"), "kafka");
    const json_t *registry = json_object_get(kafka, "schemaRegistry");
    const char *url = json_string_value(json_object_get(registry, "url"));
    json_t *list = json_array();
    if (url != NULL && strncmp(url, "http://", 7) == 0 &&
        json_array_append_new(
            list, json_string("the schema registry is asked over http://: its login and the "
                              "schemas cross the network unencrypted; use https://")) != 0) {
        json_decref(list);
        return NULL;
    }
    return list;
}

static json_t *counters_to_json(const struct runtime_summary *runtime)
{
    const struct runtime_counters *c = &runtime->counters;
    return json_pack(
        "{s:{s:I,s:I,s:I,s:I}, s:{s:I,s:I,s:I,s:I}, s:{s:o,s:o},"
        " s:{s:I,s:I,s:{s:I,s:I,s:I,s:I}}}",
        "records", "fetched", (json_int_t)c->fetched_records, "sent", (json_int_t)c->sent_records,
        "rejected", (json_int_t)c->rejected_records, "skipped", (json_int_t)c->skipped_records,
        "bytes", "fetched", (json_int_t)c->fetched_bytes, "fetchedCompressed",
        (json_int_t)c->fetched_wire_bytes, "sent", (json_int_t)c->sent_bytes, "sentCompressed",
        (json_int_t)c->sent_wire_bytes, "rates", "recordsPerSecond",
        wire_number(runtime->records_per_second), "bytesPerSecond",
        wire_number(runtime->bytes_per_second), "batches", "inserts", (json_int_t)c->inserts,
        "retries", (json_int_t)c->insert_retries, "byReason", "rows", (json_int_t)c->batches_rows,
        "bytes", (json_int_t)c->batches_bytes, "age", (json_int_t)c->batches_age, "drain",
        (json_int_t)c->batches_drain);
}

static json_t *lag_to_json(const struct runtime_summary *runtime, bool is_whole)
{
    json_t *lag = json_pack("{s:I}", "records", (json_int_t)runtime->lag_records);
    if (lag == NULL || !is_whole) {
        return lag;
    }
    if (json_object_set_new(lag, "partitions", partitions_to_json(runtime)) != 0) {
        json_decref(lag);
        return NULL;
    }
    return lag;
}

json_t *wire_summary_to_json(
    const struct pipe_row *row, const struct runtime_summary *runtime, bool is_whole)
{
    if (runtime == NULL) {
        runtime = &NOTHING_YET;
    }
    json_t *summary = json_pack(
        "{s:s, s:s, s:s, s:s?, s:o, s:s}", "id", row->id, "name", row->name, "state",
        pipe_state_text(pipe_state_derive(&row->facts)), "since", row->state_since, "reason",
        reason_to_json(row), "desired", row->facts.is_wanted ? "running" : "stopped");
    bool is_ok = summary != NULL;
    if (is_whole) {
        is_ok = is_ok &&
                json_object_set_new(
                    summary, "replicas", replicas_to_json(runtime, row->scaling.replicas)) == 0;
    }
    json_t *counters = counters_to_json(runtime);
    is_ok = is_ok && counters != NULL && json_object_update(summary, counters) == 0;
    json_decref(counters);
    is_ok = is_ok && json_object_set_new(summary, "lag", lag_to_json(runtime, is_whole)) == 0;
    is_ok = is_ok && json_object_set_new(summary, "latencyMs", latency_to_json(runtime)) == 0;
    is_ok = is_ok && json_object_set_new(summary, "guarantee", promise_to_json(row)) == 0;
    is_ok = is_ok && json_object_set_new(summary, "lastError", last_error_to_json(row)) == 0;
    is_ok = is_ok && json_object_set_new(summary, "warnings", warnings_to_json(row)) == 0;
    if (!is_ok) {
        json_decref(summary);
        return NULL;
    }
    return summary;
}
