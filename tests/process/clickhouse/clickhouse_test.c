/*
 * common/clickhouse against a real server at CLICKHOUSE_URL (CLICKHOUSE_USER, CLICKHOUSE_PASSWORD,
 * CLICKHOUSE_CA with a certificate in PEM form for https):
 * what we write is understood, what it answers is read, and genuine errors get their verdicts.
 * Everything happens in databases of its own.
 */
#include <lz4frame.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "common/clickhouse/client.h"
#include "common/clickhouse/ddl.h"
#include "common/clickhouse/describe.h"
#include "common/clickhouse/error_table.h"

#include "tests/process/clickhouse/server.h"

/* Names that need every kind of quoting. */
static char database[] = "penstock `test'\\";
static char table[] = "orders\n\"x\"";
static const struct clickhouse_table_name target = {database, table};

static int setup(void **state)
{
    (void)state;
    if (!server_open()) {
        return -1;
    }
    run_quietly("CREATE DATABASE IF NOT EXISTS `penstock \\`test'\\\\`");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    run_quietly("DROP DATABASE IF EXISTS `penstock \\`test'\\\\`");
    server_close();
    return 0;
}

static void the_server_says_its_version(void **state)
{
    (void)state;
    CLEANUP(freep) char *version = NULL;
    struct err err = {0};
    assert_int_equal(clickhouse_version(client, &endpoint, &version, &err), ST_OK);
    assert_true(version[0] >= '1' && version[0] <= '9');
    assert_non_null(strchr(version, '.'));
}

static void a_server_with_an_unknown_certificate_is_refused(void **state)
{
    (void)state;
    if (endpoint.ca_certificate == NULL) {
        skip();
    }
    struct clickhouse_endpoint other = endpoint;
    other.ca_certificate = NULL; /* the public CAs do not know it */
    const struct clickhouse_query query = {.sql = "SELECT 1"};
    struct clickhouse_result result;
    struct err err = {0};
    assert_int_equal(clickhouse_query(client, &other, &query, &result, &err), ST_UNAVAILABLE);
    assert_non_null(strstr(err.text, "no TLS connection with 127.0.0.1:"));
    assert_int_equal(result.answer.reason, PIPE_REASON_DESTINATION_UNREACHABLE);
    assert_true(result.answer.is_definite);
    other.ca_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert_int_equal(clickhouse_query(client, &other, &query, &result, &err), ST_UNAVAILABLE);
    assert_non_null(strstr(err.text, "no TLS connection with 127.0.0.1:"));
}

static void a_wrong_password_is_an_authentication_stop(void **state)
{
    (void)state;
    if (endpoint.username == NULL) {
        skip();
    }
    struct secret wrong = {0};
    assert_int_equal(secret_set(&wrong, "wrong", 5), ST_OK);
    struct clickhouse_endpoint other = endpoint;
    other.password = &wrong;
    const struct clickhouse_query query = {.sql = "SELECT 1"};
    struct clickhouse_result result;
    struct err err = {0};
    assert_int_equal(clickhouse_query(client, &other, &query, &result, &err), ST_STOP);
    assert_int_equal(result.answer.verdict, CLICKHOUSE_STOP);
    assert_int_equal(result.answer.reason, PIPE_REASON_DESTINATION_AUTHENTICATION);
    assert_int_equal(result.answer.code, 516);
    assert_null(result.text);
    assert_null(strstr(err.text, "wrong"));
    secret_done(&wrong);
}

static char column_names[][24] = {"id", "amount", "we`ird 'n\\ame\t", "at"};
static char column_types[][24] = {"UInt64", "Decimal(18,3)", "Nullable(String)", "DateTime64(3)"};
static struct pipe_column columns[] = {
    {column_names[0], column_types[0]},
    {column_names[1], column_types[1]},
    {column_names[2], column_types[2]},
    {column_names[3], column_types[3]}};

static void drop_table(const char *name)
{
    CLEANUP(buf_done) struct buf sql;
    buf_init(&sql, CLICKHOUSE_SQL_MAX_BYTES);
    assert_int_equal(buf_add_text(&sql, "DROP TABLE IF EXISTS "), ST_OK);
    assert_int_equal(clickhouse_quote_table(&sql, database, name), ST_OK);
    run_quietly(buf_text(&sql));
}

static void drop(void)
{
    drop_table(table);
}

static void create(const struct pipe_destination *destination)
{
    struct buf sql;
    buf_init(&sql, CLICKHOUSE_SQL_MAX_BYTES);
    assert_int_equal(clickhouse_ddl_target(destination, &sql), ST_OK);
    run_quietly(buf_text(&sql));
    run_quietly(buf_text(&sql)); /* an existing one is fine */
    buf_done(&sql);
}

static void tables_of_every_engine_are_made_and_described(void **state)
{
    (void)state;
    char expression[] = "cityHash64(id, 1)";
    char month[] = "toYYYYMM(at)";
    char ttl[] = "toDateTime(at) + INTERVAL 1 DAY";
    char *keys[] = {column_names[0], expression};
    char *sums[] = {column_names[1]};
    const struct pipe_destination destinations[] = {
        {.engine = ENGINE_MERGE_TREE},
        {.engine = ENGINE_MERGE_TREE,
         .sorting_key = {keys, 2},
         .primary_key = column_names[0],
         .partition_by = month,
         .ttl = ttl},
        {.engine = ENGINE_REPLACING_MERGE_TREE,
         .sorting_key = {keys, 1},
         .version_column = column_names[0]},
        {.engine = ENGINE_SUMMING_MERGE_TREE, .sorting_key = {keys, 1}, .sum_columns = {sums, 1}},
        {.engine = ENGINE_NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(destinations); i++) {
        struct pipe_destination destination = destinations[i];
        destination.database = database;
        destination.table = table;
        destination.columns = columns;
        destination.columns_count = ARRAY_LEN(columns);
        create(&destination);
        CLEANUP(clickhouse_table_freep) struct clickhouse_table *there = NULL;
        struct err err = {0};
        enum status st = clickhouse_describe(client, &endpoint, &target, &there, &err);
        assert_string_equal(err.text, "");
        assert_int_equal(st, ST_OK);
        assert_string_equal(there->engine, table_engine_text(destination.engine));
        assert_int_equal(there->columns_count, ARRAY_LEN(columns));
        assert_string_equal(there->columns[2].name, column_names[2]);
        assert_string_equal(there->columns[1].type, "Decimal(18, 3)");
        assert_true(there->rows_count <= 0);
        struct pipe_problems problems = {0};
        assert_int_equal(clickhouse_table_check(there, &destination, &problems), ST_OK);
        drop();
    }
    CLEANUP(clickhouse_table_freep) struct clickhouse_table *there = NULL;
    struct err err = {0};
    assert_int_equal(clickhouse_describe(client, &endpoint, &target, &there, &err), ST_NOT_FOUND);
    assert_non_null(strstr(err.text, "the table does not exist"));
}

static void create_target(void)
{
    const struct pipe_destination destination = {
        .database = database,
        .table = table,
        .engine = ENGINE_MERGE_TREE,
        .columns = columns,
        .columns_count = ARRAY_LEN(columns)};
    create(&destination);
}

/* Send an insert the way the replica does, and judge its answer. */
static struct clickhouse_answer insert(const struct clickhouse_insert *insert)
{
    struct clickhouse_request request;
    struct err err = {0};
    assert_int_equal(clickhouse_insert_request(&endpoint, insert, &request, &err), ST_OK);
    struct http_call *call = NULL;
    assert_int_equal(http_start(client, &request.http, NULL, &call, &err), ST_OK);
    clickhouse_request_done(&request);
    struct http_done done;
    while (!http_take_done(client, &done)) {
        assert_int_equal(http_poll(client, NULL, 0, 1000, &err), ST_OK);
    }
    struct clickhouse_answer answer;
    clickhouse_answer_classify(&done.response, &answer);
    http_response_done(&done.response);
    return answer;
}

static struct clickhouse_insert insert_of(const struct http_piece *body, size_t body_count)
{
    static const char *const names[] = {column_names[0], column_names[2]};
    return (struct clickhouse_insert){
        .database = database,
        .table = table,
        .columns = names,
        .columns_count = ARRAY_LEN(names),
        .format = "TSV",
        .compression = PIPE_COMPRESSION_NONE,
        .body = body,
        .body_count = body_count,
        .timeout_ms = 30000};
}

static int64_t rows_in_table(void)
{
    struct buf sql;
    buf_init(&sql, CLICKHOUSE_SQL_MAX_BYTES);
    assert_int_equal(buf_add_text(&sql, "SELECT count() FROM "), ST_OK);
    assert_int_equal(clickhouse_quote_table(&sql, database, table), ST_OK);
    char *text = run(buf_text(&sql));
    int64_t count = (int64_t)strtoll(text, NULL, 10);
    free(text);
    buf_done(&sql);
    return count;
}

static void inserts_arrive_in_every_compression(void **state)
{
    (void)state;
    create_target();
    enum {
        ROWS = 20000
    };
    struct buf plain;
    buf_init(&plain, 16 * 1024 * 1024);
    for (int i = 0; i < ROWS; i++) {
        assert_int_equal(buf_add_format(&plain, "%d\tvalue number %d\n", i, i), ST_OK);
    }
    size_t room = LZ4F_compressFrameBound(plain.len_bytes, NULL);
    char *packed = malloc(room);
    assert_non_null(packed);
    struct http_piece pieces[2] = {{plain.bytes, 11}, {plain.bytes + 11, plain.len_bytes - 11}};
    struct clickhouse_insert insert_rows = insert_of(pieces, 2);
    insert_rows.token = "plain"; /* without one the table would take the others for the same */
    assert_int_equal(insert(&insert_rows).verdict, CLICKHOUSE_OK);
    assert_int_equal(rows_in_table(), ROWS);
    pieces[0] = (struct http_piece){
        packed, LZ4F_compressFrame(packed, room, plain.bytes, plain.len_bytes, NULL)};
    assert_false(LZ4F_isError(pieces[0].len_bytes));
    insert_rows.body_count = 1;
    insert_rows.compression = PIPE_COMPRESSION_LZ4;
    insert_rows.token = "lz4";
    assert_int_equal(insert(&insert_rows).verdict, CLICKHOUSE_OK);
    assert_int_equal(rows_in_table(), 2 * ROWS);
    pieces[0].len_bytes = ZSTD_compress(packed, room, plain.bytes, plain.len_bytes, 1);
    assert_false(ZSTD_isError(pieces[0].len_bytes));
    insert_rows.compression = PIPE_COMPRESSION_ZSTD;
    insert_rows.query_id = "penstock-test-1";
    insert_rows.token = "token 1";
    assert_int_equal(insert(&insert_rows).verdict, CLICKHOUSE_OK);
    assert_int_equal(rows_in_table(), 3 * ROWS);
    free(packed);
    buf_done(&plain);
    drop();
}

static void genuine_errors_get_their_verdict(void **state)
{
    (void)state;
    static const struct http_piece bad[] = {{"1\ta\nnot a number\tb\n", 19}};
    static const struct http_piece good[] = {{"1\ta\n", 4}};
    static const char *const missing[] = {"no such column"};
    struct clickhouse_insert insert_rows = insert_of(good, 1);
    struct clickhouse_answer answer = insert(&insert_rows);
    assert_int_equal(answer.verdict, CLICKHOUSE_STOP);
    assert_int_equal(answer.reason, PIPE_REASON_TABLE_NOT_FOUND);
    assert_int_equal(answer.code, 60);
    assert_string_equal(answer.name, "UNKNOWN_TABLE");
    create_target();
    insert_rows.body = bad;
    answer = insert(&insert_rows);
    assert_int_equal(answer.verdict, CLICKHOUSE_REJECTED);
    assert_int_equal(answer.code, 27);
    assert_true(answer.is_definite);
    assert_int_equal(rows_in_table(), 0);
    insert_rows.columns = missing;
    insert_rows.columns_count = 1;
    answer = insert(&insert_rows);
    assert_int_equal(answer.verdict, CLICKHOUSE_STOP);
    assert_int_equal(answer.reason, PIPE_REASON_TABLE_MISMATCH);
    assert_int_equal(answer.code, 16);
    drop();
}

static void a_failing_view_is_named(void **state)
{
    (void)state;
    create_target();
    struct buf sql;
    buf_init(&sql, CLICKHOUSE_SQL_MAX_BYTES);
    assert_int_equal(buf_add_text(&sql, "CREATE MATERIALIZED VIEW "), ST_OK);
    assert_int_equal(clickhouse_quote_table(&sql, database, "a view"), ST_OK);
    assert_int_equal(
        buf_add_text(
            &sql, " ENGINE = MergeTree ORDER BY tuple() AS SELECT throwIf(id = 7) AS x FROM "),
        ST_OK);
    assert_int_equal(clickhouse_quote_table(&sql, database, table), ST_OK);
    run_quietly(buf_text(&sql));
    buf_done(&sql);
    static const struct http_piece rows[] = {{"7\ta\n", 4}};
    struct clickhouse_insert insert_rows = insert_of(rows, 1);
    struct clickhouse_answer answer = insert(&insert_rows);
    assert_int_equal(answer.verdict, CLICKHOUSE_STOP);
    assert_int_equal(answer.reason, PIPE_REASON_VIEW_FAILED);
    assert_int_equal(answer.code, 395);
    assert_non_null(strstr(answer.view, "a view"));
    assert_false(answer.is_definite);
    drop_table("a view");
    drop();
}

/* ---- the error table ---- */

static void add_errors(const char *select)
{
    struct buf sql;
    buf_init(&sql, CLICKHOUSE_SQL_MAX_BYTES);
    CLEANUP(freep) char *name = error_table_name(table);
    assert_int_equal(buf_add_text(&sql, "INSERT INTO "), ST_OK);
    assert_int_equal(clickhouse_quote_table(&sql, database, name), ST_OK);
    assert_int_equal(buf_add_format(&sql, " %s", select), ST_OK);
    run_quietly(buf_text(&sql));
    buf_done(&sql);
}

static struct error_filter filter_of(int limit)
{
    struct error_filter filter;
    error_filter_init(&filter);
    filter.database = database;
    filter.table = table;
    filter.pipe_id = "p";
    filter.limit = limit;
    return filter;
}

static void read_page(const struct error_filter *filter, struct error_page *page)
{
    struct err err = {0};
    enum status st = error_page_read(client, &endpoint, filter, page, &err);
    if (st != ST_OK) {
        fail_msg("%s", err.text);
    }
}

static size_t count_matching(const struct error_filter *filter)
{
    struct error_page page;
    read_page(filter, &page);
    size_t count = page.count;
    assert_null(page.next);
    error_page_done(&page);
    return count;
}

static void create_error_table(void)
{
    struct buf sql;
    buf_init(&sql, CLICKHOUSE_SQL_MAX_BYTES);
    CLEANUP(freep) char *name = error_table_name(table);
    drop_table(name);
    assert_int_equal(clickhouse_ddl_error_table(database, table, &sql), ST_OK);
    run_quietly(buf_text(&sql));
    buf_done(&sql);
}

static void the_error_table_has_the_columns_of_the_list(void **state)
{
    (void)state;
    struct error_filter filter = filter_of(10);
    assert_int_equal(count_matching(&filter), 0); /* no such table yet */
    create_error_table();
    static const struct {
        const char *name;
        const char *type;
    } expected[] = {
#define X(name, type) {#name, type},
        ERROR_TABLE_COLUMNS(X)
#undef X
    };
    CLEANUP(freep) char *name = error_table_name(table);
    const struct clickhouse_table_name errors = {database, name};
    CLEANUP(clickhouse_table_freep) struct clickhouse_table *there = NULL;
    assert_int_equal(clickhouse_describe(client, &endpoint, &errors, &there, NULL), ST_OK);
    assert_int_equal(there->columns_count, ARRAY_LEN(expected));
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        assert_string_equal(there->columns[i].name, expected[i].name);
        assert_string_equal(there->columns[i].type, expected[i].type);
    }
    assert_non_null(strstr(there->engine_full, "TTL error_timestamp + toIntervalDay(7)"));
    assert_int_equal(count_matching(&filter), 0);
}

static void pages_give_every_row_once_newest_first(void **state)
{
    (void)state;
    create_error_table();
    /* 40 rows: 10 offsets over two seconds, each four times: twice equal, twice another column */
    add_errors("SELECT now() - intDiv(number, 20), 'T', 'm', 'k', 'v', toDateTime64(5, 3), 1,"
               " intDiv(number, 4), 't', map('h', '1'), -1, 'p', if(number % 4 < 2, 'a', 'b')"
               " FROM numbers(40)");
    add_errors("SELECT now(), 'T', 'm', '', '', 0, 1, 99, 't', map(), -1, 'other', ''");
    static const int limits[] = {1, 3, 7, 39, 40, 41};
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        struct error_filter filter = filter_of(limits[i]);
        CLEANUP(freep) char *cursor = NULL;
        int seen[10][2] = {{0}};
        size_t total = 0;
        int64_t last_ms = INT64_MAX;
        int64_t last_offset = INT64_MAX;
        do {
            struct error_page page;
            filter.cursor = cursor;
            read_page(&filter, &page);
            assert_true(page.count > 0 && page.count <= (size_t)limits[i]);
            for (size_t j = 0; j < page.count; j++) {
                const struct error_record *record = &page.records[j];
                assert_true(
                    record->timestamp_ms < last_ms ||
                    (record->timestamp_ms == last_ms && record->offset <= last_offset));
                last_ms = record->timestamp_ms;
                last_offset = record->offset;
                seen[record->offset][record->column[0] - 'a']++;
                assert_int_equal(record->record_timestamp_ms, 5000);
            }
            total += page.count;
            free(cursor);
            cursor = page.next;
            page.next = NULL;
            error_page_done(&page);
        } while (cursor != NULL);
        assert_int_equal(total, 40);
        for (size_t j = 0; j < 10; j++) {
            assert_int_equal(seen[j][0], 2);
            assert_int_equal(seen[j][1], 2);
        }
    }
}

static void filters_choose(void **state)
{
    (void)state;
    create_error_table();
    add_errors("SELECT toDateTime(2000000000) + number, if(number < 3, 'A\\'', 'B'), 'm', '', '',"
               " 0, number % 2, number, if(number = 5, 'u', 't'), map(), -1, 'p', ''"
               " FROM numbers(10)");
    static const struct {
        struct error_filter filter;
        size_t expected;
    } cases[] = {
        {{.type = "A'"}, 3},
        {{.type = "C"}, 0},
        {{.topic = "u"}, 1},
        {{.partition = 1}, 5},
        {{.offset_from = 4}, 6},
        {{.offset_to = 4}, 5},
        {{.offset_from = 3, .offset_to = 4, .partition = 0}, 1},
        {{.from_ms = 2000000004000}, 6},
        {{.from_ms = 2000000003001}, 6},
        {{.to_ms = 2000000004000}, 4},
        {{.to_ms = 2000000003001}, 4},
        {{.from_ms = 2000000009001}, 0},
        {{.from_ms = INT64_MAX - 1}, 0},
        {{.to_ms = INT64_MIN}, 0},
        {{.from_ms = -5}, 10},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct error_filter *wanted = &cases[i].filter;
        struct error_filter filter = filter_of(100);
        filter.type = wanted->type;
        filter.topic = wanted->topic;
        filter.partition = i == 3 || i == 6 ? wanted->partition : -1;
        filter.offset_from = wanted->offset_from > 0 ? wanted->offset_from : -1;
        filter.offset_to = wanted->offset_to > 0 ? wanted->offset_to : -1;
        filter.from_ms = wanted->from_ms != 0 ? wanted->from_ms : INT64_MIN;
        filter.to_ms = wanted->to_ms != 0 ? wanted->to_ms : INT64_MAX;
        assert_int_equal(count_matching(&filter), cases[i].expected);
    }
}

static void bytes_come_back_exactly(void **state)
{
    (void)state;
    create_error_table();
    add_errors("SELECT now(), 'T', unhex('61ff62'), unhex('00ff'),"
               " arrayStringConcat(arrayMap(x -> char(x), range(256))), toDateTime64(1.5, 3), 0, 0,"
               " 't', map('h', unhex('fe00'), '', ''), 7, 'p', 'c'");
    struct error_filter filter = filter_of(1);
    struct error_page page;
    read_page(&filter, &page);
    assert_int_equal(page.count, 1);
    const struct error_record *record = &page.records[0];
    assert_string_equal(record->message, "a?b");
    assert_int_equal(record->key.len_bytes, 2);
    assert_memory_equal(record->key.bytes, "\0\xff", 2);
    assert_int_equal(record->value.len_bytes, 256);
    for (size_t i = 0; i < 256; i++) {
        assert_int_equal(record->value.bytes[i], i);
    }
    assert_int_equal(record->headers_count, 2);
    assert_string_equal((const char *)record->headers[0].name.bytes, "h");
    assert_memory_equal(record->headers[0].value.bytes, "\xfe\0", 2);
    assert_int_equal(record->record_timestamp_ms, 1500);
    assert_int_equal(record->schema_id, 7);
    assert_string_equal(record->column, "c");
    error_page_done(&page);
}

static void large_records_end_a_page_early(void **state)
{
    (void)state;
    create_error_table();
    add_errors(
        "SELECT now(), 'T', 'm', '', repeat(repeat('x', 5000), 1000), 0, 0, number, 't', map(), -1,"
        " 'p', '' FROM numbers(3)");
    add_errors("SELECT now() - 60, 'T', 'm', '', repeat(repeat('x', 17000), 1000), 0, 0, 9, 't', "
               "map(), -1,"
               " 'p', ''");
    static const size_t expected[] = {2, 2};
    struct error_filter filter = filter_of(100);
    CLEANUP(freep) char *cursor = NULL;
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        struct error_page page;
        filter.cursor = cursor;
        read_page(&filter, &page);
        assert_int_equal(page.count, expected[i]);
        assert_int_equal(page.next != NULL, i + 1 < ARRAY_LEN(expected));
        free(cursor);
        cursor = page.next;
        page.next = NULL;
        if (i == 1) {
            assert_int_equal(page.records[1].value.len_bytes, 17000000);
        }
        error_page_done(&page);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_server_says_its_version),
        cmocka_unit_test(a_server_with_an_unknown_certificate_is_refused),
        cmocka_unit_test(a_wrong_password_is_an_authentication_stop),
        cmocka_unit_test(tables_of_every_engine_are_made_and_described),
        cmocka_unit_test(inserts_arrive_in_every_compression),
        cmocka_unit_test(genuine_errors_get_their_verdict),
        cmocka_unit_test(a_failing_view_is_named),
        cmocka_unit_test(the_error_table_has_the_columns_of_the_list),
        cmocka_unit_test(pages_give_every_row_once_newest_first),
        cmocka_unit_test(filters_choose),
        cmocka_unit_test(bytes_come_back_exactly),
        cmocka_unit_test(large_records_end_a_page_early),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
