#ifndef API_HTTP_REQUEST_H
#define API_HTTP_REQUEST_H

/*
 * One request as the rooms behind the server see it. Handlers read it; the server and the
 * dispatcher fill it. No type of the HTTP library is in here.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/uuid.h"
#include "common/store/services.h"

struct store;
struct api_context;
struct route;

enum http_method {
    HTTP_GET,
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_OTHER,
};

enum {
    REQUEST_PARAMS_MAX = 4,
    REQUEST_QUERY_MAX = 32,
};

struct request_param {
    const char *name; /* borrowed from the route table */
    char *value;      /* owned */
};

struct request_pair {
    char *name;
    char *value;
};

struct request {
    char id[UUID_TEXT_BYTES];
    enum http_method method;
    bool is_head;
    char *path; /* owned; decoded, one slash between parts, no slash at the end */
    struct request_pair query[REQUEST_QUERY_MAX];
    size_t query_count;
    char *authorization; /* header values, owned, NULL = absent */
    char *user_agent;
    char *accept;
    char *host; /* the Host header, or what a trusted proxy says instead */
    char *content_encoding;
    bool is_secure; /* over TLS that this server ends, or a trusted proxy */
    uint8_t *body;  /* borrowed from the server until the reply is sent */
    size_t body_len_bytes;
    bool is_body_too_large;
    bool is_body_one_too_many; /* it was dropped, because others fill the room for bodies */

    /* Filled by the dispatcher. */
    int64_t arrived_us; /* monotonic */
    const struct route *route;
    struct request_param params[REQUEST_PARAMS_MAX];
    size_t params_count;
    struct api_context *context;
    struct store *store;    /* borrowed from the pool for this request */
    struct api_key_row key; /* who asks; id NULL for routes without authentication */
    struct service_row
        service;  /* of the path, without its password; id NULL when the path names none */
    json_t *json; /* the body, an object; NULL for routes without one */
};

/* Free what the request owns. Safe twice and on a zeroed struct. */
void request_done(struct request *request);

/* Set path from the decoded path of the request line: slashes collapsed, none at the end, "/" for
 * the root. ST_NO_MEMORY. */
enum status request_set_path(struct request *request, const char *raw_path) MUST_CHECK;

/*
 * What a trusted proxy says of the request it passes on (X-Forwarded-Proto, X-Forwarded-Host; MDN
 * describes both): it replaces is_secure and host. Of a list the first counts, which is what the
 * client sent to the outermost proxy. scheme, host: NULL or "" = not said. ST_NO_MEMORY.
 */
enum status
request_set_forwarded(struct request *request, const char *scheme, const char *host) MUST_CHECK;

/* Add one decoded query parameter (value may be NULL). ST_INVALID past REQUEST_QUERY_MAX,
 * ST_NO_MEMORY. */
enum status
request_add_query(struct request *request, const char *name, const char *value) MUST_CHECK;

/* Value of a path parameter; it must exist in the route's pattern. Borrowed. */
const char *request_param(const struct request *request, const char *name);

/* The same, NULL if the pattern has none of that name. */
const char *request_find_param(const struct request *request, const char *name);

/* First value of a query parameter, NULL if absent or empty. Borrowed. */
const char *request_query(const struct request *request, const char *name);

/* Query parameter as a number in min..max; fallback when absent. ST_INVALID names it in err. */
enum status request_query_i64(
    const struct request *request, const char *name, const int64_t range[2], int64_t *ret_value,
    struct err *err) MUST_CHECK;

/*
 * Parse the body into request->json: UTF-8 JSON, no key twice, an object. An empty body is {} .
 * ST_INVALID names line, column and position, never the content (it may hold a password).
 */
enum status request_parse_json(struct request *request, struct err *err) MUST_CHECK;

/* The method with this name; HTTP_OTHER for an unknown one. HEAD is HTTP_GET. */
enum http_method http_method_from_text(const char *text);

/* "GET", … "OTHER". Static memory. */
const char *http_method_text(enum http_method method);

#endif
