/* Numbers against strtod and 128-bit arithmetic. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/replica/decode/number.h"

#include <cmocka.h>

enum {
    ROUNDS = 300000
};

static uint64_t state_random = 88172645463325252ULL;

static uint64_t random_next(void)
{
    state_random ^= state_random << 13;
    state_random ^= state_random >> 7;
    state_random ^= state_random << 17;
    return state_random;
}

static void assert_float(const char *text)
{
    uint8_t padded[512] = {0};
    size_t len = strlen(text);
    assert_true(len < sizeof(padded) - 16);
    memcpy(padded, text, len);
    struct number number;
    const uint8_t *behind = number_read(padded, padded + len, &number);
    assert_ptr_equal(behind, padded + len);
    double wanted = strtod(text, NULL);
    double found = number_float64(&number);
    float wanted32 = strtof(text, NULL);
    float found32 = number_float32(&number);
    if (memcmp(&wanted, &found, sizeof(found)) != 0 ||
        memcmp(&wanted32, &found32, sizeof(found32)) != 0) {
        fail_msg(
            "%s: %a is not %a, or %a is not %a", text, found, wanted, (double)found32,
            (double)wanted32);
    }
}

static void number_rounds_as_strtod(void **state)
{
    (void)state;
    static const char *const HARD[] = {
        "0",
        "-0",
        "0.1",
        "1e22",
        "1e23",
        "123456789.123456789",
        "0.30000000000000004",
        "9007199254740993",
        "9007199254740992.5",
        "5e-324",
        "2.2250738585072011e-308",
        "1.7976931348623157e308",
        "1e400",
        "1e-400",
        "16777217",
        "1.00000005960464477539",
        "1.000000059604644775390625000000001",
        "3.4028235677973366e38",
        "1e-45",
        "7.0064923216240854e-46",
        "8.5",
        "100000000000000016777215",
        "100000000000000016777216",
        "1e64",
        "1e-64",
        "1e65",
        "1e-65"};
    for (size_t i = 0; i < ARRAY_LEN(HARD); i++) {
        assert_float(HARD[i]);
    }
    for (size_t i = 0; i < ROUNDS; i++) {
        char text[400];
        uint64_t bits = random_next();
        double value = 0;
        memcpy(&value, &bits, sizeof(value));
        switch (i % 4) {
        case 0:
            (void)snprintf(text, sizeof(text), "%.17g", isfinite(value) ? value : 1.0);
            break;
        case 1:
            (void)snprintf(
                text, sizeof(text), "%llue%d", (unsigned long long)(bits >> (bits % 60)),
                (int)(random_next() % 140) - 70);
            break;
        case 2:
            (void)snprintf(
                text, sizeof(text), "%d.%0*llu", (int)(bits % 2000) - 1000,
                (int)(random_next() % 18) + 1, (unsigned long long)(bits >> 20) % 1000000);
            break;
        default:
            (void)snprintf(
                text, sizeof(text), "%.*f", (int)(bits % 12), (double)(int64_t)bits / 1e9);
        }
        assert_float(text);
    }
}

static void number_is_exact(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t mantissa;
        int64_t exponent;
        bool is_too_long;
    } CASES[] = {
        {"0", 0, 0, false},
        {"0e100", 0, 0, false},
        {"100", 1, 2, false},
        {"-1.50", 15, -1, false},
        {"0.00012", 12, -5, false},
        {"12e-2", 12, -2, false},
        {"1.2e3", 12, 2, false},
        {"100000000000000000000000000000000000000000000000", 1, 47, false},
        {"1.00000000000000000000000000000000000000000000", 1, 0, false},
        {"18446744073709551615", UINT64_MAX, 0, false},
        {"1157920892373161954235709850086879078532699846656405640394575840079131296399361", 0, 0,
         true},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct number number;
        assert_true(
            number_read_text((const uint8_t *)CASES[i].text, strlen(CASES[i].text), &number));
        struct number_wide wide;
        number_wide(&number, UINT32_MAX, &wide);
        assert_int_equal(wide.is_too_long, CASES[i].is_too_long);
        if (!wide.is_too_long) {
            struct wide mantissa = {{CASES[i].mantissa}};
            assert_true(wide_equals(&wide.mantissa, &mantissa));
            assert_int_equal(wide.exponent, CASES[i].exponent);
        }
    }
}

static void number_keeps_the_first_digits(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t digits_max;
        uint64_t mantissa;
        int64_t exponent;
        bool is_cut;
    } CASES[] = {
        {"12345", 3, 123, 2, true},     {"12300", 3, 123, 2, false},
        {"1.2000034", 3, 12, -1, true}, {"0.00123456e5", 4, 1234, -1, true},
        {"7", 1, 7, 0, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct number number;
        assert_true(
            number_read_text((const uint8_t *)CASES[i].text, strlen(CASES[i].text), &number));
        struct number_wide wide;
        number_wide(&number, CASES[i].digits_max, &wide);
        assert_int_equal(wide.is_cut, CASES[i].is_cut);
        assert_true(wide.mantissa.words[0] == CASES[i].mantissa);
        assert_int_equal(wide.exponent, CASES[i].exponent);
    }
}

static void number_refuses_what_is_none(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {"",   "-",   ".",     "e1", "1e",  "1e+", "1x",   " 1",
                                        "1 ", "--1", "1.2.3", "+",  "nan", "0x1", "1e1.5"};
    for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++) {
        struct number number;
        assert_false(number_read_text((const uint8_t *)TEXTS[i], strlen(TEXTS[i]), &number));
    }
    static const char *const JSON[] = {"-", "01", "1.", ".5", "1e", "+1", "1.e5", "-01", "00"};
    for (size_t i = 0; i < ARRAY_LEN(JSON); i++) {
        uint8_t padded[32] = {0};
        memcpy(padded, JSON[i], strlen(JSON[i]));
        struct number number;
        assert_null(number_read(padded, padded + strlen(JSON[i]), &number));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(number_rounds_as_strtod),
        cmocka_unit_test(number_is_exact),
        cmocka_unit_test(number_keeps_the_first_digits),
        cmocka_unit_test(number_refuses_what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
