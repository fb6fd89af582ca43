/* Copies of records, their order and their JSON. */
#include "worker/probe/samples.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/base64.h"
#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/model/header_json.h"

#include "worker/replica/kafka/browse.h"

enum {
    PADDING_BYTES = 64
};

static void sample_done(struct sample *sample)
{
    free(sample->topic);
    free(sample->key);
    free(sample->value);
    free(sample->headers);
    free(sample->headers_bytes);
}

void samples_done(struct samples *samples)
{
    for (size_t i = 0; i < samples->count; i++) {
        sample_done(&samples->items[i]);
    }
    free(samples->items);
    *samples = (struct samples){.count = 0};
}

static uint8_t *copy_of(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = bytes == NULL ? NULL : calloc(len + PADDING_BYTES, 1);
    if (copy != NULL) {
        memcpy(copy, bytes, len);
    }
    return copy;
}

static size_t
sample_headers(const struct record *record, struct record_header *ret_headers, size_t headers_max)
{
    const struct sample *sample = record->source;
    size_t count = sample->headers_count < headers_max ? sample->headers_count : headers_max;
    for (size_t i = 0; i < count; i++) {
        ret_headers[i] = sample->headers[i];
    }
    return sample->headers_count;
}

/* Names and values side by side in one piece of memory. */
static bool copy_headers(struct sample *sample, const struct record *record)
{
    sample->headers = calloc(RECORD_HEADERS_MAX, sizeof(*sample->headers));
    if (sample->headers == NULL) {
        return false;
    }
    size_t count = record->read_headers(record, sample->headers, RECORD_HEADERS_MAX);
    sample->headers_count = count < RECORD_HEADERS_MAX ? count : RECORD_HEADERS_MAX;
    size_t bytes = 0;
    for (size_t i = 0; i < sample->headers_count; i++) {
        bytes += sample->headers[i].name_bytes + sample->headers[i].value_bytes;
    }
    sample->headers_bytes = malloc(bytes + 1);
    uint8_t *at = sample->headers_bytes;
    for (size_t i = 0; at != NULL && i < sample->headers_count; i++) {
        struct record_header *header = &sample->headers[i];
        memcpy(at, header->name, header->name_bytes);
        header->name = (const char *)at;
        at += header->name_bytes;
        if (header->value != NULL) {
            memcpy(at, header->value, header->value_bytes);
            header->value = at;
            at += header->value_bytes;
        }
    }
    return sample->headers_bytes != NULL;
}

static bool sample_copy(struct sample *ret_sample, const struct record *record)
{
    struct sample sample = {
        .record = *record,
        .topic = strdup(record->topic),
        .key = copy_of(record->key, record->key_bytes),
        .value = copy_of(record->value, record->value_bytes),
    };
    bool is_whole = sample.topic != NULL && (sample.key != NULL) == (record->key != NULL) &&
                    (sample.value != NULL) == (record->value != NULL);
    if (is_whole && record->read_headers != NULL) {
        is_whole = copy_headers(&sample, record);
    }
    sample.record.topic = sample.topic;
    sample.record.key = sample.key;
    sample.record.value = sample.value;
    sample.record.read_headers = sample_headers;
    if (!is_whole) {
        sample_done(&sample);
        return false;
    }
    *ret_sample = sample;
    return true;
}

static bool take_record(void *ctx, const struct record *record)
{
    struct samples *samples = ctx;
    if (samples->count == samples->capacity) {
        size_t capacity = samples->capacity == 0 ? 64 : samples->capacity * 2;
        struct sample *more = reallocarray(samples->items, capacity, sizeof(*more));
        if (more == NULL) {
            samples->is_out_of_memory = true;
            return false;
        }
        samples->items = more;
        samples->capacity = capacity;
    }
    if (!sample_copy(&samples->items[samples->count], record)) {
        samples->is_out_of_memory = true;
        return false;
    }
    samples->count++;
    samples->bytes += record->key_bytes + record->value_bytes;
    return samples->bytes < SAMPLES_BUDGET_BYTES;
}

/* By time, then by place, so that equal times have an order too. */
static int compare(const void *left, const void *right)
{
    const struct record *a = &((const struct sample *)left)->record;
    const struct record *b = &((const struct sample *)right)->record;
    if (a->timestamp_ms != b->timestamp_ms) {
        return a->timestamp_ms < b->timestamp_ms ? -1 : 1;
    }
    if (a->partition != b->partition) {
        return a->partition < b->partition ? -1 : 1;
    }
    return (a->offset > b->offset) - (a->offset < b->offset);
}

/* The wanted number of them: the newest, newest first, or the first in the order of time. */
static void sort_and_cut(struct samples *samples, size_t limit, bool is_newest)
{
    if (samples->count == 0) {
        return;
    }
    qsort(samples->items, samples->count, sizeof(samples->items[0]), compare);
    for (size_t i = 0; is_newest && i < samples->count / 2; i++) {
        struct sample *left = &samples->items[i];
        struct sample *right = &samples->items[samples->count - 1 - i];
        struct sample swapped = *left;
        *left = *right;
        *right = swapped;
    }
    while (samples->count > limit) {
        sample_done(&samples->items[--samples->count]);
    }
    for (size_t i = 0; i < samples->count; i++) {
        samples->items[i].record.source = &samples->items[i];
    }
}

static enum status
read_place(const struct question *question, struct browse_from *from, struct err *err)
{
    static const int64_t PARTITIONS[2] = {0, INT32_MAX};
    static const int64_t OFFSETS[2] = {0, INT64_MAX};
    from->partition = (int32_t)question_number(question, "partition", PARTITIONS, -1);
    from->offset = question_number(question, "offset", OFFSETS, -1);
    from->timestamp_ms = question_number(question, "timestampMs", OFFSETS, -1);
    from->topic = json_string_value(question_option(question, "topic"));
    if (from->topic == NULL) {
        from->topic = question->pipe->source.topic_list.items[0];
    }
    const char *place = json_string_value(question_option(question, "from"));
    if (from->offset >= 0) {
        from->place = BROWSE_OFFSET;
    } else if (from->timestamp_ms >= 0) {
        from->place = BROWSE_TIMESTAMP;
    } else if (place != NULL && strcmp(place, "oldest") == 0) {
        from->place = BROWSE_OLDEST;
    } else if (place != NULL && strcmp(place, "newest") != 0) {
        return err_set(err, ST_INVALID, "/from: must be newest or oldest");
    }
    return ST_OK;
}

enum status samples_read(
    const struct question *question, int64_t fallback, struct samples *ret_samples,
    struct probe_failure *failure)
{
    static const int64_t LIMITS[2] = {1, SAMPLES_MAX};
    *ret_samples = (struct samples){.count = 0};
    struct browse_from from = {.place = BROWSE_NEWEST};
    struct browse *browse = NULL;
    enum status st = read_place(question, &from, &failure->err);
    from.limit = question_number(question, "limit", LIMITS, fallback);
    if (st == ST_OK) {
        st = browse_open(&question->pipe->source, question->deadline_ms, &browse, &failure->err);
    }
    if (st == ST_OK) {
        st = browse_records(
            browse, &from, take_record, ret_samples, &failure->reason, &failure->err);
    }
    if (st == ST_OK && ret_samples->is_out_of_memory) {
        st = err_set(&failure->err, ST_NO_MEMORY, "no memory for %zu records", ret_samples->count);
    }
    sort_and_cut(ret_samples, (size_t)from.limit, from.place == BROWSE_NEWEST);
    return st;
}

/* ---- JSON ---- */

/* How much of it is shown; a text is not cut within a character, which would make it no text. */
static size_t shown(const uint8_t *bytes, size_t len)
{
    enum {
        FOLLOWERS_MAX = 3 /* bytes of a UTF-8 character after its first */
    };
    if (len <= SAMPLE_SHOWN_BYTES) {
        return len;
    }
    size_t cut = SAMPLE_SHOWN_BYTES;
    for (int i = 0; i < FOLLOWERS_MAX && (bytes[cut] & 0xC0) == 0x80; i++) {
        cut--;
    }
    return cut;
}

json_t *samples_shorten(json_t *value)
{
    const size_t len = json_string_length(value);
    if (len <= SAMPLE_SHOWN_BYTES) {
        return value;
    }
    const char *text = json_string_value(value);
    json_t *cut =
        json_sprintf("%.*s…", (int)shown((const uint8_t *)text, len), text); /* NULs end it */
    json_decref(value);
    return cut;
}

static json_t *base64(const void *bytes, size_t len)
{
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, len / 3 * 4 + 8);
    return base64_encode(&text, bytes, len) == ST_OK ? json_string(buf_text(&text)) : NULL;
}

/* NULL: the bytes are no UTF-8. */
static json_t *utf8(const void *bytes, size_t len)
{
    return json_stringn(bytes == NULL ? "" : bytes, len);
}

static json_t *headers_of(const struct record *record)
{
    json_t *object = json_object();
    CLEANUP(freep) struct record_header *headers = calloc(RECORD_HEADERS_MAX, sizeof(*headers));
    if (object == NULL || headers == NULL || record->read_headers == NULL) {
        return object;
    }
    size_t count = record->read_headers(record, headers, RECORD_HEADERS_MAX);
    for (size_t i = 0; i < count && i < RECORD_HEADERS_MAX; i++) {
        const struct header_bytes name = {headers[i].name, headers[i].name_bytes};
        const struct header_bytes value = {headers[i].value, headers[i].value_bytes};
        if (!header_json_add(object, &name, &value)) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static json_t *time_of(int64_t timestamp_ms)
{
    char text[CLOCK_RFC3339_BYTES];
    clock_rfc3339(timestamp_ms < 0 ? 0 : timestamp_ms, text);
    return json_string(text);
}

bool samples_describe(const struct record *record, json_t *object)
{
    size_t key_bytes = shown(record->key, record->key_bytes);
    size_t value_bytes = shown(record->value, record->value_bytes);
    json_t *key = record->key == NULL ? json_null() : utf8(record->key, key_bytes);
    json_t *value = record->value == NULL ? json_null() : utf8(record->value, value_bytes);
    bool is_text = key != NULL && value != NULL;
    if (!is_text) {
        json_decref(key);
        json_decref(value);
        key = record->key == NULL ? json_null() : base64(record->key, key_bytes);
        value = record->value == NULL ? json_null() : base64(record->value, value_bytes);
    }
    bool is_cut = key_bytes < record->key_bytes || value_bytes < record->value_bytes;
    json_t *more = json_pack(
        "{s:s,s:i,s:I,s:o,s:o,s:s,s:o,s:b}", "topic", record->topic, "partition",
        (int)record->partition, "offset", (json_int_t)record->offset, "key", key, "value", value,
        "encoding", is_text ? "utf8" : "base64", "headers", headers_of(record), "truncated",
        is_cut);
    int failed = json_object_update(object, more);
    if (failed == 0 && json_object_get(object, "timestamp") == NULL) {
        failed = json_object_set_new(object, "timestamp", time_of(record->timestamp_ms));
    } else if (failed == 0) {
        failed = json_object_set_new(object, "recordTimestamp", time_of(record->timestamp_ms));
    }
    json_decref(more);
    return failed == 0;
}
