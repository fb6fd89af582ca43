/* Dice repeat, differ and keep to their odds. */

#include <stddef.h>
#include <stdint.h>

#include "demo/generator/dice.h"
#include "tests/unit/unit.h"

static void same_record_rolls_the_same(void **state)
{
    (void)state;
    struct dice one = dice_for(7, 42, 1);
    struct dice two = dice_for(7, 42, 1);
    for (int i = 0; i < 100; i++) {
        assert_true(dice_bits(&one) == dice_bits(&two));
    }
}

static void seed_index_and_purpose_all_matter(void **state)
{
    (void)state;
    struct dice base = dice_for(7, 42, 1);
    uint64_t bits = dice_bits(&base);
    struct dice others[] = {dice_for(8, 42, 1), dice_for(7, 43, 1), dice_for(7, 42, 2)};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_true(dice_bits(&others[i]) != bits);
    }
}

static void roll_covers_every_side_and_no_other(void **state)
{
    (void)state;
    unsigned seen[6] = {0};
    struct dice dice = dice_for(1, 1, 1);
    for (int i = 0; i < 6000; i++) {
        uint32_t side = dice_roll(&dice, 6);
        assert_in_range(side, 0, 5);
        seen[side]++;
    }
    for (int i = 0; i < 6; i++) {
        assert_in_range(seen[i], 850, 1150);
    }
    assert_int_equal(dice_roll(&dice, 1), 0);
}

static void chance_follows_the_percentage(void **state)
{
    (void)state;
    static const struct {
        double percent;
        unsigned min;
        unsigned max;
    } cases[] = {{0, 0, 0}, {1, 800, 1200}, {50, 49000, 51000}, {100, 100000, 100000}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct dice dice = dice_for(3, i, 1);
        unsigned hits = 0;
        for (int roll = 0; roll < 100000; roll++) {
            hits += dice_chance(&dice, cases[i].percent) ? 1 : 0;
        }
        assert_in_range(hits, cases[i].min, cases[i].max);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_record_rolls_the_same),
        cmocka_unit_test(seed_index_and_purpose_all_matter),
        cmocka_unit_test(roll_covers_every_side_and_no_other),
        cmocka_unit_test(chance_follows_the_percentage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
