#ifndef COMMON_BASE_STATUS_H
#define COMMON_BASE_STATUS_H

/*
 * The one table of outcomes. A function that can fail returns one of these and nothing else.
 * The table also says which HTTP code a status becomes at the api's edge and whether doing the
 * same thing again later can help. Code decides by status, never by text.
 */

#include <stdbool.h>

/* X(name, text, HTTP code, may retry) */
/* clang-format off */
#define STATUS_TABLE(X) \
    X(ST_OK,            "ok",                  200, false) \
    X(ST_INVALID,       "invalid",             400, false) \
    X(ST_UNAUTHORIZED,  "unauthorized",        401, false) \
    X(ST_FORBIDDEN,     "forbidden",           403, false) \
    X(ST_NOT_FOUND,     "not_found",           404, false) \
    X(ST_METHOD,        "method_not_allowed",  405, false) \
    X(ST_CONFLICT,      "conflict",            409, false) \
    X(ST_TOO_LARGE,     "too_large",           413, false) \
    X(ST_RATE_LIMITED,  "rate_limited",        429, true)  \
    X(ST_INTERNAL,      "internal",            500, false) \
    X(ST_NO_MEMORY,     "no_memory",           500, true)  \
    X(ST_IO,            "io",                  500, true)  \
    X(ST_UNSUPPORTED,   "unsupported",         400, false) \
    X(ST_UNAVAILABLE,   "unavailable",         503, true)  \
    X(ST_TIMEOUT,       "timeout",             504, true)  \
    X(ST_REJECTED,      "rejected",            400, false) \
    X(ST_STOP,          "stop",                400, false) \
    X(ST_FENCED,        "fenced",              409, false) \
    X(ST_CANCELLED,     "cancelled",           503, true)  \
    X(ST_NO_WORKER,     "no_worker",           503, true)
/* clang-format on */

enum status {
#define X(name, text, http, retry) name,
    STATUS_TABLE(X)
#undef X
};

/* Name of the status as one lower-case word, static memory. */
const char *status_text(enum status status);

/* The HTTP code the api answers for it. */
int status_http_code(enum status status);

/* True if the same action may succeed later without anybody changing anything. */
bool status_may_retry(enum status status);

#endif
