/* Percent-encoding: what stays, what is encoded, where it ends. */
#include "common/base/percent.h"

#include "tests/unit/unit.h"

static void only_unreserved_characters_stay(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *expected;
    } cases[] = {
        {"", ""},
        {"azAZ09-._~", "azAZ09-._~"},
        {"a/b c?d#e%", "a%2Fb%20c%3Fd%23e%25"},
        {"\x01\x7f\xc3\xa9", "%01%7F%C3%A9"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf url;
        buf_init(&url, 64);
        assert_int_equal(percent_add(&url, cases[i].text), ST_OK);
        assert_string_equal(buf_text(&url), cases[i].expected);
        buf_done(&url);
    }
}

static void the_buffers_limit_holds(void **state)
{
    (void)state;
    struct buf url;
    buf_init(&url, 3);
    assert_int_equal(percent_add(&url, "/"), ST_OK);
    assert_int_equal(percent_add(&url, "/"), ST_TOO_LARGE);
    buf_done(&url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_unreserved_characters_stay),
        cmocka_unit_test(the_buffers_limit_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
