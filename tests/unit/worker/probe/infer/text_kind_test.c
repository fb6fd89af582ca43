/* What strings look like. */
#include <string.h>

#include "tests/unit/unit.h"
#include "worker/probe/infer/text_kind.h"

static void strings_are_recognized(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum text_kind kind;
    } CASES[] = {
        {"", TEXT_PLAIN},
        {"a", TEXT_PLAIN},
        {"0", TEXT_INTEGER},
        {"-1", TEXT_INTEGER},
        {"007", TEXT_PLAIN},
        {"-0", TEXT_PLAIN},
        {"+1", TEXT_PLAIN},
        {"9223372036854775807", TEXT_INTEGER},
        {"9223372036854775808", TEXT_NATURAL},
        {"-9223372036854775808", TEXT_INTEGER},
        {"-9223372036854775809", TEXT_PLAIN},
        {"18446744073709551615", TEXT_NATURAL},
        {"18446744073709551616", TEXT_PLAIN},
        {"1.5", TEXT_REAL},
        {"-1.5e-3", TEXT_REAL},
        {"1e5", TEXT_REAL},
        {"1.", TEXT_PLAIN},
        {".5", TEXT_PLAIN},
        {"1e", TEXT_PLAIN},
        {"0x10", TEXT_PLAIN},
        {"2026-01-31", TEXT_DATE},
        {"1970-01-01", TEXT_DATE},
        {"1969-12-31", TEXT_PLAIN},
        {"2148-12-31", TEXT_DATE},
        {"2149-01-01", TEXT_PLAIN},
        {"2024-02-29", TEXT_DATE},
        {"2025-02-29", TEXT_PLAIN},
        {"2026-13-01", TEXT_PLAIN},
        {"2026-01-02 03:04:05", TEXT_DATETIME},
        {"2026-01-02T03:04", TEXT_DATETIME},
        {"2026-01-02T03:04:05Z", TEXT_DATETIME},
        {"2026-01-02T03:04:05.123456789+02:00", TEXT_DATETIME},
        {"2026-01-02T03:04:05.1234567890Z", TEXT_PLAIN},
        {"2026-01-02T03:04:05-0200", TEXT_DATETIME},
        {"2026-01-02T24:04:05", TEXT_PLAIN},
        {"2026-01-02T03:60:05", TEXT_PLAIN},
        {"2026-01-02T03:04:05 UTC", TEXT_PLAIN},
        {"1900-01-01 00:00:00", TEXT_DATETIME},
        {"1899-12-31 00:00:00", TEXT_PLAIN},
        {"123e4567-e89b-12d3-a456-426614174000", TEXT_UUID},
        {"123e4567-e89b-12d3-a456-42661417400g", TEXT_PLAIN},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        if (text_kind_of(CASES[i].text, strlen(CASES[i].text)) != CASES[i].kind) {
            fail_msg("'%s' is not of kind %d", CASES[i].text, (int)CASES[i].kind);
        }
    }
    assert_int_equal(text_kind_of("12\0003", 4), TEXT_PLAIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_are_recognized),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
