/* SQL of clickpipes_log: names and texts quoted; the real engine reads it in contract/event_log. */
#include <string.h>

#include "common/clickhouse/log_table.h"

#include "tests/unit/unit.h"

static void table_is_quoted(void **state)
{
    (void)state;
    struct buf sql;
    buf_init(&sql, 10000);
    assert_int_equal(log_table_create("a`b", &sql), ST_OK);
    assert_non_null(
        strstr(buf_text(&sql), "CREATE TABLE IF NOT EXISTS `a\\`b`.`clickpipes_log`\n("));
    assert_non_null(strstr(buf_text(&sql), "INTERVAL 7 DAY"));
    buf_done(&sql);
}

static void rows(void **state)
{
    (void)state;
    const struct log_table_row first = {
        "2026-01-02T03:04:05.678Z", "critical", "state", "it's", "{\"a\":1}", "p", 7};
    const struct log_table_row second = {
        "2026-01-02T03:04:05Z", "info", "created", "", "{}", "p", 8};
    struct buf sql;
    buf_init(&sql, 10000);
    assert_int_equal(log_table_insert("d", &sql), ST_OK);
    assert_int_equal(log_table_add_row(&first, true, &sql), ST_OK);
    assert_int_equal(log_table_add_row(&second, false, &sql), ST_OK);
    assert_string_equal(
        buf_text(&sql),
        "INSERT INTO `d`.`clickpipes_log` (event_time, log_level, error_type, message, "
        "clickpipe_id, details, event_id) VALUES "
        "('2026-01-02 03:04:05.678', 'Error', 'state', 'it\\'s', 'p', '{\"a\":1}', 7), "
        "('2026-01-02 03:04:05', 'Info', 'created', '', 'p', '{}', 8)");
    buf_done(&sql);
}

static void limits(void **state)
{
    (void)state;
    const struct log_table_row row = {"", "warning", "t", "m", "{}", "p", 1};
    for (size_t max = 1; max < 30; max++) {
        struct buf sql;
        buf_init(&sql, max);
        assert_int_equal(log_table_add_row(&row, true, &sql), ST_TOO_LARGE);
        assert_int_equal(log_table_create("database", &sql), ST_TOO_LARGE);
        buf_done(&sql);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_is_quoted),
        cmocka_unit_test(rows),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
