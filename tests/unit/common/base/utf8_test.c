/* UTF-8: every kind of bad byte, and repairs that leave valid text. */
#include <string.h>

#include "common/base/attr.h"
#include "common/base/utf8.h"

#include "tests/unit/unit.h"

static void characters_are_measured(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t expected;
    } cases[] = {
        {"", 1},
        {"a", 1},
        {"\x7f", 1},
        {"\xc2\x80", 2},
        {"\xdf\xbf", 2},
        {"\xe0\xa0\x80", 3},
        {"\xed\x9f\xbf", 3},
        {"\xee\x80\x80", 3},
        {"\xf0\x90\x80\x80", 4},
        {"\xf4\x8f\xbf\xbf", 4},
        {"\x80", 0},
        {"\xc0\x80", 0},         /* overlong */
        {"\xc1\xbf", 0},         /* overlong */
        {"\xe0\x9f\xbf", 0},     /* overlong */
        {"\xf0\x8f\xbf\xbf", 0}, /* overlong */
        {"\xed\xa0\x80", 0},     /* surrogate */
        {"\xf4\x90\x80\x80", 0}, /* above U+10FFFF */
        {"\xf5\x80\x80\x80", 0},
        {"\xff", 0},
        {"\xc2", 0},
        {"\xe2\x82", 0},
        {"\xf0\x9f\x9a", 0},
        {"\xe2\x28\xa1", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(utf8_char_bytes(cases[i].text), cases[i].expected);
    }
}

static void characters_are_counted(void **state)
{
    (void)state;
    assert_int_equal(utf8_count(""), 0);
    assert_int_equal(utf8_count("a\xc3\xa4\xf0\x9f\x9a\x80"), 3);
    assert_int_equal(utf8_count("\xff\xff"), 2);
}

static void repair_leaves_valid_text(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *expected;
    } cases[] = {
        {"", ""},
        {"a\xc3\xa4", "a\xc3\xa4"},
        {"a\xff", "a"},
        {"a\xff"
         "b",
         "a?b"},
        {"a\x80\x80z", "a??z"},
        {"a\xe2\x82", "a"},
        {"a\xe2\x82z", "a??z"},
        {"a\xf0\x9f\x9a", "a"},
        {"\x80", "?"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[16];
        memcpy(text, cases[i].text, strlen(cases[i].text) + 1);
        utf8_repair(text);
        assert_string_equal(text, cases[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_are_measured),
        cmocka_unit_test(characters_are_counted),
        cmocka_unit_test(repair_leaves_valid_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
