/*
 * From the question's reset to a target per partition.
 */
#include "worker/probe/offsets.h"

#include <string.h>

#include "worker/replica/kafka/offsets.h"

static struct kafka_offset_row *
find_row(const struct kafka_offset_rows *rows, const char *topic, json_int_t partition)
{
    for (size_t i = 0; i < rows->count; i++) {
        if (strcmp(rows->items[i].topic, topic) == 0 && rows->items[i].partition == partition) {
            return &rows->items[i];
        }
    }
    return NULL;
}

/* Targets named one by one; partitions that are not named stay. */
static enum status set_explicit(const json_t *list, struct kafka_offset_rows *rows, struct err *err)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        const char *topic = json_string_value(json_object_get(item, "topic"));
        const json_int_t partition = json_integer_value(json_object_get(item, "partition"));
        const json_int_t offset = json_integer_value(json_object_get(item, "offset"));
        struct kafka_offset_row *row = find_row(rows, topic == NULL ? "" : topic, partition);
        if (row == NULL) {
            return err_set(
                err, ST_INVALID, "/offsets/%zu: the pipe's topics have no partition %lld of '%s'",
                i, (long long)partition, topic == NULL ? "" : topic);
        }
        if (offset < row->low || offset > row->end) {
            return err_set(
                err, ST_INVALID, "/offsets/%zu/offset: %lld is not between %lld and %lld", i,
                (long long)offset, (long long)row->low, (long long)row->end);
        }
        row->to = offset;
    }
    return ST_OK;
}

static enum status set_targets(
    const json_t *reset, struct kafka_offsets *offsets, struct kafka_offset_rows *rows,
    struct err *err)
{
    const char *to = json_string_value(json_object_get(reset, "to"));
    if (to != NULL && strcmp(to, "timestamp") == 0) {
        const json_int_t time_ms = json_integer_value(json_object_get(reset, "timestampMs"));
        return kafka_offsets_at_time(offsets, time_ms, rows, err);
    }
    if (to != NULL && strcmp(to, "offsets") == 0) {
        return set_explicit(json_object_get(reset, "offsets"), rows, err);
    }
    const bool is_beginning = to != NULL && strcmp(to, "beginning") == 0;
    if (!is_beginning && (to == NULL || strcmp(to, "latest") != 0)) {
        return err_set(err, ST_INVALID, "/to: one of beginning, latest, timestamp, offsets");
    }
    for (size_t i = 0; i < rows->count; i++) {
        rows->items[i].to = is_beginning ? rows->items[i].low : rows->items[i].end;
    }
    return ST_OK;
}

static json_t *rows_to_json(const struct kafka_offset_rows *rows)
{
    json_t *list = json_array();
    for (size_t i = 0; i < rows->count; i++) {
        const struct kafka_offset_row *row = &rows->items[i];
        json_t *item = json_pack(
            "{s:s, s:i, s:I, s:I, s:I, s:I, s:I}", "topic", row->topic, "partition",
            (int)row->partition, "committed", (json_int_t)row->committed, "low",
            (json_int_t)row->low, "end", (json_int_t)row->end, "start", (json_int_t)row->start,
            "to", (json_int_t)row->to);
        if (json_array_append_new(list, item) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return json_pack("{s:b, s:o}", "ok", 1, "partitions", list);
}

enum status probe_offsets(
    const json_t *question, const struct pipe_spec *spec, int64_t deadline_ms, json_t **ret_answer,
    struct err *err)
{
    const char *group = json_string_value(json_object_get(question, "consumerGroup"));
    const json_t *reset = json_object_get(question, "reset");
    if (group == NULL) {
        return err_set(err, ST_INVALID, "the question names no consumer group");
    }
    struct kafka_offsets *offsets = NULL;
    struct kafka_offset_rows rows = {0};
    enum status st = kafka_offsets_open(&spec->source, group, deadline_ms, &offsets, err);
    if (st == ST_OK) {
        st = kafka_offsets_read(offsets, &rows, err);
    }
    if (st == ST_OK && reset != NULL) {
        st = set_targets(reset, offsets, &rows, err);
    }
    if (st == ST_OK && json_is_true(json_object_get(reset, "apply"))) {
        st = kafka_offsets_commit(offsets, &rows, err);
    }
    if (st == ST_OK) {
        *ret_answer = rows_to_json(&rows);
        st = *ret_answer == NULL ? err_set(err, ST_NO_MEMORY, "no memory for the answer") : ST_OK;
    }
    kafka_offset_rows_done(&rows);
    return st;
}
