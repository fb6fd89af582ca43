#ifndef WORKER_SUPERVISOR_METRICS_SERVER_H
#define WORKER_SUPERVISOR_METRICS_SERVER_H

/*
 * The smallest HTTP server that Prometheus can scrape: GET /metrics, one request per connection, a
 * few connections at a time, each with a deadline, inside the supervisor's loop and never waiting.
 * It reads a bounded request and looks at its first line only; whoever connects is not trusted.
 * Larger servers stay out of the supervisor.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/listen.h"

enum {
    METRICS_PEERS_MAX = 4, /* more wait in the kernel's queue */
    METRICS_REQUEST_MAX_BYTES = 2048,
    METRICS_DEADLINE_MS = 5000, /* from accept to the last byte */
    METRICS_FRESH_MS = 1000,    /* a page is made at most so often */
};

/* What a request gets. */
enum metrics_answer {
    METRICS_ANSWER_WAIT, /* it is not whole yet */
    METRICS_ANSWER_PAGE,
    METRICS_ANSWER_BAD,       /* 400 */
    METRICS_ANSWER_NOT_FOUND, /* 404 */
    METRICS_ANSWER_METHOD,    /* 405 */
    METRICS_ANSWER_TOO_LARGE, /* 431 */
};

/* Judge what has arrived of a request. Pure. */
enum metrics_answer metrics_request_judge(const char *bytes, size_t len_bytes);

struct metrics_peer {
    int fd; /* −1 = free */
    int64_t deadline_ms;
    bool is_answering;
    char in[METRICS_REQUEST_MAX_BYTES];
    size_t in_bytes;
    struct buf out;
    size_t sent_bytes;
};

/* Writes the page; a failure answers 503. */
typedef enum status metrics_page_fn(void *context, struct buf *out);

struct metrics_server {
    struct listener listener; /* fd −1 = nothing is served */
    struct metrics_peer peers[METRICS_PEERS_MAX];
    struct buf page;
    int64_t page_at_ms; /* −1 = never made */
    metrics_page_fn *write_page;
    void *context; /* borrowed */
};

/* Listen; text NULL or "": serve nothing. Statuses of listen_open, ST_IO. */
enum status metrics_server_open(
    struct metrics_server *server, const char *text, metrics_page_fn *write_page, void *context,
    struct err *err) MUST_CHECK;
void metrics_server_done(struct metrics_server *server);

/* Descriptor `place` (0 to METRICS_PEERS_MAX, the last is the listener) to be polled for
 * *ret_events; −1 = not now. */
int metrics_server_fd(const struct metrics_server *server, size_t place, short *ret_events);

/* Accept, read, answer, close: whatever is possible now. */
void metrics_server_tend(struct metrics_server *server, int64_t now_ms);

#endif
