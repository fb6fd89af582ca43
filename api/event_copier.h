#ifndef API_EVENT_COPIER_H
#define API_EVENT_COPIER_H

/*
 * Copies pipes' events from PostgreSQL into `clickpipes_log` beside each pipe's destination, on a
 * thread of its own: no request and no pipe waits for it. One api of several does it at a time. A
 * service that does not allow the table is asked again every ten minutes, one that is away each
 * minute; what is older than a week is not copied any more.
 */

#include "common/base/attr.h"
#include "common/base/err.h"

struct event_copier;
struct store_pool;

/* stores: borrowed until event_copier_stop. ret_copier: owned, event_copier_stop. ST_NO_MEMORY,
 * ST_IO (no thread). */
enum status event_copier_start(
    struct store_pool *stores, struct event_copier **ret_copier, struct err *err) MUST_CHECK;

/* Let it finish what it is at (one statement to ClickHouse), and free. NULL is fine. */
void event_copier_stop(struct event_copier *copier);

#endif
