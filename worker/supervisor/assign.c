/* The life of a replica on one host, as a decision over facts; and the fair share of a host. */
#include "worker/supervisor/assign.h"

#include <assert.h>
#include <stddef.h>

static bool is_current(const struct assign_facts *facts)
{
    return facts->child_generation == facts->generation && facts->child_revision == facts->revision;
}

enum assign_action assign_next(const struct assign_facts *facts, int64_t now_ms)
{
    assert(facts != NULL);
    const bool should_run = facts->is_held && facts->is_wanted && !facts->is_stopping;
    switch (facts->child) {
    case ASSIGN_CHILD_NONE:
        if (!facts->is_held) {
            return ASSIGN_FORGET;
        }
        if (!should_run) {
            return ASSIGN_RELEASE;
        }
        return now_ms >= facts->start_at_ms ? ASSIGN_START : ASSIGN_KEEP;
    case ASSIGN_CHILD_LIVE:
        if (!should_run || !is_current(facts)) {
            return ASSIGN_DRAIN;
        }
        return now_ms - facts->heard_at_ms >= ASSIGN_SILENT_MS ? ASSIGN_KILL : ASSIGN_KEEP;
    case ASSIGN_CHILD_DRAINING:
        return now_ms >= facts->kill_at_ms ? ASSIGN_KILL : ASSIGN_KEEP;
    case ASSIGN_CHILD_KILLED:
        return ASSIGN_KEEP;
    }
    return ASSIGN_KEEP;
}

const char *assign_why(const struct assign_facts *facts)
{
    if (facts->is_stopping) {
        return "shutdown";
    }
    if (!facts->is_held) {
        return "lease_lost";
    }
    if (!facts->is_wanted) {
        return "unwanted";
    }
    if (facts->child_revision != facts->revision) {
        return "revision";
    }
    return facts->child_generation != facts->generation ? "generation" : "silent";
}

int64_t assign_kill_at_ms(const struct assign_facts *facts, int64_t now_ms)
{
    int64_t at_ms = now_ms + (facts->is_held ? ASSIGN_DRAIN_MS : ASSIGN_LOST_DRAIN_MS);
    return facts->kill_at_ms != 0 && facts->kill_at_ms < at_ms ? facts->kill_at_ms : at_ms;
}

int64_t assign_wake_ms(const struct assign_facts *facts)
{
    switch (facts->child) {
    case ASSIGN_CHILD_NONE:
        return facts->start_at_ms;
    case ASSIGN_CHILD_DRAINING:
        return facts->kill_at_ms;
    case ASSIGN_CHILD_LIVE:
        return facts->heard_at_ms + ASSIGN_SILENT_MS;
    case ASSIGN_CHILD_KILLED:
        return INT64_MAX;
    }
    return INT64_MAX;
}

int assign_claim_count(const struct assign_load *load)
{
    const int workers = load->workers_live > 0 ? load->workers_live : 1;
    const int share = (load->replicas_wanted + workers - 1) / workers;
    if (load->held < share) {
        return share - load->held;
    }
    return (load->leftovers + workers - 1) / workers;
}
