/* The text format: families, escaping, numbers, histograms, limits. */
#include <math.h>

#include "common/metrics/prometheus.h"

#include "tests/unit/unit.h"

static void family_and_samples(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 4096);
    const struct prometheus_label labels[] = {{"a", "plain"}, {"b", "q\"b\\n\n ü"}};
    const struct prometheus_labels two = {labels, 2};
    const struct prometheus_labels none = {NULL, 0};
    assert_int_equal(prometheus_family(&text, METRIC_REBALANCES), ST_OK);
    assert_int_equal(prometheus_sample_i64(&text, METRIC_REBALANCES, &two, INT64_MAX), ST_OK);
    assert_int_equal(prometheus_sample_i64(&text, METRIC_REBALANCES, &none, -1), ST_OK);
    assert_string_equal(
        buf_text(&text),
        "# HELP penstock_rebalances_total Rebalances of the consumer group.\n"
        "# TYPE penstock_rebalances_total counter\n"
        "penstock_rebalances_total{a=\"plain\",b=\"q\\\"b\\\\n\\n ü\"} 9223372036854775807\n"
        "penstock_rebalances_total -1\n");
    buf_done(&text);
}

static void numbers(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *line;
    } cases[] = {
        {0, "penstock_build_info 0\n"},
        {0.5, "penstock_build_info 0.5\n"},
        {1e9, "penstock_build_info 1000000000\n"},
        {(double)INFINITY, "penstock_build_info +Inf\n"},
        {-(double)INFINITY, "penstock_build_info -Inf\n"},
        {(double)NAN, "penstock_build_info NaN\n"},
    };
    const struct prometheus_labels none = {NULL, 0};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf text;
        buf_init(&text, 256);
        assert_int_equal(prometheus_sample(&text, METRIC_BUILD_INFO, &none, cases[i].value), ST_OK);
        assert_string_equal(buf_text(&text), cases[i].line);
        buf_done(&text);
    }
}

static void histogram(void **state)
{
    (void)state;
    static const double bounds[] = {0.1, 1};
    static const uint64_t counts[] = {1, 0, 2};
    const struct prometheus_label label = {"x", "y"};
    const struct prometheus_labels labels = {&label, 1};
    const struct prometheus_histogram h = {bounds, counts, 2, 7.25};
    struct buf text;
    buf_init(&text, 4096);
    assert_int_equal(prometheus_histogram(&text, METRIC_API_REQUEST_SECONDS, &labels, &h), ST_OK);
    assert_string_equal(
        buf_text(&text), "penstock_api_request_duration_seconds_bucket{x=\"y\",le=\"0.1\"} 1\n"
                         "penstock_api_request_duration_seconds_bucket{x=\"y\",le=\"1\"} 1\n"
                         "penstock_api_request_duration_seconds_bucket{x=\"y\",le=\"+Inf\"} 3\n"
                         "penstock_api_request_duration_seconds_sum{x=\"y\"} 7.25\n"
                         "penstock_api_request_duration_seconds_count{x=\"y\"} 3\n");
    buf_done(&text);
}

static void limit_of_the_buffer(void **state)
{
    (void)state;
    const struct prometheus_labels none = {NULL, 0};
    for (size_t max = 0; max < 20; max++) {
        struct buf text;
        buf_init(&text, max);
        assert_int_equal(prometheus_sample_i64(&text, METRIC_BUILD_INFO, &none, 1), ST_TOO_LARGE);
        buf_done(&text);
    }
}

static void names(void **state)
{
    (void)state;
    assert_string_equal(metric_name(METRIC_CLICKPIPES_INFO), "ClickPipes_Info");
    assert_string_equal(metric_name(METRIC_BUILD_INFO), "penstock_build_info");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(family_and_samples),
        cmocka_unit_test(numbers),
        cmocka_unit_test(histogram),
        cmocka_unit_test(limit_of_the_buffer),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
