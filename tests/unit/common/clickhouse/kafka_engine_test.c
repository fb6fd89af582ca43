/* Statements as people paste them; every prefix and every damaged form is answered. */
#include <stdlib.h>
#include <string.h>

#include "common/clickhouse/kafka_engine.h"

#include "tests/unit/unit.h"

static const char WHOLE[] =
    "-- a table\nCREATE TABLE IF NOT EXISTS `my db`.\"que`ue\" ON CLUSTER 'c' (\n"
    "  id UInt64 COMMENT 'it''s, (an) id', /* ) , */\n"
    "  `a b` Map(String, Array(Decimal(18, 3))) DEFAULT map('x', [1]) CODEC(ZSTD(1)),\n"
    "  e Enum8('a,b' = 1, ')' = 2),\n  INDEX i id TYPE minmax, index UInt8\n)\n"
    "ENGINE = Kafka('h1:9092,h2', 't1', 'g\\'1', 'JSONEachRow')\n"
    "SETTINGS kafka_num_consumers = 4, kafka_max_block_size=1000, date_time_input_format = "
    "'best_effort' COMMENT 'x';";

static void a_whole_statement(void **state)
{
    (void)state;
    struct kafka_engine engine;
    struct err err = {.text = ""};
    if (kafka_engine_parse(WHOLE, &engine, &err) != ST_OK) {
        fail_msg("%s", err.text);
    }
    assert_string_equal(engine.database, "my db");
    assert_string_equal(engine.table, "que`ue");
    static const struct {
        const char *name;
        const char *type;
    } columns[] = {
        {"id", "UInt64"},
        {"a b", "Map(String, Array(Decimal(18, 3)))"},
        {"e", "Enum8('a,b' = 1, ')' = 2)"},
        {"index", "UInt8"},
    };
    assert_int_equal(engine.columns_count, ARRAY_LEN(columns));
    for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
        assert_string_equal(engine.columns[i].name, columns[i].name);
        assert_string_equal(engine.columns[i].type, columns[i].type);
    }
    assert_true(engine.has_expressions);
    assert_string_equal(kafka_engine_setting(&engine, "kafka_broker_list"), "h1:9092,h2");
    assert_string_equal(kafka_engine_setting(&engine, "kafka_group_name"), "g'1");
    assert_string_equal(kafka_engine_setting(&engine, "kafka_num_consumers"), "4");
    assert_string_equal(kafka_engine_setting(&engine, "date_time_input_format"), "best_effort");
    assert_null(kafka_engine_setting(&engine, "kafka_schema"));
    kafka_engine_done(&engine);
}

static void settings_alone(void **state)
{
    (void)state;
    struct kafka_engine engine;
    assert_int_equal(
        kafka_engine_parse(
            "create table q (x String) engine Kafka settings kafka_topic_list='t', "
            "kafka_topic_list='u'",
            &engine, NULL),
        ST_OK);
    assert_null(engine.database);
    assert_string_equal(kafka_engine_setting(&engine, "kafka_topic_list"), "u");
    kafka_engine_done(&engine);
}

static void what_is_none_is_refused_with_a_place(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "SELECT 1",
        "CREATE TABLE t",
        "CREATE TABLE t () ENGINE = Kafka",
        "CREATE TABLE t (x) ENGINE = Kafka",
        "CREATE TABLE t (x Int8) ENGINE = MergeTree ORDER BY x",
        "CREATE TABLE t (x Int8) ENGINE = Kafka('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h')",
        "CREATE TABLE t (x Int8) ENGINE = Kafka SETTINGS a",
        "CREATE TABLE t (x Int8) ENGINE = Kafka SETTINGS a = 'b",
        "CREATE TABLE t (x Int8) ENGINE = Kafka; DROP TABLE t",
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct kafka_engine engine;
        struct err err = {.text = ""};
        assert_int_equal(kafka_engine_parse(cases[i], &engine, &err), ST_INVALID);
        assert_non_null(strstr(err.text, "/sql: expected "));
        kafka_engine_done(&engine);
    }
}

/* Cut anywhere, and with each byte replaced by each of the bytes that mean something. */
static void damaged_statements_are_answered(void **state)
{
    (void)state;
    static const char marks[] = "'`\"\\(),;=-/*x \n";
    char *copy = strdup(WHOLE);
    assert_non_null(copy);
    for (size_t i = 0; i < sizeof(WHOLE) - 1; i++) {
        struct kafka_engine engine;
        const char kept = copy[i];
        for (size_t j = 0; j < sizeof(marks); j++) { /* the last one is the zero: a cut */
            copy[i] = marks[j];
            enum status status = kafka_engine_parse(copy, &engine, NULL);
            assert_true(status == ST_OK || status == ST_INVALID);
            kafka_engine_done(&engine);
        }
        copy[i] = kept;
    }
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_statement),
        cmocka_unit_test(settings_alone),
        cmocka_unit_test(what_is_none_is_refused_with_a_place),
        cmocka_unit_test(damaged_statements_are_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
