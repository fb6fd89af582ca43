/* JSON written as YAML, text for text; contract/asyncapi_test.py reads it with a YAML parser. */
#include "api/wire/yaml_wire.h"
#include "tests/unit/unit.h"

static void documents(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        const char *yaml;
    } cases[] = {
        {"null", "--- null\n"},
        {"{}", "--- {}\n"},
        {"[]", "--- []\n"},
        {"\"no\"", "--- \"no\"\n"},
        {"{\"a\":1,\"b: c\":\"x\\ny\",\"d\":{}}",
         "---\n\"a\": 1\n\"b: c\": \"x\\ny\"\n\"d\": {}\n"},
        {"{\"a\":{\"b\":[true,-0.5]},\"c\":[[1],{\"d\":null}]}",
         "---\n\"a\":\n  \"b\":\n    - true\n    - -0.5\n\"c\":\n  -\n    - 1\n  -\n"
         "    \"d\": null\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *json = json_loads(cases[i].json, JSON_DECODE_ANY, NULL);
        struct buf out;
        buf_init(&out, 1000);
        assert_int_equal(wire_yaml_write(json, &out), ST_OK);
        assert_string_equal(buf_text(&out), cases[i].yaml);
        buf_done(&out);
        json_decref(json);
    }
}

static void limits(void **state)
{
    (void)state;
    json_t *json = json_pack("{s:s}", "name", "value");
    for (size_t max = 1; max < 20; max++) {
        struct buf out;
        buf_init(&out, max);
        assert_int_equal(wire_yaml_write(json, &out), ST_TOO_LARGE);
        buf_done(&out);
    }
    for (int i = 0; i < 200; i++) {
        json = json_pack("[o]", json);
    }
    struct buf out;
    buf_init(&out, 1000000);
    assert_int_equal(wire_yaml_write(json, &out), ST_TOO_LARGE);
    buf_done(&out);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
