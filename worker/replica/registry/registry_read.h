#ifndef WORKER_REPLICA_REGISTRY_REGISTRY_READ_H
#define WORKER_REPLICA_REGISTRY_REGISTRY_READ_H

/*
 * What a registry's answer means. Source: the Confluent Schema Registry API reference ("Errors":
 * error_code is the HTTP status and two digits more), and the answers of Apicurio 3.0.9. Inside
 * this room.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/http/http.h"

#include "worker/replica/decode/schema.h"

enum {
    REGISTRY_ANSWER_MAX_BYTES = 4 * 1024 * 1024, /* more: the schema is refused */
    REGISTRY_LINKS_MAX = 256,                    /* references of one schema */
    REGISTRY_TEXT_BYTES = 512,
    REGISTRY_WAIT_MAX_MS = 5 * 60 * 1000, /* a longer Retry-After counts as this */
};

enum registry_verdict {
    REGISTRY_SCHEMA,   /* a schema */
    REGISTRY_MISSING,  /* the registry has no such schema (now) */
    REGISTRY_UNUSABLE, /* it has, and we can never use it: too large, an unknown type */
    REGISTRY_REFUSED,  /* 401, 403 */
    REGISTRY_LATER,    /* 5xx, 408, 429, network, or no answer of a registry at all */
};

/* A reference as the registry tells it. */
struct registry_link {
    char *name;
    char *subject; /* as it is, not encoded */
    int32_t version;
};

/* A schema as the registry tells it. */
struct registry_document {
    enum schema_kind kind;
    int32_t id; /* SCHEMA_PINNED if it was not told */
    char *text;
    size_t text_bytes;
    struct registry_link *links;
    size_t links_count;
};

/* Free. Safe twice and on a zeroed struct. */
void registry_document_done(struct registry_document *document);

struct registry_finding {
    enum registry_verdict verdict;
    bool is_proven;                    /* only a schema registry answers like this */
    int64_t wait_ms;                   /* REGISTRY_LATER: what the server asks for; 0 = nothing */
    struct registry_document document; /* REGISTRY_SCHEMA: registry_document_done */
    char text[REGISTRY_TEXT_BYTES];    /* the other verdicts: why, with the HTTP status */
};

/*
 * Read an answer to …/schemas/ids/N or …/subjects/S/versions/V. was_proven: an earlier answer
 * proved that this URL is a registry's; until then a 404 without the API's error code counts as
 * REGISTRY_LATER, since a wrong path must not look like a missing schema. Never fails: without
 * memory it is REGISTRY_LATER.
 */
struct registry_finding registry_read(const struct http_response *response, bool was_proven);

#endif
