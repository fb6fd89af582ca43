/* Headers found in raw lines, failures named; bodies of pieces read and rewound. */
#include <string.h>

#include "common/http/http.h"
#include "common/http/http_body.h"

#include "tests/unit/unit.h"

static void headers_are_found_in_any_case(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *expected; /* NULL = not there */
    } cases[] = {
        {"Retry-After", "5"},      {"retry-AFTER", "5"}, {"X-Empty", ""},
        {"X-Long", "12345678901"}, {"X-Lon", NULL},      {"HTTP/1.1 200 OK", NULL},
        {"X-Missing", NULL},       {"X-Tab", "a b"},
    };
    struct http_response response = {0};
    buf_init(&response.headers, 1000);
    assert_int_equal(
        buf_add_text(
            &response.headers, "HTTP/1.1 200 OK\r\nRetry-After:  5 \r\nX-Empty:\r\n"
                               "X-Long: 123456789012345\r\nX-Tab:\ta b\t\r\n\r\n"),
        ST_OK);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char value[12] = "untouched";
        bool is_there = http_response_header(&response, cases[i].name, value, sizeof(value));
        assert_int_equal(is_there, cases[i].expected != NULL);
        assert_string_equal(value, cases[i].expected == NULL ? "" : cases[i].expected);
    }
    http_response_done(&response);
}

static void failures_have_a_status_and_a_name(void **state)
{
    (void)state;
    static const struct {
        enum http_failure failure;
        enum status status;
        const char *text;
    } cases[] = {
        {HTTP_FAILURE_NONE, ST_OK, "none"},
        {HTTP_FAILURE_RESOLVE, ST_UNAVAILABLE, "resolve"},
        {HTTP_FAILURE_CONNECT, ST_UNAVAILABLE, "connect"},
        {HTTP_FAILURE_TLS, ST_UNAVAILABLE, "tls"},
        {HTTP_FAILURE_TIMEOUT, ST_TIMEOUT, "timeout"},
        {HTTP_FAILURE_CUT, ST_UNAVAILABLE, "cut"},
        {HTTP_FAILURE_TOO_LARGE, ST_TOO_LARGE, "too_large"},
        {HTTP_FAILURE_LOCAL, ST_INTERNAL, "local"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(http_failure_status(cases[i].failure), cases[i].status);
        assert_string_equal(http_failure_text(cases[i].failure), cases[i].text);
    }
}

static void pieces_read_as_one_stream_from_anywhere(void **state)
{
    (void)state;
    static const struct http_piece pieces[] = {{"", 0}, {"ab", 2}, {"", 0}, {"cdef", 4}, {"g", 1}};
    struct http_body body;
    assert_int_equal(http_body_init(&body, pieces, ARRAY_LEN(pieces)), ST_OK);
    assert_int_equal(body.len_bytes, 7);
    for (int64_t from = 0; from <= 7; from++) {
        for (size_t room = 1; room <= 8; room++) {
            char text[16] = "";
            size_t used = 0;
            size_t step = 0;
            assert_int_equal(http_body_seek(&body, from), ST_OK);
            while ((step = http_body_read(&body, text + used, room)) > 0) {
                assert_true(step <= room);
                used += step;
            }
            assert_int_equal(used, 7 - from);
            assert_memory_equal(text, &"abcdefg"[from], used);
        }
    }
    assert_int_equal(http_body_seek(&body, -1), ST_INVALID);
    assert_int_equal(http_body_seek(&body, 8), ST_INVALID);
    http_body_done(&body);
    http_body_done(&body);
    static const struct http_piece huge[] = {{"", SIZE_MAX}, {"", SIZE_MAX}};
    assert_int_equal(http_body_init(&body, huge, 2), ST_TOO_LARGE);
    assert_int_equal(http_body_init(&body, NULL, 0), ST_OK);
    char byte = 0;
    assert_int_equal(http_body_read(&body, &byte, 1), 0);
    http_body_done(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_found_in_any_case),
        cmocka_unit_test(failures_have_a_status_and_a_name),
        cmocka_unit_test(pieces_read_as_one_stream_from_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
