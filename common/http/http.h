#ifndef COMMON_HTTP_HTTP_H
#define COMMON_HTTP_HTTP_H

/*
 * One HTTP client over libcurl: synchronous for the api, asynchronous for the replica's single
 * thread, on the same requests and responses. Only http and https, HTTP/1.1, no redirects, no
 * "Expect", connections kept. Credentials travel in the Authorization header only and appear in no
 * text that leaves this room. It knows nothing of ClickHouse and never tries again by policy; what
 * an answer means is decided elsewhere. A client belongs to one thread.
 */

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/secret.h"

enum {
    HTTP_CONNECT_TIMEOUT_MS = 10000, /* used when a request says 0 */
    HTTP_TIMEOUT_MS = 60000,         /* likewise */
    HTTP_RESPONSE_MAX_BYTES = 1024 * 1024,
    HTTP_HEADERS_MAX_BYTES = 64 * 1024,
    HTTP_POLL_FDS_MAX = 16,
    HTTP_MESSAGE_BYTES = 640,
};

/* Why there is no answer. */
enum http_failure {
    HTTP_FAILURE_NONE,      /* an answer came, whatever its code */
    HTTP_FAILURE_RESOLVE,   /* the host name has no address */
    HTTP_FAILURE_CONNECT,   /* nobody listens, or not within the connect timeout */
    HTTP_FAILURE_TLS,       /* certificate or handshake */
    HTTP_FAILURE_TIMEOUT,   /* total timeout or low speed */
    HTTP_FAILURE_CUT,       /* the connection broke, or what came was not HTTP */
    HTTP_FAILURE_TOO_LARGE, /* the answer passed response_max_bytes */
    HTTP_FAILURE_LOCAL,     /* our side: memory, a bad URL */
};

/* A part of a body; borrowed. */
struct http_piece {
    const void *bytes;
    size_t len_bytes;
};

struct http_header {
    const char *name;
    const char *value; /* no line breaks */
};

/* All texts are borrowed during the call and copied by http_start, except the bytes of the body. */
struct http_request {
    const char *method; /* NULL = POST with a body, else GET */
    const char *url;    /* http:// or https://, without credentials */
    const struct http_header *headers;
    size_t headers_count;
    const char *username;          /* NULL or "" = no authentication; no colon */
    const struct secret *password; /* NULL = empty */
    const struct http_piece *body; /* sent one after the other without copying */
    size_t body_count;
    bool has_body;              /* send a body even if it is empty */
    bool is_sent_once;          /* never resent by itself (was_resent): HTTP_FAILURE_CUT instead */
    const char *ca_pem;         /* NULL = the system's CAs */
    const char *user_agent;     /* NULL = penstock/<version> */
    int64_t connect_timeout_ms; /* 0 = HTTP_CONNECT_TIMEOUT_MS */
    int64_t timeout_ms;         /* whole exchange; 0 = HTTP_TIMEOUT_MS */
    int64_t
        low_speed_bytes_per_s; /* with low_speed_s: slower than this for so long is a timeout; */
    int64_t low_speed_s;       /* 0 = no such limit */
    size_t response_max_bytes; /* 0 = HTTP_RESPONSE_MAX_BYTES */
};

struct http_response {
    enum http_failure failure;
    bool may_have_run; /* false: no byte of the request was sent, it was certainly not executed */
    bool was_resent;   /* a kept connection broke without an answer and the request went out again
                          on a new one: the server may have seen it twice */
    int status_code;   /* 0 if no answer came */
    int64_t elapsed_us;
    int64_t sent_bytes; /* of the body */
    struct buf body;
    struct buf headers;               /* raw lines of the final answer */
    char message[HTTP_MESSAGE_BYTES]; /* "" or what failed, with host:port */
};

/* Free; the struct may be used again. Safe twice and on a zeroed struct. */
void http_response_done(struct http_response *response);

/* Find a header by name (any case) and copy its trimmed value, cut to len_bytes − 1. False and ""
 * if the answer has none. */
bool http_response_header(
    const struct http_response *response, const char *name, char *ret_value, size_t len_bytes);

/* The status a failure stands for: ST_OK for none, ST_TIMEOUT, ST_TOO_LARGE, ST_INTERNAL for
 * LOCAL, else ST_UNAVAILABLE. */
enum status http_failure_status(enum http_failure failure);

/* "none", "resolve", "connect", … Static memory. */
const char *http_failure_text(enum http_failure failure);

struct http_client;

/* A client with no connection yet. ST_NO_MEMORY. */
enum status http_client_new(struct http_client **ret_client, struct err *err) MUST_CHECK;

/* Cancels what is under way and closes the connections. NULL is fine. */
void http_client_free(struct http_client *client);
static inline void http_client_freep(struct http_client **client)
{
    http_client_free(*client);
    *client = NULL;
}

/* From any thread while the client lives: http_perform, under way or later, ends at once with
 * ST_CANCELLED. */
void http_client_stop(struct http_client *client);

/*
 * Send one request and wait for the answer. ret_response is always filled (http_response_done),
 * also on failure. ST_OK: an answer came, look at its status_code. Otherwise
 * http_failure_status(ret_response->failure) with err, ST_CANCELLED, or ST_INVALID for a request
 * that cannot be sent (scheme, colon in the user name, line break in a header). Not while calls of
 * http_start are under way on the same client.
 */
enum status http_perform(
    struct http_client *client, const struct http_request *request,
    struct http_response *ret_response, struct err *err) MUST_CHECK;

/* One exchange under way. */
struct http_call;

/*
 * Begin an exchange; it proceeds inside http_poll. The bytes of the body stay borrowed until
 * http_take_done gave it back or http_cancel. opaque comes back with the answer. ret_call: owned
 * by the client, valid until then. ST_INVALID as http_perform, ST_NO_MEMORY.
 */
enum status http_start(
    struct http_client *client, const struct http_request *request, void *opaque,
    struct http_call **ret_call, struct err *err) MUST_CHECK;

/*
 * Let exchanges proceed and wait up to timeout_ms (0 = do not wait) until one can proceed further,
 * one is done, or one of the extra descriptors (at most HTTP_POLL_FDS_MAX; may be none) has an
 * event; sets their revents as poll(2) would, POLLHUP and POLLERR too. Returns at once when a done
 * exchange is waiting to be taken. ST_INVALID for too many descriptors, ST_INTERNAL.
 */
enum status http_poll(
    struct http_client *client, struct pollfd *extra, size_t extra_count, int64_t timeout_ms,
    struct err *err) MUST_CHECK;

struct http_done {
    void *opaque;
    struct http_response response; /* http_response_done */
};

/* Take one finished exchange; its handle is gone. False if there is none. */
bool http_take_done(struct http_client *client, struct http_done *ret_done);

/* Forget an exchange (the connection is closed if it was in use); its handle is gone and it will
 * not be taken. NULL is fine. */
void http_cancel(struct http_client *client, struct http_call *call);

/* Exchanges started and not yet taken or cancelled. */
size_t http_calls_count(const struct http_client *client);

#endif
