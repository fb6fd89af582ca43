/*
 * Asking, making and taking back tables over HTTP. All SQL text comes from common/clickhouse.
 */
#include "api/handlers/create_tables.h"

#include <stdlib.h>

#include "common/base/buf.h"
#include "common/clickhouse/ddl.h"
#include "common/clickhouse/describe.h"
#include "common/clickhouse/error_table.h"

/* Run the statement in sql (a writer's status before it). */
static enum status execute(
    struct support_clickhouse *clickhouse, enum status written, struct buf *sql, struct err *err)
{
    if (written != ST_OK) {
        return err_set(err, written, "the table's definition is too long");
    }
    enum status status =
        clickhouse_execute(clickhouse->client, &clickhouse->endpoint, buf_text(sql), NULL, err);
    return support_clickhouse_status(status, err);
}

static enum status make_target(
    struct support_clickhouse *clickhouse, const struct pipe_destination *destination,
    struct err *err)
{
    struct buf sql;
    buf_init(&sql, CLICKHOUSE_SQL_MAX_BYTES);
    enum status status = execute(clickhouse, clickhouse_ddl_target(destination, &sql), &sql, err);
    buf_done(&sql);
    return status;
}

static enum status make_error_table(
    struct support_clickhouse *clickhouse, const struct pipe_destination *destination,
    struct err *err)
{
    struct buf sql;
    buf_init(&sql, CLICKHOUSE_SQL_MAX_BYTES);
    enum status status = execute(
        clickhouse, clickhouse_ddl_error_table(destination->database, destination->table, &sql),
        &sql, err);
    buf_done(&sql);
    return status;
}

/* Drop a table that this call made, unless it has rows: then somebody else has begun to use it. */
static void
drop_empty(struct support_clickhouse *clickhouse, const char *database, const char *table)
{
    CLEANUP(clickhouse_table_freep) struct clickhouse_table *found = NULL;
    const struct clickhouse_table_name name = {database, table};
    enum status status =
        clickhouse_describe(clickhouse->client, &clickhouse->endpoint, &name, &found, NULL);
    if (status != ST_OK || found->rows_count > 0) {
        return;
    }
    struct buf sql;
    buf_init(&sql, CLICKHOUSE_SQL_MAX_BYTES);
    (void)execute(
        clickhouse, clickhouse_ddl_drop(database, table, &sql), &sql, NULL); /* best effort */
    buf_done(&sql);
}

/* A table of that name that was there before must be an error table. */
static enum status
check_error_table(const struct clickhouse_table *table, const char *name, struct err *err)
{
    static const char *const columns[] = {
#define X(column, type) #column,
        ERROR_TABLE_COLUMNS(X)
#undef X
    };
    for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
        if (clickhouse_table_find(table, columns[i]) == NULL) {
            return err_set(
                err, ST_INVALID,
                "/destination/table: its error table %s exists already and has no column %s", name,
                columns[i]);
        }
    }
    return ST_OK;
}

static enum status check_target(
    const struct clickhouse_table *table, const struct pipe_destination *destination,
    struct reply *reply, struct err *err)
{
    struct pipe_problems problems = {0};
    enum status status = clickhouse_table_check(table, destination, &problems);
    if (status == ST_INVALID) {
        status = support_problems(&problems, reply, err);
    }
    pipe_problems_done(&problems);
    return status;
}

static enum status ensure_target(
    struct support_clickhouse *clickhouse, const struct pipe_destination *destination,
    struct create_tables *made, struct reply *reply, struct err *err)
{
    CLEANUP(clickhouse_table_freep) struct clickhouse_table *table = NULL;
    const struct clickhouse_table_name name = {destination->database, destination->table};
    enum status status =
        clickhouse_describe(clickhouse->client, &clickhouse->endpoint, &name, &table, err);
    if (status == ST_OK) {
        return check_target(table, destination, reply, err);
    }
    if (status != ST_NOT_FOUND) {
        return support_clickhouse_status(status, err);
    }
    if (!destination->is_managed) {
        return err_set(
            err, ST_INVALID,
            "/destination/table: table %s.%s does not exist, and the pipe does not manage it",
            destination->database, destination->table);
    }
    status = make_target(clickhouse, destination, err);
    made->is_target_made = status == ST_OK;
    return status;
}

static enum status ensure_error_table(
    struct support_clickhouse *clickhouse, const struct pipe_destination *destination,
    struct create_tables *made, struct err *err)
{
    CLEANUP(freep) char *name = error_table_name(destination->table);
    if (name == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for a table's name");
    }
    CLEANUP(clickhouse_table_freep) struct clickhouse_table *table = NULL;
    const struct clickhouse_table_name which = {destination->database, name};
    enum status status =
        clickhouse_describe(clickhouse->client, &clickhouse->endpoint, &which, &table, err);
    if (status == ST_OK) {
        return check_error_table(table, name, err);
    }
    if (status != ST_NOT_FOUND) {
        return support_clickhouse_status(status, err);
    }
    status = make_error_table(clickhouse, destination, err);
    made->is_error_table_made = status == ST_OK;
    return status;
}

enum status create_tables_ensure(
    struct support_clickhouse *clickhouse, const struct pipe_destination *destination,
    struct create_tables *ret_made, struct reply *reply, struct err *err)
{
    struct create_tables made = {false, false};
    enum status status = ensure_target(clickhouse, destination, &made, reply, err);
    if (status == ST_OK) {
        status = ensure_error_table(clickhouse, destination, &made, err);
    }
    if (status != ST_OK) {
        create_tables_undo(clickhouse, destination, &made);
        return status;
    }
    *ret_made = made;
    return ST_OK;
}

void create_tables_undo(
    struct support_clickhouse *clickhouse, const struct pipe_destination *destination,
    const struct create_tables *made)
{
    if (made->is_target_made) {
        drop_empty(clickhouse, destination->database, destination->table);
    }
    if (made->is_error_table_made) {
        char *name = error_table_name(destination->table);
        if (name != NULL) {
            drop_empty(clickhouse, destination->database, name);
        }
        free(name);
    }
}
