/* The fake clock moves only when told; RFC 3339 is right at the edges. */
#include "common/base/clock.h"

#include "tests/unit/unit.h"

static void fake_clock_moves_only_when_advanced(void **state)
{
    (void)state;
    clock_fake_start(1000);
    assert_int_equal(clock_monotonic_ms(), 1000);
    clock_fake_advance_ms(250);
    assert_int_equal(clock_monotonic_ms(), 1250);
    assert_int_equal(clock_monotonic_us(), 1250000);
    clock_fake_stop();
    int64_t first_us = clock_monotonic_us();
    assert_true(clock_monotonic_us() >= first_us);
}

static void wall_clock_is_of_this_century(void **state)
{
    (void)state;
    assert_true(clock_wall_ms() > 1700000000000);
}

static void rfc3339_texts(void **state)
{
    (void)state;
    static const struct {
        int64_t wall_ms;
        const char *expected;
    } cases[] = {
        {0, "1970-01-01T00:00:00Z"},
        {1, "1970-01-01T00:00:00.001Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {-1000, "1969-12-31T23:59:59Z"},
        {951782400000, "2000-02-29T00:00:00Z"},
        {1767225599999, "2025-12-31T23:59:59.999Z"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[CLOCK_RFC3339_BYTES];
        clock_rfc3339(cases[i].wall_ms, text);
        assert_string_equal(text, cases[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fake_clock_moves_only_when_advanced),
        cmocka_unit_test(wall_clock_is_of_this_century),
        cmocka_unit_test(rfc3339_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
