#ifndef DEMO_CLICKHOUSE_ARGUMENTS_H
#define DEMO_CLICKHOUSE_ARGUMENTS_H

/*
 * The arguments of a query's URL, sorted: those the HTTP interface itself knows, values for
 * {name:Type} (param_name=), and everything else, which is a ClickHouse setting.
 */

#include <stdbool.h>

#include "common/base/attr.h"
#include "common/base/buf.h"

#include "demo/clickhouse/request.h"

struct arguments {
    /* Borrowed from the head; NULL where not given. */
    const struct request_argument *query;
    const char *database;
    const char *default_format;
    const char *query_id;
    const char *user;
    const char *password;
    bool has_blocks;        /* decompress=1 */
    bool wants_compression; /* enable_http_compression=1 */
    struct session_parameters parameters;
    struct buf set_statement; /* "SET a = '1', b = '2'", empty if there is no setting */
};

void arguments_init(struct arguments *a);
void arguments_done(struct arguments *a);

/* Sort the arguments of a head. ST_REJECTED with the fault set: something this server cannot do, or
 * a name no setting can have. ST_NO_MEMORY, ST_TOO_LARGE: too much of them. */
enum status arguments_read(
    struct arguments *a, const struct request_head *head, struct fault *fault) MUST_CHECK;

/* Append text in the given quote (' or `), escaped as ClickHouse reads it. Statuses of buf_add. */
enum status
arguments_add_quoted(struct buf *b, char quote, const char *text, size_t len_bytes) MUST_CHECK;

#endif
