/*
 * common/clickhouse/preflight against a real server at CLICKHOUSE_URL: tables with and without
 * windows, views of every kind behind them, what the offered statements lead to, and that the
 * promise holds: the same token twice is there once, and as often as counted on.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clickhouse/ddl.h"
#include "common/clickhouse/preflight.h"

#include "tests/process/clickhouse/server.h"

static const struct preflight_pipe PLAIN = {.is_exactly_once = true, .replicas = 1};
static const struct preflight_pipe WITH_OFFSETS = {
    .is_exactly_once = true,
    .replicas = 1,
    .has_offsets = true,
    .columns = {.topic = "_topic", .partition = "_partition", .offset = "_offset"},
};

static long number(const char *sql)
{
    char *text = run(sql);
    long value = strtol(text, NULL, 10);
    free(text);
    return value;
}

static int setup(void **state)
{
    (void)state;
    if (!server_open()) {
        return -1;
    }
    run_quietly("DROP DATABASE IF EXISTS preflight");
    run_quietly("DROP DATABASE IF EXISTS `preflight ``2`");
    run_quietly("CREATE DATABASE preflight");
    run_quietly("CREATE DATABASE `preflight ``2`");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    run_quietly("DROP DATABASE IF EXISTS preflight");
    run_quietly("DROP DATABASE IF EXISTS `preflight ``2`");
    server_close();
    return 0;
}

static struct guarantee judged(const char *table, const struct preflight_pipe *pipe)
{
    const struct clickhouse_table_name name = {"preflight", table};
    struct guarantee guarantee = {.mode = GUARANTEE_AT_LEAST_ONCE};
    struct err err = {0};
    enum status st = preflight_run(client, &endpoint, &name, pipe, &guarantee, &err);
    if (st != ST_OK) {
        fail_msg("%s: %s", table, err.text);
    }
    print_message("%s: %s: %s\n", table, guarantee_mode_text(guarantee.mode), guarantee.detail);
    return guarantee;
}

/* Run the statement that the detail offers, up to what follows it. */
static void run_offer(const struct guarantee *guarantee)
{
    const char *at = strstr(guarantee->detail, "ALTER TABLE");
    assert_non_null(at);
    char *sql = strndup(at, strcspn(at, ";,"));
    assert_non_null(sql);
    run_quietly(sql);
    free(sql);
}

static void insert(const char *table, const char *token, int id)
{
    char sql[512];
    (void)snprintf(/* fits */
                   sql, sizeof(sql),
                   "INSERT INTO preflight.%s (id) SETTINGS async_insert = 0, "
                   "insert_deduplication_token "
                   "= '%s' "
                   "VALUES (%d)",
                   table, token, id);
    run_quietly(sql);
}

static void a_window_makes_the_difference(void **state)
{
    (void)state;
    run_quietly("CREATE TABLE preflight.plain (id UInt64, _topic String, _partition Int32, "
                "_offset Int64) ENGINE = MergeTree ORDER BY id");
    struct guarantee guarantee = judged("plain", &PLAIN);
    assert_int_equal(guarantee.mode, GUARANTEE_AT_LEAST_ONCE);
    assert_true(guarantee.is_weak);
    assert_non_null(strstr(
        guarantee.detail, "ALTER TABLE `preflight`.`plain` MODIFY SETTING "
                          "non_replicated_deduplication_window = 10000"));
    assert_int_equal(judged("plain", &WITH_OFFSETS).mode, GUARANTEE_BY_CHECK);
    insert("plain", "a", 1);
    insert("plain", "a", 1);
    assert_int_equal(number("SELECT count() FROM preflight.plain"), 2);

    run_offer(&guarantee);
    guarantee = judged("plain", &PLAIN);
    assert_int_equal(guarantee.mode, GUARANTEE_BY_TOKEN);
    assert_int_equal(guarantee.inserts, 5000);
    assert_int_equal(guarantee.seconds, 604800);
    assert_false(guarantee.is_weak);
    insert("plain", "b", 2);
    insert("plain", "b", 2);
    assert_int_equal(number("SELECT count() FROM preflight.plain"), 3);
}

/* As many inserts as are counted on may lie between an insert and its repetition. */
static void the_counted_inserts_are_held(void **state)
{
    (void)state;
    run_quietly("CREATE TABLE preflight.small (id UInt64) ENGINE = MergeTree ORDER BY id "
                "PARTITION BY id % 1 SETTINGS non_replicated_deduplication_window = 8");
    insert("small", "first", 0);
    struct guarantee guarantee = judged("small", &PLAIN);
    assert_int_equal(guarantee.mode, GUARANTEE_BY_TOKEN);
    assert_int_equal(guarantee.inserts, 4);
    assert_true(guarantee.is_weak);
    assert_non_null(strstr(guarantee.detail, "that is few: ALTER TABLE"));
    for (int i = 1; i <= guarantee.inserts - 1; i++) {
        char token[16];
        (void)snprintf(token, sizeof(token), "t%d", i); /* fits */
        insert("small", token, i);
    }
    long before = number("SELECT count() FROM preflight.small");
    insert("small", "first", 0);
    assert_int_equal(number("SELECT count() FROM preflight.small"), before);
}

static void what_views_fill_counts(void **state)
{
    (void)state;
    run_quietly("CREATE TABLE preflight.source (id UInt64) ENGINE = MergeTree ORDER BY id SETTINGS "
                "non_replicated_deduplication_window = 1000");
    run_quietly("CREATE TABLE preflight.middle (id UInt64) ENGINE = MergeTree ORDER BY id SETTINGS "
                "non_replicated_deduplication_window = 100");
    run_quietly(
        "CREATE TABLE `preflight ``2`.`the end` (id UInt64) ENGINE = MergeTree ORDER BY id");
    run_quietly("CREATE MATERIALIZED VIEW preflight.v TO preflight.middle AS SELECT id FROM "
                "preflight.source");
    assert_int_equal(judged("source", &PLAIN).inserts, 50);
    assert_false(judged("source", &PLAIN).is_weak);

    run_quietly("CREATE MATERIALIZED VIEW `preflight ``2`.`v 2` TO `preflight ``2`.`the end` AS "
                "SELECT id FROM preflight.middle");
    struct guarantee guarantee = judged("source", &PLAIN);
    assert_int_equal(guarantee.mode, GUARANTEE_BY_TOKEN);
    assert_true(guarantee.is_weak);
    assert_non_null(strstr(guarantee.detail, "`preflight \\`2`.`the end`, which a view fills"));
    insert("source", "a", 1);
    insert("source", "a", 1);
    assert_int_equal(number("SELECT count() FROM preflight.source"), 1);
    assert_int_equal(number("SELECT count() FROM `preflight ``2`.`the end`"), 2);
    run_offer(&guarantee);
    guarantee = judged("source", &PLAIN);
    assert_false(guarantee.is_weak);
    insert("source", "b", 2);
    insert("source", "b", 2);
    assert_int_equal(number("SELECT count() FROM `preflight ``2`.`the end`"), 3);

    /* A table of its own, one without windows, a view that nothing writes, one by the clock. */
    run_quietly("CREATE MATERIALIZED VIEW preflight.own ENGINE = MergeTree ORDER BY id AS SELECT "
                "id FROM preflight.source");
    run_quietly("CREATE TABLE preflight.log (id UInt64) ENGINE = Log");
    run_quietly("CREATE MATERIALIZED VIEW preflight.to_log TO preflight.log AS SELECT id FROM "
                "preflight.source");
    run_quietly("CREATE VIEW preflight.harmless AS SELECT id FROM preflight.source");
    run_quietly("CREATE MATERIALIZED VIEW preflight.hourly REFRESH EVERY 1 YEAR TO preflight.log "
                "EMPTY AS SELECT id FROM preflight.middle");
    guarantee = judged("source", &PLAIN);
    assert_non_null(strstr(guarantee.detail, "`preflight`.`.inner_id."));
    assert_non_null(strstr(guarantee.detail, "`preflight`.`log`, which a view fills (Log)"));
    assert_null(strstr(guarantee.detail, "harmless"));
    assert_null(strstr(guarantee.detail, "could not be looked at"));
}

static void other_engines_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *create;
        enum guarantee_mode plain;
        enum guarantee_mode with_offsets;
    } cases[] = {
        {"e1", "ENGINE = Log", GUARANTEE_AT_LEAST_ONCE, GUARANTEE_BY_CHECK},
        {"e2", "ENGINE = Memory", GUARANTEE_AT_LEAST_ONCE, GUARANTEE_BY_CHECK},
        {"e3", "ENGINE = Null", GUARANTEE_AT_LEAST_ONCE, GUARANTEE_AT_LEAST_ONCE},
        {"e4", "ENGINE = Buffer(preflight, e1, 1, 10, 100, 10, 100, 1000, 1000)",
         GUARANTEE_AT_LEAST_ONCE, GUARANTEE_AT_LEAST_ONCE},
        {"e5", "ENGINE = ReplacingMergeTree ORDER BY id", GUARANTEE_AT_LEAST_ONCE,
         GUARANTEE_AT_LEAST_ONCE},
        {"e6", "ENGINE = ReplacingMergeTree ORDER BY (_topic, _partition, _offset)",
         GUARANTEE_AT_LEAST_ONCE, GUARANTEE_BY_CHECK},
        {"e7",
         "ENGINE = SummingMergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 7",
         GUARANTEE_BY_TOKEN, GUARANTEE_BY_TOKEN},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char sql[512];
        (void)snprintf(/* fits */
                       sql, sizeof(sql),
                       "CREATE TABLE preflight.%s (id UInt64, _topic String, _partition Int32, "
                       "_offset Int64) "
                       "%s",
                       cases[i].name, cases[i].create);
        run_quietly(sql);
        assert_int_equal(judged(cases[i].name, &PLAIN).mode, cases[i].plain);
        assert_int_equal(judged(cases[i].name, &WITH_OFFSETS).mode, cases[i].with_offsets);
    }
}

/* Rows go through a table that keeps none, and into a view by its own name. */
static void what_keeps_no_rows_itself_is_looked_through(void **state)
{
    (void)state;
    run_quietly("CREATE TABLE preflight.pass (id UInt64) ENGINE = Null");
    run_quietly("CREATE TABLE preflight.kept (id UInt64) ENGINE = MergeTree ORDER BY id SETTINGS "
                "non_replicated_deduplication_window = 60");
    run_quietly("CREATE MATERIALIZED VIEW preflight.pv TO preflight.kept AS SELECT id FROM "
                "preflight.pass");
    struct guarantee guarantee = judged("pass", &PLAIN);
    assert_int_equal(guarantee.mode, GUARANTEE_BY_TOKEN);
    assert_int_equal(guarantee.inserts, 30);
    insert("pass", "a", 1);
    insert("pass", "a", 1);
    assert_int_equal(number("SELECT count() FROM preflight.kept"), 1);
    guarantee = judged("pv", &PLAIN);
    assert_int_equal(guarantee.mode, GUARANTEE_BY_TOKEN);
    assert_int_equal(guarantee.inserts, 30);
    insert("pv", "b", 2);
    insert("pv", "b", 2);
    assert_int_equal(number("SELECT count() FROM preflight.kept"), 2);
}

static void managed_tables_are_made_with_a_window(void **state)
{
    (void)state;
    static char database[] = "preflight";
    static char table[] = "managed";
    static char name[] = "id";
    static char type[] = "UInt64";
    struct pipe_column column = {.name = name, .type = type};
    const struct pipe_destination destination = {
        .database = database,
        .table = table,
        .is_managed = true,
        .engine = ENGINE_MERGE_TREE,
        .columns = &column,
        .columns_count = 1,
    };
    struct buf sql;
    buf_init(&sql, CLICKHOUSE_SQL_MAX_BYTES);
    assert_int_equal(clickhouse_ddl_target(&destination, &sql), ST_OK);
    run_quietly(buf_text(&sql));
    buf_reset(&sql);
    assert_int_equal(clickhouse_ddl_error_table(database, table, &sql), ST_OK);
    run_quietly(buf_text(&sql));
    buf_done(&sql);
    struct guarantee guarantee = judged("managed", &PLAIN);
    assert_int_equal(guarantee.mode, GUARANTEE_BY_TOKEN);
    assert_int_equal(guarantee.inserts, CLICKHOUSE_WINDOW / 2);
    assert_false(guarantee.is_weak);
    assert_int_equal(judged("managed_clickpipes_error", &PLAIN).mode, GUARANTEE_BY_TOKEN);
}

static void a_table_that_is_not_there_is_told(void **state)
{
    (void)state;
    const struct clickhouse_table_name name = {"preflight", "nobody's"};
    struct guarantee guarantee = {.mode = GUARANTEE_BY_CHECK};
    struct err err = {0};
    assert_int_equal(
        preflight_run(client, &endpoint, &name, &PLAIN, &guarantee, &err), ST_NOT_FOUND);
    assert_non_null(strstr(err.text, "preflight.nobody's"));
    assert_int_equal(guarantee.mode, GUARANTEE_BY_CHECK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_makes_the_difference),
        cmocka_unit_test(the_counted_inserts_are_held),
        cmocka_unit_test(what_views_fill_counts),
        cmocka_unit_test(other_engines_are_told_apart),
        cmocka_unit_test(what_keeps_no_rows_itself_is_looked_through),
        cmocka_unit_test(managed_tables_are_made_with_a_window),
        cmocka_unit_test(a_table_that_is_not_there_is_told),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
