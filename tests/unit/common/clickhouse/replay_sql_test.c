/* Statements of a replay: what a caller sends never leaves its quotes, filters are all there. */
#include <string.h>

#include "common/clickhouse/replay_sql.h"

#include "tests/unit/unit.h"

static struct replay_filter hostile_filter(void)
{
    struct replay_filter filter;
    replay_filter_init(&filter);
    filter.database = "d`b";
    filter.table = "t";
    filter.pipe_id = "p'); DROP TABLE x; --";
    return filter;
}

static void names_and_texts_are_quoted(void **state)
{
    (void)state;
    struct replay_filter filter = hostile_filter();
    const struct replay_key key = {.topic = "it's", .partition = 1, .offset = 2, .hash = 3};
    filter.type = "A'B";
    filter.from_ms = 1500;
    filter.to_ms = INT64_MAX - 1;
    filter.offsets = &key;
    filter.offsets_count = 1;
    struct buf sql;
    buf_init(&sql, REPLAY_SQL_MAX_BYTES);
    assert_int_equal(replay_count_sql(&filter, &key, &sql), ST_OK);
    static const char *const PARTS[] = {
        "`d\\`b`.`t_clickpipes_error`",
        "pipe_id = 'p\\'); DROP TABLE x; --'",
        "error_type = 'A\\'B'",
        "error_timestamp >= toDateTime(2)",
        "error_timestamp < toDateTime(4294967295)",
        " IN (('it\\'s',1,2))",
        "> ('it\\'s',1,2,3)",
        "error_type != 'RECORD_TOO_LARGE'",
        "error_msg != 'the value is empty'",
        "position(error_msg, 'refused, the others are stored): ') > 0)",
    };
    for (size_t i = 0; i < sizeof(PARTS) / sizeof(PARTS[0]); i++) {
        if (strstr(buf_text(&sql), PARTS[i]) == NULL) {
            fail_msg("no %s in %s", PARTS[i], buf_text(&sql));
        }
    }
    buf_done(&sql);
}

static void an_empty_list_of_offsets_matches_nothing(void **state)
{
    (void)state;
    const struct replay_key none = {.topic = ""};
    struct replay_filter filter = hostile_filter();
    filter.offsets = &none;
    struct buf sql;
    buf_init(&sql, REPLAY_SQL_MAX_BYTES);
    assert_int_equal(replay_count_sql(&filter, NULL, &sql), ST_OK);
    assert_non_null(strstr(buf_text(&sql), " AND (0)"));
    buf_done(&sql);
}

static void a_statement_that_does_not_fit_is_told(void **state)
{
    (void)state;
    const struct replay_filter filter = hostile_filter();
    struct buf sql;
    buf_init(&sql, 20);
    assert_int_equal(replay_open_sql(&filter, &sql), ST_TOO_LARGE);
    buf_done(&sql);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_texts_are_quoted),
        cmocka_unit_test(an_empty_list_of_offsets_matches_nothing),
        cmocka_unit_test(a_statement_that_does_not_fit_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
