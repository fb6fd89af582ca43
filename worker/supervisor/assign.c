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
    const bool should_run =
        facts->is_held && facts->is_wanted && !facts->is_stopping && !facts->is_given;
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
    if (facts->is_given) {
        return "balance";
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
    const int rounding = load->is_giving ? 0 : workers - 1;
    const int share = (load->replicas_wanted + rounding) / workers;
    if (load->held < share) {
        return share - load->held;
    }
    return load->is_giving ? 0 : (load->leftovers + workers - 1) / workers;
}

/* What is to be shared among the hosts that are not full. */
struct shares {
    int replicas;
    int hosts;
};

static bool is_full(const struct assign_host *host, const struct shares *shares)
{
    return shares->hosts > 0 && host->held + host->room < shares->replicas / shares->hosts;
}

/* Take out the hosts that cannot hold their share, until every other one can. Each round raises the
 * share, so who is full stays full. */
static struct shares shares_of(const struct assign_host *hosts, size_t count)
{
    struct shares shares = {.hosts = (int)count};
    for (size_t i = 0; i < count; i++) {
        shares.replicas += hosts[i].held;
    }
    for (size_t round = 0; round < count; round++) {
        struct shares rest = {0};
        int full_replicas = 0;
        for (size_t i = 0; i < count; i++) {
            const bool is_out = is_full(&hosts[i], &shares);
            full_replicas += is_out ? hosts[i].held + hosts[i].room : 0;
            rest.hosts += !is_out;
            rest.replicas += hosts[i].held;
        }
        rest.replicas -= full_replicas;
        if (rest.hosts == shares.hosts) {
            break;
        }
        shares = rest;
    }
    return shares;
}

int assign_surplus(const struct assign_host *hosts, size_t count)
{
    const struct shares shares = shares_of(hosts, count);
    if (shares.hosts == 0) {
        return 0;
    }
    int larger = shares.replicas % shares.hosts; /* so many hosts have one more */
    for (size_t i = 0; i < count; i++) {
        if (is_full(&hosts[i], &shares)) {
            continue;
        }
        const int share = shares.replicas / shares.hosts + (larger > 0);
        larger -= larger > 0;
        if (hosts[i].is_self) {
            return hosts[i].held > share ? hosts[i].held - share : 0;
        }
    }
    return 0;
}
