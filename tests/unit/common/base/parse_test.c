/* Numbers are read whole or not at all. */
#include <math.h>

#include "common/base/parse.h"

#include "tests/unit/unit.h"

static void signed_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t min;
        int64_t max;
        enum status expected;
        int64_t value;
    } cases[] = {
        {"0", 0, 10, ST_OK, 0},
        {"10", 0, 10, ST_OK, 10},
        {"11", 0, 10, ST_INVALID, 0},
        {"-1", 0, 10, ST_INVALID, 0},
        {"-5", -5, 10, ST_OK, -5},
        {"9223372036854775807", INT64_MIN, INT64_MAX, ST_OK, INT64_MAX},
        {"9223372036854775808", INT64_MIN, INT64_MAX, ST_INVALID, 0},
        {"-9223372036854775808", INT64_MIN, INT64_MAX, ST_OK, INT64_MIN},
        {"-9223372036854775809", INT64_MIN, INT64_MAX, ST_INVALID, 0},
        {"", 0, 10, ST_INVALID, 0},
        {"-", -10, 10, ST_INVALID, 0},
        {"+1", 0, 10, ST_INVALID, 0},
        {" 1", 0, 10, ST_INVALID, 0},
        {"1 ", 0, 10, ST_INVALID, 0},
        {"1x", 0, 10, ST_INVALID, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t value = -77;
        assert_int_equal(
            parse_i64(cases[i].text, cases[i].min, cases[i].max, &value), cases[i].expected);
        assert_int_equal(value, cases[i].expected == ST_OK ? cases[i].value : -77);
    }
}

static void unsigned_numbers(void **state)
{
    (void)state;
    uint64_t value = 5;
    assert_int_equal(parse_u64("18446744073709551615", UINT64_MAX, &value), ST_OK);
    assert_true(value == UINT64_MAX);
    assert_int_equal(parse_u64("18446744073709551616", UINT64_MAX, &value), ST_INVALID);
    assert_int_equal(parse_u64("-1", UINT64_MAX, &value), ST_INVALID);
    assert_int_equal(parse_u64("3", 2, &value), ST_INVALID);
    assert_true(value == UINT64_MAX);
}

static void doubles(void **state)
{
    (void)state;
    static const char *const good[] = {"0.5", "8", "-1.25", "1e3"};
    static const double values[] = {0.5, 8, -1.25, 1000};
    static const char *const bad[] = {"", "nan", "inf", "0x10", "1e999", " 1", "1 ", ".5", "--1"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        double value = -1;
        assert_int_equal(parse_double(good[i], &value), ST_OK);
        assert_true(fabs(value - values[i]) < 1e-12);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        double value = -1;
        assert_int_equal(parse_double(bad[i], &value), ST_INVALID);
        assert_true(fabs(value + 1) < 1e-12);
    }
}

static void truth_values(void **state)
{
    (void)state;
    static const char *const yes[] = {"1", "true", "TRUE", "yes", "on"};
    static const char *const no[] = {"0", "false", "No", "off"};
    bool value = false;
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        assert_int_equal(parse_bool(yes[i], &value), ST_OK);
        assert_true(value);
    }
    for (size_t i = 0; i < ARRAY_LEN(no); i++) {
        assert_int_equal(parse_bool(no[i], &value), ST_OK);
        assert_false(value);
    }
    assert_int_equal(parse_bool("2", &value), ST_INVALID);
    assert_int_equal(parse_bool("", &value), ST_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signed_numbers),
        cmocka_unit_test(unsigned_numbers),
        cmocka_unit_test(doubles),
        cmocka_unit_test(truth_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
