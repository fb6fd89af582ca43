/*
 * PATCH of a pipe and its settings (api-contract 2.4, 2.8, 2.9): the row is locked, the change is
 * made on the stored JSON, the whole is checked like a create, then stored. All or nothing.
 */
#include "common/store/pipe_change.h"

#include "api/handlers/handlers.h"
#include "api/handlers/support.h"
#include "api/wire/pipe_patch.h"
#include "api/wire/pipe_wire.h"

/* How one of the two calls changes the definition. */
typedef enum status
change_function(const struct request *request, struct pipe_patch *patch, struct err *err);

static enum status
apply_patch(const struct request *request, struct pipe_patch *patch, struct err *err)
{
    return wire_patch_apply(request->json, wire_is_terraform(request->user_agent), patch, err);
}

static enum status
apply_settings(const struct request *request, struct pipe_patch *patch, struct err *err)
{
    return wire_settings_put(
        request->json, wire_is_terraform(request->user_agent), patch->definition, err);
}

static enum status
check_result(const struct pipe_patch *patch, struct reply *reply, struct err *err)
{
    struct pipe_problems problems = {0};
    struct pipe_spec *spec = NULL;
    enum status status =
        pipe_spec_from_json(patch->definition, patch->secrets, &problems, &spec, err);
    if (status == ST_OK || status == ST_INVALID) {
        support_check_supported(patch->definition, &problems);
        status = support_problems(&problems, reply, err);
    }
    pipe_problems_done(&problems);
    pipe_spec_free(spec);
    return status;
}

/* True if replicas must take the change over; a new name alone is for people. */
static bool needs_restart(json_t *before, json_t *after)
{
    json_t *nameless_before = json_copy(before);
    json_t *nameless_after = json_copy(after);
    (void)json_object_del(nameless_before, "name"); /* absent is fine */
    (void)json_object_del(nameless_after, "name");
    bool is_same = json_equal(nameless_before, nameless_after) != 0;
    json_decref(nameless_before);
    json_decref(nameless_after);
    return !is_same;
}

static enum status store_result(
    const struct request *request, const struct pipe_row *row, const struct pipe_patch *patch,
    const json_t *old_secrets, struct err *err)
{
    bool has_new_secrets = patch->has_new_secrets && json_equal(patch->secrets, old_secrets) == 0;
    bool restarts = has_new_secrets || needs_restart(row->definition, patch->definition);
    const char *name = json_string_value(json_object_get(patch->definition, "name"));
    if (!restarts && json_equal(row->definition, patch->definition) != 0) {
        return ST_OK; /* nothing changed */
    }
    struct pipe_change change = {
        .name = name == NULL ? row->name : name,
        .definition = patch->definition,
        .has_new_secrets = has_new_secrets,
        .secrets = patch->secrets,
        .needs_restart = restarts,
    };
    return pipe_store_change(request->store, request->service.id, row->id, &change, err);
}

/* Inside the transaction. */
static enum status change_locked(
    const struct request *request, change_function *change, struct reply *reply, struct err *err)
{
    struct pipe_row row = {0};
    enum status status = support_pipe(request, &row, err);
    if (status != ST_OK) {
        return status;
    }
    json_t *old_secrets = NULL;
    struct pipe_patch patch = {.definition = json_deep_copy(row.definition)};
    status = pipe_get_secrets(request->store, row.id, &old_secrets, err);
    if (status == ST_OK) {
        patch.secrets = json_deep_copy(old_secrets);
        status = patch.definition == NULL ? err_set(err, ST_NO_MEMORY, "no memory for the change")
                                          : change(request, &patch, err);
    }
    if (status == ST_OK) {
        status = check_result(&patch, reply, err);
    }
    if (status == ST_OK) {
        status = store_result(request, &row, &patch, old_secrets, err);
    }
    wire_patch_done(&patch);
    json_decref(old_secrets);
    pipe_row_done(&row);
    return status;
}

static enum status change_pipe(
    const struct request *request, change_function *change, struct reply *reply, struct err *err)
{
    const char *id = request_param(request, "clickPipeId");
    enum status status = store_begin(request->store, err);
    if (status != ST_OK) {
        return status;
    }
    status = pipe_lock(request->store, request->service.id, id, err);
    if (status == ST_NOT_FOUND) {
        status = err_set(err, status, "%s", id);
    }
    if (status == ST_OK) {
        status = change_locked(request, change, reply, err);
    }
    if (status != ST_OK) {
        store_rollback(request->store);
        return status;
    }
    return store_commit(request->store, err);
}

enum status handle_pipe_patch(const struct request *request, struct reply *reply, struct err *err)
{
    enum status status = change_pipe(request, apply_patch, reply, err);
    return status == ST_OK ? support_reply_pipe(request, reply, err) : status;
}

enum status handle_settings_get(const struct request *request, struct reply *reply, struct err *err)
{
    struct pipe_row row = {0};
    enum status status = support_pipe(request, &row, err);
    if (status != ST_OK) {
        return status;
    }
    status = reply_set_result(reply, wire_settings_to_json(row.definition), err);
    pipe_row_done(&row);
    return status;
}

enum status handle_settings_put(const struct request *request, struct reply *reply, struct err *err)
{
    enum status status = change_pipe(request, apply_settings, reply, err);
    return status == ST_OK ? handle_settings_get(request, reply, err) : status;
}
