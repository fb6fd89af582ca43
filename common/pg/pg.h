#ifndef COMMON_PG_PG_H
#define COMMON_PG_PG_H

/*
 * One connection to PostgreSQL, for one thread at a time. Every wait has a deadline: a server that
 * answers nothing costs at most the timeout, then the connection is given up. The only room that
 * knows libpq; SQL texts come from common/store and the migration runner. Logs nothing.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

struct pg;
struct pg_rows;

enum {
    PG_ARGS_MAX = 48,
    PG_NUMBER_BYTES = 32,
    PG_CHANNEL_BYTES = 64,
    PG_PAYLOAD_BYTES = 64,
};

/*
 * Connect. url: connection string or URI (borrowed). timeout_ms: bounds connecting (names are
 * resolved by libpq and are not bounded) and every statement. ret_pg: owned, pg_close.
 * ST_INVALID for a malformed url, ST_UNAVAILABLE if the server cannot be reached or refuses,
 * ST_NO_MEMORY.
 */
enum status
pg_open(const char *url, int timeout_ms, struct pg **ret_pg, struct err *err) MUST_CHECK;
void pg_close(struct pg *pg);
void pg_closep(struct pg **pg);

/* Check the form of a connection string or URI (borrowed) without connecting. ST_INVALID; the text
 * does not quote the url, which may hold a password. */
enum status pg_url_check(const char *url, struct err *err) MUST_CHECK;

/* False after the connection broke; nothing brings it back. */
bool pg_is_open(const struct pg *pg);

/* The socket to poll for notifications, −1 while broken. */
int pg_socket(const struct pg *pg);

/* Change the statement timeout, on the server too. Statuses as pg_run. */
enum status pg_set_timeout(struct pg *pg, int timeout_ms, struct err *err) MUST_CHECK;

/* Arguments $1, $2 … of one statement, added in order. Everything is borrowed until the run. */
struct pg_args {
    int count;
    const char *values[PG_ARGS_MAX];
    int lengths[PG_ARGS_MAX];
    int formats[PG_ARGS_MAX];
    char numbers[PG_ARGS_MAX][PG_NUMBER_BYTES];
};

void pg_args_init(struct pg_args *args);
void pg_add_text(struct pg_args *args, const char *text); /* NULL = SQL null */
void pg_add_int(struct pg_args *args, int64_t value);
void pg_add_double(struct pg_args *args, double value);
void pg_add_bool(struct pg_args *args, bool value);
void pg_add_bytes(struct pg_args *args, const void *bytes, size_t len_bytes); /* NULL = SQL null */

/*
 * Run one statement. args: NULL = none. ret_rows: owned, pg_rows_free; NULL = not wanted.
 * ST_UNAVAILABLE if the connection is or gets lost, ST_TIMEOUT if the server cancelled it,
 * ST_CONFLICT for a unique violation, serialization failure, deadlock or lock timeout,
 * ST_REJECTED for a foreign key, ST_INVALID for a value the server refuses, else ST_INTERNAL.
 */
enum status pg_run(
    struct pg *pg, const char *sql, const struct pg_args *args, struct pg_rows **ret_rows,
    struct err *err) MUST_CHECK;

/* Run several statements in one text, without arguments and rows. Statuses as pg_run. */
enum status pg_run_script(struct pg *pg, const char *sql, struct err *err) MUST_CHECK;

/* Transactions. pg_commit: ST_INTERNAL if the server rolled back since a statement had failed.
 * pg_rollback never fails: what cannot be rolled back has lost its connection. */
enum status pg_begin(struct pg *pg, struct err *err) MUST_CHECK;
enum status pg_commit(struct pg *pg, struct err *err) MUST_CHECK;
void pg_rollback(struct pg *pg);
bool pg_is_in_transaction(const struct pg *pg);

/* LISTEN or UNLISTEN. channel: a plain name. Statuses as pg_run. */
enum status pg_listen(struct pg *pg, const char *channel, struct err *err) MUST_CHECK;
enum status pg_unlisten(struct pg *pg, const char *channel, struct err *err) MUST_CHECK;

struct pg_notice {
    char channel[PG_CHANNEL_BYTES]; /* cut when longer */
    char payload[PG_PAYLOAD_BYTES]; /* cut when longer */
};

/* Take one notification that has arrived, without waiting. ST_UNAVAILABLE if the connection broke.
 */
enum status pg_next_notice(
    struct pg *pg, bool *ret_has, struct pg_notice *ret_notice, struct err *err) MUST_CHECK;

/* Rows and what a statement changed. NULL rows are fine: none. */
void pg_rows_free(struct pg_rows *rows);
void pg_rows_freep(struct pg_rows **rows);
int pg_rows_count(const struct pg_rows *rows);
int64_t pg_rows_affected(const struct pg_rows *rows);

/*
 * A reader that takes the cells of one row in the order of the statement. A cell that is not of the
 * type asked for is a bug of the statement. Null gives NULL, 0 or false.
 */
struct pg_cell {
    const struct pg_rows *rows;
    int row;
    int column;
    bool is_out_of_memory; /* a copy failed: check it after the last cell */
};

struct pg_cell pg_row(const struct pg_rows *rows, int row);
const char *pg_next_text(struct pg_cell *cell); /* borrowed until pg_rows_free */
char *pg_next_copy(struct pg_cell *cell);       /* owned by the caller, free() */
int64_t pg_next_int(struct pg_cell *cell);
double pg_next_double(struct pg_cell *cell);
bool pg_next_bool(struct pg_cell *cell);

/* A bytea cell. ret_bytes: owned, free(); NULL for null. ST_NO_MEMORY. */
enum status
pg_next_bytes(struct pg_cell *cell, uint8_t **ret_bytes, size_t *ret_len_bytes) MUST_CHECK;

#endif
