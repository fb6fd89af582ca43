#ifndef API_AUDIT_H
#define API_AUDIT_H

/*
 * Every changing call leaves an audit entry: noted before its handler runs, completed after it. A
 * call that is refused (4xx) leaves none; one that fails (5xx) leaves one with outcome "unknown".
 * What is kept is the pipe or service as REST shows it, never the request's body.
 */

#include <stdint.h>

#include "api/http/reply.h"
#include "api/http/request.h"

struct audit_note {
    int64_t id; /* 0 = nothing to complete */
};

/* Note the call, if its route changes something. ST_UNAVAILABLE: the call must not go on. */
enum status audit_note_begin(
    const struct request *request, struct audit_note *ret_note, struct err *err) MUST_CHECK;

/* The handler ended with this status. What cannot be recorded now is logged. */
void audit_note_end(
    const struct request *request, const struct reply *reply, enum status status,
    const struct audit_note *note);

#endif
