/* Statements of a replay, written with one sticky status. */
#include "common/clickhouse/replay_sql.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clickhouse/ddl.h"
#include "common/clickhouse/error_table.h"

/* A record's hash. The server alone computes it. */
#define RECORD_HASH "sipHash64(record_timestamp, record_key, record_value)"
#define RECORD_KEY "toString(record_topic), record_partition, record_offset"

/* A writer that remembers its first failure. */
struct writer {
    struct buf *sql;
    enum status st;
};

static void put(struct writer *w, const char *text)
{
    if (w->st == ST_OK) {
        w->st = buf_add_text(w->sql, text);
    }
}

static void put_text(struct writer *w, const char *text)
{
    if (w->st == ST_OK) {
        w->st = clickhouse_quote_string(w->sql, text);
    }
}

static void put_number(struct writer *w, const char *before, int64_t number)
{
    if (w->st == ST_OK) {
        w->st = buf_add_format(w->sql, "%s%" PRId64, before, number);
    }
}

static void put_hash(struct writer *w, const char *before, uint64_t number)
{
    if (w->st == ST_OK) {
        w->st = buf_add_format(w->sql, "%s%" PRIu64, before, number);
    }
}

static void put_column(struct writer *w, const char *name)
{
    if (w->st == ST_OK) {
        w->st = clickhouse_quote_identifier(w->sql, name);
    }
}

static void put_table(struct writer *w, const struct replay_filter *filter, const char *suffix)
{
    CLEANUP(freep) char *name = NULL;
    if (asprintf(&name, "%s%s", filter->table, suffix) < 0) {
        name = NULL;
        w->st = w->st == ST_OK ? ST_NO_MEMORY : w->st;
    }
    if (w->st == ST_OK) {
        w->st = clickhouse_quote_table(w->sql, filter->database, name);
    }
}

/* topic, partition, offset and, where wanted, hash. */
static void put_key(struct writer *w, const struct replay_key *key, bool has_hash)
{
    put(w, "(");
    put_text(w, key->topic);
    put_number(w, ",", key->partition);
    put_number(w, ",", key->offset);
    if (has_hash) {
        put_hash(w, ",", key->hash);
    }
    put(w, ")");
}

static void put_keys(struct writer *w, const struct replay_key *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        put(w, i == 0 ? " IN (" : ",");
        put_key(w, &keys[i], false);
    }
    put(w, ")");
}

void replay_filter_init(struct replay_filter *ret_filter)
{
    *ret_filter = (struct replay_filter){.from_ms = INT64_MIN, .to_ms = INT64_MAX};
}

enum status replay_ddl(const char *database, const char *table, struct buf *sql)
{
    const struct replay_filter filter = {.database = database, .table = table};
    struct writer w = {sql, ST_OK};
    put(&w, "CREATE TABLE IF NOT EXISTS ");
    put_table(&w, &filter, REPLAY_TABLE_SUFFIX);
    put(&w, "\n(\n    `mark_time` DateTime DEFAULT now(),\n    `pipe_id` String,\n"
            "    `token` String,\n    `state` LowCardinality(String),\n    `record_topic` String,\n"
            "    `record_partition` Int32,\n    `record_offset` Int64,\n"
            "    `record_hash` UInt64,\n    `blocks` UInt64\n)\nENGINE = MergeTree\n"
            "ORDER BY (pipe_id, state, record_topic, record_partition, record_offset)\n"
            "TTL mark_time + INTERVAL 90 DAY");
    return w.st;
}

/* A time as the next whole second, within what DateTime holds. */
static void put_time(struct writer *w, const char *comparison, int64_t time_ms)
{
    int64_t second = time_ms <= 0 ? 0 : time_ms / 1000 + (time_ms % 1000 != 0 ? 1 : 0);
    put(w, comparison);
    put_number(w, "toDateTime(", second < UINT32_MAX ? second : UINT32_MAX);
    put(w, ")");
}

static void put_pipe(struct writer *w, const struct replay_filter *filter)
{
    put(w, " WHERE pipe_id = ");
    put_text(w, filter->pipe_id);
}

/* Tokens of the pipe in one state. */
static void put_tokens(struct writer *w, const struct replay_filter *filter, const char *state)
{
    put(w, "(SELECT token FROM ");
    put_table(w, filter, REPLAY_TABLE_SUFFIX);
    put_pipe(w, filter);
    put(w, " AND state = ");
    put_text(w, state);
    put(w, ")");
}

/* Not those that a replay would store wrong: cut, empty, or in the target in part. */
static void put_replayable(struct writer *w, const struct replay_filter *filter)
{
    put(w, " AND error_type != 'RECORD_TOO_LARGE' AND error_msg != '" REPLAY_EMPTY_VALUE "'"
           " AND (" RECORD_KEY ", " RECORD_HASH ") NOT IN (SELECT " RECORD_KEY ", " RECORD_HASH
           " FROM ");
    put_table(w, filter, ERROR_TABLE_SUFFIX);
    put_pipe(w, filter);
    put(w, " AND error_type = 'INSERT_REJECTED' AND startsWith(error_msg, 'row ')"
           " AND position(error_msg, '" REPLAY_PARTLY_STORED "') > 0)");
}

/* Rows that match: replayable, of the filter, and not intended by a token that still counts. */
static void
put_where(struct writer *w, const struct replay_filter *filter, const struct replay_key *after)
{
    put_pipe(w, filter);
    put_replayable(w, filter);
    if (filter->type != NULL) {
        put(w, " AND error_type = ");
        put_text(w, filter->type);
    }
    if (filter->from_ms != INT64_MIN) {
        put_time(w, " AND error_timestamp >= ", filter->from_ms);
    }
    if (filter->to_ms != INT64_MAX) {
        put_time(w, " AND error_timestamp < ", filter->to_ms);
    }
    if (filter->offsets != NULL) {
        put(w, filter->offsets_count > 0 ? " AND (" RECORD_KEY ")" : " AND (0");
        put_keys(w, filter->offsets, filter->offsets_count);
    }
    if (after != NULL) {
        put(w, " AND (" RECORD_KEY ", " RECORD_HASH ") > ");
        put_key(w, after, true);
    }
    put(w, " AND (" RECORD_KEY ", " RECORD_HASH ") NOT IN (SELECT record_topic,"
           " record_partition, record_offset, record_hash FROM ");
    put_table(w, filter, REPLAY_TABLE_SUFFIX);
    put_pipe(w, filter);
    put(w, " AND state = '" REPLAY_INTENT "' AND token NOT IN ");
    put_tokens(w, filter, REPLAY_VOID);
    put(w, ")");
}

enum status replay_count_sql(
    const struct replay_filter *filter, const struct replay_key *after, struct buf *sql)
{
    struct writer w = {sql, ST_OK};
    put(&w, "SELECT count() FROM (SELECT 1 FROM ");
    put_table(&w, filter, ERROR_TABLE_SUFFIX);
    put_where(&w, filter, after);
    put(&w, " GROUP BY " RECORD_KEY ", " RECORD_HASH ")");
    return w.st;
}

/* One row per record, with its size. */
static void put_records(struct writer *w, const struct replay_filter *filter)
{
    put(w, "SELECT toString(record_topic) AS topic, record_partition AS part, record_offset AS off,"
           " " RECORD_HASH " AS hash, toUnixTimestamp64Milli(record_timestamp) AS ms,"
           " record_key AS rkey, record_value AS rvalue, mapKeys(record_headers) AS names,"
           " mapValues(record_headers) AS vals, length(rkey) + length(rvalue)"
           " + arraySum(x -> length(x), names) + arraySum(x -> length(x), vals) AS size FROM ");
    put_table(w, filter, ERROR_TABLE_SUFFIX);
}

#define PAGE_COLUMNS "topic, part, off, hash, ms, rkey, rvalue, names, vals"
#define PAGE_ORDER " ORDER BY topic, part, off, hash"

enum status
replay_page_sql(const struct replay_filter *filter, const struct replay_page *page, struct buf *sql)
{
    struct writer w = {sql, ST_OK};
    put(&w, "SELECT " PAGE_COLUMNS " FROM (SELECT *, sum(size) OVER (ORDER BY topic, part, off,"
            " hash ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) - size AS before FROM (");
    put_records(&w, filter);
    put_where(&w, filter, page->after);
    put_number(&w, PAGE_ORDER " LIMIT 1 BY topic, part, off, hash LIMIT ", (int64_t)page->rows_max);
    put_number(&w, ")) WHERE before < ", (int64_t)page->bytes_max);
    put(&w, PAGE_ORDER " FORMAT RowBinary");
    return w.st;
}

enum status replay_token_sql(const struct replay_filter *filter, const char *token, struct buf *sql)
{
    struct writer w = {sql, ST_OK};
    put(&w, "SELECT " PAGE_COLUMNS " FROM (");
    put_records(&w, filter);
    put_pipe(&w, filter);
    put(&w, " AND (" RECORD_KEY ", " RECORD_HASH ") IN (SELECT record_topic, record_partition,"
            " record_offset, record_hash FROM ");
    put_table(&w, filter, REPLAY_TABLE_SUFFIX);
    put_pipe(&w, filter);
    put(&w, " AND state = '" REPLAY_INTENT "' AND token = ");
    put_text(&w, token);
    put(&w, ") LIMIT 1 BY topic, part, off, hash)" PAGE_ORDER " FORMAT RowBinary");
    return w.st;
}

enum status replay_open_sql(const struct replay_filter *filter, struct buf *sql)
{
    struct writer w = {sql, ST_OK};
    put(&w, "SELECT token, toString(uniqExact(record_topic, record_partition, record_offset,"
            " record_hash)) AS records, toString(min(blocks)) AS blocks,"
            " toString(dateDiff('second', min(mark_time), now())) AS age FROM ");
    put_table(&w, filter, REPLAY_TABLE_SUFFIX);
    put_pipe(&w, filter);
    put(&w, " AND state = '" REPLAY_INTENT "' AND token NOT IN ");
    put_tokens(&w, filter, REPLAY_DONE);
    put(&w, " AND token NOT IN ");
    put_tokens(&w, filter, REPLAY_VOID);
    put(&w, " GROUP BY token ORDER BY min(mark_time), token FORMAT JSONEachRow");
    return w.st;
}

static void put_mark(
    struct writer *w, const struct replay_filter *filter, const struct replay_marks *marks,
    const struct replay_key *key)
{
    put(w, "(");
    put_text(w, filter->pipe_id);
    put(w, ",");
    put_text(w, marks->token);
    put(w, ",");
    put_text(w, marks->state);
    put(w, ",");
    put_text(w, key->topic);
    put_number(w, ",", key->partition);
    put_number(w, ",", key->offset);
    put_hash(w, ",", key->hash);
    put_hash(w, ",", marks->blocks);
    put(w, ")");
}

enum status replay_mark_sql(
    const struct replay_filter *filter, const struct replay_marks *marks, struct buf *sql)
{
    static const struct replay_key NOBODY = {.topic = "", .partition = -1, .offset = -1};
    struct writer w = {sql, ST_OK};
    put(&w, "INSERT INTO ");
    put_table(&w, filter, REPLAY_TABLE_SUFFIX);
    put(&w, " (pipe_id, token, state, record_topic, record_partition, record_offset, record_hash,"
            " blocks) VALUES ");
    if (marks->keys == NULL) {
        put_mark(&w, filter, marks, &NOBODY);
    }
    for (size_t i = 0; marks->keys != NULL && i < marks->keys_count; i++) {
        put(&w, i == 0 ? "" : ",");
        put_mark(&w, filter, marks, &marks->keys[i]);
    }
    return w.st;
}

enum status replay_blocks_sql(const struct replay_filter *filter, struct buf *sql)
{
    struct writer w = {sql, ST_OK};
    put(&w, "SELECT sum(last) FROM (SELECT max(max_block_number) AS last FROM system.parts"
            " WHERE database = ");
    put_text(&w, filter->database);
    put(&w, " AND table = ");
    put_text(&w, filter->table);
    put(&w, " GROUP BY partition_id)");
    return w.st;
}

enum status replay_running_sql(const char *query_id, struct buf *sql)
{
    struct writer w = {sql, ST_OK};
    put(&w, "SELECT count() FROM system.processes WHERE query_id = ");
    put_text(&w, query_id);
    return w.st;
}

static void
put_range(struct writer *w, const char *column, const struct replay_key *keys, size_t keys_count)
{
    int64_t low = INT64_MAX;
    int64_t high = 0;
    for (size_t i = 0; i < keys_count; i++) {
        low = keys[i].offset < low ? keys[i].offset : low;
        high = keys[i].offset > high ? keys[i].offset : high;
    }
    put(w, " WHERE ");
    put_column(w, column);
    put_number(w, " >= ", low);
    put(w, " AND ");
    put_column(w, column);
    put_number(w, " <= ", high);
}

enum status replay_present_sql(
    const struct replay_filter *filter, const struct replay_coordinates *columns,
    const struct replay_key *keys, size_t keys_count, struct buf *sql)
{
    assert(keys_count > 0 && columns->partition != NULL && columns->offset != NULL);
    struct writer w = {sql, ST_OK};
    put(&w, "SELECT DISTINCT ");
    if (columns->topic != NULL) {
        put(&w, "toString(");
        put_column(&w, columns->topic);
        put(&w, ")");
    } else {
        put_text(&w, keys[0].topic);
    }
    put(&w, " AS replay_topic, toInt64(");
    put_column(&w, columns->partition);
    put(&w, ") AS replay_part, toInt64(");
    put_column(&w, columns->offset);
    put(&w, ") AS replay_off FROM ");
    put_table(&w, filter, "");
    put_range(&w, columns->offset, keys, keys_count);
    put(&w, " AND (replay_topic, replay_part, replay_off)");
    put_keys(&w, keys, keys_count);
    put(&w, " FORMAT JSONEachRow");
    return w.st;
}
