/* The verdict on every kind of answer. Texts are as servers sent them.
 */
#include <stdio.h>
#include <string.h>

#include "common/clickhouse/answer.h"

#include "tests/unit/unit.h"

static struct clickhouse_answer judge(int status_code, const char *headers, const char *body)
{
    struct http_response response = {.status_code = status_code, .may_have_run = true};
    buf_init(&response.body, 100000);
    buf_init(&response.headers, 100000);
    assert_int_equal(buf_add_text(&response.body, body), ST_OK);
    assert_int_equal(buf_add_text(&response.headers, headers), ST_OK);
    struct clickhouse_answer answer;
    memset(&answer, 0xff, sizeof(answer));
    clickhouse_answer_classify(&response, &answer);
    http_response_done(&response);
    return answer;
}

static void error_numbers_decide(void **state)
{
    (void)state;
    static const struct {
        int code;
        enum clickhouse_verdict verdict;
        enum pipe_reason reason;
        bool is_definite;
    } cases[] = {
        {3, CLICKHOUSE_RETRY, PIPE_REASON_DESTINATION_UNREACHABLE, false},
        {6, CLICKHOUSE_REJECTED, PIPE_REASON_NONE, true},
        {16, CLICKHOUSE_STOP, PIPE_REASON_TABLE_MISMATCH, true},
        {20, CLICKHOUSE_STOP, PIPE_REASON_TABLE_MISMATCH, true},
        {26, CLICKHOUSE_REJECTED, PIPE_REASON_NONE, true},
        {27, CLICKHOUSE_REJECTED, PIPE_REASON_NONE, true},
        {33, CLICKHOUSE_STOP, PIPE_REASON_TABLE_MISMATCH, true},
        {38, CLICKHOUSE_REJECTED, PIPE_REASON_NONE, true},
        {41, CLICKHOUSE_REJECTED, PIPE_REASON_NONE, true},
        {53, CLICKHOUSE_STOP, PIPE_REASON_TABLE_MISMATCH, true},
        {60, CLICKHOUSE_STOP, PIPE_REASON_TABLE_NOT_FOUND, true},
        {62, CLICKHOUSE_STOP, PIPE_REASON_INTERNAL, true},
        {69, CLICKHOUSE_REJECTED, PIPE_REASON_NONE, true},
        {70, CLICKHOUSE_REJECTED, PIPE_REASON_NONE, true},
        {72, CLICKHOUSE_REJECTED, PIPE_REASON_NONE, true},
        {81, CLICKHOUSE_STOP, PIPE_REASON_TABLE_NOT_FOUND, true},
        {117, CLICKHOUSE_REJECTED, PIPE_REASON_NONE, true},
        {131, CLICKHOUSE_STOP, PIPE_REASON_TABLE_MISMATCH, true},
        {159, CLICKHOUSE_RETRY, PIPE_REASON_DESTINATION_BUSY, false},
        {164, CLICKHOUSE_STOP, PIPE_REASON_DESTINATION_PERMISSION, true},
        {192, CLICKHOUSE_STOP, PIPE_REASON_DESTINATION_AUTHENTICATION, true},
        {193, CLICKHOUSE_STOP, PIPE_REASON_DESTINATION_AUTHENTICATION, true},
        {194, CLICKHOUSE_STOP, PIPE_REASON_DESTINATION_AUTHENTICATION, true},
        {202, CLICKHOUSE_RETRY, PIPE_REASON_DESTINATION_BUSY, true},
        {203, CLICKHOUSE_RETRY, PIPE_REASON_DESTINATION_BUSY, true},
        {204, CLICKHOUSE_RETRY, PIPE_REASON_DESTINATION_BUSY, true},
        {209, CLICKHOUSE_RETRY, PIPE_REASON_DESTINATION_UNREACHABLE, false},
        {210, CLICKHOUSE_RETRY, PIPE_REASON_DESTINATION_UNREACHABLE, false},
        {236, CLICKHOUSE_RETRY, PIPE_REASON_DESTINATION_BUSY, false},
        {241, CLICKHOUSE_RETRY, PIPE_REASON_DESTINATION_BUSY, true},
        {242, CLICKHOUSE_RETRY, PIPE_REASON_DESTINATION_BUSY, true},
        {243, CLICKHOUSE_RETRY, PIPE_REASON_DESTINATION_BUSY, true},
        {252, CLICKHOUSE_RETRY, PIPE_REASON_TOO_MANY_PARTS, true},
        {279, CLICKHOUSE_RETRY, PIPE_REASON_DESTINATION_UNREACHABLE, false},
        {319, CLICKHOUSE_RETRY, PIPE_REASON_DESTINATION_BUSY, false},
        {321, CLICKHOUSE_REJECTED, PIPE_REASON_NONE, true},
        {349, CLICKHOUSE_REJECTED, PIPE_REASON_NONE, true},
        {425, CLICKHOUSE_RETRY, PIPE_REASON_DESTINATION_BUSY, false},
        {469, CLICKHOUSE_REJECTED, PIPE_REASON_NONE, true},
        {497, CLICKHOUSE_STOP, PIPE_REASON_DESTINATION_PERMISSION, true},
        {516, CLICKHOUSE_STOP, PIPE_REASON_DESTINATION_AUTHENTICATION, true},
        {691, CLICKHOUSE_REJECTED, PIPE_REASON_NONE, true},
        {999, CLICKHOUSE_RETRY, PIPE_REASON_DESTINATION_BUSY, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char body[128];
        char header[128];
        (void)snprintf(
            body, sizeof(body), "Code: %d. DB::Exception: No. (THE_NAME) (version 26.7.2.1)\n",
            cases[i].code);
        (void)snprintf(
            header, sizeof(header), "HTTP/1.1 500 X\r\nX-ClickHouse-Exception-Code: %d\r\n\r\n",
            cases[i].code);
        for (int with_header = 0; with_header < 2; with_header++) {
            struct clickhouse_answer answer = judge(500, with_header == 1 ? header : "", body);
            assert_int_equal(answer.code, cases[i].code);
            assert_int_equal(answer.verdict, cases[i].verdict);
            assert_int_equal(answer.reason, cases[i].reason);
            assert_int_equal(answer.is_definite, cases[i].is_definite);
            assert_true(answer.is_known);
            assert_string_equal(answer.name, "THE_NAME");
            char message[64];
            (void)snprintf(
                message, sizeof(message), "code %d THE_NAME: No. (THE_NAME)", cases[i].code);
            assert_string_equal(answer.message, message);
        }
    }
}

static void an_unknown_number_is_retried_and_says_so(void **state)
{
    (void)state;
    struct clickhouse_answer answer =
        judge(500, "", "Code: 4711. DB::Exception: Something new. (BRAND_NEW)");
    assert_int_equal(answer.verdict, CLICKHOUSE_RETRY);
    assert_int_equal(answer.reason, PIPE_REASON_INTERNAL);
    assert_false(answer.is_known);
    assert_false(answer.is_definite);
    assert_int_equal(answer.code, 4711);
    assert_string_equal(answer.message, "code 4711 BRAND_NEW: Something new. (BRAND_NEW)");
}

static void two_hundred_fifty_two_means_two_things(void **state)
{
    (void)state;
    struct clickhouse_answer answer = judge(
        500, "",
        "Code: 252. DB::Exception: Too many parts (3000 with average size of 1.00 KiB) in table "
        "'d.t (uuid)'. Merges are processing significantly slower than inserts. (TOO_MANY_PARTS)");
    assert_int_equal(answer.verdict, CLICKHOUSE_RETRY);
    assert_int_equal(answer.reason, PIPE_REASON_TOO_MANY_PARTS);
    answer = judge(
        500, "",
        "Code: 252. DB::Exception: Too many partitions for single INSERT block (more than 100). "
        "The limit is controlled by 'max_partitions_per_insert_block' setting. (TOO_MANY_PARTS)");
    assert_int_equal(answer.verdict, CLICKHOUSE_REJECTED);
    assert_int_equal(answer.reason, PIPE_REASON_NONE);
    assert_true(answer.is_definite);
}

static void a_failing_view_is_named_and_not_the_rows_fault(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        enum clickhouse_verdict verdict;
        enum pipe_reason reason;
        const char *view;
    } cases[] = {
        {"Code: 395. DB::Exception: Value passed to 'throwIf' function is non-zero: while pushing "
         "to view d.mv (9b1c). (FUNCTION_THROW_IF_VALUE_IS_NON_ZERO)",
         CLICKHOUSE_STOP, PIPE_REASON_VIEW_FAILED, "d.mv"},
        {"Code: 53. DB::Exception: x: while pushing to view `my db`.`m(v`. (TYPE_MISMATCH)",
         CLICKHOUSE_STOP, PIPE_REASON_VIEW_FAILED, "`my db`.`m(v`"},
        {"Code: 53. DB::Exception: x: while pushing to view d.`a\\`v (w)`. (TYPE_MISMATCH)",
         CLICKHOUSE_STOP, PIPE_REASON_VIEW_FAILED, "d.`a\\`v (w)`"},
        {"Code: 60. DB::Exception: x: while pushing to view d.mv: gone. (UNKNOWN_TABLE)",
         CLICKHOUSE_STOP, PIPE_REASON_VIEW_FAILED, "d.mv"},
        {"Code: 241. DB::Exception: x: while pushing to view d.mv. (MEMORY_LIMIT_EXCEEDED)",
         CLICKHOUSE_RETRY, PIPE_REASON_DESTINATION_BUSY, "d.mv"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct clickhouse_answer answer = judge(500, "", cases[i].body);
        assert_int_equal(answer.verdict, cases[i].verdict);
        assert_int_equal(answer.reason, cases[i].reason);
        assert_string_equal(answer.view, cases[i].view);
        if (answer.reason == PIPE_REASON_VIEW_FAILED) {
            assert_false(answer.is_definite); /* the table's own rows are stored */
        }
    }
}

static void answers_without_a_number_go_by_http_status(void **state)
{
    (void)state;
    static const struct {
        int status_code;
        enum clickhouse_verdict verdict;
        enum pipe_reason reason;
        bool is_definite;
    } cases[] = {
        {200, CLICKHOUSE_OK, PIPE_REASON_NONE, true},
        {204, CLICKHOUSE_OK, PIPE_REASON_NONE, true},
        {301, CLICKHOUSE_STOP, PIPE_REASON_DESTINATION_UNREACHABLE, true},
        {400, CLICKHOUSE_STOP, PIPE_REASON_DESTINATION_UNREACHABLE, true},
        {401, CLICKHOUSE_STOP, PIPE_REASON_DESTINATION_AUTHENTICATION, true},
        {403, CLICKHOUSE_STOP, PIPE_REASON_DESTINATION_PERMISSION, true},
        {404, CLICKHOUSE_STOP, PIPE_REASON_DESTINATION_UNREACHABLE, true},
        {408, CLICKHOUSE_RETRY, PIPE_REASON_DESTINATION_UNREACHABLE, false},
        {413, CLICKHOUSE_REJECTED, PIPE_REASON_NONE, true},
        {429, CLICKHOUSE_RETRY, PIPE_REASON_DESTINATION_BUSY, true},
        {500, CLICKHOUSE_RETRY, PIPE_REASON_DESTINATION_UNREACHABLE, false},
        {502, CLICKHOUSE_RETRY, PIPE_REASON_DESTINATION_UNREACHABLE, false},
        {503, CLICKHOUSE_RETRY, PIPE_REASON_DESTINATION_UNREACHABLE, false},
        {504, CLICKHOUSE_RETRY, PIPE_REASON_DESTINATION_UNREACHABLE, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct clickhouse_answer answer =
            judge(cases[i].status_code, "HTTP/1.1 x\r\nRetry-After: 7\r\n", "Bad\tGateway\n");
        assert_int_equal(answer.verdict, cases[i].verdict);
        assert_int_equal(answer.reason, cases[i].reason);
        assert_int_equal(answer.is_definite, cases[i].is_definite);
        assert_int_equal(answer.retry_after_ms, 7000);
        assert_int_equal(answer.http_status, cases[i].status_code);
        char message[80];
        (void)snprintf(
            message, sizeof(message), "HTTP status %d without a ClickHouse error: Bad Gateway",
            cases[i].status_code);
        assert_string_equal(answer.message, answer.verdict == CLICKHOUSE_OK ? "" : message);
    }
    struct clickhouse_answer answer = judge(503, "HTTP/1.1 x\r\nRetry-After: soon\r\n", "");
    assert_int_equal(answer.retry_after_ms, -1);
    assert_string_equal(answer.message, "HTTP status 503 without a ClickHouse error");
}

static void an_exception_after_status_200_is_seen(void **state)
{
    (void)state;
    struct clickhouse_answer answer = judge(
        200, "",
        "1\n2\n__exception__\r\nCode: 241. DB::Exception: Memory. (MEMORY_LIMIT_EXCEEDED)");
    assert_int_equal(answer.verdict, CLICKHOUSE_RETRY);
    assert_int_equal(answer.code, 241);
    answer = judge(200, "X-ClickHouse-Exception-Code: 60\r\n", "");
    assert_int_equal(answer.code, 60);
    assert_string_equal(answer.message, "code 60 UNKNOWN_TABLE: ");
    static const char *const data[] = {
        "{\"m\":\"Code: 60. DB::Exception: x\"}\n", "Code: 60 is what he said\n", "",
        "a Code: 60. DB::Exception: x"};
    for (size_t i = 0; i < ARRAY_LEN(data); i++) {
        answer = judge(200, "X-ClickHouse-Exception-Code: 0\r\n", data[i]);
        assert_int_equal(answer.verdict, CLICKHOUSE_OK);
    }
}

static void transport_failures_keep_what_is_known(void **state)
{
    (void)state;
    static const struct {
        enum http_failure failure;
        bool may_have_run;
        enum pipe_reason reason;
    } cases[] = {
        {HTTP_FAILURE_RESOLVE, false, PIPE_REASON_DESTINATION_UNREACHABLE},
        {HTTP_FAILURE_CONNECT, false, PIPE_REASON_DESTINATION_UNREACHABLE},
        {HTTP_FAILURE_CONNECT, true, PIPE_REASON_DESTINATION_UNREACHABLE},
        {HTTP_FAILURE_TLS, false, PIPE_REASON_DESTINATION_UNREACHABLE},
        {HTTP_FAILURE_TIMEOUT, true, PIPE_REASON_DESTINATION_UNREACHABLE},
        {HTTP_FAILURE_CUT, true, PIPE_REASON_DESTINATION_UNREACHABLE},
        {HTTP_FAILURE_TOO_LARGE, true, PIPE_REASON_INTERNAL},
        {HTTP_FAILURE_LOCAL, false, PIPE_REASON_INTERNAL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct http_response response = {
            .failure = cases[i].failure,
            .may_have_run = cases[i].may_have_run,
            .message = "could not connect to h:1: no"};
        struct clickhouse_answer answer;
        clickhouse_answer_classify(&response, &answer);
        assert_int_equal(answer.verdict, CLICKHOUSE_RETRY);
        assert_int_equal(answer.reason, cases[i].reason);
        assert_int_equal(answer.is_definite, !cases[i].may_have_run);
        assert_string_equal(answer.message, "could not connect to h:1: no");
    }
}

static void an_answer_to_a_second_sending_is_not_definite(void **state)
{
    (void)state;
    struct http_response response = {.status_code = 500, .may_have_run = true, .was_resent = true};
    buf_init(&response.body, 1000);
    buf_init(&response.headers, 1000);
    assert_int_equal(buf_add_text(&response.body, "Code: 27. DB::Exception: x"), ST_OK);
    struct clickhouse_answer answer;
    clickhouse_answer_classify(&response, &answer);
    assert_int_equal(answer.verdict, CLICKHOUSE_REJECTED);
    assert_false(answer.is_definite);
    http_response_done(&response);
}

static void texts_of_all_ages_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        int code;
        const char *message;
    } cases[] = {
        {"Code: 60, e.displayText() = DB::Exception: Table d.x doesn't exist., e.what() = "
         "DB::Exception",
         60, "code 60 UNKNOWN_TABLE: Table d.x doesn't exist., e.what() = DB::Exception"},
        {"Code: 27. Code: 27. DB::Exception: a. (CANNOT_PARSE_INPUT_ASSERTION_FAILED)", 27,
         "code 27 CANNOT_PARSE_INPUT_ASSERTION_FAILED: a. (CANNOT_PARSE_INPUT_ASSERTION_FAILED)"},
        {"Code: 27. DB::Exception: Code: 27. DB::Exception: b\nat (UInt8) row 1", 27,
         "code 27 CANNOT_PARSE_INPUT_ASSERTION_FAILED: b at (UInt8) row 1"},
        {"Code: 72. DB::Exception: bad \xff byte (CANNOT_PARSE_NUMBER) (version 26.7 (official))\n",
         72, "code 72 CANNOT_PARSE_NUMBER: bad ? byte (CANNOT_PARSE_NUMBER)"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct clickhouse_answer answer = judge(500, "", cases[i].body);
        assert_int_equal(answer.code, cases[i].code);
        assert_string_equal(answer.message, cases[i].message);
    }
    assert_int_equal(clickhouse_code_from_text("no code"), 0);
    assert_int_equal(clickhouse_code_from_text("Code: x"), 0);
    assert_int_equal(clickhouse_code_from_text("x Code: 159. y"), 159);
}

static void long_texts_are_cut_between_characters(void **state)
{
    (void)state;
    char body[8192];
    size_t used = (size_t)snprintf(body, sizeof(body), "Code: 6. DB::Exception: ");
    while (used + 4 < sizeof(body)) {
        memcpy(body + used, "\xe2\x82\xac", 4);
        used += 3;
    }
    struct clickhouse_answer answer = judge(400, "", body);
    size_t len_bytes = strlen(answer.message);
    assert_true(len_bytes > 800 && len_bytes < CLICKHOUSE_MESSAGE_BYTES);
    assert_memory_equal(answer.message + len_bytes - 3, "\xe2\x82\xac", 3);
}

static void verdicts_become_statuses(void **state)
{
    (void)state;
    static const struct {
        enum clickhouse_verdict verdict;
        enum status status;
    } cases[] = {
        {CLICKHOUSE_OK, ST_OK},
        {CLICKHOUSE_RETRY, ST_UNAVAILABLE},
        {CLICKHOUSE_REJECTED, ST_REJECTED},
        {CLICKHOUSE_STOP, ST_STOP},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct clickhouse_answer answer = {.verdict = cases[i].verdict, .message = "why"};
        struct err err = {0};
        assert_int_equal(clickhouse_answer_status(&answer, &err), cases[i].status);
        assert_string_equal(err.text, cases[i].status == ST_OK ? "" : "why");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_numbers_decide),
        cmocka_unit_test(an_unknown_number_is_retried_and_says_so),
        cmocka_unit_test(two_hundred_fifty_two_means_two_things),
        cmocka_unit_test(a_failing_view_is_named_and_not_the_rows_fault),
        cmocka_unit_test(answers_without_a_number_go_by_http_status),
        cmocka_unit_test(an_exception_after_status_200_is_seen),
        cmocka_unit_test(transport_failures_keep_what_is_known),
        cmocka_unit_test(an_answer_to_a_second_sending_is_not_definite),
        cmocka_unit_test(texts_of_all_ages_are_read),
        cmocka_unit_test(long_texts_are_cut_between_characters),
        cmocka_unit_test(verdicts_become_statuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
