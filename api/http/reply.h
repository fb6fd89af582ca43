#ifndef API_HTTP_REPLY_H
#define API_HTTP_REPLY_H

/*
 * One answer. A handler sets a result (JSON, put into the envelope) or a plain
 * body; the HTTP code comes from the status table and nowhere else.
 */

#include <jansson.h>

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/json_text.h"

#include "api/http/rate_limit.h"

enum {
    REPLY_ALLOW_BYTES = 64,
    REPLY_LIST_MAX_BYTES = 512 * 1024 * 1024 /* of a result written as text */
};

struct reply {
    json_t *result;    /* owned; NULL = the envelope has no result */
    char *result_text; /* owned; the result as text instead, for long lists */
    size_t result_len_bytes;
    char *body; /* owned; not NULL = sent as it is, without envelope */
    size_t body_len_bytes;
    const char *content_type;      /* of body; static memory */
    char allow[REPLY_ALLOW_BYTES]; /* for 405; "" = none */
    struct rate_answer rate;       /* headers of the rate limit */
    char *error_text;              /* owned; replaces err's text where that is too short a place */
    bool changed_nothing;          /* a dry run: no audit entry */
    bool made_pipe;                /* result is a new pipe: sent last of all, then it is answered */
    int http_code; /* set by reply_render, or by a handler that answers a plain body */
};

/* Free what the reply owns. Safe twice and on a zeroed struct. */
void reply_done(struct reply *reply);

/* The result; taken (a NULL is ST_NO_MEMORY: some jansson call before it failed). */
enum status reply_set_result(struct reply *reply, json_t *result, struct err *err) MUST_CHECK;

/*
 * The result as text that is one JSON value; what json holds is taken, whatever comes back. The
 * first failure of its writing: ST_NO_MEMORY, ST_TOO_LARGE.
 */
enum status
reply_set_result_text(struct reply *reply, struct json_text *json, struct err *err) MUST_CHECK;

/* A body without envelope. body: taken, from malloc; content_type: static. */
void reply_set_body(struct reply *reply, char *body, size_t len_bytes, const char *content_type);

/* The same with what was written into text; text is taken and empty afterwards. */
void reply_set_text(struct reply *reply, struct buf *text, const char *content_type);

/* A plain JSON body without envelope; json is taken. ST_NO_MEMORY. */
enum status reply_set_json_body(struct reply *reply, json_t *json, struct err *err) MUST_CHECK;

/*
 * Make body, content_type and http_code from what the handler left: the plain body, or the
 * envelope with the result, or (status not ST_OK) the error envelope with "CODE: text of err".
 * Texts of our own failures (500 and above) stay in the log; the client gets a general sentence.
 * ST_NO_MEMORY.
 */
enum status reply_render(
    struct reply *reply, const char *request_id, enum status status,
    const struct err *err) MUST_CHECK;

/* The code word of the error envelope for a status, e.g. "BAD_REQUEST". Static memory. */
const char *reply_code_text(enum status status);

#endif
