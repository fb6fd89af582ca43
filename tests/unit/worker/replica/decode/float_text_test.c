/* Shortest texts of floats: known ones, and any value reads back. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/attr.h"

#include "worker/replica/decode/float_text.h"

#include <cmocka.h>

enum {
    ROUNDS = 100000
};

static void known_values(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
        bool is_float;
    } CASES[] = {
        {0.0, "0", false},
        {-0.0, "-0", false},
        {1.0, "1", false},
        {-1.5, "-1.5", false},
        {100.0, "100", false},
        {0.1, "0.1", false},
        {0.30000000000000004, "0.30000000000000004", false},
        {123456.75, "123456.75", false},
        {1e20, "100000000000000000000", false},
        {1e21, "1e21", false},
        {1.25e300, "1.25e300", false},
        {1e-6, "0.000001", false},
        {1.5e-7, "1.5e-7", false},
        {5e-324, "5e-324", false},
        {1.7976931348623157e308, "1.7976931348623157e308", false},
        {(double)0.1F, "0.1", true},
        {(double)0.1F, "0.10000000149011612", false},
        {(double)16777216.0F, "16777216", true},
        {(double)3.4028235e38F, "3.4028235e38", true},
        {(double)1e-45F, "1e-45", true},
        {(double)NAN, "nan", false},
        {(double)INFINITY, "inf", false},
        {-(double)INFINITY, "-inf", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        char text[FLOAT_TEXT_BYTES];
        size_t len = float_text(CASES[i].value, CASES[i].is_float, text);
        assert_string_equal(text, CASES[i].text);
        assert_int_equal(len, strlen(CASES[i].text));
    }
}

static void any_value_reads_back(void **state)
{
    (void)state;
    uint64_t random = 88172645463325252ULL;
    for (int i = 0; i < ROUNDS; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        double value = 0;
        float narrow = 0;
        memcpy(&value, &random, sizeof(value));
        memcpy(&narrow, &random, sizeof(narrow));
        char text[FLOAT_TEXT_BYTES];
        if (isfinite(value) != 0) {
            assert_true(float_text(value, false, text) < sizeof(text));
            double back = strtod(text, NULL);
            assert_memory_equal(&back, &value, sizeof(back));
        }
        if (isfinite(narrow) != 0) {
            (void)float_text((double)narrow, true, text);
            float back = strtof(text, NULL);
            assert_memory_equal(&back, &narrow, sizeof(back));
            assert_true(strcspn(text, "e") <= 26);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values),
        cmocka_unit_test(any_value_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
