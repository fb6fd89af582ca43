/* Describe, plan, wait, again. */
#include "worker/replica/destination.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/clickhouse/answer.h"
#include "common/clickhouse/ddl.h"

enum {
    ASK_FIRST_MS = 500,
    ASK_MAX_MS = 15000,
    ASK_CONNECT_MS = 5000,
    ASK_ANSWER_MS = 15000,
    SQL_MAX_BYTES = CLICKHOUSE_SQL_MAX_BYTES,
    ANSWER_MAX_BYTES = 16 * 1024 * 1024,
};

void destination_init(
    struct destination *ret_destination, struct http_client *client,
    const struct clickhouse_endpoint *endpoint, const struct pipe_spec *pipe, int replicas)
{
    *ret_destination = (struct destination){
        .client = client,
        .endpoint = *endpoint,
        .pipe = pipe,
        .asked = preflight_pipe_of(pipe, replicas),
    };
    buf_init(&ret_destination->sql, SQL_MAX_BYTES);
    backoff_init(&ret_destination->backoff, ASK_FIRST_MS, ASK_MAX_MS, 1);
}

void destination_done(struct destination *destination)
{
    http_cancel(destination->client, destination->call);
    destination->call = NULL;
    plan_freep(&destination->plan);
    preflight_done(&destination->preflight);
    clickhouse_table_freep(&destination->known);
    buf_done(&destination->sql);
    destination->state = DESTINATION_IDLE;
}

static void destination_wait(
    struct destination *destination, enum pipe_reason reason, const char *message, int64_t now_ms)
{
    if (destination->reason == PIPE_REASON_NONE) {
        destination->trouble_since_ms = now_ms;
    }
    destination->reason = reason;
    (void)snprintf(
        destination->message, sizeof(destination->message), "%.*s",
        (int)sizeof(destination->message) - 1, message); /* cut is fine */
    destination->state = DESTINATION_WAITING;
    destination->due_ms = now_ms + backoff_next_ms(&destination->backoff);
}

/* Send the question in destination->sql. */
static enum status destination_send(struct destination *destination, struct err *err)
{
    struct clickhouse_query query = {
        .sql = buf_text(&destination->sql),
        .connect_timeout_ms = ASK_CONNECT_MS,
        .timeout_ms = ASK_ANSWER_MS,
        .answer_max_bytes = ANSWER_MAX_BYTES,
    };
    struct clickhouse_request request;
    enum status st = clickhouse_query_request(&destination->endpoint, &query, &request, err);
    if (st == ST_OK) {
        st = http_start(destination->client, &request.http, destination, &destination->call, err);
        clickhouse_request_done(&request);
    }
    return st;
}

static enum status destination_start_call(struct destination *destination, struct err *err)
{
    preflight_done(&destination->preflight);
    destination->is_exploring = false;
    buf_reset(&destination->sql);
    enum status st = clickhouse_describe_sql(
        destination->pipe->destination.database, destination->pipe->destination.table,
        &destination->sql);
    if (st != ST_OK) {
        return err_set(err, st, "cannot ask for the table's columns");
    }
    return destination_send(destination, err);
}

void destination_ask(struct destination *destination, int64_t now_ms)
{
    assert(destination->state != DESTINATION_ASKING);
    struct err err;
    if (destination_start_call(destination, &err) != ST_OK) {
        destination_wait(destination, PIPE_REASON_INTERNAL, err.text, now_ms);
        return;
    }
    destination->state = DESTINATION_ASKING;
}

void destination_use(struct destination *destination, const struct pipe_spec *pipe, int64_t now_ms)
{
    destination->pipe = pipe;
    destination->asked = preflight_pipe_of(pipe, destination->asked.replicas);
    destination->is_hopeless = false;
    destination->reason = PIPE_REASON_NONE;
    destination_ask(destination, now_ms);
}

enum status destination_plan(
    const struct pipe_spec *pipe, const struct clickhouse_table *table, struct plan **ret_plan,
    struct err *err)
{
    struct plan_column *columns =
        calloc(table->columns_count > 0 ? table->columns_count : 1, sizeof(*columns));
    if (columns == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for %zu columns", table->columns_count);
    }
    size_t count = 0;
    for (size_t i = 0; i < table->columns_count; i++) {
        const struct clickhouse_column *column = &table->columns[i];
        if (clickhouse_column_is_insertable(column)) {
            columns[count++] = (struct plan_column){
                .name = column->name,
                .type = column->type,
                .has_default = column->default_kind[0] != '\0',
            };
        }
    }
    enum status st = plan_new(pipe, columns, count, ret_plan, err);
    free(columns);
    return st;
}

/* The next question of the preflight; without one the destination is known. */
static void destination_explore(struct destination *destination, int64_t now_ms)
{
    struct err err;
    buf_reset(&destination->sql);
    enum status st = preflight_sql(&destination->preflight, &destination->sql);
    if (st == ST_NOT_FOUND) {
        preflight_judge(&destination->preflight, &destination->guarantee);
        preflight_done(&destination->preflight);
        destination->is_exploring = false;
        destination->reason = PIPE_REASON_NONE;
        backoff_reset(&destination->backoff);
        destination->state = DESTINATION_READY;
        return;
    }
    st = st == ST_OK ? destination_send(destination, &err)
                     : err_set(&err, st, "cannot ask for the table's views");
    if (st != ST_OK) {
        destination_wait(destination, PIPE_REASON_INTERNAL, err.text, now_ms);
        return;
    }
    destination->state = DESTINATION_ASKING;
}

static void destination_read(struct destination *destination, const char *text, int64_t now_ms)
{
    struct err err;
    CLEANUP(clickhouse_table_freep) struct clickhouse_table *table = NULL;
    enum status st = clickhouse_describe_parse(text, &table, &err);
    if (st != ST_OK) {
        if (st == ST_NOT_FOUND) {
            (void)err_set(
                &err, st, "table %s.%s does not exist, or the user may not see it",
                destination->pipe->destination.database, destination->pipe->destination.table);
        }
        destination_wait(
            destination, st == ST_NOT_FOUND ? PIPE_REASON_TABLE_NOT_FOUND : PIPE_REASON_INTERNAL,
            err.text, now_ms);
        return;
    }
    plan_freep(&destination->plan);
    st = destination_plan(destination->pipe, table, &destination->plan, &err);
    if (st != ST_OK) {
        destination->is_hopeless = st == ST_UNSUPPORTED;
        destination_wait(
            destination, st == ST_NO_MEMORY ? PIPE_REASON_INTERNAL : PIPE_REASON_TABLE_MISMATCH,
            err.text, now_ms);
        return;
    }
    memset(destination->table_uuid, 0, sizeof(destination->table_uuid));
    if (uuid_read(table->uuid, destination->table_uuid) != ST_OK) {
        assert(destination->table_uuid[0] == 0); /* an engine without one: zeros */
    }
    destination->fingerprint = clickhouse_table_fingerprint(table);
    destination->change[0] = '\0';
    if (destination->known != NULL) {
        clickhouse_table_change(destination->known, table, destination->change);
    }
    clickhouse_table_free(destination->known);
    destination->known = table;
    table = NULL;
    const struct clickhouse_table_name name = {
        destination->pipe->destination.database, destination->pipe->destination.table};
    st = preflight_init(&destination->preflight, &name, &destination->asked, &err);
    if (st != ST_OK) {
        destination_wait(destination, PIPE_REASON_INTERNAL, err.text, now_ms);
        return;
    }
    destination->is_exploring = true;
    destination_explore(destination, now_ms);
}

/* An answer to a question of the preflight. */
static void destination_take(
    struct destination *destination, const struct clickhouse_answer *answer, const char *text,
    int64_t now_ms)
{
    if (answer->verdict != CLICKHOUSE_OK) {
        if (preflight_refused(&destination->preflight, answer->code)) {
            destination_explore(destination, now_ms);
        } else {
            destination_wait(destination, answer->reason, answer->message, now_ms);
        }
        return;
    }
    struct err err;
    enum status st = preflight_read(&destination->preflight, text, &err);
    if (st != ST_OK) {
        const bool is_gone = st == ST_NOT_FOUND;
        destination_wait(
            destination, is_gone ? PIPE_REASON_TABLE_NOT_FOUND : PIPE_REASON_INTERNAL, err.text,
            now_ms);
        return;
    }
    destination_explore(destination, now_ms);
}

void destination_answer(
    struct destination *destination, const struct http_done *done, int64_t now_ms)
{
    assert(destination->state == DESTINATION_ASKING);
    destination->call = NULL;
    struct clickhouse_answer answer;
    clickhouse_answer_classify(&done->response, &answer);
    if (destination->is_exploring) {
        destination_take(destination, &answer, buf_text(&done->response.body), now_ms);
        return;
    }
    if (answer.verdict != CLICKHOUSE_OK) {
        destination_wait(destination, answer.reason, answer.message, now_ms);
        return;
    }
    destination_read(destination, buf_text(&done->response.body), now_ms);
}

void destination_tick(struct destination *destination, int64_t now_ms)
{
    if (destination->state == DESTINATION_WAITING && now_ms >= destination->due_ms) {
        destination_ask(destination, now_ms);
    }
}

int64_t destination_due_ms(const struct destination *destination)
{
    return destination->state == DESTINATION_WAITING ? destination->due_ms : INT64_MAX;
}

struct plan *destination_take_plan(struct destination *destination)
{
    assert(destination->state == DESTINATION_READY);
    struct plan *plan = destination->plan;
    destination->plan = NULL;
    destination->state = DESTINATION_IDLE;
    return plan;
}
