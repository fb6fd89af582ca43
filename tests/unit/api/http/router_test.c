/* Which row of the table answers a path and method, and how paths are made comparable. */
#include <string.h>

#include "api/http/router.h"
#include "tests/unit/unit.h"

static enum status answer(const struct request *request, struct reply *reply, struct err *err)
{
    (void)request;
    (void)reply;
    (void)err;
    return ST_OK;
}

static const struct route ROUTES[] = {
    {HTTP_GET, "/version", ROUTE_OPEN, ROUTE_NO_BODY, answer, NULL},
    {HTTP_GET, "/v1/{organizationId}/a", ROUTE_READ, ROUTE_NO_BODY, answer, NULL},
    {HTTP_POST, "/v1/{organizationId}/a", ROUTE_WRITE, ROUTE_JSON_BODY, answer, NULL},
    {HTTP_GET, "/v1/{organizationId}/a/summary", ROUTE_READ, ROUTE_NO_BODY, answer, NULL},
    {HTTP_GET, "/v1/{organizationId}/a/{clickPipeId}", ROUTE_READ, ROUTE_NO_BODY, answer, NULL},
    {HTTP_DELETE, "/v1/{organizationId}/a/{clickPipeId}", ROUTE_WRITE, ROUTE_NO_BODY, answer, NULL},
    {HTTP_GET, "/", ROUTE_OPEN, ROUTE_NO_BODY, answer, NULL},
};
static const struct route_table TABLE = {ROUTES, ARRAY_LEN(ROUTES)};

static void paths_and_methods(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        enum http_method method;
        enum status expected;
        int row;
        const char *allow;
    } cases[] = {
        {"/version", HTTP_GET, ST_OK, 0, ""},
        {"/version/", HTTP_GET, ST_OK, 0, ""},
        {"//version//", HTTP_GET, ST_OK, 0, ""},
        {"version", HTTP_GET, ST_OK, 0, ""},
        {"/", HTTP_GET, ST_OK, 6, ""},
        {"", HTTP_GET, ST_OK, 6, ""},
        {"///", HTTP_GET, ST_OK, 6, ""},
        {"/Version", HTTP_GET, ST_NOT_FOUND, -1, ""},
        {"/version/x", HTTP_GET, ST_NOT_FOUND, -1, ""},
        {"/versio", HTTP_GET, ST_NOT_FOUND, -1, ""},
        {"/version", HTTP_POST, ST_METHOD, -1, "GET, HEAD"},
        {"/v1/o/a", HTTP_GET, ST_OK, 1, ""},
        {"/v1/o/a/", HTTP_POST, ST_OK, 2, ""},
        {"/v1/o/a", HTTP_PUT, ST_METHOD, -1, "GET, HEAD, POST"},
        {"/v1/o/a/summary", HTTP_GET, ST_OK, 3, ""},
        {"/v1/o/a/summary", HTTP_DELETE, ST_METHOD, -1, "GET, HEAD"},
        {"/v1/o/a/p", HTTP_DELETE, ST_OK, 5, ""},
        {"/v1/o/a/p", HTTP_OTHER, ST_METHOD, -1, "GET, HEAD, DELETE"},
        {"/v1/o", HTTP_GET, ST_NOT_FOUND, -1, ""},
        {"/v1//a", HTTP_GET, ST_NOT_FOUND, -1, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct request request = {.method = cases[i].method};
        struct reply reply = {0};
        assert_int_equal(request_set_path(&request, cases[i].path), ST_OK);
        assert_int_equal(router_match(&TABLE, &request, &reply, NULL), cases[i].expected);
        assert_string_equal(reply.allow, cases[i].allow);
        if (cases[i].row >= 0) {
            assert_ptr_equal(request.route, &ROUTES[cases[i].row]);
        } else {
            assert_null(request.route);
        }
        request_done(&request);
        reply_done(&reply);
    }
}

static void parameters(void **state)
{
    (void)state;
    struct request request = {.method = HTTP_GET};
    struct reply reply = {0};
    assert_int_equal(request_set_path(&request, "/v1//org 1/a/ÄÖ/"), ST_OK);
    assert_int_equal(router_match(&TABLE, &request, &reply, NULL), ST_OK);
    assert_int_equal(request.params_count, 2);
    assert_string_equal(request_param(&request, "organizationId"), "org 1");
    assert_string_equal(request_param(&request, "clickPipeId"), "ÄÖ");
    request_done(&request);
    request_done(&request);
}

static void queries(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        const char *names[3];
        const char *in_error; /* NULL = fine */
    } cases[] = {
        {NULL, {NULL}, NULL},
        {NULL, {"a"}, "query parameter a: this path takes none"},
        {"from to limit", {"to", "from"}, NULL},
        {"from to limit", {"fro"}, "query parameter fro: this path takes from to limit"},
        {"from to limit", {"from to"}, "this path takes"},
        {"from to limit", {"", NULL}, "this path takes"},
        {"from to limit", {"to", "from", "to"}, "query parameter to: given twice"},
        {"filter* to", {"filter", "filter", "to"}, NULL},
        {"filter* to", {"filter*"}, "this path takes"},
        {"filter* to", {"to", "filter", "to"}, "given twice"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct route route = {.query = cases[i].list};
        struct request request = {.route = &route};
        for (size_t j = 0; j < 3 && cases[i].names[j] != NULL; j++) {
            assert_int_equal(request_add_query(&request, cases[i].names[j], "x"), ST_OK);
        }
        struct err err = {0};
        enum status status = router_check_query(&request, &err);
        assert_int_equal(status, cases[i].in_error == NULL ? ST_OK : ST_INVALID);
        if (cases[i].in_error != NULL && strstr(err.text, cases[i].in_error) == NULL) {
            fail_msg("no '%s' in '%s'", cases[i].in_error, err.text);
        }
        request_done(&request);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_and_methods),
        cmocka_unit_test(parameters),
        cmocka_unit_test(queries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
