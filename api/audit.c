/*
 * The picture of what a call changes, before and after it.
 */
#include "api/audit.h"

#include "common/base/log.h"
#include "common/store/audit.h"
#include "common/store/pipes.h"

#include "api/http/router.h"
#include "api/wire/pipe_wire.h"
#include "api/wire/service_wire.h"

/* *ret_json NULL if there is no such pipe any more. Owned reference. */
static enum status
picture_of_pipe(const struct request *request, const char *id, json_t **ret_json, struct err *err)
{
    struct pipe_row row = {0};
    enum status status = pipe_get(request->store, request->service.id, id, &row, err);
    if (status != ST_OK) {
        return status == ST_NOT_FOUND ? ST_OK : status;
    }
    *ret_json = wire_pipe_to_json(&row);
    pipe_row_done(&row);
    return *ret_json == NULL ? err_set(err, ST_NO_MEMORY, "no memory for the audit") : ST_OK;
}

static enum status
picture_of_service(const struct request *request, json_t **ret_json, struct err *err)
{
    struct service_row row = {0};
    enum status status =
        service_get(request->store, request->key.organization_id, request->service.id, &row, err);
    if (status != ST_OK) {
        return status == ST_NOT_FOUND ? ST_OK : status;
    }
    *ret_json = wire_service_to_json(&row);
    service_row_done(&row);
    return *ret_json == NULL ? err_set(err, ST_NO_MEMORY, "no memory for the audit") : ST_OK;
}

/* The id of what the path names last, NULL if the call makes something new. */
static const char *target_of(const struct request *request)
{
    if (request->method == HTTP_POST && request_find_param(request, "clickPipeId") == NULL) {
        return NULL;
    }
    const char *pipe = request_find_param(request, "clickPipeId");
    return pipe != NULL ? pipe : request_find_param(request, "serviceId");
}

static enum status picture(const struct request *request, json_t **ret_json, struct err *err)
{
    *ret_json = NULL;
    const char *pipe = request_find_param(request, "clickPipeId");
    if (target_of(request) == NULL) {
        return ST_OK;
    }
    return pipe != NULL ? picture_of_pipe(request, pipe, ret_json, err)
                        : picture_of_service(request, ret_json, err);
}

enum status
audit_note_begin(const struct request *request, struct audit_note *ret_note, struct err *err)
{
    ret_note->id = 0;
    if (request->route->access != ROUTE_WRITE) {
        return ST_OK;
    }
    json_t *before = NULL;
    enum status status = picture(request, &before, err);
    const char *target = target_of(request);
    if (status != ST_OK || (target != NULL && before == NULL)) {
        return status; /* what is not there cannot be changed: the handler says so */
    }
    const struct audit_call call = {
        .organization_id = request->key.organization_id,
        .key_id = request->key.id,
        .method = http_method_text(request->method),
        .path = request->path,
        .target = target,
        .before = before,
    };
    status = audit_begin(request->store, &call, &ret_note->id, err);
    json_decref(before);
    if (status != ST_OK && status_http_code(status) < 500) {
        return err_set(
            err, ST_INTERNAL, "the audit entry was refused"); /* not the client's fault */
    }
    return status;
}

static enum status
complete(const struct request *request, const struct reply *reply, int64_t id, struct err *err)
{
    if (target_of(request) == NULL) {
        const char *made = json_string_value(json_object_get(reply->result, "id"));
        return audit_complete(request->store, id, made, reply->result, err);
    }
    json_t *after = NULL;
    enum status status = picture(request, &after, err);
    if (status == ST_OK) {
        status = audit_complete(request->store, id, NULL, after, err);
    }
    json_decref(after);
    return status;
}

void audit_note_end(
    const struct request *request, const struct reply *reply, enum status status,
    const struct audit_note *note)
{
    if (note->id == 0) {
        return;
    }
    struct err err = {.status = ST_OK};
    enum status noted = ST_OK;
    if (status == ST_OK && !reply->changed_nothing) {
        noted = complete(request, reply, note->id, &err);
    } else if (status_http_code(status) < 500) {
        noted = audit_drop(request->store, note->id, &err);
    }
    if (noted != ST_OK) {
        log_err(LOG_WARN, "audit_not_completed", &err, "request=%s", request->id);
    }
}
