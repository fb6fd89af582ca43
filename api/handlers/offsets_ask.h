#ifndef API_HANDLERS_OFFSETS_ASK_H
#define API_HANDLERS_OFFSETS_ASK_H

/* The offsets of a pipe's group. Only a worker can talk to Kafka, so the question goes to a probe
 * (worker/protocol/protocol.h, kind "offsets"). */

#include <jansson.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/store/pipes.h"

#include "api/http/request.h"

/* What Kafka says. reset: taken, NULL = only look. ret_answer: owned reference. ST_UNAVAILABLE
 * without a worker, ST_REJECTED with the probe's reason. */
enum status offsets_ask(
    const struct request *request, const struct pipe_row *row, json_t *reset, json_t **ret_answer,
    struct err *err) MUST_CHECK;

#endif
