/*
 * One question, one answer. Whatever goes wrong becomes an answer; only an answer that cannot be
 * written is a failure of the probe.
 */
#include "worker/probe/probe.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/secret.h"

#include "worker/probe/offsets.h"
#include "worker/probe/question.h"
#include "worker/protocol/protocol.h"
#include "worker/replica/kafka/check.h"

/* Begins with the connection: its errors are the ones a person can use. */
static enum status
look_at_offsets(const struct question *question, json_t **ret_result, struct probe_failure *failure)
{
    enum status st = kafka_check(
        &question->pipe->source, NULL, question->deadline_ms, &failure->reason, &failure->err);
    return st == ST_OK ? probe_offsets(
                             question->json, question->pipe, question->deadline_ms, ret_result,
                             &failure->err)
                       : st;
}

/* Whether this worker's Kafka library can do what the settings ask for. */
static enum status
look_at_library(const struct question *question, json_t **ret_result, struct probe_failure *failure)
{
    (void)ret_result; /* there is no more to say than yes */
    return kafka_check_library(&question->pipe->settings, &failure->err);
}

static probe_kind *kind_of(const char *name)
{
    static const struct {
        const char *name;
        probe_kind *run;
    } KINDS[] = {
        {"connection", probe_connection}, {"topics", probe_topics},     {"sample", probe_sample},
        {"infer", probe_infer},           {"preview", probe_preview},   {"replay", probe_replay},
        {"offsets", look_at_offsets},     {"library", look_at_library},
    };
    for (size_t i = 0; i < ARRAY_LEN(KINDS); i++) {
        if (strcmp(name, KINDS[i].name) == 0) {
            return KINDS[i].run;
        }
    }
    return NULL;
}

static json_t *answer_no(enum status st, const struct probe_failure *failure)
{
    return json_pack(
        "{s:b,s:s,s:s,s:s,s:s,s:s*}", "ok", 0, "status", status_text(st), "code",
        pipe_reason_text(failure->reason), "message", failure->err.text, "hint",
        pipe_reason_hint(failure->reason), "member", failure->member);
}

/* The answer to a question; NULL only without memory. */
static json_t *probe_answer(const char *text)
{
    struct probe_failure failure = {.reason = PIPE_REASON_INTERNAL};
    CLEANUP(question_done) struct question question = {.json = NULL};
    json_t *result = NULL;
    enum status st = question_parse(text, &question, &failure.err);
    if (st == ST_OK) {
        probe_kind *run = kind_of(question.kind);
        st = run != NULL ? run(&question, &result, &failure)
                         : err_set(
                               &failure.err, ST_UNSUPPORTED, "this version has no probe '%s'",
                               question.kind);
    }
    if (st != ST_OK) {
        return answer_no(st, &failure);
    }
    /* "offsets" makes its whole answer itself. */
    bool is_whole = json_object_get(result, "ok") != NULL;
    return is_whole ? result : json_pack("{s:b,s:o*}", "ok", 1, "result", result);
}

/* The answer as it is sent: one that is larger than a frame becomes the reason why. NULL only
 * without memory. */
static char *answer_words(const json_t *answer)
{
    char *words = answer == NULL ? NULL : json_dumps(answer, JSON_COMPACT);
    if (words == NULL || strlen(words) <= PROTOCOL_ANSWER_MAX_BYTES) {
        return words;
    }
    struct probe_failure failure = {.reason = PIPE_REASON_INTERNAL};
    enum status st = err_set(
        &failure.err, ST_TOO_LARGE,
        "/limit: the answer would be %zu bytes, %d are possible; ask for fewer records",
        strlen(words), PROTOCOL_ANSWER_MAX_BYTES);
    free(words);
    json_t *refusal = answer_no(st, &failure);
    words = refusal == NULL ? NULL : json_dumps(refusal, JSON_COMPACT);
    json_decref(refusal);
    return words;
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
    char *words = answer_words(answer);
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
