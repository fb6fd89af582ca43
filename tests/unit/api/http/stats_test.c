/* Request durations by route and code. */
#include <string.h>

#include "api/http/stats.h"
#include "tests/unit/unit.h"

static const struct route ROUTES[] = {
    {HTTP_GET, "/a", ROUTE_OPEN, ROUTE_NO_BODY, NULL, NULL},
    {HTTP_POST, "/b", ROUTE_OPEN, ROUTE_NO_BODY, NULL, NULL},
};
static const struct route_table TABLE = {ROUTES, ARRAY_LEN(ROUTES)};

static void counts_and_buckets(void **state)
{
    (void)state;
    struct request_stats *stats = request_stats_new(&TABLE);
    assert_non_null(stats);
    request_stats_add(stats, &ROUTES[1], 200, 1000);
    request_stats_add(stats, &ROUTES[1], 200, 1001);
    request_stats_add(stats, &ROUTES[1], 200, 60000000);
    request_stats_add(stats, &ROUTES[1], 404, 10);
    request_stats_add(stats, NULL, 599, 10); /* an unknown code counts as 500 */
    struct buf text;
    buf_init(&text, 1 << 20);
    assert_int_equal(request_stats_write(stats, &text), ST_OK);
    static const char *const lines[] = {
        "# TYPE penstock_api_request_duration_seconds histogram\n",
        "_bucket{route=\"/b\",method=\"POST\",code=\"200\",le=\"0.001\"} 1\n",
        "_bucket{route=\"/b\",method=\"POST\",code=\"200\",le=\"0.0025\"} 2\n",
        "_bucket{route=\"/b\",method=\"POST\",code=\"200\",le=\"10\"} 2\n",
        "_bucket{route=\"/b\",method=\"POST\",code=\"200\",le=\"+Inf\"} 3\n",
        "_sum{route=\"/b\",method=\"POST\",code=\"200\"} 60.002001\n",
        "_count{route=\"/b\",method=\"POST\",code=\"200\"} 3\n",
        "_count{route=\"/b\",method=\"POST\",code=\"404\"} 1\n",
        "_count{route=\"unknown\",method=\"any\",code=\"500\"} 1\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        assert_non_null(strstr(buf_text(&text), lines[i]));
    }
    assert_null(strstr(buf_text(&text), "route=\"/a\""));
    buf_done(&text);
    request_stats_free(stats);
    request_stats_free(NULL);
}

static void too_small_a_buffer(void **state)
{
    (void)state;
    struct request_stats *stats = request_stats_new(&TABLE);
    request_stats_add(stats, &ROUTES[0], 200, 1);
    struct buf text;
    buf_init(&text, 300);
    assert_int_equal(request_stats_write(stats, &text), ST_TOO_LARGE);
    buf_done(&text);
    request_stats_free(stats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_and_buckets),
        cmocka_unit_test(too_small_a_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
