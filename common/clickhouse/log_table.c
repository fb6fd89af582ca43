/*
 * Columns: those that ClickHouse Cloud's guides use of system.clickpipes_log, then our own. An
 * event may be copied twice after a crash; event_id tells.
 */
#include "common/clickhouse/log_table.h"

#include <string.h>

#include "common/clickhouse/ddl.h"

enum status log_table_create(const char *database, struct buf *sql)
{
    enum status st = buf_add_text(sql, "CREATE TABLE IF NOT EXISTS ");
    st = st == ST_OK ? clickhouse_quote_table(sql, database, LOG_TABLE) : st;
    return st == ST_OK
               ? buf_add_text(
                     sql, "\n(`event_time` DateTime64(3, 'UTC'),\n"
                          "    `log_level` LowCardinality(String),\n"
                          "    `error_type` LowCardinality(String),\n"
                          "    `message` String,\n"
                          "    `clickpipe_id` String,\n"
                          "    `details` String,\n"
                          "    `event_id` UInt64)\n"
                          "ENGINE = MergeTree ORDER BY (clickpipe_id, event_time, event_id)\n"
                          "TTL toDateTime(event_time) + INTERVAL 7 DAY")
               : st;
}

enum status log_table_insert(const char *database, struct buf *sql)
{
    enum status st = buf_add_text(sql, "INSERT INTO ");
    st = st == ST_OK ? clickhouse_quote_table(sql, database, LOG_TABLE) : st;
    return st == ST_OK ? buf_add_text(
                             sql, " (event_time, log_level, error_type, message, clickpipe_id, "
                                  "details, event_id) VALUES")
                       : st;
}

/* Cloud's words for severities. */
static const char *level_of(const char *severity)
{
    if (strcmp(severity, "critical") == 0) {
        return "Error";
    }
    return strcmp(severity, "warning") == 0 ? "Warning" : "Info";
}

enum status log_table_add_row(const struct log_table_row *row, bool is_first, struct buf *sql)
{
    /* 2026-01-02T03:04:05.678Z as ClickHouse reads it: without the T and the Z. */
    char time[24] = "";
    const size_t len = strcspn(row->time, "Z");
    memcpy(time, row->time, len < sizeof(time) - 1 ? len : sizeof(time) - 1);
    char *separator = strchr(time, 'T');
    if (separator != NULL) {
        *separator = ' ';
    }
    const char *const texts[] = {
        time, level_of(row->severity), row->type, row->message, row->pipe_id, row->details};
    enum status st = buf_add_text(sql, is_first ? " (" : ", (");
    for (size_t i = 0; st == ST_OK && i < ARRAY_LEN(texts); i++) {
        st = clickhouse_quote_string(sql, texts[i]);
        st = st == ST_OK ? buf_add_text(sql, ", ") : st;
    }
    return st == ST_OK ? buf_add_format(sql, "%lld)", (long long)row->event_id) : st;
}
