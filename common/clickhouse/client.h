#ifndef COMMON_CLICKHOUSE_CLIENT_H
#define COMMON_CLICKHOUSE_CLIENT_H

/*
 * Statements to one ClickHouse over HTTP: builds requests (URL with query, settings and database
 * escaped; credentials in the Authorization header) and, for the api, sends them and waits. The
 * replica's sink sends the same requests with http_start. async_insert=0 goes with every insert:
 * since 26.2 the server's default is on, and its deduplication is not what we rely on.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/secret.h"
#include "common/clickhouse/answer.h"
#include "common/http/http.h"
#include "common/model/pipe.h"

/* All borrowed. */
struct clickhouse_endpoint {
    const char *url;               /* http(s)://host:port[/path] */
    const char *username;          /* NULL or "" = the server's default user */
    const struct secret *password; /* NULL = empty */
    const char *ca_certificate;    /* PEM, NULL = the system's CAs */
};

/* Any setting, or "param_x" for {x:Type}. */
struct clickhouse_setting {
    const char *name;
    const char *value;
};

struct clickhouse_query {
    const char *sql;
    const char *database; /* default database of the statement, NULL = the user's */
    const char *query_id; /* NULL = the server makes one */
    const struct clickhouse_setting *settings;
    size_t settings_count;
    const struct http_piece *data; /* with data, sql goes into the URL */
    size_t data_count;
    int64_t connect_timeout_ms; /* 0 = defaults of http.h */
    int64_t timeout_ms;
    size_t answer_max_bytes;
};

/* One INSERT of one block. */
struct clickhouse_insert {
    const char *database;
    const char *table;
    const char *const *columns; /* names, in the order of the block */
    size_t columns_count;
    const char *format;                /* NULL = Native */
    enum pipe_compression compression; /* what the body is; sets Content-Encoding */
    const char *query_id;              /* NULL = the server makes one */
    const char *token;                 /* insert_deduplication_token, NULL = none */
    const struct clickhouse_setting *settings;
    size_t settings_count;
    const struct http_piece *body; /* borrowed by the request as well */
    size_t body_count;
    int64_t connect_timeout_ms;
    int64_t timeout_ms; /* sent as max_execution_time too, so that a try's life is bounded */
};

/* A request with the texts it points to; points into itself, so it stays where it is. */
struct clickhouse_request {
    struct http_request http; /* give this to http_start or http_perform */
    char *url;                /* owned */
    struct http_piece sql;    /* the body of a query without data */
    struct http_header headers[4];
};
void clickhouse_request_done(struct clickhouse_request *request);

/* Build. ret_request: clickhouse_request_done; endpoint, query and their texts stay borrowed by it.
 * ST_INVALID (URL without http:// or https://, no host), ST_TOO_LARGE (URL past 1 MB, the server's
 * http_max_uri_size), ST_NO_MEMORY. */
enum status clickhouse_query_request(
    const struct clickhouse_endpoint *endpoint, const struct clickhouse_query *query,
    struct clickhouse_request *ret_request, struct err *err) MUST_CHECK;
enum status clickhouse_insert_request(
    const struct clickhouse_endpoint *endpoint, const struct clickhouse_insert *insert,
    struct clickhouse_request *ret_request, struct err *err) MUST_CHECK;

struct clickhouse_result {
    char *text; /* the body, owned, zero-terminated, free(); NULL unless ST_OK */
    struct clickhouse_answer answer;
};

/*
 * Run a statement and wait. ret_result is always filled. ST_OK, or clickhouse_answer_status of the
 * answer (ST_UNAVAILABLE, ST_REJECTED, ST_STOP) with ClickHouse's own words in err; ST_TIMEOUT,
 * ST_UNAVAILABLE without an answer; statuses of clickhouse_query_request; ST_TOO_LARGE if the
 * answer passed answer_max_bytes.
 */
enum status clickhouse_query(
    struct http_client *client, const struct clickhouse_endpoint *endpoint,
    const struct clickhouse_query *query, struct clickhouse_result *ret_result,
    struct err *err) MUST_CHECK;

/* The same with a statement alone. ret_text (may be NULL): owned, free(); untouched on failure. */
enum status clickhouse_execute(
    struct http_client *client, const struct clickhouse_endpoint *endpoint, const char *sql,
    char **ret_text, struct err *err) MUST_CHECK;

/* Check the form of a service's URL: scheme, host, port, no credentials, no query. ST_INVALID. */
enum status clickhouse_url_check(const char *url, struct err *err) MUST_CHECK;

#endif
