/*
 * GET P/offsets: of a pipe that runs what the replicas reported last, else what Kafka says.
 */
#include "common/store/probes.h"
#include "common/store/runtime.h"

#include "api/handlers/handlers.h"
#include "api/handlers/offsets_ask.h"
#include "api/handlers/support.h"

enum {
    ASK_DEADLINE_MS = 15000
};

enum status offsets_ask(
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
            json_string_value(json_object_get(row, "topic")), support_number(row, "partition"),
            support_number(row, "committed"), support_number(row, "end"));
        const json_int_t lag = support_number(row, "end") - support_number(row, "start");
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
        status = offsets_ask(request, &row, NULL, &answer, err);
        shown = status == ST_OK ? offsets_of_answer(answer) : NULL;
        json_decref(answer);
    }
    pipe_row_done(&row);
    return status == ST_OK ? reply_set_result(reply, shown, err) : status;
}
