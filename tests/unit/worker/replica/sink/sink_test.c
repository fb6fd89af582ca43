/*
 * The sink against a fake server that stands behind http_start: it reads the Native body, refuses
 * rows, fails on demand, and remembers what it stored.
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
    ROWS_MAX = 4096,
    BODY_BYTES = ROWS_MAX * 8 + 256,
};

/* The fake server. */
static struct {
    const uint64_t *bad; /* ids it refuses */
    size_t bad_count;
    uint64_t stored[ROWS_MAX];
    size_t stored_count;
    size_t requests_count;
    size_t cancelled_count;
    uint8_t body[BODY_BYTES]; /* of the last request */
    size_t body_bytes;
    bool is_error_table;
    bool was_async_insert_off;
    bool were_casts_off;
    char token[128]; /* of the last request */
} server;

struct http_call {
    int unused;
};
static struct http_call the_call;

enum status http_start(
    struct http_client *client, const struct http_request *request, void *opaque,
    struct http_call **ret_call, struct err *err)
{
    (void)client;
    (void)opaque;
    (void)err;
    server.requests_count++;
    server.body_bytes = 0;
    for (size_t i = 0; i < request->body_count; i++) {
        assert_true(server.body_bytes + request->body[i].len_bytes <= sizeof(server.body));
        memcpy(server.body + server.body_bytes, request->body[i].bytes, request->body[i].len_bytes);
        server.body_bytes += request->body[i].len_bytes;
    }
    server.is_error_table = strstr(request->url, "_clickpipes_error") != NULL;
    server.was_async_insert_off = strstr(request->url, "async_insert=0") != NULL;
    server.were_casts_off =
        strstr(request->url, "input_format_native_allow_types_conversion=0") != NULL;
    const char *token = strstr(request->url, "insert_deduplication_token=");
    assert_non_null(token);
    size_t token_bytes = strcspn(token, "&");
    assert_true(token_bytes < sizeof(server.token));
    memcpy(server.token, token, token_bytes);
    server.token[token_bytes] = '\0';
    *ret_call = &the_call;
    return ST_OK;
}

void http_cancel(struct http_client *client, struct http_call *call)
{
    (void)client;
    server.cancelled_count += call != NULL ? 1 : 0;
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

static bool server_is_bad(uint64_t id)
{
    for (size_t i = 0; i < server.bad_count; i++) {
        if (server.bad[i] == id) {
            return true;
        }
    }
    return false;
}

/* One UInt64 column in Native. False: a row is refused and nothing stored. */
static bool server_take_body(void)
{
    static uint64_t ids[ROWS_MAX];
    const size_t rows = native_ids(server.body, server.body_bytes, ids, ROWS_MAX);
    for (size_t i = 0; i < rows; i++) {
        if (server_is_bad(ids[i])) {
            return false;
        }
    }
    memcpy(server.stored + server.stored_count, ids, rows * 8);
    server.stored_count += rows;
    return true;
}

static void answer(struct sink *sink, int status_code, const char *text, int64_t now_ms)
{
    struct http_done done = {.response = {.status_code = status_code, .may_have_run = true}};
    buf_init(&done.response.body, 4096);
    buf_init(&done.response.headers, 4096);
    assert_int_equal(buf_add_text(&done.response.body, text), ST_OK);
    if (status_code == 0) {
        done.response.failure = HTTP_FAILURE_CONNECT;
        done.response.may_have_run = false;
        (void)snprintf(done.response.message, sizeof(done.response.message), "refused"); /* fits */
    }
    sink_answer(sink, &done, now_ms);
    http_response_done(&done.response);
}

/* The server answers by itself until the sink has no request under way. */
static void server_run(struct sink *sink, int64_t now_ms)
{
    while (sink_state(sink) == SINK_SENDING) {
        assert_true(server.was_async_insert_off);
        if (server.is_error_table || server_take_body()) {
            answer(sink, 200, "", now_ms);
        } else {
            answer(
                sink, 500,
                "Code: 469. DB::Exception: Constraint `c` is violated. "
                "(VIOLATED_CONSTRAINT)",
                now_ms);
        }
    }
}

struct fixture {
    struct ch_type *type;
    struct block_column column;
    struct batch batch;
    struct sink *sink;
};

static void fixture_init(struct fixture *fixture, uint64_t rows)
{
    memset(&server, 0, sizeof(server));
    assert_int_equal(ch_type_parse("UInt64", &fixture->type, NULL), ST_OK);
    fixture->column = (struct block_column){.name = "id", .type = fixture->type};
    struct sink_params params = {
        .endpoint = {.url = "http://127.0.0.1:1"},
        .database = "d",
        .table = "t",
        .error_table = "t_clickpipes_error",
        .columns = &fixture->column,
        .columns_count = 1,
        .compression = PIPE_COMPRESSION_NONE,
        .query_prefix = "test",
        .body_max_bytes = 1 << 20,
    };
    assert_int_equal(sink_new(&params, &fixture->sink, NULL), ST_OK);
    const struct batch_params params_of_batch = {
        .columns = &fixture->column, .columns_count = 1, .pipe_id = "pipe", .keep_bytes = 1 << 20};
    assert_int_equal(batch_init(&fixture->batch, &params_of_batch, NULL), ST_OK);
    batch_reset(&fixture->batch, 1);
    for (uint64_t id = 0; id < rows; id++) {
        assert_true(column_add_u64(block_column(fixture->batch.block, 0), id));
        block_row_commit(fixture->batch.block, 8);
    }
    fixture->batch.sealed_by = BATCH_ROWS;
}

static void fixture_done(struct fixture *fixture)
{
    sink_freep(&fixture->sink);
    sink_freep(&fixture->sink);
    batch_done(&fixture->batch);
    ch_type_free(fixture->type);
}

static void add_reject(struct batch *batch)
{
    struct record record = {.topic = "t", .topic_bytes = 1, .offset = 7};
    struct reject reject;
    reject_set(&reject, REJECT_DATA_PARSING, NULL, "bad");
    struct reject_row row = {.record = &record, .reject = &reject, .now_ms = 0};
    assert_int_equal(reject_block_add(batch->rejects, &row, NULL), ST_OK);
}

static void rows_then_rejects_are_stored(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, 100);
    add_reject(&fixture.batch);
    assert_int_equal(sink_state(fixture.sink), SINK_IDLE);
    sink_store(fixture.sink, &fixture.batch, 0);
    assert_false(server.is_error_table);
    assert_true(server_take_body());
    answer(fixture.sink, 200, "", 1);
    assert_int_equal(sink_state(fixture.sink), SINK_SENDING);
    assert_true(server.is_error_table);
    answer(fixture.sink, 200, "", 2);
    assert_int_equal(sink_state(fixture.sink), SINK_STORED);
    assert_int_equal(server.stored_count, 100);
    assert_int_equal(sink_totals(fixture.sink)->inserts, 2);
    assert_true(sink_totals(fixture.sink)->encoded_bytes > 800);
    sink_release(fixture.sink);
    assert_int_equal(sink_state(fixture.sink), SINK_IDLE);
    fixture_done(&fixture);
}

static void an_empty_batch_is_stored_without_a_request(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, 0);
    sink_store(fixture.sink, &fixture.batch, 0);
    assert_int_equal(sink_state(fixture.sink), SINK_STORED);
    assert_int_equal(server.requests_count, 0);
    fixture_done(&fixture);
}

static void a_failed_try_is_repeated_with_the_same_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int status_code; /* 0 = no answer */
        const char *text;
        enum pipe_reason reason;
    } cases[] = {
        {"nobody listens", 0, "", PIPE_REASON_DESTINATION_UNREACHABLE},
        {"memory", 500, "Code: 241. DB::Exception: x. (MEMORY_LIMIT_EXCEEDED)",
         PIPE_REASON_DESTINATION_BUSY},
        {"parts", 500,
         "Code: 252. DB::Exception: Too many parts (300). Merges are processing "
         "significantly slower than inserts. (TOO_MANY_PARTS)",
         PIPE_REASON_TOO_MANY_PARTS},
        {"permission", 403, "Code: 497. DB::Exception: Not enough privileges. (ACCESS_DENIED)",
         PIPE_REASON_DESTINATION_PERMISSION},
        {"table gone", 404, "Code: 60. DB::Exception: Table d.t does not exist. (UNKNOWN_TABLE)",
         PIPE_REASON_TABLE_NOT_FOUND},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture fixture;
        static uint8_t first[BODY_BYTES];
        print_message("%s\n", cases[i].name);
        fixture_init(&fixture, 50);
        sink_store(fixture.sink, &fixture.batch, 1000);
        size_t first_bytes = server.body_bytes;
        memcpy(first, server.body, first_bytes);
        answer(fixture.sink, cases[i].status_code, cases[i].text, 1000);
        struct sink_trouble trouble;
        sink_trouble(fixture.sink, &trouble);
        assert_int_equal(sink_state(fixture.sink), SINK_WAITING);
        assert_int_equal(trouble.reason, cases[i].reason);
        assert_int_equal(trouble.since_ms, 1000);
        int64_t due_ms = sink_due_ms(fixture.sink);
        assert_in_range(due_ms, 1250, 1500);
        sink_tick(fixture.sink, due_ms - 1);
        assert_int_equal(server.requests_count, 1);
        sink_tick(fixture.sink, due_ms);
        assert_int_equal(server.requests_count, 2);
        assert_int_equal(server.body_bytes, first_bytes);
        assert_memory_equal(server.body, first, first_bytes);
        server_run(fixture.sink, due_ms);
        sink_trouble(fixture.sink, &trouble);
        assert_int_equal(sink_state(fixture.sink), SINK_STORED);
        assert_int_equal(trouble.reason, PIPE_REASON_NONE);
        assert_int_equal(sink_totals(fixture.sink)->retries, 1);
        assert_int_equal(server.stored_count, 50);
        fixture_done(&fixture);
    }
}

static void a_token_is_kept_over_tries_and_never_used_again(void **state)
{
    (void)state;
    char tokens[5][sizeof(server.token)];
    size_t count = 0;
    for (int sinks = 0; sinks < 2; sinks++) {
        struct fixture fixture;
        fixture_init(&fixture, 2);
        add_reject(&fixture.batch);
        sink_store(fixture.sink, &fixture.batch, 0);
        assert_true(server.were_casts_off);
        memcpy(tokens[count++], server.token, sizeof(server.token));
        answer(fixture.sink, 0, "", 0);
        sink_tick(fixture.sink, sink_due_ms(fixture.sink));
        assert_int_equal(server.requests_count, 2);
        assert_string_equal(server.token, tokens[count - 1]);
        answer(fixture.sink, 200, "", 1);
        assert_true(server.is_error_table);
        memcpy(tokens[count++], server.token, sizeof(server.token));
        answer(fixture.sink, 200, "", 1);
        sink_release(fixture.sink);
        if (sinks == 0) { /* the same rows as another batch */
            fixture.batch.id++;
            sink_store(fixture.sink, &fixture.batch, 2);
            memcpy(tokens[count++], server.token, sizeof(server.token));
        }
        fixture_done(&fixture);
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(tokens[i], tokens[j]);
        }
    }
}

static void waits_grow_to_thirty_seconds_and_keep_their_beginning(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, 1);
    sink_store(fixture.sink, &fixture.batch, 0);
    int64_t now_ms = 0;
    for (int i = 0; i < 20; i++) {
        answer(fixture.sink, 0, "", now_ms);
        assert_true(sink_due_ms(fixture.sink) - now_ms <= 30000);
        now_ms = sink_due_ms(fixture.sink);
        sink_tick(fixture.sink, now_ms);
    }
    struct sink_trouble trouble;
    sink_trouble(fixture.sink, &trouble);
    assert_int_equal(trouble.failures_count, 20);
    assert_int_equal(trouble.since_ms, 0);
    assert_true(now_ms > 150000);
    fixture_done(&fixture);
    assert_int_equal(server.cancelled_count, 1);
}

static void refused_rows_are_found_and_all_others_stored_once(void **state)
{
    (void)state;
    static const uint64_t some[] = {0, 1, 77, 500, 998, 999};
    static const struct {
        uint64_t rows;
        size_t bad_count;
    } cases[] = {{1, 1}, {2, 1}, {2, 2}, {100, 3}, {1000, 6}, {1000, 0}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture fixture;
        fixture_init(&fixture, cases[i].rows);
        server.bad = some;
        server.bad_count = cases[i].bad_count;
        sink_store(fixture.sink, &fixture.batch, 0);
        server_run(fixture.sink, 0);
        size_t count = 0;
        if (cases[i].bad_count > 0) {
            assert_int_equal(sink_state(fixture.sink), SINK_REFUSED);
        }
        const struct sink_refusal *refused = sink_refused(fixture.sink, &count);
        assert_int_equal(count, cases[i].bad_count);
        for (size_t r = 0; r < count; r++) {
            assert_int_equal(refused[r].row, some[r]);
            assert_non_null(strstr(refused[r].message, "VIOLATED_CONSTRAINT"));
            add_reject(&fixture.batch);
        }
        assert_int_equal(server.stored_count, cases[i].rows - cases[i].bad_count);
        uint64_t next = 0;
        for (size_t r = 0; r < server.stored_count; r++, next++) {
            while (server_is_bad(next)) {
                next++;
            }
            assert_int_equal(server.stored[r], next);
        }
        if (cases[i].bad_count > 0) {
            sink_refused_done(fixture.sink, 0);
            assert_true(server.is_error_table);
            server_run(fixture.sink, 0);
        }
        assert_int_equal(sink_state(fixture.sink), SINK_STORED);
        fixture_done(&fixture);
    }
}

static void a_changed_table_is_a_mismatch(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, 10);
    sink_store(fixture.sink, &fixture.batch, 0);
    answer(
        fixture.sink, 404,
        "Code: 16. DB::Exception: No such column id in table d.t. (NO_SUCH_COLUMN_IN_TABLE)", 0);
    assert_int_equal(sink_state(fixture.sink), SINK_MISMATCH);
    assert_int_equal(sink_due_ms(fixture.sink), INT64_MAX);
    assert_in_range(sink_mismatch_wait_ms(fixture.sink), 250, 500);
    sink_drop(fixture.sink);
    assert_int_equal(sink_state(fixture.sink), SINK_IDLE);
    fixture_done(&fixture);
}

static void a_dropped_batch_cancels_its_insert(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, 10);
    sink_store(fixture.sink, &fixture.batch, 0);
    sink_drop(fixture.sink);
    assert_int_equal(server.cancelled_count, 1);
    assert_int_equal(sink_state(fixture.sink), SINK_IDLE);
    sink_store(fixture.sink, &fixture.batch, 0);
    server_run(fixture.sink, 0);
    assert_int_equal(sink_state(fixture.sink), SINK_STORED);
    fixture_done(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_then_rejects_are_stored),
        cmocka_unit_test(an_empty_batch_is_stored_without_a_request),
        cmocka_unit_test(a_failed_try_is_repeated_with_the_same_bytes),
        cmocka_unit_test(a_token_is_kept_over_tries_and_never_used_again),
        cmocka_unit_test(waits_grow_to_thirty_seconds_and_keep_their_beginning),
        cmocka_unit_test(refused_rows_are_found_and_all_others_stored_once),
        cmocka_unit_test(a_changed_table_is_a_mismatch),
        cmocka_unit_test(a_dropped_batch_cancels_its_insert),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
