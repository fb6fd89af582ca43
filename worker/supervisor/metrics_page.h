#ifndef WORKER_SUPERVISOR_METRICS_PAGE_H
#define WORKER_SUPERVISOR_METRICS_PAGE_H

/*
 * Prometheus text of this host's replicas, from what their heartbeats said last: no question to
 * PostgreSQL, so it is there while the database is away. Counters are of the present process of a
 * replica and begin at zero with it (Prometheus takes that for a restart); the api's page has those
 * since the pipe was created.
 */

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"

enum {
    METRICS_PAGE_MAX_BYTES = 8 * 1024 * 1024
};

struct supervisor;

/* Write the page. out: initialised with METRICS_PAGE_MAX_BYTES; what does not fit of the lag of
 * partitions is left out, whole lines only. ST_NO_MEMORY, ST_TOO_LARGE. */
enum status metrics_page_write(const struct supervisor *s, struct buf *out) MUST_CHECK;

#endif
