/* Accept, read to the end of the head, answer, close. */
#include "worker/supervisor/metrics_server.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/metrics/prometheus.h"

#include "worker/supervisor/metrics_page.h"

enum {
    HEAD_MAX_BYTES = 512
};

/* True if the line begins with the text; *line moves behind it. */
static bool skip(const char **line, const char *end, const char *text)
{
    const size_t text_bytes = strlen(text);
    if ((size_t)(end - *line) < text_bytes || memcmp(*line, text, text_bytes) != 0) {
        return false;
    }
    *line += text_bytes;
    return true;
}

/* "METHOD SP target SP HTTP/1.x" (RFC 9112, 3). */
static enum metrics_answer judge_line(const char *line, const char *end)
{
    const char *blank = memchr(line, ' ', (size_t)(end - line));
    const char *last = memrchr(line, ' ', (size_t)(end - line));
    if (blank == NULL || blank == line || blank == last) {
        return METRICS_ANSWER_BAD;
    }
    const char *version = last + 1;
    if (!skip(&version, end, "HTTP/1.")) {
        return METRICS_ANSWER_BAD;
    }
    if (!skip(&line, end, "GET ")) {
        return METRICS_ANSWER_METHOD;
    }
    if (!skip(&line, end, "/metrics") || (*line != ' ' && *line != '?')) {
        return METRICS_ANSWER_NOT_FOUND;
    }
    return METRICS_ANSWER_PAGE;
}

enum metrics_answer metrics_request_judge(const char *bytes, size_t len_bytes)
{
    const char *end = memmem(bytes, len_bytes, "\r\n\r\n", 4);
    if (end == NULL) {
        return len_bytes >= METRICS_REQUEST_MAX_BYTES ? METRICS_ANSWER_TOO_LARGE
                                                      : METRICS_ANSWER_WAIT;
    }
    const char *stop = memmem(bytes, len_bytes, "\r\n", 2);
    assert(stop != NULL && stop <= end);
    return judge_line(bytes, stop);
}

enum status metrics_server_open(
    struct metrics_server *server, const char *text, metrics_page_fn *write_page, void *context,
    struct err *err)
{
    *server = (struct metrics_server){
        .listener = {.fd = -1}, .page_at_ms = -1, .write_page = write_page, .context = context};
    for (size_t i = 0; i < METRICS_PEERS_MAX; i++) {
        server->peers[i].fd = -1;
    }
    if (text == NULL || text[0] == '\0') {
        return ST_OK;
    }
    enum status st = listen_open(text, &server->listener, err);
    if (st != ST_OK) {
        return st;
    }
    const int flags = fcntl(server->listener.fd, F_GETFL);
    if (flags < 0 || fcntl(server->listener.fd, F_SETFL, flags | O_NONBLOCK) < 0) {
        st = err_errno(err, ST_IO, errno, "cannot make a listening socket non-blocking");
        listen_close(&server->listener);
        return st;
    }
    buf_init(&server->page, METRICS_PAGE_MAX_BYTES);
    return ST_OK;
}

static void peer_close(struct metrics_peer *peer)
{
    closep(&peer->fd);
    peer->fd = -1;
    buf_done(&peer->out);
}

void metrics_server_done(struct metrics_server *server)
{
    for (size_t i = 0; i < METRICS_PEERS_MAX; i++) {
        if (server->peers[i].fd >= 0) {
            peer_close(&server->peers[i]);
        }
    }
    if (server->listener.fd >= 0) {
        buf_done(&server->page);
        listen_close(&server->listener);
        server->listener.fd = -1;
    }
}

static struct metrics_peer *free_peer(struct metrics_server *server)
{
    for (size_t i = 0; i < METRICS_PEERS_MAX; i++) {
        if (server->peers[i].fd < 0) {
            return &server->peers[i];
        }
    }
    return NULL;
}

int metrics_server_fd(const struct metrics_server *server, size_t place, short *ret_events)
{
    assert(place <= METRICS_PEERS_MAX);
    *ret_events = POLLIN;
    if (place < METRICS_PEERS_MAX) {
        const struct metrics_peer *peer = &server->peers[place];
        *ret_events = peer->is_answering ? POLLOUT : POLLIN;
        return peer->fd;
    }
    for (size_t i = 0; i < METRICS_PEERS_MAX; i++) {
        if (server->peers[i].fd < 0) {
            return server->listener.fd;
        }
    }
    return -1; /* full */
}

static void accept_some(struct metrics_server *server, int64_t now_ms)
{
    struct metrics_peer *peer = NULL;
    while ((peer = free_peer(server)) != NULL) {
        int fd = accept4(server->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            return; /* nobody, or gone again */
        }
        peer->fd = fd;
        peer->deadline_ms = now_ms + METRICS_DEADLINE_MS;
        peer->is_answering = false;
        peer->in_bytes = 0;
        peer->sent_bytes = 0;
        buf_init(&peer->out, METRICS_PAGE_MAX_BYTES + HEAD_MAX_BYTES);
    }
}

/* Make the page unless there is a fresh one. */
static enum status page_refresh(struct metrics_server *server, int64_t now_ms)
{
    if (server->page_at_ms >= 0 && now_ms - server->page_at_ms < METRICS_FRESH_MS) {
        return ST_OK;
    }
    buf_reset(&server->page);
    enum status st = server->write_page(server->context, &server->page);
    server->page_at_ms = st == ST_OK ? now_ms : -1;
    return st;
}

static enum status
answer_add(struct buf *out, const char *status_line, const char *type, const struct buf *body)
{
    enum status st = buf_add_format(
        out,
        "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n%s\r\n",
        status_line, type, body->len_bytes,
        strncmp(status_line, "405", 3) == 0 ? "Allow: GET\r\n" : "");
    return st == ST_OK ? buf_add(out, body->bytes, body->len_bytes) : st;
}

static const char *status_line_of(enum metrics_answer answer)
{
    switch (answer) {
    case METRICS_ANSWER_PAGE:
        return "200 OK";
    case METRICS_ANSWER_NOT_FOUND:
        return "404 Not Found";
    case METRICS_ANSWER_METHOD:
        return "405 Method Not Allowed";
    case METRICS_ANSWER_TOO_LARGE:
        return "431 Request Header Fields Too Large";
    case METRICS_ANSWER_WAIT:
    case METRICS_ANSWER_BAD:
        break;
    }
    return "400 Bad Request";
}

/* Put the answer into `out`. False if there is no memory for it. */
static bool peer_answer(
    struct metrics_server *server, struct metrics_peer *peer, enum metrics_answer answer,
    int64_t now_ms)
{
    const struct buf empty = {.bytes = NULL};
    const char *status_line = status_line_of(answer);
    const struct buf *body = &empty;
    if (answer == METRICS_ANSWER_PAGE) {
        if (page_refresh(server, now_ms) == ST_OK) {
            body = &server->page;
        } else {
            status_line = "503 Service Unavailable";
        }
    }
    peer->is_answering = true;
    return answer_add(&peer->out, status_line, PROMETHEUS_CONTENT_TYPE, body) == ST_OK;
}

/* False if the connection is over. */
static bool peer_read(struct metrics_server *server, struct metrics_peer *peer, int64_t now_ms)
{
    ssize_t got = recv(peer->fd, peer->in + peer->in_bytes, sizeof(peer->in) - peer->in_bytes, 0);
    if (got < 0) {
        return errno == EAGAIN || errno == EINTR;
    }
    if (got == 0) {
        return false;
    }
    peer->in_bytes += (size_t)got;
    const enum metrics_answer answer = metrics_request_judge(peer->in, peer->in_bytes);
    return answer == METRICS_ANSWER_WAIT || peer_answer(server, peer, answer, now_ms);
}

/* False if the connection is over. */
static bool peer_write(struct metrics_peer *peer)
{
    ssize_t sent = send(
        peer->fd, peer->out.bytes + peer->sent_bytes, peer->out.len_bytes - peer->sent_bytes,
        MSG_NOSIGNAL);
    if (sent < 0) {
        return errno == EAGAIN || errno == EINTR;
    }
    peer->sent_bytes += (size_t)sent;
    return peer->sent_bytes < peer->out.len_bytes;
}

void metrics_server_tend(struct metrics_server *server, int64_t now_ms)
{
    if (server->listener.fd < 0) {
        return;
    }
    accept_some(server, now_ms);
    for (size_t i = 0; i < METRICS_PEERS_MAX; i++) {
        struct metrics_peer *peer = &server->peers[i];
        if (peer->fd < 0) {
            continue;
        }
        bool is_open = peer->is_answering || peer_read(server, peer, now_ms);
        is_open = is_open && (!peer->is_answering || peer_write(peer));
        if (!is_open || now_ms >= peer->deadline_ms) {
            peer_close(peer);
        }
    }
}
