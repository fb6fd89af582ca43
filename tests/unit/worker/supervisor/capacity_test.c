/* What a host offers and what is left of it. */
#include "tests/unit/unit.h"
#include "worker/supervisor/capacity.h"

static void settings_win_over_the_machine(void **state)
{
    (void)state;
    struct capacity_setting setting = {
        .is_memory_set = true, .memory_gb = 3.5, .is_cpu_set = true, .cpu_millicores = 750};
    struct capacity got = capacity_of_host(&setting);
    assert_true(got.memory_gb > 3.49 && got.memory_gb < 3.51);
    assert_int_equal(got.cpu_millicores, 750);
    setting = (struct capacity_setting){.is_memory_set = true, .is_cpu_set = true};
    got = capacity_of_host(&setting);
    assert_true(got.memory_gb <= 0);
    assert_int_equal(got.cpu_millicores, 0);
}

static void the_machine_has_something(void **state)
{
    (void)state;
    const struct capacity_setting nothing = {.is_memory_set = false};
    struct capacity got = capacity_of_host(&nothing);
    assert_true(got.memory_gb > 0.01 && got.memory_gb < 100000);
    assert_true(got.cpu_millicores >= 10 && got.cpu_millicores <= 1024 * 1000);
}

static void used_is_taken_away_but_never_below_nothing(void **state)
{
    (void)state;
    const struct capacity offered = {.memory_gb = 4, .cpu_millicores = 1000};
    const struct capacity some = {.memory_gb = 1.5, .cpu_millicores = 250};
    struct capacity left = capacity_left(&offered, &some);
    assert_true(left.memory_gb > 2.49 && left.memory_gb < 2.51);
    assert_int_equal(left.cpu_millicores, 750);
    const struct capacity more = {.memory_gb = 5, .cpu_millicores = 1001};
    left = capacity_left(&offered, &more);
    assert_true(left.memory_gb < 0.01);
    assert_int_equal(left.cpu_millicores, 0);
}

static void unlimited_stays_unlimited(void **state)
{
    (void)state;
    const struct capacity offered = {.memory_gb = 0, .cpu_millicores = 500};
    const struct capacity used = {.memory_gb = 100, .cpu_millicores = 100};
    struct capacity left = capacity_left(&offered, &used);
    assert_true(left.memory_gb > 1e8);
    assert_int_equal(left.cpu_millicores, 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_win_over_the_machine),
        cmocka_unit_test(the_machine_has_something),
        cmocka_unit_test(used_is_taken_away_but_never_below_nothing),
        cmocka_unit_test(unlimited_stays_unlimited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
