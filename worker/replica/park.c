/*
 * Exactly-once: stored ranges that are read again may together need more memory than this replica
 * has: they were made by another one, or by several. Such a batch cannot be closed before its range
 * is read whole. So when memory is used up and nothing is there that the sink could store, the
 * largest of them is read on, and the partitions of the others are held and read again later.
 */
#include "common/base/log.h"

#include "worker/replica/run.h"

enum {
    UNPARK_PERCENT = 50 /* of the budget */
};

static bool is_reading_range(const struct run *run, size_t lane)
{
    const struct batch *batch = run->lanes.open[lane];
    return batch != NULL && !batch_is_empty(batch) &&
           pending_next(run->exact.pending, lane) != NULL;
}

/* The largest of them; lanes.count if there is none. */
static size_t largest_range(const struct run *run)
{
    size_t largest = run->lanes.count;
    size_t bytes = 0;
    for (size_t lane = 0; lane < run->lanes.count; lane++) {
        if (is_reading_range(run, lane) && batch_memory_bytes(run->lanes.open[lane]) > bytes) {
            largest = lane;
            bytes = batch_memory_bytes(run->lanes.open[lane]);
        }
    }
    return largest;
}

static void park(struct run *run, size_t lane)
{
    const struct batch *batch = run->lanes.open[lane];
    intake_owe(&run->intake, batch->messages_count, batch->input_bytes);
    ledger_drop(run->ledger, lane, batch->id);
    lanes_drop_open(&run->lanes, lane);
    run->lanes.parked[lane] = true;
    run->exact.parked_count++;
    source_hold(run->source, lane, ledger_next(run->ledger, lane));
}

static void unpark_all(struct run *run)
{
    for (size_t lane = 0; lane < run->lanes.count; lane++) {
        if (run->lanes.parked[lane]) {
            run->lanes.parked[lane] = false;
            source_unhold(run->source, lane, ledger_next(run->ledger, lane));
        }
    }
    run->exact.parked_count = 0;
    source_unhold_done(run->source);
}

void park_step(struct run *run, size_t memory_bytes)
{
    if (run->exact.parked_count > 0 &&
        memory_bytes < run->blocks_budget_bytes / 100 * UNPARK_PERCENT) {
        unpark_all(run);
        return;
    }
    if (memory_bytes < run->blocks_budget_bytes || run->sending != NULL ||
        lanes_first(&run->lanes) != NULL || run->drain != RUN_DRAIN_NONE) {
        return;
    }
    size_t kept = largest_range(run);
    size_t before = run->exact.parked_count;
    for (size_t lane = 0; lane < run->lanes.count; lane++) {
        if (lane != kept && is_reading_range(run, lane)) {
            park(run, lane);
        }
    }
    if (run->exact.parked_count > before) {
        log_event(
            LOG_INFO, "ranges_put_off", "pipe=%s partitions=%zu memory_bytes=%zu",
            run->spec.pipe_id, run->exact.parked_count, memory_bytes);
    }
}
