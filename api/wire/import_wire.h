#ifndef API_WIRE_IMPORT_WIRE_H
#define API_WIRE_IMPORT_WIRE_H

#include <jansson.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/clickhouse/kafka_engine.h"

/* Are all texts UTF-8, and protocol and login ones that the engine has? ST_INVALID says which there
 * are: such a statement would not have worked either, and to guess would be to read without
 * encryption or login. */
enum status wire_import_check(const struct kafka_engine *engine, struct err *err) MUST_CHECK;

/* {"pipe": a create body that reads the same, "notCarried": [{"setting", "reason"}]}: what of a
 * Kafka engine table a pipe can do. NULL if out of memory. Owned reference. */
json_t *wire_import_to_json(const struct kafka_engine *engine);

#endif
