/* Which offset a partition goes on at after a rebalance. */
#include <setjmp.h>
#include <stdarg.h>

#include "worker/replica/ledger/kept.h"

#include <cmocka.h>

static void the_later_offset_wins(void **state)
{
    (void)state;
    static const struct {
        const char *topic;
        int32_t partition;
        int64_t committed;
        int64_t expected;
    } cases[] = {
        {"a", 0, 5, 10},  /* the commit was refused */
        {"a", 0, 10, 10}, /* it was not */
        {"a", 0, 11, 11}, /* somebody went on meanwhile */
        {"a", 0, -1, -1}, /* the group has forgotten the topic */
        {"a", 1, 5, 5},   /* another partition */
        {"b", 0, 5, 7},   /* another topic */
        {"c", 0, 0, 0},   /* unknown */
    };
    struct kept kept = {.count = 0};
    assert_int_equal(kept_add(&kept, "a", 0, 10), ST_OK);
    assert_int_equal(kept_add(&kept, "b", 0, 7), ST_OK);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(
            kept_later(&kept, cases[i].topic, cases[i].partition, cases[i].committed),
            cases[i].expected);
    }
    kept_reset(&kept);
    assert_int_equal(kept_later(&kept, "a", 0, 5), 5);
    kept_reset(&kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_later_offset_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
