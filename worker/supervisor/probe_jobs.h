#ifndef WORKER_SUPERVISOR_PROBE_JOBS_H
#define WORKER_SUPERVISOR_PROBE_JOBS_H

/*
 * Questions of the api that need Kafka: claimed from PostgreSQL, answered by a short-lived child,
 * stored. A few at a time; a child that misses its deadline is killed, and every question that was
 * claimed gets an answer, if only that there is none.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/store/store.h"

#include "worker/supervisor/child.h"

enum {
    PROBE_JOBS_MAX = 4,
    PROBE_DEADLINE_DEFAULT_MS = 30000,
    PROBE_DEADLINE_MAX_MS = 120000,
    PROBE_KEEP_ANSWER_MS = 30000, /* after the deadline, while PostgreSQL is away */
};

struct probe_job {
    bool is_used;
    bool is_late;   /* killed for its deadline */
    bool is_stored; /* answered; the slot is free once the child is reaped */
    char id[40];
    struct child child;
    int deadline_ms;    /* as asked */
    int64_t kill_at_ms; /* monotonic */
    char *answer;       /* owned JSON; NULL = none yet */
};

struct probe_jobs {
    struct probe_job jobs[PROBE_JOBS_MAX];
};

void probe_jobs_init(struct probe_jobs *probes);

/* Kill what runs and free everything. */
void probe_jobs_done(struct probe_jobs *probes);

/* Claim and start as many as fit. environment: of the children. ST_OK, or a status of the store or
 * of child_spawn (the question is answered then). */
enum status probe_jobs_claim(
    struct probe_jobs *probes, struct store *store, const char *owner, char *const *environment,
    struct err *err) MUST_CHECK;

/* Read what children wrote, reap those that ended, kill those that are late. */
void probe_jobs_tend(struct probe_jobs *probes, int64_t now_ms);

/* True if an answer waits to be stored. */
bool probe_jobs_has_answer(const struct probe_jobs *probes);

/* Store answers. ST_OK, or a status of the store that may pass: try again later. */
enum status probe_jobs_flush(
    struct probe_jobs *probes, struct store *store, int64_t now_ms, struct err *err) MUST_CHECK;

/* When probe_jobs_tend has something to do without news, INT64_MAX = never. */
int64_t probe_jobs_wake_ms(const struct probe_jobs *probes);

#endif
