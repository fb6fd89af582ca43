/* The restart policy: growing waits, forgiveness after a good life, the crash-loop throttle. */
#include "common/base/attr.h"

#include "tests/unit/unit.h"
#include "worker/supervisor/restart.h"

/* One life that ended after ran_ms, and the bounds of the wait that follows. */
struct life {
    int64_t ran_ms;
    int64_t wait_min_ms;
    int64_t wait_max_ms;
    bool is_throttled;
};

static void check_lives(const struct life *lives, size_t count)
{
    for (uint64_t seed = 1; seed < 20; seed++) {
        struct restart restart;
        restart_init(&restart, seed);
        int64_t now_ms = 1000000;
        for (size_t i = 0; i < count; i++) {
            restart_started(&restart, now_ms);
            now_ms += lives[i].ran_ms;
            int64_t wait_ms = restart_ended(&restart, now_ms);
            if (wait_ms < lives[i].wait_min_ms || wait_ms > lives[i].wait_max_ms ||
                restart.is_throttled != lives[i].is_throttled) {
                fail_msg(
                    "life %zu: wait %lld ms, throttled %d", i, (long long)wait_ms,
                    restart.is_throttled);
            }
            now_ms += wait_ms;
        }
    }
}

static void waits_grow_until_it_is_a_crash_loop(void **state)
{
    (void)state;
    static const struct life lives[] = {
        {10, 250, 500, false},      {10, 500, 1000, false},      {10, 1000, 2000, false},
        {10, 2000, 4000, false},    {10, 30000, 30000, true},    {10, 30000, 30000, true},
        {5000, 30000, 30000, true}, {59999, 30000, 30000, true},
    };
    check_lives(lives, ARRAY_LEN(lives));
}

static void slow_deaths_are_no_crash_loop(void **state)
{
    (void)state;
    static const struct life lives[] = {
        {20000, 250, 500, false},     {20000, 500, 1000, false},    {20000, 1000, 2000, false},
        {20000, 2000, 4000, false},   {20000, 4000, 8000, false},   {20000, 8000, 16000, false},
        {20000, 15000, 30000, false}, {20000, 15000, 30000, false},
    };
    check_lives(lives, ARRAY_LEN(lives));
}

static void a_good_life_is_forgiveness(void **state)
{
    (void)state;
    static const struct life lives[] = {
        {10, 250, 500, false},    {10, 500, 1000, false},   {10, 1000, 2000, false},
        {10, 2000, 4000, false},  {10, 30000, 30000, true}, {60000, 250, 500, false},
        {10, 500, 1000, false},   {10, 1000, 2000, false},  {10, 2000, 4000, false},
        {10, 30000, 30000, true},
    };
    check_lives(lives, ARRAY_LEN(lives));
}

static void recovery_is_told_once_and_only_after_a_crash_loop(void **state)
{
    (void)state;
    struct restart restart;
    restart_init(&restart, 1);
    int64_t now_ms = 5000;
    restart_started(&restart, now_ms);
    assert_false(restart_is_recovered(&restart, now_ms + 100000)); /* nothing to recover from */
    (void)restart_ended(&restart, now_ms + 10);
    restart_started(&restart, now_ms + 20);
    assert_false(restart_is_recovered(&restart, now_ms + 20 + 60000)); /* was no crash loop */
    for (int i = 0; i < RESTART_DEATHS_MAX; i++) {
        restart_started(&restart, now_ms);
        (void)restart_ended(&restart, now_ms);
    }
    assert_true(restart.is_throttled);
    restart_started(&restart, now_ms);
    assert_false(restart_is_recovered(&restart, now_ms + RESTART_GOOD_MS - 1));
    assert_true(restart_is_recovered(&restart, now_ms + RESTART_GOOD_MS));
    assert_false(restart.is_throttled);
    assert_false(restart_is_recovered(&restart, now_ms + RESTART_GOOD_MS + 1));
    assert_true(restart_ended(&restart, now_ms + RESTART_GOOD_MS + 2) <= RESTART_FIRST_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_grow_until_it_is_a_crash_loop),
        cmocka_unit_test(slow_deaths_are_no_crash_loop),
        cmocka_unit_test(a_good_life_is_forgiveness),
        cmocka_unit_test(recovery_is_told_once_and_only_after_a_crash_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
