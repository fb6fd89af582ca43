#ifndef API_EVENT_COPIER_H
#define API_EVENT_COPIER_H

/*
 * Copies pipes' events from PostgreSQL into `clickpipes_log` beside each pipe's destination. A
 * service that does not allow the table is asked again every ten minutes, one that is away each
 * minute; what is older than a week is not copied any more.
 */

#include <stdbool.h>

#include "common/base/attr.h"
#include "common/base/err.h"

struct http_client;
struct store;

/* One pipe's turn. *ret_more: there was something to do. ST_UNAVAILABLE, ST_NO_MEMORY,
 * ST_INTERNAL; what ClickHouse does not take is logged and tried again later. */
enum status event_copier_next(
    struct store *store, struct http_client *client, bool *ret_more, struct err *err) MUST_CHECK;

#endif
