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

/* A filter that is misspelt would replay everything: no other members. */
static enum status read_options(
    const struct request *request, struct reply *reply, json_t **ret_options, struct err *err)
{
    static const char *const TYPES[] = {
#define X(type) #type,
        ERROR_TABLE_TYPES(X)
#undef X
    };
    struct pipe_problems problems = {0};
    probe_options_only(request->json, OPTIONS, ARRAY_LEN(OPTIONS), &problems);
    support_check_member(request->json, "/type", TYPES, ARRAY_LEN(TYPES), &problems);
    enum status status =
        probe_options_read(request->json, OPTIONS, ARRAY_LEN(OPTIONS), &problems, ret_options, err);
    if (status == ST_OK) {
        status = support_problems(&problems, reply, err);
    }
    pipe_problems_done(&problems);
    return status;
}

/* A line in the pipe's history; a missing one is no reason to say that the replay failed. */
static void note_replay(const struct request *request, const char *pipe_id, json_t *result)
{
    if (support_number(result, "replayed") == 0 && support_number(result, "stillFailing") == 0) {
        return;
    }
    char message[160];
    (void)snprintf(/* fits */
                   message, sizeof(message),
                   "%lld of %lld rejected records were replayed, %lld still fail",
                   (long long)support_number(result, "replayed"),
                   (long long)support_number(result, "matched"),
                   (long long)support_number(result, "stillFailing"));
    const struct pipe_event event = {
        .type = "replayed", .severity = "info", .message = message, .details = result};
    enum status status = pipe_add_event(request->store, pipe_id, &event, NULL);
    (void)status; /* see above */
}

static enum status
ask(const struct request *request, const struct pipe_row *row, struct reply *reply,
    json_t **ret_result, struct err *err)
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
        status = read_options(request, reply, &question.options, err);
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
    status = ask(request, &row, reply, &result, err);
    if (status == ST_OK) {
        if (!json_is_true(json_object_get(request->json, "dryRun"))) {
            note_replay(request, row.id, result);
        }
        status = reply_set_result(reply, result, err);
    }
    pipe_row_done(&row);
    return status;
}
