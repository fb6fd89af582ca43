/* What the api shows of running pipes: three statements, however many pipes. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/parse.h"
#include "common/store/runtime.h"
#include "common/store/runtime_internal.h"
#include "common/store/store_internal.h"

/* $1 organization, $2 service, $3 pipe; null means any. */
#define SQL_FILTER                                                                                 \
    "($1::uuid IS NULL OR s.organization_id = $1) AND ($2::uuid IS NULL OR p.service_id = $2) "    \
    "AND "                                                                                         \
    "($3::uuid IS NULL OR p.id = $3) "

static void summary_done(struct runtime_summary *summary)
{
    for (size_t i = 0; i < summary->replicas_count; i++) {
        free(summary->replicas[i].host);
        free(summary->replicas[i].state);
        free(summary->replicas[i].started_at);
    }
    for (size_t i = 0; i < summary->partitions_count; i++) {
        free(summary->partitions[i].topic);
    }
    free(summary->replicas);
    free(summary->partitions);
    free(summary->pipe_id);
}

void runtime_summaries_done(struct runtime_summaries *summaries)
{
    for (size_t i = 0; i < summaries->count; i++) {
        summary_done(&summaries->items[i]);
    }
    free(summaries->items);
    *summaries = (struct runtime_summaries){.items = NULL};
}

/* Add the numbers of '{1,2,3}' to the first counts_max. */
static void counts_add(const char *text, int64_t *counts, size_t counts_max)
{
    size_t bucket = 0;
    for (const char *at = text + 1; *at != '\0' && *at != '}' && bucket < counts_max; bucket++) {
        char number[PG_NUMBER_BYTES] = "";
        size_t len_bytes = strcspn(at, ",}");
        int64_t value = 0;
        if (len_bytes < sizeof(number)) {
            memcpy(number, at, len_bytes);
        }
        if (parse_i64(number, 0, INT64_MAX / 64, &value) == ST_OK) {
            counts[bucket] += value;
        }
        at += len_bytes + (at[len_bytes] == ',' ? 1 : 0);
    }
}

static enum status pipes_read(
    struct store *store, const struct pg_args *args, struct runtime_summaries *summaries,
    struct err *err)
{
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
#define X(name) ", p." #name
    enum status st = store_run(
        store,
        "SELECT p.id, p.fetched_records, p.fetched_bytes" RUNTIME_COUNTER_TABLE(
            X) ", p.insert_numbers FROM pipe p JOIN service s ON s.id = p.service_id "
               "WHERE " SQL_FILTER "ORDER BY p.created_at, p.id",
        args, &rows, err);
#undef X
    if (st != ST_OK) {
        return st;
    }
    size_t count = (size_t)pg_rows_count(rows);
    summaries->items = calloc(count + 1, sizeof(*summaries->items));
    if (summaries->items == NULL) {
        return err_set(err, ST_NO_MEMORY, "summaries");
    }
    for (; summaries->count < count; summaries->count++) {
        struct runtime_summary *summary = &summaries->items[summaries->count];
        struct pg_cell cell = pg_row(rows, (int)summaries->count);
        summary->pipe_id = pg_next_copy(&cell);
        summary->counters.fetched_records = pg_next_int(&cell);
        summary->counters.fetched_bytes = pg_next_int(&cell);
#define X(name) summary->counters.name = pg_next_int(&cell);
        RUNTIME_COUNTER_TABLE(X)
#undef X
        counts_add(pg_next_text(&cell), summary->insert_numbers, RUNTIME_INSERT_NUMBERS_MAX);
        if (cell.is_out_of_memory) {
            return err_set(err, ST_NO_MEMORY, "summaries");
        }
    }
    return ST_OK;
}

/*
 * The pipe of a row. All statements come in the same order, so the search goes on where the last
 * one ended; a pipe that was made in between is not among them: NULL.
 */
static struct runtime_summary *
summary_find(const struct runtime_summaries *summaries, const char *pipe_id, size_t *at)
{
    for (size_t i = *at; i < summaries->count; i++) {
        if (strcmp(summaries->items[i].pipe_id, pipe_id) == 0) {
            *at = i;
            return &summaries->items[i];
        }
    }
    return NULL;
}

/* How many rows from this one on belong to the same pipe (first cell). */
static size_t run_count(const struct pg_rows *rows, int first)
{
    struct pg_cell cell = pg_row(rows, first);
    const char *pipe_id = pg_next_text(&cell);
    int row = first + 1;
    for (; row < pg_rows_count(rows); row++) {
        struct pg_cell next = pg_row(rows, row);
        if (strcmp(pg_next_text(&next), pipe_id) != 0) {
            break;
        }
    }
    return (size_t)(row - first);
}

/* One replica's cells behind the pipe id; only a live one counts for rates and latency. */
static bool replica_read(struct pg_cell *cell, struct runtime_summary *summary)
{
    struct runtime_replica_row *row = &summary->replicas[summary->replicas_count++];
    row->replica_index = (int)pg_next_int(cell);
    row->host = pg_next_copy(cell);
    row->pid = (int)pg_next_int(cell);
    row->state = pg_next_copy(cell);
    row->started_at = pg_next_copy(cell);
    row->restarts = pg_next_int(cell);
    row->memory_bytes = pg_next_int(cell);
    row->cpu_us = pg_next_int(cell);
    row->cpu_millicores = (int)pg_next_int(cell);
    row->is_live = pg_next_bool(cell);
    double records_per_second = pg_next_double(cell);
    double bytes_per_second = pg_next_double(cell);
    int64_t latency_max_ms = pg_next_int(cell);
    const char *counts = pg_next_text(cell);
    if (row->is_live) {
        summary->records_per_second += records_per_second;
        summary->bytes_per_second += bytes_per_second;
        if (latency_max_ms > summary->latency_max_ms) {
            summary->latency_max_ms = latency_max_ms;
        }
        counts_add(counts, summary->latency_counts, RUNTIME_LATENCY_BUCKETS_MAX);
    }
    return !cell->is_out_of_memory;
}

static bool replicas_make(struct runtime_summary *summary, size_t count)
{
    summary->replicas = calloc(count, sizeof(*summary->replicas));
    return summary->replicas != NULL;
}

/* One partition's cells behind the pipe id. */
static bool partition_read(struct pg_cell *cell, struct runtime_summary *summary)
{
    struct runtime_partition_row *row = &summary->partitions[summary->partitions_count++];
    row->topic = pg_next_copy(cell);
    row->partition = (int)pg_next_int(cell);
    row->committed = pg_next_int(cell);
    row->end_offset = pg_next_int(cell);
    int64_t from = row->committed < 0 ? 0 : row->committed;
    if (row->end_offset > from) {
        summary->lag_records += row->end_offset - from;
    }
    return !cell->is_out_of_memory;
}

static bool partitions_make(struct runtime_summary *summary, size_t count)
{
    summary->partitions = calloc(count, sizeof(*summary->partitions));
    return summary->partitions != NULL;
}

/* A statement whose rows belong to pipes: the pipe's id is the first cell. */
struct part {
    const char *name; /* for errors */
    const char *sql;
    bool (*make)(struct runtime_summary *summary, size_t count);
    bool (*read)(struct pg_cell *cell, struct runtime_summary *summary); /* called count times */
};

/* clang-format off */
static const struct part part_replicas = {
    "replicas",
    "SELECT r.pipe_id, r.replica_index, r.host, r.pid, r.state, " SQL_RFC3339("r.started_at") ", "
    "r.restarts, r.memory_bytes, r.cpu_us, r.cpu_millicores, COALESCE(" SQL_IS_LIVE("r") ", false), "
    "r.records_per_second, r.bytes_per_second, r.latency_max_ms, r.latency_counts FROM pipe p "
    "JOIN service s ON s.id = p.service_id JOIN pipe_replica r ON r.pipe_id = p.id WHERE "
    SQL_FILTER "AND (r.replica_index < p.replicas OR " SQL_IS_LIVE("r") ") "
    "ORDER BY p.created_at, p.id, r.replica_index",
    replicas_make, replica_read};
static const struct part part_partitions = {
    "partitions",
    "SELECT t.pipe_id, t.topic, t.partition, t.committed, t.end_offset FROM pipe p "
    "JOIN service s ON s.id = p.service_id JOIN pipe_partition t ON t.pipe_id = p.id WHERE "
    SQL_FILTER "ORDER BY p.created_at, p.id, t.topic, t.partition",
    partitions_make, partition_read};
/* clang-format on */

static enum status part_read(
    const struct part *part, struct store *store, const struct pg_args *args,
    struct runtime_summaries *summaries, struct err *err)
{
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    enum status st = store_run(store, part->sql, args, &rows, err);
    size_t at = 0;
    size_t run = 0;
    for (int row = 0; st == ST_OK && row < pg_rows_count(rows); row += (int)run) {
        run = run_count(rows, row);
        struct pg_cell cell = pg_row(rows, row);
        struct runtime_summary *summary = summary_find(summaries, pg_next_text(&cell), &at);
        if (summary == NULL) {
            continue;
        }
        bool is_read = part->make(summary, run);
        for (size_t i = 0; is_read && i < run; i++) {
            cell = pg_row(rows, row + (int)i);
            cell.column = 1;
            is_read = part->read(&cell, summary);
        }
        if (!is_read) {
            st = err_set(err, ST_NO_MEMORY, "%s of pipe %s", part->name, summary->pipe_id);
        }
    }
    return st;
}

enum status runtime_summarize(
    struct store *store, const char *organization_id, const char *service_id, const char *pipe_id,
    struct runtime_summaries *ret_summaries, struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, organization_id);
    pg_add_text(&args, service_id);
    pg_add_text(&args, pipe_id);
    struct runtime_summaries summaries = {.items = NULL};
    enum status st = pipes_read(store, &args, &summaries, err);
    if (st == ST_OK) {
        st = part_read(&part_replicas, store, &args, &summaries, err);
    }
    if (st == ST_OK) {
        st = part_read(&part_partitions, store, &args, &summaries, err);
    }
    if (st != ST_OK) {
        runtime_summaries_done(&summaries);
        return st;
    }
    *ret_summaries = summaries;
    return ST_OK;
}
