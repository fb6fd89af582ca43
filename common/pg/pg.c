/*
 * libpq with deadlines: connecting and statements run in its non-blocking mode, poll() waits.
 * A connection that passed its deadline is closed, since its answer could arrive at any time.
 */
#include "common/pg/pg.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/parse.h"

enum {
    /* The server cancels at the timeout; half of it later, within these bounds, nobody is there. */
    PG_GRACE_MIN_MS = 250,
    PG_GRACE_MAX_MS = 2000,
    PG_MESSAGE_BYTES = 512,
};

struct pg {
    PGconn *connection;
    int timeout_ms;
};

struct pg_rows {
    PGresult *result;
};

/* libpq ends its messages with a line end and may use several lines. */
static void message_copy(const char *message, char ret_text[PG_MESSAGE_BYTES])
{
    (void)snprintf(ret_text, PG_MESSAGE_BYTES, "%s", message); /* cut when longer */
    size_t len_bytes = strlen(ret_text);
    while (len_bytes > 0 && (ret_text[len_bytes - 1] == '\n' || ret_text[len_bytes - 1] == ' ')) {
        ret_text[--len_bytes] = '\0';
    }
    for (size_t i = 0; i < len_bytes; i++) {
        if ((unsigned char)ret_text[i] < 0x20) {
            ret_text[i] = ' ';
        }
    }
}

static void connection_drop(struct pg *pg)
{
    PQfinish(pg->connection);
    pg->connection = NULL;
}

static enum status connection_lost(struct pg *pg, struct err *err)
{
    char text[PG_MESSAGE_BYTES];
    message_copy(pg->connection == NULL ? "" : PQerrorMessage(pg->connection), text);
    connection_drop(pg);
    return err_set(
        err, ST_UNAVAILABLE, "connection to PostgreSQL lost%s%s", text[0] == '\0' ? "" : ": ",
        text);
}

/* Wait for events on the connection's socket; ST_TIMEOUT at the deadline. */
static enum status socket_wait(const struct pg *pg, short events, int64_t deadline_ms)
{
    struct pollfd fd = {.fd = PQsocket(pg->connection), .events = events};
    for (;;) {
        int64_t left_ms = deadline_ms - clock_monotonic_ms();
        if (left_ms <= 0) {
            return ST_TIMEOUT;
        }
        int ready = poll(&fd, 1, left_ms > 60000 ? 60000 : (int)left_ms);
        if (ready > 0) {
            return ST_OK;
        }
        if (ready < 0 && errno != EINTR) {
            return ST_IO;
        }
    }
}

static void notice_ignore(void *arg, const PGresult *result)
{
    (void)arg;    /* libpq's default would write to stderr */
    (void)result; /* notices are not failures */
}

static enum status connect_wait(struct pg *pg, int64_t deadline_ms, struct err *err)
{
    char text[PG_MESSAGE_BYTES];
    PostgresPollingStatusType want = PGRES_POLLING_WRITING;
    while (want != PGRES_POLLING_OK) {
        if (want == PGRES_POLLING_FAILED || PQstatus(pg->connection) == CONNECTION_BAD) {
            message_copy(PQerrorMessage(pg->connection), text);
            return err_set(err, ST_UNAVAILABLE, "cannot connect to PostgreSQL: %s", text);
        }
        short events = want == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        if (socket_wait(pg, events, deadline_ms) != ST_OK) {
            return err_set(
                err, ST_UNAVAILABLE, "cannot connect to PostgreSQL within %d ms", pg->timeout_ms);
        }
        want = PQconnectPoll(pg->connection);
    }
    return ST_OK;
}

/* libpq's parser finds what is wrong with a url before any name is looked up. */
enum status pg_url_check(const char *url, struct err *err)
{
    char *message = NULL;
    PQconninfoOption *options = PQconninfoParse(url, &message);
    if (options == NULL) {
        /* The message may quote the url, which may hold a password. */
        PQfreemem(message);
        return err_set(err, ST_INVALID, "the database URL is no libpq connection string or URI");
    }
    PQconninfoFree(options);
    return ST_OK;
}

enum status pg_open(const char *url, int timeout_ms, struct pg **ret_pg, struct err *err)
{
    assert(timeout_ms > 0);
    enum status st = pg_url_check(url, err);
    if (st != ST_OK) {
        return st;
    }
    CLEANUP(pg_closep) struct pg *pg = calloc(1, sizeof(*pg));
    if (pg == NULL) {
        return err_set(err, ST_NO_MEMORY, "connection to PostgreSQL");
    }
    pg->timeout_ms = timeout_ms;
    char tcp_timeout[PG_NUMBER_BYTES];
    (void)snprintf(tcp_timeout, sizeof(tcp_timeout), "%d", timeout_ms); /* always fits */
    /* What stands before dbname is a default that the url may override. */
    const char *const names[] = {"tcp_user_timeout", "application_name", "keepalives_idle",
                                 "dbname",           "client_encoding",  NULL};
    const char *const values[] = {tcp_timeout, "penstock", "30", url, "UTF8", NULL};
    int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
    pg->connection = PQconnectStartParams(names, values, 1);
    if (pg->connection == NULL) {
        return err_set(err, ST_NO_MEMORY, "connection to PostgreSQL");
    }
    (void)PQsetNoticeReceiver(pg->connection, notice_ignore, NULL); /* answers the old one */
    st = connect_wait(pg, deadline_ms, err);
    if (st == ST_OK && PQsetnonblocking(pg->connection, 1) != 0) {
        st = connection_lost(pg, err);
    }
    if (st == ST_OK) {
        st = pg_set_timeout(pg, timeout_ms, err);
    }
    if (st != ST_OK) {
        return st;
    }
    *ret_pg = pg;
    pg = NULL;
    return ST_OK;
}

void pg_close(struct pg *pg)
{
    if (pg != NULL) {
        connection_drop(pg);
        free(pg);
    }
}

void pg_closep(struct pg **pg)
{
    pg_close(*pg);
    *pg = NULL;
}

bool pg_is_open(const struct pg *pg)
{
    return pg->connection != NULL;
}

int pg_socket(const struct pg *pg)
{
    return pg->connection == NULL ? -1 : PQsocket(pg->connection);
}

enum status pg_set_timeout(struct pg *pg, int timeout_ms, struct err *err)
{
    assert(timeout_ms > 0);
    char sql[128];
    int idle_ms = timeout_ms > INT32_MAX / 4 ? INT32_MAX : timeout_ms * 4;
    (void)snprintf(
        sql, sizeof(sql),
        "SET statement_timeout = %d; SET idle_in_transaction_session_timeout = %d", timeout_ms,
        idle_ms); /* always fits */
    pg->timeout_ms = timeout_ms;
    return pg_run_script(pg, sql, err);
}

/* SQLSTATE (or the start of one) to status, first match wins. Appendix A of the manual. */
static enum status sqlstate_status(const char *sqlstate)
{
    static const struct {
        const char *prefix;
        enum status status;
    } table[] = {
        {"08", ST_UNAVAILABLE},    /* connection exception */
        {"57P", ST_UNAVAILABLE},   /* shutdown, crash, cannot connect now, idle timeout */
        {"25P03", ST_UNAVAILABLE}, /* idle in transaction timeout */
        {"53", ST_UNAVAILABLE},    /* insufficient resources */
        {"57014", ST_TIMEOUT},     /* statement timeout */
        {"23505", ST_CONFLICT},    /* unique violation */
        {"40", ST_CONFLICT},       /* serialization failure, deadlock */
        {"55P03", ST_CONFLICT},    /* lock not available */
        {"23503", ST_REJECTED},    /* foreign key violation */
        {"23514", ST_INVALID},     /* check violation */
        {"22", ST_INVALID},        /* data exception */
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (strncmp(sqlstate, table[i].prefix, strlen(table[i].prefix)) == 0) {
            return table[i].status;
        }
    }
    return ST_INTERNAL;
}

static enum status result_fail(struct pg *pg, const PGresult *result, struct err *err)
{
    if (PQstatus(pg->connection) == CONNECTION_BAD) {
        return connection_lost(pg, err);
    }
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    sqlstate = sqlstate == NULL ? "XX000" : sqlstate;
    char text[PG_MESSAGE_BYTES];
    message_copy(primary == NULL ? "no answer that could be understood" : primary, text);
    return err_set(err, sqlstate_status(sqlstate), "PostgreSQL: %s (%s)", text, sqlstate);
}

/* Send what is queued and read until an answer is complete. */
static enum status answer_wait(struct pg *pg, int64_t deadline_ms)
{
    for (;;) {
        int unsent = PQflush(pg->connection);
        if (unsent < 0) {
            return ST_IO;
        }
        if (unsent == 0 && PQisBusy(pg->connection) == 0) {
            return ST_OK;
        }
        enum status st =
            socket_wait(pg, unsent > 0 ? (short)(POLLIN | POLLOUT) : (short)POLLIN, deadline_ms);
        if (st != ST_OK) {
            return st;
        }
        if (PQconsumeInput(pg->connection) == 0) {
            return ST_IO;
        }
    }
}

/* Take all results of what was sent; the last one comes back, or the first that failed. */
static int answer_timeout_ms(const struct pg *pg)
{
    int grace_ms = pg->timeout_ms / 2;
    grace_ms = grace_ms < PG_GRACE_MIN_MS ? PG_GRACE_MIN_MS : grace_ms;
    return pg->timeout_ms + (grace_ms > PG_GRACE_MAX_MS ? PG_GRACE_MAX_MS : grace_ms);
}

static enum status answer_take(struct pg *pg, PGresult **ret_result, struct err *err)
{
    int64_t deadline_ms = clock_monotonic_ms() + answer_timeout_ms(pg);
    PGresult *kept = NULL;
    for (;;) {
        enum status st = answer_wait(pg, deadline_ms);
        if (st != ST_OK) {
            PQclear(kept);
            if (st != ST_TIMEOUT) {
                return connection_lost(pg, err);
            }
            connection_drop(pg);
            return err_set(
                err, ST_UNAVAILABLE, "PostgreSQL does not answer within %d ms",
                answer_timeout_ms(pg));
        }
        PGresult *next = PQgetResult(pg->connection);
        if (next == NULL) {
            break;
        }
        ExecStatusType kind = PQresultStatus(kept);
        bool has_failed = kept != NULL && kind != PGRES_COMMAND_OK && kind != PGRES_TUPLES_OK;
        PQclear(has_failed ? next : kept);
        kept = has_failed ? kept : next;
    }
    ExecStatusType kind = PQresultStatus(kept);
    if (kept == NULL || (kind != PGRES_COMMAND_OK && kind != PGRES_TUPLES_OK)) {
        enum status st = result_fail(pg, kept, err);
        PQclear(kept);
        return st;
    }
    *ret_result = kept;
    return ST_OK;
}

enum status pg_run(
    struct pg *pg, const char *sql, const struct pg_args *args, struct pg_rows **ret_rows,
    struct err *err)
{
    if (pg->connection == NULL) {
        return err_set(err, ST_UNAVAILABLE, "not connected to PostgreSQL");
    }
    int sent = PQsendQueryParams(
        pg->connection, sql, args == NULL ? 0 : args->count, NULL,
        args == NULL ? NULL : args->values, args == NULL ? NULL : args->lengths,
        args == NULL ? NULL : args->formats, 0);
    if (sent == 0) {
        return connection_lost(pg, err);
    }
    PGresult *result = NULL;
    enum status st = answer_take(pg, &result, err);
    if (st != ST_OK) {
        return st;
    }
    if (ret_rows == NULL) {
        PQclear(result);
        return ST_OK;
    }
    struct pg_rows *rows = calloc(1, sizeof(*rows));
    if (rows == NULL) {
        PQclear(result);
        return err_set(err, ST_NO_MEMORY, "rows from PostgreSQL");
    }
    rows->result = result;
    *ret_rows = rows;
    return ST_OK;
}

enum status pg_run_script(struct pg *pg, const char *sql, struct err *err)
{
    if (pg->connection == NULL) {
        return err_set(err, ST_UNAVAILABLE, "not connected to PostgreSQL");
    }
    if (PQsendQuery(pg->connection, sql) == 0) {
        return connection_lost(pg, err);
    }
    PGresult *result = NULL;
    enum status st = answer_take(pg, &result, err);
    if (st == ST_OK) {
        PQclear(result);
    }
    return st;
}

bool pg_is_in_transaction(const struct pg *pg)
{
    return pg->connection != NULL && PQtransactionStatus(pg->connection) != PQTRANS_IDLE;
}

enum status pg_begin(struct pg *pg, struct err *err)
{
    assert(!pg_is_in_transaction(pg));
    return pg_run(pg, "BEGIN", NULL, NULL, err);
}

enum status pg_commit(struct pg *pg, struct err *err)
{
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    enum status st = pg_run(pg, "COMMIT", NULL, &rows, err);
    if (st != ST_OK) {
        pg_rollback(pg);
        return st;
    }
    assert(rows != NULL);
    /* COMMIT after a failed statement is answered by ROLLBACK, without an error. */
    if (strcmp(PQcmdStatus(rows->result), "COMMIT") != 0) {
        return err_set(err, ST_INTERNAL, "PostgreSQL rolled the transaction back");
    }
    return ST_OK;
}

void pg_rollback(struct pg *pg)
{
    if (pg_is_in_transaction(pg)) {
        enum status st = pg_run(pg, "ROLLBACK", NULL, NULL, NULL);
        if (st != ST_OK && pg->connection != NULL) {
            connection_drop(pg);
        }
    }
}

static enum status
listen_run(struct pg *pg, const char *command, const char *channel, struct err *err)
{
    if (pg->connection == NULL) {
        return err_set(err, ST_UNAVAILABLE, "not connected to PostgreSQL");
    }
    char *name = PQescapeIdentifier(pg->connection, channel, strlen(channel));
    if (name == NULL) {
        return err_set(err, ST_NO_MEMORY, "channel %s", channel);
    }
    char sql[PG_CHANNEL_BYTES * 3];
    (void)snprintf(sql, sizeof(sql), "%s %s", command, name); /* names are short literals */
    PQfreemem(name);
    return pg_run(pg, sql, NULL, NULL, err);
}

enum status pg_listen(struct pg *pg, const char *channel, struct err *err)
{
    assert(strlen(channel) < PG_CHANNEL_BYTES);
    return listen_run(pg, "LISTEN", channel, err);
}

enum status pg_unlisten(struct pg *pg, const char *channel, struct err *err)
{
    assert(strlen(channel) < PG_CHANNEL_BYTES);
    return listen_run(pg, "UNLISTEN", channel, err);
}

enum status
pg_next_notice(struct pg *pg, bool *ret_has, struct pg_notice *ret_notice, struct err *err)
{
    if (pg->connection == NULL) {
        return err_set(err, ST_UNAVAILABLE, "not connected to PostgreSQL");
    }
    PGnotify *notice = PQnotifies(pg->connection);
    if (notice == NULL) {
        if (PQconsumeInput(pg->connection) == 0) {
            return connection_lost(pg, err);
        }
        notice = PQnotifies(pg->connection);
    }
    *ret_has = notice != NULL;
    if (notice != NULL) {
        (void)snprintf(ret_notice->channel, sizeof(ret_notice->channel), "%s", notice->relname);
        (void)snprintf(ret_notice->payload, sizeof(ret_notice->payload), "%s", notice->extra);
        PQfreemem(notice);
    }
    return ST_OK;
}

void pg_rows_free(struct pg_rows *rows)
{
    if (rows != NULL) {
        PQclear(rows->result);
        free(rows);
    }
}

void pg_rows_freep(struct pg_rows **rows)
{
    pg_rows_free(*rows);
    *rows = NULL;
}

int pg_rows_count(const struct pg_rows *rows)
{
    return rows == NULL ? 0 : PQntuples(rows->result);
}

int64_t pg_rows_affected(const struct pg_rows *rows)
{
    int64_t count = 0;
    if (rows == NULL || parse_i64(PQcmdTuples(rows->result), 0, INT64_MAX, &count) != ST_OK) {
        return 0;
    }
    return count;
}

struct pg_cell pg_row(const struct pg_rows *rows, int row)
{
    assert(row >= 0 && row < pg_rows_count(rows));
    return (struct pg_cell){.rows = rows, .row = row};
}

const char *pg_next_text(struct pg_cell *cell)
{
    const PGresult *result = cell->rows->result;
    int column = cell->column++;
    assert(column < PQnfields(result));
    if (PQgetisnull(result, cell->row, column) == 1) {
        return NULL;
    }
    return PQgetvalue(result, cell->row, column);
}

char *pg_next_copy(struct pg_cell *cell)
{
    const char *text = pg_next_text(cell);
    char *copy = text == NULL ? NULL : strdup(text);
    if (text != NULL && copy == NULL) {
        cell->is_out_of_memory = true;
    }
    return copy;
}

int64_t pg_next_int(struct pg_cell *cell)
{
    const char *text = pg_next_text(cell);
    int64_t value = 0;
    enum status st = text == NULL ? ST_OK : parse_i64(text, INT64_MIN, INT64_MAX, &value);
    assert(st == ST_OK); /* the statement asked for an integer */
    return value;
}

double pg_next_double(struct pg_cell *cell)
{
    const char *text = pg_next_text(cell);
    double value = 0;
    if (text != NULL && parse_double(text, &value) != ST_OK) {
        value = 0; /* NaN or infinity, which nobody stores on purpose */
    }
    return value;
}

bool pg_next_bool(struct pg_cell *cell)
{
    const char *text = pg_next_text(cell);
    return text != NULL && text[0] == 't';
}

enum status pg_next_bytes(struct pg_cell *cell, uint8_t **ret_bytes, size_t *ret_len_bytes)
{
    const char *text = pg_next_text(cell);
    if (text == NULL) {
        *ret_bytes = NULL;
        *ret_len_bytes = 0;
        return ST_OK;
    }
    size_t len_bytes = 0;
    unsigned char *unescaped = PQunescapeBytea((const unsigned char *)text, &len_bytes);
    uint8_t *copy = unescaped == NULL ? NULL : malloc(len_bytes + 1);
    if (copy != NULL) {
        memcpy(copy, unescaped, len_bytes);
        copy[len_bytes] = 0;
        *ret_bytes = copy;
        *ret_len_bytes = len_bytes;
    }
    PQfreemem(unescaped);
    return copy == NULL ? ST_NO_MEMORY : ST_OK;
}
