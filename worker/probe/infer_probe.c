/* The kind "infer": sample, parse, merge, name the types. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "worker/probe/infer/avro_fields.h"
#include "worker/probe/infer/shape.h"
#include "worker/probe/lookup.h"
#include "worker/probe/question.h"
#include "worker/probe/sample_value.h"
#include "worker/probe/samples.h"

enum {
    SAMPLES_DEFAULT = 100
};

/* A document; *ret_is_wide: read with all numbers as reals, for one that is above Int64. NULL: no
 * JSON. */
static json_t *parse(const struct record *record, bool *ret_is_wide)
{
    const char *text = (const char *)record->value;
    json_t *value = json_loadb(text, record->value_bytes, JSON_ALLOW_NUL, NULL);
    *ret_is_wide = value == NULL;
    if (value == NULL) {
        value =
            json_loadb(text, record->value_bytes, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
    }
    return value;
}

static enum status
read_options(const struct question *question, struct infer_options *ret_options, struct err *err)
{
    const char *nested = json_string_value(question_option(question, "nested"));
    const char *separator = json_string_value(question_option(question, "separator"));
    const json_t *text_numbers = question_option(question, "numbersInStrings");
    *ret_options = (struct infer_options){
        .nested = INFER_TUPLE,
        .separator = separator != NULL ? separator : question->pipe->settings.path_separator,
        .takes_text_numbers = text_numbers == NULL || json_is_true(text_numbers),
    };
    if (nested == NULL || strcmp(nested, "tuple") == 0) {
        return ST_OK;
    }
    if (strcmp(nested, "json") == 0) {
        ret_options->nested = INFER_JSON;
        return ST_OK;
    }
    if (strcmp(nested, "flatten") == 0) {
        ret_options->nested = INFER_FLATTEN;
        return ST_OK;
    }
    return err_set(err, ST_INVALID, "/nested: must be tuple, json or flatten");
}

/* Merge; counts of what could be used go to meta. */
static enum status
merge(const struct samples *samples, struct shape *shape, json_t *meta, struct err *err)
{
    int used = 0;
    for (size_t i = 0; i < samples->count; i++) {
        const struct record *record = &samples->items[i].record;
        bool is_wide = false;
        json_t *value = record->value == NULL ? NULL : parse(record, &is_wide);
        bool is_object = json_is_object(value);
        bool is_added = !is_object || shape_add(shape, value, is_wide);
        used += is_object ? 1 : 0;
        json_decref(value);
        if (!is_added) {
            return err_set(err, ST_NO_MEMORY, "no memory for the samples' fields");
        }
    }
    json_t *sampled = json_sprintf("%zu", samples->count);
    json_t *skipped = json_sprintf("%zu", samples->count - (size_t)used);
    if (json_object_set_new(meta, "samples", sampled) != 0 ||
        json_object_set_new(meta, "skipped", skipped) != 0) {
        return err_set(err, ST_NO_MEMORY, "no memory for an answer");
    }
    return ST_OK;
}

static enum status infer(
    const struct samples *samples, const struct infer_options *options, json_t **ret_result,
    struct err *err)
{
    CLEANUP(shape_freep) struct shape *shape = shape_new();
    json_t *meta = json_object();
    json_t *fields = NULL;
    enum status st = shape == NULL || meta == NULL
                         ? err_set(err, ST_NO_MEMORY, "no memory for the samples' fields")
                         : merge(samples, shape, meta, err);
    if (st == ST_OK && samples->count == 0) {
        st = err_set(
            err, ST_NOT_FOUND, "the topic has no records to infer from; name the columns by hand");
    }
    if (st == ST_OK) {
        st = shape_fields(shape, options, &fields, err);
    }
    if (st != ST_OK) {
        json_decref(meta);
        return st;
    }
    *ret_result = json_pack("{s:o,s:o}", "fields", fields, "meta", meta);
    return ST_OK;
}

/* The schema the registry's URL names, else that of the newest framed record. */
static enum status find_id(
    const struct question *question, const struct lookup *lookup, int32_t *ret_id,
    struct probe_failure *failure)
{
    *ret_id = SCHEMA_PINNED;
    if (lookup_source(lookup)->has_pinned) {
        return ST_OK;
    }
    CLEANUP(samples_done) struct samples samples = {.count = 0};
    enum status st = samples_read(question, SAMPLES_DEFAULT, &samples, failure);
    int32_t id = 0;
    for (size_t i = 0; st == ST_OK && id == 0 && i < samples.count; i++) {
        id = sample_schema_id(&samples.items[i].record);
    }
    if (st == ST_OK && id == 0) {
        st = err_set(
            &failure->err, ST_NOT_FOUND,
            "none of %zu records carries a schema id; name a schema in the registry's URL",
            samples.count);
    }
    *ret_id = id;
    return st;
}

/* By a schema instead of values. */
static enum status
infer_avro(const struct question *question, json_t **ret_result, struct probe_failure *failure)
{
    CLEANUP(lookup_done) struct lookup lookup = {.registry = NULL};
    const struct schema *schema = NULL;
    int32_t id = 0;
    json_t *fields = NULL;
    enum status st =
        lookup_open(&question->pipe->source, question->deadline_ms, &lookup, &failure->err);
    if (st == ST_OK && lookup.registry == NULL) {
        st = err_set(
            &failure->err, ST_INVALID, "/source/kafka/schemaRegistry: needed for this format");
    }
    if (st == ST_OK) {
        st = find_id(question, &lookup, &id, failure);
    }
    if (st == ST_OK) {
        st = lookup_find(&lookup, id, &schema, &failure->err);
        failure->reason = lookup.reason;
    }
    if (st == ST_OK) {
        st = avro_fields(schema, &fields, &failure->err);
    }
    if (st == ST_OK) {
        *ret_result = json_pack(
            "{s:o,s:{s:o}}", "fields", fields, "meta", "schemaId",
            json_sprintf("%d", (int)schema->id));
    }
    return st;
}

enum status
probe_infer(const struct question *question, json_t **ret_result, struct probe_failure *failure)
{
    struct infer_options options;
    switch (question->pipe->source.format) {
    case PIPE_FORMAT_JSON:
        break;
    case PIPE_FORMAT_AVRO:
    case PIPE_FORMAT_AVRO_CONFLUENT:
        return infer_avro(question, ret_result, failure);
    case PIPE_FORMAT_PROTOBUF:
        return err_set(
            &failure->err, ST_UNSUPPORTED, "/source/kafka/format: Protobuf cannot be inferred yet");
    }
    enum status st = read_options(question, &options, &failure->err);
    if (st != ST_OK) {
        return st;
    }
    CLEANUP(samples_done) struct samples samples = {.count = 0};
    st = samples_read(question, SAMPLES_DEFAULT, &samples, failure);
    return st == ST_OK ? infer(&samples, &options, ret_result, &failure->err) : st;
}
