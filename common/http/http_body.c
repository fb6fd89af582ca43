/* The pieces of a body as one stream. */
#include "common/http/http_body.h"

#include <stdlib.h>
#include <string.h>

enum status http_body_init(struct http_body *body, const struct http_piece *pieces, size_t count)
{
    struct http_piece *list = calloc(count + 1, sizeof(*list));
    if (list == NULL) {
        return ST_NO_MEMORY;
    }
    int64_t len_bytes = 0;
    for (size_t i = 0; i < count; i++) {
        list[i] = pieces[i];
        if (pieces[i].len_bytes > (uint64_t)(INT64_MAX - len_bytes)) {
            free(list);
            return ST_TOO_LARGE;
        }
        len_bytes += (int64_t)pieces[i].len_bytes;
    }
    *body = (struct http_body){.pieces = list, .count = count, .len_bytes = len_bytes};
    return ST_OK;
}

void http_body_done(struct http_body *body)
{
    free(body->pieces);
    *body = (struct http_body){0};
}

size_t http_body_read(struct http_body *body, char *target, size_t room_bytes)
{
    size_t given = 0;
    while (given < room_bytes && body->piece < body->count) {
        const struct http_piece *piece = &body->pieces[body->piece];
        size_t left = piece->len_bytes - body->offset_bytes;
        size_t step = left < room_bytes - given ? left : room_bytes - given;
        if (step > 0) {
            memcpy(target + given, (const char *)piece->bytes + body->offset_bytes, step);
        }
        given += step;
        body->offset_bytes += step;
        if (body->offset_bytes == piece->len_bytes) {
            body->piece++;
            body->offset_bytes = 0;
        }
    }
    return given;
}

enum status http_body_seek(struct http_body *body, int64_t offset_bytes)
{
    if (offset_bytes < 0 || offset_bytes > body->len_bytes) {
        return ST_INVALID;
    }
    size_t left = (size_t)offset_bytes;
    body->piece = 0;
    while (body->piece < body->count && left >= body->pieces[body->piece].len_bytes) {
        left -= body->pieces[body->piece].len_bytes;
        body->piece++;
    }
    body->offset_bytes = left;
    return ST_OK;
}
