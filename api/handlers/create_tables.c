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
static void check_error_table(
    const struct clickhouse_table *table, const char *name, struct pipe_problems *problems)
{
    static const char *const columns[] = {
#define X(column, type) #column,
        ERROR_TABLE_COLUMNS(X)
#undef X
    };
    for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
        if (clickhouse_table_find(table, columns[i]) == NULL) {
            pipe_problems_add(
                problems, "/destination/table",
                "its error table %s exists already and has no column %s", name, columns[i]);
            return;
        }
    }
}

/* What is there of a pipe's two tables; NULL = not there. */
struct present {
    struct clickhouse_table *target;
    struct clickhouse_table *errors;
    char *errors_name;
};

static void present_done(struct present *present)
{
    clickhouse_table_free(present->target);
    clickhouse_table_free(present->errors);
    free(present->errors_name);
}

static enum status find_table(
    struct support_clickhouse *clickhouse, const char *database, const char *name,
    struct clickhouse_table **ret_table, struct err *err)
{
    const struct clickhouse_table_name which = {database, name};
    enum status status =
        clickhouse_describe(clickhouse->client, &clickhouse->endpoint, &which, ret_table, err);
    return status == ST_NOT_FOUND ? ST_OK : status;
}

/* ret_present: zeroed; present_done, whatever comes back. */
static enum status find_present(
    struct support_clickhouse *clickhouse, const struct pipe_destination *destination,
    struct present *ret_present, struct err *err)
{
    ret_present->errors_name = error_table_name(destination->table);
    if (ret_present->errors_name == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for a table's name");
    }
    enum status status = find_table(
        clickhouse, destination->database, destination->table, &ret_present->target, err);
    if (status == ST_OK) {
        status = find_table(
            clickhouse, destination->database, ret_present->errors_name, &ret_present->errors, err);
    }
    return support_clickhouse_status(status, err);
}

static void check_present(
    const struct present *present, const struct pipe_destination *destination, bool may_lack,
    struct pipe_problems *problems)
{
    if (present->target != NULL) {
        enum status status =
            may_lack ? clickhouse_table_check_types(present->target, destination, problems)
                     : clickhouse_table_check(present->target, destination, problems);
        (void)status; /* what it found is in problems */
    } else if (!destination->is_managed) {
        pipe_problems_add(
            problems, "/destination/table",
            "table %s.%s does not exist, and the pipe does not manage it", destination->database,
            destination->table);
    }
    if (present->errors != NULL) {
        check_error_table(present->errors, present->errors_name, problems);
    }
}

static enum status check(
    struct support_clickhouse *clickhouse, const struct pipe_destination *destination,
    bool may_lack, struct pipe_problems *problems, struct err *err)
{
    CLEANUP(present_done) struct present present = {.target = NULL};
    struct err reason = {.status = ST_OK};
    enum status status = find_present(clickhouse, destination, &present, &reason);
    if (status == ST_OK) {
        check_present(&present, destination, may_lack, problems);
        return ST_OK;
    }
    if (status == ST_REJECTED) {
        pipe_problems_add(problems, "/destination", "%s", reason.text);
        return ST_OK;
    }
    return err_set(err, status, "%s", reason.text);
}

enum status create_tables_check(
    struct support_clickhouse *clickhouse, const struct pipe_destination *destination,
    struct pipe_problems *problems, struct err *err)
{
    return check(clickhouse, destination, false, problems, err);
}

enum status create_tables_check_columns(
    struct support_clickhouse *clickhouse, const struct pipe_destination *destination,
    struct pipe_problems *problems, struct err *err)
{
    return check(clickhouse, destination, destination->is_managed, problems, err);
}

enum status create_tables_ensure(
    struct support_clickhouse *clickhouse, const struct pipe_destination *destination,
    struct create_tables *ret_made, struct err *err)
{
    struct create_tables made = {false, false};
    CLEANUP(present_done) struct present present = {.target = NULL};
    enum status status = find_present(clickhouse, destination, &present, err);
    if (status == ST_OK && present.target == NULL) {
        status = make_target(clickhouse, destination, err);
        made.is_target_made = status == ST_OK;
    }
    if (status == ST_OK && present.errors == NULL) {
        status = make_error_table(clickhouse, destination, err);
        made.is_error_table_made = status == ST_OK;
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
