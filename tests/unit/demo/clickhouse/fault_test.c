/* Error numbers, the engine's texts, and the HTTP status each number becomes. */
#include <string.h>

#include "demo/clickhouse/fault.h"
#include "tests/unit/unit.h"

static void status_follows_from_the_number(void **state)
{
    (void)state;
    static const struct {
        int code;
        int http_status;
    } cases[] = {
        {6, 400},   {27, 400},  {36, 400},  {47, 404},   {48, 501},  {60, 404},
        {62, 400},  {73, 404},  {81, 404},  {115, 404},  {117, 400}, {159, 408},
        {16, 500},  {33, 500},  {164, 500}, {193, 403},  {194, 401}, {202, 500},
        {209, 503}, {229, 413}, {241, 500}, {242, 500},  {252, 500}, {381, 411},
        {497, 403}, {516, 403}, {676, 400}, {1002, 500}, {0, 500},   {-1, 500},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(fault_http_status(cases[i].code), cases[i].http_status);
    }
}

static void engine_text_gives_the_number(void **state)
{
    (void)state;
    static const struct {
        const char *engine;
        int code;
        const char *text;
    } cases[] = {
        {"Code: 60. DB::Exception: no table. (UNKNOWN_TABLE)", 60,
         "Code: 60. DB::Exception: no table. (UNKNOWN_TABLE)"},
        {"Code: 73. DB::Exception: Code: 73. DB::Exception: Code: 73. DB::Exception: no format", 73,
         "Code: 73. DB::Exception: no format"},
        {"Code: 1. DB::Exception: Code: 2. DB::Exception: x", 1,
         "Code: 1. DB::Exception: Code: 2. DB::Exception: x"},
        {"something else", 1002, "Code: 1002. DB::Exception: something else. (UNKNOWN_EXCEPTION)"},
        {"Code: x. DB::Exception: y", 1002,
         "Code: 1002. DB::Exception: Code: x. DB::Exception: y. (UNKNOWN_EXCEPTION)"},
        {"", 1002, "Code: 1002. DB::Exception: . (UNKNOWN_EXCEPTION)"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fault fault = {0};
        assert_false(fault_is_set(&fault));
        fault_set_engine(&fault, cases[i].engine);
        assert_true(fault_is_set(&fault));
        assert_int_equal(fault.code, cases[i].code);
        assert_string_equal(fault.text, cases[i].text);
        fault_done(&fault);
        fault_done(&fault);
        assert_false(fault_is_set(&fault));
    }
}

static void first_fault_counts(void **state)
{
    (void)state;
    struct fault fault = {0};
    fault_set(&fault, FAULT_SYNTAX_ERROR, "SYNTAX_ERROR", "at %d", 7);
    fault_set(&fault, FAULT_BAD_ARGUMENTS, "BAD_ARGUMENTS", "later");
    fault_set_engine(&fault, "Code: 60. DB::Exception: later");
    assert_int_equal(fault.code, 62);
    assert_string_equal(fault.text, "Code: 62. DB::Exception: at 7. (SYNTAX_ERROR)");
    fault_done(&fault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_follows_from_the_number),
        cmocka_unit_test(engine_text_gives_the_number),
        cmocka_unit_test(first_fault_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
