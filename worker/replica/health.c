/*
 * What the replica waits for, in one reason at a time: the supervisor hears when it changes and
 * when it is over. Waiting ends in a failure after the pipe's own time-outs, at once when nothing
 * but a person can help.
 */
#include <stdio.h>
#include <string.h>

#include "common/base/log.h"

#include "worker/replica/run.h"

enum {
    LOGIN_REFUSED_MS = 10000, /* a refused login is final after this; rotation takes a moment */
    TEXT_AGAIN_MS = 10000,    /* the same reason in other words is told this often */
};

void health_source(struct run *run, enum pipe_reason reason, const char *text)
{
    struct run_trouble *trouble = &run->source_trouble;
    if (reason == PIPE_REASON_NONE) {
        trouble->reason = PIPE_REASON_NONE;
        run->has_source_been_well = true;
        run->next_report_ms = run->now_ms;
        return;
    }
    if (trouble->reason == PIPE_REASON_NONE ||
        (reason == PIPE_REASON_SOURCE_AUTHENTICATION && trouble->reason != reason)) {
        trouble->since_ms = run->now_ms;
    }
    trouble->reason = reason;
    (void)snprintf(trouble->text, sizeof(trouble->text), "%s", text); /* cut is fine */
}

static void health_say(struct run *run, enum pipe_reason reason, const char *text)
{
    run->shown_reason = reason;
    run->shown_ms = run->now_ms;
    (void)snprintf(run->shown_text, sizeof(run->shown_text), "%s", text); /* cut is fine */
    struct reporter_event event = {
        .event = "reason", .name = pipe_reason_text(reason), .text = text, .details = ""};
    reporter_event(&run->reporter, &event);
    run->next_report_ms = run->now_ms;
    if (reason == PIPE_REASON_NONE) {
        log_event(LOG_INFO, "all_well", "pipe=%s", run->spec.pipe_id);
    } else {
        log_event(
            LOG_WARN, "waiting", "pipe=%s reason=%s text=\"%s\"", run->spec.pipe_id,
            pipe_reason_text(reason), text);
    }
}

void health_fail(struct run *run, enum pipe_reason reason, const char *text)
{
    if (run->drain == RUN_DRAIN_STOP) {
        return;
    }
    struct reporter_event event = {
        .event = "failed", .name = pipe_reason_text(reason), .text = text, .details = ""};
    reporter_event(&run->reporter, &event);
    log_event(
        LOG_ERROR, "failed", "pipe=%s reason=%s text=\"%s\"", run->spec.pipe_id,
        pipe_reason_text(reason), text);
    drain_begin(run, RUN_DRAIN_STOP, PROTOCOL_EXIT_STOP);
}

/* The destination's trouble, whichever room has it. */
static void health_destination(const struct run *run, struct run_trouble *ret_trouble)
{
    const struct destination *destination = &run->destination;
    struct sink_trouble sink = {.reason = PIPE_REASON_NONE};
    ret_trouble->reason = PIPE_REASON_NONE;
    if (run->sink != NULL) {
        sink_trouble(run->sink, &sink);
    }
    if (run->mismatch.reason != PIPE_REASON_NONE) {
        *ret_trouble = run->mismatch;
        if (destination->reason != PIPE_REASON_NONE) {
            ret_trouble->reason = destination->reason;
            (void)snprintf(
                ret_trouble->text, sizeof(ret_trouble->text), "%s", destination->message);
        }
    } else if (sink.reason != PIPE_REASON_NONE) {
        ret_trouble->reason = sink.reason;
        ret_trouble->since_ms = sink.since_ms;
        (void)snprintf(ret_trouble->text, sizeof(ret_trouble->text), "%s", sink.message);
    } else if (destination->reason != PIPE_REASON_NONE) {
        ret_trouble->reason = destination->reason;
        ret_trouble->since_ms = destination->trouble_since_ms;
        (void)snprintf(ret_trouble->text, sizeof(ret_trouble->text), "%s", destination->message);
    }
}

static int64_t health_limit_ms(const struct run *run, enum pipe_reason reason)
{
    const struct pipe_settings *settings = &run->spec.pipe->settings;
    if (reason == PIPE_REASON_SOURCE_AUTHENTICATION ||
        reason == PIPE_REASON_REGISTRY_AUTHENTICATION) {
        return LOGIN_REFUSED_MS;
    }
    if (reason == PIPE_REASON_SOURCE_UNREACHABLE || reason == PIPE_REASON_SOURCE_AUTHORIZATION ||
        reason == PIPE_REASON_TOPIC_NOT_FOUND || reason == PIPE_REASON_REGISTRY_UNREACHABLE) {
        return settings->source_timeout_s * 1000;
    }
    return settings->destination_timeout_s * 1000;
}

bool health_is_well(const struct run *run)
{
    return run->shown_reason == PIPE_REASON_NONE;
}

void health_step(struct run *run)
{
    struct run_trouble trouble;
    health_destination(run, &trouble);
    schemas_look(run);
    if (trouble.reason == PIPE_REASON_NONE) {
        trouble = run->registry_trouble;
    }
    if (run->source_trouble.reason != PIPE_REASON_NONE) {
        trouble = run->source_trouble;
    }
    if (trouble.reason == PIPE_REASON_NONE) {
        if (run->shown_reason != PIPE_REASON_NONE) {
            health_say(run, PIPE_REASON_NONE, "");
        }
        return;
    }
    bool is_new = trouble.reason != run->shown_reason;
    bool is_reworded =
        strcmp(trouble.text, run->shown_text) != 0 && run->now_ms - run->shown_ms >= TEXT_AGAIN_MS;
    if (is_new || is_reworded) {
        health_say(run, trouble.reason, trouble.text);
    }
    bool is_hopeless = run->destination.is_hopeless && trouble.reason == run->destination.reason;
    if (is_hopeless || run->now_ms - trouble.since_ms >= health_limit_ms(run, trouble.reason)) {
        health_fail(run, trouble.reason, trouble.text);
    }
}
