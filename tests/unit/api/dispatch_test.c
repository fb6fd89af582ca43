/* The order of checks before a handler, without a socket and without a database. */
#include <string.h>

#include "api/dispatch.h"
#include "api/http/router.h"
#include "api/http/stats.h"
#include "api/store_pool.h"
#include "tests/unit/unit.h"

static int calls_count;

static enum status answer(const struct request *request, struct reply *reply, struct err *err)
{
    (void)request;
    (void)err;
    calls_count++;
    return reply_set_result(reply, json_true(), err);
}

static const struct route ROUTES[] = {
    {HTTP_GET, "/open", ROUTE_OPEN, ROUTE_NO_BODY, answer, NULL},
    {HTTP_POST, "/open", ROUTE_OPEN, ROUTE_JSON_BODY, answer, NULL},
    {HTTP_GET, "/closed", ROUTE_READ, ROUTE_NO_BODY, answer, NULL},
    {HTTP_GET, "/v1/organizations/{organizationId}", ROUTE_READ, ROUTE_NO_BODY, answer, NULL},
};
static const struct route_table TABLE = {ROUTES, ARRAY_LEN(ROUTES)};

#define KEY "Basic a2V5OnNlY3JldA=="

static void order_of_checks(void **state)
{
    (void)state;
    static const struct {
        enum http_method method;
        const char *path;
        const char *authorization;
        const char *body;
        bool is_too_large;
        int code;
        const char *in_body;
    } cases[] = {
        {HTTP_GET, "/open", NULL, "", false, 200, "\"result\":true"},
        {HTTP_GET, "/open", "nonsense", "", false, 200, "\"result\":true"},
        {HTTP_GET, "/open/", NULL, "ignored", false, 200, "\"result\":true"},
        {HTTP_POST, "/open", NULL, "{}", false, 200, "\"result\":true"},
        {HTTP_POST, "/open", NULL, "{", false, 400, "BAD_REQUEST: malformed JSON"},
        {HTTP_POST, "/open", NULL, "{", true, 413, "PAYLOAD_TOO_LARGE: "},
        {HTTP_GET, "/open", NULL, "", true, 413, "PAYLOAD_TOO_LARGE: "},
        {HTTP_PUT, "/open", NULL, "{", true, 405, "METHOD_NOT_ALLOWED: "},
        {HTTP_GET, "/nothing", NULL, "", true, 404, "NOT_FOUND: no such path"},
        {HTTP_GET, "/v10", NULL, "", false, 404, "NOT_FOUND: no such path"},
        /* Authentication is before routes below /v1, and outside where a route asks for it. */
        {HTTP_GET, "/closed", NULL, "", false, 401, "UNAUTHORIZED: "},
        {HTTP_PUT, "/closed", NULL, "", false, 405, "METHOD_NOT_ALLOWED: "},
        {HTTP_GET, "/v1", NULL, "", false, 401, "UNAUTHORIZED: "},
        {HTTP_GET, "/v1/nothing", NULL, "", false, 401, "UNAUTHORIZED: "},
        {HTTP_PUT, "/v1/organizations/x", "Bearer x", "", true, 401, "UNAUTHORIZED: "},
        /* A database that is away is never a wrong secret. */
        {HTTP_GET, "/v1/nothing", KEY, "", false, 503, "SERVICE_UNAVAILABLE: "},
        {HTTP_GET, "/closed", KEY, "", false, 503, "SERVICE_UNAVAILABLE: "},
    };
    const struct store_pool_options pool = {
        .database_url = "postgresql://u:hunter2@127.0.0.1:1/x",
        .stores_max = 1,
        .timeout_ms = 1000};
    struct api_context context = {.routes = &TABLE, .stats = request_stats_new(&TABLE)};
    assert_int_equal(store_pool_new(&pool, &context.stores, NULL), ST_OK);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t body[32];
        memcpy(body, cases[i].body, strlen(cases[i].body) + 1);
        struct request request = {
            .method = cases[i].method,
            .body = body,
            .body_len_bytes = strlen(cases[i].body),
            .is_body_too_large = cases[i].is_too_large,
            .authorization = cases[i].authorization == NULL ? NULL : strdup(cases[i].authorization),
        };
        assert_int_equal(uuid_new(request.id), ST_OK);
        assert_int_equal(request_set_path(&request, cases[i].path), ST_OK);
        struct reply reply = {0};
        struct err err = {0};
        calls_count = 0;
        enum status status = dispatch(&context, &request, &reply, &err);
        assert_int_equal(reply.http_code, cases[i].code);
        assert_int_equal(status == ST_OK, cases[i].code == 200);
        assert_int_equal(calls_count, cases[i].code == 200 ? 1 : 0);
        assert_non_null(strstr(reply.body, cases[i].in_body));
        assert_non_null(strstr(reply.body, request.id));
        assert_null(strstr(reply.body, "hunter2"));
        request_done(&request);
        reply_done(&reply);
    }
    store_pool_free(context.stores);
    request_stats_free(context.stats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_of_checks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
