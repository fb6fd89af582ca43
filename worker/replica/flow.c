/*
 * The way of a batch: open, filled by the source, sealed, stored by the sink while the other one
 * fills, settled. At most two batches live at a time, and together with the compressed body they
 * stay below a budget (docs/architecture.md, what always holds: 5): when it is used up the intake
 * closes, and when it stays closed for a second the partitions are paused and only polled.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"

#include "worker/replica/run.h"

enum {
    PAUSE_AFTER_MS = 1000,
    MISMATCH_STEP_MS = 2000,
    MISMATCH_STEPS = 10,
    BODY_MAX_BYTES_SHARE = 2, /* of the replica's memory: no body may be larger */
    KEEP_PERCENT = 75, /* of a batch's limit: an emptied batch, a full one and its body still fit
                          into the budget, so that the intake stays open */
};

static bool flow_on_record(void *ctx, size_t slot, const struct record *record)
{
    struct run *run = ctx;
    return intake_take(&run->intake, slot, record);
}

static enum status
flow_on_assign(void *ctx, struct source_start *starts, size_t count, struct err *err)
{
    struct run *run = ctx;
    struct ledger_start *first = calloc(count > 0 ? count : 1, sizeof(*first));
    if (first == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for %zu partitions", count);
    }
    for (size_t i = 0; i < count; i++) {
        if (starts[i].committed >= 0) {
            starts[i].next =
                kept_later(&run->kept, starts[i].topic, starts[i].partition, starts[i].committed);
        }
        first[i] = (struct ledger_start){.next = starts[i].next, .committed = starts[i].committed};
    }
    enum status st = ledger_assign(run->ledger, first, count, err);
    for (size_t i = 0; st == ST_OK && i < count; i++) {
        /* A start that the strategy chose (not the very beginning) is committed at once, so that a
         * restart before the first insert does not choose again and step over what came meanwhile,
         * also into a partition that was empty; one we know better, too. */
        if (starts[i].next >= 0 && starts[i].next != starts[i].committed) {
            ledger_move(run->ledger, i, starts[i].next);
            run->is_commit_due = true;
        }
    }
    free(first);
    if (st == ST_OK) {
        run->counters.rebalances++;
        status_assigned(run, count);
    }
    return st;
}

static void flow_on_revoke(void *ctx, bool is_lost)
{
    struct run *run = ctx;
    run->is_lost = is_lost;
    status_revoked(run, is_lost);
    if (run->drain == RUN_DRAIN_NONE) {
        drain_begin(run, RUN_DRAIN_REVOKE, PROTOCOL_EXIT_DONE);
    }
}

static void flow_on_committed(void *ctx, size_t slot, int64_t offset)
{
    struct run *run = ctx;
    ledger_confirm(run->ledger, slot, offset);
}

static void flow_on_commit_refused(void *ctx, const char *text)
{
    struct run *run = ctx;
    run->is_refused = true;
    log_event(LOG_WARN, "commit_refused", "pipe=%s error=%s", run->spec.pipe_id, text);
}

static void flow_on_jump(void *ctx, enum source_jump jump, size_t slot, int64_t from, int64_t to)
{
    struct run *run = ctx;
    status_jump(run, jump, slot, from, to);
    ledger_move(run->ledger, slot, to);
    run->is_commit_due = true;
}

static void flow_on_health(void *ctx, enum pipe_reason reason, const char *text)
{
    health_source(ctx, reason, text);
}

struct source_listener flow_listener(struct run *run)
{
    return (struct source_listener){
        .ctx = run,
        .on_record = flow_on_record,
        .on_assign = flow_on_assign,
        .on_revoke = flow_on_revoke,
        .on_committed = flow_on_committed,
        .on_commit_refused = flow_on_commit_refused,
        .on_jump = flow_on_jump,
        .on_health = flow_on_health,
    };
}

void flow_done(struct run *run)
{
    if (run->sink != NULL) {
        sink_totals_add(&run->past_totals, sink_totals(run->sink));
    }
    sink_freep(&run->sink);
    batch_done(&run->batches[0]);
    batch_done(&run->batches[1]);
    decoder_freep(&run->decoder);
    run->filling = NULL;
    run->sending = NULL;
    run->intake.decoder = NULL;
    run->intake.batch = NULL;
    plan_freep(&run->plan);
}

void flow_forget(struct run *run)
{
    if (run->filling == NULL) {
        return;
    }
    uint64_t records = run->filling->messages_count;
    uint64_t bytes = run->filling->input_bytes;
    if (run->sending != NULL) {
        records += run->sending->messages_count;
        bytes += run->sending->input_bytes;
        sink_drop(run->sink);
        run->sending = NULL;
    }
    intake_owe(&run->intake, records, bytes);
    schemas_forget(run);
    ledger_forget(run->ledger);
    batch_reset(run->filling, ++run->last_batch_id);
    run->is_reading_refused = false;
    if (run->source != NULL) {
        source_forget_read(run->source);
    }
}

/* Read every partition again from where it is stored. */
static enum status flow_rewind_source(struct run *run, struct err *err)
{
    size_t count = ledger_slots_count(run->ledger);
    int64_t *next = calloc(count > 0 ? count : 1, sizeof(*next));
    if (next == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory to rewind %zu partitions", count);
    }
    for (size_t slot = 0; slot < count; slot++) {
        next[slot] = ledger_restart(run->ledger, slot);
    }
    enum status st = source_rewind(run->source, next, count, err);
    free(next);
    return st;
}

static void flow_rewind(struct run *run)
{
    struct err err;
    if (run->source != NULL && flow_rewind_source(run, &err) != ST_OK) {
        log_err(LOG_ERROR, "rewind_failed", &err, "pipe=%s", run->spec.pipe_id);
        /* Going on would lose what was dropped: a fresh process starts at the commits. */
        run->exit_code = PROTOCOL_EXIT_FAILED;
        run->is_over = true;
    }
}

static enum status flow_make_sink(struct run *run, struct err *err)
{
    size_t count = 0;
    const struct block_column *columns = plan_columns(run->plan, &count);
    struct sink_params params = {
        .client = run->http,
        .endpoint = replica_spec_endpoint(&run->spec),
        .database = run->spec.pipe->destination.database,
        .table = run->spec.pipe->destination.table,
        .error_table = run->error_table,
        .columns = columns,
        .columns_count = count,
        .nulls_are_defaults = block_nulls_are_defaults(
            columns, count, run->spec.pipe->settings.null_mode == PIPE_NULL_ZERO),
        .compression = run->spec.pipe->settings.compression,
        .query_prefix = run->query_prefix,
        .body_max_bytes = run->memory_bytes / BODY_MAX_BYTES_SHARE,
        .seed = (uint64_t)run->now_ms,
    };
    enum status st = sink_new(&params, &run->sink, err);
    for (size_t i = 0; st == ST_OK && i < ARRAY_LEN(run->batches); i++) {
        struct batch_params batch = {
            .columns = columns,
            .columns_count = count,
            .pipe_id = run->spec.pipe_id,
            .keep_bytes = run->intake.limits.bytes,
        };
        st = batch_init(&run->batches[i], &batch, err);
    }
    return st;
}

enum status flow_adopt_plan(struct run *run, struct err *err)
{
    bool is_first = run->plan == NULL;
    if (!is_first) {
        flow_forget(run);
    }
    flow_done(run);
    run->plan = destination_take_plan(&run->destination);
    enum status st = decoder_new(run->plan, schemas_source(run), &run->decoder, err);
    if (st == ST_OK) {
        st = flow_make_sink(run, err);
    }
    if (st != ST_OK) {
        return st;
    }
    run->filling = &run->batches[0];
    batch_reset(run->filling, ++run->last_batch_id);
    run->intake.decoder = run->decoder;
    run->intake.is_raw = plan_is_raw(run->plan);
    run->intake.batch = run->filling;
    if (!is_first) {
        flow_rewind(run);
    }
    return ST_OK;
}

bool flow_is_settled(const struct run *run)
{
    if (run->filling == NULL) {
        return true;
    }
    if (!batch_is_empty(run->filling) || run->sending != NULL || schemas_waiting_count(run) > 0 ||
        source_is_committing(run->source)) {
        return false;
    }
    for (size_t slot = 0; slot < ledger_slots_count(run->ledger); slot++) {
        if (ledger_has_commit(run->ledger, slot)) {
            return false;
        }
    }
    return true;
}

/* The sink is free and the open batch is ready: swap. */
static void flow_seal(struct run *run)
{
    if (run->sending != NULL) {
        return;
    }
    enum batch_seal seal = batch_due(run->filling, &run->intake.limits, run->now_ms);
    if (run->drain != RUN_DRAIN_NONE && !batch_is_empty(run->filling)) {
        seal = seal == BATCH_OPEN || seal == BATCH_AGE ? BATCH_DRAIN : seal;
    }
    if (seal == BATCH_OPEN) {
        return;
    }
    run->filling->sealed_by = seal;
    run->sending = run->filling;
    run->filling = run->sending == &run->batches[0] ? &run->batches[1] : &run->batches[0];
    batch_reset(run->filling, ++run->last_batch_id);
    run->intake.batch = run->filling;
    sink_store(run->sink, run->sending, run->now_ms);
}

static size_t flow_memory_bytes(const struct run *run)
{
    return batch_memory_bytes(run->filling) +
           (run->sending == NULL ? 0 : batch_memory_bytes(run->sending)) +
           sink_memory_bytes(run->sink);
}

static bool flow_is_open(const struct run *run)
{
    if (run->drain != RUN_DRAIN_NONE || run->intake.has_failed ||
        sink_state(run->sink) == SINK_MISMATCH || schemas_are_behind(run) ||
        batch_full(run->filling, &run->intake.limits) != BATCH_OPEN) {
        return false;
    }
    return run->sending == NULL || flow_memory_bytes(run) < run->blocks_budget_bytes;
}

static void flow_read(struct run *run)
{
    if (flow_is_open(run)) {
        if (run->closed_since_ms != 0) {
            run->closed_since_ms = 0;
            source_resume(run->source);
        }
        intake_begin_round(&run->intake, run->now_ms);
        run->has_more = source_consume(run->source);
        run->wants_kick_again = source_kick(run->source, clock_monotonic_us());
        return;
    }
    run->has_more = false;
    run->wants_kick_again = false;
    if (run->closed_since_ms == 0) {
        run->closed_since_ms = run->now_ms;
    }
    if (run->drain == RUN_DRAIN_NONE && run->now_ms - run->closed_since_ms >= PAUSE_AFTER_MS) {
        source_pause(run->source);
    }
}

/* The table has changed: look at it again, each time a little later. */
static void flow_mismatch(struct run *run)
{
    struct sink_trouble trouble;
    sink_trouble(run->sink, &trouble);
    if (run->mismatch.reason == PIPE_REASON_NONE) {
        run->mismatch.since_ms = run->now_ms;
    }
    run->mismatch.reason = trouble.reason;
    (void)snprintf(
        run->mismatch.text, sizeof(run->mismatch.text), "%s", trouble.message); /* cut is fine */
    uint32_t steps =
        run->mismatches_count < MISMATCH_STEPS ? run->mismatches_count : MISMATCH_STEPS;
    if (run->destination.state == DESTINATION_IDLE &&
        run->now_ms >= sink_mismatch_wait_ms(run->sink) + (int64_t)steps * MISMATCH_STEP_MS) {
        run->mismatches_count++;
        destination_ask(&run->destination, run->now_ms);
    }
}

static void flow_sink(struct run *run)
{
    sink_tick(run->sink, run->now_ms);
    switch (sink_state(run->sink)) {
    case SINK_STORED:
        settle_batch(run);
        break;
    case SINK_REFUSED:
        settle_refused(run);
        break;
    case SINK_MISMATCH:
        flow_mismatch(run);
        break;
    case SINK_IDLE:
    case SINK_SENDING:
    case SINK_WAITING:
        break;
    }
}

void flow_step(struct run *run)
{
    if (run->filling == NULL || run->source == NULL) {
        return;
    }
    source_poll(run->source, run->now_ms);
    flow_sink(run);
    flow_seal(run);
    schemas_step(run);
    flow_read(run);
    flow_seal(run);
    flow_sink(run);
    if (run->is_commit_due && run->now_ms >= run->next_commit_ms) {
        settle_commit(run);
    }
    if (run->intake.has_failed && run->drain == RUN_DRAIN_NONE) {
        if (run->intake.is_broken) {
            run->exit_code = PROTOCOL_EXIT_FAILED;
            run->is_over = true;
        } else if (run->intake.is_over_limit) {
            health_fail(run, PIPE_REASON_ERROR_LIMIT, run->intake.failure);
        } else {
            drain_begin(run, RUN_DRAIN_STOP, PROTOCOL_EXIT_FAILED);
        }
    }
}
