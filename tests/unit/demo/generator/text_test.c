/* Numbers, decimals and digits as text, up to the limit. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "demo/generator/text.h"
#include "tests/unit/unit.h"

static void check(const struct text *text, const char *expected)
{
    assert_int_equal(text->len_bytes, strlen(expected));
    assert_memory_equal(text->bytes, expected, text->len_bytes);
}

static void numbers_are_written_whole(void **state)
{
    (void)state;
    static const struct {
        uint64_t number;
        int digits;
        const char *expected;
    } cases[] = {
        {0, 1, "0"},
        {7, 1, "7"},
        {10, 1, "10"},
        {7, 3, "007"},
        {1234, 3, "1234"},
        {0, 20, "00000000000000000000"},
        {UINT64_MAX, 1, "18446744073709551615"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct text text;
        text_reset(&text);
        text_add_padded(&text, cases[i].number, cases[i].digits);
        check(&text, cases[i].expected);
    }
}

static void decimals_keep_their_zeros(void **state)
{
    (void)state;
    static const struct {
        uint64_t scaled;
        int decimals;
        const char *expected;
    } cases[] = {{0, 2, "0.00"},       {5, 2, "0.05"},    {1250, 2, "12.50"},
                 {12345, 4, "1.2345"}, {999, 3, "0.999"}, {1000000001, 9, "1.000000001"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct text text;
        text_reset(&text);
        text_add_decimal(&text, cases[i].scaled, cases[i].decimals);
        check(&text, cases[i].expected);
    }
}

static void hex_takes_the_low_digits(void **state)
{
    (void)state;
    struct text text;
    text_reset(&text);
    text_add_hex(&text, 0x0123456789abcdefU, 16);
    text_add(&text, " ");
    text_add_hex(&text, 0x0123456789abcdefU, 3);
    text_add_number(&text, 42);
    check(&text, "0123456789abcdef def42");
}

static void text_takes_bytes_up_to_its_limit(void **state)
{
    (void)state;
    static struct text text;
    text_reset(&text);
    static const char bytes[TEXT_BYTES_MAX] = {0};
    text_add_bytes(&text, bytes, sizeof(bytes));
    assert_int_equal(text.len_bytes, TEXT_BYTES_MAX);
    text_add(&text, "");
    text_reset(&text);
    assert_int_equal(text.len_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_written_whole),
        cmocka_unit_test(decimals_keep_their_zeros),
        cmocka_unit_test(hex_takes_the_low_digits),
        cmocka_unit_test(text_takes_bytes_up_to_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
