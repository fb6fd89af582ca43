#ifndef TESTS_PROCESS_CLICKHOUSE_SERVER_H
#define TESTS_PROCESS_CLICKHOUSE_SERVER_H

/* The real server of these tests, at CLICKHOUSE_URL with CLICKHOUSE_USER, CLICKHOUSE_PASSWORD and
 * CLICKHOUSE_CA. Included once, by a test program. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clickhouse/client.h"

#include "tests/unit/unit.h"

static struct http_client *client;
static struct secret password;
static struct clickhouse_endpoint endpoint;

static inline bool server_open(void)
{
    const char *secret = getenv("CLICKHOUSE_PASSWORD");
    endpoint.url = getenv("CLICKHOUSE_URL");
    endpoint.username = getenv("CLICKHOUSE_USER");
    endpoint.password = &password;
    endpoint.ca_certificate = getenv("CLICKHOUSE_CA");
    if (endpoint.url == NULL ||
        (secret != NULL && secret_set(&password, secret, strlen(secret)) != ST_OK) ||
        http_client_new(&client, NULL) != ST_OK) {
        (void)fprintf(stderr, "CLICKHOUSE_URL is not set, or no memory\n");
        return false;
    }
    return true;
}

static inline void server_close(void)
{
    http_client_freep(&client);
    secret_done(&password);
}

/* The answer, to be freed. Fails the test if there is none. */
static inline char *run(const char *sql)
{
    char *text = NULL;
    struct err err = {0};
    enum status st = clickhouse_execute(client, &endpoint, sql, &text, &err);
    if (st != ST_OK) {
        fail_msg("%s: %s", sql, err.text);
    }
    return text;
}

static inline void run_quietly(const char *sql)
{
    free(run(sql));
}

#endif
