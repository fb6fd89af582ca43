/*
 * Avro goes the way of a preview: plan, decoder and block of the schema's own columns. They are
 * kept while the schema stays the same, as it mostly does.
 */
#include "worker/probe/sample_value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/probe/cell_json.h"
#include "worker/probe/infer/avro_fields.h"
#include "worker/probe/samples.h"
#include "worker/replica/decode/decoder.h"

enum status sample_values_open(
    const struct question *question, struct sample_values *ret_values, struct err *err)
{
    *ret_values = (struct sample_values){.question = question};
    return lookup_open(&question->pipe->source, question->deadline_ms, &ret_values->lookup, err);
}

/* What belongs to one schema. */
static void forget_schema(struct sample_values *values)
{
    decoder_free(values->decoder);
    block_free(values->block);
    plan_free(values->plan);
    for (size_t i = 0; values->columns != NULL && i < json_array_size(values->fields); i++) {
        free(values->columns[i].type);
    }
    free(values->columns);
    json_decref(values->fields);
    values->id = 0;
    values->decoder = NULL;
    values->block = NULL;
    values->plan = NULL;
    values->columns = NULL;
    values->fields = NULL;
}

void sample_values_done(struct sample_values *values)
{
    forget_schema(values);
    lookup_done(&values->lookup);
}

int32_t sample_schema_id(const struct record *record)
{
    enum {
        FRAME_BYTES = 5
    };
    if (record->value == NULL || record->value_bytes < FRAME_BYTES || record->value[0] != 0) {
        return 0;
    }
    const uint8_t *at = record->value + 1;
    uint32_t id = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    return id <= INT32_MAX ? (int32_t)id : 0;
}

/* ---- JSON ---- */

static json_t *json_value(const struct record *record, struct err *err)
{
    if (record->value_bytes > SAMPLE_SHOWN_BYTES) {
        (void)err_set(/* told by NULL */
                      err, ST_TOO_LARGE, "%zu bytes: only values of up to %d are decoded",
                      record->value_bytes, SAMPLE_SHOWN_BYTES);
        return NULL;
    }
    json_error_t error;
    json_t *value = json_loadb(
        (const char *)record->value, record->value_bytes, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (value == NULL) {
        (void)err_set(err, ST_INVALID, "%s", error.text); /* told by NULL */
    }
    return value;
}

/* ---- Avro ---- */

/* A field's type as a column that can hold its null, where there is one. */
static char *column_type(const json_t *field)
{
    static const char *const CONTAINERS[] = {"Array(", "Map(", "Tuple(", "Variant(", "JSON"};
    const char *type = json_string_value(json_object_get(field, "type"));
    bool is_nullable = json_is_true(json_object_get(field, "optional"));
    for (size_t i = 0; i < ARRAY_LEN(CONTAINERS); i++) {
        is_nullable = is_nullable && strncmp(type, CONTAINERS[i], strlen(CONTAINERS[i])) != 0;
    }
    char *made = NULL;
    return asprintf(&made, is_nullable ? "Nullable(%s)" : "%s", type) < 0 ? NULL : made;
}

static enum status make_columns(struct sample_values *values, struct err *err)
{
    size_t count = json_array_size(values->fields);
    values->columns = calloc(count + 1, sizeof(*values->columns));
    for (size_t i = 0; values->columns != NULL && i < count; i++) {
        const json_t *field = json_array_get(values->fields, i);
        values->columns[i] = (struct pipe_column){
            /* the plan only reads it */
            .name = (char *)(uintptr_t)json_string_value(json_object_get(field, "name")),
            .type = column_type(field),
        };
        if (values->columns[i].type == NULL) {
            return err_set(err, ST_NO_MEMORY, "no memory for %zu columns", count);
        }
    }
    return values->columns != NULL ? ST_OK
                                   : err_set(err, ST_NO_MEMORY, "no memory for %zu columns", count);
}

static enum status make_plan(struct sample_values *values, struct err *err)
{
    size_t count = json_array_size(values->fields);
    CLEANUP(freep) struct plan_column *table = calloc(count + 1, sizeof(*table));
    if (table == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for %zu columns", count);
    }
    for (size_t i = 0; i < count; i++) {
        table[i] =
            (struct plan_column){.name = values->columns[i].name, .type = values->columns[i].type};
    }
    struct pipe_spec spec = *values->question->pipe; /* borrows everything */
    spec.destination.columns = values->columns;
    spec.destination.columns_count = count;
    spec.mappings_count = 0;
    return plan_new(&spec, table, count, &values->plan, err);
}

static enum status make_reader(struct sample_values *values, struct err *err)
{
    size_t count = 0;
    enum status st =
        decoder_new(values->plan, lookup_source(&values->lookup), &values->decoder, err);
    const struct block_column *columns = plan_columns(values->plan, &count);
    return st == ST_OK ? block_new(columns, count, 0, &values->block, err) : st;
}

/* Get ready for records of this schema. */
static enum status use_schema(struct sample_values *values, int32_t id, struct err *err)
{
    if (values->id == id && values->block != NULL) {
        block_reset(values->block);
        return ST_OK;
    }
    forget_schema(values);
    if (values->trouble.status != ST_OK) {
        *err = values->trouble;
        return err->status;
    }
    const struct schema *schema = NULL;
    enum status st = lookup_find(&values->lookup, id, &schema, err);
    if (st != ST_OK && st != ST_NOT_FOUND) {
        values->trouble = *err;
    }
    st = st == ST_OK ? avro_fields(schema, &values->fields, err) : st;
    st = st == ST_OK ? make_columns(values, err) : st;
    st = st == ST_OK ? make_plan(values, err) : st;
    st = st == ST_OK ? make_reader(values, err) : st;
    values->id = st == ST_OK ? id : 0;
    return st;
}

/* The block's only row. */
static json_t *row_json(const struct sample_values *values)
{
    size_t count = 0;
    const struct block_column *columns = plan_columns(values->plan, &count);
    json_t *row = json_object();
    for (size_t i = 0; i < count; i++) {
        (void)json_object_set_new(/* a NULL is left out */
                                  row, columns[i].name,
                                  cell_json(block_column(values->block, i), 0));
    }
    return row;
}

static json_t *
avro_value(struct sample_values *values, const struct record *record, struct err *err)
{
    const struct schema_source *source = lookup_source(&values->lookup);
    int32_t id = source != NULL && source->has_pinned ? SCHEMA_PINNED : sample_schema_id(record);
    enum status st = source != NULL && id != 0
                         ? ST_OK
                         : err_set(err, ST_INVALID, "the value carries no schema id");
    st = st == ST_OK ? use_schema(values, id, err) : st;
    struct decoder_outcome outcome = {.reject = {.column = ""}};
    if (st == ST_OK) {
        const struct lookup_record what = {values->decoder, record, values->block, false};
        st = lookup_decode(&values->lookup, &what, &outcome, err);
    }
    if (st == ST_REJECTED) {
        (void)err_set(err, st, "%s", outcome.reject.message); /* told by NULL */
    }
    return st == ST_OK ? row_json(values) : NULL;
}

json_t *sample_value(struct sample_values *values, const struct record *record, struct err *err)
{
    if (record->value == NULL) {
        (void)err_set(err, ST_INVALID, "the value is null (a tombstone)"); /* told by NULL */
        return NULL;
    }
    switch (values->question->pipe->source.format) {
    case PIPE_FORMAT_JSON:
        return json_value(record, err);
    case PIPE_FORMAT_AVRO:
    case PIPE_FORMAT_AVRO_CONFLUENT:
        return avro_value(values, record, err);
    case PIPE_FORMAT_PROTOBUF:
        break;
    }
    (void)err_set(err, ST_UNSUPPORTED, "Protobuf is not decoded"); /* told by NULL */
    return NULL;
}
