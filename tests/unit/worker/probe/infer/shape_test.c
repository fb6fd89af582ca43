/* Samples in, fields out: the table of docs/inference.md. */
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"

#include "tests/unit/unit.h"
#include "worker/probe/infer/shape.h"

enum {
    TEXT_MAX_BYTES = 65536
};

/* Fields of the samples (JSON documents in an array) as "name type?;" texts, ? for optional. */
static char *fields_of(const char *samples, const struct infer_options *options)
{
    struct shape *shape = shape_new();
    assert_non_null(shape);
    json_error_t where;
    json_t *list = json_loads(samples, 0, &where);
    bool is_wide = list == NULL;
    list = is_wide ? json_loads(samples, JSON_DECODE_INT_AS_REAL, &where) : list;
    assert_non_null(list);
    for (size_t i = 0; i < json_array_size(list); i++) {
        assert_true(shape_add(shape, json_array_get(list, i), is_wide));
    }
    json_t *fields = NULL;
    struct err err = {.status = ST_OK};
    assert_int_equal(shape_fields(shape, options, &fields, &err), ST_OK);
    struct buf text;
    buf_init(&text, TEXT_MAX_BYTES);
    for (size_t i = 0; i < json_array_size(fields); i++) {
        const json_t *field = json_array_get(fields, i);
        assert_int_equal(
            buf_add_format(
                &text, "%s %s%s;", json_string_value(json_object_get(field, "name")),
                json_string_value(json_object_get(field, "type")),
                json_is_true(json_object_get(field, "optional")) ? "?" : ""),
            ST_OK);
    }
    json_decref(fields);
    json_decref(list);
    shape_free(shape);
    return buf_take_text(&text);
}

static void check_case(const char *samples, const struct infer_options *options, const char *fields)
{
    char *found = fields_of(samples, options);
    if (strcmp(found, fields) != 0) {
        fail_msg("%s gives '%s', not '%s'", samples, found, fields);
    }
    free(found);
}

static void types_follow_the_table(void **state)
{
    (void)state;
    static const struct infer_options TUPLE = {INFER_TUPLE, ".", true};
    static const struct {
        const char *samples;
        const char *fields;
    } CASES[] = {
        {"[{\"a\":1},{\"a\":-2}]", "a Int64;"},
        {"[{\"a\":18446744073709551615,\"b\":1}]", "a UInt64;b Int64;"},
        {"[{\"a\":18446744073709551615},{\"a\":-1}]", "a Float64;"},
        {"[{\"a\":1},{\"a\":1.5}]", "a Float64;"},
        {"[{\"a\":1},{\"a\":\"2\"}]", "a Int64;"},
        {"[{\"a\":\"1\"},{\"a\":\"x\"}]", "a String;"},
        {"[{\"a\":1},{\"a\":\"x\"}]", "a String;"},
        {"[{\"a\":\"007\"}]", "a String;"},
        {"[{\"a\":true}]", "a Bool;"},
        {"[{\"a\":true},{\"a\":1}]", "a Int64;"},
        {"[{\"a\":true},{\"a\":\"x\"}]", "a String;"},
        {"[{\"a\":\"2026-01-02\"}]", "a Date;"},
        {"[{\"a\":\"2026-01-02\"},{\"a\":\"2026-01-02 03:04:05\"}]", "a DateTime64(9);"},
        {"[{\"a\":\"2026-01-02\"},{\"a\":1}]", "a String;"},
        {"[{\"a\":\"123e4567-e89b-12d3-a456-426614174000\"}]", "a UUID;"},
        {"[{\"a\":null}]", "a String?;"},
        {"[{\"a\":null},{\"a\":1}]", "a Int64?;"},
        {"[{\"a\":1},{}]", "a Int64?;"},
        {"[{\"a\":{}}]", "a String;"},
        {"[{\"a\":[]}]", "a String;"},
        {"[{\"a\":[1,2.5]},{\"a\":[]}]", "a Array(Float64);"},
        {"[{\"a\":[1,null]}]", "a Array(Nullable(Int64));"},
        {"[{\"a\":[1,\"x\",{}]}]", "a Array(String);"},
        {"[{\"a\":[[1],[2]]}]", "a Array(Array(Int64));"},
        {"[{\"a\":[{\"b\":1},{\"b\":2,\"c\":\"x\"}]}]",
         "a Array(Tuple(b Int64, c Nullable(String)));"},
        {"[{\"a\":{\"b\":1,\"c d\":null}}]", "a Tuple(b Int64, `c d` Nullable(String));"},
        {"[{\"a\":{\"b\":[1]}},{\"a\":{\"b\":null}}]", "a Tuple(b Array(Int64));"},
        {"[{\"a\":{\"b\":1}},{\"a\":1}]", "a String;"},
        {"[{\"b\":1,\"a\":1},{\"c\":1,\"a\":1,\"b\":1}]", "b Int64;a Int64;c Int64?;"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        check_case(CASES[i].samples, &TUPLE, CASES[i].fields);
    }
}

static void options_change_nested_objects_and_strings(void **state)
{
    (void)state;
    static const struct infer_options JSON_TYPE = {INFER_JSON, ".", true};
    static const struct infer_options FLAT = {INFER_FLATTEN, "__", true};
    static const struct infer_options STRICT = {INFER_TUPLE, ".", false};
    check_case("[{\"a\":{\"b\":1}}]", &JSON_TYPE, "a JSON;");
    check_case("[{\"a\":[{\"b\":1}]}]", &JSON_TYPE, "a Array(JSON);");
    check_case("[{\"a\":{\"b\":1,\"c\":{\"d\":true}}}]", &FLAT, "a__b Int64;a__c__d Bool;");
    check_case("[{\"a\":{\"b\":1}},{\"a\":null}]", &FLAT, "a__b Int64?;");
    check_case("[{\"a\":[{\"b\":1}]}]", &FLAT, "a Array(Tuple(b Int64));");
    check_case("[{\"a\":\"1\"}]", &STRICT, "a String;");
    check_case("[{\"a\":\"1\"},{\"a\":1}]", &STRICT, "a String;");
}

static void samples_without_an_object_are_refused(void **state)
{
    (void)state;
    static const struct infer_options OPTIONS = {INFER_TUPLE, ".", true};
    struct shape *shape = shape_new();
    json_t *number = json_integer(1);
    assert_true(shape_add(shape, number, false));
    json_t *fields = NULL;
    struct err err = {.status = ST_OK};
    assert_int_equal(shape_fields(shape, &OPTIONS, &fields, &err), ST_INVALID);
    assert_string_equal(err.text, "none of the 1 samples is a JSON object");
    json_decref(number);
    shape_free(shape);
}

static void a_deep_document_ends_in_a_string(void **state)
{
    (void)state;
    static const struct infer_options OPTIONS = {INFER_TUPLE, ".", true};
    json_t *value = json_integer(1);
    for (int i = 0; i < 40; i++) {
        value = json_pack("{s:o}", "a", value);
    }
    char *text = json_dumps(value, 0);
    char samples[1024];
    (void)snprintf(samples, sizeof(samples), "[%s]", text);
    char *fields = fields_of(samples, &OPTIONS);
    assert_non_null(
        strstr(fields, "Tuple(a Nullable(String))") != NULL ? fields
                                                            : strstr(fields, "Tuple(a String)"));
    free(fields);
    free(text);
    json_decref(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_follow_the_table),
        cmocka_unit_test(options_change_nested_objects_and_strings),
        cmocka_unit_test(samples_without_an_object_are_refused),
        cmocka_unit_test(a_deep_document_ends_in_a_string),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
