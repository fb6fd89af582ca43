/* SQL of tables, and the check of an existing one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clickhouse/ddl.h"

#include "tests/unit/unit.h"

#define LIST(...)                                                                                  \
    {                                                                                              \
        .items = (char *[]){__VA_ARGS__},                                                          \
        .count = sizeof((char *[]){__VA_ARGS__}) / sizeof(char *)                                  \
    }

static void names_and_texts_are_quoted(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *identifier;
        const char *string;
    } cases[] = {
        {"a", "`a`", "'a'"},
        {"", "``", "''"},
        {"a`b'c", "`a\\`b'c`", "'a`b\\'c'"},
        {"a\\", "`a\\\\`", "'a\\\\'"},
        {"a\nb\tc\rd\be\ff", "`a\\nb\\tc\\rd\\be\\ff`", "'a\\nb\\tc\\rd\\be\\ff'"},
        {"\xc3\xa4\x01", "`\xc3\xa4\x01`", "'\xc3\xa4\x01'"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf sql;
        buf_init(&sql, 100);
        assert_int_equal(clickhouse_quote_identifier(&sql, cases[i].text), ST_OK);
        assert_string_equal(buf_text(&sql), cases[i].identifier);
        buf_reset(&sql);
        assert_int_equal(clickhouse_quote_string(&sql, cases[i].text), ST_OK);
        assert_string_equal(buf_text(&sql), cases[i].string);
        buf_done(&sql);
    }
    struct buf small;
    buf_init(&small, 3);
    assert_int_equal(clickhouse_quote_identifier(&small, "abc"), ST_TOO_LARGE);
    buf_done(&small);
}

static char column_a[] = "a";
static char column_b[] = "b c";
static char type_a[] = "UInt64";
static char type_b[] = "Nullable(String)";
static char database[] = "d";
static char table[] = "t`x";

static void managed_tables_are_written(void **state)
{
    (void)state;
    char expression[] = "cityHash64(a, 1)";
    char month[] = "toYYYYMM(now())";
    char ttl[] = "at + INTERVAL 1 DAY";
    char primary[] = "a, b";
    static const char head[] = "CREATE TABLE IF NOT EXISTS `d`.`t\\`x`\n(\n    `a` UInt64,\n"
                               "    `b c` Nullable(String)\n)\nENGINE = ";
    const struct {
        struct pipe_destination destination;
        const char *rest;
    } cases[] = {
        {{.engine = ENGINE_MERGE_TREE}, "MergeTree\nORDER BY tuple()"},
        {{.engine = ENGINE_NULL}, "Null"},
        {{.engine = ENGINE_REPLACING_MERGE_TREE, .sorting_key = LIST(column_a)},
         "ReplacingMergeTree\nORDER BY (`a`)"},
        {{.engine = ENGINE_REPLACING_MERGE_TREE,
          .version_column = column_b,
          .sorting_key = LIST(column_a, expression)},
         "ReplacingMergeTree(`b c`)\nORDER BY (`a`, cityHash64(a, 1))"},
        {{.engine = ENGINE_SUMMING_MERGE_TREE}, "SummingMergeTree\nORDER BY tuple()"},
        {{.engine = ENGINE_SUMMING_MERGE_TREE, .sum_columns = LIST(column_a, column_b)},
         "SummingMergeTree((`a`, `b c`))\nORDER BY tuple()"},
        {{.engine = ENGINE_MERGE_TREE,
          .sorting_key = LIST(column_a, column_b),
          .partition_by = month,
          .primary_key = column_a,
          .ttl = ttl},
         "MergeTree\nPARTITION BY toYYYYMM(now())\nPRIMARY KEY (`a`)\nORDER BY (`a`, `b c`)\n"
         "TTL at + INTERVAL 1 DAY"},
        {{.engine = ENGINE_MERGE_TREE, .sorting_key = LIST(column_a), .primary_key = primary},
         "MergeTree\nPRIMARY KEY (a, b)\nORDER BY (`a`)"},
    };
    struct pipe_column columns[] = {{column_a, type_a}, {column_b, type_b}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct pipe_destination destination = cases[i].destination;
        destination.database = database;
        destination.table = table;
        destination.columns = columns;
        destination.columns_count = 2;
        struct buf sql;
        buf_init(&sql, CLICKHOUSE_SQL_MAX_BYTES);
        assert_int_equal(clickhouse_ddl_target(&destination, &sql), ST_OK);
        assert_memory_equal(buf_text(&sql), head, strlen(head));
        const bool is_null = strcmp(cases[i].rest, "Null") == 0;
        char rest[512];
        (void)snprintf(/* fits */
                       rest, sizeof(rest), "%s%s", cases[i].rest,
                       is_null ? "" : "\nSETTINGS non_replicated_deduplication_window = 10000");
        assert_string_equal(buf_text(&sql) + strlen(head), rest);
        size_t whole = sql.len_bytes;
        buf_done(&sql);
        for (size_t max_bytes = 0; max_bytes < whole; max_bytes += 7) {
            buf_init(&sql, max_bytes);
            assert_int_equal(clickhouse_ddl_target(&destination, &sql), ST_TOO_LARGE);
            buf_done(&sql);
        }
    }
}

static void the_error_table_is_the_one_of_the_plan(void **state)
{
    (void)state;
    struct buf sql;
    buf_init(&sql, CLICKHOUSE_SQL_MAX_BYTES);
    assert_int_equal(clickhouse_ddl_error_table("d", "t`x", &sql), ST_OK);
    assert_string_equal(
        buf_text(&sql),
        "CREATE TABLE IF NOT EXISTS `d`.`t\\`x_clickpipes_error`\n(\n"
        "    `error_timestamp` DateTime,\n    `error_type` LowCardinality(String),\n"
        "    `error_msg` String,\n    `record_key` String,\n    `record_value` String,\n"
        "    `record_timestamp` DateTime64(3),\n    `record_partition` Int32,\n"
        "    `record_offset` Int64,\n    `record_topic` LowCardinality(String),\n"
        "    `record_headers` Map(String, String),\n    `schema_id` Int32,\n"
        "    `pipe_id` String,\n    `column_name` String\n)\nENGINE = MergeTree\n"
        "ORDER BY (error_timestamp, record_partition, record_offset)\n"
        "TTL error_timestamp + INTERVAL 7 DAY\n"
        "SETTINGS non_replicated_deduplication_window = 10000");
    buf_reset(&sql);
    assert_int_equal(clickhouse_ddl_drop_empty("d", "t`x", &sql), ST_OK);
    assert_string_equal(buf_text(&sql), "DROP TABLE IF EXISTS IF EMPTY `d`.`t\\`x`");
    buf_reset(&sql);
    assert_int_equal(clickhouse_ddl_mark("p", &sql), ST_OK);
    assert_string_equal(buf_text(&sql), "\nCOMMENT 'made for ClickPipe p'");
    buf_reset(&sql);
    assert_int_equal(clickhouse_ddl_is_marked("d", "t'x", "p", &sql), ST_OK);
    assert_string_equal(
        buf_text(&sql), "SELECT count() FROM system.tables WHERE database = 'd' AND name = "
                        "'t\\'x' AND comment = 'made for ClickPipe p' FORMAT TSV");
    buf_done(&sql);
}

static void existing_tables_are_compared_column_by_column(void **state)
{
    (void)state;
    static const struct {
        const char *wanted;
        const char *there; /* NULL = no such column */
        const char *kind;
        const char *problem;
    } cases[] = {
        {"UInt64", "UInt64", "", NULL},
        {"UInt64", "UInt64", "DEFAULT", NULL},
        {"UInt64", "UInt64", "EPHEMERAL", NULL},
        {"UInt64", "UInt64", "ALIAS",
         "/destination/columns/0: column 'a' of the table is ALIAS and takes no values"},
        {"UInt64", "UInt64", "MATERIALIZED",
         "/destination/columns/0: column 'a' of the table is MATERIALIZED and takes no values"},
        {"UInt64", NULL, "", "/destination/columns/0: the table has no column 'a'"},
        {"UInt64", "UInt32", "",
         "/destination/columns/0: column 'a' of the table is UInt32, not UInt64"},
        {"Decimal(18,3)", "Decimal(18, 3)", "", NULL},
        {"Decimal64(3)", "Decimal(18, 3)", "", NULL},
        {"Decimal(18,3)", "Decimal(18, 4)", "",
         "/destination/columns/0: column 'a' of the table is Decimal(18, 4), not Decimal(18,3)"},
        {"DateTime64(3)", "DateTime64(3, 'UTC')", "", NULL},
        {"DateTime64(3)", "DateTime64(6)", "",
         "/destination/columns/0: column 'a' of the table is DateTime64(6), not DateTime64(3)"},
        {"String", "LowCardinality(String)", "", NULL},
        {"LowCardinality(String)", "String", "", NULL},
        {"Nullable(String)", "LowCardinality(Nullable(String))", "", NULL},
        {"Nullable(String)", "String", "",
         "/destination/columns/0: column 'a' of the table is String, not Nullable(String)"},
        {"Array(DateTime)", "Array(DateTime('UTC'))", "", NULL},
        {"Tuple(a Int8,b String)", "Tuple(a Int8, b String)", "", NULL},
        {"Tuple(a Int8, b String)", "Tuple(a Int8, c String)", "",
         "/destination/columns/0: column 'a' of the table is Tuple(a Int8, c String), not "
         "Tuple(a Int8, b String)"},
        {"Enum8('a'=1)", "Enum8('a' = 1)", "", NULL},
        {"JSON(a UInt32, SKIP b)", "JSON(max_dynamic_paths=2, SKIP b, a UInt32)", "", NULL},
        {"Variant(String, Int8)", "Variant(Int8, String)", "", NULL},
        {"Nested(a Int8, b String)", "Nested(a Int8, b String)", "", NULL},
        {"Nested(a Int8)", "Array(Tuple(a Int8))", "", NULL},
        {"Nested(a Int8)", NULL, "", "/destination/columns/0: the table has no column 'a'"},
        {"FromTheFuture(1)", "FromTheFuture(1)", "", NULL},
        {"FromTheFuture(1)", "FromTheFuture(2)", "",
         "/destination/columns/0: column 'a' of the table is FromTheFuture(2), not "
         "FromTheFuture(1)"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct pipe_column wanted = {.name = column_a, .type = strdup(cases[i].wanted)};
        const struct pipe_destination destination = {.columns = &wanted, .columns_count = 1};
        char other[] = "other";
        struct clickhouse_column there[] = {
            {.name = other, .type = type_a, .default_kind = other},
            {.name = cases[i].there == NULL ? other : column_a,
             .type = strdup(cases[i].there == NULL ? "x" : cases[i].there),
             .default_kind = strdup(cases[i].kind)}};
        const struct clickhouse_table existing = {.columns = there, .columns_count = 2};
        struct pipe_problems problems = {0};
        enum status st = clickhouse_table_check(&existing, &destination, &problems);
        assert_int_equal(st, cases[i].problem == NULL ? ST_OK : ST_INVALID);
        assert_int_equal(problems.count, cases[i].problem == NULL ? 0 : 1);
        if (cases[i].problem != NULL) {
            assert_string_equal(problems.items[0], cases[i].problem);
        }
        pipe_problems_done(&problems);
        free(wanted.type);
        free(there[1].type);
        free(there[1].default_kind);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_texts_are_quoted),
        cmocka_unit_test(managed_tables_are_written),
        cmocka_unit_test(the_error_table_is_the_one_of_the_plan),
        cmocka_unit_test(existing_tables_are_compared_column_by_column),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
