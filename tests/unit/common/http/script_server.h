#ifndef TESTS_UNIT_COMMON_HTTP_SCRIPT_SERVER_H
#define TESTS_UNIT_COMMON_HTTP_SCRIPT_SERVER_H

/*
 * A TCP server that follows a script, on a thread and a port of its own: it takes a request whole,
 * writes down what came, and answers, cuts or stalls as the next step says.
 */

#include <stdbool.h>
#include <stddef.h>

enum script_do {
    SCRIPT_ANSWER, /* send text, keep the connection for the next step */
    SCRIPT_CLOSE,  /* send text (may be ""), then close */
    SCRIPT_STALL,  /* send text, then nothing until the client goes away */
    SCRIPT_DEAF,   /* close without reading the request */
};

struct script_step {
    enum script_do action;
    const char *text;
    size_t text_bytes; /* 0 = strlen(text) */
};

struct script_server;

/* Steps are borrowed until the server is stopped. */
struct script_server *script_server_start(const struct script_step *steps, size_t count);

/* Waits for the thread (every client must be gone) and frees. */
void script_server_stop(struct script_server *server);

unsigned script_server_port(const struct script_server *server);

/* Head and body of the request that step `index` took; valid once its answer is here. */
const char *script_server_head(const struct script_server *server, size_t index);
const char *script_server_body(const struct script_server *server, size_t index, size_t *ret_bytes);

/* Connections accepted so far. */
int script_server_connections(const struct script_server *server);

#endif
