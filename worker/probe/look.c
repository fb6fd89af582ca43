/* The kinds "connection", "topics" and "sample": what is there. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/clickhouse/describe.h"
#include "common/http/http.h"

#include "worker/probe/question.h"
#include "worker/probe/sample_value.h"
#include "worker/probe/samples.h"
#include "worker/replica/kafka/browse.h"
#include "worker/replica/kafka/check.h"
#include "worker/replica/registry/registry_check.h"

enum {
    TOPICS_DEFAULT = 1000,
    TOPICS_MAX = 10000,
    SAMPLES_DEFAULT = 10,
    REGISTRY_SHARE = 2, /* of the time: a half */
};

/* ---- connection ---- */

/* What one part said. */
struct part {
    enum status st;
    enum pipe_reason reason;
    const char *member; /* of source.kafka, to blame */
    struct err err;
};

static json_t *part_json(const struct part *part, const char *message)
{
    bool is_ok = part->st == ST_OK;
    return json_pack(
        "{s:b,s:s,s:s,s:s*,s:s*}", "ok", is_ok, "message", is_ok ? message : part->err.text, "hint",
        is_ok ? "" : pipe_reason_hint(part->reason), "code",
        is_ok ? NULL : pipe_reason_text(part->reason), "member", is_ok ? NULL : part->member);
}

/* Does the service's ClickHouse answer to its user? null: none was asked for. */
static json_t *destination_json(const struct question *question)
{
    if (!question->has_clickhouse) {
        return json_null();
    }
    struct part part = {.reason = PIPE_REASON_DESTINATION_UNREACHABLE};
    struct http_client *client = NULL;
    char *version = NULL;
    part.st = http_client_new(&client, &part.err);
    if (part.st == ST_OK) {
        part.st = clickhouse_version(client, &question->endpoint, &version, &part.err);
    }
    http_client_free(client);
    char *message = NULL;
    if (asprintf(&message, "ClickHouse %s answers", version == NULL ? "" : version) < 0) {
        message = NULL;
    }
    json_t *made = part_json(&part, message == NULL ? "" : message);
    free(message);
    free(version);
    return made;
}

static enum status fail_with(const struct part *part, struct probe_failure *failure)
{
    failure->reason = part->reason;
    failure->member = part->member;
    failure->err = part->err;
    return part->st;
}

/*
 * Brokers, topics, and the schema registry if there is one. The registry first, and only a part of
 * the time: brokers that are away take all that is left. With the option "all" nothing is a
 * failure, the result tells of each part; with "parts" only unreachable brokers are; otherwise the
 * first part that does not work is. A question that names a consumer group asks for its rights too.
 */
enum status probe_connection(
    const struct question *question, json_t **ret_result, struct probe_failure *failure)
{
    const struct kafka_source *kafka = &question->pipe->source;
    struct part source = {.st = ST_OK};
    struct part registry = {.st = ST_OK};
    if (kafka->registry != NULL) {
        int64_t now_ms = clock_monotonic_ms();
        registry.st = registry_check(
            kafka, now_ms + (question->deadline_ms - now_ms) / REGISTRY_SHARE, &registry.reason,
            &registry.member, &registry.err);
    }
    const char *group = json_string_value(json_object_get(question->json, "consumerGroup"));
    source.reason = PIPE_REASON_INTERNAL;
    source.st = kafka_check_library(&question->pipe->settings, &source.err);
    if (source.st == ST_OK) {
        source.st = kafka_check(kafka, group, question->deadline_ms, &source.reason, &source.err);
    }
    const bool is_all = json_is_true(question_option(question, "all"));
    const bool is_by_parts = is_all || json_is_true(question_option(question, "parts"));
    const bool is_failure =
        !is_by_parts || (!is_all && source.reason == PIPE_REASON_SOURCE_UNREACHABLE);
    if (source.st != ST_OK && is_failure) {
        return fail_with(&source, failure);
    }
    if (!is_by_parts) {
        return registry.st == ST_OK ? ST_OK : fail_with(&registry, failure);
    }
    *ret_result = json_pack(
        "{s:o,s:o,s:o}", "source", part_json(&source, "the brokers answer"), "registry",
        kafka->registry == NULL ? json_null() : part_json(&registry, "the registry answers"),
        "destination", destination_json(question));
    return ST_OK;
}

/* ---- topics ---- */

struct topic {
    char *name;
    int partitions;
};

struct topics {
    const char *prefix;
    const char *after; /* names up to this one were given */
    struct topic *items;
    size_t count;
    size_t capacity;
};

static bool take_topic(void *ctx, const char *name, int partitions)
{
    struct topics *topics = ctx;
    if (strncmp(name, topics->prefix, strlen(topics->prefix)) != 0 ||
        strcmp(name, topics->after) <= 0) {
        return true;
    }
    if (topics->count == topics->capacity) {
        size_t capacity = topics->capacity == 0 ? 256 : topics->capacity * 2;
        struct topic *more = reallocarray(topics->items, capacity, sizeof(*more));
        if (more == NULL) {
            return false;
        }
        topics->items = more;
        topics->capacity = capacity;
    }
    char *copy = strdup(name);
    if (copy == NULL) {
        return false;
    }
    topics->items[topics->count++] = (struct topic){.name = copy, .partitions = partitions};
    return true;
}

static int compare_topics(const void *left, const void *right)
{
    return strcmp(((const struct topic *)left)->name, ((const struct topic *)right)->name);
}

static json_t *topics_json(const struct topics *topics, size_t limit)
{
    json_t *list = json_array();
    for (size_t i = 0; i < topics->count && i < limit; i++) {
        (void)json_array_append_new(/* a NULL fails the pack below */
                                    list, json_pack(
                                              "{s:s,s:i}", "name", topics->items[i].name,
                                              "partitions", topics->items[i].partitions));
    }
    const char *next = topics->count > limit ? topics->items[limit - 1].name : NULL;
    return json_pack("{s:o,s:s?}", "topics", list, "next", next);
}

enum status
probe_topics(const struct question *question, json_t **ret_result, struct probe_failure *failure)
{
    static const int64_t LIMITS[2] = {1, TOPICS_MAX};
    const char *prefix = json_string_value(question_option(question, "prefix"));
    const char *cursor = json_string_value(question_option(question, "cursor"));
    struct topics topics = {
        .prefix = prefix == NULL ? "" : prefix, .after = cursor == NULL ? "" : cursor};
    struct browse *browse = NULL;
    enum status st =
        browse_open(&question->pipe->source, question->deadline_ms, &browse, &failure->err);
    if (st == ST_OK) {
        st = browse_topics(browse, take_topic, &topics, &failure->reason, &failure->err);
    }
    if (topics.count > 0) {
        qsort(topics.items, topics.count, sizeof(topics.items[0]), compare_topics);
    }
    if (st == ST_OK) {
        *ret_result = topics_json(
            &topics, (size_t)question_number(question, "limit", LIMITS, TOPICS_DEFAULT));
    }
    for (size_t i = 0; i < topics.count; i++) {
        free(topics.items[i].name);
    }
    free(topics.items);
    return st;
}

/* ---- sample ---- */

/* The record, its value decoded, or null and the reason why it is not. */
static json_t *sample_json(struct sample_values *values, const struct record *record)
{
    struct err err = {.status = ST_OK};
    json_t *value = sample_value(values, record, &err);
    json_t *problem = value == NULL ? json_string(err.text) : json_null();
    json_t *object = json_object();
    bool is_made = object != NULL && samples_describe(record, object);
    is_made = json_object_set_new(object, "problem", problem) == 0 && is_made;
    is_made =
        json_object_set_new(object, "decoded", value == NULL ? json_null() : value) == 0 && is_made;
    if (!is_made) {
        json_decref(object);
        return NULL;
    }
    return object;
}

enum status
probe_sample(const struct question *question, json_t **ret_result, struct probe_failure *failure)
{
    CLEANUP(samples_done) struct samples samples = {.count = 0};
    CLEANUP(sample_values_done) struct sample_values values;
    enum status st = sample_values_open(question, &values, &failure->err);
    if (st == ST_OK) {
        st = samples_read(question, SAMPLES_DEFAULT, &samples, failure);
    }
    if (st != ST_OK) {
        return st;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < samples.count; i++) {
        if (json_array_append_new(list, sample_json(&values, &samples.items[i].record)) != 0) {
            json_decref(list);
            return err_set(&failure->err, ST_NO_MEMORY, "no memory for %zu records", samples.count);
        }
    }
    *ret_result = json_pack("{s:o}", "records", list);
    return ST_OK;
}
