/* The scripted server. */
#include "tests/unit/common/http/script_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    STEPS_MAX = 32,
    HEAD_BYTES = 16384,
};

struct taken {
    char head[HEAD_BYTES];
    char *body;
    size_t body_bytes;
};

struct script_server {
    int fd;
    unsigned port;
    pthread_t thread;
    const struct script_step *steps;
    size_t count;
    atomic_int connections;
    struct taken taken[STEPS_MAX];
};

static void send_all(int fd, const char *bytes, size_t len_bytes)
{
    while (len_bytes > 0) {
        ssize_t sent = send(fd, bytes, len_bytes, MSG_NOSIGNAL);
        if (sent <= 0) {
            return;
        }
        bytes += sent;
        len_bytes -= (size_t)sent;
    }
}

/* False when the client went away before the head was whole. */
static bool read_request(int fd, struct taken *taken)
{
    size_t used = 0;
    while (strstr(taken->head, "\r\n\r\n") == NULL) {
        ssize_t got = recv(fd, taken->head + used, 1, 0);
        if (got <= 0 || used == HEAD_BYTES - 2) {
            return false;
        }
        used += (size_t)got;
        taken->head[used] = '\0';
    }
    const char *length = strstr(taken->head, "Content-Length: ");
    size_t wanted = length == NULL ? 0 : (size_t)strtoull(length + 16, NULL, 10);
    taken->body = calloc(1, wanted + 1);
    assert(taken->body != NULL);
    while (taken->body_bytes < wanted) {
        ssize_t got = recv(fd, taken->body + taken->body_bytes, wanted - taken->body_bytes, 0);
        if (got <= 0) {
            return true;
        }
        taken->body_bytes += (size_t)got;
    }
    return true;
}

static void wait_for_end(int fd)
{
    char byte = 0;
    while (recv(fd, &byte, 1, 0) > 0) {
    }
}

static void *serve(void *opaque)
{
    struct script_server *server = opaque;
    int fd = -1;
    for (size_t i = 0; i < server->count; i++) {
        const struct script_step *step = &server->steps[i];
        if (fd < 0) {
            fd = accept(server->fd, NULL, NULL);
            if (fd < 0) {
                return NULL;
            }
            atomic_fetch_add(&server->connections, 1);
        }
        if (step->action != SCRIPT_DEAF && !read_request(fd, &server->taken[i])) {
            (void)close(fd); /* the client kept no connection: this step serves the next one */
            fd = -1;
            i--;
            continue;
        }
        size_t bytes = step->text_bytes != 0 ? step->text_bytes : strlen(step->text);
        send_all(fd, step->text, bytes);
        if (step->action == SCRIPT_STALL) {
            wait_for_end(fd);
        }
        if (step->action != SCRIPT_ANSWER) {
            (void)close(fd); /* nothing more on it */
            fd = -1;
        }
    }
    if (fd >= 0) {
        wait_for_end(fd);
        (void)close(fd); /* likewise */
    }
    return NULL;
}

struct script_server *script_server_start(const struct script_step *steps, size_t count)
{
    assert(count <= STEPS_MAX);
    struct script_server *server = calloc(1, sizeof(*server));
    assert(server != NULL);
    server->steps = steps;
    server->count = count;
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t address_bytes = sizeof(address);
    bool is_good = server->fd >= 0 &&
                   bind(server->fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
                   listen(server->fd, 8) == 0 &&
                   getsockname(server->fd, (struct sockaddr *)&address, &address_bytes) == 0;
    assert(is_good);
    server->port = ntohs(address.sin_port);
    is_good = pthread_create(&server->thread, NULL, serve, server) == 0;
    assert(is_good);
    return server;
}

void script_server_stop(struct script_server *server)
{
    (void)shutdown(server->fd, SHUT_RDWR); /* ends an accept that waits for nobody */
    (void)pthread_join(server->thread, NULL);
    (void)close(server->fd); /* only accepted on */
    for (size_t i = 0; i < server->count; i++) {
        free(server->taken[i].body);
    }
    free(server);
}

unsigned script_server_port(const struct script_server *server)
{
    return server->port;
}

const char *script_server_head(const struct script_server *server, size_t index)
{
    return server->taken[index].head;
}

const char *script_server_body(const struct script_server *server, size_t index, size_t *ret_bytes)
{
    if (ret_bytes != NULL) {
        *ret_bytes = server->taken[index].body_bytes;
    }
    return server->taken[index].body == NULL ? "" : server->taken[index].body;
}

int script_server_connections(const struct script_server *server)
{
    return atomic_load(&server->connections);
}
