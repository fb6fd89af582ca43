#ifndef WORKER_SUPERVISOR_FLUSH_H
#define WORKER_SUPERVISOR_FLUSH_H

/*
 * The reports of all replicas on their way to PostgreSQL: one statement for all heartbeats that are
 * due and one for all partitions that moved, however many replicas there are. What each has to tell
 * besides, which is seldom anything, is left to the caller.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/store/store.h"

#include "worker/supervisor/seat.h"

enum {
    FLUSH_SEATS_MAX = 1000 /* per statement, so that it stays well within the time-out */
};

enum flush_what {
    FLUSH_REPORTS,
    FLUSH_PARTITIONS,
};

/* Borrowed. */
struct flush_seats {
    struct seat *const *items;
    size_t count;
    const char *owner;
};

/* Store what there is to store of all. What a lock held up, or a lease that has gone, is no
 * failure. ST_NO_MEMORY, or a status of the store: try again later, or one by one if it is none
 * that may pass. */
enum status flush_seats(
    enum flush_what what, const struct flush_seats *seats, struct store *store, int64_t now_ms,
    struct err *err) MUST_CHECK;

#endif
