/* Waits double up to the maximum, never below half of their step. */
#include "common/base/backoff.h"

#include "tests/unit/unit.h"

static void waits_double_up_to_the_maximum(void **state)
{
    (void)state;
    static const int64_t steps_ms[] = {100, 200, 400, 800, 1000, 1000, 1000};
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct backoff b;
        backoff_init(&b, 100, 1000, seed);
        for (size_t i = 0; i < sizeof(steps_ms) / sizeof(steps_ms[0]); i++) {
            int64_t wait_ms = backoff_next_ms(&b);
            assert_true(wait_ms >= steps_ms[i] / 2);
            assert_true(wait_ms <= steps_ms[i]);
        }
        assert_int_equal(b.tries_count, 7);
    }
}

static void reset_starts_over(void **state)
{
    (void)state;
    struct backoff b;
    backoff_init(&b, 100, 100000, 7);
    for (int i = 0; i < 40; i++) {
        (void)backoff_next_ms(&b);
    }
    assert_true(backoff_next_ms(&b) >= 50000);
    backoff_reset(&b);
    assert_true(backoff_next_ms(&b) <= 100);
}

static void a_wait_of_one_is_possible(void **state)
{
    (void)state;
    struct backoff b;
    backoff_init(&b, 1, 1, 1);
    for (int i = 0; i < 10; i++) {
        int64_t wait_ms = backoff_next_ms(&b);
        assert_true(wait_ms == 0 || wait_ms == 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_double_up_to_the_maximum),
        cmocka_unit_test(reset_starts_over),
        cmocka_unit_test(a_wait_of_one_is_possible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
