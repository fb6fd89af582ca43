#ifndef COMMON_CLICKHOUSE_DESCRIBE_H
#define COMMON_CLICKHOUSE_DESCRIBE_H

/*
 * What a ClickHouse says about itself and about a table. Each question is a pure writer of SQL and
 * a pure reader of the answer, plus a synchronous call that joins them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/clickhouse/client.h"

struct clickhouse_column {
    char *name;
    char *type;         /* canonical, as the server writes it */
    char *default_kind; /* "", "DEFAULT", "MATERIALIZED", "ALIAS", "EPHEMERAL" */
};

struct clickhouse_table {
    char *engine;      /* "MergeTree", "ReplicatedMergeTree", … */
    char *engine_full; /* with its arguments and SETTINGS */
    char *uuid;
    int64_t rows_count; /* −1 = the engine does not know */
    struct clickhouse_column *columns;
    size_t columns_count;
};

/* Which table; borrowed. */
struct clickhouse_table_name {
    const char *database;
    const char *table;
};

void clickhouse_table_free(struct clickhouse_table *table);
void clickhouse_table_freep(struct clickhouse_table **table);

/* The column with this name, NULL if there is none. Borrowed. */
const struct clickhouse_column *
clickhouse_table_find(const struct clickhouse_table *table, const char *name);

/* A number that changes with anything the description says beside the count of rows: engine with
 * its settings, UUID, columns with types and kinds. For comparing only. */
uint64_t clickhouse_table_fingerprint(const struct clickhouse_table *table);

/* True if an INSERT may name the column (not MATERIALIZED, not ALIAS). */
bool clickhouse_column_is_insertable(const struct clickhouse_column *column);

/* Append the question to sql. Statuses of buf_add. */
enum status
clickhouse_describe_sql(const char *database, const char *table, struct buf *sql) MUST_CHECK;

/* Read its answer (JSONEachRow). ret_table: owned. ST_NOT_FOUND if there is no such table (or none
 * the user may see), ST_INVALID for an answer of another form, ST_NO_MEMORY. */
enum status clickhouse_describe_parse(
    const char *text, struct clickhouse_table **ret_table, struct err *err) MUST_CHECK;

/* Ask and read. Statuses of clickhouse_query and clickhouse_describe_parse. */
enum status clickhouse_describe(
    struct http_client *client, const struct clickhouse_endpoint *endpoint,
    const struct clickhouse_table_name *name, struct clickhouse_table **ret_table,
    struct err *err) MUST_CHECK;

/* `select version()`; ret_version: owned, free(). Also the cheapest check that address, user and
 * password work. Statuses of clickhouse_query, ST_INVALID for an answer that is no version. */
enum status clickhouse_version(
    struct http_client *client, const struct clickhouse_endpoint *endpoint, char **ret_version,
    struct err *err) MUST_CHECK;

#endif
