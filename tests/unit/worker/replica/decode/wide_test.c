/* 256-bit numbers: carries, limits, signs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/base/attr.h"

#include "worker/replica/decode/wide.h"

#include <cmocka.h>

static void multiplication_carries_and_wraps(void **state)
{
    (void)state;
    struct wide w = {{UINT64_MAX}};
    assert_true(wide_multiply_add(&w, UINT64_MAX, UINT64_MAX));
    assert_true(w.words[0] == 0 && w.words[1] == UINT64_MAX && w.words[2] == 0);
    struct wide top = wide_ones(WIDE_BITS);
    assert_true(wide_multiply_add(&top, 1, 0));
    assert_false(wide_multiply_add(&top, 1, 1));
    assert_int_equal(wide_bits(&top), 0);
}

static void powers_of_ten(void **state)
{
    (void)state;
    struct wide w = {{1}};
    assert_true(wide_scale(&w, 77)); /* 10^77 < 2^256 < 10^78 */
    assert_int_equal(wide_bits(&w), 256);
    w = (struct wide){{1}};
    assert_false(wide_scale(&w, 78));
    w = (struct wide){{1}};
    assert_false(wide_scale(&w, 1000000));
    assert_int_equal(wide_bits(&w), 0);
    assert_true(wide_scale(&w, 1000000)); /* zero stays zero */
    w = (struct wide){{7}};
    assert_true(wide_scale(&w, 0));
    assert_true(w.words[0] == 7);
}

static void bits_and_limits(void **state)
{
    (void)state;
    static const unsigned BITS[] = {0, 1, 63, 64, 65, 127, 128, 255, 256};
    for (size_t i = 0; i < ARRAY_LEN(BITS); i++) {
        struct wide ones = wide_ones(BITS[i]);
        assert_int_equal(wide_bits(&ones), BITS[i]);
        bool fits = wide_multiply_add(&ones, 1, 1);
        assert_int_equal(fits, BITS[i] < WIDE_BITS);
        if (fits) {
            struct wide power = wide_power_of_two(BITS[i]);
            assert_true(wide_equals(&ones, &power));
        }
    }
}

static void negation_is_twos_complement(void **state)
{
    (void)state;
    struct wide w = {{1}};
    struct wide ones = wide_ones(WIDE_BITS);
    wide_negate(&w);
    assert_true(wide_equals(&w, &ones));
    wide_negate(&w);
    assert_true(w.words[0] == 1 && wide_bits(&w) == 1);
    struct wide zero = {{0}};
    wide_negate(&zero);
    assert_int_equal(wide_bits(&zero), 0);
    struct wide lowest = wide_power_of_two(255);
    wide_negate(&lowest);
    assert_int_equal(wide_bits(&lowest), 256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(multiplication_carries_and_wraps),
        cmocka_unit_test(powers_of_ten),
        cmocka_unit_test(bits_and_limits),
        cmocka_unit_test(negation_is_twos_complement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
