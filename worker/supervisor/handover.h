#ifndef WORKER_SUPERVISOR_HANDOVER_H
#define WORKER_SUPERVISOR_HANDOVER_H

/*
 * Giving replicas to other hosts, while this one runs (balancing) and when it ends. A replica that
 * is given away drains here first and its lease is released, so no partition has two readers and
 * nothing is read twice.
 */

#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

enum {
    HANDOVER_MOVES_MAX = 4,    /* replicas that drain for another host at the same time */
    HANDOVER_GIVING_MS = 6000, /* three slow polls: the others' time to take what was given */
    /* How long the second half of a pipe's replicas waits, at the end of a supervisor, for another
     * host to run the first half. */
    HANDOVER_SECOND_WAVE_MS = 10000,
};

struct supervisor;

/* Mark replicas to be given to hosts that hold fewer: only as many as make the shares fair. At each
 * slow poll. Statuses of the store, ST_NO_MEMORY. */
enum status handover_balance(struct supervisor *s, struct err *err) MUST_CHECK;

/* The supervisor begins to end: of each pipe with several replicas here, half go at once and half
 * wait until another host runs the pipe, if there is another host. */
void handover_begin(struct supervisor *s, int64_t now_ms);

/* While it ends, once a tick: say that this host takes nothing more; let the second half go where
 * another host runs the pipe. Statuses of the store, ST_NO_MEMORY. */
enum status handover_stop(struct supervisor *s, int64_t now_ms, struct err *err) MUST_CHECK;

/* Let the second half go when the time is over, with or without PostgreSQL. */
void handover_tend(struct supervisor *s, int64_t now_ms);

#endif
