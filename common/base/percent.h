#ifndef COMMON_BASE_PERCENT_H
#define COMMON_BASE_PERCENT_H

/* Percent-encoding of URLs (RFC 3986, 2.1). */

#include "common/base/buf.h"

/* Append text with everything but unreserved characters (letters, digits, "-._~") encoded, so
 * that it is one path segment or one parameter. Statuses as buf_add. */
enum status percent_add(struct buf *url, const char *text) MUST_CHECK;

#endif
