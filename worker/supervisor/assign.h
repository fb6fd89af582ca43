#ifndef WORKER_SUPERVISOR_ASSIGN_H
#define WORKER_SUPERVISOR_ASSIGN_H

/*
 * What to do next with one replica, from what the database wants and what runs here. Pure: no
 * process, no database, no clock. The whole life of a replica on this host is the table in
 * assign_next; reconcile.c does what it says.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ASSIGN_DRAIN_MS = 20000,     /* from SIGTERM to SIGKILL */
    ASSIGN_LOST_DRAIN_MS = 5000, /* the same when somebody else may run the replica already */
    ASSIGN_SILENT_MS = 60000,    /* a child sends a heartbeat every few seconds; this one hangs */
};

/* The child of a seat. */
enum assign_child {
    ASSIGN_CHILD_NONE,
    ASSIGN_CHILD_LIVE,
    ASSIGN_CHILD_DRAINING, /* SIGTERM was sent */
    ASSIGN_CHILD_KILLED,   /* SIGKILL was sent; only waiting for its end */
};

struct assign_facts {
    bool is_held;            /* the lease is ours */
    bool is_wanted;          /* the pipe wants this replica */
    bool is_stopping;        /* the supervisor itself is ending */
    bool is_given;           /* another host is to have it */
    int64_t generation;      /* of the lease */
    int64_t revision;        /* of the pipe */
    enum assign_child child; /* the rest describes it */
    int64_t child_generation;
    int64_t child_revision;
    int64_t start_at_ms; /* not before, while there is no child */
    int64_t kill_at_ms;  /* while it drains */
    int64_t heard_at_ms; /* when it sent its last message, or was started */
};

enum assign_action {
    ASSIGN_KEEP,
    ASSIGN_START,
    ASSIGN_DRAIN,
    ASSIGN_KILL,
    ASSIGN_RELEASE, /* give the lease back, then forget */
    ASSIGN_FORGET,
};

enum assign_action assign_next(const struct assign_facts *facts, int64_t now_ms);

/* Why a child that assign_next drains or kills is not kept: "shutdown", "lease_lost", "unwanted",
 * "balance", "revision", "generation" or "silent". Static memory. */
const char *assign_why(const struct assign_facts *facts);

/* When to kill a child that drains: from now for a new drain (kill_at_ms 0), sooner when the lease
 * is lost meanwhile, never later than it was. */
int64_t assign_kill_at_ms(const struct assign_facts *facts, int64_t now_ms);

/* When assign_next can answer something else without news, INT64_MAX = never. */
int64_t assign_wake_ms(const struct assign_facts *facts);

/* The load of all workers together. */
struct assign_load {
    int replicas_wanted; /* over all pipes */
    int workers_live;    /* this one included */
    int held;            /* by this worker */
    int leftovers;       /* replicas that nobody claimed although some time passed */
    bool is_giving;      /* this worker gave some away a moment ago: they are for the others */
};

/* How many replicas to claim now: up to a fair share of all, so that hosts share the work without
 * talking to each other, and then a share of what the others left (they may be full). */
int assign_claim_count(const struct assign_load *load);

/* A live host, as balancing sees it. */
struct assign_host {
    bool is_self;
    int held;
    int room; /* how many more it could take; 0 also for one that has just started */
};

/*
 * How many replicas this host should give to others: what it holds above its fair share. Shares
 * differ by one at most; who holds most has the larger one, so nothing moves between hosts that are
 * balanced. A host without room for its share counts with what it can hold. hosts: in the order
 * that all hosts see (most held first); the sum of what all give is what the others lack.
 */
int assign_surplus(const struct assign_host *hosts, size_t count);

#endif
