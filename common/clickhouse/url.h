#ifndef COMMON_CLICKHOUSE_URL_H
#define COMMON_CLICKHOUSE_URL_H

/* Writing a URL with parameters. Inside this room. Statuses of buf_add. */

#include "common/base/buf.h"

/* The endpoint, with "/" for an empty path. */
enum status url_begin(struct buf *url, const char *endpoint) MUST_CHECK;

/* ?name=value or &name=value, both percent-encoded but for the unreserved characters of RFC 3986.
 */
enum status url_add_parameter(struct buf *url, const char *name, const char *value) MUST_CHECK;

#endif
