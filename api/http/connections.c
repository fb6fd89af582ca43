/*
 * A fixed table. Looking for the one that has waited longest is linear: it happens once for each
 * new connection when the server is nearly full, and the table is small.
 */
#include "api/http/connections.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

enum connection_state {
    CONNECTION_FREE,
    CONNECTION_WAITS,
    CONNECTION_WORKS,
    CONNECTION_ENDS, /* shut down, not closed yet */
};

struct connection {
    enum connection_state state;
    int fd;
    int64_t since_us; /* waits since */
};

struct connections {
    pthread_mutex_t lock; /* guards all below */
    size_t max;
    size_t places_count;
    size_t kept_count; /* neither free nor ending */
    uint64_t ended_count;
    struct connection items[];
};

struct connections *connections_new(size_t max)
{
    assert(max > 0);
    struct connections *all =
        calloc(1, sizeof(*all) + (max + CONNECTIONS_MORE) * sizeof(all->items[0]));
    if (all != NULL) {
        all->max = max;
        all->places_count = max + CONNECTIONS_MORE;
        (void)pthread_mutex_init(&all->lock, NULL); /* cannot fail with default attributes */
    }
    return all;
}

void connections_free(struct connections *all)
{
    if (all != NULL) {
        (void)pthread_mutex_destroy(&all->lock);
    }
    free(all);
}

/* The first in this state that has been there longest; NULL if there is none. */
static struct connection *oldest_in(struct connections *all, enum connection_state state)
{
    struct connection *oldest = NULL;
    for (size_t i = 0; i < all->places_count; i++) {
        struct connection *one = &all->items[i];
        if (one->state == state && (oldest == NULL || one->since_us < oldest->since_us)) {
            oldest = one;
        }
    }
    return oldest;
}

static void make_room(struct connections *all)
{
    if (all->kept_count < all->max) {
        return;
    }
    struct connection *oldest = oldest_in(all, CONNECTION_WAITS);
    if (oldest == NULL) {
        return; /* all are at work */
    }
    oldest->state = CONNECTION_ENDS;
    all->kept_count--;
    all->ended_count++;
    (void)shutdown(oldest->fd, SHUT_RDWR); /* the client may have gone by itself */
}

struct connection *connection_open(struct connections *all, int fd, int64_t now_us)
{
    (void)pthread_mutex_lock(&all->lock); /* cannot fail on a valid mutex */
    make_room(all);
    struct connection *made = oldest_in(all, CONNECTION_FREE);
    if (made != NULL) {
        *made = (struct connection){.state = CONNECTION_WAITS, .fd = fd, .since_us = now_us};
        all->kept_count++;
    }
    (void)pthread_mutex_unlock(&all->lock);
    return made;
}

static void set_state(
    struct connections *all, struct connection *connection, enum connection_state state,
    int64_t since_us)
{
    if (connection == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&all->lock);
    if (connection->state != CONNECTION_ENDS) { /* not if it had to give way meanwhile */
        connection->state = state;
        connection->since_us = since_us;
    }
    (void)pthread_mutex_unlock(&all->lock);
}

void connection_work(struct connections *all, struct connection *connection)
{
    set_state(all, connection, CONNECTION_WORKS, 0);
}

void connection_wait(struct connections *all, struct connection *connection, int64_t now_us)
{
    set_state(all, connection, CONNECTION_WAITS, now_us);
}

void connection_close(struct connections *all, struct connection *connection)
{
    if (connection == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&all->lock);
    assert(connection->state != CONNECTION_FREE);
    all->kept_count -= connection->state == CONNECTION_ENDS ? 0 : 1;
    *connection = (struct connection){.state = CONNECTION_FREE, .fd = -1};
    (void)pthread_mutex_unlock(&all->lock);
}

uint64_t connections_ended(struct connections *all)
{
    (void)pthread_mutex_lock(&all->lock);
    uint64_t count = all->ended_count;
    (void)pthread_mutex_unlock(&all->lock);
    return count;
}
