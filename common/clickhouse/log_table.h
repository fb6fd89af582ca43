#ifndef COMMON_CLICKHOUSE_LOG_TABLE_H
#define COMMON_CLICKHOUSE_LOG_TABLE_H

/*
 * The table of pipes' events in ClickHouse, `clickpipes_log` (docs/events.md): writers of its SQL.
 * Pure; they append to sql and return statuses of buf_add.
 */

#include "common/base/attr.h"
#include "common/base/buf.h"

#define LOG_TABLE "clickpipes_log"

/* One event; all borrowed. */
struct log_table_row {
    const char *time;     /* RFC 3339 in UTC */
    const char *severity; /* info, warning, critical */
    const char *type;
    const char *message;
    const char *details; /* JSON */
    const char *pipe_id;
    int64_t event_id;
};

/* CREATE TABLE IF NOT EXISTS `database`.clickpipes_log; rows go after seven days. */
enum status log_table_create(const char *database, struct buf *sql) MUST_CHECK;

/* The beginning of an INSERT, and each of its rows. */
enum status log_table_insert(const char *database, struct buf *sql) MUST_CHECK;
enum status
log_table_add_row(const struct log_table_row *row, bool is_first, struct buf *sql) MUST_CHECK;

#endif
