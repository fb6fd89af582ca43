/* Pages of rejected records: the question, the answer, the cursor between them. */
#include <stdlib.h>
#include <string.h>

#include "common/clickhouse/error_cursor.h"
#include "common/clickhouse/error_table.h"

#include "tests/unit/unit.h"

static struct error_filter filter_of(int limit)
{
    struct error_filter filter;
    error_filter_init(&filter);
    filter.database = "d";
    filter.table = "t";
    filter.pipe_id = "p";
    filter.limit = limit;
    return filter;
}

static void every_filter_is_in_the_question(void **state)
{
    (void)state;
    struct error_filter filter = filter_of(ERROR_PAGE_LIMIT_DEFAULT);
    struct buf sql;
    buf_init(&sql, 100000);
    assert_int_equal(error_page_sql(&filter, &sql, NULL), ST_OK);
    assert_non_null(
        strstr(buf_text(&sql), "FROM `d`.`t_clickpipes_error` WHERE pipe_id = 'p' ORDER BY"));
    assert_non_null(strstr(buf_text(&sql), "LIMIT 101 OFFSET 0)"));
    buf_reset(&sql);
    filter.type = "T'";
    filter.topic = "o";
    filter.from_ms = 1001;
    filter.to_ms = 5000;
    filter.partition = 0;
    filter.offset_from = 3;
    filter.offset_to = 9;
    assert_int_equal(error_page_sql(&filter, &sql, NULL), ST_OK);
    assert_non_null(strstr(
        buf_text(&sql), "WHERE pipe_id = 'p' AND error_type = 'T\\'' AND record_topic = 'o'"
                        " AND error_timestamp >= toDateTime(2) AND error_timestamp < toDateTime(5)"
                        " AND record_partition = 0 AND record_offset >= 3 AND record_offset <= 9"
                        " ORDER BY"));
    size_t whole = sql.len_bytes;
    buf_done(&sql);
    for (size_t max_bytes = 0; max_bytes < whole; max_bytes += 101) {
        buf_init(&sql, max_bytes);
        assert_int_equal(error_page_sql(&filter, &sql, NULL), ST_TOO_LARGE);
        buf_done(&sql);
    }
}

static void limits_and_cursors_are_checked(void **state)
{
    (void)state;
    static const int limits[] = {-1, 0, ERROR_PAGE_LIMIT_MAX + 1};
    struct buf sql;
    buf_init(&sql, 100000);
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        struct error_filter filter = filter_of(limits[i]);
        assert_int_equal(error_page_sql(&filter, &sql, NULL), ST_INVALID);
    }
    static const char *const cursors[] = {
        "x",
        "djEgMSAyIDMgNCA1IHQ=",
        "!!!!",
        "djIgMSAyIDMgNCA1IHQ",
        "djEgMSAyIDMgNCAwIHQ",
        "djEgLTEgMiAzIDQgNSB0",
        "djEgMQ"};
    for (size_t i = 0; i < ARRAY_LEN(cursors); i++) {
        struct error_filter filter = filter_of(1);
        filter.cursor = cursors[i];
        struct err err = {0};
        assert_int_equal(error_page_sql(&filter, &sql, &err), ST_INVALID);
        assert_string_equal(err.text, "not a cursor of an earlier page");
    }
    struct error_filter filter = filter_of(1);
    filter.cursor = "";
    assert_int_equal(error_page_sql(&filter, &sql, NULL), ST_OK);
    buf_done(&sql);
}

static void cursors_come_back_as_they_went(void **state)
{
    (void)state;
    static char topics[3][16] = {"t", "a b?>~\xc3\xbf", ""};
    for (size_t i = 0; i < ARRAY_LEN(topics); i++) {
        const struct error_cursor cursor = {
            .timestamp_s = UINT32_MAX,
            .partition = -1,
            .offset = INT64_MIN,
            .tie = UINT64_MAX,
            .given = 3,
            .topic = topics[i]};
        char *text = NULL;
        assert_int_equal(error_cursor_text(&cursor, &text, NULL), ST_OK);
        assert_int_equal(
            strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
            strlen(text));
        struct error_cursor again = {0};
        assert_int_equal(error_cursor_parse(text, &again, NULL), ST_OK);
        assert_int_equal(again.timestamp_s, cursor.timestamp_s);
        assert_int_equal(again.partition, cursor.partition);
        assert_true(again.offset == cursor.offset);
        assert_true(again.tie == cursor.tie);
        assert_int_equal(again.given, 3);
        assert_string_equal(again.topic, topics[i]);
        error_cursor_done(&again);
        error_cursor_done(&again);
        free(text);
    }
    char *longest = calloc(1, 4000);
    assert_non_null(longest);
    memset(longest, 'A', 3996);
    struct error_cursor cursor = {0};
    assert_int_equal(error_cursor_parse(longest, &cursor, NULL), ST_INVALID);
    free(longest);
}

#define ROW(offset, tie, total)                                                                    \
    "{\"ts\":100,\"record_ms\":\"1700000000123\",\"part\":2,\"off\":\"" offset "\",\"schema\":-1," \
    "\"tie_text\":\"" tie "\",\"total\":\"" total "\",\"type64\":\"VA==\","                        \
    "\"message64\":\"bf9t\",\"column64\":\"\",\"topic64\":\"dG9w\",\"key64\":\"AP8=\","            \
    "\"value64\":\"\",\"names64\":[\"aA==\",\"aA==\"],\"values64\":[\"MQ==\",\"/w==\"]}\n"

static void records_are_read_byte_by_byte(void **state)
{
    (void)state;
    struct error_filter filter = filter_of(5);
    struct error_page page;
    assert_int_equal(error_page_parse(&filter, ROW("7", "1", "1"), &page, NULL), ST_OK);
    assert_int_equal(page.count, 1);
    assert_null(page.next);
    const struct error_record *record = &page.records[0];
    assert_int_equal(record->timestamp_ms, 100000);
    assert_int_equal(record->record_timestamp_ms, 1700000000123);
    assert_int_equal(record->partition, 2);
    assert_int_equal(record->offset, 7);
    assert_int_equal(record->schema_id, -1);
    assert_string_equal(record->type, "T");
    assert_string_equal(record->message, "m?m");
    assert_string_equal(record->column, "");
    assert_string_equal(record->topic, "top");
    assert_int_equal(record->key.len_bytes, 2);
    assert_memory_equal(record->key.bytes, "\0\xff", 2);
    assert_int_equal(record->value.len_bytes, 0);
    assert_int_equal(record->headers_count, 2);
    assert_string_equal((const char *)record->headers[1].name.bytes, "h");
    assert_memory_equal(record->headers[1].value.bytes, "\xff", 1);
    error_page_done(&page);
    error_page_done(&page);
    assert_int_equal(error_page_parse(&filter, "", &page, NULL), ST_OK);
    assert_int_equal(page.count, 0);
    assert_null(page.next);
    error_page_done(&page);
}

static void equal_rows_are_counted_in_the_cursor(void **state)
{
    (void)state;
    struct error_filter filter = filter_of(2);
    struct error_page page;
    assert_int_equal(
        error_page_parse(&filter, ROW("7", "1", "3") ROW("6", "1", "3"), &page, NULL), ST_OK);
    struct error_cursor cursor = {0};
    assert_int_equal(error_cursor_parse(page.next, &cursor, NULL), ST_OK);
    assert_int_equal(cursor.offset, 6);
    assert_int_equal(cursor.given, 1);
    error_cursor_done(&cursor);
    char *next = page.next;
    page.next = NULL;
    error_page_done(&page);
    filter.cursor = next; /* two more rows like the last one: three were given then */
    assert_int_equal(
        error_page_parse(&filter, ROW("6", "1", "9") ROW("6", "1", "9"), &page, NULL), ST_OK);
    assert_int_equal(error_cursor_parse(page.next, &cursor, NULL), ST_OK);
    assert_int_equal(cursor.given, 3);
    error_cursor_done(&cursor);
    struct buf sql;
    buf_init(&sql, 100000);
    filter.cursor = page.next;
    assert_int_equal(error_page_sql(&filter, &sql, NULL), ST_OK);
    assert_non_null(
        strstr(buf_text(&sql), " AND error_timestamp <= toDateTime(100) AND (toUnixTimestamp"));
    assert_non_null(strstr(buf_text(&sql), " <= (100, 2, 6, 'top', 1) ORDER BY"));
    assert_non_null(strstr(buf_text(&sql), "LIMIT 3 OFFSET 3)"));
    buf_done(&sql);
    error_page_done(&page);
    free(next);
}

static void other_answers_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{}\n",
        "{\"ts\":\"x\"}\n",
        "not json\n",
        ROW("7", "-1", "1"),
        ROW("7", "1", "x"),
        ROW("7", "1", "3") ROW("6", "1", "3") ROW("5", "1", "3"),
    };
    struct error_filter filter = filter_of(2);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct error_page page = {.count = 99};
        assert_int_equal(error_page_parse(&filter, bad[i], &page, NULL), ST_INVALID);
        assert_int_equal(page.count, 99);
    }
    char *name = error_table_name("t");
    assert_string_equal(name, "t_clickpipes_error");
    free(name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_filter_is_in_the_question),
        cmocka_unit_test(limits_and_cursors_are_checked),
        cmocka_unit_test(cursors_come_back_as_they_went),
        cmocka_unit_test(records_are_read_byte_by_byte),
        cmocka_unit_test(equal_rows_are_counted_in_the_cursor),
        cmocka_unit_test(other_answers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
