#ifndef DEMO_CLICKHOUSE_REQUEST_H
#define DEMO_CLICKHOUSE_REQUEST_H

/*
 * One query, from its HTTP head over its body to the reply; knows nothing of sockets. The body is
 * taken as it comes: as long as it is query text it is collected, from the first byte of an
 * INSERT's data on it is streamed into the engine. After a failure the rest of the body is read and
 * dropped, as the real server does, so that the connection stays usable.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/status.h"

#include "demo/clickhouse/auth.h"
#include "demo/clickhouse/chdb.h"

enum {
    REQUEST_TEXT_MAX_BYTES = 16 * 1024 * 1024, /* of a statement without its data */
    REQUEST_NAME_BYTES = 256,                  /* query id, format */
};

/* What all requests share. */
struct request_server {
    struct engine *engine;
    struct auth auth;
};

/* One name=value of the URL, decoded; value is "" if there was no "=". Both zero-terminated. */
struct request_argument {
    const char *name;
    size_t name_len;
    const char *value;
    size_t value_len;
};

/* Borrowed until request_free. Headers are NULL where the client sent none. */
struct request_head {
    bool is_read_only; /* GET and HEAD may not change anything */
    const struct request_argument *arguments;
    size_t argument_count;
    const char *authorization;
    const char *user;
    const char *key;
    const char *database;
    const char *format;
    const char *content_encoding;
    const char *content_type;
    const char *accept_encoding;
};

struct request_reply {
    int http_status;
    int exception_code;  /* 0: none */
    const uint8_t *body; /* borrowed until request_free */
    size_t body_bytes;
    const char *content_type;
    const char *format; /* "" if the answer is no result */
    const char *query_id;
    const char *summary; /* JSON */
    bool is_gzip;
};

struct request;

/* Head is there. Whatever is wrong with it is said in the reply. server: borrowed. Owned by the
 * caller (request_free). ST_NO_MEMORY. */
enum status request_new(
    const struct request_server *server, const struct request_head *head,
    struct request **ret_request) MUST_CHECK;

/* A piece of the body. */
void request_feed(struct request *r, const uint8_t *bytes, size_t len_bytes);

/* The body ended: run or commit. ret_reply is valid until request_free. */
void request_finish(struct request *r, struct request_reply *ret_reply);

/* An INSERT that was not finished is cancelled. NULL is fine. */
void request_free(struct request *r);

#endif
