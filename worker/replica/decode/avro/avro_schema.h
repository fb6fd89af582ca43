#ifndef WORKER_REPLICA_DECODE_AVRO_AVRO_SCHEMA_H
#define WORKER_REPLICA_DECODE_AVRO_AVRO_SCHEMA_H

/*
 * An Avro schema as a tree (a DAG: a named type that is used twice is one node), read from its JSON
 * text. Recursive schemas are refused, so every walk over the tree ends.
 *
 * Not avro-c's tree: that one drops logical types and aliases, takes a schema for recursive data
 * without saying where, and cannot use names of another schema (registry references).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

#include "worker/replica/decode/schema.h"

/* X(kind, the specification's word) */
/* clang-format off */
#define AVRO_KIND_TABLE(X) \
    X(AVRO_NULL,    "null")    X(AVRO_BOOLEAN, "boolean") X(AVRO_INT,    "int")    X(AVRO_LONG, "long") \
    X(AVRO_FLOAT,   "float")   X(AVRO_DOUBLE,  "double")  X(AVRO_BYTES,  "bytes")  X(AVRO_STRING, "string") \
    X(AVRO_RECORD,  "record")  X(AVRO_ENUM,    "enum")    X(AVRO_ARRAY,  "array")  X(AVRO_MAP, "map") \
    X(AVRO_FIXED,   "fixed")   X(AVRO_UNION,   "union")

/* X(logical type, name, kinds it may annotate as a bit set) */
#define AVRO_LOGICAL_TABLE(X) \
    X(AVRO_DECIMAL,       "decimal",                1U << AVRO_BYTES | 1U << AVRO_FIXED) \
    X(AVRO_UUID,          "uuid",                   1U << AVRO_STRING | 1U << AVRO_FIXED) \
    X(AVRO_DATE,          "date",                   1U << AVRO_INT) \
    X(AVRO_TIME_MS,       "time-millis",            1U << AVRO_INT) \
    X(AVRO_TIME_US,       "time-micros",            1U << AVRO_LONG) \
    X(AVRO_INSTANT_MS,    "timestamp-millis",       1U << AVRO_LONG) \
    X(AVRO_INSTANT_US,    "timestamp-micros",       1U << AVRO_LONG) \
    X(AVRO_INSTANT_NS,    "timestamp-nanos",        1U << AVRO_LONG) \
    X(AVRO_LOCAL_MS,      "local-timestamp-millis", 1U << AVRO_LONG) \
    X(AVRO_LOCAL_US,      "local-timestamp-micros", 1U << AVRO_LONG) \
    X(AVRO_LOCAL_NS,      "local-timestamp-nanos",  1U << AVRO_LONG) \
    X(AVRO_DURATION,      "duration",               1U << AVRO_FIXED)
/* clang-format on */

enum avro_kind {
#define X(kind, text) kind,
    AVRO_KIND_TABLE(X)
#undef X
};

enum avro_logical {
    AVRO_PLAIN, /* none, or one that is unknown or does not fit the type: ignored, as specified */
#define X(logical, text, kinds) logical,
    AVRO_LOGICAL_TABLE(X)
#undef X
};

enum {
    AVRO_TEXT_PADDING_BYTES = 128, /* convert_text looks ahead */
};

struct avro_text {
    char *bytes; /* owned, AVRO_TEXT_PADDING_BYTES zeros behind it */
    size_t len;
};

struct avro_type;

struct avro_field {
    struct avro_text name;
    struct avro_text *aliases; /* owned */
    size_t aliases_count;
    const struct avro_type *type;
};

/* One type. Borrowed from the schema. */
struct avro_type {
    enum avro_kind kind;
    enum avro_logical logical;
    struct avro_text name; /* full name of record, enum, fixed; else empty */
    uint32_t scale;        /* decimal */
    uint32_t precision;
    uint32_t size; /* fixed: bytes */
    union {
        struct avro_field *fields;         /* record; owned array */
        struct avro_text *symbols;         /* enum; owned array */
        const struct avro_type **branches; /* union; owned array */
        const struct avro_type *element;   /* array, map: of the values */
    };
    size_t count;       /* fields, symbols, branches */
    uint64_t min_bytes; /* of one value, never more than AVRO_MIN_BYTES_MAX */
    uint64_t leaves;    /* types below this one when shared ones are written out */
    uint32_t depth;     /* of nested types */
    bool is_constant;   /* every value has min_bytes */
    bool is_open;       /* being read: a name that leads here is a cycle */
};

enum {
    AVRO_TEXT_MAX_BYTES = 8 << 20, /* of a schema; registries take 1 MB by default */
    AVRO_TYPES_MAX = 50000,
    AVRO_LEAVES_MAX = 200000,
    AVRO_DEPTH_MAX = 128,
    AVRO_FIXED_MAX_BYTES = 1 << 24,
    AVRO_MIN_BYTES_MAX = 1 << 30,
};

struct avro_schema;

/*
 * Read schema (borrowed during the call) and what it refers to. ret_schema: owned.
 * ST_INVALID: not an Avro schema, recursive (the cycle is named), or past a limit above, with the
 * place; ST_NO_MEMORY.
 */
enum status avro_schema_new(
    const struct schema *schema, struct avro_schema **ret_schema, struct err *err) MUST_CHECK;
void avro_schema_free(struct avro_schema *schema);
void avro_schema_freep(struct avro_schema **schema);

const struct avro_type *avro_schema_root(const struct avro_schema *schema);

/* The specification's words. Static memory; NULL for AVRO_PLAIN. */
const char *avro_kind_name(enum avro_kind kind);
const char *avro_logical_name(enum avro_logical logical);

/* "record demo.Order", "long (timestamp-millis)": for messages. Cut to fit. */
void avro_type_text(const struct avro_type *type, char *out, size_t out_bytes);

/* Free one type, not those it refers to. For the schema's own use. */
void avro_type_free(struct avro_type *type);

/* The field of that name, else the one with that alias; NULL if there is none. */
const struct avro_field *
avro_type_field(const struct avro_type *record, const char *name, size_t name_bytes);

#endif
