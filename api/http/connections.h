#ifndef API_HTTP_CONNECTIONS_H
#define API_HTTP_CONNECTIONS_H

/*
 * Who holds the server's connections, and who gives way: each connection has a thread, and a client
 * that sends its request byte by byte, or reads its answer so, or sends nothing, holds it. Past a
 * maximum each new connection ends the one that has waited for its client longest. A connection
 * whose request is being answered is never ended: if all are at work, there may be more.
 * Safe from many threads.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"

struct connections;
struct connection;

enum {
    CONNECTIONS_MORE = 1024 /* places beside the maximum: those that end need a moment to */
};

/* max: from so many on, one gives way for each new one. Owned, connections_free. NULL if out of
 * memory. */
struct connections *connections_new(size_t max);
void connections_free(struct connections *all);

/* A new connection on this socket; it waits for its client from now on. fd: open until
 * connection_close. NULL if there are max + CONNECTIONS_MORE already.
 * Shuts down the one that gives way, if it needs
 * to: its thread sees an end of file and closes it. */
struct connection *connection_open(struct connections *all, int fd, int64_t now_us);

/* The connection's request is being answered; then it waits for its client again. NULL is fine. */
void connection_work(struct connections *all, struct connection *connection);
void connection_wait(struct connections *all, struct connection *connection, int64_t now_us);

/* It is closed; connection is of no use any more. NULL is fine. */
void connection_close(struct connections *all, struct connection *connection);

/* Connections that had to give way since the start. */
uint64_t connections_ended(struct connections *all);

#endif
