/* Batches grow, shrink, and go back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/replica/pace.h"

#include <cmocka.h>

static const struct batch_limits BASE = {.rows = 10000, .bytes = 1 << 20, .age_ms = 5000};

static void too_many_parts_make_batches_larger_and_rarer(void **state)
{
    (void)state;
    struct pace pace;
    pace_init(&pace, &BASE);
    struct pace_totals totals = {.inserts = 0};
    assert_false(pace_see(&pace, &totals, 0));
    size_t rows = BASE.rows;
    int64_t age_ms = BASE.age_ms;
    for (int i = 0; i < 10; i++) {
        totals.parts_refusals++;
        assert_true(pace_see(&pace, &totals, 100 + i));
        assert_false(pace_see(&pace, &totals, 100 + i)); /* once each */
        struct batch_limits limits = pace_limits(&pace);
        assert_true(limits.rows >= rows && limits.age_ms >= age_ms);
        assert_int_equal(limits.bytes, BASE.bytes); /* memory is what it is */
        rows = limits.rows;
        age_ms = limits.age_ms;
    }
    assert_int_equal(rows, 320000);
    assert_int_equal(age_ms, PACE_AGE_MAX_MS);
}

static void limits_of_the_pipe_are_never_made_stricter_by_growing(void **state)
{
    (void)state;
    const struct batch_limits large = {.rows = 1 << 20, .bytes = 1, .age_ms = 600000};
    struct pace pace;
    pace_init(&pace, &large);
    const struct pace_totals totals = {.parts_refusals = 3};
    assert_true(pace_see(&pace, &totals, 0));
    struct batch_limits limits = pace_limits(&pace);
    assert_int_equal(limits.rows, large.rows);
    assert_int_equal(limits.age_ms, large.age_ms);
}

static void memory_makes_later_batches_smaller(void **state)
{
    (void)state;
    struct pace pace;
    pace_init(&pace, &BASE);
    struct pace_totals totals = {.memory_refusals = 1};
    assert_false(pace_see(&pace, &totals, 0)); /* once may be chance */
    totals.inserts++;
    assert_false(pace_see(&pace, &totals, 0));
    totals.memory_refusals++;
    assert_false(pace_see(&pace, &totals, 0));
    totals.memory_refusals++;
    assert_true(pace_see(&pace, &totals, 0));
    assert_int_equal(pace_limits(&pace).rows, 5000);
    assert_int_equal(pace_limits(&pace).bytes, BASE.bytes / 2);
    for (int i = 0; i < 100; i++) {
        totals.memory_refusals++;
        (void)pace_see(&pace, &totals, 0); /* limits are looked at below */
    }
    assert_int_equal(pace_limits(&pace).rows, PACE_ROWS_MIN);
    assert_int_equal(pace_limits(&pace).age_ms, BASE.age_ms);
}

static void it_goes_back_while_inserts_pass(void **state)
{
    (void)state;
    struct pace pace;
    pace_init(&pace, &BASE);
    struct pace_totals totals = {.parts_refusals = 1};
    assert_true(pace_see(&pace, &totals, 1000));
    totals.parts_refusals++;
    assert_true(pace_see(&pace, &totals, 2000));
    assert_int_equal(pace_limits(&pace).rows, 40000);
    assert_false(pace_see(&pace, &totals, 2000 + PACE_RELAX_MS)); /* nothing was stored */
    totals.inserts++;
    assert_true(pace_see(&pace, &totals, 2000 + PACE_RELAX_MS));
    assert_int_equal(pace_limits(&pace).rows, 20000);
    totals.inserts++;
    assert_false(pace_see(&pace, &totals, 2000 + 2 * PACE_RELAX_MS - 1));
    assert_true(pace_see(&pace, &totals, 2000 + 2 * PACE_RELAX_MS));
    assert_int_equal(pace_limits(&pace).rows, BASE.rows);
    totals.inserts++;
    assert_false(pace_see(&pace, &totals, 2000 + 9 * PACE_RELAX_MS));
}

static void a_cap_of_rows_holds_and_goes(void **state)
{
    (void)state;
    struct pace pace;
    pace_init(&pace, &BASE);
    pace_cap_rows(&pace, 3000, 0);
    assert_int_equal(pace_limits(&pace).rows, 3000);
    struct pace_totals totals = {.parts_refusals = 9};
    assert_true(pace_see(&pace, &totals, 0));
    assert_int_equal(pace_limits(&pace).rows, 3000); /* whatever else is wanted */
    totals = (struct pace_totals){.inserts = 1};     /* a new sink */
    assert_true(pace_see(&pace, &totals, PACE_RELAX_MS));
    assert_int_equal(pace_limits(&pace).rows, 3000);
    assert_true(pace_see(&pace, &totals, PACE_CAP_MS));
    assert_int_equal(pace_limits(&pace).rows, 6000);
    assert_true(pace_see(&pace, &totals, 2 * PACE_CAP_MS));
    assert_int_equal(pace_limits(&pace).rows, BASE.rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(too_many_parts_make_batches_larger_and_rarer),
        cmocka_unit_test(limits_of_the_pipe_are_never_made_stricter_by_growing),
        cmocka_unit_test(memory_makes_later_batches_smaller),
        cmocka_unit_test(it_goes_back_while_inserts_pass),
        cmocka_unit_test(a_cap_of_rows_holds_and_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
