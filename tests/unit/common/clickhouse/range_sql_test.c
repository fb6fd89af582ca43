/* The questions before a replay, and their answers. */
#include <stdlib.h>
#include <string.h>

#include "common/clickhouse/range_sql.h"

#include "tests/unit/unit.h"

static void a_twin_is_ended_by_its_name(void **state)
{
    (void)state;
    struct buf sql;
    buf_init(&sql, 1000);
    assert_int_equal(clickhouse_kill_sql("penstock-a'b", &sql), ST_OK);
    assert_string_equal(
        buf_text(&sql), "KILL QUERY WHERE user = currentUser() AND (query_id = 'penstock-a\\'b' OR "
                        "startsWith(query_id, concat('penstock-a\\'b', '.'))) SYNC");
    buf_done(&sql);
    buf_init(&sql, 20);
    assert_int_equal(clickhouse_kill_sql("penstock-a", &sql), ST_TOO_LARGE);
    buf_done(&sql);
}

static void a_range_is_asked_for_by_its_columns(void **state)
{
    (void)state;
    struct clickhouse_range range = {
        .database = "d`b",
        .table = "t",
        .topic_column = "src topic",
        .partition_column = "p",
        .offset_column = "o",
        .topic = "it's",
        .partition = 7,
        .first = 10,
        .last = 9223372036854775807,
    };
    struct buf sql;
    buf_init(&sql, 1000);
    assert_int_equal(clickhouse_range_offsets_sql(&range, &sql), ST_OK);
    assert_string_equal(
        buf_text(&sql),
        "SELECT toInt64(`o`) AS o, count() AS n FROM `d\\`b`.`t` WHERE `src topic` = "
        "'it\\'s' AND `p` = 7 AND `o` BETWEEN 10 AND 9223372036854775807 GROUP BY o "
        "ORDER BY o FORMAT RowBinary");
    buf_reset(&sql);
    range.pipe_id_column = "pipe_id";
    range.pipe_id = "x";
    assert_int_equal(clickhouse_range_offsets_sql(&range, &sql), ST_OK);
    assert_non_null(strstr(buf_text(&sql), "'it\\'s' AND `pipe_id` = 'x' AND `p` = 7"));
    buf_done(&sql);
    buf_init(&sql, 30);
    assert_int_equal(clickhouse_range_offsets_sql(&range, &sql), ST_TOO_LARGE);
    buf_done(&sql);
}

static void stored_offsets_are_read(void **state)
{
    (void)state;
    static const int64_t numbers[] = {-1, 2, 9223372036854775807, 1};
    struct clickhouse_stored_offset *offsets = NULL;
    size_t count = 9;
    struct err err;
    struct buf answer;
    buf_init(&answer, 1000);
    assert_int_equal(clickhouse_range_offsets_parse(&answer, &offsets, &count, &err), ST_OK);
    assert_int_equal(count, 0);
    assert_null(offsets);
    assert_int_equal(buf_add(&answer, numbers, sizeof(numbers)), ST_OK);
    assert_int_equal(clickhouse_range_offsets_parse(&answer, &offsets, &count, &err), ST_OK);
    assert_int_equal(count, 2);
    assert_int_equal(offsets[0].offset, -1);
    assert_int_equal(offsets[0].rows, 2);
    assert_true(offsets[1].offset == INT64_MAX && offsets[1].rows == 1);
    free(offsets);
    assert_int_equal(buf_add_text(&answer, "x"), ST_OK);
    assert_int_equal(clickhouse_range_offsets_parse(&answer, &offsets, &count, &err), ST_INVALID);
    assert_non_null(strstr(err.text, "33 bytes"));
    buf_done(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_twin_is_ended_by_its_name),
        cmocka_unit_test(a_range_is_asked_for_by_its_columns),
        cmocka_unit_test(stored_offsets_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
