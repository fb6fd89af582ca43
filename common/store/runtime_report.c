/*
 * What heartbeats say, of one replica or of all that a supervisor runs: one statement each, however
 * many. The rows go as one JSON text. Every write is fenced: it locks the pipes (in the order of
 * their ids, so that two supervisors never wait for each other in a circle), then the replicas'
 * rows with their owner and generation, and changes nothing where that row is somebody else's by
 * now.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/store/runtime.h"
#include "common/store/runtime_internal.h"
#include "common/store/store_internal.h"

enum {
    ITEM_MAX_BYTES = 8192, /* JSON of one report */
    SQL_MAX_BYTES = 16384,
};

/* What became of an item, as the statement tells it. */
enum report_outcome {
    REPORT_STORED = 0,
    REPORT_FENCED = 1,
    REPORT_LOCKED = 2,
};

/* Whole numbers of a row; a zero is left out of the JSON. */
#define REPORT_NUMBER_TABLE(X)                                                                     \
    X(pid)                                                                                         \
    X(restarts)                                                                                    \
    X(revision)                                                                                    \
    X(resident_bytes)                                                                              \
    X(cpu_millicores)                                                                              \
    X(unsettled_records)                                                                           \
    X(unsettled_bytes)                                                                             \
    X(latency_max_ms)                                                                              \
    X(cpu_us)                                                                                      \
    X(number) X(fetched_records) X(fetched_bytes) RUNTIME_COUNTER_TABLE(X)

/* $1 owner, $2 the rows. The statement in pieces, since its lists of columns follow from the
 * tables: each piece is text, or one of the lists. */
static const char rows_sql[] =
    " FROM json_to_recordset($2::json) AS x (n integer, pipe uuid, replica integer, generation "
    "bigint, state text, records_per_second double precision, bytes_per_second double precision, "
    "latency_counts bigint[], insert_numbers bigint[]";

static const char lock_sql[] =
    ")), l AS MATERIALIZED (SELECT p.id FROM pipe p WHERE p.id IN (SELECT pipe FROM x) "
    "ORDER BY p.id FOR NO KEY UPDATE OF p ";

/* A report that is there already (its number is the last one's) adds nothing. A process that never
 * said that it ended leaves its unsettled records to the next one. Insert numbers are added place
 * by place; a shorter array ends in zeros. */
static const char replicas_sql[] =
    "), o AS MATERIALIZED (SELECT x.*, r.pid AS was_pid, r.unsettled_records AS was_records, "
    "r.unsettled_bytes AS was_bytes, r.report_number AS was_number FROM x JOIN l ON l.id = x.pipe "
    "JOIN pipe_replica r ON r.pipe_id = x.pipe AND r.replica_index = x.replica AND r.generation "
    "= x.generation AND r.owner = $1 FOR UPDATE OF r), "
    "n AS MATERIALIZED (SELECT o.*, CASE WHEN number <> 0 AND was_number = number THEN 0 ELSE 1 "
    "END AS times, CASE WHEN was_pid IS DISTINCT FROM pid THEN was_records ELSE 0 END AS "
    "back_records, CASE WHEN was_pid IS DISTINCT FROM pid THEN was_bytes ELSE 0 END AS "
    "back_bytes FROM o), "
    "w AS (UPDATE pipe_replica r SET state = n.state, pid = n.pid, restarts = n.restarts, "
    "revision = n.revision, started_at = CASE WHEN r.pid IS DISTINCT FROM n.pid THEN now() ELSE "
    "r.started_at END, memory_bytes = n.resident_bytes, cpu_millicores = n.cpu_millicores, "
    "records_per_second = n.records_per_second, bytes_per_second = n.bytes_per_second, "
    "unsettled_records = n.unsettled_records, unsettled_bytes = n.unsettled_bytes, "
    "latency_max_ms = n.latency_max_ms, latency_counts = n.latency_counts, reported_at = now(), "
    "report_number = n.number, cpu_us = r.cpu_us + n.cpu_us FROM n WHERE r.pipe_id = n.pipe AND "
    "r.replica_index = n.replica AND n.times = 1), "
    "i AS MATERIALIZED (SELECT pipe, array_agg(total ORDER BY place) AS numbers FROM (SELECT "
    "n.pipe, u.place, sum(u.value)::bigint AS total FROM n, unnest(n.insert_numbers) WITH "
    "ORDINALITY AS u (value, place) WHERE n.times = 1 GROUP BY n.pipe, u.place) t GROUP BY pipe), "
    "a AS MATERIALIZED (SELECT n.pipe, bool_or(n.state = 'running') AS is_running, "
    "sum(n.back_records * n.times)::bigint AS back_records, sum(n.back_bytes * n.times)::bigint "
    "AS back_bytes";

static const char pipes_sql[] =
    "fetched_records = p.fetched_records + a.fetched_records - a.back_records, "
    "fetched_bytes = p.fetched_bytes + a.fetched_bytes - a.back_bytes, "
    "insert_numbers = CASE WHEN i.numbers IS NULL THEN p.insert_numbers ELSE (SELECT "
    "array_agg(COALESCE(u.a, 0) + COALESCE(u.b, 0) ORDER BY u.i) FROM ROWS FROM "
    "(unnest(p.insert_numbers), unnest(i.numbers)) WITH ORDINALITY AS u (a, b, i)) END, "
    "ready_at = CASE WHEN a.is_running AND p.desired = 'running' AND p.failed_at IS NULL THEN "
    "COALESCE(p.ready_at, now()) ELSE p.ready_at END, "
    "state_since = CASE WHEN a.is_running AND p.desired = 'running' AND p.failed_at IS NULL AND "
    "p.ready_at IS NULL THEN now() ELSE p.state_since END "
    /* The pipe's row stays as it is while its replicas have nothing to do. */
    "FROM a LEFT JOIN i ON i.pipe = a.pipe WHERE p.id = a.pipe AND (i.numbers IS NOT NULL OR "
    "(a.is_running AND p.ready_at IS NULL) OR a.back_records <> 0 OR a.back_bytes <> 0 OR "
    "a.fetched_records <> 0 OR a.fetched_bytes <> 0";

static const char outcomes_sql[] =
    ")) SELECT x.n, CASE WHEN n.n IS NOT NULL THEN 0 WHEN l.id IS NULL AND EXISTS (SELECT FROM "
    "pipe p WHERE p.id = x.pipe) THEN 2 ELSE 1 END FROM x LEFT JOIN l ON l.id = x.pipe LEFT JOIN "
    "n ON n.n = x.n";

/* locking: what to do about a pipe that is locked. ST_NO_MEMORY. */
static enum status report_sql(struct buf *b, const char *locking)
{
    enum status st = buf_add_format(
        b, "WITH x AS MATERIALIZED (SELECT n, pipe, replica, generation, state, %s, %s, %s, %s",
        "COALESCE(records_per_second, 0) AS records_per_second",
        "COALESCE(bytes_per_second, 0) AS bytes_per_second",
        "COALESCE(latency_counts, '{}') AS latency_counts",
        "COALESCE(insert_numbers, '{}') AS insert_numbers");
#define X_TEXT(text) st = st == ST_OK ? buf_add_text(b, text) : st;
#define X_NAME(name) X_TEXT(", COALESCE(" #name ", 0) AS " #name)
#define X_COLUMN(name) X_TEXT(", " #name " bigint")
#define X_SUM(name) X_TEXT(", sum(n." #name " * n.times)::bigint AS " #name)
#define X_ADD(name) X_TEXT(#name " = p." #name " + a." #name ", ")
#define X_ANY(name) X_TEXT(" OR a." #name " <> 0")
    REPORT_NUMBER_TABLE(X_NAME)
    X_TEXT(rows_sql)
    REPORT_NUMBER_TABLE(X_COLUMN)
    X_TEXT(lock_sql)
    X_TEXT(locking)
    X_TEXT(replicas_sql)
    X_SUM(fetched_records) /* not of every number: names of reports are random and overflow */
    X_SUM(fetched_bytes)
    RUNTIME_COUNTER_TABLE(X_SUM)
    X_TEXT(" FROM n GROUP BY n.pipe), u AS (UPDATE pipe p SET ")
    RUNTIME_COUNTER_TABLE(X_ADD)
    X_TEXT(pipes_sql)
    RUNTIME_COUNTER_TABLE(X_ANY)
    X_TEXT(outcomes_sql)
#undef X_TEXT
#undef X_NAME
#undef X_COLUMN
#undef X_SUM
#undef X_ADD
#undef X_ANY
    return st;
}

/* ,"name":[1,2,3] up to the last place that is not zero; nothing if all are. */
static enum status counts_add(struct buf *b, const char *name, const int64_t *counts, size_t count)
{
    while (count > 0 && counts[count - 1] == 0) {
        count--;
    }
    if (count == 0) {
        return ST_OK;
    }
    enum status st = buf_add_format(b, ",\"%s\":", name);
    for (size_t i = 0; st == ST_OK && i < count; i++) {
        st = buf_add_format(b, "%c%" PRId64, i == 0 ? '[' : ',', counts[i]);
    }
    return st == ST_OK ? buf_add_text(b, "]") : st;
}

static enum status number_add(struct buf *b, const char *name, int64_t value)
{
    return value == 0 ? ST_OK : buf_add_format(b, ",\"%s\":%" PRId64, name, value);
}

/* One row; state and pipe id have no character that JSON would escape. */
static enum status item_add(struct buf *b, size_t number, const struct runtime_report_item *item)
{
    const struct lease *lease = item->lease;
    const struct runtime_report *report = item->report;
    assert(report->latency_counts_count <= RUNTIME_LATENCY_BUCKETS_MAX);
    assert(report->insert_numbers_count <= RUNTIME_INSERT_NUMBERS_MAX);
    enum status st = buf_add_format(
        b,
        "%c{\"n\":%zu,\"pipe\":\"%s\",\"replica\":%d,\"generation\":%" PRId64 ",\"state\":\"%s\","
        "\"records_per_second\":%.17g,\"bytes_per_second\":%.17g",
        number == 0 ? '[' : ',', number, lease->pipe_id, lease->replica_index, lease->generation,
        report->state, report->records_per_second, report->bytes_per_second);
#define X_VALUE(name)                                                                              \
    if (st == ST_OK) {                                                                             \
        st = number_add(b, #name, report->name);                                                   \
    }
    REPORT_NUMBER_TABLE(X_VALUE)
#undef X_VALUE
    if (st == ST_OK) {
        st = counts_add(b, "latency_counts", report->latency_counts, report->latency_counts_count);
    }
    if (st == ST_OK) {
        st = counts_add(b, "insert_numbers", report->insert_numbers, report->insert_numbers_count);
    }
    return st == ST_OK ? buf_add_text(b, "}") : st;
}

static void
outcomes_read(const struct pg_rows *rows, struct runtime_report_item *items, size_t count)
{
    for (int i = 0; i < pg_rows_count(rows); i++) {
        struct pg_cell cell = pg_row(rows, i);
        const int64_t number = pg_next_int(&cell);
        const enum report_outcome outcome = (enum report_outcome)pg_next_int(&cell);
        if (number < 0 || (size_t)number >= count) {
            continue; /* uncovered: the numbers are ours */
        }
        items[number].status =
            outcome == REPORT_STORED ? ST_OK : (outcome == REPORT_LOCKED ? ST_CONFLICT : ST_FENCED);
    }
}

static enum status report_run(
    struct store *store, const char *locking, const char *owner, struct runtime_report_item *items,
    size_t count, struct err *err)
{
    CLEANUP(buf_done) struct buf sql;
    CLEANUP(buf_done) struct buf text;
    buf_init(&sql, SQL_MAX_BYTES);
    buf_init(&text, count * ITEM_MAX_BYTES);
    enum status st = report_sql(&sql, locking);
    for (size_t i = 0; st == ST_OK && i < count; i++) {
        items[i].status = ST_FENCED;
        st = item_add(&text, i, &items[i]);
    }
    if (st == ST_OK) {
        st = buf_add_text(&text, "]");
    }
    if (st != ST_OK) {
        return err_set(err, st, "text of %zu reports", count);
    }
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, owner);
    pg_add_text(&args, buf_text(&text));
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    st = store_run(store, buf_text(&sql), &args, &rows, err);
    if (st == ST_OK) {
        outcomes_read(rows, items, count);
    }
    return st;
}

enum status runtime_report(
    struct store *store, const char *owner, const struct lease *lease,
    const struct runtime_report *report, struct err *err)
{
    struct runtime_report_item item = {.lease = lease, .report = report};
    enum status st = report_run(store, "", owner, &item, 1, err);
    if (st == ST_OK && item.status != ST_OK) {
        return err_set(
            err, item.status, "replica %d of pipe %s is not held with generation %" PRId64,
            lease->replica_index, lease->pipe_id, lease->generation);
    }
    return st;
}

enum status runtime_report_all(
    struct store *store, const char *owner, struct runtime_report_item *items, size_t count,
    struct err *err)
{
    return count == 0 ? ST_OK : report_run(store, "SKIP LOCKED", owner, items, count, err);
}

/* The rows as a JSON text for json_to_recordset. NULL: no memory, or a topic is not UTF-8. */
static char *partitions_json(const struct runtime_partitions_item *items, size_t count)
{
    json_t *array = json_array();
    int failed = array == NULL ? -1 : 0;
    for (size_t i = 0; i < count; i++) {
        const struct lease *lease = items[i].lease;
        for (size_t j = 0; failed == 0 && j < items[i].count; j++) {
            const struct runtime_partition *row = &items[i].rows[j];
            failed = json_array_append_new(
                array, json_pack(
                           "{s:s, s:i, s:I, s:s, s:i, s:I, s:I}", "pipe", lease->pipe_id, "replica",
                           lease->replica_index, "generation", (json_int_t)lease->generation,
                           "topic", row->topic, "partition", row->partition, "committed",
                           (json_int_t)row->committed, "end_offset", (json_int_t)row->end_offset));
        }
    }
    char *text = failed == 0 ? json_dumps(array, JSON_COMPACT) : NULL;
    json_decref(array);
    return text;
}

/* In the order of the key, so that two supervisors never wait for each other; of a partition named
 * twice the last row counts; an unknown end (below 0) keeps the one that was known. */
static const char partitions_sql[] =
    "INSERT INTO pipe_partition (pipe_id, topic, partition, committed, end_offset) "
    "SELECT DISTINCT ON (x.pipe, x.topic, x.partition) x.pipe, x.topic, x.partition, "
    "x.committed, x.end_offset FROM ROWS FROM (json_to_recordset($1::json) AS (pipe uuid, "
    "replica integer, generation bigint, topic text, partition integer, committed bigint, "
    "end_offset bigint)) WITH ORDINALITY AS x (pipe, replica, generation, topic, partition, "
    "committed, end_offset, n) JOIN pipe_replica r ON r.pipe_id = x.pipe AND r.replica_index "
    "= x.replica AND r.generation = x.generation ORDER BY x.pipe, x.topic, x.partition, x.n "
    "DESC ON CONFLICT (pipe_id, topic, partition) DO UPDATE SET committed = "
    "excluded.committed, end_offset = CASE WHEN excluded.end_offset < 0 THEN "
    "pipe_partition.end_offset ELSE excluded.end_offset END, updated_at = now()";

static enum status partitions_run(
    struct store *store, const struct runtime_partitions_item *items, size_t count,
    int64_t *ret_count, struct err *err)
{
    CLEANUP(freep) char *text = partitions_json(items, count);
    if (text == NULL) {
        return err_set(
            err, ST_INVALID, "partitions of pipe %s: a topic is not UTF-8 text",
            count == 1 ? items[0].lease->pipe_id : "(several)");
    }
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, text);
    return store_change(store, partitions_sql, &args, ret_count, err);
}

enum status runtime_report_partitions(
    struct store *store, const struct lease *lease, const struct runtime_partition *rows,
    size_t count, struct err *err)
{
    if (count == 0) {
        return ST_OK;
    }
    const struct runtime_partitions_item item = {.lease = lease, .rows = rows, .count = count};
    int64_t stored_count = 0;
    enum status st = partitions_run(store, &item, 1, &stored_count, err);
    if (st == ST_REJECTED || (st == ST_OK && stored_count == 0)) {
        return err_set(
            err, ST_FENCED, "replica %d of pipe %s is not held with generation %" PRId64,
            lease->replica_index, lease->pipe_id, lease->generation);
    }
    return st;
}

enum status runtime_report_all_partitions(
    struct store *store, const struct runtime_partitions_item *items, size_t count, struct err *err)
{
    int64_t stored_count = 0;
    return count == 0 ? ST_OK : partitions_run(store, items, count, &stored_count, err);
}
