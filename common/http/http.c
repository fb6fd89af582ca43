/*
 * HTTP over libcurl's multi interface; the only file that knows libcurl. A synchronous exchange is
 * an asynchronous one waited for, so there is one path. Easy handles are pooled because each keeps
 * its 2 MB upload buffer. Proxies of the environment are not used: brokers and databases of a pipe
 * are addressed directly, and a forgotten NO_PROXY must not route them elsewhere.
 */
#include "common/http/http.h"

#include <assert.h>
#include <curl/curl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/http/http_body.h"

enum {
    HTTP_POOL_MAX = 4,
    HTTP_ADDRESS_BYTES = 300,
    HTTP_UPLOAD_BUFFER_BYTES = 2 * 1024 * 1024, /* libcurl's maximum */
    HTTP_UPLOAD_SMALL_BYTES = 64 * 1024,        /* libcurl's default buffer is as good up to here */
};

struct http_call {
    struct http_client *client;
    struct http_call *next; /* of the client's list of all calls */
    CURL *easy;
    struct curl_slist *headers;
    struct http_body body;
    void *opaque;
    int64_t started_us;
    size_t response_max_bytes;
    enum status local; /* why a callback refused, ST_OK if none did */
    bool is_done;
    char address[HTTP_ADDRESS_BYTES]; /* host:port */
    char error_text[CURL_ERROR_SIZE];
    struct http_response response;
};

struct http_client {
    CURLM *multi;
    struct http_call *calls;
    size_t calls_count;
    size_t done_count;
    CURL *pool[HTTP_POOL_MAX];
    size_t pool_count;
    atomic_bool is_stopped;
};

/* ---- callbacks ---- */

static size_t http_on_read(char *target, size_t size, size_t count, void *opaque)
{
    struct http_call *call = opaque;
    size_t given = http_body_read(&call->body, target, size * count);
    call->response.sent_bytes += (int64_t)given;
    return given;
}

/* libcurl asks for it when a kept connection turned out to be closed before it took the request. */
static int http_on_seek(void *opaque, curl_off_t offset, int origin)
{
    struct http_call *call = opaque;
    if (origin != SEEK_SET || http_body_seek(&call->body, offset) != ST_OK) {
        return CURL_SEEKFUNC_FAIL;
    }
    call->response.was_resent = call->response.was_resent || call->response.sent_bytes > 0;
    call->response.sent_bytes = offset;
    return CURL_SEEKFUNC_OK;
}

static size_t http_on_body(char *bytes, size_t size, size_t count, void *opaque)
{
    struct http_call *call = opaque;
    call->local = buf_add(&call->response.body, bytes, size * count);
    return call->local == ST_OK ? size * count : 0;
}

static size_t http_on_header(char *bytes, size_t size, size_t count, void *opaque)
{
    struct http_call *call = opaque;
    size_t len_bytes = size * count;
    if (len_bytes > 5 && strncmp(bytes, "HTTP/", 5) == 0) {
        buf_reset(&call->response.headers); /* an interim answer came before */
    }
    call->local = buf_add(&call->response.headers, bytes, len_bytes);
    return call->local == ST_OK ? len_bytes : 0;
}

static curl_socket_t
http_on_socket(void *opaque, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)opaque;
    (void)purpose;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/* ---- results ---- */

static enum http_failure http_failure_of(const struct http_call *call, CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return HTTP_FAILURE_NONE;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return HTTP_FAILURE_RESOLVE;
    case CURLE_COULDNT_CONNECT:
        return HTTP_FAILURE_CONNECT;
    case CURLE_OPERATION_TIMEDOUT:
        return call->response.may_have_run ? HTTP_FAILURE_TIMEOUT : HTTP_FAILURE_CONNECT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
        return HTTP_FAILURE_TLS;
    case CURLE_WRITE_ERROR:
        return call->local == ST_TOO_LARGE ? HTTP_FAILURE_TOO_LARGE : HTTP_FAILURE_LOCAL;
    case CURLE_OUT_OF_MEMORY:
    case CURLE_FAILED_INIT:
    case CURLE_URL_MALFORMAT:
    case CURLE_BAD_FUNCTION_ARGUMENT:
        return HTTP_FAILURE_LOCAL;
    default: /* sending, receiving, framing: the exchange broke */
        return HTTP_FAILURE_CUT;
    }
}

static void http_message(struct http_call *call, CURLcode code)
{
    struct http_response *response = &call->response;
    static const char *const heads[] = {
        [HTTP_FAILURE_NONE] = "",
        [HTTP_FAILURE_RESOLVE] = "could not resolve the host of",
        [HTTP_FAILURE_CONNECT] = "could not connect to",
        [HTTP_FAILURE_TLS] = "no TLS connection with",
        [HTTP_FAILURE_TIMEOUT] = "timed out waiting for",
        [HTTP_FAILURE_CUT] = "connection broke with",
        [HTTP_FAILURE_TOO_LARGE] = "answer larger than allowed from",
        [HTTP_FAILURE_LOCAL] = "could not ask",
    };
    if (response->failure == HTTP_FAILURE_NONE) {
        response->message[0] = '\0';
        return;
    }
    if (response->failure == HTTP_FAILURE_TOO_LARGE) {
        (void)snprintf(/* a cut text is fine */
                       response->message, sizeof(response->message), "%s %s: limit %zu bytes",
                       heads[response->failure], call->address, call->response_max_bytes);
        return;
    }
    long os_error = 0;
    char reason[128];
    (void)curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &os_error); /* stays 0 if unknown */
    const char *text = call->error_text[0] != '\0' ? call->error_text : curl_easy_strerror(code);
    if (response->failure == HTTP_FAILURE_CONNECT && code == CURLE_COULDNT_CONNECT &&
        os_error != 0) {
        text = strerror_r((int)os_error, reason, sizeof(reason));
    }
    (void)snprintf(/* a cut text is fine */
                   response->message, sizeof(response->message), "%s %s: %s",
                   heads[response->failure], call->address, text);
}

static void http_finish(struct http_call *call, CURLcode code)
{
    struct http_response *response = &call->response;
    long status_code = 0;
    long request_bytes = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status_code);
    (void)curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &request_bytes);
    response->may_have_run = request_bytes > 0 || response->sent_bytes > 0 || response->was_resent;
    response->failure = http_failure_of(call, code);
    response->status_code = response->failure == HTTP_FAILURE_NONE ? (int)status_code : 0;
    response->elapsed_us = clock_monotonic_us() - call->started_us;
    http_message(call, code);
    call->is_done = true;
    call->client->done_count++;
}

/* ---- client ---- */

enum status http_client_new(struct http_client **ret_client, struct err *err)
{
    /* counted by libcurl, and safe from several threads since 7.84 */
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return err_set(err, ST_NO_MEMORY, "no memory for libcurl");
    }
    struct http_client *client = calloc(1, sizeof(*client));
    CURLM *multi = curl_multi_init();
    if (client == NULL || multi == NULL) {
        free(client);
        if (multi != NULL) {
            (void)curl_multi_cleanup(multi); /* empty, cannot fail */
        }
        curl_global_cleanup();
        return err_set(err, ST_NO_MEMORY, "no memory for an HTTP client");
    }
    client->multi = multi;
    *ret_client = client;
    return ST_OK;
}

static void http_call_free(struct http_call *call)
{
    struct http_client *client = call->client;
    if (call->easy != NULL) {
        curl_easy_reset(call->easy);
        if (client->pool_count < HTTP_POOL_MAX) {
            client->pool[client->pool_count++] = call->easy;
        } else {
            curl_easy_cleanup(call->easy);
        }
    }
    curl_slist_free_all(call->headers);
    http_body_done(&call->body);
    http_response_done(&call->response);
    free(call);
}

static void http_unlink(struct http_client *client, const struct http_call *call)
{
    for (struct http_call **at = &client->calls; *at != NULL; at = &(*at)->next) {
        if (*at == call) {
            *at = call->next;
            client->calls_count--;
            return;
        }
    }
    assert(false);
}

void http_cancel(struct http_client *client, struct http_call *call)
{
    if (call == NULL) {
        return;
    }
    http_unlink(client, call);
    if (call->is_done) {
        client->done_count--;
    } else {
        (void)curl_multi_remove_handle(client->multi, call->easy); /* it is there */
    }
    http_call_free(call);
}

void http_client_free(struct http_client *client)
{
    if (client == NULL) {
        return;
    }
    while (client->calls != NULL) {
        http_cancel(client, client->calls);
    }
    for (size_t i = 0; i < client->pool_count; i++) {
        curl_easy_cleanup(client->pool[i]);
    }
    (void)curl_multi_cleanup(client->multi); /* all handles are out */
    free(client);
    curl_global_cleanup();
}

size_t http_calls_count(const struct http_client *client)
{
    return client->calls_count;
}

/* ---- requests ---- */

static enum status http_part(CURLU *url, CURLUPart part, char **ret_text)
{
    return curl_url_get(url, part, ret_text, CURLU_DEFAULT_PORT) == CURLUE_OK ? ST_OK : ST_INVALID;
}

/* Check the URL and write host:port for messages. The URL itself is not printed: it may hold a
 * whole statement. */
static enum status
http_check_url(const char *text, char address[HTTP_ADDRESS_BYTES], struct err *err)
{
    CURLU *url = curl_url();
    if (url == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for a URL");
    }
    char *scheme = NULL;
    char *host = NULL;
    char *port = NULL;
    char *user = NULL;
    enum status st = ST_OK;
    if (curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK ||
        http_part(url, CURLUPART_SCHEME, &scheme) != ST_OK ||
        http_part(url, CURLUPART_HOST, &host) != ST_OK || host[0] == '\0' ||
        http_part(url, CURLUPART_PORT, &port) != ST_OK) {
        st = err_set(err, ST_INVALID, "not a URL of the form http(s)://host:port");
    } else if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0) {
        st = err_set(err, ST_INVALID, "URL scheme '%.16s' is not http or https", scheme);
    } else if (http_part(url, CURLUPART_USER, &user) == ST_OK) {
        st = err_set(err, ST_INVALID, "user and password are not allowed in the URL");
    } else {
        (void)snprintf(address, HTTP_ADDRESS_BYTES, "%s:%s", host, port); /* a cut text is fine */
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_free(user);
    curl_url_cleanup(url);
    return st;
}

static enum status http_add_header(struct http_call *call, const char *line)
{
    struct curl_slist *list = curl_slist_append(call->headers, line);
    if (list == NULL) {
        return ST_NO_MEMORY;
    }
    call->headers = list;
    return ST_OK;
}

static enum status
http_set_headers(struct http_call *call, const struct http_request *request, struct err *err)
{
    bool has_type = false;
    enum status st = http_add_header(call, "Expect:");
    for (size_t i = 0; st == ST_OK && i < request->headers_count; i++) {
        const struct http_header *header = &request->headers[i];
        if (strpbrk(header->name, "\r\n:") != NULL || strpbrk(header->value, "\r\n") != NULL) {
            return err_set(err, ST_INVALID, "header '%.64s' has a line break", header->name);
        }
        has_type = has_type || strcasecmp(header->name, "Content-Type") == 0;
        struct buf line;
        buf_init(&line, HTTP_HEADERS_MAX_BYTES);
        st = buf_add_format(&line, "%s: %s", header->name, header->value);
        if (st == ST_OK) {
            st = http_add_header(call, buf_text(&line));
        }
        buf_done(&line);
    }
    if (st == ST_OK && !has_type) {
        st = http_add_header(call, "Content-Type:"); /* else libcurl says it is a form */
    }
    if (st != ST_OK) {
        return err_set(err, st, "could not set the headers of a request");
    }
    (void)curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers); /* stores a pointer */
    return ST_OK;
}

static enum status
http_set_body(struct http_call *call, const struct http_request *request, struct err *err)
{
    bool has_body = request->has_body || request->body_count > 0;
    if (has_body) {
        enum status st = http_body_init(&call->body, request->body, request->body_count);
        if (st != ST_OK) {
            return err_set(err, st, "could not send %zu pieces", request->body_count);
        }
        CURL *easy = call->easy;
        (void)curl_easy_setopt(easy, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.len_bytes);
        (void)curl_easy_setopt(easy, CURLOPT_READFUNCTION, http_on_read);
        (void)curl_easy_setopt(easy, CURLOPT_READDATA, call);
        curl_seek_callback resend = request->is_sent_once ? NULL : http_on_seek;
        (void)curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, resend); /* none: SEND_FAIL_REWIND */
        (void)curl_easy_setopt(easy, CURLOPT_SEEKDATA, call);
        if (call->body.len_bytes > HTTP_UPLOAD_SMALL_BYTES) {
            (void)curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)HTTP_UPLOAD_BUFFER_BYTES);
        }
    }
    if (request->method != NULL) {
        if (curl_easy_setopt(call->easy, CURLOPT_CUSTOMREQUEST, request->method) != CURLE_OK) {
            return err_set(err, ST_NO_MEMORY, "no memory for a request");
        }
    }
    return ST_OK;
}

static enum status
http_set_credentials(struct http_call *call, const struct http_request *request, struct err *err)
{
    CURLcode code = CURLE_OK;
    if (request->username != NULL && request->username[0] != '\0') {
        if (strchr(request->username, ':') != NULL) {
            return err_set(err, ST_INVALID, "a user name with a colon cannot be sent over HTTP");
        }
        const char *password = request->password != NULL && request->password->bytes != NULL
                                   ? request->password->bytes
                                   : "";
        (void)curl_easy_setopt(call->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        code = curl_easy_setopt(call->easy, CURLOPT_USERNAME, request->username);
        if (code == CURLE_OK) {
            code = curl_easy_setopt(call->easy, CURLOPT_PASSWORD, password);
        }
    }
    if (code == CURLE_OK && request->ca_pem != NULL && request->ca_pem[0] != '\0') {
        struct curl_blob blob = {.len = strlen(request->ca_pem), .flags = CURL_BLOB_COPY};
        memcpy(&blob.data, &request->ca_pem, sizeof(blob.data)); /* copied, so const is kept */
        code = curl_easy_setopt(call->easy, CURLOPT_CAINFO_BLOB, &blob);
        (void)curl_easy_setopt(call->easy, CURLOPT_CAPATH, NULL); /* this CA, not also the public */
    }
    return code == CURLE_OK ? ST_OK : err_set(err, ST_NO_MEMORY, "no memory for a request");
}

static long or_default(int64_t value, long otherwise)
{
    return value > 0 ? (long)value : otherwise;
}

static enum status
http_set_options(struct http_call *call, const struct http_request *request, struct err *err)
{
    CURL *easy = call->easy;
    const char *agent =
        request->user_agent != NULL ? request->user_agent : "penstock/" PENSTOCK_VERSION;
    if (curl_easy_setopt(easy, CURLOPT_URL, request->url) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_USERAGENT, agent) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_PROXY, "") != CURLE_OK) {
        return err_set(err, ST_NO_MEMORY, "no memory for a request");
    }
    /* these store a number or a pointer and cannot fail */
    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error_text);
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, http_on_socket);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, http_on_body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, http_on_header);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    (void)curl_easy_setopt(
        easy, CURLOPT_CONNECTTIMEOUT_MS,
        or_default(request->connect_timeout_ms, HTTP_CONNECT_TIMEOUT_MS));
    (void)curl_easy_setopt(
        easy, CURLOPT_TIMEOUT_MS, or_default(request->timeout_ms, HTTP_TIMEOUT_MS));
    (void)curl_easy_setopt(
        easy, CURLOPT_LOW_SPEED_LIMIT, or_default(request->low_speed_bytes_per_s, 0));
    (void)curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, or_default(request->low_speed_s, 0));
    enum status st = http_set_headers(call, request, err);
    if (st == ST_OK) {
        st = http_set_body(call, request, err);
    }
    if (st == ST_OK) {
        st = http_set_credentials(call, request, err);
    }
    return st;
}

enum status http_start(
    struct http_client *client, const struct http_request *request, void *opaque,
    struct http_call **ret_call, struct err *err)
{
    char address[HTTP_ADDRESS_BYTES];
    enum status st = http_check_url(request->url, address, err);
    if (st != ST_OK) {
        return st;
    }
    struct http_call *call = calloc(1, sizeof(*call));
    if (call == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for a request");
    }
    call->client = client;
    call->opaque = opaque;
    call->started_us = clock_monotonic_us();
    memcpy(call->address, address, sizeof(call->address));
    call->response_max_bytes =
        request->response_max_bytes > 0 ? request->response_max_bytes : HTTP_RESPONSE_MAX_BYTES;
    buf_init(&call->response.body, call->response_max_bytes);
    buf_init(&call->response.headers, HTTP_HEADERS_MAX_BYTES);
    call->easy = client->pool_count > 0 ? client->pool[--client->pool_count] : curl_easy_init();
    st = call->easy != NULL ? http_set_options(call, request, err)
                            : err_set(err, ST_NO_MEMORY, "no memory for a request");
    if (st == ST_OK && curl_multi_add_handle(client->multi, call->easy) != CURLM_OK) {
        st = err_set(err, ST_NO_MEMORY, "no memory for a request");
    }
    if (st != ST_OK) {
        http_call_free(call);
        return st;
    }
    call->next = client->calls;
    client->calls = call;
    client->calls_count++;
    *ret_call = call;
    return ST_OK;
}

/* ---- progress ---- */

static enum status http_proceed(struct http_client *client, struct err *err)
{
    int running = 0;
    CURLMcode code = curl_multi_perform(client->multi, &running);
    if (code != CURLM_OK) {
        return err_set(err, ST_INTERNAL, "libcurl: %s", curl_multi_strerror(code));
    }
    int left = 0;
    const CURLMsg *message = NULL;
    while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        CURL *easy = message->easy_handle;
        CURLcode result = message->data.result; /* the message dies with the removal */
        struct http_call *call = NULL;
        (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &call); /* set in http_set_options */
        assert(call != NULL);
        (void)curl_multi_remove_handle(client->multi, easy);
        http_finish(call, result);
    }
    return ST_OK;
}

enum status http_poll(
    struct http_client *client, struct pollfd *extra, size_t extra_count, int64_t timeout_ms,
    struct err *err)
{
    struct curl_waitfd fds[HTTP_POLL_FDS_MAX];
    if (extra_count > HTTP_POLL_FDS_MAX) {
        return err_set(
            err, ST_INVALID, "%zu descriptors, at most %d", extra_count, HTTP_POLL_FDS_MAX);
    }
    enum status st = http_proceed(client, err);
    if (st != ST_OK) {
        return st;
    }
    for (size_t i = 0; i < extra_count; i++) {
        fds[i] = (struct curl_waitfd){.fd = extra[i].fd};
        fds[i].events = (short)((extra[i].events & POLLIN) != 0 ? CURL_WAIT_POLLIN : 0);
        fds[i].events |= (short)((extra[i].events & POLLOUT) != 0 ? CURL_WAIT_POLLOUT : 0);
    }
    int wait_ms = client->done_count > 0 || timeout_ms < 0 ? 0 : (int)timeout_ms;
    CURLMcode code = curl_multi_poll(client->multi, fds, (unsigned)extra_count, wait_ms, NULL);
    if (code != CURLM_OK) {
        return err_set(err, ST_INTERNAL, "libcurl: %s", curl_multi_strerror(code));
    }
    /* libcurl hides POLLHUP and POLLERR, without which a closed pipe would be a busy loop */
    if (extra_count > 0 && poll(extra, extra_count, 0) < 0) {
        for (size_t i = 0; i < extra_count; i++) {
            extra[i].revents = 0; /* interrupted; the next round tells */
        }
    }
    return http_proceed(client, err);
}

bool http_take_done(struct http_client *client, struct http_done *ret_done)
{
    struct http_call *oldest = NULL;
    for (struct http_call *call = client->calls; call != NULL; call = call->next) {
        oldest = call->is_done ? call : oldest; /* the list has the newest first */
    }
    if (oldest == NULL) {
        return false;
    }
    *ret_done = (struct http_done){.opaque = oldest->opaque, .response = oldest->response};
    memset(&oldest->response, 0, sizeof(oldest->response)); /* moved to the caller */
    http_cancel(client, oldest);
    return true;
}

void http_client_stop(struct http_client *client)
{
    atomic_store(&client->is_stopped, true);
    (void)curl_multi_wakeup(client->multi); /* fails only for what is no multi handle */
}

enum status http_perform(
    struct http_client *client, const struct http_request *request,
    struct http_response *ret_response, struct err *err)
{
    assert(client->calls_count == 0);
    *ret_response = (struct http_response){.failure = HTTP_FAILURE_LOCAL};
    struct http_call *call = NULL;
    enum status st = http_start(client, request, NULL, &call, err);
    while (st == ST_OK && client->done_count == 0) {
        st = atomic_load(&client->is_stopped)
                 ? err_set(err, ST_CANCELLED, "given up: the program ends")
                 : http_poll(client, NULL, 0, HTTP_TIMEOUT_MS, err);
    }
    if (st != ST_OK) {
        http_cancel(client, call);
        return st;
    }
    struct http_done done;
    bool was_taken = http_take_done(client, &done);
    assert(was_taken);
    *ret_response = done.response;
    st = http_failure_status(ret_response->failure);
    return st == ST_OK ? ST_OK : err_set(err, st, "%s", ret_response->message);
}
