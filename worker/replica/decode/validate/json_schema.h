#ifndef WORKER_REPLICA_DECODE_VALIDATE_JSON_SCHEMA_H
#define WORKER_REPLICA_DECODE_VALIDATE_JSON_SCHEMA_H

/*
 * JSON Schema (draft-07 and 2020-12) behind one small door: which library does it is the business
 * of the file behind it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

#include "worker/replica/decode/schema.h"

struct json_schema;

/* True if this build has a validator; without one json_schema_new answers ST_UNSUPPORTED. */
bool json_schema_is_available(void);

/* Compile. schema: borrowed during the call. ret_schema: owned, json_schema_free.
 * ST_INVALID: not a JSON Schema, with the reason; ST_UNSUPPORTED; ST_NO_MEMORY. */
enum status json_schema_new(
    const struct schema *schema, struct json_schema **ret_schema, struct err *err) MUST_CHECK;
void json_schema_free(struct json_schema *schema);

/*
 * Validate one document. ST_OK; ST_REJECTED: message says the keyword, the instance's path and the
 * reason (cut to message_bytes); ST_INVALID: not JSON; ST_NO_MEMORY.
 */
enum status json_schema_check(
    const struct json_schema *schema, const uint8_t *document, size_t len, char *message,
    size_t message_bytes) MUST_CHECK;

#endif
