#ifndef DEMO_CLICKHOUSE_HTTP_SERVER_H
#define DEMO_CLICKHOUSE_HTTP_SERVER_H

/*
 * The sockets: libmicrohttpd, one thread per connection (an INSERT blocks while the engine is
 * behind, which is how a fast client is slowed down). Only loopback addresses. Routes: /ping,
 * /replicas_status and queries at / and /query; the rest is request.h.
 */

#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

#include "demo/clickhouse/request.h"

struct http_server;

/* listen: "127.0.0.1:PORT" or "[::1]:PORT"; port 0 lets the kernel choose. server: borrowed until
 * http_server_stop. Owned by the caller (http_server_stop). ST_INVALID: no loopback address.
 * ST_IO: cannot listen there. ST_NO_MEMORY. */
enum status http_server_start(
    const struct request_server *server, const char *listen, struct http_server **ret_http,
    struct err *err) MUST_CHECK;

/* The port it listens on. */
uint16_t http_server_port(const struct http_server *h);

/* Stop listening, end idle connections, wait for requests that run. NULL is fine. */
void http_server_stop(struct http_server *h);

#endif
