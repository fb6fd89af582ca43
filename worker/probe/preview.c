/*
 * The kind "preview": sampled records through the mapping that is asked about, with the same plan
 * and decoder as a replica has. Types are those of the real table where there is one.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/clickhouse/describe.h"
#include "common/http/http.h"

#include "worker/probe/cell_json.h"
#include "worker/probe/lookup.h"
#include "worker/probe/question.h"
#include "worker/probe/samples.h"
#include "worker/replica/decode/decoder.h"
#include "worker/replica/destination.h"
#include "worker/replica/intake.h"

enum {
    RECORDS_DEFAULT = 20
};

struct preview {
    const struct question *question;
    struct plan *plan;
    struct lookup lookup;
    struct decoder *decoder;
    struct block *block;
    json_t *rows;
    json_t *errors;
};

static void preview_done(struct preview *preview)
{
    decoder_free(preview->decoder);
    lookup_done(&preview->lookup);
    block_free(preview->block);
    plan_free(preview->plan);
    json_decref(preview->rows);
    json_decref(preview->errors);
}

/* The real table, NULL if there is none (yet) or it cannot be asked. */
static struct clickhouse_table *find_table(const struct question *question)
{
    struct http_client *client = NULL;
    struct clickhouse_table *table = NULL;
    if (!question->has_clickhouse || http_client_new(&client, NULL) != ST_OK) {
        return NULL;
    }
    const struct clickhouse_table_name name = {
        question->pipe->destination.database, question->pipe->destination.table};
    enum status st = clickhouse_describe(client, &question->endpoint, &name, &table, NULL);
    http_client_free(client);
    return st == ST_OK ? table : NULL;
}

static enum status make_plan(struct preview *preview, struct err *err)
{
    const struct pipe_spec *pipe = preview->question->pipe;
    CLEANUP(clickhouse_table_freep) struct clickhouse_table *table = find_table(preview->question);
    if (table != NULL) {
        return destination_plan(pipe, table, &preview->plan, err);
    }
    size_t count = pipe->destination.columns_count;
    CLEANUP(freep) struct plan_column *columns = calloc(count + 1, sizeof(*columns));
    if (columns == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for %zu columns", count);
    }
    for (size_t i = 0; i < count; i++) {
        columns[i] = (struct plan_column){
            .name = pipe->destination.columns[i].name, .type = pipe->destination.columns[i].type};
    }
    return plan_new(pipe, columns, count, &preview->plan, err);
}

static enum status preview_open(struct preview *preview, struct err *err)
{
    preview->rows = json_array();
    preview->errors = json_array();
    enum status st = make_plan(preview, err);
    if (st == ST_OK) {
        st = lookup_open(
            &preview->question->pipe->source, preview->question->deadline_ms, &preview->lookup,
            err);
    }
    if (st == ST_OK) {
        st = decoder_new(preview->plan, lookup_source(&preview->lookup), &preview->decoder, err);
    }
    if (st == ST_OK) {
        size_t count = 0;
        const struct block_column *columns = plan_columns(preview->plan, &count);
        st = block_new(columns, count, 0, &preview->block, err);
    }
    return st;
}

/* The rows a record became, from row `from` on. */
static bool add_rows(struct preview *preview, const struct record *record, size_t from)
{
    size_t count = 0;
    const struct block_column *columns = plan_columns(preview->plan, &count);
    for (size_t row = from; row < block_rows(preview->block); row++) {
        json_t *cells = json_object();
        for (size_t i = 0; i < count; i++) {
            json_t *cell = cell_json(block_column(preview->block, i), row);
            (void)json_object_set_new(/* a NULL is left out */
                                      cells, columns[i].name, samples_shorten(cell));
        }
        json_t *made = json_pack(
            "{s:s,s:i,s:I,s:o}", "topic", record->topic, "partition", (int)record->partition,
            "offset", (json_int_t)record->offset, "cells", cells);
        if (json_array_append_new(preview->rows, made) != 0) {
            return false;
        }
    }
    return true;
}

static bool
add_error(struct preview *preview, const struct record *record, const struct reject *reject)
{
    char now[CLOCK_RFC3339_BYTES];
    clock_rfc3339(clock_wall_ms() / 1000 * 1000, now);
    json_t *made = json_pack(
        "{s:s,s:s,s:s,s:s,s:i}", "timestamp", now, "type", reject_type_text(reject->type),
        "message", reject->message, "column", reject->column, "schemaId", (int)reject->schema_id);
    if (made == NULL || !samples_describe(record, made)) {
        json_decref(made);
        return false;
    }
    /* As GET …/errors, where the table knows no null. */
    (void)json_object_del(made, "truncated");
    bool is_set =
        (record->key != NULL || json_object_set_new(made, "key", json_string("")) == 0) &&
        (record->value != NULL || json_object_set_new(made, "value", json_string("")) == 0);
    if (!is_set) {
        json_decref(made);
        return false;
    }
    return json_array_append_new(preview->errors, made) == 0;
}

/* One record through the decoder; a null value of a pipe that is not raw by the pipe's setting. */
static enum status decode(
    struct preview *preview, const struct record *record, struct decoder_outcome *ret_outcome,
    struct err *err)
{
    bool is_tombstone = record->value == NULL && !plan_is_raw(preview->plan);
    const size_t limit_bytes = intake_record_max_bytes(
        (size_t)(preview->question->pipe->scaling.memory_gb * 1024.0) * 1024 * 1024);
    if (record->value_bytes > limit_bytes) {
        reject_set(
            &ret_outcome->reject, REJECT_RECORD_TOO_LARGE, NULL,
            "the message has %zu bytes, the limit is %zu", record->value_bytes, limit_bytes);
        return ST_REJECTED;
    }
    enum pipe_tombstones mode = preview->question->pipe->settings.tombstones;
    if (is_tombstone && mode == PIPE_TOMBSTONES_SKIP) {
        return ST_OK;
    }
    if (is_tombstone && mode == PIPE_TOMBSTONES_ERROR) {
        reject_set(
            &ret_outcome->reject, REJECT_DATA_PARSING, NULL,
            "the value is null (a tombstone) and penstock_tombstones is error");
        return ST_REJECTED;
    }
    const struct lookup_record what = {preview->decoder, record, preview->block, is_tombstone};
    return lookup_decode(&preview->lookup, &what, ret_outcome, err);
}

static enum status
take_record(struct preview *preview, const struct record *record, struct err *err)
{
    struct decoder_outcome outcome = {.reject = {.column = ""}};
    size_t from = block_rows(preview->block);
    enum status st = decode(preview, record, &outcome, err);
    bool is_shown = true;
    if (st == ST_REJECTED) {
        is_shown = add_error(preview, record, &outcome.reject);
        st = ST_OK;
    } else if (st == ST_OK) {
        is_shown = add_rows(preview, record, from);
    }
    return is_shown ? st : err_set(err, ST_NO_MEMORY, "no memory for a preview");
}

enum status
probe_preview(const struct question *question, json_t **ret_result, struct probe_failure *failure)
{
    CLEANUP(preview_done) struct preview preview = {.question = question};
    CLEANUP(samples_done) struct samples samples = {.count = 0};
    enum status st = preview_open(&preview, &failure->err);
    if (st == ST_OK) {
        st = samples_read(question, RECORDS_DEFAULT, &samples, failure);
    }
    for (size_t i = 0; st == ST_OK && i < samples.count; i++) {
        st = take_record(&preview, &samples.items[i].record, &failure->err);
        failure->reason = preview.lookup.reason;
    }
    if (st == ST_OK) {
        *ret_result = json_pack("{s:O,s:O}", "rows", preview.rows, "errors", preview.errors);
    }
    return st;
}
