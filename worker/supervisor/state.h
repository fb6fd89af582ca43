#ifndef WORKER_SUPERVISOR_STATE_H
#define WORKER_SUPERVISOR_STATE_H

/* Inside of the room: what loop.c and reconcile.c work on. */

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/supervisor/database.h"
#include "worker/supervisor/metrics_server.h"
#include "worker/supervisor/probe_jobs.h"
#include "worker/supervisor/seat.h"
#include "worker/supervisor/supervisor.h"

enum {
    SUPERVISOR_TICK_MS = 1000,
    SUPERVISOR_POLL_MS = 2000, /* the net below notices: claim, say hello, look for probes */
    SUPERVISOR_SEATS_MAX = 4096,
    SUPERVISOR_OWNER_BYTES = 320,
    SUPERVISOR_SHORTAGE_MS = 60000,   /* one line of log per time */
    SUPERVISOR_SPEC_RETRY_MS = 10000, /* a spec that cannot be read, e.g. for want of its key */
    SUPERVISOR_LEASE_SHARE = 5, /* leases and permissions are renewed this often in their time */
    /* Back-pressure at a mass start. Processes that were not heard yet cost CPU: so many per core
     * at a time. Those that wait for Kafka and ClickHouse cost these: so many at a time, as long as
     * each gets on within a while. */
    SUPERVISOR_SPAWNING_PER_CORE = 4,
    SUPERVISOR_STARTING_MAX = 200,
    SUPERVISOR_STARTING_MS = 10000,
    SUPERVISOR_QUIET_MS =
        10, /* replicas are heard this long after the last time at the earliest, */
    SUPERVISOR_SEATS_PER_MS =
        10, /* and one more ms for as many of them: a round costs by the seat */
};

enum {
    /* signals, PostgreSQL, the metrics' listener and peers, and two descriptors per child */
    POLL_MAX = 2 + 1 + METRICS_PEERS_MAX + 2 * (SUPERVISOR_SEATS_MAX + PROBE_JOBS_MAX)
};

struct poll_set {
    struct pollfd fds[POLL_MAX];
    struct child *children[POLL_MAX]; /* whose descriptor it is; NULL = no replica's */
    nfds_t count;
};

/* What PostgreSQL is asked beside the renewal of leases, see reconcile_talk. */
enum supervisor_step {
    STEP_HELLO,
    STEP_CLAIM,
    STEP_PROBES,
    STEP_SAMPLES,
    STEP_COUNT,
};

struct supervisor {
    const struct supervisor_options *options;
    char owner[SUPERVISOR_OWNER_BYTES]; /* host id "/" a UUID of this start */
    struct database database;
    struct limits limits;
    struct metrics_server metrics;
    struct poll_set poll_set;
    struct seat *seats[SUPERVISOR_SEATS_MAX]; /* owned; by pipe id and replica */
    size_t seats_count;
    struct probe_jobs probes;
    bool is_stopping;
    bool has_said_bye;
    bool is_foreign;           /* our replicas speak another version of the protocol: we run none */
    int64_t part_ends_ms;      /* no statement begins after this in this part of the round */
    size_t flush_next;         /* the seat to be stored first */
    int64_t second_wave_at_ms; /* when those of the second wave drain at the latest */
    int64_t giving_until_ms;   /* what was given is left to the others for so long */
    int workers_live;          /* at the last look, this one included */
    int leftovers_before;      /* at the last slow poll */
    int cores;
    int spawning_count; /* of this round: started and not heard yet */
    int starting_count; /* likewise: and not yet running or waiting */
    int64_t tick_at_ms;
    int64_t poll_at_ms;
    int64_t permit_at_ms;
    int64_t renew_at_ms;
    int64_t hear_at_ms; /* replicas are not heard before */
    int64_t sample_at_ms;
    int64_t shortage_quiet_until_ms;
    bool has_ended_child; /* some child ended: look at all */
    bool is_due[STEP_COUNT];
    bool is_claim_poll; /* the next claim is one of the slow poll */
    int step_next;      /* the step to begin with */
    bool has_pipe_news;
    bool has_probe_news;
};

/* Time for some more statements. */
void reconcile_begin_part(struct supervisor *s);

/* Between two statements of one round, which may each take as long as PostgreSQL is given: renew
 * the children's permission and the leases if they are due. False if this part of the round (talk,
 * apply or flush) has lasted long enough. Seats may be added and lost in it, but none goes. */
bool reconcile_has_time(struct supervisor *s);

/* One failed statement: see reconcile.c. */
void reconcile_note_failure(struct supervisor *s, const struct err *err, const char *what);

/* What the leases of this host ask for together. */
struct capacity reconcile_capacity_used(const struct supervisor *s);

/* How often leases and permissions are renewed. */
int64_t reconcile_renew_every_ms(const struct supervisor *s);

/* Once a tick: every child may speak again. */
void reconcile_tick(struct supervisor *s, int64_t now_ms);

/* Talk to PostgreSQL: renew; with news or at the slow poll claim replicas and probes. Nothing while
 * it is away. */
void reconcile_talk(struct supervisor *s, int64_t now_ms, bool is_poll);

/* Do for every seat what assign.c says: start, drain, kill, release, forget. */
void reconcile_apply(struct supervisor *s, int64_t now_ms);

/* Read what children sent, reap those that ended, plan their restarts. is_all: look at every one,
 * not only at those that poll() told of. */
void reconcile_children(struct supervisor *s, int64_t now_ms, bool is_all);

/* Store reports and answers; between ticks only what cannot wait. */
void reconcile_flush(struct supervisor *s, int64_t now_ms, bool is_tick);

/* When the next seat needs attention without news; later than now_ms. */
int64_t reconcile_wake_ms(const struct supervisor *s, int64_t now_ms);

#endif
