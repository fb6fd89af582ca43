/*
 * When an open batch is closed. At-least-once has one lane: a batch is closed when it is due and
 * the sink is idle, so that it grows while the sink is busy. Exactly-once has a lane per partition:
 * a batch that is due by age waits only for the one before it of its own partition, a full one may
 * queue behind it, and when the memory of all runs out the largest goes first, so that the sink
 * always has work and batches are as large as the memory allows.
 *
 * Together with the compressed body all batches stay below a budget (docs/architecture.md, what
 * always holds: 5): when it is used up the intake closes until something is stored.
 */
#include "worker/replica/run.h"

enum {
    LANE_QUEUED_MAX = 2,  /* of one partition: one at the sink, the next one told meanwhile */
    SPACE_PERCENT = 60,   /* of the budget: from here on the largest batch is closed */
    SPACE_QUEUED_MAX = 2, /* but not while so many wait already */
};

static size_t seal_memory_bytes(const struct run *run)
{
    return lanes_memory_bytes(&run->lanes) +
           (run->sending == NULL ? 0 : batch_memory_bytes(run->sending)) +
           sink_memory_bytes(run->sink);
}

/* The sink is free and the open batch is ready. */
static void seal_shared(struct run *run)
{
    struct batch *batch = run->intake.batch;
    if (run->sending != NULL || lanes_first(&run->lanes) != NULL || batch_is_empty(batch)) {
        return;
    }
    enum batch_seal seal = batch_due(batch, &run->intake.limits, run->now_ms);
    if (run->drain != RUN_DRAIN_NONE) {
        seal = seal == BATCH_OPEN || seal == BATCH_AGE ? BATCH_DRAIN : seal;
    }
    if (seal == BATCH_OPEN || lanes_reserve(&run->lanes, NULL) != ST_OK) {
        return; /* without memory: tried again */
    }
    lanes_seal(&run->lanes, 0, seal);
    run->intake.batch = lanes_open(&run->lanes, 0);
}

/* The open batch of a lane whose boundaries are free, NULL if there is nothing to close. */
static struct batch *lane_free(const struct run *run, size_t lane)
{
    struct batch *batch = run->lanes.open[lane];
    bool is_free =
        batch != NULL && !batch_is_empty(batch) && pending_next(run->exact.pending, lane) == NULL;
    return is_free ? batch : NULL;
}

static bool lane_may_queue(const struct run *run, size_t lane)
{
    return run->lanes.sealed[lane] < LANE_QUEUED_MAX && pending_has_room(run->exact.pending, lane);
}

static enum batch_seal lane_due(const struct run *run, size_t lane)
{
    const struct batch *batch = lane_free(run, lane);
    if (batch == NULL || !lane_may_queue(run, lane)) {
        return BATCH_OPEN;
    }
    if (run->drain == RUN_DRAIN_REVOKE) {
        return BATCH_OPEN; /* nobody was told of it: the next reader takes it from Kafka */
    }
    bool is_first = run->lanes.sealed[lane] == 0;
    enum batch_seal seal = is_first ? batch_due(batch, &run->intake.limits, run->now_ms)
                                    : batch_full(batch, &run->intake.limits);
    if (run->drain == RUN_DRAIN_STOP) {
        seal = seal == BATCH_OPEN || seal == BATCH_AGE ? BATCH_DRAIN : seal;
    }
    return seal;
}

/* Close the largest open batch. */
static void seal_largest(struct run *run)
{
    size_t largest = run->lanes.count;
    size_t bytes = 0;
    for (size_t lane = 0; lane < run->lanes.count; lane++) {
        const struct batch *batch = lane_free(run, lane);
        if (batch != NULL && lane_may_queue(run, lane) && batch_memory_bytes(batch) > bytes) {
            largest = lane;
            bytes = batch_memory_bytes(batch);
        }
    }
    if (largest < run->lanes.count) {
        exact_seal(run, largest, BATCH_SPACE);
    }
}

static void seal_lanes(struct run *run)
{
    for (size_t lane = 0; lane < run->lanes.count; lane++) {
        enum batch_seal seal = lane_due(run, lane);
        if (seal != BATCH_OPEN) {
            exact_seal(run, lane, seal);
        }
    }
    if (run->drain == RUN_DRAIN_NONE && run->lanes.queued < SPACE_QUEUED_MAX &&
        seal_memory_bytes(run) > run->blocks_budget_bytes / 100 * SPACE_PERCENT) {
        seal_largest(run);
    }
    park_step(run, seal_memory_bytes(run));
}

void seal_step(struct run *run)
{
    if (run->exact.is_on) {
        seal_lanes(run);
    } else {
        seal_shared(run);
    }
}

static bool lanes_have_room(const struct run *run)
{
    for (size_t lane = 0; lane < run->lanes.count; lane++) {
        const struct batch *batch = lane_free(run, lane);
        if (batch != NULL && batch_full(batch, &run->intake.limits) != BATCH_OPEN) {
            return false; /* seal_step could not close it */
        }
    }
    /* With nothing to store, only reading on makes room: stored ranges are read to their end. */
    return (run->sending == NULL && lanes_first(&run->lanes) == NULL) ||
           seal_memory_bytes(run) < run->blocks_budget_bytes;
}

bool seal_has_room(const struct run *run)
{
    if (run->exact.is_on) {
        return lanes_have_room(run);
    }
    return batch_full(run->intake.batch, &run->intake.limits) == BATCH_OPEN &&
           (run->sending == NULL || seal_memory_bytes(run) < run->blocks_budget_bytes);
}

int64_t seal_due_ms(const struct run *run)
{
    int64_t due_ms = INT64_MAX;
    for (size_t lane = 0; lane < run->lanes.count; lane++) {
        const struct batch *batch = run->lanes.open[lane];
        bool may_close = run->exact.is_on
                             ? run->lanes.sealed[lane] == 0 && run->drain != RUN_DRAIN_REVOKE &&
                                   pending_next(run->exact.pending, lane) == NULL
                             : run->sending == NULL;
        if (batch != NULL && !batch_is_empty(batch) && may_close &&
            batch->first_ms + run->intake.limits.age_ms < due_ms) {
            due_ms = batch->first_ms + run->intake.limits.age_ms;
        }
    }
    return due_ms;
}
