/*
 * What heartbeats say. Every write is fenced: it locks the pipe, then the replica's row with its
 * owner and generation, and changes nothing if that row is somebody else's by now.
 */
#include "common/store/runtime.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/store/runtime_internal.h"
#include "common/store/store_internal.h"

/* $1 pipe, $2 index, $3 generation, $4 owner: the fenced row, locked after its pipe. */
#define SQL_FENCE                                                                                  \
    "WITH l AS MATERIALIZED (SELECT id FROM pipe WHERE id = $1 FOR NO KEY UPDATE), "               \
    "o AS MATERIALIZED (SELECT r.pipe_id, r.replica_index, r.pid, r.unsettled_records, "           \
    "r.unsettled_bytes, r.report_number FROM pipe_replica r JOIN l ON l.id = r.pipe_id "           \
    "WHERE r.replica_index = $2 AND r.generation = $3 AND r.owner = $4 FOR UPDATE OF r) "

static void fence_args(struct pg_args *args, const char *owner, const struct lease *lease)
{
    pg_args_init(args);
    pg_add_text(args, lease->pipe_id);
    pg_add_int(args, lease->replica_index);
    pg_add_int(args, lease->generation);
    pg_add_text(args, owner);
}

/* Run a fenced change of one row. */
static enum status fenced_change(
    struct store *store, const char *sql, const struct pg_args *args, const struct lease *lease,
    struct err *err)
{
    int64_t count = 0;
    enum status st = store_change(store, sql, args, &count, err);
    if (st == ST_OK && count == 0) {
        return err_set(
            err, ST_FENCED, "replica %d of pipe %s is not held with generation %" PRId64,
            lease->replica_index, lease->pipe_id, lease->generation);
    }
    return st;
}

/* '{1,2,3}' for a bigint[] argument. */
static enum status counts_format(const int64_t *counts, size_t count, struct buf *ret_buf)
{
    enum status st = buf_add_text(ret_buf, "{");
    for (size_t i = 0; st == ST_OK && i < count; i++) {
        st = buf_add_format(ret_buf, "%s%" PRId64, i == 0 ? "" : ",", counts[i]);
    }
    return st == ST_OK ? buf_add_text(ret_buf, "}") : st;
}

/* $17 to $31: differences of the counters, in the table's order; times 0 if they are there already
 * ($32, the report's number, is the last one's). */
#define X(name, number) #name " = p." #name " + $" #number " * n.times, "
#define SQL_ADD_COUNTERS RUNTIME_COUNTER_TABLE(X)
static const char report_sql[] = SQL_FENCE
    ", n AS MATERIALIZED (SELECT o.pipe_id, o.replica_index, "
    "CASE WHEN $32::bigint <> 0 AND o.report_number = $32::bigint THEN 0 ELSE 1 END::bigint AS "
    "times, "
    /* A process that never said that it ended leaves its unsettled records to the next one. */
    "CASE WHEN o.pid IS DISTINCT FROM $6 THEN o.unsettled_records ELSE 0 END AS records, "
    "CASE WHEN o.pid IS DISTINCT FROM $6 THEN o.unsettled_bytes ELSE 0 END AS bytes FROM o), "
    "w AS (UPDATE pipe_replica r SET state = $5, pid = $6, restarts = $7, revision = $8, "
    "started_at = CASE WHEN r.pid IS DISTINCT FROM $6 THEN now() ELSE r.started_at END, "
    "memory_bytes = $9, cpu_millicores = $10, records_per_second = $11, bytes_per_second = $12, "
    "unsettled_records = $13, unsettled_bytes = $14, latency_max_ms = $15, "
    "latency_counts = $16::bigint[], reported_at = now(), report_number = $32::bigint, "
    "cpu_us = r.cpu_us + $33::bigint FROM n "
    "WHERE r.pipe_id = n.pipe_id AND r.replica_index = n.replica_index AND n.times = 1) "
    "UPDATE pipe p SET " SQL_ADD_COUNTERS
    "fetched_records = p.fetched_records + ($17 - n.records) * n.times, "
    "fetched_bytes = p.fetched_bytes + ($18 - n.bytes) * n.times, "
    /* Place by place; a shorter array ends in zeros. */
    "insert_numbers = CASE WHEN n.times = 0 OR $34 = '{}' THEN p.insert_numbers ELSE (SELECT "
    "array_agg(COALESCE(u.a, 0) + COALESCE(u.b, 0) ORDER BY u.i) FROM ROWS FROM "
    "(unnest(p.insert_numbers), unnest($34::bigint[])) WITH ORDINALITY AS u (a, b, i)) END, "
    "ready_at = CASE WHEN $5 = 'running' AND p.desired = 'running' AND p.failed_at IS NULL "
    "THEN COALESCE(p.ready_at, now()) ELSE p.ready_at END, "
    "state_since = CASE WHEN $5 = 'running' AND p.desired = 'running' AND p.failed_at IS NULL AND "
    "p.ready_at IS NULL THEN now() ELSE p.state_since END "
    "FROM n WHERE p.id = $1";
#undef X

enum status runtime_report(
    struct store *store, const char *owner, const struct lease *lease,
    const struct runtime_report *report, struct err *err)
{
    assert(report->latency_counts_count <= RUNTIME_LATENCY_BUCKETS_MAX);
    assert(report->insert_numbers_count <= RUNTIME_INSERT_NUMBERS_MAX);
    CLEANUP(buf_done) struct buf counts;
    buf_init(&counts, (size_t)RUNTIME_LATENCY_BUCKETS_MAX * 24);
    enum status st = counts_format(report->latency_counts, report->latency_counts_count, &counts);
    CLEANUP(buf_done) struct buf inserts;
    buf_init(&inserts, (size_t)RUNTIME_INSERT_NUMBERS_MAX * 24);
    if (st == ST_OK) {
        st = counts_format(report->insert_numbers, report->insert_numbers_count, &inserts);
    }
    if (st != ST_OK) {
        return err_set(err, st, "numbers of a report");
    }
    struct pg_args args;
    fence_args(&args, owner, lease);
    pg_add_text(&args, report->state);
    pg_add_int(&args, report->pid);
    pg_add_int(&args, report->restarts);
    pg_add_int(&args, report->revision);
    pg_add_int(&args, report->resident_bytes);
    pg_add_int(&args, report->cpu_millicores);
    pg_add_double(&args, report->records_per_second);
    pg_add_double(&args, report->bytes_per_second);
    pg_add_int(&args, report->unsettled_records);
    pg_add_int(&args, report->unsettled_bytes);
    pg_add_int(&args, report->latency_max_ms);
    pg_add_text(&args, buf_text(&counts));
    pg_add_int(&args, report->fetched_records);
    pg_add_int(&args, report->fetched_bytes);
#define X(name, number) pg_add_int(&args, report->name);
    RUNTIME_COUNTER_TABLE(X)
#undef X
    pg_add_int(&args, report->number);
    pg_add_int(&args, report->cpu_us);
    pg_add_text(&args, buf_text(&inserts));
    return fenced_change(store, report_sql, &args, lease, err);
}

enum status runtime_child_ended(
    struct store *store, const char *owner, const struct lease *lease, struct err *err)
{
    struct pg_args args;
    fence_args(&args, owner, lease);
    return fenced_change(
        store,
        SQL_FENCE
        ", w AS (UPDATE pipe_replica r SET unsettled_records = 0, unsettled_bytes = 0, pid = NULL, "
        "state = CASE WHEN r.pid IS NULL THEN r.state ELSE 'idle' END, memory_bytes = 0, "
        "cpu_millicores = 0, records_per_second = 0, bytes_per_second = 0 FROM o "
        "WHERE r.pipe_id = o.pipe_id AND r.replica_index = o.replica_index "
        "RETURNING o.unsettled_records AS records, o.unsettled_bytes AS bytes) "
        "UPDATE pipe p SET fetched_records = p.fetched_records - w.records, fetched_bytes = "
        "p.fetched_bytes - w.bytes FROM w WHERE p.id = $1",
        &args, lease, err);
}

enum status runtime_set_reason(
    struct store *store, const char *owner, const struct lease *lease, const char *code,
    const char *message, struct err *err)
{
    struct pg_args args;
    fence_args(&args, owner, lease);
    bool has_reason = code[0] != '\0';
    pg_add_text(&args, has_reason ? code : NULL);
    pg_add_text(&args, has_reason ? message : NULL);
    return fenced_change(
        store,
        SQL_FENCE "UPDATE pipe p SET reason_code = $5::text, reason_message = $6::text, "
                  "last_error_type = COALESCE($5, p.last_error_type), "
                  "last_error_message = COALESCE($6, p.last_error_message), "
                  "last_error_at = CASE WHEN $5 IS NULL THEN p.last_error_at ELSE now() END "
                  "FROM o WHERE p.id = o.pipe_id",
        &args, lease, err);
}

enum status runtime_set_failed(
    struct store *store, const char *owner, const struct lease *lease, const char *code,
    const char *message, struct err *err)
{
    struct pg_args args;
    fence_args(&args, owner, lease);
    pg_add_text(&args, code);
    pg_add_text(&args, message);
    /* The first failure counts, and none once the user has stopped the pipe. */
    return fenced_change(
        store,
        SQL_FENCE ", n AS (SELECT o.pipe_id, p.desired = 'running' AND p.failed_at IS NULL AS "
                  "is_new FROM o JOIN pipe p ON p.id = o.pipe_id) "
                  "UPDATE pipe p SET "
                  "failure_code = CASE WHEN n.is_new THEN $5::text ELSE p.failure_code END, "
                  "failure_message = CASE WHEN n.is_new THEN $6::text ELSE p.failure_message END, "
                  "state_since = CASE WHEN n.is_new THEN now() ELSE p.state_since END, "
                  "failed_at = CASE WHEN n.is_new THEN now() ELSE p.failed_at END, "
                  "last_error_type = $5, last_error_message = $6, last_error_at = now() "
                  "FROM n WHERE p.id = n.pipe_id",
        &args, lease, err);
}

/* The rows as a JSON text for json_to_recordset. */
static char *partitions_json(const struct runtime_partition *rows, size_t count)
{
    json_t *array = json_array();
    int failed = array == NULL ? -1 : 0;
    for (size_t i = 0; failed == 0 && i < count; i++) {
        failed = json_array_append_new(
            array, json_pack(
                       "{s:s, s:i, s:I, s:I}", "topic", rows[i].topic, "partition",
                       rows[i].partition, "committed", (json_int_t)rows[i].committed, "end_offset",
                       (json_int_t)rows[i].end_offset));
    }
    char *text = failed == 0 ? json_dumps(array, JSON_COMPACT) : NULL;
    json_decref(array);
    return text;
}

enum status runtime_report_partitions(
    struct store *store, const struct lease *lease, const struct runtime_partition *rows,
    size_t count, struct err *err)
{
    if (count == 0) {
        return ST_OK;
    }
    CLEANUP(freep) char *text = partitions_json(rows, count);
    if (text == NULL) {
        return err_set(
            err, ST_INVALID, "partitions of pipe %s: a topic is not UTF-8 text", lease->pipe_id);
    }
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, lease->pipe_id);
    pg_add_int(&args, lease->replica_index);
    pg_add_int(&args, lease->generation);
    pg_add_text(&args, text);
    /* In the order of the key, so that two replicas never wait for each other; of a partition named
     * twice the last row counts; an unknown end (below 0) keeps the one that was known. */
    enum status st = fenced_change(
        store,
        "INSERT INTO pipe_partition (pipe_id, topic, partition, committed, end_offset) "
        "SELECT DISTINCT ON (x.topic, x.partition) $1::uuid, x.topic, x.partition, x.committed, "
        "x.end_offset FROM ROWS FROM (json_to_recordset($4::json) AS (topic text, partition "
        "integer, committed bigint, end_offset bigint)) WITH ORDINALITY AS x (topic, partition, "
        "committed, end_offset, n) WHERE EXISTS (SELECT FROM pipe_replica WHERE pipe_id = $1 AND "
        "replica_index = $2 AND generation = $3) ORDER BY x.topic, x.partition, x.n DESC "
        "ON CONFLICT (pipe_id, topic, partition) DO UPDATE SET committed = excluded.committed, "
        "end_offset = CASE WHEN excluded.end_offset < 0 THEN pipe_partition.end_offset ELSE "
        "excluded.end_offset END, updated_at = now()",
        &args, lease, err);
    if (st == ST_REJECTED) {
        return err_set(err, ST_FENCED, "pipe %s is gone", lease->pipe_id);
    }
    return st;
}
