/*
 * libmicrohttpd calls `handle` for one request several times: for its head, for each piece of its
 * body, and at the end of the body, always from the connection's own thread; `completed` is called
 * last, also when the client went away, which cancels an unfinished INSERT.
 */
#include "demo/clickhouse/http_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/parse.h"

enum {
    ARGUMENTS_MAX = 256,
    BACKLOG = 1024,
    CONNECTIONS_MAX = 4096, /* as ClickHouse's own default of max_connections */
    /* Holds the head, of which the URL may be 1 MB as on the real server, and the piece of the body
     * that is read. */
    CONNECTION_MEMORY_BYTES = 1536 * 1024,
    CONNECTION_STEP_BYTES = 256 * 1024,
    HOST_BYTES = 256,
};

struct http_server {
    const struct request_server *server;
    struct MHD_Daemon *daemon;
    uint16_t port;
    char host[HOST_BYTES];
};

/* One HTTP request. */
struct exchange {
    struct request_head head;
    struct request_argument arguments[ARGUMENTS_MAX];
    bool has_too_many_arguments;
    struct request *request; /* NULL for a page */
    const char *page;        /* static text */
    unsigned page_status;
};

/* NOLINTNEXTLINE(readability-function-size): libmicrohttpd decides on the parameters */
static enum MHD_Result add_argument(
    void *context, enum MHD_ValueKind kind, const char *name, size_t name_len, const char *value,
    size_t value_len)
{
    struct exchange *x = context;
    (void)kind; /* only arguments are asked for */
    if (x->head.argument_count == ARGUMENTS_MAX) {
        x->has_too_many_arguments = true;
        return MHD_NO;
    }
    x->arguments[x->head.argument_count++] = (struct request_argument){
        .name = name,
        .name_len = name_len,
        .value = value == NULL ? "" : value,
        .value_len = value == NULL ? 0 : value_len,
    };
    return MHD_YES;
}

static bool has_query(const struct exchange *x)
{
    for (size_t i = 0; i < x->head.argument_count; i++) {
        if (strcmp(x->arguments[i].name, "query") == 0) {
            return true;
        }
    }
    return false;
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static void read_head(struct exchange *x, struct MHD_Connection *connection)
{
    (void)MHD_get_connection_values_n(
        connection, MHD_GET_ARGUMENT_KIND, add_argument, x); /* count */
    x->head.arguments = x->arguments;
    x->head.authorization = header(connection, "Authorization");
    x->head.user = header(connection, "X-ClickHouse-User");
    x->head.key = header(connection, "X-ClickHouse-Key");
    x->head.database = header(connection, "X-ClickHouse-Database");
    x->head.format = header(connection, "X-ClickHouse-Format");
    x->head.content_encoding = header(connection, "Content-Encoding");
    x->head.content_type = header(connection, "Content-Type");
    x->head.accept_encoding = header(connection, "Accept-Encoding");
}

/* Which page a request that is no query asks for; NULL: it is a query. */
static const char *
find_page(const struct exchange *x, const char *path, const char *method, unsigned *ret_status)
{
    bool is_read = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    bool is_query_path = strcmp(path, "/") == 0 || strcmp(path, "/query") == 0;
    *ret_status = MHD_HTTP_OK;
    if (is_read && (strcmp(path, "/ping") == 0 || strcmp(path, "/replicas_status") == 0)) {
        return "Ok.\n";
    }
    if (x->has_too_many_arguments) {
        *ret_status = MHD_HTTP_URI_TOO_LONG;
        return "too many arguments in the URL\n";
    }
    if (is_read && strcmp(path, "/") == 0 && !has_query(x)) {
        return "Ok.\n";
    }
    if (is_query_path && (is_read || strcmp(method, "POST") == 0)) {
        return NULL;
    }
    *ret_status = is_query_path ? MHD_HTTP_METHOD_NOT_ALLOWED : MHD_HTTP_NOT_FOUND;
    return is_query_path ? "only GET, HEAD and POST\n"
                         : "There is no handle here\n\nUse / or /ping for health checks.\n"
                           "Send queries from your program with POST method or GET /?query=...\n";
}

static enum status begin_exchange(
    const struct http_server *h, struct MHD_Connection *connection, const char *path,
    const char *method, struct exchange **ret_exchange)
{
    struct exchange *x = calloc(1, sizeof(*x));
    if (x == NULL) {
        return ST_NO_MEMORY;
    }
    read_head(x, connection);
    x->head.is_read_only = strcmp(method, "POST") != 0;
    x->page = find_page(x, path, method, &x->page_status);
    if (x->page == NULL) {
        enum status st = request_new(h->server, &x->head, &x->request);
        if (st != ST_OK) {
            free(x);
            return st;
        }
    }
    *ret_exchange = x;
    return ST_OK;
}

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    if (value[0] != 0) {
        (void)MHD_add_response_header(
            response, name, value); /* an odd value (query_id) is left out */
    }
}

static void add_query_headers(
    const struct http_server *h, struct MHD_Response *response, const struct request_reply *reply)
{
    char code[16];
    add_header(response, "X-ClickHouse-Server-Display-Name", h->host);
    add_header(response, "X-ClickHouse-Query-Id", reply->query_id);
    add_header(response, "X-ClickHouse-Format", reply->format);
    add_header(response, "X-ClickHouse-Timezone", engine_timezone(h->server->engine));
    add_header(response, "X-ClickHouse-Summary", reply->summary);
    if (reply->is_gzip) {
        add_header(response, "Content-Encoding", "gzip");
    }
    if (reply->exception_code != 0) {
        (void)snprintf(code, sizeof(code), "%d", reply->exception_code);
        add_header(response, "X-ClickHouse-Exception-Code", code);
        log_event(
            LOG_DEBUG, "query_failed", "query_id=\"%s\" code=%d", reply->query_id,
            reply->exception_code);
    }
}

/* libmicrohttpd takes void *; it only reads a persistent buffer. */
static struct MHD_Response *make_response(const void *bytes, size_t len_bytes)
{
    void *borrowed = NULL;
    memcpy(&borrowed, &bytes, sizeof(borrowed));
    return MHD_create_response_from_buffer(len_bytes, borrowed, MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result
send_reply(const struct http_server *h, struct MHD_Connection *connection, struct exchange *x)
{
    struct request_reply reply = {.http_status = (int)x->page_status};
    if (x->request == NULL) {
        reply.body = (const uint8_t *)x->page;
        reply.body_bytes = strlen(x->page);
        reply.content_type = "text/html; charset=UTF-8";
    } else {
        request_finish(x->request, &reply);
    }
    struct MHD_Response *response = make_response(reply.body, reply.body_bytes);
    if (response == NULL) {
        return MHD_NO;
    }
    add_header(response, "Content-Type", reply.content_type);
    if (x->request != NULL) {
        add_query_headers(h, response, &reply);
    }
    enum MHD_Result queued = MHD_queue_response(connection, (unsigned)reply.http_status, response);
    MHD_destroy_response(response);
    return queued;
}

/* NOLINTNEXTLINE(readability-function-size): libmicrohttpd decides on the parameters */
static enum MHD_Result handle(
    void *context, struct MHD_Connection *connection, const char *path, const char *method,
    const char *version, const char *upload, size_t *upload_bytes, void **exchange)
{
    const struct http_server *h = context;
    (void)version; /* libmicrohttpd minds it */
    if (*exchange == NULL) {
        struct exchange *x = NULL;
        if (begin_exchange(h, connection, path, method, &x) != ST_OK) {
            return MHD_NO;
        }
        *exchange = x;
        return MHD_YES;
    }
    struct exchange *x = *exchange;
    if (*upload_bytes > 0) {
        if (x->request != NULL) {
            request_feed(x->request, (const uint8_t *)upload, *upload_bytes);
        }
        *upload_bytes = 0;
        return MHD_YES;
    }
    return send_reply(h, connection, x);
}

static void completed(
    void *context, struct MHD_Connection *connection, void **exchange,
    enum MHD_RequestTerminationCode code)
{
    struct exchange *x = *exchange;
    (void)context;
    (void)connection;
    (void)code; /* request_free cancels what was not finished */
    if (x == NULL) {
        return;
    }
    request_free(x->request);
    free(x);
    *exchange = NULL;
}

/* "127.0.0.1:8123" or "[::1]:8123". */
static enum status parse_listen(
    const char *listen, struct sockaddr_storage *ret_address, socklen_t *ret_len, struct err *err)
{
    char host[INET6_ADDRSTRLEN] = "";
    const char *colon = strrchr(listen, ':');
    bool is_v6 = listen[0] == '[';
    int64_t port = 0;
    size_t host_len = colon == NULL ? 0 : (size_t)(colon - listen);
    if (is_v6) {
        listen++;
        host_len = host_len < 2 ? 0 : host_len - 2;
    }
    if (colon == NULL || host_len >= sizeof(host) ||
        parse_i64(colon + 1, 0, 65535, &port) != ST_OK) {
        return err_set(err, ST_INVALID, "the address to listen on must be 127.0.0.1:PORT");
    }
    memcpy(host, listen, host_len);
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    if (is_v6 && inet_pton(AF_INET6, host, &v6.sin6_addr) == 1 &&
        IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr)) {
        memcpy(ret_address, &v6, sizeof(v6));
        *ret_len = sizeof(v6);
        return ST_OK;
    }
    if (!is_v6 && inet_pton(AF_INET, host, &v4.sin_addr) == 1 &&
        (ntohl(v4.sin_addr.s_addr) >> 24) == IN_LOOPBACKNET) {
        memcpy(ret_address, &v4, sizeof(v4));
        *ret_len = sizeof(v4);
        return ST_OK;
    }
    return err_set(err, ST_INVALID, "%s is no loopback address, and no other is allowed", host);
}

static enum status
open_socket(const char *listen_text, int *ret_fd, uint16_t *ret_port, struct err *err)
{
    struct sockaddr_storage address = {0};
    socklen_t len = 0;
    enum status st = parse_listen(listen_text, &address, &len, err);
    if (st != ST_OK) {
        return st;
    }
    const int on = 1;
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        st = err_errno(err, ST_IO, errno, "cannot listen on %s", listen_text);
        if (fd >= 0) {
            (void)close(fd); /* nothing was done with it */
        }
        return st;
    }
    struct sockaddr_in v4;
    memcpy(&v4, &address, sizeof(v4)); /* the port lies at the same place in both families */
    *ret_port = ntohs(v4.sin_port);
    *ret_fd = fd;
    return ST_OK;
}

enum status http_server_start(
    const struct request_server *server, const char *listen, struct http_server **ret_http,
    struct err *err)
{
    assert(server != NULL && listen != NULL && ret_http != NULL);
    int fd = -1;
    struct http_server *h = calloc(1, sizeof(*h));
    if (h == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for the HTTP server");
    }
    enum status st = open_socket(listen, &fd, &h->port, err);
    if (st != ST_OK) {
        free(h);
        return st;
    }
    h->server = server;
    if (gethostname(h->host, sizeof(h->host) - 1) != 0) {
        (void)snprintf(h->host, sizeof(h->host), "localhost");
    }
    h->daemon = MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
            MHD_USE_ITC,
        0, NULL, NULL, handle, h, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED,
        completed, NULL, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY_BYTES,
        MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)CONNECTION_STEP_BYTES, MHD_OPTION_END);
    if (h->daemon == NULL) {
        (void)close(fd); /* nothing was done with it */
        free(h);
        return err_set(err, ST_IO, "libmicrohttpd does not start");
    }
    *ret_http = h;
    return ST_OK;
}

uint16_t http_server_port(const struct http_server *h)
{
    return h->port;
}

void http_server_stop(struct http_server *h)
{
    if (h == NULL) {
        return;
    }
    MHD_stop_daemon(h->daemon);
    free(h);
}
