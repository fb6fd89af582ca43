#ifndef COMMON_CLICKHOUSE_DDL_H
#define COMMON_CLICKHOUSE_DDL_H

/*
 * Writers of ClickHouse SQL for tables: names and texts quoted, CREATE TABLE of a managed table and
 * of its error table, and the check whether an existing table fits a pipe. Pure.
 * The writers append to sql and return statuses of buf_add (ST_TOO_LARGE, ST_NO_MEMORY).
 */

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/clickhouse/describe.h"
#include "common/model/pipe.h"

enum {
    CLICKHOUSE_SQL_MAX_BYTES = 1024 * 1024, /* a good maximum for the buffer */
    /* Insert tokens that tables made by us remember, as many as replicated ones do by default: some
     * 1 MB of memory of the server at most. */
    CLICKHOUSE_WINDOW = 10000
};

/* `name` with backslash escapes, so any bytes are a name. */
enum status clickhouse_quote_identifier(struct buf *sql, const char *name) MUST_CHECK;

/* `database`.`table`. */
enum status
clickhouse_quote_table(struct buf *sql, const char *database, const char *table) MUST_CHECK;

/* 'text' with backslash escapes. */
enum status clickhouse_quote_string(struct buf *sql, const char *text) MUST_CHECK;

/* CREATE TABLE IF NOT EXISTS of a managed destination: columns, engine, ORDER BY (an entry equal to
 * a column name is that column, another is an expression; none = tuple()), PARTITION BY, PRIMARY
 * KEY, TTL, and a deduplication window. Engine Null has none of these. */
enum status
clickhouse_ddl_target(const struct pipe_destination *destination, struct buf *sql) MUST_CHECK;

/* CREATE TABLE IF NOT EXISTS `database`.`<table>_clickpipes_error`, with a window as well. */
enum status
clickhouse_ddl_error_table(const char *database, const char *table, struct buf *sql) MUST_CHECK;

/* The end of a CREATE TABLE: a comment that says for which pipe the table was made. */
enum status clickhouse_ddl_mark(const char *pipe_id, struct buf *sql) MUST_CHECK;

/* A question that is answered by "1" if the table is there and has the mark of this pipe, else "0".
 */
enum status clickhouse_ddl_is_marked(
    const char *database, const char *table, const char *pipe_id, struct buf *sql) MUST_CHECK;

/* DROP TABLE of a table without rows, to undo a create that failed half way; the server refuses it
 * (code 705) for one with rows. */
enum status
clickhouse_ddl_drop_empty(const char *database, const char *table, struct buf *sql) MUST_CHECK;

/*
 * Does an existing table fit the pipe's columns: each is there, may be inserted and has the same
 * type (blanks and aliases aside). Table columns the pipe does not name are fine. Adds what is
 * wrong to problems with pointers below /destination; ST_OK if nothing, else ST_INVALID.
 */
enum status clickhouse_table_check(
    const struct clickhouse_table *table, const struct pipe_destination *destination,
    struct pipe_problems *problems) MUST_CHECK;

/* The same, but columns that the table does not have are fine. */
enum status clickhouse_table_check_types(
    const struct clickhouse_table *table, const struct pipe_destination *destination,
    struct pipe_problems *problems) MUST_CHECK;

#endif
