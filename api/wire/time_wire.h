#ifndef API_WIRE_TIME_WIRE_H
#define API_WIRE_TIME_WIRE_H

#include <jansson.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

/* Times in requests and answers: RFC 3339. */

/* Read 2026-01-02T03:04:05[.678](Z|±hh:mm); the day must exist. ret_ms: since 1970 UTC, fractions
 * below a millisecond cut. ST_INVALID. */
enum status wire_time_parse(const char *text, int64_t *ret_ms) MUST_CHECK;

/* As a JSON text in UTC; NULL if out of memory. */
json_t *wire_time_to_json(int64_t wall_ms);

#endif
