/* The real route table: no row hides another, and what is open or changes things is as meant. */
#include <string.h>

#include "api/routes.h"
#include "tests/unit/unit.h"

/* Every row is found by its own pattern with ids put in. */
static void no_row_hides_another(void **state)
{
    (void)state;
    for (size_t i = 0; i < api_routes.count; i++) {
        const struct route *route = &api_routes.routes[i];
        struct request request = {.method = route->method};
        struct reply reply = {0};
        assert_int_equal(request_set_path(&request, route->pattern), ST_OK);
        for (char *at = request.path; *at != '\0'; at++) {
            *at = *at == '{' || *at == '}' ? '0' : *at;
        }
        assert_int_equal(router_match(&api_routes, &request, &reply, NULL), ST_OK);
        assert_ptr_equal(request.route, route);
        request_done(&request);
    }
}

static void rules_of_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < api_routes.count; i++) {
        const struct route *route = &api_routes.routes[i];
        assert_non_null(route->handler);
        assert_int_equal(route->pattern[0], '/');
        bool is_contract = strncmp(route->pattern, "/v1/", 4) == 0;
        bool is_get = route->method == HTTP_GET;
        assert_true(!is_contract || route->access != ROUTE_OPEN);
        /* GET changes nothing, everything else is for admins only. */
        assert_int_equal(is_get, route->access != ROUTE_WRITE && route->access != ROUTE_ASK);
        bool takes_body = route->body == ROUTE_JSON_BODY;
        assert_int_equal(takes_body, !is_get && route->method != HTTP_DELETE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_row_hides_another),
        cmocka_unit_test(rules_of_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
