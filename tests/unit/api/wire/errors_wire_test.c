/* Rejected records keep their bytes: text where it is text, base64 where it is not. */
#include <string.h>

#include "api/wire/errors_wire.h"
#include "tests/unit/unit.h"

static char EMPTY[] = "";
static char TOPIC[] = "t";
static char CURSOR[] = "next-page";

static struct error_bytes bytes_of(char *text, size_t len)
{
    return (struct error_bytes){.bytes = (uint8_t *)text, .len_bytes = len};
}

static struct error_record record_of(struct error_bytes key, struct error_bytes value)
{
    return (struct error_record){
        .timestamp_ms = 1767323045000,
        .type = TOPIC,
        .message = EMPTY,
        .column = EMPTY,
        .topic = TOPIC,
        .partition = 3,
        .offset = INT64_MAX,
        .key = key,
        .value = value,
    };
}

static void encodings(void **state)
{
    (void)state;
    char key[] = "k";
    static char text[] = "{\"a\":\"ü\"}";
    static char broken[] = "\xff\xfe!";
    static char zero[] = "a\0b";
    static char one[] = "\xff";
    static char two[] = "\xff\x01";
    const struct {
        struct error_bytes value;
        const char *encoding;
        const char *shown;
        size_t shown_len;
        const char *shown_key;
    } cases[] = {
        {bytes_of(text, sizeof(text) - 1), "utf8", text, sizeof(text) - 1, "k"},
        {{NULL, 0}, "utf8", "", 0, "k"},
        {bytes_of(zero, 3), "utf8", zero, 3, "k"},
        {bytes_of(broken, 3), "base64", "//4h", 4, "aw=="},
        {bytes_of(one, 1), "base64", "/w==", 4, "aw=="},
        {bytes_of(two, 2), "base64", "/wE=", 4, "aw=="},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct error_record record = record_of(bytes_of(key, 1), cases[i].value);
        struct error_page page = {&record, 1, NULL};
        json_t *json = wire_errors_to_json(&page);
        assert_non_null(json);
        assert_true(json_is_null(json_object_get(json, "next")));
        const json_t *shown = json_array_get(json_object_get(json, "errors"), 0);
        const json_t *value = json_object_get(shown, "value");
        assert_string_equal(
            json_string_value(json_object_get(shown, "encoding")), cases[i].encoding);
        assert_int_equal(json_string_length(value), cases[i].shown_len);
        assert_memory_equal(json_string_value(value), cases[i].shown, cases[i].shown_len);
        assert_string_equal(json_string_value(json_object_get(shown, "key")), cases[i].shown_key);
        assert_true(json_integer_value(json_object_get(shown, "offset")) == INT64_MAX);
        json_decref(json);
    }
}

static void headers_and_cursor(void **state)
{
    (void)state;
    static char name[] = "trace";
    static char plain[] = "abc";
    static char binary[] = "\xff";
    struct error_header headers[3] = {
        {bytes_of(name, 5), bytes_of(plain, 3)},
        {bytes_of(plain, 3), bytes_of(binary, 1)},
        {bytes_of(name, 5), bytes_of(binary, 1)},
    };
    struct error_record record = record_of(bytes_of(EMPTY, 0), bytes_of(EMPTY, 0));
    record.headers = headers;
    record.headers_count = 3;
    struct error_page page = {&record, 1, CURSOR};
    json_t *json = wire_errors_to_json(&page);
    assert_string_equal(json_string_value(json_object_get(json, "next")), "next-page");
    const json_t *shown =
        json_object_get(json_array_get(json_object_get(json, "errors"), 0), "headers");
    const json_t *twice = json_object_get(shown, "trace");
    assert_int_equal(json_array_size(twice), 2);
    assert_string_equal(json_string_value(json_array_get(twice, 0)), "abc");
    assert_string_equal(json_string_value(json_object_get(shown, "abc")), "base64:/w==");
    json_decref(json);
}

static void empty_page(void **state)
{
    (void)state;
    struct error_page page = {NULL, 0, NULL};
    json_t *json = wire_errors_to_json(&page);
    assert_int_equal(json_array_size(json_object_get(json, "errors")), 0);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodings),
        cmocka_unit_test(headers_and_cursor),
        cmocka_unit_test(empty_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
