/*
 * PATCH of a pipe, its settings and its source: what is new to brokers and tables is tried there;
 * then the row is locked, the change is made on the stored JSON, the whole is checked like a
 * create, then stored. All or nothing.
 */
#include "common/store/pipe_change.h"

#include <stdio.h>
#include <string.h>

#include "common/model/pipe_mapping.h"

#include "api/handlers/create_tables.h"
#include "api/handlers/guarantee_find.h"
#include "api/handlers/handlers.h"
#include "api/handlers/source_check.h"
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

/* PATCH P/source: what Cloud makes immutable, while nobody reads; new logins at any time. */
static enum status
apply_source(const struct request *request, struct pipe_patch *patch, struct err *err)
{
    return wire_source_patch(request->json, patch, err);
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

static const json_t *kafka_member(const json_t *definition, const char *name)
{
    return json_object_get(json_object_get(json_object_get(definition, "source"), "kafka"), name);
}

static bool is_same_kafka(const json_t *before, const json_t *after, const char *name)
{
    return json_equal(kafka_member(before, name), kafka_member(after, name)) != 0;
}

/* The consumer group a definition means. space: for the default one. */
static const char *group_of(
    const json_t *definition, const char *id, char space[sizeof("clickpipes-") + UUID_TEXT_BYTES])
{
    const char *given = json_string_value(kafka_member(definition, "consumerGroup"));
    if (given != NULL) {
        return given;
    }
    (void)snprintf(space, sizeof("clickpipes-") + UUID_TEXT_BYTES, "clickpipes-%s", id); /* fits */
    return space;
}

/* Inside the transaction, the row locked: nobody starts the pipe before it ends. */
static enum status check_idle(
    const struct request *request, change_function *change, const struct pipe_row *row,
    struct err *err)
{
    bool needs_idle = change == apply_source && !wire_source_is_login(request->json);
    return needs_idle ? support_check_idle(row, err) : ST_OK;
}

/* A change that is tried on a copy of what is stored. */
struct attempt {
    struct pipe_row row;
    json_t *old_secrets;
    struct pipe_patch patch;
};

static void attempt_done(struct attempt *attempt)
{
    wire_patch_done(&attempt->patch);
    json_decref(attempt->old_secrets);
    pipe_row_done(&attempt->row);
}

/* Read, change the copy, check its shape. ret_attempt: zeroed; attempt_done, whatever comes. */
static enum status try_change(
    const struct request *request, change_function *change, struct attempt *ret_attempt,
    struct reply *reply, struct err *err)
{
    struct pipe_row *row = &ret_attempt->row;
    struct pipe_patch *patch = &ret_attempt->patch;
    enum status status = support_pipe(request, row, err);
    if (status == ST_OK) {
        status = check_idle(request, change, row, err);
    }
    if (status == ST_OK) {
        status = pipe_get_secrets(request->store, row->id, &ret_attempt->old_secrets, err);
    }
    if (status == ST_OK) {
        patch->definition = json_deep_copy(row->definition);
        patch->secrets = json_deep_copy(ret_attempt->old_secrets);
        status = patch->definition == NULL ? err_set(err, ST_NO_MEMORY, "no memory for the change")
                                           : change(request, patch, err);
    }
    return status == ST_OK ? check_result(patch, reply, err) : status;
}

/* ---- what must be asked of others, before the row is locked ---- */

static bool is_source_changed(const struct attempt *attempt)
{
    const json_t *before = json_object_get(attempt->row.definition, "source");
    const json_t *after = json_object_get(attempt->patch.definition, "source");
    return json_equal(json_object_get(before, "kafka"), json_object_get(after, "kafka")) == 0 ||
           (attempt->patch.has_new_secrets &&
            json_equal(attempt->patch.secrets, attempt->old_secrets) == 0);
}

/* Settings that not every Kafka library knows. */
static bool is_group_changed(const struct attempt *attempt)
{
    static const char *const NAMES[] = {"penstock_group_protocol", "penstock_assignor"};
    const json_t *before = json_object_get(attempt->row.definition, "settings");
    const json_t *after = json_object_get(attempt->patch.definition, "settings");
    bool is_changed = false;
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        const json_t *wanted = json_object_get(after, NAMES[i]);
        is_changed = is_changed ||
                     (wanted != NULL && json_equal(json_object_get(before, NAMES[i]), wanted) == 0);
    }
    return is_changed;
}

/* The new columns against the table. Of a table that the pipe manages columns may be missing still:
 * the contract takes them (case 20), and whoever changes the table next has the new ones in it. */
static enum status check_columns(
    const struct request *request, const struct attempt *attempt, struct pipe_problems *problems,
    struct err *err)
{
    const json_t *before = json_object_get(attempt->row.definition, "destination");
    const json_t *after = json_object_get(attempt->patch.definition, "destination");
    if (json_equal(json_object_get(before, "columns"), json_object_get(after, "columns")) != 0) {
        return ST_OK;
    }
    struct support_clickhouse clickhouse = {0};
    CLEANUP(pipe_spec_freep) struct pipe_spec *spec = NULL;
    struct pipe_problems none = {0};
    enum status status =
        pipe_spec_from_json(attempt->patch.definition, attempt->patch.secrets, &none, &spec, err);
    pipe_problems_done(&none); /* there are none: the shape was checked */
    if (status == ST_OK) {
        status = support_clickhouse_open(request, &clickhouse, err);
    }
    if (status == ST_OK) {
        status = create_tables_check_columns(&clickhouse, &spec->destination, problems, err);
        support_clickhouse_done(&clickhouse);
    }
    return status;
}

static enum status check_others(
    const struct request *request, const struct attempt *attempt, struct reply *reply,
    struct err *err)
{
    char space[sizeof("clickpipes-") + UUID_TEXT_BYTES];
    const struct source_subject subject = {
        attempt->patch.definition, attempt->patch.secrets,
        group_of(attempt->patch.definition, attempt->row.id, space)};
    struct pipe_problems problems = {0};
    enum status status = ST_OK;
    if (is_source_changed(attempt)) {
        status = source_check(request, &subject, &problems, err);
    }
    const bool is_source_bad = problems.count > 0;
    if (status == ST_OK && !is_source_changed(attempt) && is_group_changed(attempt)) {
        status = source_check_library(request, &subject, &problems, err);
    }
    if (status == ST_OK) {
        status = check_columns(request, attempt, &problems, err);
    }
    if (status == ST_OK) {
        status =
            support_problems_of(&problems, is_source_bad ? SOURCE_CHECK_WORDS : "", reply, err);
    }
    pipe_problems_done(&problems);
    const json_t *source = json_object_get(request->json, "source");
    if (status == ST_OK && json_is_true(json_object_get(source, "validateSamples"))) {
        status = source_check_samples(request, &subject, err);
    }
    return status;
}

/* True if the change may be about what brokers or ClickHouse have. */
static bool concerns_others(const struct request *request, change_function *change)
{
    return change == apply_source ||
           (change == apply_patch && (json_object_get(request->json, "source") != NULL ||
                                      json_object_get(request->json, "destination") != NULL));
}

static bool has_settings(const struct request *request, change_function *change)
{
    return change == apply_settings ||
           (change == apply_patch && json_object_get(request->json, "settings") != NULL);
}

/*
 * Brokers and ClickHouse answer in their own time, so they are asked with the row unlocked, about
 * the change as it would be now. Should another change come between, this one is made all the same,
 * on what is stored then.
 */
static enum status check_before(
    const struct request *request, change_function *change, struct reply *reply, struct err *err)
{
    if (!concerns_others(request, change) && !has_settings(request, change)) {
        return ST_OK;
    }
    CLEANUP(attempt_done) struct attempt attempt = {.old_secrets = NULL};
    enum status status = try_change(request, change, &attempt, reply, err);
    return status == ST_OK ? check_others(request, &attempt, reply, err) : status;
}

static enum status
store_result(const struct request *request, const struct attempt *attempt, struct err *err)
{
    const struct pipe_row *row = &attempt->row;
    const struct pipe_patch *patch = &attempt->patch;
    bool has_new_secrets =
        patch->has_new_secrets && json_equal(patch->secrets, attempt->old_secrets) == 0;
    bool restarts = has_new_secrets || needs_restart(row->definition, patch->definition);
    const char *name = json_string_value(json_object_get(patch->definition, "name"));
    if (!restarts && json_equal(row->definition, patch->definition) != 0) {
        return ST_OK; /* nothing changed */
    }
    char group[sizeof("clickpipes-") + UUID_TEXT_BYTES];
    const char *new_group = group_of(patch->definition, row->id, group);
    const bool is_new_group = strcmp(new_group, row->consumer_group) != 0;
    json_t *old_mapping = pipe_mapping_is_same(row->definition, patch->definition)
                              ? NULL
                              : pipe_mapping_of(row->definition);
    const bool is_elsewhere = !is_same_kafka(row->definition, patch->definition, "brokers");
    struct pipe_change change = {
        .name = name == NULL ? row->name : name,
        .definition = patch->definition,
        .has_new_secrets = has_new_secrets,
        .secrets = patch->secrets,
        .consumer_group = is_new_group ? new_group : NULL,
        .forgets_offsets = is_new_group || is_elsewhere ||
                           !is_same_kafka(row->definition, patch->definition, "topics"),
        .needs_restart = restarts,
        /* Other topics leave the ranges of those that stay as they are: finish them. */
        .raises_epoch = is_new_group || is_elsewhere,
        .old_mapping = old_mapping,
    };
    enum status status =
        pipe_store_change(request->store, request->service.id, row->id, &change, err);
    json_decref(old_mapping);
    if (status != ST_OK || !has_new_secrets) {
        return status;
    }
    static const struct pipe_event event = {
        .type = "credentials",
        .severity = "info",
        .message = "the credentials were changed",
    };
    return pipe_add_event(request->store, row->id, &event, err);
}

/* Inside the transaction. */
static enum status change_locked(
    const struct request *request, change_function *change, struct reply *reply, struct err *err)
{
    CLEANUP(attempt_done) struct attempt attempt = {.old_secrets = NULL};
    enum status status = try_change(request, change, &attempt, reply, err);
    return status == ST_OK ? store_result(request, &attempt, err) : status;
}

static enum status change_pipe(
    const struct request *request, change_function *change, struct reply *reply, struct err *err)
{
    const char *id = request_param(request, "clickPipeId");
    enum status status = check_before(request, change, reply, err);
    if (status == ST_OK) {
        status = store_begin(request->store, err);
    }
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
    status = store_commit(request->store, err);
    if (status == ST_OK && concerns_others(request, change)) {
        guarantee_find_again(request);
    }
    return status;
}

enum status handle_pipe_patch(const struct request *request, struct reply *reply, struct err *err)
{
    enum status status = change_pipe(request, apply_patch, reply, err);
    return status == ST_OK ? support_reply_pipe(request, reply, err) : status;
}

enum status handle_source_patch(const struct request *request, struct reply *reply, struct err *err)
{
    enum status status = change_pipe(request, apply_source, reply, err);
    return status == ST_OK ? support_reply_pipe(request, reply, err) : status;
}

/* POST P/restart: replicas drain and start again with the same definition. */
enum status handle_pipe_restart(const struct request *request, struct reply *reply, struct err *err)
{
    static const struct pipe_event event = {
        .type = "restarted",
        .severity = "info",
        .message = "a restart was asked for",
    };
    struct pipe_row row = {0};
    enum status status = support_pipe(request, &row, err);
    if (status != ST_OK) {
        return status;
    }
    if (!row.facts.is_wanted) {
        status = err_set(err, ST_REJECTED, "the pipe is stopped: start it instead");
    } else if (row.facts.has_failed) {
        status = pipe_start(request->store, request->service.id, row.id, err);
    } else {
        status = pipe_restart(request->store, request->service.id, row.id, err);
    }
    if (status == ST_OK) {
        status = pipe_add_event(request->store, row.id, &event, err);
    }
    pipe_row_done(&row);
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
