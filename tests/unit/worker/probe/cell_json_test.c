/* Cells as JSON, kind by kind: written by the decoder's own way in, read back as text. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "worker/probe/cell_json.h"
#include "worker/replica/decode/decoder.h"

/* The cell of a one-column pipe that reads this JSON value. NULL: the value was rejected. */
static char *cell_of(const char *type, const char *value)
{
    json_t *definition = json_pack(
        "{s:s, s:{s:{s:s,s:s,s:s,s:s}}, s:{s:s,s:s,s:b,s:[{s:s,s:s}]}}", "name", "p", "source",
        "kafka", "type", "kafka", "format", "JSONEachRow", "brokers", "h:9092", "topics", "t",
        "destination", "database", "d", "table", "t", "managedTable", 0, "columns", "name", "a",
        "type", type);
    struct pipe_problems problems = {.count = 0};
    struct pipe_spec *spec = NULL;
    struct err err = {.status = ST_OK};
    assert_int_equal(pipe_spec_from_json(definition, NULL, &problems, &spec, &err), ST_OK);
    const struct plan_column column = {.name = "a", .type = type};
    struct plan *plan = NULL;
    struct decoder *decoder = NULL;
    struct block *block = NULL;
    size_t count = 0;
    assert_int_equal(plan_new(spec, &column, 1, &plan, &err), ST_OK);
    assert_int_equal(decoder_new(plan, NULL, &decoder, &err), ST_OK);
    const struct block_column *columns = plan_columns(plan, &count);
    assert_int_equal(block_new(columns, count, 0, &block, &err), ST_OK);
    char text[512] = "";
    int len = snprintf(text, sizeof(text), "{\"a\":%s}", value);
    const struct record record = {
        .topic = "t", .topic_bytes = 1, .value = (const uint8_t *)text, .value_bytes = (size_t)len};
    struct decoder_outcome outcome;
    char *shown = NULL;
    /* the second row shows that places are found, not assumed */
    if (decoder_add(decoder, &record, block, &outcome, &err) == ST_OK &&
        decoder_add(decoder, &record, block, &outcome, &err) == ST_OK) {
        json_t *cell = cell_json(block_column(block, 0), 1);
        shown = json_dumps(
            cell, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(15));
        json_decref(cell);
    }
    block_free(block);
    decoder_free(decoder);
    plan_free(plan);
    pipe_spec_free(spec);
    json_decref(definition);
    return shown;
}

static void cells_are_shown_as_clickhouse_shows_them(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        const char *value;
        const char *shown;
    } CASES[] = {
        {"Int8", "-5", "-5"},
        {"UInt16", "65535", "65535"},
        {"Int64", "-9223372036854775808", "-9223372036854775808"},
        {"UInt64", "18446744073709551615", "\"18446744073709551615\""},
        {"Float32", "1.1", "1.1"},
        {"Float64", "0.5", "0.5"},
        {"Bool", "true", "true"},
        {"String", "\"\\u00e4x\"", "\"\xc3\xa4x\""},
        {"FixedString(4)", "\"ab\"", "\"ab\""},
        {"Date", "\"2026-02-28\"", "\"2026-02-28\""},
        {"Date32", "\"1900-01-01\"", "\"1900-01-01\""},
        {"DateTime", "\"2026-01-02 03:04:05\"", "\"2026-01-02 03:04:05\""},
        {"DateTime64(3)", "\"1969-12-31T23:59:59.5Z\"", "\"1969-12-31 23:59:59.500\""},
        {"DateTime64(0)", "\"2026-01-02T03:04:05Z\"", "\"2026-01-02 03:04:05\""},
        {"Decimal(9, 2)", "-0.05", "\"-0.05\""},
        {"Decimal(38, 10)", "\"12345678901234567890.5\"", "\"12345678901234567890.5000000000\""},
        {"Decimal(9, 0)", "7", "\"7\""},
        {"UUID", "\"123e4567-e89b-12d3-a456-426614174000\"",
         "\"123e4567-e89b-12d3-a456-426614174000\""},
        {"Enum8('a' = -1, 'b' = 2)", "\"a\"", "\"a\""},
        {"Nullable(Int32)", "null", "null"},
        {"Nullable(Int32)", "3", "3"},
        {"LowCardinality(String)", "\"x\"", "\"x\""},
        {"LowCardinality(Nullable(String))", "null", "null"},
        {"LowCardinality(UInt16)", "300", "300"},
        {"Array(Nullable(Int8))", "[1,null,3]", "[1,null,3]"},
        {"Array(Array(String))", "[[\"a\"],[]]", "[[\"a\"],[]]"},
        {"Map(String, UInt8)", "{\"k\":1,\"l\":2}", "{\"k\":1,\"l\":2}"},
        {"Tuple(a Int8, b String)", "{\"a\":1,\"b\":\"x\"}", "{\"a\":1,\"b\":\"x\"}"},
        {"Tuple(Int8, String)", "[1,\"x\"]", "[1,\"x\"]"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        char *shown = cell_of(CASES[i].type, CASES[i].value);
        if (shown == NULL || strcmp(shown, CASES[i].shown) != 0) {
            fail_msg(
                "%s %s is shown as %s, not %s", CASES[i].type, CASES[i].value,
                shown == NULL ? "nothing" : shown, CASES[i].shown);
        }
        free(shown);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_are_shown_as_clickhouse_shows_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
