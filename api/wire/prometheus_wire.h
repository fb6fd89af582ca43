#ifndef API_WIRE_PROMETHEUS_WIRE_H
#define API_WIRE_PROMETHEUS_WIRE_H

/* The Prometheus page from rows of the store. */

#include "common/base/buf.h"
#include "common/store/pipes.h"
#include "common/store/runtime.h"
#include "common/store/services.h"

struct prometheus_page {
    const char *organization_id;
    const struct service_rows *services;
    const struct pipe_rows *pipes;
    const struct runtime_summaries *summaries; /* of these pipes; one may be missing */
};

/* Append all series. Statuses of buf_add. */
enum status wire_prometheus_write(const struct prometheus_page *page, struct buf *out) MUST_CHECK;

#endif
