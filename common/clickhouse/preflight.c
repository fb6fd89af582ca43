/*
 * From a table to everything that is written with it: questions and their answers. A question asks
 * for all names that are known and not asked yet, so a chain of n views takes 2n + 1 of them.
 */
#include "common/clickhouse/preflight.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clickhouse/ddl.h"
#include "common/clickhouse/preflight_text.h"
#include "common/clickhouse/rows.h"

enum {
    INNER_NAME_BYTES = 1024,
    ACCESS_DENIED = 497 /* ClickHouse: ErrorCodes.cpp */
};

static const char NO_UUID[] = "00000000-0000-0000-0000-000000000000";

static void table_done(struct preflight_table *table)
{
    free(table->database);
    free(table->name);
    free(table->engine);
    free(table->engine_full);
    free(table->uuid);
    free(table->create_query);
    free(table->partition_key);
    free(table->sorting_key);
}

void preflight_done(struct preflight *preflight)
{
    for (size_t i = 0; i < preflight->count; i++) {
        table_done(&preflight->tables[i]);
    }
    free(preflight->tables);
    *preflight = (struct preflight){.tables = NULL};
}

static size_t find(const struct preflight *preflight, const char *database, const char *name)
{
    for (size_t i = 0; i < preflight->count; i++) {
        if (strcmp(preflight->tables[i].database, database) == 0 &&
            strcmp(preflight->tables[i].name, name) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

/* Know of a table; *ret_index is SIZE_MAX if there are too many. ST_NO_MEMORY. */
static enum status
add(struct preflight *preflight, const char *database, const char *name, size_t *ret_index)
{
    *ret_index = find(preflight, database, name);
    if (*ret_index != SIZE_MAX) {
        return ST_OK;
    }
    if (preflight->count == PREFLIGHT_TABLES_MAX) {
        preflight->has_more = true;
        return ST_OK;
    }
    struct preflight_table *tables =
        reallocarray(preflight->tables, preflight->count + 1, sizeof(*tables));
    if (tables == NULL) {
        return ST_NO_MEMORY;
    }
    preflight->tables = tables;
    struct preflight_table table = {
        .database = strdup(database),
        .name = strdup(name),
        .partitions = -1,
        .target = SIZE_MAX,
    };
    if (table.database == NULL || table.name == NULL) {
        table_done(&table);
        return ST_NO_MEMORY;
    }
    tables[preflight->count] = table;
    *ret_index = preflight->count++;
    return ST_OK;
}

enum status preflight_init(
    struct preflight *ret_preflight, const struct clickhouse_table_name *name,
    const struct preflight_pipe *pipe, struct err *err)
{
    struct preflight preflight = {
        .pipe = *pipe,
        .knows_parts = true,
        .server = {.window = -1, .replicated_window = -1, .replicated_seconds = -1},
    };
    size_t index = 0;
    enum status st = add(&preflight, name->database, name->table, &index);
    if (st != ST_OK) {
        preflight_done(&preflight);
        return err_set(
            err, st, "no memory for a question about table %s.%s", name->database, name->table);
    }
    preflight.tables[0].is_fed = true;
    *ret_preflight = preflight;
    return ST_OK;
}

/* ---- the question ---- */

/* " AND ((database = 'a' AND <column> = 'b') OR …)" of the tables that are asked for. */
static enum status
add_tables(const struct preflight *preflight, const char *column, struct buf *sql)
{
    enum status st = ST_OK;
    const char *before = "(";
    for (size_t i = 0; st == ST_OK && i < preflight->count; i++) {
        const struct preflight_table *table = &preflight->tables[i];
        if (table->is_asked) {
            continue;
        }
        st = buf_add_format(sql, "%s(database = ", before);
        st = st == ST_OK ? clickhouse_quote_string(sql, table->database) : st;
        st = st == ST_OK ? buf_add_format(sql, " AND %s = ", column) : st;
        st = st == ST_OK ? clickhouse_quote_string(sql, table->name) : st;
        st = st == ST_OK ? buf_add_text(sql, ")") : st;
        before = " OR ";
    }
    return st == ST_OK ? buf_add_text(sql, ")") : st;
}

static bool has_unasked(const struct preflight *preflight)
{
    for (size_t i = 0; i < preflight->count; i++) {
        if (!preflight->tables[i].is_asked) {
            return true;
        }
    }
    return false;
}

/* A setting of the server as text; null where it has none of that name. */
#define SQL_SETTING(table, setting, name)                                                          \
    ", (SELECT any(value) FROM system." table " WHERE name = '" setting "') AS " name

static const char SQL_COLUMNS[] =
    "SELECT t.database AS database, t.name AS name, t.engine AS engine,"
    " t.engine_full AS engine_full, toString(t.uuid) AS uuid, t.create_table_query AS create_query,"
    " t.partition_key AS partition_key, t.sorting_key AS sorting_key,"
    " t.dependencies_database AS views_database, t.dependencies_table AS views_table" //
    SQL_SETTING("merge_tree_settings", "non_replicated_deduplication_window", "server_window")
        SQL_SETTING(
            "replicated_merge_tree_settings", "replicated_deduplication_window",
            "server_replicated_window")
            SQL_SETTING(
                "replicated_merge_tree_settings", "replicated_deduplication_window_seconds",
                "server_replicated_seconds")
                SQL_SETTING("settings", "insert_deduplicate", "insert_deduplicate")
                    SQL_SETTING("settings", "deduplicate_insert", "deduplicate_insert");

static const char SQL_TABLES[] =
    " FROM (SELECT database, name, engine, engine_full, uuid, create_table_query, partition_key,"
    " sorting_key, dependencies_database, dependencies_table FROM system.tables WHERE ";

/* Partitions that were written in the last hour: what an insert may reach. */
static const char SQL_PARTS[] =
    " LEFT JOIN (SELECT database, table, uniqExact(partition) AS all_partitions,"
    " uniqExactIf(partition, modification_time > now() - 3600) AS recent_partitions"
    " FROM system.parts WHERE active AND ";

/* May the user read the columns? No row is. */
static enum status add_read(const struct preflight *preflight, struct buf *sql)
{
    const char *const columns[] = {
        preflight->pipe.columns.topic, preflight->pipe.columns.partition,
        preflight->pipe.columns.offset};
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < ARRAY_LEN(columns); i++) {
        st = buf_add_text(sql, i == 0 ? "SELECT " : ", ");
        st = st == ST_OK ? clickhouse_quote_identifier(sql, columns[i]) : st;
    }
    const struct preflight_table *table = &preflight->tables[0];
    st = st == ST_OK ? buf_add_text(sql, " FROM ") : st;
    st = st == ST_OK ? clickhouse_quote_table(sql, table->database, table->name) : st;
    return st == ST_OK ? buf_add_text(sql, " LIMIT 0 FORMAT JSONEachRow") : st;
}

static enum status add_question(const struct preflight *preflight, struct buf *sql)
{
    const bool knows_parts = preflight->knows_parts;
    enum status st = buf_add_text(sql, SQL_COLUMNS);
    st = st == ST_OK && knows_parts
             ? buf_add_text(
                   sql, ", toString(p.all_partitions) AS all_partitions,"
                        " toString(p.recent_partitions) AS recent_partitions")
             : st;
    st = st == ST_OK ? buf_add_text(sql, SQL_TABLES) : st;
    st = st == ST_OK ? add_tables(preflight, "name", sql) : st;
    st = st == ST_OK ? buf_add_text(sql, ") AS t") : st;
    if (st == ST_OK && knows_parts) {
        st = buf_add_text(sql, SQL_PARTS);
        st = st == ST_OK ? add_tables(preflight, "table", sql) : st;
        st = st == ST_OK ? buf_add_text(
                               sql, " GROUP BY database, table) AS p"
                                    " ON p.database = t.database AND p.table = t.name")
                         : st;
    }
    return st == ST_OK ? buf_add_text(sql, " FORMAT JSONEachRow") : st;
}

enum status preflight_sql(struct preflight *preflight, struct buf *sql)
{
    if (!preflight->pipe.is_exactly_once) {
        return ST_NOT_FOUND;
    }
    if (has_unasked(preflight)) {
        preflight->is_asking_read = false;
        return add_question(preflight, sql);
    }
    if (preflight->has_asked_read || !preflight_is_checkable(preflight)) {
        return ST_NOT_FOUND;
    }
    preflight->is_asking_read = true;
    return add_read(preflight, sql);
}

bool preflight_refused(struct preflight *preflight, int code)
{
    if (code != ACCESS_DENIED) {
        return false;
    }
    if (preflight->is_asking_read) {
        preflight->has_asked_read = true; /* and may not */
        return true;
    }
    const bool had_parts = preflight->knows_parts;
    preflight->knows_parts = false;
    return had_parts;
}

/* ---- the answer ---- */

static void read_setting(const json_t *row, const char *name, int64_t *value)
{
    const json_t *member = json_object_get(row, name);
    if (member != NULL && !json_is_null(member) && rows_i64(row, name, value, NULL) != ST_OK) {
        *value = -1;
    }
}

static bool has_text(const json_t *row, const char *name, const char *text)
{
    const char *value = json_string_value(json_object_get(row, name));
    return value != NULL && strcmp(value, text) == 0;
}

static void read_server(const json_t *row, struct preflight_server *server)
{
    read_setting(row, "server_window", &server->window);
    read_setting(row, "server_replicated_window", &server->replicated_window);
    read_setting(row, "server_replicated_seconds", &server->replicated_seconds);
    /* The newer setting decides unless it is absent or says that the older one does. */
    const json_t *newer = json_object_get(row, "deduplicate_insert");
    const bool is_old_way = newer == NULL || json_is_null(newer) ||
                            has_text(row, "deduplicate_insert", "backward_compatible_choice");
    server->is_refusing = has_text(row, "deduplicate_insert", "disable") ||
                          (is_old_way && has_text(row, "insert_deduplicate", "0"));
}

static enum status read_texts(const json_t *row, struct preflight_table *table, struct err *err)
{
    const struct {
        const char *name;
        char **to;
    } members[] = {
        {"engine", &table->engine},
        {"engine_full", &table->engine_full},
        {"uuid", &table->uuid},
        {"create_query", &table->create_query},
        {"partition_key", &table->partition_key},
        {"sorting_key", &table->sorting_key},
    };
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < ARRAY_LEN(members); i++) {
        st = rows_text(row, members[i].name, members[i].to, err);
    }
    return st;
}

static int64_t read_partitions(const json_t *row)
{
    int64_t all = -1;
    int64_t recent = 0;
    read_setting(row, "all_partitions", &all);
    read_setting(row, "recent_partitions", &recent);
    return recent > 0 ? recent : all;
}

/* The views that read from this table. */
static enum status add_views(struct preflight *preflight, const json_t *row)
{
    const json_t *databases = json_object_get(row, "views_database");
    const json_t *names = json_object_get(row, "views_table");
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < json_array_size(names); i++) {
        const char *database = json_string_value(json_array_get(databases, i));
        const char *name = json_string_value(json_array_get(names, i));
        size_t index = 0;
        if (database != NULL && name != NULL) {
            st = add(preflight, database, name, &index);
        }
    }
    return st;
}

/* The table of its own that a view without TO has. */
static char *inner_name(const struct preflight_table *view)
{
    char *name = NULL;
    int len = strcmp(view->uuid, NO_UUID) == 0 ? asprintf(&name, ".inner.%s", view->name)
                                               : asprintf(&name, ".inner_id.%s", view->uuid);
    return len < 0 ? NULL : name;
}

static enum status add_target(struct preflight *preflight, size_t view_index)
{
    const struct preflight_table *view = &preflight->tables[view_index];
    if (preflight_view_is_refreshed(view->create_query)) {
        return ST_OK; /* no insert writes it */
    }
    CLEANUP(freep) char *database = NULL;
    CLEANUP(freep) char *name = NULL;
    enum status st = preflight_view_target(view->create_query, &database, &name);
    if (st == ST_NOT_FOUND) {
        name = inner_name(view);
        st = name == NULL ? ST_NO_MEMORY : ST_OK;
    }
    if (st != ST_OK) {
        return st == ST_NO_MEMORY ? st : ST_OK; /* a view of a kind we do not know: unseen */
    }
    size_t index = 0;
    st = add(preflight, database == NULL ? view->database : database, name, &index);
    if (st == ST_OK && index != SIZE_MAX) {
        preflight->tables[view_index].target = index;
        preflight->tables[index].is_fed = true;
    }
    return st;
}

static enum status read_row(struct preflight *preflight, const json_t *row, struct err *err)
{
    const char *database = json_string_value(json_object_get(row, "database"));
    const char *name = json_string_value(json_object_get(row, "name"));
    if (database == NULL || name == NULL) {
        return err_set(err, ST_INVALID, "ClickHouse's answer names no table");
    }
    const size_t index = find(preflight, database, name);
    if (index == SIZE_MAX) {
        return ST_OK; /* not asked for */
    }
    struct preflight_table *table = &preflight->tables[index];
    enum status st = read_texts(row, table, err);
    if (st != ST_OK) {
        return st;
    }
    table->is_found = true;
    table->partitions = read_partitions(row);
    read_server(row, &preflight->server);
    const bool is_view = strcmp(table->engine, "MaterializedView") == 0;
    st = add_views(preflight, row);
    if (st == ST_OK && is_view) {
        st = add_target(preflight, index);
    }
    return st == ST_NO_MEMORY ? err_set(err, st, "no memory for a table's views") : st;
}

/* All rows; what was asked for and is not among them cannot be seen. */
static enum status read_rows(struct preflight *preflight, const char *text, struct err *err)
{
    const size_t asked_count = preflight->count;
    const char *at = text;
    json_t *row = NULL;
    enum status st = rows_next(&at, &row, err);
    while (st == ST_OK) {
        st = read_row(preflight, row, err);
        json_decref(row);
        if (st == ST_OK) {
            st = rows_next(&at, &row, err);
        }
    }
    if (st != ST_NOT_FOUND) {
        return st;
    }
    for (size_t i = 0; i < asked_count; i++) {
        struct preflight_table *table = &preflight->tables[i];
        preflight->unseen += !table->is_asked && !table->is_found;
        table->is_asked = true;
    }
    return ST_OK;
}

enum status preflight_read(struct preflight *preflight, const char *text, struct err *err)
{
    if (preflight->is_asking_read) {
        preflight->has_asked_read = true;
        preflight->may_read = true;
        return ST_OK;
    }
    enum status st = read_rows(preflight, text, err);
    if (st == ST_OK && !preflight->tables[0].is_found) {
        return err_set(
            err, ST_NOT_FOUND, "table %s.%s does not exist, or the user may not see it",
            preflight->tables[0].database, preflight->tables[0].name);
    }
    return st;
}

/* ---- both, synchronously ---- */

static enum status
ask(struct http_client *client, const struct clickhouse_endpoint *endpoint,
    struct preflight *preflight, const char *sql, struct err *err)
{
    const struct clickhouse_query query = {
        .sql = sql, .answer_max_bytes = PREFLIGHT_ANSWER_MAX_BYTES};
    struct clickhouse_result result;
    enum status st = clickhouse_query(client, endpoint, &query, &result, err);
    if (st == ST_OK) {
        st = preflight_read(preflight, result.text, err);
        free(result.text);
        return st;
    }
    return preflight_refused(preflight, result.answer.code) ? ST_OK : st;
}

static enum status explore(
    struct http_client *client, const struct clickhouse_endpoint *endpoint,
    struct preflight *preflight, struct err *err)
{
    struct buf sql;
    buf_init(&sql, CLICKHOUSE_SQL_MAX_BYTES);
    enum status st = preflight_sql(preflight, &sql);
    while (st == ST_OK) {
        st = ask(client, endpoint, preflight, buf_text(&sql), err);
        buf_reset(&sql);
        if (st != ST_OK) {
            buf_done(&sql);
            return st;
        }
        st = preflight_sql(preflight, &sql);
    }
    buf_done(&sql);
    return st == ST_NOT_FOUND ? ST_OK : err_set(err, st, "the question is too long");
}

enum status preflight_run(
    struct http_client *client, const struct clickhouse_endpoint *endpoint,
    const struct clickhouse_table_name *name, const struct preflight_pipe *pipe,
    struct guarantee *ret_guarantee, struct err *err)
{
    struct preflight preflight;
    enum status st = preflight_init(&preflight, name, pipe, err);
    if (st != ST_OK) {
        return st;
    }
    st = explore(client, endpoint, &preflight, err);
    if (st == ST_OK) {
        preflight_judge(&preflight, ret_guarantee);
    }
    preflight_done(&preflight);
    return st;
}
