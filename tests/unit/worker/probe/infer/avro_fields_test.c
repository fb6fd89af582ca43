/* Columns of Avro schemas: the table of docs/inference.md. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "worker/probe/infer/avro_fields.h"

/* The only field's type, with "?" behind it where it is optional. NULL: refused. */
static char *type_of(const char *avro)
{
    char text[2048];
    int len = snprintf(
        text, sizeof(text),
        "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\","
        "\"type\":%s}]}",
        avro);
    const struct schema schema = {.id = 1, .text = text, .text_bytes = (size_t)len};
    json_t *fields = NULL;
    struct err err = {.status = ST_OK};
    if (avro_fields(&schema, &fields, &err) != ST_OK) {
        return NULL;
    }
    const json_t *field = json_array_get(fields, 0);
    char *type = NULL;
    assert_true(
        asprintf(
            &type, "%s%s", json_string_value(json_object_get(field, "type")),
            json_is_true(json_object_get(field, "optional")) ? "?" : "") > 0);
    json_decref(fields);
    return type;
}

static void types_follow_the_table(void **state)
{
    (void)state;
    static const struct {
        const char *avro;
        const char *type;
    } CASES[] = {
        {"\"int\"", "Int32"},
        {"[\"null\",\"long\"]", "Int64?"},
        {"[\"long\"]", "Int64"},
        {"[\"null\"]", "String?"},
        {"[\"int\",\"string\",\"null\"]", "Variant(Int32, String)?"},
        {"{\"type\":\"int\",\"logicalType\":\"date\"}", "Date32"},
        {"{\"type\":\"long\",\"logicalType\":\"date\"}", "Int64"},
        {"{\"type\":\"long\",\"logicalType\":\"local-timestamp-micros\"}", "DateTime64(6)"},
        {"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":80}", "String"},
        {"{\"type\":\"fixed\",\"name\":\"F\",\"size\":9}", "FixedString(9)"},
        {"{\"type\":\"array\",\"items\":[\"null\",{\"type\":\"map\",\"values\":\"int\"}]}",
         "Array(Map(String, Int32))"},
        {"{\"type\":{\"type\":\"string\",\"logicalType\":\"uuid\"}}", "UUID"},
        {"{\"type\":\"record\",\"name\":\"I\",\"fields\":[]}", "String"},
        {"\"Nowhere\"", NULL},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        char *type = type_of(CASES[i].avro);
        bool is_same = type == NULL || CASES[i].type == NULL ? type == CASES[i].type
                                                             : strcmp(type, CASES[i].type) == 0;
        if (!is_same) {
            fail_msg("%s gives %s", CASES[i].avro, type == NULL ? "nothing" : type);
        }
        free(type);
    }
}

static void a_recursive_type_ends_in_a_string(void **state)
{
    (void)state;
    char *type = type_of("[\"null\",\"R\"]");
    assert_non_null(type);
    assert_non_null(strstr(type, "String"));
    free(type);
}

static void references_and_what_is_no_record(void **state)
{
    (void)state;
    const struct schema_reference reference = {
        .name = "x.Id",
        .text = "{\"type\":\"fixed\",\"name\":\"Id\",\"namespace\":\"x\",\"size\":4}"};
    struct schema schema = {
        .text =
            "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"x.Id\"}]}",
        .references = &reference,
        .references_count = 1,
    };
    json_t *fields = NULL;
    struct err err = {.status = ST_OK};
    assert_int_equal(avro_fields(&schema, &fields, &err), ST_OK);
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(fields, 0), "type")), "FixedString(4)");
    json_decref(fields);
    schema.text = "\"string\"";
    assert_int_equal(avro_fields(&schema, &fields, &err), ST_INVALID);
    schema.text = "no json";
    assert_int_equal(avro_fields(&schema, &fields, &err), ST_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_follow_the_table),
        cmocka_unit_test(a_recursive_type_ends_in_a_string),
        cmocka_unit_test(references_and_what_is_no_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
