#ifndef WORKER_SUPERVISOR_SEAT_H
#define WORKER_SUPERVISOR_SEAT_H

/*
 * One replica on this host: the lease, the child that sits in it (or the time until the next one),
 * and what it has to report. A seat outlives its children. Nothing here logs or decides: assign.c
 * decides, the loop logs.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/secret.h"
#include "common/store/runtime.h"

#include "worker/supervisor/assign.h"
#include "worker/supervisor/child.h"
#include "worker/supervisor/outbox.h"
#include "worker/supervisor/report.h"
#include "worker/supervisor/restart.h"

struct seat {
    struct lease lease;
    bool is_held;        /* seen in the last renewal */
    bool is_given;       /* another host is to have it: drain, then release */
    bool is_over;        /* nothing is left to be done with it */
    bool is_second_wave; /* the supervisor ends: this one waits until another host runs the pipe */

    enum assign_child phase;
    struct child child;
    int64_t child_generation;
    int64_t child_revision;
    bool has_own_reason;  /* the present child said what it waits for */
    bool has_been_well;   /* the present child said that it runs */
    bool has_own_failure; /* the present child said why it ends */
    int64_t heard_at_ms;
    int64_t start_at_ms;
    int64_t kill_at_ms;

    struct limits_group limits; /* of the present child */
    bool has_told_limits;       /* that they are weak, once per seat */
    struct secret spec; /* the last one, so that a replica is restarted while PostgreSQL is away */
    int64_t spec_revision;
    struct restart restart;
    int64_t restarts_count;
    uint64_t strays_count; /* messages of another generation */
    int heard_count;       /* messages since the last tick */
    int events_left;       /* that the child may still report, see seat_tick */
    int64_t events_at_ms;  /* when it may report one more */
    struct report report;
    struct outbox outbox;
};

/* A seat without a child. ret_seat: owned, seat_free. ST_NO_MEMORY,
 * ST_IO. */
enum status seat_new(const struct lease *lease, struct seat **ret_seat, struct err *err) MUST_CHECK;

/* Also forgets the child, which must be reaped or is left to die with its parent. */
void seat_free(struct seat *seat);

struct assign_facts seat_facts(const struct seat *seat, bool is_stopping);

/* Keep the spec of the next child. text: borrowed. ST_NO_MEMORY. */
enum status
seat_set_spec(struct seat *seat, const char *text, int64_t revision, struct err *err) MUST_CHECK;

/* What every child is started with. Borrowed. */
struct seat_launch {
    const char *program; /* NULL = this one */
    char *const *environment;
    struct limits *limits;
};

/* Start a child with the spec. On failure the restart policy says when to try again. Statuses as
 * child_spawn and limits_group_make. */
enum status seat_start(
    struct seat *seat, const struct seat_launch *launch, int64_t now_ms,
    struct err *err) MUST_CHECK;

/* Wait this long before the next start. */
void seat_postpone(struct seat *seat, int64_t now_ms, int64_t wait_ms);

/* SIGTERM, and when to kill; SIGKILL. */
void seat_drain(struct seat *seat, int64_t now_ms);
void seat_kill(struct seat *seat);

/* The lease as it is now: renewed, or claimed again after somebody else had it. */
void seat_take_lease(struct seat *seat, const struct lease *lease);

/* The lease has gone to somebody else: a child that drains already gets less time. */
void seat_lose(struct seat *seat, int64_t now_ms);

/* Read and take what the child has sent, as much as one child may say between two ticks.
 * ST_INVALID: it sends garbage and is to be killed; ST_UNSUPPORTED: it speaks another version of
 * the protocol; ST_IO, ST_NO_MEMORY. */
enum status seat_listen(struct seat *seat, int64_t now_ms, struct err *err) MUST_CHECK;

/* True if the child has said enough until the next tick: what it writes stays in its pipe. */
bool seat_is_muted(const struct seat *seat);

/* What became of a child, for the log. */
struct seat_end {
    struct child_end child;
    bool is_expected;    /* it was asked to end */
    bool is_crash_loop;  /* it ended again and again */
    bool is_over_memory; /* the kernel killed it for its memory limit */
    bool
        is_near_memory; /* it had most of its memory limit when it ended, and no group tells more */
    bool is_foreign;    /* it speaks another version of the protocol */
    bool has_failed;    /* the pipe needs a person */
    int64_t wait_ms;    /* until the next start, if it is still wanted */
};

/* True if the child has ended: what it had to say is taken, the next start is planned. */
bool seat_reap(struct seat *seat, int64_t now_ms, struct seat_end *ret_end);

/* Once a tick: the child may speak again. */
void seat_tick(struct seat *seat, int64_t now_ms);

/* Forgive a child that lives well. */
void seat_tend(struct seat *seat, int64_t now_ms);

/* True once the present child said that it runs, waits for something, or drains. */
bool seat_is_started(const struct seat *seat);

/* What its report says of the process. Points to the seat and to owner. */
struct report_process seat_process(const struct seat *seat, const char *owner);

/* Store what there is to store of this one alone. ST_OK, also when the lease has gone (nothing can
 * be stored then) or a lock was held (later); else a status of the store. */
enum status seat_flush(
    struct seat *seat, struct store *store, const char *owner, int64_t now_ms,
    struct err *err) MUST_CHECK;

#endif
