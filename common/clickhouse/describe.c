/* Questions about a server and a table, and their answers in JSONEachRow. */
#include "common/clickhouse/describe.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/clickhouse/ddl.h"
#include "common/clickhouse/rows.h"

enum {
    DESCRIBE_ANSWER_MAX_BYTES = 32 * 1024 * 1024, /* 4,096 columns with long Enum types */
    VERSION_MAX_BYTES = 64,
};

void clickhouse_table_free(struct clickhouse_table *table)
{
    if (table == NULL) {
        return;
    }
    free(table->engine);
    free(table->engine_full);
    free(table->uuid);
    for (size_t i = 0; i < table->columns_count; i++) {
        free(table->columns[i].name);
        free(table->columns[i].type);
        free(table->columns[i].default_kind);
    }
    free(table->columns);
    free(table);
}

void clickhouse_table_freep(struct clickhouse_table **table)
{
    clickhouse_table_free(*table);
    *table = NULL;
}

const struct clickhouse_column *
clickhouse_table_find(const struct clickhouse_table *table, const char *name)
{
    for (size_t i = 0; i < table->columns_count; i++) {
        if (strcmp(table->columns[i].name, name) == 0) {
            return &table->columns[i];
        }
    }
    return NULL;
}

/* FNV-1a, 64 bits (RFC draft-eastlake-fnv), over texts with their zero bytes. */
static uint64_t mix(uint64_t hash, const char *text)
{
    do {
        hash = (hash ^ (uint8_t)*text) * 0x100000001b3;
    } while (*text++ != '\0');
    return hash;
}

uint64_t clickhouse_table_fingerprint(const struct clickhouse_table *table)
{
    uint64_t hash = mix(mix(0xcbf29ce484222325, table->engine_full), table->uuid);
    for (size_t i = 0; i < table->columns_count; i++) {
        const struct clickhouse_column *column = &table->columns[i];
        hash = mix(mix(mix(hash, column->name), column->type), column->default_kind);
    }
    return hash;
}

bool clickhouse_column_is_insertable(const struct clickhouse_column *column)
{
    return strcmp(column->default_kind, "MATERIALIZED") != 0 &&
           strcmp(column->default_kind, "ALIAS") != 0;
}

static enum status
add_condition(struct buf *sql, const char *name, const char *database, const char *table)
{
    enum status st = buf_add_text(sql, " WHERE database = ");
    if (st == ST_OK) {
        st = clickhouse_quote_string(sql, database);
    }
    if (st == ST_OK) {
        st = buf_add_format(sql, " AND %s = ", name);
    }
    return st == ST_OK ? clickhouse_quote_string(sql, table) : st;
}

enum status clickhouse_describe_sql(const char *database, const char *table, struct buf *sql)
{
    enum status st = buf_add_text(
        sql, "SELECT c.name AS name, c.type AS type, c.default_kind AS default_kind,"
             " t.engine AS engine, t.engine_full AS engine_full, toString(t.uuid) AS uuid,"
             " toString(ifNull(toInt64(t.total_rows), -1)) AS rows"
             " FROM (SELECT name, type, default_kind, position FROM system.columns");
    if (st == ST_OK) {
        st = add_condition(sql, "table", database, table);
    }
    if (st == ST_OK) {
        st = buf_add_text(
            sql, ") AS c CROSS JOIN (SELECT engine, engine_full, uuid, total_rows"
                 " FROM system.tables");
    }
    if (st == ST_OK) {
        st = add_condition(sql, "name", database, table);
    }
    if (st == ST_OK) {
        st = buf_add_text(sql, ") AS t ORDER BY c.position FORMAT JSONEachRow");
    }
    return st;
}

static enum status
describe_add_row(const json_t *row, struct clickhouse_table *table, struct err *err)
{
    struct clickhouse_column *columns =
        realloc(table->columns, (table->columns_count + 1) * sizeof(*columns));
    if (columns == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for %zu columns", table->columns_count + 1);
    }
    table->columns = columns;
    struct clickhouse_column *column = &columns[table->columns_count];
    *column = (struct clickhouse_column){0};
    table->columns_count++; /* so that what is read so far is freed with the table */
    enum status st = rows_text(row, "name", &column->name, err);
    if (st == ST_OK) {
        st = rows_text(row, "type", &column->type, err);
    }
    if (st == ST_OK) {
        st = rows_text(row, "default_kind", &column->default_kind, err);
    }
    if (st != ST_OK || table->columns_count > 1) {
        return st;
    }
    st = rows_text(row, "engine", &table->engine, err);
    if (st == ST_OK) {
        st = rows_text(row, "engine_full", &table->engine_full, err);
    }
    if (st == ST_OK) {
        st = rows_text(row, "uuid", &table->uuid, err);
    }
    return st == ST_OK ? rows_i64(row, "rows", &table->rows_count, err) : st;
}

static enum status
describe_read_rows(const char *text, struct clickhouse_table *table, struct err *err)
{
    const char *at = text;
    json_t *row = NULL;
    enum status st = rows_next(&at, &row, err);
    while (st == ST_OK) {
        st = describe_add_row(row, table, err);
        json_decref(row);
        if (st == ST_OK) {
            st = rows_next(&at, &row, err);
        }
    }
    if (st == ST_NOT_FOUND && table->columns_count > 0) {
        return ST_OK; /* the end of the rows */
    }
    return st != ST_NOT_FOUND
               ? st
               : err_set(err, st, "the table does not exist, or the user may not see it");
}

enum status
clickhouse_describe_parse(const char *text, struct clickhouse_table **ret_table, struct err *err)
{
    struct clickhouse_table *table = calloc(1, sizeof(*table));
    if (table == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for a table");
    }
    table->rows_count = -1;
    enum status st = describe_read_rows(text, table, err);
    if (st != ST_OK) {
        clickhouse_table_free(table);
        return st;
    }
    *ret_table = table;
    return ST_OK;
}

enum status clickhouse_describe(
    struct http_client *client, const struct clickhouse_endpoint *endpoint,
    const struct clickhouse_table_name *name, struct clickhouse_table **ret_table, struct err *err)
{
    struct buf sql;
    buf_init(&sql, CLICKHOUSE_SQL_MAX_BYTES);
    enum status st = clickhouse_describe_sql(name->database, name->table, &sql);
    if (st != ST_OK) {
        buf_done(&sql);
        return err_set(err, st, "no room for the description of a table");
    }
    const struct clickhouse_query query = {
        .sql = buf_text(&sql), .answer_max_bytes = DESCRIBE_ANSWER_MAX_BYTES};
    struct clickhouse_result result;
    st = clickhouse_query(client, endpoint, &query, &result, err);
    buf_done(&sql);
    if (st == ST_OK) {
        st = clickhouse_describe_parse(result.text, ret_table, err);
        free(result.text);
        if (st != ST_OK) {
            (void)err_wrap(err, "table %s.%s", name->database, name->table); /* st says it */
        }
    }
    return st;
}

enum status clickhouse_version(
    struct http_client *client, const struct clickhouse_endpoint *endpoint, char **ret_version,
    struct err *err)
{
    CLEANUP(freep) char *text = NULL;
    enum status st =
        clickhouse_execute(client, endpoint, "SELECT version() FORMAT TSV", &text, err);
    if (st != ST_OK) {
        return st;
    }
    size_t len_bytes = strspn(text, "0123456789.");
    const char *rest = text + len_bytes;
    size_t suffix = strcspn(rest, "\r\n"); /* builds of other vendors: "25.3.2.1.altinitystable" */
    if (len_bytes == 0 || len_bytes + suffix > VERSION_MAX_BYTES ||
        strspn(rest + suffix, "\r\n") != strlen(rest + suffix)) {
        return err_set(err, ST_INVALID, "the answer is not a ClickHouse version");
    }
    char *version = strndup(text, len_bytes + suffix);
    if (version == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for a version");
    }
    *ret_version = version;
    return ST_OK;
}
