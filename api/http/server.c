/*
 * libmicrohttpd, wrapped: nothing else in the program includes it. One exchange per request
 * collects headers and body, hands them to options.handle on the connection's own thread, and
 * sends what comes back. Logs one line per request (debug; error for 500 and above).
 */
#include "api/http/server.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/log.h"

#include "api/http/connections.h"
#include "api/http/router.h"

enum {
    IDLE_TIMEOUT_S = 75,           /* above the keep-alive of common proxies (60 s) */
    STACK_BYTES = 4 * 1024 * 1024, /* jansson recurses once per nesting level, up to 2048 */
    HEADERS_MAX_BYTES = 64 * 1024,
    /* A body above the limit is read and dropped up to this, so that the client reads the 413
     * instead of a reset connection. */
    SWALLOW_MAX_BYTES = 64 * 1024 * 1024,
    NUMBER_BYTES = 32,
    BODIES_MAX = 16, /* as many of the largest are kept at once, of all connections together */
};

/* GnuTLS priority string: TLS 1.2 and 1.3 only. */
static const char TLS_PRIORITIES[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

struct server {
    struct server_options options;
    struct MHD_Daemon *daemon;
    struct connections *connections;
    int listen_fd; /* our copy: libmicrohttpd closes the one it gets when it fails to start */
    pthread_mutex_t lock; /* guards the three below */
    pthread_cond_t changed;
    unsigned running_count;     /* requests */
    unsigned connections_count; /* with or without a request */
    bool is_draining;
    atomic_size_t bodies_bytes; /* of all exchanges */
};

struct exchange {
    struct server *server; /* borrowed */
    struct request request;
    struct buf body;
    size_t seen_bytes;
};

static void drop_body(struct exchange *exchange)
{
    atomic_fetch_sub(&exchange->server->bodies_bytes, exchange->body.len_bytes);
    if (exchange->body.bytes != NULL) {
        secret_wipe(exchange->body.bytes, exchange->body.len_bytes);
    }
    buf_done(&exchange->body);
}

static void exchange_free(struct exchange *exchange)
{
    request_done(&exchange->request);
    drop_body(exchange);
    free(exchange);
}

static void server_count(struct server *server, unsigned *counter, int step)
{
    (void)pthread_mutex_lock(&server->lock); /* cannot fail on a valid mutex */
    *counter = (unsigned)((int)*counter + step);
    if (*counter == 0) {
        (void)pthread_cond_broadcast(&server->changed);
    }
    (void)pthread_mutex_unlock(&server->lock);
}

static enum MHD_Result
on_query(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct request *request = context;
    (void)kind;
    return request_add_query(request, name, value) == ST_OK ? MHD_YES : MHD_NO;
}

static const char *header_get(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static char *header_copy(struct MHD_Connection *connection, const char *name)
{
    const char *value = header_get(connection, name);
    return value == NULL ? NULL : strdup(value);
}

static struct exchange *exchange_new(
    struct server *server, struct MHD_Connection *connection, const char *url, const char *method)
{
    struct exchange *exchange = calloc(1, sizeof(*exchange));
    if (exchange == NULL) {
        return NULL;
    }
    exchange->server = server;
    buf_init(&exchange->body, server->options.max_body_bytes);
    struct request *request = &exchange->request;
    if (uuid_new(request->id) != ST_OK || request_set_path(request, url) != ST_OK) {
        exchange_free(exchange);
        return NULL;
    }
    request->method = http_method_from_text(method);
    request->is_head = strcmp(method, "HEAD") == 0;
    request->authorization = header_copy(connection, MHD_HTTP_HEADER_AUTHORIZATION);
    request->user_agent = header_copy(connection, MHD_HTTP_HEADER_USER_AGENT);
    request->accept = header_copy(connection, MHD_HTTP_HEADER_ACCEPT);
    request->host = header_copy(connection, MHD_HTTP_HEADER_HOST);
    request->content_encoding = header_copy(connection, MHD_HTTP_HEADER_CONTENT_ENCODING);
    request->is_secure = server->options.cert_pem != NULL;
    if (server->options.trusts_proxy) {
        const char *scheme = header_get(connection, "X-Forwarded-Proto");
        const char *host = header_get(connection, "X-Forwarded-Host");
        if (request_set_forwarded(request, scheme, host) != ST_OK) {
            exchange_free(exchange);
            return NULL;
        }
    }
    (void)MHD_get_connection_values(
        connection, MHD_GET_ARGUMENT_KIND, on_query, request); /* the count is of no use */
    return exchange;
}

/* Take one piece of the body. MHD_NO ends the connection. */
static enum MHD_Result on_piece(struct exchange *exchange, const char *bytes, size_t len_bytes)
{
    exchange->seen_bytes += len_bytes;
    if (exchange->seen_bytes > SWALLOW_MAX_BYTES) {
        return MHD_NO;
    }
    struct request *request = &exchange->request;
    struct server *server = exchange->server;
    if (request->is_body_too_large || request->is_body_one_too_many) {
        return MHD_YES;
    }
    const size_t all_bytes = atomic_fetch_add(&server->bodies_bytes, len_bytes) + len_bytes;
    enum status status = buf_add(&exchange->body, bytes, len_bytes);
    if (status != ST_OK) {
        atomic_fetch_sub(&server->bodies_bytes, len_bytes);
    }
    request->is_body_too_large = status == ST_TOO_LARGE;
    request->is_body_one_too_many = all_bytes > BODIES_MAX * server->options.max_body_bytes;
    if (request->is_body_too_large || request->is_body_one_too_many) {
        drop_body(exchange);
        return MHD_YES;
    }
    return status == ST_OK ? MHD_YES : MHD_NO;
}

static bool is_draining(struct server *server)
{
    (void)pthread_mutex_lock(&server->lock);
    bool answer = server->is_draining;
    (void)pthread_mutex_unlock(&server->lock);
    return answer;
}

static bool add_header(struct MHD_Response *response, const char *name, const char *value)
{
    return MHD_add_response_header(response, name, value) == MHD_YES;
}

/* What is left of the key's requests; how the official provider reads it is in the contract. */
static bool add_rate_headers(struct MHD_Response *response, const struct rate_answer *rate)
{
    if (!rate->is_counted) {
        return true;
    }
    char limit[NUMBER_BYTES];
    char remaining[NUMBER_BYTES];
    char reset[NUMBER_BYTES];
    char retry[NUMBER_BYTES];
    (void)snprintf(limit, sizeof(limit), "%lld", (long long)rate->limit); /* all four fit */
    (void)snprintf(remaining, sizeof(remaining), "%lld", (long long)rate->remaining);
    (void)snprintf(
        reset, sizeof(reset), "%lld.%03lld", (long long)((rate->reset_us + 999) / 1000 / 1000),
        (long long)((rate->reset_us + 999) / 1000 % 1000));
    (void)snprintf(retry, sizeof(retry), "%lld", (long long)(rate->reset_us + 999999) / 1000000);
    return add_header(response, "X-RateLimit-Limit", limit) &&
           add_header(response, "X-RateLimit-Remaining", remaining) &&
           add_header(response, "X-RateLimit-Reset", reset) &&
           (rate->is_allowed || add_header(response, MHD_HTTP_HEADER_RETRY_AFTER, retry));
}

static bool add_headers(
    struct server *server, struct MHD_Response *response, const struct request *request,
    const struct reply *reply)
{
    static const char CHALLENGE[] = "Basic realm=\"penstock\", charset=\"UTF-8\"";
    bool is_ok = add_header(response, "X-Request-Id", request->id) &&
                 add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type) &&
                 add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") &&
                 add_rate_headers(response, &reply->rate);
    if (is_ok && reply->http_code == 401) {
        is_ok = add_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, CHALLENGE);
    }
    if (is_ok && reply->allow[0] != '\0') {
        is_ok = add_header(response, MHD_HTTP_HEADER_ALLOW, reply->allow);
    }
    if (is_ok && is_draining(server)) {
        is_ok = add_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    }
    return is_ok;
}

static enum MHD_Result send_reply(
    struct server *server, struct MHD_Connection *connection, const struct request *request,
    struct reply *reply)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(reply->body_len_bytes, reply->body, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        return MHD_NO;
    }
    reply->body = NULL;
    enum MHD_Result sent =
        add_headers(server, response, request, reply)
            ? MHD_queue_response(connection, (unsigned)reply->http_code, response)
            : MHD_NO;
    MHD_destroy_response(response);
    return sent;
}

static void log_request(
    const struct request *request, const struct reply *reply, const struct err *err,
    int64_t started_us)
{
    long long took_us = (long long)(clock_monotonic_us() - started_us);
    const char *route = request->route == NULL ? "-" : request->route->pattern;
    const char *method = http_method_text(request->method);
    if (reply->http_code >= 500) {
        log_err(
            LOG_ERROR, "request_failed", err, "request=%s method=%s route=%s code=%d us=%lld",
            request->id, method, route, reply->http_code, took_us);
        return;
    }
    log_event(
        LOG_DEBUG, "request", "request=%s method=%s route=%s code=%d us=%lld", request->id, method,
        route, reply->http_code, took_us);
}

static enum MHD_Result
answer(struct server *server, struct MHD_Connection *connection, struct exchange *exchange)
{
    int64_t started_us = clock_monotonic_us();
    struct request *request = &exchange->request;
    request->body = exchange->body.bytes;
    request->body_len_bytes = exchange->body.len_bytes;
    struct reply reply = {0};
    struct err err = {.status = ST_OK};
    (void)server->options.handle(
        server->options.context, request, &reply, &err); /* err says it, the reply carries it */
    log_request(request, &reply, &err, started_us);
    enum MHD_Result sent =
        reply.body == NULL ? MHD_NO : send_reply(server, connection, request, &reply);
    reply_done(&reply);
    return sent;
}

static struct connection *connection_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == NULL ? NULL : info->socket_context;
}

/* NOLINTNEXTLINE(readability-function-size): the library's signature */
static enum MHD_Result on_request(
    void *context, struct MHD_Connection *connection, const char *url, const char *method,
    const char *version, const char *upload, size_t *upload_len_bytes, void **connection_context)
{
    struct server *server = context;
    struct exchange *exchange = *connection_context;
    (void)version;
    if (exchange == NULL) {
        exchange = exchange_new(server, connection, url, method);
        if (exchange == NULL) {
            return MHD_NO;
        }
        server_count(server, &server->running_count, 1);
        *connection_context = exchange;
        return MHD_YES;
    }
    if (*upload_len_bytes > 0) {
        size_t len_bytes = *upload_len_bytes;
        *upload_len_bytes = 0;
        return on_piece(exchange, upload, len_bytes);
    }
    struct connection *own = connection_of(connection);
    connection_work(server->connections, own);
    enum MHD_Result sent = answer(server, connection, exchange);
    connection_wait(server->connections, own, clock_monotonic_us());
    return sent;
}

static void on_completed(
    void *context, struct MHD_Connection *connection, void **connection_context,
    enum MHD_RequestTerminationCode code)
{
    struct server *server = context;
    (void)connection;
    (void)code;
    if (*connection_context != NULL) {
        exchange_free(*connection_context);
        *connection_context = NULL;
        server_count(server, &server->running_count, -1);
    }
}

static void on_connection(
    void *context, struct MHD_Connection *connection, void **socket_context,
    enum MHD_ConnectionNotificationCode code)
{
    struct server *server = context;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        connection_close(server->connections, *socket_context); /* before its socket is closed */
        server_count(server, &server->connections_count, -1);
        return;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    *socket_context = connection_open(server->connections, info->connect_fd, clock_monotonic_us());
    server_count(server, &server->connections_count, 1);
}

static struct MHD_Daemon *daemon_start(struct server *server)
{
    const struct server_options *options = &server->options;
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION |
                     MHD_USE_POLL | MHD_USE_ITC;
    struct MHD_OptionItem items[] = {
        {MHD_OPTION_LISTEN_SOCKET, server->listen_fd, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)options->connections_max + CONNECTIONS_MORE, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, IDLE_TIMEOUT_S, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, HEADERS_MAX_BYTES, NULL},
        {MHD_OPTION_THREAD_STACK_SIZE, STACK_BYTES, NULL},
        {MHD_OPTION_END, 0, NULL}, /* the three of TLS, if there is a certificate */
        {MHD_OPTION_END, 0, NULL},
        {MHD_OPTION_END, 0, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    if (options->cert_pem != NULL) {
        size_t last = ARRAY_LEN(items) - 4;
        items[last] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, NULL};
        items[last + 1] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, NULL};
        memcpy(&items[last].ptr_value, &options->cert_pem, sizeof(void *));
        items[last + 2] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0, NULL};
        memcpy(&items[last + 1].ptr_value, &options->key_pem, sizeof(void *));
        const char *priorities = TLS_PRIORITIES;
        memcpy(&items[last + 2].ptr_value, &priorities, sizeof(void *));
        flags |= MHD_USE_TLS;
    }
    return MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, server, MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_ARRAY, items,
        MHD_OPTION_END);
}

enum status
server_open(const struct server_options *options, struct server **ret_server, struct err *err)
{
    assert(options->handle != NULL && options->connections_max > 0);
    struct server *server = calloc(1, sizeof(*server));
    if (server == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for the server");
    }
    server->options = *options;
    (void)pthread_mutex_init(
        &server->lock, NULL); /* fails only without memory, on no system here */
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&server->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    server->listen_fd = fcntl(options->listen_fd, F_DUPFD_CLOEXEC, 0);
    server->connections = connections_new(options->connections_max);
    const bool can_start = server->listen_fd >= 0 && server->connections != NULL;
    server->daemon = can_start ? daemon_start(server) : NULL;
    if (server->daemon == NULL) {
        server_close(server);
        return err_set(
            err, options->cert_pem == NULL ? ST_IO : ST_INVALID, "cannot start the HTTP server%s",
            options->cert_pem == NULL ? "" : ": certificate or key cannot be used");
    }
    *ret_server = server;
    return ST_OK;
}

/* Stop accepting and wait until the counter is 0. */
static void wait_for_none(struct server *server, const unsigned *counter, int timeout_ms)
{
    (void)MHD_quiesce_daemon(server->daemon); /* gives back our copy of the socket */
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    (void)pthread_mutex_lock(&server->lock);
    server->is_draining = true;
    int waited = 0;
    while (*counter > 0 && waited != ETIMEDOUT) {
        waited = pthread_cond_timedwait(&server->changed, &server->lock, &until);
    }
    (void)pthread_mutex_unlock(&server->lock);
}

void server_drain(struct server *server, int timeout_ms)
{
    wait_for_none(server, &server->running_count, timeout_ms);
}

void server_retire(struct server *server, int timeout_ms)
{
    wait_for_none(server, &server->connections_count, timeout_ms);
}

void server_close(struct server *server)
{
    if (server == NULL) {
        return;
    }
    if (server->daemon != NULL) {
        (void)MHD_quiesce_daemon(server->daemon); /* stops accepting; the socket is ours again */
        MHD_stop_daemon(server->daemon);
        closep(&server->listen_fd);
    }
    connections_free(server->connections);
    (void)pthread_cond_destroy(&server->changed);
    (void)pthread_mutex_destroy(&server->lock);
    free(server);
}
