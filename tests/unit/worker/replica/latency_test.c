/* The histogram of the last minute. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "worker/replica/latency.h"

#include <cmocka.h>

static uint64_t total(const struct latency *latency, int64_t *ret_max_ms)
{
    uint64_t counts[PROTOCOL_LATENCY_BUCKETS];
    latency_sum(latency, counts, ret_max_ms);
    uint64_t sum = 0;
    for (size_t i = 0; i < PROTOCOL_LATENCY_BUCKETS; i++) {
        sum += counts[i];
    }
    return sum;
}

static void values_are_forgotten_after_a_minute(void **state)
{
    (void)state;
    struct latency latency;
    int64_t max_ms = -1;
    latency_init(&latency, 5000);
    assert_int_equal(total(&latency, &max_ms), 0);
    assert_int_equal(max_ms, 0);
    latency_add(&latency, 300, 2);
    latency_advance(&latency, 35000);
    latency_add(&latency, 70, 1);
    assert_int_equal(total(&latency, &max_ms), 3);
    assert_int_equal(max_ms, 300);
    latency_advance(&latency, 59999);
    assert_int_equal(total(&latency, &max_ms), 3);
    latency_advance(&latency, 60000);
    assert_int_equal(total(&latency, &max_ms), 1);
    assert_int_equal(max_ms, 70);
    latency_advance(&latency, 500000);
    assert_int_equal(total(&latency, &max_ms), 0);
}

static void values_fall_into_their_buckets(void **state)
{
    (void)state;
    struct latency latency;
    uint64_t counts[PROTOCOL_LATENCY_BUCKETS];
    int64_t max_ms = 0;
    latency_init(&latency, 0);
    latency_add(&latency, -5, 1); /* a clock that is ahead of ours */
    latency_add(&latency, 0, 1);
    latency_add(&latency, 100, 4);
    latency_sum(&latency, counts, &max_ms);
    assert_int_equal(counts[protocol_latency_bucket(0)], 2);
    assert_int_equal(counts[protocol_latency_bucket(100)], 4);
    assert_int_equal(max_ms, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_forgotten_after_a_minute),
        cmocka_unit_test(values_fall_into_their_buckets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
