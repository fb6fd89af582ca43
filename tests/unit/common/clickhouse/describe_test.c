/* Questions about tables, and answers in good and bad form. */
#include <stdio.h>
#include <string.h>

#include "common/clickhouse/describe.h"
#include "common/clickhouse/rows.h"

#include "tests/unit/unit.h"

static const char first_row[] =
    "{\"name\":\"a\",\"type\":\"UInt64\",\"default_kind\":\"\",\"engine\":\"MergeTree\","
    "\"engine_full\":\"MergeTree ORDER BY a\",\"uuid\":\"u\",\"rows\":\"7\"}\n";

static void the_question_quotes_its_names(void **state)
{
    (void)state;
    struct buf sql;
    buf_init(&sql, 10000);
    assert_int_equal(clickhouse_describe_sql("d'", "t", &sql), ST_OK);
    assert_non_null(strstr(buf_text(&sql), "WHERE database = 'd\\'' AND table = 't'"));
    assert_non_null(strstr(buf_text(&sql), "WHERE database = 'd\\'' AND name = 't'"));
    size_t whole = sql.len_bytes;
    buf_done(&sql);
    for (size_t max_bytes = 0; max_bytes < whole; max_bytes += 13) {
        buf_init(&sql, max_bytes);
        assert_int_equal(clickhouse_describe_sql("d'", "t", &sql), ST_TOO_LARGE);
        buf_done(&sql);
    }
}

static void a_table_is_read(void **state)
{
    (void)state;
    char text[1000];
    (void)snprintf(
        text, sizeof(text), "%s{\"name\":\"b\",\"type\":\"String\",\"default_kind\":\"ALIAS\"}\n",
        first_row);
    CLEANUP(clickhouse_table_freep) struct clickhouse_table *table = NULL;
    assert_int_equal(clickhouse_describe_parse(text, &table, NULL), ST_OK);
    assert_string_equal(table->engine, "MergeTree");
    assert_string_equal(table->engine_full, "MergeTree ORDER BY a");
    assert_string_equal(table->uuid, "u");
    assert_int_equal(table->rows_count, 7);
    assert_int_equal(table->columns_count, 2);
    const struct clickhouse_column *column = clickhouse_table_find(table, "b");
    assert_string_equal(column->type, "String");
    assert_false(clickhouse_column_is_insertable(column));
    assert_true(clickhouse_column_is_insertable(clickhouse_table_find(table, "a")));
    assert_null(clickhouse_table_find(table, "c"));
}

static void other_answers_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum status status;
        const char *reason;
    } cases[] = {
        {"", ST_NOT_FOUND, "the table does not exist, or the user may not see it"},
        {"\n", ST_NOT_FOUND, "the table does not exist, or the user may not see it"},
        {"[1]\n", ST_INVALID, "ClickHouse's answer is not JSONEachRow: "},
        {"{\"name\":1}\n", ST_INVALID, "ClickHouse's answer has no text 'name'"},
        {"{\"name\":\"a\",\"type\":\"t\",\"default_kind\":\"\",\"engine\":\"e\","
         "\"engine_full\":\"\",\"uuid\":\"\",\"rows\":\"x\"}",
         ST_INVALID, "ClickHouse's answer has no number 'rows'"},
        {"{\"name\":\"a\"", ST_INVALID, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct clickhouse_table *table = NULL;
        struct err err = {0};
        assert_int_equal(clickhouse_describe_parse(cases[i].text, &table, &err), cases[i].status);
        assert_null(table);
        if (cases[i].reason != NULL) {
            assert_string_equal(err.text, cases[i].reason);
        }
    }
}

static void numbers_are_read_with_and_without_quotes(void **state)
{
    (void)state;
    const char *at = "{\"a\":-5,\"b\":\"9223372036854775807\",\"c\":1.5}\r\n\n{}";
    json_t *row = NULL;
    assert_int_equal(rows_next(&at, &row, NULL), ST_OK);
    int64_t value = 0;
    assert_int_equal(rows_i64(row, "a", &value, NULL), ST_OK);
    assert_int_equal(value, -5);
    assert_int_equal(rows_i64(row, "b", &value, NULL), ST_OK);
    assert_int_equal(value, INT64_MAX);
    assert_int_equal(rows_i64(row, "c", &value, NULL), ST_INVALID);
    assert_int_equal(rows_i64(row, "d", &value, NULL), ST_INVALID);
    assert_int_equal(value, INT64_MAX);
    json_decref(row);
    assert_int_equal(rows_next(&at, &row, NULL), ST_OK);
    json_decref(row);
    assert_int_equal(rows_next(&at, &row, NULL), ST_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_question_quotes_its_names),
        cmocka_unit_test(a_table_is_read),
        cmocka_unit_test(other_answers_are_refused),
        cmocka_unit_test(numbers_are_read_with_and_without_quotes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
