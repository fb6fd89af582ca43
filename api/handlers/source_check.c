/*
 * The probe "connection" looks at all parts and tells of each; this turns what does not work into
 * problems of the definition.
 */
#include "api/handlers/source_check.h"

#include <stdio.h>
#include <string.h>

#include "common/model/pipe_state.h"
#include "common/store/probes.h"

#include "api/handlers/probe_ask.h"

enum {
    PROBE_DEADLINE_MS = 15000,
    POINTER_BYTES = 96,
};

/* Which member of source.kafka a failure points at when the probe names none. */
static const char *member_of(enum pipe_reason reason)
{
    if (reason == PIPE_REASON_SOURCE_UNREACHABLE) {
        return "brokers";
    }
    if (reason == PIPE_REASON_SOURCE_AUTHENTICATION) {
        return "credentials";
    }
    if (reason == PIPE_REASON_TOPIC_NOT_FOUND) {
        return "topics";
    }
    return "";
}

/* part: {ok, code, message, member}; NULL or null = was not looked at. */
static void judge_part(const json_t *part, struct pipe_problems *problems)
{
    if (!json_is_object(part) || json_is_true(json_object_get(part, "ok"))) {
        return;
    }
    const char *code = json_string_value(json_object_get(part, "code"));
    const char *message = json_string_value(json_object_get(part, "message"));
    const char *member = json_string_value(json_object_get(part, "member"));
    if (member == NULL) {
        member = member_of(pipe_reason_from_text(code));
    }
    char pointer[POINTER_BYTES];
    (void)snprintf(
        pointer, sizeof(pointer), "/source/kafka%s%s", member[0] == '\0' ? "" : "/",
        member); /* our own probe's member: fits */
    pipe_problems_add(
        problems, pointer, "%s: %s", code == NULL ? "INTERNAL" : code,
        message == NULL ? "no reason was given" : message);
}

static void judge(const json_t *answer, struct pipe_problems *problems)
{
    if (!json_is_true(json_object_get(answer, "ok"))) {
        judge_part(answer, problems);
        return;
    }
    const json_t *parts = json_object_get(answer, "result");
    judge_part(json_object_get(parts, "source"), problems);
    judge_part(json_object_get(parts, "registry"), problems);
}

/* Ask a probe of this kind about the subject. *ret_answer: owned reference, NULL without a worker.
 */
static enum status
ask(const struct request *request, const char *kind, const struct source_subject *subject,
    json_t **ret_answer, struct err *err)
{
    bool has_worker = false;
    *ret_answer = NULL;
    enum status status = probe_has_worker(request->store, &has_worker, err);
    if (status != ST_OK || !has_worker) {
        return status;
    }
    json_t *question = json_pack(
        "{s:s, s:O, s:O*, s:s, s:{s:b}, s:i}", "kind", kind, "definition", subject->definition,
        "secrets", subject->secrets, "consumerGroup", subject->consumer_group, "options", "all", 1,
        "deadlineMs", PROBE_DEADLINE_MS);
    if (question == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for the source's check");
    }
    char job[UUID_TEXT_BYTES];
    status = probe_ask(request->store, question, PROBE_DEADLINE_MS, job, err);
    json_decref(question);
    return status == ST_OK ? probe_wait(request->store, job, PROBE_DEADLINE_MS, ret_answer, err)
                           : status;
}

enum status source_check(
    const struct request *request, const struct source_subject *subject,
    struct pipe_problems *problems, struct err *err)
{
    json_t *answer = NULL;
    enum status status = ask(request, "connection", subject, &answer, err);
    if (status == ST_OK && answer != NULL) {
        judge(answer, problems);
    }
    json_decref(answer);
    return status;
}

enum status source_check_library(
    const struct request *request, const struct source_subject *subject,
    struct pipe_problems *problems, struct err *err)
{
    json_t *answer = NULL;
    enum status status = ask(request, "library", subject, &answer, err);
    const char *message = json_string_value(json_object_get(answer, "message"));
    if (status == ST_OK && message != NULL && !json_is_true(json_object_get(answer, "ok"))) {
        pipe_problems_add(problems, "/settings", "%s", message);
    }
    json_decref(answer);
    return status;
}

/* The first of the errors a preview found, with its place. */
static enum status judge_samples(const json_t *result, struct err *err)
{
    const json_t *errors = json_object_get(result, "errors");
    const json_t *first = json_array_get(errors, 0);
    if (first == NULL) {
        return ST_OK;
    }
    const char *type = json_string_value(json_object_get(first, "type"));
    const char *topic = json_string_value(json_object_get(first, "topic"));
    const char *message = json_string_value(json_object_get(first, "message"));
    return err_set(
        err, ST_REJECTED,
        SOURCE_CHECK_WORDS "%zu of the newest records would be rejected; %s[%lld]@%lld: %s: %s",
        json_array_size(errors), topic == NULL ? "" : topic,
        (long long)json_integer_value(json_object_get(first, "partition")),
        (long long)json_integer_value(json_object_get(first, "offset")), type == NULL ? "" : type,
        message == NULL ? "" : message);
}

enum status source_check_samples(
    const struct request *request, const struct source_subject *subject, struct err *err)
{
    struct probe_question question = {
        .kind = "preview",
        .definition = json_incref(subject->definition),
        .secrets = json_incref(subject->secrets),
        .has_clickhouse = true,
        .deadline_ms = PROBE_DEADLINE_MS,
    };
    json_t *result = NULL;
    enum status status = probe_question_ask(request, &question, &result, err);
    if (status == ST_OK) {
        status = judge_samples(result, err);
    }
    json_decref(result);
    probe_question_done(&question);
    return status;
}
