/* Schemas: what is one, what is refused and with which words, names across texts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "worker/replica/decode/avro/avro_schema.h"

static enum status read_text(const char *text, struct avro_schema **ret_schema, struct err *err)
{
    struct schema schema = {.id = 7, .text = text, .text_bytes = strlen(text)};
    return avro_schema_new(&schema, ret_schema, err);
}

static struct avro_schema *read_good(const char *text)
{
    struct err err = {0};
    struct avro_schema *schema = NULL;
    if (read_text(text, &schema, &err) != ST_OK) {
        fail_msg("%s: %s", text, err.text);
    }
    return schema;
}

static void primitives_and_their_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum avro_kind kind;
        uint64_t min_bytes;
        bool is_constant;
    } CASES[] = {
        {"\"null\"", AVRO_NULL, 0, true},
        {"\"boolean\"", AVRO_BOOLEAN, 1, true},
        {"\"int\"", AVRO_INT, 1, false},
        {"\"long\"", AVRO_LONG, 1, false},
        {"\"float\"", AVRO_FLOAT, 4, true},
        {"\"double\"", AVRO_DOUBLE, 8, true},
        {"\"bytes\"", AVRO_BYTES, 1, false},
        {"\"string\"", AVRO_STRING, 1, false},
        {"{\"type\":\"long\"}", AVRO_LONG, 1, false},
        {"{\"type\":{\"type\":\"array\",\"items\":\"null\"}}", AVRO_ARRAY, 1, false},
        {"{\"type\":\"map\",\"values\":\"double\"}", AVRO_MAP, 1, false},
        {"{\"type\":\"fixed\",\"name\":\"f\",\"size\":12}", AVRO_FIXED, 12, true},
        {"{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\"]}", AVRO_ENUM, 1, false},
        {"[\"null\",\"double\"]", AVRO_UNION, 1, false},
        {"[\"float\",\"double\"]", AVRO_UNION, 5, false},
        {"{\"type\":\"record\",\"name\":\"r\",\"fields\":[]}", AVRO_RECORD, 0, true},
        {"{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"a\",\"type\":\"float\"},"
         "{\"name\":\"b\",\"type\":\"double\"}]}",
         AVRO_RECORD, 12, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct avro_schema *schema = read_good(CASES[i].text);
        const struct avro_type *root = avro_schema_root(schema);
        assert_int_equal(root->kind, CASES[i].kind);
        assert_int_equal(root->min_bytes, CASES[i].min_bytes);
        assert_int_equal(root->is_constant, CASES[i].is_constant);
        avro_schema_free(schema);
    }
}

static void logical_types_that_do_not_fit_are_ignored(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *expected;
    } CASES[] = {
        {"{\"type\":\"int\",\"logicalType\":\"date\"}", "int (date)"},
        {"{\"type\":\"long\",\"logicalType\":\"date\"}", "long"},
        {"{\"type\":\"int\",\"logicalType\":\"time-millis\"}", "int (time-millis)"},
        {"{\"type\":\"long\",\"logicalType\":\"time-micros\"}", "long (time-micros)"},
        {"{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}", "long (timestamp-millis)"},
        {"{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}", "long (timestamp-micros)"},
        {"{\"type\":\"long\",\"logicalType\":\"timestamp-nanos\"}", "long (timestamp-nanos)"},
        {"{\"type\":\"long\",\"logicalType\":\"local-timestamp-millis\"}",
         "long (local-timestamp-millis)"},
        {"{\"type\":\"long\",\"logicalType\":\"local-timestamp-micros\"}",
         "long (local-timestamp-micros)"},
        {"{\"type\":\"long\",\"logicalType\":\"local-timestamp-nanos\"}",
         "long (local-timestamp-nanos)"},
        {"{\"type\":\"string\",\"logicalType\":\"uuid\"}", "string (uuid)"},
        {"{\"type\":\"string\",\"logicalType\":\"of-tomorrow\"}", "string"},
        {"{\"type\":\"fixed\",\"name\":\"u\",\"size\":16,\"logicalType\":\"uuid\"}",
         "fixed u (uuid)"},
        {"{\"type\":\"fixed\",\"name\":\"u\",\"size\":15,\"logicalType\":\"uuid\"}", "fixed u"},
        {"{\"type\":\"fixed\",\"name\":\"d\",\"size\":12,\"logicalType\":\"duration\"}",
         "fixed d (duration)"},
        {"{\"type\":\"fixed\",\"name\":\"d\",\"size\":11,\"logicalType\":\"duration\"}", "fixed d"},
        {"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":4,\"scale\":2}",
         "bytes (decimal)"},
        {"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":4}", "bytes (decimal)"},
        {"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":2,\"scale\":4}", "bytes"},
        {"{\"type\":\"bytes\",\"logicalType\":\"decimal\"}", "bytes"},
        {"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":4,\"scale\":-1}", "bytes"},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct avro_schema *schema = read_good(CASES[i].text);
        char text[128];
        avro_type_text(avro_schema_root(schema), text, sizeof(text));
        assert_string_equal(text, CASES[i].expected);
        avro_schema_free(schema);
    }
}

static void names_live_in_the_namespace_around_them(void **state)
{
    (void)state;
    struct avro_schema *schema = read_good(
        "{\"type\":\"record\",\"name\":\"a.b.Outer\",\"fields\":["
        "{\"name\":\"one\",\"aliases\":[\"uno\",\"eins\"],\"type\":{\"type\":\"enum\","
        "\"name\":\"Color\",\"symbols\":[\"RED\"]}},"
        "{\"name\":\"two\",\"type\":\"Color\"},{\"name\":\"three\",\"type\":\"a.b.Color\"},"
        "{\"name\":\"four\",\"type\":{\"type\":\"fixed\",\"name\":\"F\",\"namespace\":\"c\","
        "\"size\":1}},{\"name\":\"five\",\"type\":\"c.F\"}]}");
    const struct avro_type *root = avro_schema_root(schema);
    assert_string_equal(root->fields[0].type->name.bytes, "a.b.Color");
    assert_ptr_equal(root->fields[1].type, root->fields[0].type);
    assert_ptr_equal(root->fields[2].type, root->fields[0].type);
    assert_ptr_equal(root->fields[4].type, root->fields[3].type);
    assert_ptr_equal(avro_type_field(root, "eins", 4), &root->fields[0]);
    assert_ptr_equal(avro_type_field(root, "two", 3), &root->fields[1]);
    assert_null(avro_type_field(root, "zwei", 4));
    avro_schema_free(schema);
}

static void references_bring_their_names(void **state)
{
    (void)state;
    static const char CITY[] = "{\"type\":\"record\",\"name\":\"City\",\"namespace\":\"geo\","
                               "\"fields\":[{\"name\":\"n\",\"type\":\"string\"}]}";
    static const char PLACE[] = "{\"type\":\"record\",\"name\":\"Place\",\"namespace\":\"geo\","
                                "\"fields\":[{\"name\":\"c\",\"type\":\"City\"}]}";
    static const char USER[] = "{\"type\":\"record\",\"name\":\"User\",\"fields\":["
                               "{\"name\":\"p\",\"type\":[\"null\",\"geo.Place\"]},"
                               "{\"name\":\"c\",\"type\":\"geo.City\"}]}";
    const struct schema_reference references[] = {
        {"geo.City", CITY, strlen(CITY)},
        {"geo.Place", PLACE, strlen(PLACE)},
        {"geo.City", CITY, strlen(CITY)}, /* reached on two ways */
    };
    struct schema schema = {
        .text = USER,
        .text_bytes = strlen(USER),
        .references = references,
        .references_count = ARRAY_LEN(references),
    };
    struct err err = {0};
    struct avro_schema *made = NULL;
    assert_int_equal(avro_schema_new(&schema, &made, &err), ST_OK);
    const struct avro_type *root = avro_schema_root(made);
    const struct avro_type *place = root->fields[0].type->branches[1];
    assert_ptr_equal(place->fields[0].type, root->fields[1].type);
    avro_schema_free(made);

    schema.references_count = 1;
    assert_int_equal(avro_schema_new(&schema, &made, &err), ST_INVALID);
    assert_non_null(strstr(err.text, "unknown type \"geo.Place\""));
}

static void what_is_no_schema_is_refused_with_the_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *reason;
    } CASES[] = {
        {"", "is not JSON"},
        {"{", "is not JSON"},
        {"3", "a type is missing"},
        {"{}", "a type is missing"},
        {"[]", "a union is empty"},
        {"[\"int\",[\"null\",\"int\"]]", "directly inside a union"},
        {"\"integer\"", "unknown type \"integer\""},
        {"{\"type\":\"array\"}", "array: a type is missing"},
        {"{\"type\":\"map\",\"values\":\"x\"}", "map: unknown type \"x\""},
        {"{\"type\":\"enum\",\"name\":\"e\"}", "enum e: no list \"symbols\""},
        {"{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[1]}", "enum e: a symbol is no text"},
        {"{\"type\":\"fixed\",\"name\":\"f\"}", "no size"},
        {"{\"type\":\"fixed\",\"name\":\"f\",\"size\":-1}", "no size"},
        {"{\"type\":\"fixed\",\"size\":1}", "has no name"},
        {"{\"type\":\"record\",\"name\":\"r\"}", "record r: no list \"fields\""},
        {"{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"a\",\"type\":\"q\"}]}",
         "record r: field a: unknown type \"q\""},
        {"{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"type\":\"int\"}]}",
         "a field's name is no text"},
        {"[{\"type\":\"fixed\",\"name\":\"f\",\"size\":1},{\"type\":\"fixed\",\"name\":\"f\","
         "\"size\":2}]",
         "type f is defined twice"},
        {"{\"type\":\"record\",\"name\":\"n.Node\",\"fields\":[{\"name\":\"next\","
         "\"type\":[\"null\",\"Node\"]}]}",
         "the schema is recursive: n.Node -> n.Node"},
        {"{\"type\":\"record\",\"name\":\"A\",\"fields\":[{\"name\":\"b\",\"type\":"
         "{\"type\":\"record\",\"name\":\"B\",\"fields\":[{\"name\":\"a\",\"type\":"
         "{\"type\":\"array\",\"items\":\"A\"}}]}}]}",
         "the schema is recursive: A -> B -> A"},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct err err = {0};
        struct avro_schema *schema = NULL;
        assert_int_equal(read_text(CASES[i].text, &schema, &err), ST_INVALID);
        if (strstr(err.text, CASES[i].reason) == NULL) {
            fail_msg("%s: %s", CASES[i].text, err.text);
        }
    }
}

static void depth_and_size_have_limits(void **state)
{
    (void)state;
    struct err err = {0};
    struct avro_schema *schema = NULL;
    for (unsigned levels = 126; levels <= 130; levels += 4) {
        char text[6000] = "";
        size_t len = 0;
        for (unsigned i = 0; i < levels; i++) {
            len +=
                (size_t)snprintf(text + len, sizeof(text) - len, "{\"type\":\"array\",\"items\":");
        }
        len += (size_t)snprintf(text + len, sizeof(text) - len, "\"int\"");
        memset(text + len, '}', levels);
        bool is_good = levels <= AVRO_DEPTH_MAX;
        assert_int_equal(read_text(text, &schema, &err), is_good ? ST_OK : ST_INVALID);
        if (is_good) {
            avro_schema_free(schema);
        } else {
            assert_non_null(strstr(err.text, "nested deeper than 128 levels"));
        }
    }
    /* each record holds the one before twice: a few lines, and 2^30 types when written out */
    char text[6000] = "[{\"type\":\"record\",\"name\":\"R0\",\"fields\":[]}";
    size_t len = strlen(text);
    for (unsigned i = 1; i <= 30; i++) {
        len += (size_t)snprintf(
            text + len, sizeof(text) - len,
            ",{\"type\":\"record\",\"name\":\"R%u\",\"fields\":[{\"name\":\"a\",\"type\":\"R%u\"},"
            "{\"name\":\"b\",\"type\":\"R%u\"}]}",
            i, i - 1, i - 1);
    }
    text[len] = ']';
    assert_int_equal(read_text(text, &schema, &err), ST_INVALID);
    assert_non_null(strstr(err.text, "types when written out"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(primitives_and_their_sizes),
        cmocka_unit_test(logical_types_that_do_not_fit_are_ignored),
        cmocka_unit_test(names_live_in_the_namespace_around_them),
        cmocka_unit_test(references_bring_their_names),
        cmocka_unit_test(what_is_no_schema_is_refused_with_the_place),
        cmocka_unit_test(depth_and_size_have_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
