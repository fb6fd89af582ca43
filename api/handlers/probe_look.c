/*
 * POST clickpipes/probe/topics, sample, infer, preview, connection, and schemaDiscovery:
 * what is there, before a pipe is made.
 */
#include <string.h>

#include "api/handlers/handlers.h"
#include "api/handlers/probe_ask.h"
#include "api/handlers/support.h"
#include "api/wire/pipe_wire.h"

enum {
    LOOK_DEADLINE_MS = 15000,
    RECORDS_MAX = 1000,
    TOPICS_MAX = 10000,
};

/* clang-format off */
#define PLACE_OPTIONS \
    {"topic", PROBE_OPTION_TEXT, 0, 0}, {"partition", PROBE_OPTION_NUMBER, 0, INT32_MAX}, \
    {"offset", PROBE_OPTION_NUMBER, 0, INT64_MAX}, {"timestamp", PROBE_OPTION_TIME, 0, 0}, \
    {"from", PROBE_OPTION_TEXT, 0, 0}, {"limit", PROBE_OPTION_NUMBER, 1, RECORDS_MAX}
/* clang-format on */

static const struct probe_option TOPICS[] = {
    {"prefix", PROBE_OPTION_TEXT, 0, 0},
    {"cursor", PROBE_OPTION_TEXT, 0, 0},
    {"limit", PROBE_OPTION_NUMBER, 1, TOPICS_MAX},
};
static const struct probe_option PLACE[] = {PLACE_OPTIONS};
static const struct probe_option INFER[] = {
    PLACE_OPTIONS,
    {"nested", PROBE_OPTION_TEXT, 0, 0},
    {"separator", PROBE_OPTION_TEXT, 0, 0},
    {"numbersInStrings", PROBE_OPTION_BOOL, 0, 0},
};

/* One kind of looking. */
struct look {
    const char *kind;
    const struct probe_option *options;
    size_t options_count;
    bool needs_topics;
    bool needs_destination;
    bool has_clickhouse;
};

/* A value for a member the body may leave out. */
static int set_missing(json_t *object, const char *name, json_t *value)
{
    const json_t *given = json_object_get(object, name);
    if (given != NULL && !json_is_null(given)) {
        json_decref(value);
        return 0;
    }
    return json_object_set_new(object, name, value);
}

/* A body as a whole pipe: what this look does not need is made up. */
static json_t *complete_body(const json_t *given, const struct look *look)
{
    json_t *body = json_deep_copy(given);
    int failed = body == NULL ? -1 : set_missing(body, "name", json_string("probe"));
    json_t *kafka = json_object_get(json_object_get(body, "source"), "kafka");
    if (failed == 0 && json_is_object(kafka) && !look->needs_topics) {
        failed = set_missing(kafka, "topics", json_string("probe"));
    }
    if (failed == 0 && json_is_object(kafka)) {
        failed = set_missing(kafka, "format", json_string("JSONEachRow")) +
                 set_missing(kafka, "type", json_string("kafka"));
    }
    if (failed == 0 && !look->needs_destination) {
        failed = json_object_set_new(
            body, "destination",
            json_pack(
                "{s:s, s:s, s:b, s:[{s:s, s:s}]}", "database", "default", "table", "probe",
                "managedTable", 0, "columns", "name", "_raw_message", "type", "String"));
        failed = failed == 0 ? json_object_set_new(body, "fieldMappings", json_array()) : failed;
    }
    if (failed != 0) {
        json_decref(body);
        return NULL;
    }
    return body;
}

static enum status read_definition(
    json_t *body, struct probe_question *question, struct pipe_problems *problems, struct err *err)
{
    enum status status = wire_pipe_split(body, &question->definition, &question->secrets, err);
    if (status != ST_OK) {
        return status;
    }
    CLEANUP(pipe_spec_freep) struct pipe_spec *spec = NULL;
    status = pipe_spec_from_json(question->definition, question->secrets, problems, &spec, err);
    if (status == ST_INVALID) {
        status = ST_OK; /* the problems say it, and there may be more */
    }
    if (status == ST_OK) {
        support_check_supported(question->definition, problems);
    }
    return status;
}

/* The worker looks at these words only where it needs them. */
static void check_words(const json_t *options, struct pipe_problems *problems)
{
    static const char *const ends[] = {"newest", "oldest"};
    static const char *const forms[] = {"tuple", "json", "flatten"};
    const char *from = json_string_value(json_object_get(options, "from"));
    const char *nested = json_string_value(json_object_get(options, "nested"));
    struct err err = {.status = ST_OK};
    if (support_check_word("", from, ends, ARRAY_LEN(ends), &err) != ST_OK) {
        pipe_problems_add(problems, "/from", "%s", err.text + strlen(": "));
    }
    if (support_check_word("", nested, forms, ARRAY_LEN(forms), &err) != ST_OK) {
        pipe_problems_add(problems, "/nested", "%s", err.text + strlen(": "));
    }
}

/* The source and the options, every problem of both at once. */
static enum status read_question(
    const struct request *request, const struct look *kind, struct probe_question *question,
    struct reply *reply, struct err *err)
{
    struct pipe_problems problems = {0};
    json_t *body = complete_body(request->json, kind);
    enum status status = body != NULL ? read_definition(body, question, &problems, err)
                                      : err_set(err, ST_NO_MEMORY, "no memory for a question");
    if (status == ST_OK) {
        status = probe_options_read(
            request->json, kind->options, kind->options_count, &problems, &question->options, err);
        check_words(question->options, &problems);
    }
    if (status == ST_OK) {
        status = support_problems(&problems, reply, err);
    }
    if (status == ST_OK && json_object_set_new(question->options, "parts", json_true()) != 0) {
        status = err_set(err, ST_NO_MEMORY, "no memory for a question");
    }
    pipe_problems_done(&problems);
    json_decref(body);
    return status;
}

static enum status
look(const struct request *request, const struct look *kind, struct reply *reply, struct err *err)
{
    struct probe_question question = {
        .kind = kind->kind,
        .has_clickhouse = kind->has_clickhouse,
        .deadline_ms = LOOK_DEADLINE_MS,
    };
    json_t *result = NULL;
    enum status status = read_question(request, kind, &question, reply, err);
    if (status == ST_OK) {
        status = probe_question_ask(request, &question, &result, err);
    }
    if (status == ST_OK) {
        status = reply_set_result(reply, result, err);
    }
    probe_question_done(&question);
    return status;
}

enum status handle_probe_topics(const struct request *request, struct reply *reply, struct err *err)
{
    static const struct look KIND = {"topics", TOPICS, ARRAY_LEN(TOPICS), false, false, false};
    return look(request, &KIND, reply, err);
}

enum status handle_probe_sample(const struct request *request, struct reply *reply, struct err *err)
{
    static const struct look KIND = {"sample", PLACE, ARRAY_LEN(PLACE), true, false, false};
    return look(request, &KIND, reply, err);
}

enum status handle_probe_infer(const struct request *request, struct reply *reply, struct err *err)
{
    static const struct look KIND = {"infer", INFER, ARRAY_LEN(INFER), true, false, false};
    return look(request, &KIND, reply, err);
}

enum status
handle_probe_preview(const struct request *request, struct reply *reply, struct err *err)
{
    static const struct look KIND = {"preview", PLACE, ARRAY_LEN(PLACE), true, true, true};
    return look(request, &KIND, reply, err);
}

enum status
handle_probe_connection(const struct request *request, struct reply *reply, struct err *err)
{
    static const struct look KIND = {"connection", NULL, 0, true, false, true};
    return look(request, &KIND, reply, err);
}

enum status
handle_schema_discovery(const struct request *request, struct reply *reply, struct err *err)
{
    static const struct look KIND = {"infer", NULL, 0, true, false, false};
    return look(request, &KIND, reply, err);
}
