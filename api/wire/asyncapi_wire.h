#ifndef API_WIRE_ASYNCAPI_WIRE_H
#define API_WIRE_ASYNCAPI_WIRE_H

#include <jansson.h>

#include "common/store/pipes.h"

/* The AsyncAPI 3.0 document of what the pipe reads: brokers, one channel per topic, the message as
 * the pipe's columns and mappings understand it (https://www.asyncapi.com/docs/reference/
 * specification/v3.0.0). NULL if out of memory. Owned reference. */
json_t *wire_asyncapi(const struct pipe_row *row);

#endif
