/* Bounds, buckets and percentiles; and that the worker's protocol means the same buckets. */
#include "common/base/attr.h"
#include "common/metrics/latency.h"

#include "tests/unit/unit.h"
#include "worker/protocol/protocol.h"

static void bounds(void **state)
{
    (void)state;
    static const int64_t first[] = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64};
    for (unsigned i = 0; i < ARRAY_LEN(first); i++) {
        assert_int_equal(latency_bound_ms(i), first[i]);
    }
    for (unsigned i = 1; i < LATENCY_BUCKETS; i++) {
        assert_true(latency_bound_ms(i) > latency_bound_ms(i - 1));
    }
    assert_true(latency_bound_ms(LATENCY_BUCKETS - 1) == INT64_MAX);
    assert_true(latency_bound_ms(1000) == INT64_MAX);
}

static void buckets(void **state)
{
    (void)state;
    static const int64_t values[] = {-5, 0, 1, 2, 3, 4, 5, 6, 7, 1000, INT64_MAX};
    for (unsigned i = 0; i < ARRAY_LEN(values); i++) {
        unsigned bucket = latency_bucket(values[i]);
        assert_true(values[i] <= latency_bound_ms(bucket));
        assert_true(bucket == 0 || values[i] > latency_bound_ms(bucket - 1));
    }
}

static void the_protocol_agrees(void **state)
{
    (void)state;
    assert_int_equal((int)PROTOCOL_LATENCY_BUCKETS, (int)LATENCY_BUCKETS);
    for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
        assert_true(protocol_latency_bound_ms(i) == latency_bound_ms(i));
    }
    for (int64_t value = -1; value < 5000; value++) {
        assert_int_equal(protocol_latency_bucket(value), latency_bucket(value));
    }
}

static void percentiles(void **state)
{
    (void)state;
    int64_t counts[LATENCY_BUCKETS] = {0};
    assert_int_equal(latency_percentile_ms(counts, LATENCY_BUCKETS, 0, 0.5), 0);
    assert_int_equal(latency_percentile_ms(counts, 0, 0, 0.5), 0);
    counts[latency_bucket(4)] = 90;
    counts[latency_bucket(100)] = 9; /* bound 128 */
    counts[latency_bucket(5000)] = 1;
    static const struct {
        double share;
        int64_t expected;
    } cases[] = {{0, 4}, {0.5, 4}, {0.9, 4}, {0.901, 128}, {0.99, 128}, {0.991, 5000}, {1, 5000}};
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(
            latency_percentile_ms(counts, LATENCY_BUCKETS, 5000, cases[i].share),
            cases[i].expected);
    }
    /* Never above the largest value seen, and the last bucket has no bound of its own. */
    int64_t last[LATENCY_BUCKETS] = {0};
    last[LATENCY_BUCKETS - 1] = 1;
    assert_int_equal(latency_percentile_ms(last, LATENCY_BUCKETS, 77, 0.5), 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds),
        cmocka_unit_test(buckets),
        cmocka_unit_test(the_protocol_agrees),
        cmocka_unit_test(percentiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
