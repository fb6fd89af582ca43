/* Texts of Avro decimals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/base/attr.h"

#include "worker/replica/decode/decimal_text.h"

#include <cmocka.h>

static void known_values(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        unsigned scale;
        const char *text;
    } CASES[] = {
        {"", 0, 0, "0"},
        {"", 0, 2, "0.00"},
        {"\x04\xd2", 2, 2, "12.34"},
        {"\xfb\x2e", 2, 2, "-12.34"},
        {"\xff", 1, 0, "-1"},
        {"\x80", 1, 3, "-0.128"},
        {"\x00\x80", 2, 0, "128"},
        {"\x3b\x9a\xca\x00", 4, 0, "1000000000"},
        {"\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 9, 0, "2361183241434822606847"},
        {"\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16, 0, "-170141183460469231731687303715884105728"},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        char text[DECIMAL_TEXT_BYTES];
        size_t len =
            decimal_text((const uint8_t *)CASES[i].bytes, CASES[i].len, CASES[i].scale, text);
        assert_int_equal(len, strlen(CASES[i].text));
        assert_memory_equal(text, CASES[i].text, len);
    }
}

static void the_longest_fits(void **state)
{
    (void)state;
    uint8_t bytes[DECIMAL_UNSCALED_BYTES_MAX];
    memset(bytes, 0x80, sizeof(bytes));
    char text[DECIMAL_TEXT_BYTES];
    size_t len = decimal_text(bytes, sizeof(bytes), DECIMAL_TEXT_SCALE_MAX, text);
    assert_int_equal(len, DECIMAL_TEXT_SCALE_MAX + 3); /* "-0." */
    assert_int_equal(decimal_text(bytes, sizeof(bytes), 0, text), 155);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values),
        cmocka_unit_test(the_longest_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
