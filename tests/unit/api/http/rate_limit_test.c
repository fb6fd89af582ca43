/* Token buckets with a clock of our own. */
#include <stdio.h>

#include "api/http/rate_limit.h"
#include "tests/unit/unit.h"

enum {
    SECOND_US = 1000000
};

static void no_limit_counts_nothing(void **state)
{
    (void)state;
    const struct rate_answer answer = rate_limit_take(NULL, "key", 0);
    assert_true(answer.is_allowed);
    assert_false(answer.is_counted);
    rate_limit_free(NULL);
}

static void requests_over_time(void **state)
{
    (void)state;
    /* 2 requests in 10 s: a token each 5 s. */
    static const struct {
        int64_t at_ms;
        bool is_allowed;
        int64_t remaining;
        int64_t reset_ms;
    } steps[] = {
        {0, true, 1, 0},        {0, true, 0, 5000},     {0, false, 0, 5000},
        {4999, false, 0, 1},    {5000, true, 0, 5000},  {5001, false, 0, 4999},
        {12500, true, 0, 2500}, {15000, true, 0, 5000}, {100000, true, 1, 0},
    };
    struct rate_limit *limit = rate_limit_new(2, 10);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        const struct rate_answer answer = rate_limit_take(limit, "key", steps[i].at_ms * 1000);
        assert_true(answer.is_counted);
        assert_int_equal(answer.limit, 2);
        assert_int_equal(answer.is_allowed, steps[i].is_allowed);
        assert_int_equal(answer.remaining, steps[i].remaining);
        assert_int_equal(answer.reset_us, steps[i].reset_ms * 1000);
    }
    rate_limit_free(limit);
}

static void keys_do_not_share(void **state)
{
    (void)state;
    struct rate_limit *limit = rate_limit_new(1, 1);
    assert_true(rate_limit_take(limit, "a", 0).is_allowed);
    assert_false(rate_limit_take(limit, "a", 0).is_allowed);
    assert_true(rate_limit_take(limit, "ab", 0).is_allowed);
    assert_true(rate_limit_take(limit, "b", 0).is_allowed);
    rate_limit_free(limit);
}

static void waiting_the_told_time_helps(void **state)
{
    (void)state;
    static const struct {
        int64_t requests;
        int64_t window_s;
    } limits[] = {{1, 1}, {3, 10}, {7, 60}, {999983, 86400}, {500001, 1}, {1000000, 1}};
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        struct rate_limit *limit = rate_limit_new(limits[i].requests, limits[i].window_s);
        int64_t allowed = 0;
        struct rate_answer answer = rate_limit_take(limit, "key", 0);
        while (answer.is_allowed) {
            allowed++;
            assert_int_equal(answer.remaining > 0, answer.reset_us == 0);
            answer = rate_limit_take(limit, "key", 0);
        }
        assert_true(allowed >= limits[i].requests);
        assert_true(allowed <= limits[i].requests + limits[i].requests / 1000);
        assert_true(answer.reset_us > 0);
        if (answer.reset_us > 1) {
            assert_false(rate_limit_take(limit, "key", answer.reset_us - 1).is_allowed);
        }
        assert_true(rate_limit_take(limit, "key", answer.reset_us).is_allowed);
        rate_limit_free(limit);
    }
}

static void more_keys_than_places(void **state)
{
    (void)state;
    struct rate_limit *limit = rate_limit_new(1, 3600);
    char key[32];
    for (int i = 0; i < 10 * RATE_LIMIT_PLACES; i++) {
        (void)snprintf(key, sizeof(key), "key-%d", i);
        assert_true(rate_limit_take(limit, key, (int64_t)i + 1).is_allowed);
        assert_false(rate_limit_take(limit, key, (int64_t)i + 1).is_allowed);
    }
    /* Forgotten long ago: a full bucket. */
    assert_true(rate_limit_take(limit, "key-0", SECOND_US).is_allowed);
    rate_limit_free(limit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_limit_counts_nothing), cmocka_unit_test(requests_over_time),
        cmocka_unit_test(keys_do_not_share),       cmocka_unit_test(waiting_the_told_time_helps),
        cmocka_unit_test(more_keys_than_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
