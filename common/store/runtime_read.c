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

/* Add the numbers of '{1,2,3}', a bigint[] of counters far below 10^15, to the first counts_max. */
static void counts_add(const char *text, int64_t *counts, size_t counts_max)
{
    const char *at = text;
    for (size_t bucket = 0; *at != '\0' && *at != '}' && bucket < counts_max; bucket++) {
        int64_t value = 0;
        for (at++; *at >= '0' && *at <= '9' && value < INT64_MAX / 1000; at++) {
            value = value * 10 + (*at - '0');
        }
        counts[bucket] += value;
        at += strcspn(at, ",}");
    }
}

/* clang-format off */
#define X(name) ", p." #name
#define SQL_PIPES(insert_numbers) \
    "SELECT p.id, p.fetched_records, p.fetched_bytes" RUNTIME_COUNTER_TABLE(X) ", " insert_numbers \
    " FROM pipe p JOIN service s ON s.id = p.service_id WHERE " SQL_FILTER \
    "ORDER BY p.created_at, p.id"
static const char SQL_PIPES_WHOLE[] = SQL_PIPES("p.insert_numbers");
static const char SQL_PIPES_BRIEF[] = SQL_PIPES("NULL");
#undef X
/* clang-format on */

static enum status pipes_read(
    struct store *store, const struct pg_args *args, bool is_brief,
    struct runtime_summaries *summaries, struct err *err)
{
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    enum status st =
        store_run(store, is_brief ? SQL_PIPES_BRIEF : SQL_PIPES_WHOLE, args, &rows, err);
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
        const char *numbers = pg_next_text(&cell);
        if (numbers != NULL) {
            counts_add(numbers, summary->insert_numbers, RUNTIME_INSERT_NUMBERS_MAX);
        }
        if (cell.is_out_of_memory) {
            return err_set(err, ST_NO_MEMORY, "summaries");
        }
    }
    return ST_OK;
}

/*
 * The place of a pipe, count if it is not there. From `from` on, then from the start: all
 * statements come in the same order, so the first look hits, except where a pipe was made or
 * deleted between.
 */
static size_t
summary_find(const struct runtime_summaries *summaries, const char *pipe_id, size_t from)
{
    for (size_t n = 0; n < summaries->count; n++) {
        size_t i = (from + n) % summaries->count;
        if (strcmp(summaries->items[i].pipe_id, pipe_id) == 0) {
            return i;
        }
    }
    return summaries->count;
}

const struct runtime_summary *
runtime_summaries_find(const struct runtime_summaries *summaries, const char *pipe_id, size_t *at)
{
    size_t i = summary_find(summaries, pipe_id, *at);
    if (i == summaries->count) {
        return NULL;
    }
    *at = i + 1;
    return &summaries->items[i];
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

/* SQL_SPEED of a live replica. */
static void speed_read(struct pg_cell *cell, struct runtime_summary *summary)
{
    summary->records_per_second += pg_next_double(cell);
    summary->bytes_per_second += pg_next_double(cell);
    int64_t latency_max_ms = pg_next_int(cell);
    if (latency_max_ms > summary->latency_max_ms) {
        summary->latency_max_ms = latency_max_ms;
    }
    counts_add(pg_next_text(cell), summary->latency_counts, RUNTIME_LATENCY_BUCKETS_MAX);
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
    if (row->is_live) {
        speed_read(cell, summary);
    }
    return !cell->is_out_of_memory;
}

static bool live_replica_read(struct pg_cell *cell, struct runtime_summary *summary)
{
    speed_read(cell, summary);
    return true;
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

static bool lag_read(struct pg_cell *cell, struct runtime_summary *summary)
{
    summary->lag_records = pg_next_int(cell);
    return true;
}

static bool nothing_make(struct runtime_summary *summary, size_t count)
{
    (void)summary;
    (void)count;
    return true;
}

/* A statement whose rows belong to pipes: the pipe's id is the first cell. */
struct part {
    const char *name; /* for errors */
    const char *sql;
    bool (*make)(struct runtime_summary *summary, size_t count);
    bool (*read)(struct pg_cell *cell, struct runtime_summary *summary); /* called count times */
};

/* clang-format off */
#define SQL_SPEED "r.records_per_second, r.bytes_per_second, r.latency_max_ms, r.latency_counts "
static const struct part part_replicas = {
    "replicas",
    "SELECT r.pipe_id, r.replica_index, r.host, r.pid, r.state, " SQL_RFC3339("r.started_at") ", "
    "r.restarts, r.memory_bytes, r.cpu_us, r.cpu_millicores, COALESCE(" SQL_IS_LIVE("r") ", false), "
    SQL_SPEED "FROM pipe p "
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
static const struct part part_replicas_brief = {
    "replicas",
    "SELECT r.pipe_id, " SQL_SPEED "FROM pipe p "
    "JOIN service s ON s.id = p.service_id JOIN pipe_replica r ON r.pipe_id = p.id WHERE "
    SQL_FILTER "AND " SQL_IS_LIVE("r") " ORDER BY p.created_at, p.id",
    nothing_make, live_replica_read};
static const struct part part_partitions_brief = {
    "partitions",
    "SELECT p.id, sum(greatest(t.end_offset - greatest(t.committed, 0), 0))::bigint FROM pipe p "
    "JOIN service s ON s.id = p.service_id JOIN pipe_partition t ON t.pipe_id = p.id WHERE "
    SQL_FILTER "GROUP BY p.created_at, p.id ORDER BY p.created_at, p.id",
    nothing_make, lag_read};
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
        size_t found = summary_find(summaries, pg_next_text(&cell), at);
        if (found == summaries->count) {
            continue; /* made between the statements */
        }
        struct runtime_summary *summary = &summaries->items[found];
        at = found + 1;
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
    struct store *store, const struct runtime_scope *scope, struct runtime_summaries *ret_summaries,
    struct err *err)
{
    const struct part *replicas = scope->is_brief ? &part_replicas_brief : &part_replicas;
    const struct part *partitions = scope->is_brief ? &part_partitions_brief : &part_partitions;
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, scope->organization_id);
    pg_add_text(&args, scope->service_id);
    pg_add_text(&args, scope->pipe_id);
    struct runtime_summaries summaries = {.items = NULL};
    enum status st = pipes_read(store, &args, scope->is_brief, &summaries, err);
    if (st == ST_OK) {
        st = part_read(replicas, store, &args, &summaries, err);
    }
    if (st == ST_OK) {
        st = part_read(partitions, store, &args, &summaries, err);
    }
    if (st != ST_OK) {
        runtime_summaries_done(&summaries);
        return st;
    }
    *ret_summaries = summaries;
    return ST_OK;
}
