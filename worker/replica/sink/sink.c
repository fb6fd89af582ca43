/*
 * The machine has two stages, rows and rejects; which rows are tried next when some are refused is
 * decided by tries.h. A batch of an exactly-once pipe is never sent again before it is certain that
 * no earlier try of it still runs (recheck.h), and what comes next depends on what was found.
 */
#include "worker/replica/sink/sink.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/replica/sink/sink_inner.h"

enum {
    FITTING_BATCHES = 20, /* in a row that were small enough: forget what was too large */
    RETRY_FIRST_MS = 500,
    RETRY_MAX_MS = 30000,
};

enum status sink_new(const struct sink_params *params, struct sink **ret_sink, struct err *err)
{
    struct sink *sink = calloc(1, sizeof(*sink));
    if (sink == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for a sink");
    }
    sink->params = *params;
    recheck_init(&sink->recheck, params->client, &params->endpoint, sink);
    enum status st = body_init(&sink->body, params->compression, params->body_max_bytes, err);
    sink->column_names = calloc(params->columns_count, sizeof(sink->column_names[0]));
    if (st == ST_OK && sink->column_names == NULL) {
        st = err_set(err, ST_NO_MEMORY, "no memory for %zu columns", params->columns_count);
    }
    for (size_t i = 0; st == ST_OK && i < params->columns_count; i++) {
        sink->column_names[i] = params->columns[i].name;
    }
    if (st == ST_OK && uuid_new(sink->token) != ST_OK) {
        st = err_set(err, ST_INTERNAL, "no random bytes for a token");
    }
    if (st != ST_OK) {
        sink_free(sink);
        return st;
    }
    backoff_init(&sink->backoff, RETRY_FIRST_MS, RETRY_MAX_MS, params->seed);
    sink->due_ms = INT64_MAX;
    *ret_sink = sink;
    return ST_OK;
}

static void sink_forget_refused(struct sink *sink)
{
    for (size_t i = 0; i < sink->refused_count; i++) {
        free(sink->refused[i].message);
    }
    free(sink->refused);
    sink->refused = NULL;
    sink->refused_count = 0;
}

void sink_forget_body(struct sink *sink)
{
    body_forget(&sink->body);
    block_freep(&sink->part);
}

void sink_free(struct sink *sink)
{
    if (sink == NULL) {
        return;
    }
    http_cancel(sink->params.client, sink->call);
    recheck_done(&sink->recheck);
    sink_forget_body(sink);
    sink_forget_refused(sink);
    body_done(&sink->body);
    tries_done(&sink->tries);
    free(sink->column_names);
    free(sink);
}

void sink_freep(struct sink **sink)
{
    sink_free(*sink);
    *sink = NULL;
}

bool sink_is_exactly_once(const struct sink *sink)
{
    return sink->batch->range.token[0] != '\0';
}

bool sink_is_by_check(const struct sink *sink)
{
    return sink_is_exactly_once(sink) && sink->params.check.offset != NULL &&
           !sink->is_check_denied;
}

/* The last try failed for this reason: wait. */
void sink_wait(
    struct sink *sink, enum pipe_reason reason, const char *message, int64_t now_ms,
    int64_t at_least_ms)
{
    if (sink->reason == PIPE_REASON_NONE) {
        sink->trouble_since_ms = now_ms;
    }
    sink->reason = reason;
    sink->failures_count++;
    (void)snprintf(
        sink->message, sizeof(sink->message), "%.*s", (int)sizeof(sink->message) - 1,
        message); /* cut is fine */
    int64_t wait_ms = backoff_next_ms(&sink->backoff);
    sink->due_ms = now_ms + (wait_ms > at_least_ms ? wait_ms : at_least_ms);
    sink->state = SINK_WAITING;
}

int sink_by_row(const void *a, const void *b)
{
    const struct sink_refusal *left = a;
    const struct sink_refusal *right = b;
    return left->row < right->row ? -1 : left->row > right->row;
}

/* Begin with a stage of the batch. */
static void sink_enter(struct sink *sink, enum stage stage)
{
    sink->stage = stage;
    sink->is_divided = false;
    sink->is_unsure = sink_is_exactly_once(sink) && sink->batch->range.is_replay;
    sink->was_unsure = sink->is_unsure;
    sink->is_verifying = false;
    sink->renamed = 0;
    sink->verified = 0;
    sink->memory_failures = 0;
    sink->wants_smaller = false;
    tries_begin(&sink->tries, block_rows(sink_stage_block(sink)));
}

/*
 * True if what the table says that it has must be seen before the stage is over. A server that is
 * killed between writing a token into its deduplication log and putting the part into place
 * answers the repetition with success and stores nothing (measured: once in 150 kills).
 */
static bool sink_must_verify(const struct sink *sink)
{
    return sink->was_unsure && sink_is_by_check(sink) && block_rows(sink_stage_block(sink)) > 0;
}

/* The stage is over. True: go on with the next one. */
static bool sink_leave(struct sink *sink)
{
    if (sink->stage == STAGE_REJECTS) {
        sink->state = SINK_STORED;
        return false;
    }
    if (sink->refused_count > 0) {
        qsort(sink->refused, sink->refused_count, sizeof(sink->refused[0]), sink_by_row);
        sink->state = SINK_REFUSED;
        return false;
    }
    sink_enter(sink, STAGE_REJECTS);
    return true;
}

/* The next try, no larger than the server's memory takes. False = none is left. */
static bool sink_next(struct sink *sink)
{
    bool has_next = tries_next(&sink->tries);
    while (has_next && !sink_is_exactly_once(sink) && sink->stage == STAGE_ROWS &&
           sink->fitting_rows > 0 && tries_rows(&sink->tries) > sink->fitting_rows &&
           tries_halve(&sink->tries)) {
        has_next = tries_next(&sink->tries);
    }
    return has_next;
}

void sink_proceed(struct sink *sink, int64_t now_ms)
{
    sink_forget_body(sink);
    while (!sink_next(sink)) {
        if (sink_must_verify(sink)) {
            sink->is_verifying = true;
            sink_ask(sink, now_ms);
            return;
        }
        if (!sink_leave(sink)) {
            return;
        }
    }
    if (sink->is_unsure) {
        sink_ask(sink, now_ms);
    } else {
        sink_send(sink, now_ms);
    }
}

void sink_store(struct sink *sink, struct batch *batch, int64_t now_ms)
{
    assert(sink->state == SINK_IDLE && batch->sealed_by != BATCH_OPEN);
    sink->batch = batch;
    sink->tries_count = 0;
    bool is_small = block_rows(batch->block) <= sink->fitting_rows;
    sink->small_batches = is_small ? sink->small_batches + 1 : 0;
    if (sink->small_batches > FITTING_BATCHES) {
        sink->fitting_rows = 0; /* batches are small enough by now, and may grow again */
    }
    sink_enter(sink, STAGE_ROWS);
    sink_proceed(sink, now_ms);
}

int64_t sink_due_ms(const struct sink *sink)
{
    return sink->state == SINK_WAITING ? sink->due_ms : INT64_MAX;
}

enum sink_state sink_state(const struct sink *sink)
{
    return sink->state;
}

const struct sink_refusal *sink_refused(const struct sink *sink, size_t *ret_count)
{
    *ret_count = sink->refused_count;
    return sink->refused;
}

void sink_refused_done(struct sink *sink, int64_t now_ms)
{
    assert(sink->state == SINK_REFUSED);
    sink_forget_refused(sink);
    sink_proceed(sink, now_ms);
}

int64_t sink_mismatch_wait_ms(struct sink *sink)
{
    return sink->due_ms;
}

void sink_release(struct sink *sink)
{
    assert(sink->state == SINK_STORED);
    sink->state = SINK_IDLE;
    sink->batch = NULL;
}

void sink_drop(struct sink *sink)
{
    http_cancel(sink->params.client, sink->call);
    sink->call = NULL;
    recheck_cancel(&sink->recheck);
    sink_forget_body(sink);
    sink_forget_refused(sink);
    tries_begin(&sink->tries, 0);
    sink->batch = NULL;
    sink->due_ms = INT64_MAX;
    sink->reason = PIPE_REASON_NONE;
    sink->failures_count = 0;
    backoff_reset(&sink->backoff);
    sink->state = SINK_IDLE;
}

void sink_trouble(const struct sink *sink, struct sink_trouble *ret_trouble)
{
    *ret_trouble = (struct sink_trouble){
        .reason = sink->reason,
        .since_ms = sink->trouble_since_ms,
        .failures_count = sink->failures_count,
        .message = sink->message,
    };
}

void sink_totals_add(struct sink_totals *totals, const struct sink_totals *more)
{
    totals->inserts += more->inserts;
    totals->retries += more->retries;
    totals->encoded_bytes += more->encoded_bytes;
    totals->wire_bytes += more->wire_bytes;
    totals->refused += more->refused;
    totals->unknown += more->unknown;
    totals->parts_refusals += more->parts_refusals;
    totals->memory_refusals += more->memory_refusals;
    for (size_t i = 0; i < INSERT_NUMBERS; i++) {
        totals->insert_numbers[i] += more->insert_numbers[i];
    }
}

const struct sink_totals *sink_totals(const struct sink *sink)
{
    return &sink->totals;
}

size_t sink_memory_bytes(const struct sink *sink)
{
    return body_memory_bytes(&sink->body) +
           (sink->part == NULL ? 0 : block_memory_bytes(sink->part));
}
