/*
 * Exactly-once: ranges that were stored before the pipe's mapping changed are decoded with the
 * mapping of then, before anything newer. While there are any the whole replica works with that
 * mapping's plan, oldest first; partitions without such ranges wait. A mapping that is no longer
 * known, or no longer fits the table, gives way to the present one: the token is the same, so what
 * was stored is not stored again.
 */
#include "common/base/log.h"

#include "worker/replica/run.h"

bool mapping_fits(const struct run *run, const struct intent_range *stored)
{
    uint64_t wanted = stored != NULL ? stored->mapping_version : run->spec.mapping_version;
    return LIKELY(wanted == run->exact.mapping_version);
}

/* Decode the ranges of this version with the present mapping. */
static void mapping_give_up(struct run *run, uint64_t version)
{
    size_t ranges = pending_change_mapping(run->exact.pending, version, run->spec.mapping_version);
    if (ranges > 0) {
        log_event(
            LOG_WARN, "mapping_gone", "pipe=%s version=%llu ranges=%zu", run->spec.pipe_id,
            (unsigned long long)version, ranges);
    }
}

void mapping_assign(struct run *run)
{
    struct pending *pending = run->exact.pending;
    uint64_t version = pending_oldest_mapping(pending, 0);
    for (; version != 0; version = pending_oldest_mapping(pending, version)) {
        if (version > run->spec.mapping_version) {
            /* The pipe was edited meanwhile: the supervisor starts us again with the new one. */
            log_event(
                LOG_WARN, "mapping_too_new", "pipe=%s version=%llu known=%llu", run->spec.pipe_id,
                (unsigned long long)version, (unsigned long long)run->spec.mapping_version);
            drain_begin(run, RUN_DRAIN_STOP, PROTOCOL_EXIT_FAILED);
            return;
        }
        if (replica_spec_mapping(&run->spec, version) == NULL) {
            mapping_give_up(run, version);
        }
    }
}

void mapping_step(struct run *run)
{
    struct run_exact *exact = &run->exact;
    if (!exact->is_on || run->drain != RUN_DRAIN_NONE) {
        return;
    }
    bool is_refused = run->destination.reason == PIPE_REASON_TABLE_MISMATCH &&
                      exact->asked_mapping != run->spec.mapping_version;
    if (is_refused) {
        mapping_give_up(run, exact->asked_mapping);
    }
    uint64_t wanted = pending_oldest_mapping(exact->pending, 0);
    if (wanted == 0) {
        wanted = run->spec.mapping_version;
    }
    bool is_asking =
        run->destination.state == DESTINATION_ASKING || run->destination.state == DESTINATION_READY;
    if (wanted == exact->asked_mapping || is_asking) {
        return;
    }
    exact->asked_mapping = wanted;
    destination_use(&run->destination, replica_spec_mapping(&run->spec, wanted), run->now_ms);
}

void mapping_adopted(struct run *run)
{
    run->exact.mapping_version = run->exact.asked_mapping;
}
