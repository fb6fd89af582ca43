/*
 * POST P/errors/replay (docs/errors.md): done by a probe, one at a time per pipe.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clickhouse/error_table.h"
#include "common/store/pipes.h"

#include "api/handlers/handlers.h"
#include "api/handlers/probe_ask.h"
#include "api/handlers/support.h"

enum {
    REPLAY_DEADLINE_MS = 55000, /* longer replays go on with the answer's cursor */
    REPLAY_OFFSETS_MAX = 1000,
};

static const struct probe_option OPTIONS[] = {
    {"type", PROBE_OPTION_TEXT, 0, 0},   {"from", PROBE_OPTION_TIME, 0, 0},
    {"to", PROBE_OPTION_TIME, 0, 0},     {"offsets", PROBE_OPTION_OFFSETS, 0, REPLAY_OFFSETS_MAX},
    {"dryRun", PROBE_OPTION_BOOL, 0, 0}, {"cursor", PROBE_OPTION_TEXT, 0, 0},
};

/* A filter that is misspelt would replay everything. */
static enum status check_members(const json_t *body, struct err *err)
{
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)body, name, value)
    {
        size_t i = 0;
        while (i < ARRAY_LEN(OPTIONS) && strcmp(OPTIONS[i].name, name) != 0) {
            i++;
        }
        if (i == ARRAY_LEN(OPTIONS)) {
            return err_set(
                err, ST_INVALID,
                "/%s: a replay has no such member; it has type, from, to, offsets, dryRun and "
                "cursor",
                name);
        }
    }
    return ST_OK;
}

static enum status
read_options(const struct request *request, json_t **ret_options, struct err *err)
{
    enum status status = check_members(request->json, err);
    if (status != ST_OK) {
        return status;
    }
    static const char *const TYPES[] = {
#define X(type) #type,
        ERROR_TABLE_TYPES(X)
#undef X
    };
    status = support_check_word(
        "/type", json_string_value(json_object_get(request->json, "type")), TYPES, ARRAY_LEN(TYPES),
        err);
    if (status != ST_OK) {
        return status;
    }
    return probe_options_read(request->json, OPTIONS, ARRAY_LEN(OPTIONS), ret_options, err);
}

static json_int_t count_of(const json_t *result, const char *name)
{
    return json_integer_value(json_object_get(result, name));
}

/* A line in the pipe's history; a missing one is no reason to say that the replay failed. */
static void note_replay(const struct request *request, const char *pipe_id, json_t *result)
{
    if (count_of(result, "replayed") == 0 && count_of(result, "stillFailing") == 0) {
        return;
    }
    char message[160];
    (void)snprintf(/* fits */
                   message, sizeof(message),
                   "%lld of %lld rejected records were replayed, %lld still fail",
                   (long long)count_of(result, "replayed"), (long long)count_of(result, "matched"),
                   (long long)count_of(result, "stillFailing"));
    const struct pipe_event event = {
        .type = "replayed", .severity = "info", .message = message, .details = result};
    enum status status = pipe_add_event(request->store, pipe_id, &event, NULL);
    (void)status; /* see above */
}

static enum status
ask(const struct request *request, const struct pipe_row *row, json_t **ret_result, struct err *err)
{
    char lock[64];
    (void)snprintf(lock, sizeof(lock), "replay:%s", row->id); /* fits */
    struct probe_question question = {
        .kind = "replay",
        .definition = json_incref(row->definition),
        .has_clickhouse = true,
        .lock_name = lock,
        .deadline_ms = REPLAY_DEADLINE_MS,
    };
    enum status status = pipe_get_secrets(request->store, row->id, &question.secrets, err);
    if (status == ST_OK) {
        status = read_options(request, &question.options, err);
    }
    if (status == ST_OK &&
        json_object_set_new(question.options, "pipeId", json_string(row->id)) != 0) {
        status = err_set(err, ST_NO_MEMORY, "no memory for a question");
    }
    if (status == ST_OK) {
        status = probe_question_ask(request, &question, ret_result, err);
        if (status == ST_CONFLICT) {
            status = err_set(
                err, ST_CONFLICT,
                "another replay of this pipe is under way; try again when it ends");
        }
    }
    probe_question_done(&question);
    return status;
}

enum status
handle_errors_replay(const struct request *request, struct reply *reply, struct err *err)
{
    struct pipe_row row = {0};
    enum status status = support_pipe(request, &row, err);
    if (status != ST_OK) {
        return status;
    }
    json_t *result = NULL;
    status = ask(request, &row, &result, err);
    if (status == ST_OK) {
        if (!json_is_true(json_object_get(request->json, "dryRun"))) {
            note_replay(request, row.id, result);
        }
        status = reply_set_result(reply, result, err);
    }
    pipe_row_done(&row);
    return status;
}
