#ifndef API_HTTP_STATS_H
#define API_HTTP_STATS_H

/*
 * How long requests took, by route and code, for the api's own /metrics. Atomic counters: safe
 * from many threads.
 */

#include <stdint.h>

#include "common/base/buf.h"

#include "api/http/router.h"

struct request_stats;

/* table: borrowed for ever. NULL if out of memory. Owned, request_stats_free. */
struct request_stats *request_stats_new(const struct route_table *table);
void request_stats_free(struct request_stats *stats);

/* Count one request. route: of the table, NULL for an unknown path. */
void request_stats_add(
    struct request_stats *stats, const struct route *route, int http_code, int64_t took_us);

/* Append penstock_api_request_duration_seconds. Statuses of buf_add. */
enum status request_stats_write(const struct request_stats *stats, struct buf *out) MUST_CHECK;

#endif
