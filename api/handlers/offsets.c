/*
 * GET P/offsets and POST P/offsets/reset. Only a worker can talk to Kafka, so the
 * question goes to a probe (worker/protocol/protocol.h, kind "offsets"). Of a pipe that runs, the
 * replicas' own reports are the answer.
 */
#include <stdlib.h>
#include <string.h>

#include "common/store/pipe_change.h"
#include "common/store/probes.h"
#include "common/store/runtime.h"

#include "api/handlers/handlers.h"
#include "api/handlers/support.h"
#include "api/wire/time_wire.h"

enum {
    ASK_DEADLINE_MS = 15000,
    RESET_OFFSETS_MAX = 100000,
};

/* What Kafka says. reset: taken, NULL = only look. ret_answer: owned reference. ST_UNAVAILABLE
 * without a worker, ST_REJECTED with the probe's reason. */
static enum status ask_kafka(
    const struct request *request, const struct pipe_row *row, json_t *reset, json_t **ret_answer,
    struct err *err)
{
    json_t *secrets = NULL;
    enum status status = pipe_get_secrets(request->store, row->id, &secrets, err);
    if (status != ST_OK) {
        json_decref(reset);
        return status;
    }
    json_t *question = json_pack(
        "{s:s, s:O, s:o*, s:s, s:o*, s:i}", "kind", "offsets", "definition", row->definition,
        "secrets", secrets, "consumerGroup", row->consumer_group, "reset", reset, "deadlineMs",
        ASK_DEADLINE_MS);
    if (question == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for the question to Kafka");
    }
    char job[UUID_TEXT_BYTES];
    status = probe_ask(request->store, question, ASK_DEADLINE_MS, job, err);
    json_decref(question);
    json_t *answer = NULL;
    if (status == ST_OK) {
        status = probe_wait(request->store, job, ASK_DEADLINE_MS, &answer, err);
    }
    if (status == ST_OK && !json_is_true(json_object_get(answer, "ok"))) {
        const char *message = json_string_value(json_object_get(answer, "message"));
        status = err_set(err, ST_REJECTED, "%s", message == NULL ? "no reason given" : message);
    }
    if (status != ST_OK) {
        json_decref(answer);
        return status;
    }
    *ret_answer = answer;
    return ST_OK;
}

static json_int_t number_of(const json_t *row, const char *name)
{
    return json_integer_value(json_object_get(row, name));
}

static json_t *
partition_to_json(const char *topic, json_int_t partition, json_int_t committed, json_int_t end)
{
    const json_int_t from = committed < 0 ? 0 : committed;
    return json_pack(
        "{s:s, s:I, s:I, s:I, s:I}", "topic", topic, "partition", partition, "committed", committed,
        "end", end, "lag", end > from ? end - from : 0);
}

/* What the probe said, in the words of the API; lag of what was never read counts from its start.
 */
static json_t *offsets_of_answer(const json_t *answer)
{
    json_t *list = json_array();
    const json_t *rows = json_object_get(answer, "partitions");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        json_t *item = partition_to_json(
            json_string_value(json_object_get(row, "topic")), number_of(row, "partition"),
            number_of(row, "committed"), number_of(row, "end"));
        const json_int_t lag = number_of(row, "end") - number_of(row, "start");
        (void)json_object_set_new(item, "lag", json_integer(lag < 0 ? 0 : lag)); /* NULL item: */
        if (json_array_append_new(list, item) != 0) {                            /* told here */
            json_decref(list);
            return NULL;
        }
    }
    return json_pack("{s:o}", "partitions", list);
}

/* What the replicas reported last. */
static enum status
reported_offsets(const struct request *request, const char *id, json_t **ret_json, struct err *err)
{
    struct runtime_summaries summaries = {0};
    const struct runtime_scope scope = {
        .organization_id = request->key.organization_id,
        .service_id = request->service.id,
        .pipe_id = id,
    };
    enum status status = runtime_summarize(request->store, &scope, &summaries, err);
    if (status != ST_OK) {
        return status;
    }
    json_t *list = json_array();
    bool is_ok = list != NULL;
    const struct runtime_summary *summary = summaries.count == 0 ? NULL : &summaries.items[0];
    for (size_t i = 0; summary != NULL && is_ok && i < summary->partitions_count; i++) {
        const struct runtime_partition_row *row = &summary->partitions[i];
        is_ok = json_array_append_new(
                    list, partition_to_json(
                              row->topic, row->partition, row->committed, row->end_offset)) == 0;
    }
    runtime_summaries_done(&summaries);
    if (!is_ok) {
        json_decref(list);
        return err_set(err, ST_NO_MEMORY, "no memory for the offsets");
    }
    *ret_json = json_pack("{s:o}", "partitions", list);
    return ST_OK;
}

enum status handle_offsets_get(const struct request *request, struct reply *reply, struct err *err)
{
    struct pipe_row row = {0};
    enum status status = support_pipe(request, &row, err);
    if (status != ST_OK) {
        return status;
    }
    json_t *shown = NULL;
    if (row.facts.has_live_replica || !row.has_worker) {
        status = reported_offsets(request, row.id, &shown, err);
    } else {
        json_t *answer = NULL;
        status = ask_kafka(request, &row, NULL, &answer, err);
        shown = status == ST_OK ? offsets_of_answer(answer) : NULL;
        json_decref(answer);
    }
    pipe_row_done(&row);
    return status == ST_OK ? reply_set_result(reply, shown, err) : status;
}

/* The same partition twice would say two things. seen: names so far. */
static enum status check_once(json_t *seen, const json_t *item, size_t index, struct err *err)
{
    json_t *name = json_sprintf(
        "%lld %s", (long long)json_integer_value(json_object_get(item, "partition")),
        json_string_value(json_object_get(item, "topic")));
    const char *text = json_string_value(name);
    const bool is_twice = text != NULL && json_object_get(seen, text) != NULL;
    const bool is_ok = text != NULL && json_object_set_new(seen, text, json_true()) == 0;
    json_decref(name);
    if (is_twice) {
        return err_set(err, ST_INVALID, "/offsets/%zu: this partition is named twice", index);
    }
    return is_ok ? ST_OK : err_set(err, ST_NO_MEMORY, "no memory for the offsets");
}

static enum status check_offsets(const json_t *list, struct err *err)
{
    const size_t count = json_array_size(list);
    if (count == 0 || count > RESET_OFFSETS_MAX) {
        return err_set(
            err, ST_INVALID, "/offsets: required with \"to\": \"offsets\", an array of 1 to %d",
            RESET_OFFSETS_MAX);
    }
    json_t *seen = json_object();
    enum status status = ST_OK;
    for (size_t i = 0; status == ST_OK && i < count; i++) {
        const json_t *item = json_array_get(list, i);
        const json_t *offset = json_object_get(item, "offset");
        if (!json_is_string(json_object_get(item, "topic")) ||
            !json_is_integer(json_object_get(item, "partition")) || !json_is_integer(offset) ||
            json_integer_value(offset) < 0) {
            status = err_set(
                err, ST_INVALID, "/offsets/%zu: must be {topic, partition, offset}, from 0", i);
        } else {
            status = check_once(seen, item, i, err);
        }
    }
    json_decref(seen);
    return status;
}

/* The body as the probe's reset. ret_reset: owned reference. ST_INVALID, ST_NO_MEMORY. */
static enum status read_reset(json_t *body, json_t **ret_reset, bool *ret_is_dry, struct err *err)
{
    const char *to = json_string_value(json_object_get(body, "to"));
    const json_t *dry = json_object_get(body, "dryRun");
    if (dry != NULL && !json_is_boolean(dry) && !json_is_null(dry)) {
        return err_set(err, ST_INVALID, "/dryRun: must be true or false");
    }
    *ret_is_dry = json_is_true(dry);
    if (to == NULL || (strcmp(to, "beginning") != 0 && strcmp(to, "latest") != 0 &&
                       strcmp(to, "timestamp") != 0 && strcmp(to, "offsets") != 0)) {
        return err_set(
            err, ST_INVALID, "/to: required, one of beginning, latest, timestamp, offsets");
    }
    int64_t time_ms = 0;
    if (strcmp(to, "timestamp") == 0) {
        const char *text = json_string_value(json_object_get(body, "timestamp"));
        if (text == NULL || wire_time_parse(text, &time_ms) != ST_OK) {
            return err_set(err, ST_INVALID, "/timestamp: required, as 2026-01-02T03:04:05Z");
        }
    }
    json_t *offsets = NULL;
    if (strcmp(to, "offsets") == 0) {
        offsets = json_object_get(body, "offsets");
        enum status status = check_offsets(offsets, err);
        if (status != ST_OK) {
            return status;
        }
    }
    *ret_reset = json_pack(
        "{s:s, s:I, s:O*, s:b}", "to", to, "timestampMs", (json_int_t)time_ms, "offsets", offsets,
        "apply", !*ret_is_dry);
    return *ret_reset == NULL ? err_set(err, ST_NO_MEMORY, "no memory for the reset") : ST_OK;
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
        const json_int_t from = number_of(row, "start");
        const json_int_t to = number_of(row, "to");
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
        const json_int_t to = number_of(row, "to");
        offsets[i] = (struct pipe_offset){
            .topic = json_string_value(json_object_get(row, "topic")),
            .partition = (int)number_of(row, "partition"),
            .committed = to < 0 ? number_of(row, "committed") : to,
            .end_offset = number_of(row, "end"),
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
    bool is_dry = false;
    enum status status = read_reset(request->json, &question, &is_dry, err);
    if (status == ST_OK) {
        status = support_check_idle(row, err);
    }
    if (status == ST_OK && !row->has_worker) {
        status = err_set(err, ST_UNAVAILABLE, "no worker could ask Kafka");
    }
    if (status != ST_OK) {
        json_decref(question);
        return status;
    }
    json_t *answer = NULL;
    status = ask_kafka(request, row, question, &answer, err);
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
