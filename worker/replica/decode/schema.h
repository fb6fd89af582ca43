#ifndef WORKER_REPLICA_DECODE_SCHEMA_H
#define WORKER_REPLICA_DECODE_SCHEMA_H

/*
 * A schema of the registry as the decoders see it, and where they get it from. The decode room
 * never does I/O: it asks a source, which answers at once, "wait" if it has to ask the registry.
 */

#include <stddef.h>
#include <stdint.h>

enum schema_kind {
    SCHEMA_AVRO,
    SCHEMA_JSON,
    SCHEMA_PROTOBUF,
};

/* The kind with its article, for messages: "an Avro schema". Static memory. */
const char *schema_kind_text(enum schema_kind kind);

enum {
    SCHEMA_PINNED = -1, /* the one the registry URL names, of whatever id */
    SCHEMA_REASON_BYTES = 256,
};

/* A schema another one refers to, references of references too, each before its users. */
struct schema_reference {
    const char *name; /* as the referring schema spells it */
    const char *text;
    size_t text_bytes;
};

/* Immutable; lives as long as its source. */
struct schema {
    int32_t id; /* of the registry; SCHEMA_PINNED if it told none */
    enum schema_kind kind;
    const char *text; /* zero-terminated */
    size_t text_bytes;
    const struct schema_reference *references;
    size_t references_count;
};

enum schema_answer {
    SCHEMA_KNOWN,
    SCHEMA_WAIT,    /* not known yet: ask again when the source says that something changed */
    SCHEMA_UNKNOWN, /* the registry has no such schema, or none that can be used: reason says why */
};

/* Where schemas come from. `get` never blocks. id: of a message, or SCHEMA_PINNED.
 * SCHEMA_KNOWN fills ret_schema, SCHEMA_UNKNOWN fills reason (SCHEMA_REASON_BYTES). */
struct schema_source {
    void *ctx;
    enum schema_answer (*get)(
        void *ctx, int32_t id, const struct schema **ret_schema, char *reason);
    int has_pinned; /* the registry URL names a schema */
};

#endif
