/*
 * JSON Schema by the Rust crate `jsonschema`: the one kept-up library that passes the official
 * suite for both drafts and can be linked into a C program. Without cargo at build time the
 * functions stay and say so.
 */
#include "worker/replica/decode/validate/json_schema.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "worker/replica/decode/validate/json_schema_engine.h"

#if PENSTOCK_HAS_JSON_SCHEMA

enum {
    MESSAGE_BYTES = 1024 /* of why a schema cannot be used */
};

bool json_schema_is_available(void)
{
    return true;
}

static enum status status_of(int answer)
{
    switch (answer) {
    case JSON_SCHEMA_OK:
        return ST_OK;
    case JSON_SCHEMA_REJECTED:
        return ST_REJECTED;
    case JSON_SCHEMA_NOT_JSON:
    case JSON_SCHEMA_INVALID:
        return ST_INVALID;
    case JSON_SCHEMA_NO_MEMORY:
        return ST_NO_MEMORY;
    default: /* JSON_SCHEMA_PANIC */
        return ST_INTERNAL;
    }
}

enum status
json_schema_new(const struct schema *schema, struct json_schema **ret_schema, struct err *err)
{
    assert(schema != NULL && ret_schema != NULL);
    size_t count = schema->references_count;
    CLEANUP(freep) struct json_schema_reference *references = NULL;
    if (count > 0) {
        references = calloc(count, sizeof(*references));
        if (references == NULL) {
            return err_set(err, ST_NO_MEMORY, "out of memory for a JSON Schema");
        }
    }
    for (size_t i = 0; i < count; i++) {
        const struct schema_reference *from = &schema->references[i];
        references[i] = (struct json_schema_reference){
            .name = {(const uint8_t *)from->name, strlen(from->name)},
            .text = {(const uint8_t *)from->text, from->text_bytes},
        };
    }
    char message[MESSAGE_BYTES];
    enum status st = status_of(penstock_json_schema_compile(
        (const uint8_t *)schema->text, schema->text_bytes, references, count, ret_schema, message,
        sizeof(message)));
    return st == ST_OK ? ST_OK : err_set(err, st, "JSON Schema: %s", message);
}

void json_schema_free(struct json_schema *schema)
{
    penstock_json_schema_free(schema);
}

enum status json_schema_check(
    const struct json_schema *schema, const uint8_t *document, size_t len, char *message,
    size_t message_bytes)
{
    assert(schema != NULL && (document != NULL || len == 0));
    return status_of(penstock_json_schema_validate(schema, document, len, message, message_bytes));
}

#else

bool json_schema_is_available(void)
{
    return false;
}

enum status
json_schema_new(const struct schema *schema, struct json_schema **ret_schema, struct err *err)
{
    (void)schema;
    (void)ret_schema;
    return err_set(
        err, ST_UNSUPPORTED,
        "this build of Penstock has no JSON Schema validator: build it again with cargo and rustc "
        "1.88 or newer (Debian 12: packages cargo-web and rustc-web)");
}

void json_schema_free(struct json_schema *schema)
{
    (void)schema;
}

enum status json_schema_check(
    const struct json_schema *schema, const uint8_t *document, size_t len, char *message,
    size_t message_bytes)
{
    (void)schema;
    (void)document;
    (void)len;
    assert(message_bytes > 0);
    message[0] = '\0';
    return ST_UNSUPPORTED;
}

#endif
