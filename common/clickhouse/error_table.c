/*
 * Pages of the error table. Order: newest first, then partition, offset, topic and a hash of the
 * rest, so that every row has a place. A page ends at its limit or when keys and values reach the
 * budget, whichever comes first; the server cuts it, so a page of large records is never sent
 * whole. All texts travel as base64: a record may hold any bytes.
 */
#include "common/clickhouse/error_table.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/base64.h"
#include "common/base/parse.h"
#include "common/base/utf8.h"
#include "common/clickhouse/ddl.h"
#include "common/clickhouse/error_cursor.h"
#include "common/clickhouse/rows.h"

enum {
    /* the budget, and one record as large as Kafka allows us, in base64 */
    ERROR_ANSWER_MAX_BYTES = 192 * 1024 * 1024,
};

#define ERROR_TIE "cityHash64(error_type, error_msg, column_name, schema_id, record_key)"

char *error_table_name(const char *table)
{
    char *name = NULL;
    return asprintf(&name, "%s" ERROR_TABLE_SUFFIX, table) < 0 ? NULL : name;
}

void error_filter_init(struct error_filter *ret_filter)
{
    *ret_filter = (struct error_filter){
        .from_ms = INT64_MIN,
        .to_ms = INT64_MAX,
        .partition = -1,
        .offset_from = -1,
        .offset_to = -1,
        .limit = ERROR_PAGE_LIMIT_DEFAULT,
    };
}

static void error_record_done(struct error_record *record)
{
    free(record->type);
    free(record->message);
    free(record->column);
    free(record->topic);
    free(record->key.bytes);
    free(record->value.bytes);
    for (size_t i = 0; i < record->headers_count; i++) {
        free(record->headers[i].name.bytes);
        free(record->headers[i].value.bytes);
    }
    free(record->headers);
}

void error_page_done(struct error_page *page)
{
    for (size_t i = 0; i < page->count; i++) {
        error_record_done(&page->records[i]);
    }
    free(page->records);
    free(page->next);
    *page = (struct error_page){0};
}

/* ---- the question ---- */

/* The first whole second at or after a time, within what DateTime holds. */
static int64_t second_from(int64_t time_ms)
{
    if (time_ms <= 0) {
        return 0;
    }
    int64_t second = time_ms / 1000 + (time_ms % 1000 != 0 ? 1 : 0);
    return second < UINT32_MAX ? second : UINT32_MAX;
}

static enum status add_equals(struct buf *sql, const char *column, const char *text)
{
    if (text == NULL) {
        return ST_OK;
    }
    enum status st = buf_add_format(sql, " AND %s = ", column);
    return st == ST_OK ? clickhouse_quote_string(sql, text) : st;
}

static enum status
add_number(struct buf *sql, const char *column, const char *comparison, int64_t number)
{
    return number < 0 ? ST_OK
                      : buf_add_format(sql, " AND %s %s %" PRId64, column, comparison, number);
}

static enum status add_cursor(struct buf *sql, const struct error_cursor *cursor)
{
    enum status st = buf_add_format(
        sql,
        " AND error_timestamp <= toDateTime(%" PRId64 ")"
        " AND (toUnixTimestamp(error_timestamp), record_partition, record_offset,"
        " toString(record_topic), " ERROR_TIE ") <= (%" PRId64 ", %" PRId64 ", %" PRId64 ", ",
        cursor->timestamp_s, cursor->timestamp_s, cursor->partition, cursor->offset);
    if (st == ST_OK) {
        st = clickhouse_quote_string(sql, cursor->topic);
    }
    return st == ST_OK ? buf_add_format(sql, ", %" PRIu64 ")", cursor->tie) : st;
}

static enum status
add_where(struct buf *sql, const struct error_filter *filter, const struct error_cursor *cursor)
{
    enum status st = buf_add_text(sql, " WHERE pipe_id = ");
    if (st == ST_OK) {
        st = clickhouse_quote_string(sql, filter->pipe_id);
    }
    if (st == ST_OK) {
        st = add_equals(sql, "error_type", filter->type);
    }
    if (st == ST_OK) {
        st = add_equals(sql, "record_topic", filter->topic);
    }
    if (st == ST_OK && filter->from_ms != INT64_MIN) {
        st = buf_add_format(
            sql, " AND error_timestamp >= toDateTime(%" PRId64 ")", second_from(filter->from_ms));
    }
    if (st == ST_OK && filter->to_ms != INT64_MAX) {
        st = buf_add_format(
            sql, " AND error_timestamp < toDateTime(%" PRId64 ")", second_from(filter->to_ms));
    }
    if (st == ST_OK) {
        st = add_number(sql, "record_partition", "=", filter->partition);
    }
    if (st == ST_OK) {
        st = add_number(sql, "record_offset", ">=", filter->offset_from);
    }
    if (st == ST_OK) {
        st = add_number(sql, "record_offset", "<=", filter->offset_to);
    }
    return st == ST_OK && cursor->topic != NULL ? add_cursor(sql, cursor) : st;
}

static enum status error_page_write(
    const struct error_filter *filter, const struct error_cursor *cursor, const char *table,
    struct buf *sql)
{
    enum status st = buf_add_text(
        sql, "SELECT ts, record_ms, part, off, schema, toString(tie) AS tie_text, total,"
             " base64Encode(etype) AS type64, base64Encode(emsg) AS message64,"
             " base64Encode(ecolumn) AS column64, base64Encode(topic) AS topic64,"
             " base64Encode(rkey) AS key64, base64Encode(rvalue) AS value64,"
             " arrayMap(x -> base64Encode(x), names) AS names64,"
             " arrayMap(x -> base64Encode(x), vals) AS values64"
             " FROM (SELECT *, row_number() OVER w AS n, sum(size) OVER w - size AS before,"
             " count() OVER () AS total FROM (SELECT toUnixTimestamp(error_timestamp) AS ts,"
             " toUnixTimestamp64Milli(record_timestamp) AS record_ms, record_partition AS part,"
             " record_offset AS off, schema_id AS schema, toString(error_type) AS etype,"
             " error_msg AS emsg, column_name AS ecolumn, toString(record_topic) AS topic,"
             " record_key AS rkey, record_value AS rvalue, mapKeys(record_headers) AS names,"
             " mapValues(record_headers) AS vals, " ERROR_TIE " AS tie,"
             " length(rkey) + length(rvalue) + length(emsg)"
             " + arraySum(x -> length(x), names) + arraySum(x -> length(x), vals) AS size FROM ");
    if (st == ST_OK) {
        st = clickhouse_quote_table(sql, filter->database, table);
    }
    if (st == ST_OK) {
        st = add_where(sql, filter, cursor);
    }
    if (st == ST_OK) {
        st = buf_add_format(
            sql,
            " ORDER BY error_timestamp DESC, record_partition DESC, record_offset DESC,"
            " topic DESC, tie DESC LIMIT %d OFFSET %" PRId64 ")"
            " WINDOW w AS (ORDER BY ts DESC, part DESC, off DESC, topic DESC, tie DESC"
            " ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW))"
            " WHERE n <= %d AND (before < %d OR n = 1) ORDER BY n FORMAT JSONEachRow",
            filter->limit + 1, cursor->given, filter->limit, ERROR_PAGE_BUDGET_BYTES);
    }
    return st;
}

static enum status
filter_cursor(const struct error_filter *filter, struct error_cursor *ret_cursor, struct err *err)
{
    if (filter->cursor == NULL || filter->cursor[0] == '\0') {
        return ST_OK;
    }
    return error_cursor_parse(filter->cursor, ret_cursor, err);
}

enum status error_page_sql(const struct error_filter *filter, struct buf *sql, struct err *err)
{
    if (filter->limit < 1 || filter->limit > ERROR_PAGE_LIMIT_MAX) {
        return err_set(
            err, ST_INVALID, "limit is %d, must be between 1 and %d", filter->limit,
            ERROR_PAGE_LIMIT_MAX);
    }
    struct error_cursor cursor = {0};
    enum status st = filter_cursor(filter, &cursor, err);
    if (st != ST_OK) {
        return st;
    }
    CLEANUP(freep) char *table = error_table_name(filter->table);
    st = table != NULL ? error_page_write(filter, &cursor, table, sql) : ST_NO_MEMORY;
    error_cursor_done(&cursor);
    return st == ST_OK ? ST_OK : err_set(err, st, "no room for the question about errors");
}

/* ---- the answer ---- */

static enum status
read_bytes(const json_t *value, const char *name, struct error_bytes *ret_bytes, struct err *err)
{
    const char *text = json_string_value(value);
    enum status st = text == NULL ? ST_INVALID
                                  : base64_decode(
                                        text, json_string_length(value), &ret_bytes->bytes,
                                        &ret_bytes->len_bytes);
    return st == ST_OK ? ST_OK : err_set(err, st, "ClickHouse's answer has no base64 '%s'", name);
}

/* A text for people: valid UTF-8, up to a zero byte. */
static enum status read_text(const json_t *row, const char *name, char **ret_text, struct err *err)
{
    struct error_bytes bytes = {0};
    enum status st = read_bytes(json_object_get(row, name), name, &bytes, err);
    if (st == ST_OK) {
        *ret_text = (char *)bytes.bytes;
        utf8_repair(*ret_text);
    }
    return st;
}

static enum status read_headers(const json_t *row, struct error_record *record, struct err *err)
{
    const json_t *names = json_object_get(row, "names64");
    const json_t *values = json_object_get(row, "values64");
    size_t count = json_array_size(names);
    if (!json_is_array(names) || json_array_size(values) != count) {
        return err_set(err, ST_INVALID, "ClickHouse's answer has no headers");
    }
    record->headers = calloc(count + 1, sizeof(*record->headers));
    if (record->headers == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for %zu headers", count);
    }
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < count; i++) {
        struct error_header *header = &record->headers[record->headers_count++];
        st = read_bytes(json_array_get(names, i), "names64", &header->name, err);
        if (st == ST_OK) {
            st = read_bytes(json_array_get(values, i), "values64", &header->value, err);
        }
    }
    return st;
}

/* ret_record is fit for error_record_done whatever happens. */
static enum status read_numbers(const json_t *row, struct error_record *record, struct err *err)
{
    int64_t timestamp_s = 0;
    int64_t partition = 0;
    int64_t schema_id = 0;
    enum status st = rows_i64(row, "ts", &timestamp_s, err);
    if (st == ST_OK) {
        st = rows_i64(row, "record_ms", &record->record_timestamp_ms, err);
    }
    if (st == ST_OK) {
        st = rows_i64(row, "part", &partition, err);
    }
    if (st == ST_OK) {
        st = rows_i64(row, "off", &record->offset, err);
    }
    if (st == ST_OK) {
        st = rows_i64(row, "schema", &schema_id, err);
    }
    record->timestamp_ms = timestamp_s * 1000;
    record->partition = (int32_t)partition;
    record->schema_id = (int32_t)schema_id;
    return st;
}

static enum status read_record(const json_t *row, struct error_record *record, struct err *err)
{
    enum status st = read_numbers(row, record, err);
    if (st == ST_OK) {
        st = read_text(row, "type64", &record->type, err);
    }
    if (st == ST_OK) {
        st = read_text(row, "message64", &record->message, err);
    }
    if (st == ST_OK) {
        st = read_text(row, "column64", &record->column, err);
    }
    if (st == ST_OK) {
        st = read_text(row, "topic64", &record->topic, err);
    }
    if (st == ST_OK) {
        st = read_bytes(json_object_get(row, "key64"), "key64", &record->key, err);
    }
    if (st == ST_OK) {
        st = read_bytes(json_object_get(row, "value64"), "value64", &record->value, err);
    }
    return st == ST_OK ? read_headers(row, record, err) : st;
}

/* Move the cursor to this row: the same key counts one more, another begins at one. */
static enum status follow_row(
    const json_t *row, const struct error_record *record, struct error_cursor *cursor,
    struct err *err)
{
    const char *tie_text = json_string_value(json_object_get(row, "tie_text"));
    uint64_t tie = 0;
    if (tie_text == NULL || parse_u64(tie_text, UINT64_MAX, &tie) != ST_OK) {
        return err_set(err, ST_INVALID, "ClickHouse's answer has no number 'tie_text'");
    }
    int64_t timestamp_s = record->timestamp_ms / 1000;
    bool is_same = cursor->topic != NULL && cursor->timestamp_s == timestamp_s &&
                   cursor->partition == record->partition && cursor->offset == record->offset &&
                   cursor->tie == tie && strcmp(cursor->topic, record->topic) == 0;
    if (is_same) {
        cursor->given++;
        return ST_OK;
    }
    char *topic = strdup(record->topic);
    if (topic == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for a cursor");
    }
    free(cursor->topic);
    *cursor = (struct error_cursor){
        .timestamp_s = timestamp_s,
        .partition = record->partition,
        .offset = record->offset,
        .tie = tie,
        .given = 1,
        .topic = topic};
    return ST_OK;
}

static enum status read_rows(
    const struct error_filter *filter, const char *text, struct error_cursor *cursor,
    struct error_page *page, struct err *err)
{
    int64_t total = 0;
    const char *at = text;
    json_t *row = NULL;
    enum status st = rows_next(&at, &row, err);
    while (st == ST_OK) {
        if (page->count == (size_t)filter->limit) {
            json_decref(row);
            return err_set(err, ST_INVALID, "ClickHouse's answer has too many rows");
        }
        struct error_record *record = &page->records[page->count++];
        st = read_record(row, record, err);
        if (st == ST_OK) {
            st = rows_i64(row, "total", &total, err);
        }
        if (st == ST_OK) {
            st = follow_row(row, record, cursor, err);
        }
        json_decref(row);
        if (st == ST_OK) {
            st = rows_next(&at, &row, err);
        }
    }
    if (st != ST_NOT_FOUND) {
        return st;
    }
    bool has_more = total > (int64_t)page->count;
    return has_more ? error_cursor_text(cursor, &page->next, err) : ST_OK;
}

enum status error_page_parse(
    const struct error_filter *filter, const char *text, struct error_page *ret_page,
    struct err *err)
{
    assert(filter->limit >= 1 && filter->limit <= ERROR_PAGE_LIMIT_MAX);
    struct error_cursor cursor = {0};
    enum status st = filter_cursor(filter, &cursor, err);
    if (st != ST_OK) {
        return st;
    }
    struct error_page page = {.records = calloc((size_t)filter->limit, sizeof(*page.records))};
    st = page.records != NULL ? read_rows(filter, text, &cursor, &page, err)
                              : err_set(err, ST_NO_MEMORY, "no memory for a page of errors");
    error_cursor_done(&cursor);
    if (st != ST_OK) {
        error_page_done(&page);
        return st;
    }
    *ret_page = page;
    return ST_OK;
}

enum status error_page_read(
    struct http_client *client, const struct clickhouse_endpoint *endpoint,
    const struct error_filter *filter, struct error_page *ret_page, struct err *err)
{
    struct buf sql;
    buf_init(&sql, CLICKHOUSE_SQL_MAX_BYTES);
    enum status st = error_page_sql(filter, &sql, err);
    if (st != ST_OK) {
        buf_done(&sql);
        return st;
    }
    const struct clickhouse_query query = {
        .sql = buf_text(&sql), .answer_max_bytes = ERROR_ANSWER_MAX_BYTES};
    struct clickhouse_result result;
    st = clickhouse_query(client, endpoint, &query, &result, err);
    buf_done(&sql);
    if (result.answer.code == CLICKHOUSE_CODE_UNKNOWN_TABLE) {
        *ret_page = (struct error_page){0}; /* nothing was rejected yet */
        return ST_OK;
    }
    if (st == ST_OK) {
        st = error_page_parse(filter, result.text, ret_page, err);
        free(result.text);
    }
    return st;
}
