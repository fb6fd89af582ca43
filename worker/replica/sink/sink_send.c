/*
 * Requests: the rows of a try as a body, and the names that let the server know a repetition.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/replica/sink/sink_inner.h"

enum {
    PART_BYTES = 40,
    CONNECT_MS = 5000,
    INSERT_MS = 120000,
    QUERY_ID_BYTES = BATCH_TOKEN_BYTES + PART_BYTES,
};

struct block *sink_stage_block(const struct sink *sink)
{
    return sink->stage == STAGE_ROWS ? sink->batch->block : reject_block_rows(sink->batch->rejects);
}

/* The rows of the present try: the batch's own block, or a copy of some. */
static enum status sink_block(struct sink *sink, struct block **ret_block, struct err *err)
{
    struct block *whole = sink_stage_block(sink);
    if (tries_is_whole(&sink->tries)) {
        *ret_block = whole;
        return ST_OK;
    }
    block_freep(&sink->part);
    enum status st =
        sink->stage == STAGE_ROWS
            ? block_new(sink->params.columns, sink->params.columns_count, 0, &sink->part, err)
            : reject_block_part(sink->batch->rejects, &sink->part, err);
    struct tries_cursor cursor = {.at = 0};
    size_t from = 0;
    size_t count = 0;
    while (st == ST_OK && tries_run(&sink->tries, &cursor, &from, &count)) {
        st = block_copy_rows(sink->part, whole, from, count, err);
    }
    *ret_block = sink->part;
    return st;
}

static enum status sink_make_body(struct sink *sink, struct err *err)
{
    struct block *block = NULL;
    enum status st = sink_block(sink, &block, err);
    return st == ST_OK ? body_make(&sink->body, block, err) : st;
}

#define X(constant, name, type) name,
static const char *const reject_columns[] = {REJECT_COLUMN_TABLE(X)};
#undef X

static uint64_t hash_offsets(const int64_t *offsets, size_t count)
{
    uint64_t hash = 0xcbf29ce484222325U; /* FNV-1a over whole numbers */
    for (size_t i = 0; i < count; i++) {
        hash = (hash ^ (uint64_t)offsets[i]) * 0x100000001b3U;
    }
    return hash;
}

/* What tells the inserts of one range apart: nothing for its whole block, else the very rows, so
 * that a part has the same name in each life of the range, and other rows have another name. */
static void sink_part_name(const struct sink *sink, char ret_name[PART_BYTES])
{
    char renamed[16] = "";
    if (sink->renamed > 0) {
        (void)snprintf(renamed, sizeof(renamed), ".x%u", sink->renamed); /* fits */
    }
    uint64_t hash = tries_hash(&sink->tries);
    char kind = 'p';
    if (sink->stage == STAGE_REJECTS) {
        kind = 'e';
        hash ^= hash_offsets(
            reject_block_offsets(sink->batch->rejects), block_rows(sink_stage_block(sink)));
    } else if (tries_is_whole(&sink->tries)) {
        (void)snprintf(ret_name, PART_BYTES, "%s", renamed); /* fits */
        return;
    }
    (void)snprintf(/* fits */
                   ret_name, PART_BYTES, CLICKHOUSE_PART_SEPARATOR "%c%016" PRIx64 "%s", kind, hash,
                   renamed);
}

/*
 * A table with a deduplication window drops an insert whose token it has seen, and
 * where there is no token one that has the same content. So a token is the same for every try of
 * the same rows, and different for all others: equal batches are not taken for repeats.
 * It changes when the server may know the token and not have the rows (sink_must_verify): where the
 * table says so, and at-least-once after each connection that broke without an answer.
 */
static void sink_name(
    const struct sink *sink, char ret_token[QUERY_ID_BYTES], char ret_query_id[QUERY_ID_BYTES])
{
    char part[PART_BYTES];
    sink_part_name(sink, part);
    const struct batch_range *range = &sink->batch->range;
    if (sink_is_exactly_once(sink)) {
        (void)snprintf(ret_token, QUERY_ID_BYTES, "%s%s", range->token, part);       /* fits */
        (void)snprintf(ret_query_id, QUERY_ID_BYTES, "%s%s", range->query_id, part); /* fits */
        return;
    }
    (void)snprintf(/* fits */
                   ret_token, QUERY_ID_BYTES, "%s-%llu%s", sink->token,
                   (unsigned long long)sink->batch->id, part);
    (void)snprintf(
        ret_query_id, QUERY_ID_BYTES, "%s-%llu-%llu", sink->params.query_prefix,
        (unsigned long long)sink->batch->id,
        (unsigned long long)sink->tries_count); /* cut is still unique enough for a log */
}

enum {
    SETTINGS_MAX = 8
};

static size_t sink_settings(const struct sink *sink, struct clickhouse_setting *ret_settings)
{
    /* A table altered meanwhile must not cast our columns in silence (300 into UInt8 is 44): it
     * answers TYPE_MISMATCH, and the rows are decoded again for the type it has now. NULL into a
     * column that cannot hold it is such a cast too, unless block_nulls_are_defaults. */
    const struct clickhouse_setting rows[] = {
        {.name = "input_format_native_allow_types_conversion", .value = "0"},
        {.name = "input_format_null_as_default",
         .value = sink->params.nulls_are_defaults ? "1" : "0"},
        {.name = "input_format_defaults_for_omitted_fields", .value = "1"},
        {.name = "input_format_skip_unknown_fields", .value = "1"},
    };
    /* One insert is one block, also if our body has several (absent optional columns): the server
     * joins them. A view that failed gets its rows when the same token comes again. */
    static const struct clickhouse_setting once[] = {
        {.name = "insert_deduplicate", .value = "1"},
        {.name = "deduplicate_blocks_in_dependent_materialized_views", .value = "1"},
        {.name = "min_insert_block_size_rows", .value = "1000000000"},
        {.name = "min_insert_block_size_bytes", .value = "1099511627776"},
    };
    static_assert(ARRAY_LEN(rows) + ARRAY_LEN(once) <= SETTINGS_MAX, "room for all settings");
    size_t count = 0;
    for (size_t i = 0; sink->stage == STAGE_ROWS && i < ARRAY_LEN(rows); i++) {
        ret_settings[count++] = rows[i];
    }
    for (size_t i = 0; sink_is_exactly_once(sink) && i < ARRAY_LEN(once); i++) {
        ret_settings[count++] = once[i];
    }
    return count;
}

static enum status sink_start_call(struct sink *sink, struct err *err)
{
    char query_id[QUERY_ID_BYTES];
    char token[QUERY_ID_BYTES];
    struct clickhouse_setting settings[SETTINGS_MAX];
    sink_name(sink, token, query_id);
    bool is_rows = sink->stage == STAGE_ROWS;
    struct clickhouse_insert insert = {
        .database = sink->params.database,
        .table = is_rows ? sink->params.table : sink->params.error_table,
        .columns = is_rows ? sink->column_names : reject_columns,
        .columns_count = is_rows ? sink->params.columns_count : ARRAY_LEN(reject_columns),
        .compression = sink->params.compression,
        .query_id = query_id,
        .token = token,
        .settings = settings,
        .settings_count = sink_settings(sink, settings),
        .connect_timeout_ms = CONNECT_MS,
        .timeout_ms = INSERT_MS,
    };
    insert.body = body_pieces(&sink->body, &insert.body_count);
    struct clickhouse_request request;
    enum status st = clickhouse_insert_request(&sink->params.endpoint, &insert, &request, err);
    if (st != ST_OK) {
        return st;
    }
    /* An insert that may be stored is looked for, or gets its token again, before it is repeated:
     * that is not for the library to do in silence when a kept connection breaks. */
    request.http.is_sent_once = true;
    st = http_start(sink->params.client, &request.http, sink, &sink->call, err);
    clickhouse_request_done(&request);
    return st;
}

void sink_send(struct sink *sink, int64_t now_ms)
{
    struct err err;
    enum status st = ST_OK;
    if (!sink->body.is_made) {
        st = sink_make_body(sink, &err);
    }
    if (st == ST_OK) {
        sink->tries_count++;
        sink->is_divided = sink->is_divided || !tries_is_whole(&sink->tries);
        st = sink_start_call(sink, &err);
    }
    if (st != ST_OK) {
        sink_forget_body(sink);
        sink_wait(sink, PIPE_REASON_INTERNAL, err.text, now_ms, 0);
        return;
    }
    sink->due_ms = INT64_MAX;
    sink->sent_ms = now_ms;
    sink->state = SINK_SENDING;
}

/* Ask what became of the tries that nobody answered. */
void sink_ask(struct sink *sink, int64_t now_ms)
{
    const struct batch_range *range = &sink->batch->range;
    bool is_rows = sink->stage == STAGE_ROWS;
    sink->range = (struct clickhouse_range){
        .database = sink->params.database,
        .table = is_rows ? sink->params.table : sink->params.error_table,
        .topic_column = is_rows ? sink->params.check.topic : "record_topic",
        .partition_column = is_rows ? sink->params.check.partition : "record_partition",
        .offset_column = is_rows ? sink->params.check.offset : "record_offset",
        .pipe_id_column = is_rows ? NULL : "pipe_id",
        .pipe_id = sink->params.pipe_id,
        .topic = range->topic,
        .partition = range->partition,
        .first = range->first,
        .last = range->last,
    };
    const struct recheck_question question = {
        .query_id = range->query_id, .range = sink_is_by_check(sink) ? &sink->range : NULL};
    struct err err;
    if (recheck_start(&sink->recheck, &question, &err) != ST_OK) {
        sink_wait(sink, PIPE_REASON_INTERNAL, err.text, now_ms, 0);
        return;
    }
    sink->due_ms = INT64_MAX;
    sink->state = SINK_CHECKING;
}
