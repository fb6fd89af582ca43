#ifndef COMMON_STORE_EVENT_LOG_H
#define COMMON_STORE_EVENT_LOG_H

/* Events on their way into ClickHouse: those not copied yet, pipe by pipe. */

#include "common/store/events.h"

enum {
    EVENT_LOG_BATCH_MAX = 200
};

/* Events of one pipe, oldest first, and where they go. */
struct event_log_batch {
    char *pipe_id; /* NULL = there is nothing to copy now */
    char *service_id;
    char *organization_id;
    char *database;
    struct event_row *items;
    size_t count;
};
void event_log_batch_done(struct event_log_batch *batch);

/* Hold the work for this store's connection until event_log_release, so that one api of several
 * does it. *ret_has: false if another one has it. ST_UNAVAILABLE. */
enum status event_log_claim(struct store *store, bool *ret_has, struct err *err) MUST_CHECK;

/* Give it up, after a claim that had it. A connection that broke has done so. */
void event_log_release(struct store *store);

/* The next to copy, of the last seven days. ret_batch: event_log_batch_done. ST_UNAVAILABLE,
 * ST_NO_MEMORY, ST_INTERNAL. */
enum status
event_log_next(struct store *store, struct event_log_batch *ret_batch, struct err *err) MUST_CHECK;

/* They are copied. ST_UNAVAILABLE. */
enum status event_log_copied(
    struct store *store, const struct event_log_batch *batch, struct err *err) MUST_CHECK;

/* It did not work: leave the pipe alone for a while. ST_UNAVAILABLE. */
enum status event_log_postpone(
    struct store *store, const struct event_log_batch *batch, int64_t seconds,
    struct err *err) MUST_CHECK;

#endif
