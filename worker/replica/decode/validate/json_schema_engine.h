#ifndef WORKER_REPLICA_DECODE_VALIDATE_JSON_SCHEMA_ENGINE_H
#define WORKER_REPLICA_DECODE_VALIDATE_JSON_SCHEMA_ENGINE_H

/*
 * The validator's C face (engine/src/lib.rs, a Rust static library). Only json_schema.c uses it;
 * layouts and numbers are the same on both sides.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"

struct json_schema;

enum json_schema_answer {
    JSON_SCHEMA_OK = 0,
    JSON_SCHEMA_REJECTED = 1,
    JSON_SCHEMA_NOT_JSON = 2,
    JSON_SCHEMA_INVALID = 3,
    JSON_SCHEMA_NO_MEMORY = 4,
    JSON_SCHEMA_PANIC = 5, /* a defect of the library, caught */
};

struct json_schema_text {
    const uint8_t *bytes;
    size_t len;
};

struct json_schema_reference {
    struct json_schema_text name;
    struct json_schema_text text;
};

/* Everything is borrowed during the call. message is zero-terminated unless the answer is OK. */
int penstock_json_schema_compile(
    const uint8_t *text, size_t text_bytes, const struct json_schema_reference *references,
    size_t references_count, struct json_schema **ret_schema, char *message,
    size_t message_bytes) MUST_CHECK;
int penstock_json_schema_validate(
    const struct json_schema *schema, const uint8_t *text, size_t text_bytes, char *message,
    size_t message_bytes) MUST_CHECK;
void penstock_json_schema_free(struct json_schema *schema);

#endif
