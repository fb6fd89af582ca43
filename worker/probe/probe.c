/*
 * One question, one answer, by the question's kind. Kind "connection": can the brokers be reached
 * with this login, are the topics there, does the schema registry answer. Whatever goes wrong
 * becomes an answer; only an answer that cannot be written is a failure of the probe.
 */
#include "worker/probe/probe.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/model/pipe.h"
#include "common/model/pipe_state.h"

#include "worker/probe/offsets.h"
#include "worker/protocol/protocol.h"
#include "worker/replica/kafka/check.h"
#include "worker/replica/registry/registry_check.h"

enum {
    PROBE_DEADLINE_MS = 10000, /* when the question names none */
    PROBE_SPARE_MS = 500,      /* the answer must be out before the asker gives up */
    REGISTRY_SHARE = 2,        /* of the time: a half */
};

static json_t *answer_no(enum status st, enum pipe_reason reason, const struct err *err)
{
    return json_pack(
        "{s:b,s:s,s:s,s:s}", "ok", 0, "status", status_text(st), "code", pipe_reason_text(reason),
        "message", err->text);
}

/* The definition of the question. ret_spec: owned. ST_INVALID, ST_NO_MEMORY. */
static enum status read_spec(const json_t *question, struct pipe_spec **ret_spec, struct err *err)
{
    struct pipe_problems problems = {.count = 0};
    enum status st = pipe_spec_from_json(
        json_object_get(question, "definition"), json_object_get(question, "secrets"), &problems,
        ret_spec, err);
    pipe_problems_done(&problems);
    return st;
}

/* When the answer must be ready, of the monotonic clock. */
static int64_t deadline_of(const json_t *question)
{
    int64_t allowed_ms = json_integer_value(json_object_get(question, "deadlineMs"));
    if (allowed_ms <= PROBE_SPARE_MS) {
        allowed_ms = PROBE_DEADLINE_MS;
    }
    return clock_monotonic_ms() + allowed_ms - PROBE_SPARE_MS;
}

/* One part of the connection's answer. */
static json_t *part_of(enum status st, enum pipe_reason reason, const struct err *err)
{
    if (st == ST_OK) {
        return json_pack("{s:b,s:s,s:s}", "ok", 1, "message", "", "hint", "");
    }
    return json_pack(
        "{s:b,s:s,s:s}", "ok", 0, "message", err->text, "hint", pipe_reason_hint(reason));
}

/* What one part of the source said. */
struct look {
    enum status st;
    enum pipe_reason reason;
    const char *member; /* of source.kafka, to blame; NULL = none in particular */
    struct err err;
};

static json_t *connection_answer(const struct look *source, const struct look *registry)
{
    const struct look *worst = source->st != ST_OK || registry == NULL ? source : registry;
    json_t *answer = worst->st == ST_OK ? json_pack("{s:b}", "ok", 1)
                                        : answer_no(worst->st, worst->reason, &worst->err);
    bool is_ok = answer != NULL &&
                 json_object_set_new(
                     answer, "source", part_of(source->st, source->reason, &source->err)) == 0;
    if (registry != NULL) {
        is_ok = is_ok && json_object_set_new(
                             answer, "registry",
                             part_of(registry->st, registry->reason, &registry->err)) == 0;
    }
    if (worst->st != ST_OK && worst->member != NULL) {
        is_ok = is_ok && json_object_set_new(answer, "member", json_string(worst->member)) == 0;
    }
    if (!is_ok) {
        json_decref(answer);
        return NULL;
    }
    return answer;
}

/* Brokers, topics, and the schema registry if there is one. The registry first, and only a part of
 * the time: brokers that are away take all that is left. */
static enum status answer_connection(
    const json_t *question, json_t **ret_answer, enum pipe_reason *ret_reason, struct err *err)
{
    CLEANUP(pipe_spec_freep) struct pipe_spec *spec = NULL;
    enum status st = read_spec(question, &spec, err);
    if (st != ST_OK) {
        return st;
    }
    const int64_t deadline_ms = deadline_of(question);
    struct look source = {.st = ST_OK};
    struct look registry = {.st = ST_OK};
    const bool has_registry = spec->source.registry != NULL;
    if (has_registry) {
        int64_t now_ms = clock_monotonic_ms();
        registry.st = registry_check(
            &spec->source, now_ms + (deadline_ms - now_ms) / REGISTRY_SHARE, &registry.reason,
            &registry.member, &registry.err);
    }
    source.st = kafka_check(&spec->source, deadline_ms, &source.reason, &source.err);
    *ret_answer = connection_answer(&source, has_registry ? &registry : NULL);
    if (*ret_answer == NULL) {
        *ret_reason = PIPE_REASON_INTERNAL;
        return err_set(err, ST_NO_MEMORY, "no memory for an answer");
    }
    return ST_OK;
}

/* Every other kind begins with the connection: its errors are the ones a person can use. */
static enum status answer_offsets(
    const json_t *question, json_t **ret_answer, enum pipe_reason *ret_reason, struct err *err)
{
    CLEANUP(pipe_spec_freep) struct pipe_spec *spec = NULL;
    const int64_t deadline_ms = deadline_of(question);
    enum status st = read_spec(question, &spec, err);
    if (st == ST_OK) {
        st = kafka_check(&spec->source, deadline_ms, ret_reason, err);
    }
    return st == ST_OK ? probe_offsets(question, spec, deadline_ms, ret_answer, err) : st;
}

static const struct {
    const char *kind;
    enum status (*answer)(
        const json_t *question, json_t **ret_answer, enum pipe_reason *ret_reason, struct err *err);
} KINDS[] = {
    {"connection", answer_connection},
    {"offsets", answer_offsets},
};

/* The answer to a question; never NULL unless memory is out. */
static json_t *probe_answer(const char *text)
{
    struct err err = {.status = ST_OK};
    enum pipe_reason reason = PIPE_REASON_INTERNAL;
    json_t *question = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    const char *kind = json_string_value(json_object_get(question, "kind"));
    json_t *answer = NULL;
    enum status st = kind == NULL
                         ? err_set(&err, ST_INVALID, "the question is no object with a kind")
                         : err_set(&err, ST_UNSUPPORTED, "this version has no probe '%s'", kind);
    for (size_t i = 0; kind != NULL && i < ARRAY_LEN(KINDS); i++) {
        if (strcmp(KINDS[i].kind, kind) == 0) {
            st = KINDS[i].answer(question, &answer, &reason, &err);
        }
    }
    json_decref(question);
    return st == ST_OK ? answer : answer_no(st, reason, &err);
}

int probe_main(void)
{
    struct err err;
    struct protocol_frame frame;
    char *text = NULL;
    enum status st =
        protocol_frame_read(PROTOCOL_FD_SPEC, PROTOCOL_SPEC_MAX_BYTES, &frame, &text, &err);
    if (st != ST_OK) {
        log_err(LOG_ERROR, "probe_not_asked", &err, "probe=new");
        return PROTOCOL_EXIT_USAGE;
    }
    json_t *answer = probe_answer(text);
    secret_wipe(text, strlen(text));
    free(text);
    char *words = answer == NULL ? NULL : json_dumps(answer, JSON_COMPACT);
    json_decref(answer);
    if (words == NULL) {
        return PROTOCOL_EXIT_FAILED;
    }
    st = protocol_frame_write(
        PROTOCOL_FD_REPORT, PROTOCOL_FRAME_ANSWER, words, (uint32_t)strlen(words), &err);
    free(words);
    if (st != ST_OK) {
        log_err(LOG_ERROR, "probe_not_answered", &err, "probe=new");
        return PROTOCOL_EXIT_FAILED;
    }
    return PROTOCOL_EXIT_DONE;
}
