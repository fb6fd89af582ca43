#ifndef COMMON_HTTP_HTTP_BODY_H
#define COMMON_HTTP_HTTP_BODY_H

/* A body of several borrowed pieces, read one after the other and rewound when it must be sent
 * again. Inside this room. */

#include "common/http/http.h"

struct http_body {
    struct http_piece *pieces; /* owned list of borrowed bytes */
    size_t count;
    size_t piece;        /* the one being read */
    size_t offset_bytes; /* within it */
    int64_t len_bytes;   /* of all */
};

/* Copy the list. ST_TOO_LARGE when the sum overflows, ST_NO_MEMORY. */
enum status
http_body_init(struct http_body *body, const struct http_piece *pieces, size_t count) MUST_CHECK;
void http_body_done(struct http_body *body);

/* Copy the next bytes, up to room_bytes; 0 at the end. */
size_t http_body_read(struct http_body *body, char *target, size_t room_bytes);

/* Go on from this place. ST_INVALID outside the body. */
enum status http_body_seek(struct http_body *body, int64_t offset_bytes) MUST_CHECK;

#endif
