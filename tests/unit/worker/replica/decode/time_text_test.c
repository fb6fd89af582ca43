/* Times of day: shapes, signs, limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/base/attr.h"

#include "worker/replica/decode/time_text.h"

#include <cmocka.h>

static void shapes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct time_text wanted;
    } GOOD[] = {
        {"12:34:56", {45296, 0, false}},
        {"1:02:03", {3723, 0, false}},
        {"-999:59:59.999999999", {TIME_SECONDS_MAX, 999999999, true}},
        {"00:00:00.5", {0, 500000000, false}},
        {"12:34", {754, 0, false}},
        {"12:34.25", {754, 250000000, false}},
        {"7", {7, 0, false}},
        {"-59.", {59, 0, true}},
        {"1.0000000009", {1, 0, false}},
    };
    for (size_t i = 0; i < ARRAY_LEN(GOOD); i++) {
        struct time_text time;
        assert_null(time_read((const uint8_t *)GOOD[i].text, strlen(GOOD[i].text), &time));
        assert_int_equal(time.seconds, GOOD[i].wanted.seconds);
        assert_int_equal(time.nanos, GOOD[i].wanted.nanos);
        assert_int_equal(time.is_negative, GOOD[i].wanted.is_negative);
    }
}

static void refusals(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "",          "-",         "--1",         "+1",       "1:2:3",     "1:02",
        "123:45",    "123",       "1000:00:00",  "12:34:5",  "12:34:567", "12:34:56Z",
        " 12:34:56", "12:34:56 ", "12:34:56:00", "12:",      ":12",       "12:34:",
        "a",         "1,5",       "00:00:60",    "00:60:00", "60",        "60:00"};
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        struct time_text time;
        assert_non_null(time_read((const uint8_t *)BAD[i], strlen(BAD[i]), &time));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
