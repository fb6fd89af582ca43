/*
 * Ending well: stop taking records, store and commit what was taken, within a deadline; what does
 * not get ready in time is forgotten, never committed (docs/architecture.md, what always holds: 4).
 */
#include "common/base/log.h"

#include "worker/replica/run.h"
#include "worker/replica/watchdog.h"

enum {
    DRAIN_STOP_MS = 14000,   /* the supervisor kills after 20 s; leaving the group takes 4 */
    DRAIN_END_S = 19,        /* the process ends by then, also when nobody is left to kill it */
    DRAIN_REVOKE_MS = 30000, /* the group waits max.poll.interval.ms for us */
    DRAIN_WAITING_MS = 2000, /* while ClickHouse is away anyway */
};

void drain_begin(struct run *run, enum run_drain drain, int exit_code)
{
    if (run->drain == RUN_DRAIN_STOP) {
        return;
    }
    run->drain = drain;
    run->is_refused = false;
    run->exit_code = exit_code;
    run->drain_deadline_ms =
        run->now_ms + (drain == RUN_DRAIN_STOP ? DRAIN_STOP_MS : DRAIN_REVOKE_MS);
    run->next_report_ms = run->now_ms;
    if (drain == RUN_DRAIN_STOP) {
        watchdog_end(DRAIN_END_S, exit_code);
        log_event(
            LOG_INFO, "drain_started", "pipe=%s replica=%lld", run->spec.pipe_id,
            (long long)run->spec.replica_index);
    }
}

/* Remember how far the revoked partitions are stored. Exactly-once believes only the group: what
 * is beside its offset belongs to it. */
static void drain_keep(struct run *run)
{
    kept_reset(&run->kept);
    for (size_t slot = 0;
         !run->is_lost && !run->exact.is_on && slot < ledger_slots_count(run->ledger); slot++) {
        struct source_partition at;
        source_partition(run->source, slot, &at);
        int64_t offset = ledger_settled(run->ledger, slot);
        if (offset >= 0 && kept_add(&run->kept, at.topic, at.partition, offset) != ST_OK) {
            return; /* some records may be stored twice */
        }
    }
}

static void drain_finish(struct run *run)
{
    if (run->drain == RUN_DRAIN_STOP) {
        run->is_over = true;
        return;
    }
    drain_keep(run);
    run->drain = RUN_DRAIN_NONE;
    run->is_lost = false;
    run->closed_since_ms = 0;
    run->is_commit_due = false;
    if (run->plan != NULL) {
        flow_forget(run);
        intake_forgive(&run->intake);
    }
    enum status st = ledger_assign(run->ledger, NULL, 0, NULL);
    (void)st; /* an empty assignment needs no memory */
    if (run->exact.is_on) {
        st = exact_assign(run, NULL, 0, NULL);
        (void)st; /* likewise: next to none, and the old lanes are empty */
    }
    source_release(run->source);
    run->has_more = true; /* look at the group's next event at once */
    run->next_report_ms = run->now_ms;
}

void drain_step(struct run *run)
{
    if (run->drain == RUN_DRAIN_NONE) {
        return;
    }
    if (run->source == NULL || run->plan == NULL) {
        drain_finish(run);
        return;
    }
    if (run->is_lost) {
        drain_finish(run); /* commits would be refused */
        return;
    }
    bool is_stuck = sink_state(run->sink) == SINK_WAITING ||
                    sink_state(run->sink) == SINK_MISMATCH ||
                    (!run->exact.is_on && schemas_waiting_count(run) > 0);
    int64_t deadline_ms = run->drain_deadline_ms;
    if (is_stuck) {
        int64_t full_ms = run->drain == RUN_DRAIN_STOP ? DRAIN_STOP_MS : DRAIN_REVOKE_MS;
        deadline_ms = deadline_ms - full_ms + DRAIN_WAITING_MS;
    }
    /* A commit refused in a rebalance stays refused: its next reader repeats those records. */
    bool is_stored = flow_is_stored(run);
    bool is_in_vain = run->is_refused && is_stored && run->drain == RUN_DRAIN_REVOKE;
    if (flow_is_settled(run) || is_in_vain || run->now_ms >= deadline_ms) {
        drain_finish(run);
    }
}
