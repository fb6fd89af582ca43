#ifndef TESTS_UNIT_SINK_MODEL_H
#define TESTS_UNIT_SINK_MODEL_H

/*
 * A model of ClickHouse behind http_start, for tests of exactly-once inserts: it has two table
 * partitions (even and odd ids), remembers tokens, refuses rows, loses answers, and stores what it
 * stores before it fails. Included once, by a test program.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/worker/replica/sink/native_ids.h"
#include "worker/replica/block/column.h"
#include "worker/replica/sink/sink.h"

#include <cmocka.h>

enum {
    ROWS_MAX = 2048,
    TOKENS_MAX = 64,
    TEXT_BYTES = 2048,
    FIRST_OFFSET = 1000, /* of row 0 */
    RANGE_TOKEN_BYTES = 64,
};

enum kind {
    KIND_NONE,
    KIND_ROWS,
    KIND_ERRORS,
    KIND_KILL,
    KIND_OFFSETS,
};

static struct {
    enum kind kind; /* of the request under way */
    char url[TEXT_BYTES];
    char sql[TEXT_BYTES]; /* of a question */
    uint64_t ids[ROWS_MAX];
    size_t ids_count;
    char token[TEXT_BYTES];
    char query_id[TEXT_BYTES];
    bool has_window; /* tokens are remembered */
    char tokens[TOKENS_MAX][RANGE_TOKEN_BYTES];
    size_t tokens_count;
    unsigned stored[ROWS_MAX]; /* times, by id */
    unsigned errors;           /* rows of the error table */
    uint64_t bad;              /* the id it refuses; 0 = none */
    size_t kills_count;
    size_t inserts_count;
    size_t offsets_count;
    uint8_t body[ROWS_MAX * 8 + 256];
    size_t body_bytes;
} server;

struct http_call {
    int unused;
};
static struct http_call the_call;

static void read_ids(void)
{
    server.ids_count = native_ids(server.body, server.body_bytes, server.ids, ROWS_MAX);
}

static void read_parameter(const char *name, char ret_value[TEXT_BYTES])
{
    const char *at = strstr(server.url, name);
    assert_non_null(at);
    at += strlen(name);
    size_t len = strcspn(at, "&");
    assert_true(len < TEXT_BYTES);
    memcpy(ret_value, at, len);
    ret_value[len] = '\0';
}

static enum kind kind_of(void)
{
    if (strstr(server.url, "insert_deduplication_token=") != NULL) {
        return strstr(server.url, "_clickpipes_error") != NULL ? KIND_ERRORS : KIND_ROWS;
    }
    return strncmp(server.sql, "KILL QUERY", 10) == 0 ? KIND_KILL : KIND_OFFSETS;
}

enum status http_start(
    struct http_client *client, const struct http_request *request, void *opaque,
    struct http_call **ret_call, struct err *err)
{
    (void)client;
    (void)opaque;
    (void)err;
    assert_int_equal(server.kind, KIND_NONE); /* one at a time */
    server.body_bytes = 0;
    for (size_t i = 0; i < request->body_count; i++) {
        assert_true(server.body_bytes + request->body[i].len_bytes <= sizeof(server.body));
        memcpy(server.body + server.body_bytes, request->body[i].bytes, request->body[i].len_bytes);
        server.body_bytes += request->body[i].len_bytes;
    }
    assert_true(strlen(request->url) < sizeof(server.url));
    memcpy(server.url, request->url, strlen(request->url) + 1);
    size_t sql_bytes = server.body_bytes < 1000 ? server.body_bytes : 0;
    memcpy(server.sql, server.body, sql_bytes);
    server.sql[sql_bytes] = '\0';
    server.kind = kind_of();
    server.kills_count += server.kind == KIND_KILL ? 1 : 0;
    server.offsets_count += server.kind == KIND_OFFSETS ? 1 : 0;
    if (server.kind == KIND_ROWS || server.kind == KIND_ERRORS) {
        server.inserts_count++;
        read_parameter("insert_deduplication_token=", server.token);
        read_parameter("query_id=", server.query_id);
    }
    if (server.kind == KIND_ROWS) {
        read_ids();
    }
    *ret_call = &the_call;
    return ST_OK;
}

void http_cancel(struct http_client *client, struct http_call *call)
{
    (void)client;
    if (call != NULL) {
        server.kind = KIND_NONE;
    }
}

/* Referenced by the file that builds requests; the sink never waits for an answer. */
enum status http_perform(
    struct http_client *client, const struct http_request *request,
    struct http_response *ret_response, struct err *err)
{
    (void)client;
    (void)request;
    (void)ret_response;
    (void)err;
    fail_msg("the sink must not block");
    return ST_INTERNAL;
}

/* Rows of one table partition, unless it has seen the token. parity 2 = both. */
static void server_store(unsigned parity)
{
    for (unsigned partition = 0; partition < 2; partition++) {
        char key[RANGE_TOKEN_BYTES];
        (void)snprintf(key, sizeof(key), "%u%.60s", partition, server.token); /* tokens are short */
        bool is_known = parity != 2 && parity != partition;
        for (size_t i = 0; server.has_window && i < server.tokens_count; i++) {
            is_known = is_known || strcmp(server.tokens[i], key) == 0;
        }
        if (is_known) {
            continue;
        }
        for (size_t i = 0; i < server.ids_count; i++) {
            server.stored[server.ids[i]] += server.ids[i] % 2 == partition ? 1 : 0;
        }
        assert_true(server.tokens_count < TOKENS_MAX);
        memcpy(server.tokens[server.tokens_count++], key, sizeof(key));
    }
}

static bool server_refuses(void)
{
    for (size_t i = 0; server.kind == KIND_ROWS && server.bad != 0 && i < server.ids_count; i++) {
        if (server.ids[i] == server.bad) {
            return true;
        }
    }
    return false;
}

struct fixture {
    struct ch_type *type;
    struct block_column column;
    struct batch batch;
    struct sink *sink;
    struct sink_params params;
    int64_t now_ms;
};

/* Give the answer to the request under way. status_code 0: the connection breaks. */
static void answer(struct fixture *fixture, int status_code, const void *bytes, size_t len_bytes)
{
    struct http_done done = {.response = {.status_code = status_code, .may_have_run = true}};
    buf_init(&done.response.body, 1 << 20);
    buf_init(&done.response.headers, 4096);
    assert_int_equal(buf_add(&done.response.body, bytes, len_bytes), ST_OK);
    if (status_code == 0) {
        done.response.failure = HTTP_FAILURE_CUT;
        (void)snprintf(done.response.message, sizeof(done.response.message), "cut"); /* fits */
    }
    assert_int_not_equal(server.kind, KIND_NONE);
    server.kind = KIND_NONE;
    sink_answer(fixture->sink, &done, fixture->now_ms);
    http_response_done(&done.response);
}

static void refuse(struct fixture *fixture, int code, const char *text)
{
    char words[512];
    (void)snprintf(words, sizeof(words), "Code: %d. DB::Exception: %s (X)", code, text); /* fits */
    answer(fixture, 500, words, strlen(words));
}

static void answer_offsets(struct fixture *fixture)
{
    static uint8_t rows[ROWS_MAX * 16];
    size_t len = 0;
    bool is_errors = strstr(server.sql, "_clickpipes_error") != NULL;
    for (int64_t id = 0; id < ROWS_MAX; id++) {
        int64_t offset = FIRST_OFFSET + id;
        uint64_t count = is_errors ? (id == 7 ? server.errors : 0) : server.stored[id];
        if (count > 0) {
            memcpy(rows + len, &offset, 8);
            memcpy(rows + len + 8, &count, 8);
            len += 16;
        }
    }
    answer(fixture, 200, rows, len);
}

/* The server does what it is asked until the sink has nothing under way. */
static void serve(struct fixture *fixture)
{
    while (server.kind != KIND_NONE) {
        if (server.kind == KIND_OFFSETS) {
            answer_offsets(fixture);
        } else if (server_refuses()) {
            refuse(fixture, 469, "Constraint c is violated.");
        } else {
            if (server.kind == KIND_ROWS) {
                server_store(2);
            } else if (server.kind == KIND_ERRORS) {
                server.errors++;
            }
            answer(fixture, 200, "", 0);
        }
    }
}

static void tick(struct fixture *fixture)
{
    assert_int_equal(sink_state(fixture->sink), SINK_WAITING);
    fixture->now_ms = sink_due_ms(fixture->sink);
    sink_tick(fixture->sink, fixture->now_ms);
}

static const struct sink_check CHECK = {.topic = "_topic", .partition = "_p", .offset = "_o"};

/* A sink of its own: another life of the process. */
static void live(struct fixture *fixture)
{
    sink_freep(&fixture->sink);
    assert_int_equal(sink_new(&fixture->params, &fixture->sink, NULL), ST_OK);
}

static void fixture_init(struct fixture *fixture, uint64_t rows, bool is_by_check)
{
    memset(&server, 0, sizeof(server));
    memset(fixture, 0, sizeof(*fixture));
    server.has_window = !is_by_check;
    assert_int_equal(ch_type_parse("UInt64", &fixture->type, NULL), ST_OK);
    fixture->column = (struct block_column){.name = "id", .type = fixture->type};
    fixture->params = (struct sink_params){
        .endpoint = {.url = "http://127.0.0.1:1"},
        .database = "d",
        .table = "t",
        .error_table = "t_clickpipes_error",
        .columns = &fixture->column,
        .columns_count = 1,
        .compression = PIPE_COMPRESSION_NONE,
        .query_prefix = "test",
        .pipe_id = "pipe",
        .body_max_bytes = 1 << 20,
    };
    if (is_by_check) {
        fixture->params.check = CHECK;
    }
    live(fixture);
    const struct batch_params params = {
        .columns = &fixture->column, .columns_count = 1, .pipe_id = "pipe", .keep_bytes = 1 << 20};
    assert_int_equal(batch_init(&fixture->batch, &params, NULL), ST_OK);
    batch_reset(&fixture->batch, 1);
    for (uint64_t id = 0; id < rows; id++) {
        const struct batch_row row = {.offset = FIRST_OFFSET + (int64_t)id};
        assert_true(column_add_u64(block_column(fixture->batch.block, 0), id));
        block_row_commit(fixture->batch.block, 8);
        assert_int_equal(batch_note_rows(&fixture->batch, &row, 1), ST_OK);
    }
    fixture->batch.sealed_by = BATCH_ROWS;
    fixture->batch.range = (struct batch_range){
        .token = "tok",
        .query_id = "penstock-tok",
        .topic = "it's",
        .partition = 3,
        .first = FIRST_OFFSET,
        .last = FIRST_OFFSET + (int64_t)rows - 1,
    };
}

static void fixture_done(struct fixture *fixture)
{
    sink_freep(&fixture->sink);
    batch_done(&fixture->batch);
    ch_type_free(fixture->type);
}

static void store(struct fixture *fixture)
{
    sink_store(fixture->sink, &fixture->batch, fixture->now_ms);
}

static void assert_stored_once(size_t rows, uint64_t except)
{
    for (uint64_t id = 0; id < ROWS_MAX; id++) {
        assert_int_equal(server.stored[id], id < rows && (except == 0 || id != except) ? 1 : 0);
    }
}

static enum pipe_reason reason(const struct fixture *fixture)
{
    struct sink_trouble trouble;
    sink_trouble(fixture->sink, &trouble);
    return trouble.reason;
}

#endif
