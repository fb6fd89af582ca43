#ifndef API_WIRE_IMPORT_WIRE_H
#define API_WIRE_IMPORT_WIRE_H

#include <jansson.h>

#include "common/clickhouse/kafka_engine.h"

/* {"pipe": a create body that reads the same, "notCarried": [{"setting", "reason"}]}: what of a
 * Kafka engine table a pipe can do. NULL if out of memory. Owned reference. */
json_t *wire_import_to_json(const struct kafka_engine *engine);

#endif
