/* The envelope: what each status looks like to a client. */
#include <stdlib.h>
#include <string.h>

#include "api/http/reply.h"
#include "tests/unit/unit.h"

static const char ID[] = "0b1c2d3e-0000-4000-8000-000000000001";

static json_t *render(struct reply *reply, enum status status, const char *text)
{
    struct err err = {.status = status};
    memcpy(err.text, text, strlen(text) + 1);
    assert_int_equal(reply_render(reply, ID, status, &err), ST_OK);
    assert_non_null(strstr(reply->content_type, "application/json"));
    json_t *json = json_loadb(reply->body, reply->body_len_bytes, 0, NULL);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "requestId")), ID);
    assert_int_equal(json_integer_value(json_object_get(json, "status")), reply->http_code);
    return json;
}

static void success(void **state)
{
    (void)state;
    struct reply reply = {0};
    assert_int_equal(reply_set_result(&reply, json_pack("[i]", 1), NULL), ST_OK);
    assert_int_equal(reply_set_result(&reply, json_pack("[i]", 2), NULL), ST_OK);
    json_t *json = render(&reply, ST_OK, "");
    assert_int_equal(reply.http_code, 200);
    json_t *result = json_object_get(json, "result");
    assert_int_equal(json_integer_value(json_array_get(result, 0)), 2);
    assert_null(json_object_get(json, "error"));
    json_decref(json);
    reply_done(&reply);
    reply_done(&reply);
}

static void a_result_that_is_text(void **state)
{
    (void)state;
    struct reply reply = {0};
    for (int i = 1; i <= 2; i++) {
        struct json_text text;
        json_text_init(&text, 100);
        json_text_array(&text, NULL);
        json_text_integer(&text, NULL, i);
        json_text_end_array(&text);
        assert_int_equal(reply_set_result_text(&reply, &text, NULL), ST_OK);
    }
    json_t *json = render(&reply, ST_OK, "");
    assert_int_equal(reply.http_code, 200);
    assert_int_equal(json_integer_value(json_array_get(json_object_get(json, "result"), 0)), 2);
    assert_int_equal(json_object_size(json), 3);
    json_decref(json);
    reply_done(&reply);
}

static void a_result_that_does_not_fit(void **state)
{
    (void)state;
    struct reply reply = {0};
    struct err err = {.text = ""};
    struct json_text text;
    json_text_init(&text, 3);
    json_text_string(&text, NULL, "long");
    assert_int_equal(reply_set_result_text(&reply, &text, &err), ST_TOO_LARGE);
    assert_null(reply.result_text);
    reply_done(&reply);
}

static void success_without_result(void **state)
{
    (void)state;
    struct reply reply = {0};
    json_t *json = render(&reply, ST_OK, "");
    assert_int_equal(json_object_size(json), 2);
    json_decref(json);
    reply_done(&reply);
}

static void errors(void **state)
{
    (void)state;
    static const struct {
        enum status status;
        int code;
        const char *error;
    } cases[] = {
        {ST_INVALID, 400, "BAD_REQUEST: why"},
        {ST_REJECTED, 400, "BAD_REQUEST: why"},
        {ST_UNSUPPORTED, 400, "BAD_REQUEST: why"},
        {ST_UNAUTHORIZED, 401, "UNAUTHORIZED: why"},
        {ST_FORBIDDEN, 403, "FORBIDDEN: why"},
        {ST_NOT_FOUND, 404, "NOT_FOUND: why"},
        {ST_METHOD, 405, "METHOD_NOT_ALLOWED: why"},
        {ST_CONFLICT, 409, "CONFLICT: why"},
        {ST_TOO_LARGE, 413, "PAYLOAD_TOO_LARGE: why"},
        {ST_RATE_LIMITED, 429, "TOO_MANY_REQUESTS: why"},
        {ST_INTERNAL, 500, "INTERNAL_ERROR: internal error"},
        {ST_IO, 500, "INTERNAL_ERROR: internal error"},
        {ST_UNAVAILABLE, 503, "SERVICE_UNAVAILABLE: a service"},
        {ST_TIMEOUT, 504, "GATEWAY_TIMEOUT: a service"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct reply reply = {0};
        /* A result that was set before the failure is not shown. */
        assert_int_equal(reply_set_result(&reply, json_object(), NULL), ST_OK);
        json_t *json = render(&reply, cases[i].status, "why");
        assert_int_equal(reply.http_code, cases[i].code);
        const char *error = json_string_value(json_object_get(json, "error"));
        assert_int_equal(strncmp(error, cases[i].error, strlen(cases[i].error)), 0);
        if (cases[i].code >= 500) {
            assert_null(strstr(error, "why"));
        }
        assert_null(json_object_get(json, "result"));
        json_decref(json);
        reply_done(&reply);
    }
}

static void texts_that_are_not_utf8_and_long_ones(void **state)
{
    (void)state;
    struct reply reply = {0};
    json_t *json = render(&reply, ST_INVALID, "a\xff\"b");
    assert_string_equal(json_string_value(json_object_get(json, "error")), "BAD_REQUEST: a?\"b");
    json_decref(json);
    reply_done(&reply);
    reply.error_text = calloc(1, 5001);
    memset(reply.error_text, 'x', 5000);
    json = render(&reply, ST_INVALID, "cut");
    assert_int_equal(
        json_string_length(json_object_get(json, "error")), 5000 + strlen("BAD_REQUEST: "));
    json_decref(json);
    reply_done(&reply);
}

static void plain_bodies(void **state)
{
    (void)state;
    struct reply reply = {0};
    reply_set_body(&reply, strdup("text"), 4, "text/plain");
    assert_int_equal(reply_render(&reply, ID, ST_OK, NULL), ST_OK);
    assert_int_equal(reply.http_code, 200);
    assert_string_equal(reply.body, "text");
    assert_string_equal(reply.content_type, "text/plain");
    reply_done(&reply);
}

static void no_memory(void **state)
{
    (void)state;
    struct reply reply = {0};
    assert_int_equal(reply_set_result(&reply, NULL, NULL), ST_NO_MEMORY);
    assert_int_equal(reply_set_json_body(&reply, NULL, NULL), ST_NO_MEMORY);
    reply_done(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(success),
        cmocka_unit_test(success_without_result),
        cmocka_unit_test(a_result_that_is_text),
        cmocka_unit_test(a_result_that_does_not_fit),
        cmocka_unit_test(errors),
        cmocka_unit_test(texts_that_are_not_utf8_and_long_ones),
        cmocka_unit_test(plain_bodies),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
