#ifndef API_HTTP_SERVER_H
#define API_HTTP_SERVER_H

/*
 * The HTTP edge (server.c is the only file that knows libmicrohttpd): one thread per connection up
 * to a maximum, so that a request that waits for ClickHouse or for a probe holds up nobody else.
 * Bodies are collected up to a limit; each finished request goes to one function.
 */

#include <stddef.h>

#include "api/http/reply.h"
#include "api/http/request.h"

struct server;

struct server_options {
    int listen_fd;        /* borrowed until server_close */
    const char *cert_pem; /* NULL = plain HTTP; borrowed until server_close */
    const char *key_pem;
    unsigned connections_max;
    size_t max_body_bytes;
    bool trusts_proxy; /* X-Forwarded-Proto and -Host are believed */
    /* Answer one request: fill and render reply. Called from many threads at once. The status and
     * err it returns are for the log. */
    enum status (*handle)(
        void *context, struct request *request, struct reply *reply, struct err *err);
    void *context;
};

/* Start serving. ret_server: owned, server_close. ST_INVALID (certificate or key unusable),
 * ST_NO_MEMORY, ST_IO. */
enum status server_open(
    const struct server_options *options, struct server **ret_server, struct err *err) MUST_CHECK;

/* Accept nothing new; wait until running requests have been answered, at most timeout_ms. */
void server_drain(struct server *server, int timeout_ms);

/* Accept nothing new; wait until all connections are closed, at most timeout_ms: for a server that
 * another one replaces on the same socket. Each answer asks its client to connect again. */
void server_retire(struct server *server, int timeout_ms);

/* Close all connections and free. NULL is fine. */
void server_close(struct server *server);

#endif
