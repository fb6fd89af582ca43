/* Bodies, query parameters and methods. */
#include <string.h>

#include "api/http/request.h"
#include "tests/unit/unit.h"

static enum status parse(struct request *request, const char *text, struct err *err)
{
    static uint8_t copy[256];
    assert_true(strlen(text) < sizeof(copy));
    memcpy(copy, text, strlen(text) + 1);
    request->body = copy;
    request->body_len_bytes = strlen(text);
    return request_parse_json(request, err);
}

static void bodies(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        enum status expected;
        const char *in_text; /* of err */
    } cases[] = {
        {"", ST_OK, ""},
        {"{}", ST_OK, ""},
        {" {\"a\": [1, 2.5, null]} \n", ST_OK, ""},
        {"[]", ST_INVALID, "must be a JSON object"},
        {"1", ST_INVALID, "must be a JSON object"},
        {"{\"a\":1,}", ST_INVALID, "line 1, column 8"},
        {"{\n\"a\": 1,\n\"b\" 2}", ST_INVALID, "line 3, column 5"},
        {"{\"a\":1,\"a\":2}", ST_INVALID, "duplicate"},
        {"{\"a\":{\"b\":1,\"b\":2}}", ST_INVALID, "duplicate"},
        {"{\"a\":1} x", ST_INVALID, "line 1"},
        {"{\"a\":\"\xff\"}", ST_INVALID, "line 1"},
        {"{\"a\":\"\\ud800\"}", ST_INVALID, "line 1"},
        {"{\"a\":99999999999999999999}", ST_INVALID, "too big"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct request request = {0};
        struct err err = {0};
        assert_int_equal(parse(&request, cases[i].body, &err), cases[i].expected);
        assert_non_null(strstr(err.text, cases[i].in_text));
        assert_int_equal(request.json != NULL, cases[i].expected == ST_OK);
        request_done(&request);
    }
}

static void errors_do_not_quote_the_body(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{\"password\": \"hunter2", "{\"password\": hunter2}", "{\"password\": \"hunter2\" \"x\"}",
        "{\"hunter2\":1,\"hunter2\":2}"};
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct request request = {0};
        struct err err = {0};
        assert_int_equal(parse(&request, bodies[i], &err), ST_INVALID);
        assert_null(strstr(err.text, "hunter2"));
        request_done(&request);
    }
}

static void query(void **state)
{
    (void)state;
    struct request request = {0};
    assert_int_equal(request_add_query(&request, "limit", "10"), ST_OK);
    assert_int_equal(request_add_query(&request, "limit", "20"), ST_OK);
    assert_int_equal(request_add_query(&request, "empty", ""), ST_OK);
    assert_int_equal(request_add_query(&request, "flag", NULL), ST_OK);
    assert_string_equal(request_query(&request, "limit"), "10");
    assert_null(request_query(&request, "empty"));
    assert_null(request_query(&request, "flag"));
    assert_null(request_query(&request, "other"));
    static const int64_t at[2] = {1, 10};
    static const int64_t below[2] = {1, 9};
    int64_t value = 7;
    assert_int_equal(request_query_i64(&request, "other", at, &value, NULL), ST_OK);
    assert_int_equal(value, 7);
    struct err err = {0};
    assert_int_equal(request_query_i64(&request, "limit", below, &value, &err), ST_INVALID);
    assert_non_null(strstr(err.text, "limit: not a number between 1 and 9"));
    assert_int_equal(request_query_i64(&request, "limit", at, &value, NULL), ST_OK);
    assert_int_equal(value, 10);
    while (request.query_count < REQUEST_QUERY_MAX) {
        assert_int_equal(request_add_query(&request, "x", "y"), ST_OK);
    }
    assert_int_equal(request_add_query(&request, "x", "y"), ST_INVALID);
    request_done(&request);
}

static void methods(void **state)
{
    (void)state;
    assert_int_equal(http_method_from_text("HEAD"), HTTP_GET);
    assert_int_equal(http_method_from_text("get"), HTTP_OTHER);
    assert_int_equal(http_method_from_text("TRACE"), HTTP_OTHER);
    for (enum http_method method = HTTP_GET; method < HTTP_OTHER; method++) {
        assert_int_equal(http_method_from_text(http_method_text(method)), method);
    }
}

static void what_a_proxy_says(void **state)
{
    (void)state;
    static const struct {
        const char *scheme;
        const char *host;
        bool is_secure; /* before */
        bool is_secure_after;
        const char *host_after;
    } cases[] = {
        {NULL, NULL, false, false, "own:1"},        {NULL, NULL, true, true, "own:1"},
        {"", " ", false, false, "own:1"},           {"https", NULL, false, true, "own:1"},
        {"HTTPS , http", "", false, true, "own:1"}, {"http", NULL, true, false, "own:1"},
        {"httpsx", NULL, true, false, "own:1"},     {NULL, " a.b:2 ,c", false, false, "a.b:2"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct request request = {.host = strdup("own:1"), .is_secure = cases[i].is_secure};
        assert_int_equal(request_set_forwarded(&request, cases[i].scheme, cases[i].host), ST_OK);
        assert_int_equal(request.is_secure, cases[i].is_secure_after);
        assert_string_equal(request.host, cases[i].host_after);
        request_done(&request);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies),
        cmocka_unit_test(errors_do_not_quote_the_body),
        cmocka_unit_test(query),
        cmocka_unit_test(methods),
        cmocka_unit_test(what_a_proxy_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
