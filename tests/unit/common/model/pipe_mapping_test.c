/* Which changes of a definition change what records become, and putting an old mapping back. */
#include <string.h>

#include "common/base/attr.h"
#include "common/model/pipe_mapping.h"

#include "tests/unit/unit.h"

static const char DEFINITION[] =
    "{\"name\":\"n\",\"source\":{\"kafka\":{\"type\":\"kafka\",\"format\":\"Avro\","
    "\"brokers\":\"h:1\",\"topics\":\"t\",\"schemaRegistry\":{\"url\":\"http://r\"}}},"
    "\"destination\":{\"database\":\"d\",\"table\":\"x\",\"columns\":[{\"name\":\"id\","
    "\"type\":\"UInt64\"}]},\"fieldMappings\":[{\"sourceField\":\"a\",\"destinationField\":"
    "\"id\"}],\"settings\":{\"penstock_null\":\"error\",\"penstock_batch_rows\":7}}";

/* DEFINITION with one text replaced. */
static json_t *changed(const char *from, const char *to)
{
    char text[2048];
    const char *at = from == NULL ? NULL : strstr(DEFINITION, from);
    assert_true(from == NULL || at != NULL);
    size_t before = at == NULL ? strlen(DEFINITION) : (size_t)(at - DEFINITION);
    (void)snprintf(
        text, sizeof(text), "%.*s%s%s", (int)before, DEFINITION, at == NULL ? "" : to,
        at == NULL ? "" : at + strlen(from)); /* fits */
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    return json;
}

static void only_what_decides_about_records_matters(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        const char *to;
        bool is_same;
    } cases[] = {
        {NULL, NULL, true},
        {"\"n\"", "\"other\"", true},
        {"\"topics\":\"t\"", "\"topics\":\"t,u\"", true},
        {"h:1", "h:2", true},
        {"\"table\":\"x\"", "\"table\":\"y\"", true},
        {"\"penstock_batch_rows\":7", "\"penstock_compression\":\"zstd\"", true},
        {"\"penstock_batch_rows\":7", "\"penstock_overflow\":null", true},
        {"\"Avro\"", "\"JSONEachRow\"", false},
        {"http://r", "http://r/subjects/s/versions/2", false},
        {"UInt64", "UInt32", false},
        {"\"a\"", "\"b\"", false},
        {"\"penstock_null\":\"error\",", "", false},
        {"\"penstock_batch_rows\":7", "\"penstock_overflow\":\"wrap\"", false},
        {"\"penstock_batch_rows\":7", "\"penstock_defaults\":\"server\"", false},
        {"\"penstock_batch_rows\":7", "\"penstock_multi_record\":\"lines\"", false},
        {"\"penstock_batch_rows\":7", "\"penstock_path_separator\":\"/\"", false},
        {"\"penstock_batch_rows\":7", "\"penstock_tombstones\":\"row\"", false},
        {"\"penstock_batch_rows\":7", "\"penstock_timestamp_unit\":\"ms\"", false},
    };
    json_t *before = changed(NULL, NULL);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *after = changed(cases[i].from, cases[i].to);
        assert_int_equal(pipe_mapping_is_same(before, after), cases[i].is_same);
        /* The new definition with the old mapping reads records as the old one did. */
        json_t *mapping = pipe_mapping_of(before);
        json_t *restored = pipe_mapping_apply(after, mapping);
        bool is_registry = cases[i].from != NULL && strcmp(cases[i].from, "http://r") == 0;
        assert_int_equal(pipe_mapping_is_same(before, restored), !is_registry);
        json_decref(mapping);
        json_decref(restored);
        json_decref(after);
    }
    json_decref(before);
}

static void all_else_stays_when_a_mapping_is_put_back(void **state)
{
    (void)state;
    json_t *before = changed("\"schemaRegistry\":{\"url\":\"http://r\"}", "\"iamRole\":\"r\"");
    json_t *after = changed("\"n\"", "\"other\"");
    json_t *mapping = pipe_mapping_of(before);
    json_t *restored = pipe_mapping_apply(after, mapping);
    const json_t *kafka = json_object_get(json_object_get(restored, "source"), "kafka");
    assert_string_equal(json_string_value(json_object_get(restored, "name")), "other");
    assert_string_equal(json_string_value(json_object_get(kafka, "brokers")), "h:1");
    assert_null(json_object_get(kafka, "iamRole"));
    assert_null(json_object_get(kafka, "schemaRegistry")); /* the old one had none */
    json_decref(mapping);
    json_decref(restored);
    json_decref(before);
    json_decref(after);
}

/* Only the present registry can be asked: its login is known. */
static void the_present_registry_is_kept(void **state)
{
    (void)state;
    json_t *before = changed(NULL, NULL);
    json_t *after = changed("http://r", "http://s");
    json_t *mapping = pipe_mapping_of(before);
    json_t *restored = pipe_mapping_apply(after, mapping);
    assert_true(json_equal(restored, after) != 0);
    json_decref(mapping);
    json_decref(restored);
    json_decref(before);
    json_decref(after);
}

static void an_empty_definition_has_an_empty_mapping(void **state)
{
    (void)state;
    json_t *empty = json_object();
    json_t *mapping = pipe_mapping_of(empty);
    assert_non_null(mapping);
    assert_true(pipe_mapping_is_same(empty, mapping));
    json_decref(mapping);
    json_decref(empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_decides_about_records_matters),
        cmocka_unit_test(all_else_stays_when_a_mapping_is_put_back),
        cmocka_unit_test(the_present_registry_is_kept),
        cmocka_unit_test(an_empty_definition_has_an_empty_mapping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
