/*
 * The schema registry's place in the loop: its answers and its time, the records that wait for it,
 * what it suffers from, and the event when a schema is used for the first time.
 */
#include <stdio.h>

#include "common/base/log.h"

#include "worker/replica/run.h"

enum {
    WAITING_SHARE = 16, /* of the replica's memory: records that wait for their schema */
};

enum status schemas_open(struct run *run, struct err *err)
{
    const struct schema_registry *settings = run->spec.pipe->source.registry;
    if (settings == NULL) {
        return ST_OK;
    }
    enum status st = waiting_new(run->memory_bytes / WAITING_SHARE, &run->waiting, err);
    run->intake.waiting = run->waiting;
    return st == ST_OK ? registry_new(run->http, settings, &run->registry, err) : st;
}

void schemas_done(struct run *run)
{
    registry_free(run->registry);
    run->registry = NULL;
    waiting_free(run->waiting);
    run->waiting = NULL;
    run->intake.waiting = NULL;
}

const struct schema_source *schemas_source(struct run *run)
{
    return run->registry == NULL ? NULL : registry_source(run->registry);
}

size_t schemas_waiting_count(const struct run *run)
{
    return run->waiting == NULL ? 0 : waiting_count(run->waiting);
}

bool schemas_are_behind(const struct run *run)
{
    return run->is_retrying || (run->waiting != NULL && waiting_is_full(run->waiting));
}

/* One replica uses few schemas; past the limit an event may come twice. */
static bool is_told(struct run *run, const struct schema *schema)
{
    size_t known = run->schemas_told < RUN_SCHEMAS_MAX ? run->schemas_told : RUN_SCHEMAS_MAX;
    for (size_t i = 0; i < known; i++) {
        if (run->schemas[i] == schema) {
            return true;
        }
    }
    run->schemas[run->schemas_told++ % RUN_SCHEMAS_MAX] = schema;
    return false;
}

static void tell_new(struct run *run)
{
    const struct schema *schema = NULL;
    while (decoder_take_new_schema(run->decoder, &schema)) {
        if (!is_told(run, schema)) {
            status_schema(run, schema);
        }
    }
}

void schemas_step(struct run *run)
{
    if (run->registry == NULL) {
        return;
    }
    registry_tick(run->registry, run->now_ms);
    uint64_t version = registry_version(run->registry);
    if (waiting_count(run->waiting) > 0 &&
        (version != run->tried_version || run->now_ms >= run->next_try_ms)) {
        run->tried_version = version;
        run->next_try_ms = run->now_ms + WAITING_RETRY_MS;
        run->is_retrying = true;
        waiting_rewind(run->waiting);
    }
    if (run->is_retrying && !run->intake.has_failed) {
        run->intake.now_ms = run->now_ms;
        run->is_retrying = !(run->exact.is_on ? exact_retry(run) : intake_retry(&run->intake));
    }
    tell_new(run);
}

int64_t schemas_due_ms(const struct run *run)
{
    if (run->registry == NULL) {
        return INT64_MAX;
    }
    int64_t due_ms = registry_due_ms(run->registry);
    if (waiting_count(run->waiting) > 0 && run->next_try_ms < due_ms) {
        due_ms = run->next_try_ms;
    }
    return due_ms;
}

void schemas_forget(struct run *run)
{
    if (run->waiting != NULL && run->exact.is_on) {
        waiting_clear(run->waiting); /* they were not taken */
        run->is_retrying = false;
    } else if (run->waiting != NULL) {
        intake_owe(&run->intake, waiting_count(run->waiting), waiting_input_bytes(run->waiting));
        waiting_clear(run->waiting);
        run->is_retrying = false;
    }
}

/* Nobody waits for a registry that no message asks. */
void schemas_look(struct run *run)
{
    struct run_trouble *trouble = &run->registry_trouble;
    const char *text = "";
    enum pipe_reason reason = PIPE_REASON_NONE;
    if (schemas_waiting_count(run) > 0) {
        reason = registry_trouble(run->registry, &text);
    }
    if (reason != PIPE_REASON_NONE && reason != trouble->reason) {
        trouble->since_ms = run->now_ms;
    }
    trouble->reason = reason;
    (void)snprintf(trouble->text, sizeof(trouble->text), "%s", text); /* cut is fine */
}
