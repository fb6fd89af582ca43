/*
 * Kind "connection": can the brokers be reached with this login, are the topics there. Whatever
 * goes wrong becomes an answer; only an answer that cannot be written is a failure of the probe.
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

#include "worker/protocol/protocol.h"
#include "worker/replica/kafka/check.h"

enum {
    PROBE_DEADLINE_MS = 10000, /* when the question names none */
    PROBE_SPARE_MS = 500,      /* the answer must be out before the asker gives up */
};

static json_t *answer_no(enum status st, enum pipe_reason reason, const struct err *err)
{
    return json_pack(
        "{s:b,s:s,s:s,s:s}", "ok", 0, "status", status_text(st), "code", pipe_reason_text(reason),
        "message", err->text);
}

static enum status
probe_connection(const json_t *question, enum pipe_reason *ret_reason, struct err *err)
{
    struct pipe_problems problems = {.count = 0};
    CLEANUP(pipe_spec_freep) struct pipe_spec *spec = NULL;
    enum status st = pipe_spec_from_json(
        json_object_get(question, "definition"), json_object_get(question, "secrets"), &problems,
        &spec, err);
    pipe_problems_done(&problems);
    if (st != ST_OK) {
        return st;
    }
    int64_t allowed_ms = json_integer_value(json_object_get(question, "deadlineMs"));
    if (allowed_ms <= PROBE_SPARE_MS) {
        allowed_ms = PROBE_DEADLINE_MS;
    }
    return kafka_check(
        &spec->source, clock_monotonic_ms() + allowed_ms - PROBE_SPARE_MS, ret_reason, err);
}

/* The answer to a question; never NULL unless memory is out. */
static json_t *probe_answer(const char *text)
{
    struct err err = {.status = ST_OK};
    enum pipe_reason reason = PIPE_REASON_INTERNAL;
    json_t *question = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    const char *kind = json_string_value(json_object_get(question, "kind"));
    enum status st = ST_OK;
    if (kind == NULL) {
        st = err_set(&err, ST_INVALID, "the question is no JSON object with a kind");
    } else if (strcmp(kind, "connection") != 0) {
        st = err_set(&err, ST_UNSUPPORTED, "this version has no probe '%s'", kind);
    } else {
        st = probe_connection(question, &reason, &err);
    }
    json_decref(question);
    return st == ST_OK ? json_pack("{s:b}", "ok", 1) : answer_no(st, reason, &err);
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
