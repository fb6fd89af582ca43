/* Text that a JSON parser reads back, commas and escapes in their places, the first failure kept.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/json_text.h"

#include "tests/unit/unit.h"

static void assert_text(struct json_text *json, const char *expected)
{
    assert_int_equal(json->status, ST_OK);
    assert_string_equal(buf_text(&json->out), expected);
    json_text_done(json);
}

static void commas_stand_between_values(void **state)
{
    (void)state;
    struct json_text json;
    json_text_init(&json, 1000);
    json_text_object(&json, NULL);
    json_text_array(&json, "a");
    json_text_end_array(&json);
    json_text_array(&json, "b");
    json_text_integer(&json, NULL, 1);
    json_text_object(&json, NULL);
    json_text_end_object(&json);
    json_text_array(&json, NULL);
    json_text_number(&json, NULL, 0.5);
    json_text_integer(&json, NULL, -2);
    json_text_end_array(&json);
    json_text_string(&json, NULL, "[");
    json_text_null(&json, NULL);
    json_text_end_array(&json);
    json_text_string(&json, "c", "{");
    json_text_raw(&json, "d", "{\"e\":1}", 7);
    json_text_string(&json, "f", NULL);
    json_text_end_object(&json);
    assert_text(
        &json, "{\"a\":[],\"b\":[1,{},[0.5,-2],\"[\",null],\"c\":\"{\",\"d\":{\"e\":1},"
               "\"f\":null}");
}

static void texts_are_escaped(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "\"\""},
        {"plain", "\"plain\""},
        {"\"", "\"\\\"\""},
        {"a\\b", "\"a\\\\b\""},
        {"\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\""},
        {"\x01x\x1f", "\"\\u0001x\\u001f\""},
        {"/\x7f", "\"/\x7f\""},
        {"\xc3\xa9\xf0\x9f\x98\x80", "\"\xc3\xa9\xf0\x9f\x98\x80\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json_text json;
        json_text_init(&json, 100);
        json_text_string(&json, NULL, cases[i][0]);
        assert_text(&json, cases[i][1]);
    }
}

static void integers_of_all_sizes(void **state)
{
    (void)state;
    static const struct {
        int64_t value;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-1, "-1"},
        {10, "10"},
        {-90, "-90"},
        {INT64_MAX, "9223372036854775807"},
        {INT64_MIN, "-9223372036854775808"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json_text json;
        json_text_init(&json, 100);
        json_text_integer(&json, NULL, cases[i].value);
        assert_text(&json, cases[i].text);
    }
}

static void whole_numbers_have_no_point(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0"},
        {1, "1"},
        {-3, "-3"},
        {8, "8"},
        {0.5, "0.5"},
        {-12.25, "-12.25"},
        {999999999999999, "999999999999999"},
        {1e15, "1e+15"},
        {1e300, "1e+300"},
        {0.1, "0.1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json_text json;
        json_text_init(&json, 100);
        json_text_number(&json, NULL, cases[i].value);
        assert_text(&json, cases[i].text);
    }
}

static void the_first_failure_stays(void **state)
{
    (void)state;
    for (size_t max_bytes = 0; max_bytes <= 14; max_bytes++) {
        struct json_text json;
        json_text_init(&json, max_bytes);
        json_text_object(&json, NULL);
        json_text_string(&json, "a", "\n");
        json_text_integer(&json, "b", 1);
        json_text_end_object(&json); /* {"a":"\n","b":1}: 16 bytes */
        assert_int_equal(json.status, ST_TOO_LARGE);
        size_t len_bytes = json.out.len_bytes;
        json_text_null(&json, "c");
        assert_int_equal(json.out.len_bytes, len_bytes);
        json_text_done(&json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_stand_between_values),
        cmocka_unit_test(texts_are_escaped),
        cmocka_unit_test(integers_of_all_sizes),
        cmocka_unit_test(whole_numbers_have_no_point),
        cmocka_unit_test(the_first_failure_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
