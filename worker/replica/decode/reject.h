#ifndef WORKER_REPLICA_DECODE_REJECT_H
#define WORKER_REPLICA_DECODE_REJECT_H

/*
 * Why one record did not become a row. Types are the words of the error table (error_type).
 */

#include <stdint.h>

#include "common/base/attr.h"

/* clang-format off */
#define REJECT_TABLE(X) \
    X(REJECT_DATA_PARSING,      "DATA_PARSING_ERROR")      /* the bytes are not the format */ \
    X(REJECT_TYPE_CONVERSION,   "TYPE_CONVERSION_ERROR")   /* a value does not fit its column */ \
    X(REJECT_SOURCE_SCHEMA,     "SOURCE_SCHEMA_ERROR")     /* no or unknown schema id */ \
    X(REJECT_SCHEMA_VALIDATION, "SCHEMA_VALIDATION_ERROR") /* breaks its JSON Schema */ \
    X(REJECT_RECORD_TOO_LARGE,  "RECORD_TOO_LARGE")        /* longer than the limit */ \
    X(REJECT_INSERT,            "INSERT_REJECTED")         /* ClickHouse alone refuses it */
/* clang-format on */

enum reject_type {
#define X(type, text) type,
    REJECT_TABLE(X)
#undef X
};

enum {
    REJECT_MESSAGE_BYTES = 512,
    REJECT_PART_BYTES = 160, /* of a text inside a message, so that the reason behind it is whole */
};

struct reject {
    enum reject_type type;
    const char *column;                 /* borrowed from the plan; "" = no column */
    int32_t schema_id;                  /* of the registry; 0 = none */
    char message[REJECT_MESSAGE_BYTES]; /* cut with "..." when longer */
};

/* The error table's word for it. Static memory. */
const char *reject_type_text(enum reject_type type);

/* Fill everything. column may be NULL (none); it is borrowed. */
void reject_set(
    struct reject *reject, enum reject_type type, const char *column, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* Put words before the message, which is cut when it becomes too long. */
void reject_prefix(struct reject *reject, const char *format, ...) PRINTF_LIKE(2, 3);

/* Cut a text for a message to REJECT_PART_BYTES, in place, between characters, with "..." at the
 * end. NULL is fine. */
void reject_shorten(char *text);

#endif
