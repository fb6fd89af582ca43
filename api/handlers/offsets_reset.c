/*
 * POST P/offsets/reset: of a pipe that nobody reads for. What would be read again or skipped is
 * said either way; with dryRun that is all.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/store/pipe_change.h"

#include "api/handlers/handlers.h"
#include "api/handlers/offsets_ask.h"
#include "api/handlers/probe_ask.h"
#include "api/handlers/support.h"

enum {
    RESET_OFFSETS_MAX = 100000
};

static const struct probe_option MEMBERS[] = {
    {"to", PROBE_OPTION_TEXT, 0, 0},
    {"timestamp", PROBE_OPTION_TIME, 0, 0},
    {"offsets", PROBE_OPTION_OFFSETS, 1, RESET_OFFSETS_MAX},
    {"dryRun", PROBE_OPTION_BOOL, 0, 0},
};

/* The same partition twice would say two things. */
static enum status check_once(const json_t *list, struct pipe_problems *problems, struct err *err)
{
    json_t *seen = json_object();
    bool has_memory = seen != NULL;
    for (size_t i = 0; has_memory && i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        json_t *name = json_sprintf(
            "%lld %s", (long long)support_number(item, "partition"),
            json_string_value(json_object_get(item, "topic")));
        const char *text = json_string_value(name);
        if (text != NULL && json_object_get(seen, text) != NULL) {
            char pointer[48];
            (void)snprintf(pointer, sizeof(pointer), "/offsets/%zu", i); /* fits */
            pipe_problems_add(problems, pointer, "this partition is named twice");
        }
        has_memory = text != NULL && json_object_set_new(seen, text, json_true()) == 0;
        json_decref(name);
    }
    json_decref(seen);
    return has_memory ? ST_OK : err_set(err, ST_NO_MEMORY, "no memory for the offsets");
}

/* Whether `to` is given and has its companion, and no other has come along. */
static void check_to(const json_t *body, struct pipe_problems *problems)
{
    static const char *const PLACES[] = {"beginning", "latest", "timestamp", "offsets"};
    static const char *const COMPANIONS[] = {"/timestamp", "/offsets"};
    const char *to = json_string_value(json_object_get(body, "to"));
    if (to == NULL) {
        pipe_problems_add(
            problems, "/to", "required, one of beginning, latest, timestamp, offsets");
        return;
    }
    support_check_member(body, "/to", PLACES, ARRAY_LEN(PLACES), problems);
    for (size_t i = 0; i < ARRAY_LEN(COMPANIONS); i++) {
        const char *name = COMPANIONS[i] + 1;
        const json_t *given = json_object_get(body, name);
        const bool is_given = given != NULL && !json_is_null(given);
        if (is_given != (strcmp(to, name) == 0)) {
            pipe_problems_add(
                problems, COMPANIONS[i],
                is_given ? "goes with \"to\": \"%s\" only" : "required with \"to\": \"%s\"", name);
        }
    }
}

/* The body as the probe's reset; a member that is misspelt (dryrun) must not reset anything.
 * ret_reset: owned reference. ST_INVALID, ST_NO_MEMORY. */
static enum status
read_reset(const struct request *request, struct reply *reply, json_t **ret_reset, struct err *err)
{
    struct pipe_problems problems = {0};
    json_t *read = NULL;
    probe_options_only(request->json, MEMBERS, ARRAY_LEN(MEMBERS), &problems);
    check_to(request->json, &problems);
    enum status status =
        probe_options_read(request->json, MEMBERS, ARRAY_LEN(MEMBERS), &problems, &read, err);
    if (status == ST_OK && problems.count == 0) {
        status = check_once(json_object_get(read, "offsets"), &problems, err);
    }
    if (status == ST_OK) {
        status = support_problems(&problems, reply, err);
    }
    pipe_problems_done(&problems);
    const bool is_dry = json_is_true(json_object_get(read, "dryRun"));
    if (status == ST_OK && json_object_set_new(read, "apply", json_boolean(!is_dry)) != 0) {
        status = err_set(err, ST_NO_MEMORY, "no memory for the reset");
    }
    if (status != ST_OK) {
        json_decref(read);
        return status;
    }
    *ret_reset = read;
    return ST_OK;
}

/* {partitions: [{topic, partition, from, to}], again, skipped} of the partitions that move. */
static json_t *moves_of_answer(const json_t *answer)
{
    json_t *list = json_array();
    const json_t *rows = json_object_get(answer, "partitions");
    json_int_t again = 0;
    json_int_t skipped = 0;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const json_int_t from = support_number(row, "start");
        const json_int_t to = support_number(row, "to");
        if (to < 0) {
            continue;
        }
        again += from > to ? from - to : 0;
        skipped += to > from ? to - from : 0;
        if (json_array_append_new(
                list,
                json_pack(
                    "{s:O, s:O, s:I, s:I}", "topic", json_object_get(row, "topic"), "partition",
                    json_object_get(row, "partition"), "from", from, "to", to)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return json_pack("{s:o, s:I, s:I}", "partitions", list, "again", again, "skipped", skipped);
}

/* Keep what was done: the mirrored offsets, another epoch, and an event. The offsets that were set
 * have no metadata, which ends what was pending in their partitions by itself; a reset of single
 * partitions leaves the others in their epoch. */
static enum status record_reset(
    const struct request *request, const char *id, const json_t *answer, const json_t *moves,
    struct err *err)
{
    const char *asked = json_string_value(json_object_get(request->json, "to"));
    const bool is_whole = asked != NULL && strcmp(asked, "offsets") != 0;
    const json_t *rows = json_object_get(answer, "partitions");
    const size_t count = json_array_size(rows);
    struct pipe_offset *offsets = calloc(count + 1, sizeof(*offsets));
    if (offsets == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for the offsets");
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *row = json_array_get(rows, i);
        const json_int_t to = support_number(row, "to");
        offsets[i] = (struct pipe_offset){
            .topic = json_string_value(json_object_get(row, "topic")),
            .partition = (int)support_number(row, "partition"),
            .committed = to < 0 ? support_number(row, "committed") : to,
            .end_offset = support_number(row, "end"),
        };
    }
    enum status status = pipe_store_offsets(request->store, id, offsets, count, err);
    free(offsets);
    if (status == ST_OK && is_whole) {
        status = pipe_raise_epoch(request->store, id, err);
    }
    const struct pipe_event event = {
        .type = "offsets_reset",
        .severity = "warning",
        .message = "the offsets were reset",
        .details = moves,
    };
    return status == ST_OK ? pipe_add_event(request->store, id, &event, err) : status;
}

static enum status reset(
    const struct request *request, const struct pipe_row *row, struct reply *reply, struct err *err)
{
    json_t *question = NULL;
    enum status status = read_reset(request, reply, &question, err);
    const bool is_dry = json_is_true(json_object_get(request->json, "dryRun"));
    if (status == ST_OK) {
        status = support_check_idle(row, err);
    }
    if (status == ST_OK && !row->has_worker) {
        status = err_set(err, ST_NO_WORKER, "no worker runs that could ask Kafka: start one");
    }
    if (status != ST_OK) {
        json_decref(question);
        return status;
    }
    json_t *answer = NULL;
    status = offsets_ask(request, row, question, &answer, err);
    json_t *moves = status == ST_OK ? moves_of_answer(answer) : NULL;
    if (status == ST_OK && !is_dry) {
        status = record_reset(request, row->id, answer, moves, err);
    }
    json_decref(answer);
    reply->changed_nothing = is_dry;
    if (status != ST_OK) {
        json_decref(moves);
        return status;
    }
    return reply_set_result(reply, moves, err);
}

enum status
handle_offsets_reset(const struct request *request, struct reply *reply, struct err *err)
{
    struct pipe_row row = {0};
    enum status status = support_pipe(request, &row, err);
    if (status == ST_OK) {
        status = reset(request, &row, reply, err);
    }
    pipe_row_done(&row);
    return status;
}
