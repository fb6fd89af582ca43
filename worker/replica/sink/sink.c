/*
 * The machine has two stages, rows and rejects; which rows of the first are tried next when some
 * are refused is decided by ranges.h. The body of a try is kept until the answer is good, so that a
 * retry sends the same bytes.
 */
#include "worker/replica/sink/sink.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/backoff.h"
#include "common/base/buf.h"
#include "common/base/uuid.h"
#include "common/clickhouse/answer.h"

#include "worker/replica/block/compress.h"
#include "worker/replica/sink/ranges.h"

enum {
    RETRY_FIRST_MS = 500,
    RETRY_MAX_MS = 30000,
    RETRY_VIEW_MS = 15000, /* each try may store the table's rows once more */
    CONNECT_MS = 5000,
    INSERT_MS = 120000,
    QUERY_ID_BYTES = 160,
    BODY_KEEP_BYTES = 64 * 1024 * 1024,
};

enum stage {
    STAGE_ROWS,
    STAGE_REJECTS,
};

struct sink {
    struct sink_params params;
    char token[UUID_TEXT_BYTES]; /* no other sink has it, also none of another process */
    const char **column_names;   /* owned array, borrowed names */
    struct compressor *compressor;
    enum sink_state state;
    enum stage stage;
    struct batch *batch;
    struct ranges ranges;
    struct range range; /* of the present try */
    struct block *part; /* owned; rows of the top range when it is not the whole batch */
    struct buf body;    /* compressed */
    bool has_body;      /* body or pieces belong to the present try */
    const struct block_piece *pieces;
    size_t pieces_count;
    size_t encoded_bytes;
    struct http_piece *http_pieces; /* owned; for bodies without compression */
    struct http_call *call;
    uint64_t tries_count;
    struct backoff backoff;
    int64_t due_ms;
    int64_t sent_ms;              /* when the insert under way was sent */
    struct sink_refusal *refused; /* owned */
    size_t refused_count;
    enum pipe_reason reason;
    int64_t trouble_since_ms;
    uint64_t failures_count;
    char message[CLICKHOUSE_MESSAGE_BYTES];
    struct sink_totals totals;
};

enum status sink_new(const struct sink_params *params, struct sink **ret_sink, struct err *err)
{
    struct sink *sink = calloc(1, sizeof(*sink));
    if (sink == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for a sink");
    }
    sink->params = *params;
    sink->column_names = calloc(params->columns_count, sizeof(sink->column_names[0]));
    if (sink->column_names == NULL) {
        sink_free(sink);
        return err_set(err, ST_NO_MEMORY, "no memory for %zu columns", params->columns_count);
    }
    for (size_t i = 0; i < params->columns_count; i++) {
        sink->column_names[i] = params->columns[i].name;
    }
    enum status st = uuid_new(sink->token);
    if (st != ST_OK) {
        (void)err_set(err, st, "no random bytes for a token");
    } else {
        st = compressor_new(params->compression, &sink->compressor, err);
    }
    if (st != ST_OK) {
        sink_free(sink);
        return st;
    }
    buf_init(&sink->body, params->body_max_bytes);
    backoff_init(&sink->backoff, RETRY_FIRST_MS, RETRY_MAX_MS, params->seed);
    sink->due_ms = INT64_MAX;
    *ret_sink = sink;
    return ST_OK;
}

static void sink_forget_refused(struct sink *sink)
{
    for (size_t i = 0; i < sink->refused_count; i++) {
        free(sink->refused[i].message);
    }
    free(sink->refused);
    sink->refused = NULL;
    sink->refused_count = 0;
}

static void sink_forget_body(struct sink *sink)
{
    sink->has_body = false;
    sink->pieces = NULL;
    sink->pieces_count = 0;
    free(sink->http_pieces);
    sink->http_pieces = NULL;
    if (sink->body.capacity_bytes > BODY_KEEP_BYTES) {
        buf_done(&sink->body);
    } else {
        buf_reset(&sink->body);
    }
    block_freep(&sink->part);
}

void sink_free(struct sink *sink)
{
    if (sink == NULL) {
        return;
    }
    http_cancel(sink->params.client, sink->call);
    sink_forget_body(sink);
    sink_forget_refused(sink);
    buf_done(&sink->body);
    compressor_free(sink->compressor);
    ranges_done(&sink->ranges);
    free(sink->column_names);
    free(sink);
}

void sink_freep(struct sink **sink)
{
    sink_free(*sink);
    *sink = NULL;
}

/* The last try failed for this reason: wait. */
static void sink_wait(
    struct sink *sink, enum pipe_reason reason, const char *message, int64_t now_ms,
    int64_t at_least_ms)
{
    if (sink->reason == PIPE_REASON_NONE) {
        sink->trouble_since_ms = now_ms;
    }
    sink->reason = reason;
    sink->failures_count++;
    (void)snprintf(
        sink->message, sizeof(sink->message), "%.*s", (int)sizeof(sink->message) - 1,
        message); /* cut is fine */
    int64_t wait_ms = backoff_next_ms(&sink->backoff);
    sink->due_ms = now_ms + (wait_ms > at_least_ms ? wait_ms : at_least_ms);
    sink->state = SINK_WAITING;
}

/* The block of the present try: the batch's own, the rejects, or a part of the rows. */
static enum status sink_block(struct sink *sink, struct block **ret_block, struct err *err)
{
    if (sink->stage == STAGE_REJECTS) {
        *ret_block = reject_block_rows(sink->batch->rejects);
        return ST_OK;
    }
    if (ranges_tried(&sink->ranges, &sink->range) == block_rows(sink->batch->block)) {
        *ret_block = sink->batch->block;
        return ST_OK;
    }
    block_freep(&sink->part);
    enum status st =
        block_new(sink->params.columns, sink->params.columns_count, 0, &sink->part, err);
    size_t at = 0;
    size_t from = 0;
    size_t count = 0;
    while (st == ST_OK && ranges_run(&sink->ranges, &sink->range, &at, &from, &count)) {
        st = block_copy_rows(sink->part, sink->batch->block, from, count, err);
    }
    *ret_block = sink->part;
    return st;
}

static enum status sink_make_body(struct sink *sink, struct err *err)
{
    struct block *block = NULL;
    enum status st = sink_block(sink, &block, err);
    if (st == ST_OK) {
        st = block_encode(block, &sink->pieces, &sink->pieces_count, err);
    }
    if (st != ST_OK) {
        return st;
    }
    sink->encoded_bytes = 0;
    for (size_t i = 0; i < sink->pieces_count; i++) {
        sink->encoded_bytes += sink->pieces[i].len_bytes;
    }
    if (sink->params.compression == PIPE_COMPRESSION_NONE) {
        sink->http_pieces = calloc(sink->pieces_count + 1, sizeof(sink->http_pieces[0]));
        if (sink->http_pieces == NULL) {
            return err_set(
                err, ST_NO_MEMORY, "no memory for a body of %zu pieces", sink->pieces_count);
        }
        for (size_t i = 0; i < sink->pieces_count; i++) {
            sink->http_pieces[i] = (struct http_piece){
                .bytes = sink->pieces[i].bytes, .len_bytes = sink->pieces[i].len_bytes};
        }
        return ST_OK;
    }
    return compressor_run(sink->compressor, sink->pieces, sink->pieces_count, &sink->body, err);
}

#define X(constant, name, type) name,
static const char *const reject_columns[] = {REJECT_COLUMN_TABLE(X)};
#undef X

/*
 * A table with a deduplication window drops an insert whose token it has seen, and
 * where there is no token one that has the same content. So a token is the same for every try of
 * the same rows, and different for all others: equal batches are not taken for repeats.
 */
static void sink_token(const struct sink *sink, char ret_token[QUERY_ID_BYTES])
{
    size_t from = 0;
    size_t count = 0;
    size_t tried = 0; /* of the range: rows set aside are not, and they only become more */
    if (sink->stage == STAGE_ROWS) {
        from = sink->range.from;
        count = sink->range.count;
        tried = ranges_tried(&sink->ranges, &sink->range);
    }
    (void)snprintf(
        ret_token, QUERY_ID_BYTES, "%s-%llu-%d-%zu-%zu-%zu", sink->token,
        (unsigned long long)sink->batch->id, (int)sink->stage, from, count, tried); /* fits */
}

static enum status sink_start_call(struct sink *sink, struct err *err)
{
    /* A table altered meanwhile must not cast our columns in silence (300 into UInt8 is 44): it
     * answers TYPE_MISMATCH, and the rows are decoded again for the type it has now. NULL into a
     * column that cannot hold it is such a cast too, unless block_nulls_are_defaults. */
    const struct clickhouse_setting settings[] = {
        {.name = "input_format_native_allow_types_conversion", .value = "0"},
        {.name = "input_format_null_as_default",
         .value = sink->params.nulls_are_defaults ? "1" : "0"},
        {.name = "input_format_defaults_for_omitted_fields", .value = "1"},
        {.name = "input_format_skip_unknown_fields", .value = "1"},
    };
    char query_id[QUERY_ID_BYTES];
    char token[QUERY_ID_BYTES];
    sink_token(sink, token);
    (void)snprintf(
        query_id, sizeof(query_id), "%s-%llu-%llu", sink->params.query_prefix,
        (unsigned long long)sink->batch->id,
        (unsigned long long)sink->tries_count); /* cut is still unique enough for a log */
    struct http_piece whole = {.bytes = sink->body.bytes, .len_bytes = sink->body.len_bytes};
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
        .settings_count = is_rows ? ARRAY_LEN(settings) : 0,
        .body = sink->http_pieces != NULL ? sink->http_pieces : &whole,
        .body_count = sink->http_pieces != NULL ? sink->pieces_count : 1,
        .connect_timeout_ms = CONNECT_MS,
        .timeout_ms = INSERT_MS,
    };
    struct clickhouse_request request;
    enum status st = clickhouse_insert_request(&sink->params.endpoint, &insert, &request, err);
    if (st != ST_OK) {
        return st;
    }
    st = http_start(sink->params.client, &request.http, sink, &sink->call, err);
    clickhouse_request_done(&request);
    return st;
}

static void sink_send(struct sink *sink, int64_t now_ms)
{
    struct err err;
    enum status st = ST_OK;
    if (!sink->has_body) {
        st = sink_make_body(sink, &err);
        sink->has_body = st == ST_OK;
    }
    if (st == ST_OK) {
        sink->tries_count++;
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

static int by_row(const void *a, const void *b)
{
    const struct sink_refusal *left = a;
    const struct sink_refusal *right = b;
    return left->row < right->row ? -1 : left->row > right->row;
}

/* What is left to do with the batch. */
static void sink_proceed(struct sink *sink, int64_t now_ms)
{
    sink_forget_body(sink);
    const struct range *range = sink->stage == STAGE_ROWS ? ranges_next(&sink->ranges) : NULL;
    if (range != NULL) {
        sink->range = *range;
        sink_send(sink, now_ms);
        return;
    }
    if (sink->stage == STAGE_ROWS && sink->refused_count > 0) {
        qsort(sink->refused, sink->refused_count, sizeof(sink->refused[0]), by_row);
        sink->state = SINK_REFUSED;
        return;
    }
    if (sink->stage == STAGE_ROWS && block_rows(reject_block_rows(sink->batch->rejects)) > 0) {
        sink->stage = STAGE_REJECTS;
        sink_send(sink, now_ms);
        return;
    }
    sink->state = SINK_STORED;
}

void sink_store(struct sink *sink, struct batch *batch, int64_t now_ms)
{
    assert(sink->state == SINK_IDLE && batch->sealed_by != BATCH_OPEN);
    sink->batch = batch;
    sink->stage = STAGE_ROWS;
    sink->tries_count = 0;
    ranges_begin(&sink->ranges, block_rows(batch->block));
    sink_proceed(sink, now_ms);
}

static void sink_accepted(struct sink *sink, int64_t now_ms)
{
    sink->totals.inserts++;
    sink->reason = PIPE_REASON_NONE;
    sink->failures_count = 0;
    backoff_reset(&sink->backoff);
    if (sink->stage == STAGE_ROWS) {
        sink->totals.encoded_bytes += sink->encoded_bytes;
        sink->totals.wire_bytes +=
            sink->http_pieces != NULL ? sink->encoded_bytes : sink->body.len_bytes;
        ranges_accepted(&sink->ranges);
        sink_proceed(sink, now_ms);
        return;
    }
    sink_forget_body(sink);
    sink->state = SINK_STORED;
}

/* ST_NO_MEMORY leaves everything as it was: the range is tried again. */
static enum status sink_refuse_row(struct sink *sink, size_t row, const char *message)
{
    struct sink_refusal *more = reallocarray(sink->refused, sink->refused_count + 1, sizeof(*more));
    if (more == NULL) {
        return ST_NO_MEMORY;
    }
    sink->refused = more;
    char *copy = strdup(message);
    if (copy == NULL) {
        return ST_NO_MEMORY;
    }
    sink->refused[sink->refused_count++] = (struct sink_refusal){.row = row, .message = copy};
    sink->totals.refused++;
    return ST_OK;
}

/* The row that the answer blames, from 1; 0 = it names none. ClickHouse counts the rows of an
 * insert that has one block (CheckConstraintsTransform). */
static size_t sink_hint(const char *message)
{
    static const char WORDS[] = " is violated at row ";
    const char *at = strstr(message, WORDS);
    size_t row = 0;
    for (at = at == NULL ? "" : at + strlen(WORDS); *at >= '0' && *at <= '9'; at++) {
        if (row > SIZE_MAX / 20) {
            return 0;
        }
        row = row * 10 + (size_t)(*at - '0');
    }
    return row;
}

static void sink_rejected(struct sink *sink, const struct clickhouse_answer *answer, int64_t now_ms)
{
    if (sink->stage == STAGE_REJECTS) {
        /* Our own table refuses our own rows: somebody altered it. Keep the records. */
        sink_wait(sink, PIPE_REASON_TABLE_MISMATCH, answer->message, now_ms, 0);
        return;
    }
    bool is_row = ranges_tried(&sink->ranges, &sink->range) == 1;
    size_t row = 0;
    enum status st = ST_OK;
    if (is_row) {
        size_t at = 0;
        size_t count = 0;
        bool has_run = ranges_run(&sink->ranges, &sink->range, &at, &row, &count);
        assert(has_run);
        (void)has_run; /* asserted */
        st = sink_refuse_row(sink, row, answer->message);
    }
    st =
        st == ST_OK ? ranges_refused(&sink->ranges, sink_hint(answer->message), &is_row, &row) : st;
    if (st != ST_OK) {
        sink_wait(sink, PIPE_REASON_INTERNAL, "no memory for a refused row", now_ms, 0);
        return;
    }
    sink_proceed(sink, now_ms);
}

/* The rows that a failed view has seen are in the table, and where the table has no deduplication
 * window they come again with every try. */
static int64_t sink_least_wait_ms(const struct clickhouse_answer *answer)
{
    if (answer->reason == PIPE_REASON_VIEW_FAILED && answer->retry_after_ms < RETRY_VIEW_MS) {
        return RETRY_VIEW_MS;
    }
    return answer->retry_after_ms;
}

void sink_answer(struct sink *sink, const struct http_done *done, int64_t now_ms)
{
    assert(sink->state == SINK_SENDING);
    sink->call = NULL;
    struct clickhouse_answer answer;
    clickhouse_answer_classify(&done->response, &answer);
    insert_count_duration(sink->totals.insert_numbers, now_ms - sink->sent_ms);
    switch (answer.verdict) {
    case CLICKHOUSE_OK:
        sink_accepted(sink, now_ms);
        break;
    case CLICKHOUSE_REJECTED:
        sink_rejected(sink, &answer, now_ms);
        break;
    case CLICKHOUSE_RETRY:
    case CLICKHOUSE_STOP:
        sink->totals.retries++;
        insert_count_retry(sink->totals.insert_numbers, answer.code);
        sink_wait(sink, answer.reason, answer.message, now_ms, sink_least_wait_ms(&answer));
        if (answer.reason == PIPE_REASON_TABLE_MISMATCH && sink->stage == STAGE_ROWS) {
            sink->state = SINK_MISMATCH;
        }
        break;
    }
}

void sink_tick(struct sink *sink, int64_t now_ms)
{
    if (sink->state == SINK_WAITING && now_ms >= sink->due_ms) {
        sink_send(sink, now_ms);
    }
}

int64_t sink_due_ms(const struct sink *sink)
{
    return sink->state == SINK_WAITING ? sink->due_ms : INT64_MAX;
}

enum sink_state sink_state(const struct sink *sink)
{
    return sink->state;
}

const struct sink_refusal *sink_refused(const struct sink *sink, size_t *ret_count)
{
    *ret_count = sink->refused_count;
    return sink->refused;
}

void sink_refused_done(struct sink *sink, int64_t now_ms)
{
    assert(sink->state == SINK_REFUSED);
    sink_forget_refused(sink);
    sink_proceed(sink, now_ms);
}

int64_t sink_mismatch_wait_ms(struct sink *sink)
{
    return sink->due_ms;
}

void sink_release(struct sink *sink)
{
    assert(sink->state == SINK_STORED);
    sink->state = SINK_IDLE;
    sink->batch = NULL;
}

void sink_drop(struct sink *sink)
{
    http_cancel(sink->params.client, sink->call);
    sink->call = NULL;
    sink_forget_body(sink);
    sink_forget_refused(sink);
    ranges_begin(&sink->ranges, 0);
    sink->batch = NULL;
    sink->due_ms = INT64_MAX;
    sink->reason = PIPE_REASON_NONE;
    sink->failures_count = 0;
    backoff_reset(&sink->backoff);
    sink->state = SINK_IDLE;
}

void sink_trouble(const struct sink *sink, struct sink_trouble *ret_trouble)
{
    *ret_trouble = (struct sink_trouble){
        .reason = sink->reason,
        .since_ms = sink->trouble_since_ms,
        .failures_count = sink->failures_count,
        .message = sink->message,
    };
}

void sink_totals_add(struct sink_totals *totals, const struct sink_totals *more)
{
    totals->inserts += more->inserts;
    totals->retries += more->retries;
    totals->encoded_bytes += more->encoded_bytes;
    totals->wire_bytes += more->wire_bytes;
    totals->refused += more->refused;
    for (size_t i = 0; i < INSERT_NUMBERS; i++) {
        totals->insert_numbers[i] += more->insert_numbers[i];
    }
}

const struct sink_totals *sink_totals(const struct sink *sink)
{
    return &sink->totals;
}

size_t sink_memory_bytes(const struct sink *sink)
{
    return sink->body.capacity_bytes + (sink->part == NULL ? 0 : block_memory_bytes(sink->part));
}
