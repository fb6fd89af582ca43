#ifndef DEMO_CLICKHOUSE_FAULT_H
#define DEMO_CLICKHOUSE_FAULT_H

/*
 * What the answer to a failed query says: ClickHouse's error number and the whole text. It is what
 * clients read, so unlike struct err it is not cut and keeps ClickHouse's wording. The numbers are
 * ClickHouse's (src/Common/ErrorCodes.cpp); the HTTP status follows from the number as on the real
 * server (src/Server/HTTP/exceptionCodeToHTTPStatus.cpp).
 */

#include <stdbool.h>

#include "common/base/attr.h"

enum {
    FAULT_NONE = 0,
    FAULT_BAD_ARGUMENTS = 36,
    FAULT_NOT_IMPLEMENTED = 48,
    FAULT_SYNTAX_ERROR = 62,
    FAULT_UNKNOWN_DATABASE = 81,
    FAULT_UNKNOWN_COMPRESSION_METHOD = 89,
    FAULT_QUERY_IS_TOO_LARGE = 229,
    FAULT_CANNOT_DECOMPRESS = 271,
    FAULT_ZLIB_INFLATE_FAILED = 354,
    FAULT_AUTHENTICATION_FAILED = 516,
    FAULT_ZSTD_DECODER_FAILED = 561,
    FAULT_LZ4_DECODER_FAILED = 618,
    FAULT_MEMORY_LIMIT_EXCEEDED = 241,
    FAULT_UNKNOWN_EXCEPTION = 1002,
};

struct fault {
    int code;   /* FAULT_NONE: nothing failed */
    char *text; /* owned; NULL while nothing failed, or if there was no memory for it */
};

/* Say what failed, in ClickHouse's form "Code: N. DB::Exception: <text>. (NAME)". The first fault
 * of a request is the one that counts: a later one is dropped. */
void fault_set(struct fault *fault, int code, const char *name, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* Take over a text of the engine, which begins with one or more "Code: N. DB::Exception: "; only
 * one is kept. The first fault counts here too. engine_text: borrowed. */
void fault_set_engine(struct fault *fault, const char *engine_text);

/* Whether something failed. */
bool fault_is_set(const struct fault *fault);

/* Free the text; the fault is then not set. Safe twice. */
void fault_done(struct fault *fault);

/* The HTTP status the real server answers for an error number. */
int fault_http_status(int code);

#endif
