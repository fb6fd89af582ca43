/*
 * The way of a batch: open, filled by the source, sealed, stored by the sink while others fill,
 * settled. When the intake stays closed for a second the partitions are paused and only polled.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/model/guarantee.h"

#include "worker/replica/run.h"

enum {
    PAUSE_AFTER_MS = 1000,
    MISMATCH_STEP_MS = 2000,
    MISMATCH_STEPS = 10,
    BODY_MAX_BYTES_SHARE = 2, /* of the replica's memory: no body may be larger */
};

void flow_done(struct run *run)
{
    if (run->sink != NULL) {
        sink_totals_add(&run->past_totals, sink_totals(run->sink));
    }
    sink_freep(&run->sink);
    if (run->sending != NULL) {
        lanes_give_back(&run->lanes, run->sending);
        run->sending = NULL;
    }
    lanes_done(&run->lanes);
    decoder_freep(&run->decoder);
    run->intake.decoder = NULL;
    run->intake.batch = NULL;
    plan_freep(&run->plan);
}

void flow_forget(struct run *run)
{
    if (run->plan == NULL) {
        return;
    }
    uint64_t records = 0;
    uint64_t bytes = 0;
    lanes_input(&run->lanes, &records, &bytes);
    if (run->sending != NULL) {
        records += run->sending->messages_count;
        bytes += run->sending->input_bytes;
        sink_drop(run->sink);
        lanes_give_back(&run->lanes, run->sending);
        run->sending = NULL;
    }
    intake_owe(&run->intake, records, bytes);
    schemas_forget(run);
    ledger_forget(run->ledger);
    lanes_forget(&run->lanes);
    if (run->exact.is_on) {
        pending_forget(run->exact.pending);
        run->exact.parked_count = 0;
        run->intake.batch = NULL;
    } else {
        run->intake.batch = lanes_open(&run->lanes, 0); /* made of one that was just dropped */
    }
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

void flow_rewind(struct run *run)
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
        .pipe_id = run->spec.pipe_id,
        .is_insert_atomic = run->destination.guarantee.is_atomic,
        .body_max_bytes = run->memory_bytes / BODY_MAX_BYTES_SHARE,
        .seed = (uint64_t)run->now_ms,
    };
    if (run->destination.guarantee.can_check) {
        const struct guarantee_columns *asked = &run->destination.asked.columns;
        params.check = (struct sink_check){
            .topic = asked->topic,
            .partition = asked->partition,
            .offset = asked->offset,
            .is_optional = run->destination.guarantee.mode == GUARANTEE_BY_TOKEN,
        };
    }
    return sink_new(&params, &run->sink, err);
}

static enum status flow_make_lanes(struct run *run, struct err *err)
{
    struct lanes_params params = {.pipe_id = run->spec.pipe_id};
    params.columns = plan_columns(run->plan, &params.columns_count);
    params.keep_bytes = run->intake.limits.bytes;
    size_t count = run->exact.is_on ? ledger_slots_count(run->ledger) : 1;
    enum status st = lanes_init(&run->lanes, &params, count, err);
    if (st != ST_OK || run->exact.is_on) {
        return st;
    }
    st = lanes_reserve(&run->lanes, err);
    if (st == ST_OK) {
        run->intake.batch = lanes_open(&run->lanes, 0);
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
    if (st == ST_OK) {
        st = flow_make_lanes(run, err);
    }
    if (st != ST_OK) {
        return st;
    }
    run->intake.decoder = run->decoder;
    run->intake.is_raw = plan_is_raw(run->plan);
    exact_adopt_table(run);
    if (!is_first) {
        flow_rewind(run);
    }
    return ST_OK;
}

bool flow_is_stored(const struct run *run)
{
    if (run->plan == NULL) {
        return true;
    }
    /* Exactly-once leaves to the next reader what nobody was told of. */
    bool is_open_left = run->exact.is_on && run->drain == RUN_DRAIN_REVOKE;
    bool is_empty = is_open_left ? lanes_first(&run->lanes) == NULL : lanes_are_empty(&run->lanes);
    return is_empty && run->sending == NULL;
}

bool flow_is_settled(const struct run *run)
{
    if (run->plan == NULL) {
        return true;
    }
    bool is_waiting = !run->exact.is_on && schemas_waiting_count(run) > 0;
    if (!flow_is_stored(run) || is_waiting || source_is_committing(run->source)) {
        return false;
    }
    for (size_t slot = 0; slot < ledger_slots_count(run->ledger); slot++) {
        if (ledger_has_commit(run->ledger, slot)) {
            return false;
        }
    }
    return true;
}

/* The sink is idle: give it the oldest batch that may be stored. */
static void flow_send(struct run *run)
{
    if (run->sending != NULL) {
        return;
    }
    struct batch *batch = run->exact.is_on ? announce_first(run) : lanes_first(&run->lanes);
    if (batch != NULL) {
        lanes_take(&run->lanes, batch);
        run->sending = batch;
        sink_store(run->sink, batch, run->now_ms);
    }
}

static bool flow_is_open(const struct run *run)
{
    return run->drain == RUN_DRAIN_NONE && !run->intake.has_failed &&
           sink_state(run->sink) != SINK_MISMATCH && !schemas_are_behind(run) && seal_has_room(run);
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
    if (!run->exact.is_on || announce_is_proven(run)) {
        sink_tick(run->sink, run->now_ms);
    }
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
    case SINK_DIVIDE: /* only a batch with a range asks for it */
        exact_divide(run);
        break;
    case SINK_IDLE:
    case SINK_SENDING:
    case SINK_CHECKING:
    case SINK_WAITING:
        break;
    }
}

static void flow_commit(struct run *run)
{
    if (run->exact.is_on) {
        announce_step(run);
    } else if (run->is_commit_due && run->now_ms >= run->next_commit_ms) {
        settle_commit(run);
    }
}

/* Close what is due, tell of it, and give the sink what it may have. */
static void flow_close(struct run *run)
{
    seal_step(run);
    flow_commit(run);
    flow_send(run);
}

/* Larger or smaller batches, as ClickHouse takes them. */
static void flow_pace(struct run *run)
{
    const struct sink_totals *totals = sink_totals(run->sink);
    const struct pace_totals seen = {
        .inserts = totals->inserts,
        .parts_refusals = totals->parts_refusals,
        .memory_refusals = totals->memory_refusals,
    };
    if (pace_see(&run->pace, &seen, run->now_ms)) {
        run->intake.limits = pace_limits(&run->pace);
    }
}

void flow_step(struct run *run)
{
    if (run->plan == NULL || run->source == NULL) {
        return;
    }
    source_poll(run->source, run->now_ms);
    flow_sink(run);
    flow_close(run);
    schemas_step(run);
    flow_read(run);
    flow_close(run);
    flow_sink(run);
    flow_pace(run);
    flow_commit(run);
    mapping_step(run);
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
