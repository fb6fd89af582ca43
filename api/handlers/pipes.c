/*
 * Reading, stopping, starting, scaling and deleting pipes. Making
 * one is in pipe_create.c, changing its definition in pipe_change.c.
 */
#include <string.h>

#include "common/base/log.h"
#include "common/model/pipe_state.h"
#include "common/store/leftovers.h"

#include "api/handlers/handlers.h"
#include "api/handlers/pipe_user.h"
#include "api/handlers/support.h"
#include "api/wire/pipe_wire.h"

enum {
    SHOWN_ID_CHARS = 8
};

enum status handle_pipe_list(const struct request *request, struct reply *reply, struct err *err)
{
    struct pipe_rows rows = {0};
    enum status status =
        pipe_list(request->store, request->key.organization_id, request->service.id, &rows, err);
    if (status != ST_OK) {
        return status;
    }
    struct json_text json;
    json_text_init(&json, REPLY_LIST_MAX_BYTES);
    json_text_array(&json, NULL);
    for (size_t i = 0; i < rows.count; i++) {
        wire_pipe_write(&json, &rows.items[i]);
    }
    json_text_end_array(&json);
    pipe_rows_done(&rows);
    return reply_set_result_text(reply, &json, err);
}

enum status handle_pipe_get(const struct request *request, struct reply *reply, struct err *err)
{
    return support_reply_pipe(request, reply, err);
}

/* The pipe is gone whether its ClickHouse user can be dropped now or not: take_back_next tries it
 * again. */
static void drop_user(const struct request *request, const char *pipe_id)
{
    struct support_clickhouse clickhouse = {0};
    struct err err = {.status = ST_OK};
    enum status status = support_clickhouse_open(request, &clickhouse, &err);
    status = status == ST_OK ? pipe_user_drop(&clickhouse, pipe_id, &err) : status;
    status = status == ST_OK ? leftover_remove(request->store, pipe_id, &err) : status;
    if (status != ST_OK) {
        log_err(LOG_WARN, "clickhouse_leftover", &err, "pipe=%s", pipe_id);
    }
    support_clickhouse_done(&clickhouse);
}

enum status handle_pipe_delete(const struct request *request, struct reply *reply, struct err *err)
{
    (void)reply; /* an envelope without a result */
    const char *id = request_param(request, "clickPipeId");
    json_t *secrets = NULL;
    enum status status = pipe_get_secrets(request->store, id, &secrets, NULL);
    const bool has_user = status == ST_OK && json_object_get(secrets, "clickhouse") != NULL;
    json_decref(secrets);
    status = has_user ? pipe_delete_with_user(request->store, request->service.id, id, err)
                      : pipe_delete(request->store, request->service.id, id, err);
    if (status == ST_NOT_FOUND) {
        return err_set(err, status, "%s", id);
    }
    if (status == ST_OK && has_user) {
        drop_user(request, id);
    }
    return status;
}

enum command {
    COMMAND_START,
    COMMAND_STOP,
};

/* "command" (the API) or "action" (the public documentation); both must say the same. */
static enum status
read_command(const struct request *request, enum command *ret_command, struct err *err)
{
    const json_t *value = json_object_get(request->json, "command");
    const json_t *alias = json_object_get(request->json, "action");
    if (value != NULL && alias != NULL && json_equal(value, alias) == 0) {
        return err_set(err, ST_INVALID, "/action: is another name of command, and says otherwise");
    }
    value = value == NULL ? alias : value;
    const char *text = json_string_value(value);
    if (text == NULL) {
        return err_set(err, ST_INVALID, "/command: required, one of start, stop");
    }
    if (strcmp(text, "start") == 0) {
        *ret_command = COMMAND_START;
        return ST_OK;
    }
    if (strcmp(text, "stop") == 0) {
        *ret_command = COMMAND_STOP;
        return ST_OK;
    }
    if (strcmp(text, "resync") == 0) {
        return err_set(err, ST_INVALID, "/command: resync is not available for Kafka ClickPipes");
    }
    return err_set(err, ST_INVALID, "/command: '%.64s' is not one of start, stop", text);
}

static enum status run_command(
    const struct request *request, enum command command, enum pipe_state state, struct err *err)
{
    const char *id = request_param(request, "clickPipeId");
    if (command == COMMAND_STOP) {
        return pipe_stop(request->store, request->service.id, id, err);
    }
    if (pipe_state_refuses_start(state)) {
        return err_set(err, ST_REJECTED, "%.*s ClickPipe is already running", SHOWN_ID_CHARS, id);
    }
    return pipe_start(request->store, request->service.id, id, err);
}

enum status handle_pipe_state(const struct request *request, struct reply *reply, struct err *err)
{
    struct pipe_row row = {0};
    enum status status = support_pipe(request, &row, err);
    if (status != ST_OK) {
        return status;
    }
    enum pipe_state state = pipe_state_derive(&row.facts);
    pipe_row_done(&row);
    enum command command = COMMAND_STOP;
    status = read_command(request, &command, err);
    if (status == ST_OK) {
        status = run_command(request, command, state, err);
    }
    return status == ST_OK ? support_reply_pipe(request, reply, err) : status;
}

static bool is_same_scaling(const struct pipe_scaling *a, const struct pipe_scaling *b)
{
    bool is_same_memory = !(a->memory_gb < b->memory_gb) && !(a->memory_gb > b->memory_gb);
    return is_same_memory && a->replicas == b->replicas && a->cpu_millicores == b->cpu_millicores;
}

enum status handle_pipe_scaling(const struct request *request, struct reply *reply, struct err *err)
{
    struct pipe_row row = {0};
    enum status status = support_pipe(request, &row, err);
    if (status != ST_OK) {
        return status;
    }
    struct pipe_scaling before = row.scaling;
    struct pipe_scaling after = row.scaling;
    pipe_row_done(&row);
    struct pipe_problems problems = {0};
    status = pipe_scaling_apply_json(request->json, "", &problems, &after);
    if (status == ST_INVALID) {
        status = support_problems(&problems, reply, err);
    } else if (status != ST_OK) {
        status = err_set(err, status, "no memory for the scaling");
    }
    pipe_problems_done(&problems);
    if (status == ST_OK && !is_same_scaling(&before, &after)) {
        status = pipe_scale(
            request->store, request->service.id, request_param(request, "clickPipeId"), &after,
            err);
    }
    return status == ST_OK ? support_reply_pipe(request, reply, err) : status;
}

enum status handle_pipe_context(const struct request *request, struct reply *reply, struct err *err)
{
    (void)request;
    return reply_set_result(
        reply,
        json_pack(
            "{s:{s:b, s:b, s:n}}", "gcpWorkloadIdentity", "supported", 0, "ready", 0, "principal"),
        err);
}
