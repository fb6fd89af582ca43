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
    const char *pipe_id, struct err *err)
{
    CLEANUP(buf_done) struct buf sql;
    buf_init(&sql, CLICKHOUSE_SQL_MAX_BYTES);
    enum status written = clickhouse_ddl_target(destination, &sql);
    written = written == ST_OK ? clickhouse_ddl_mark(pipe_id, &sql) : written;
    return execute(clickhouse, written, &sql, err);
}

static enum status make_error_table(
    struct support_clickhouse *clickhouse, const struct pipe_destination *destination,
    const char *pipe_id, struct err *err)
{
    CLEANUP(buf_done) struct buf sql;
    buf_init(&sql, CLICKHOUSE_SQL_MAX_BYTES);
    enum status written =
        clickhouse_ddl_error_table(destination->database, destination->table, &sql);
    written = written == ST_OK ? clickhouse_ddl_mark(pipe_id, &sql) : written;
    return execute(clickhouse, written, &sql, err);
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
    const char *pipe_id, struct err *err)
{
    CLEANUP(present_done) struct present present = {.target = NULL};
    enum status status = find_present(clickhouse, destination, &present, err);
    if (status == ST_OK && present.target == NULL) {
        status = make_target(clickhouse, destination, pipe_id, err);
    }
    if (status == ST_OK && present.errors == NULL) {
        status = make_error_table(clickhouse, destination, pipe_id, err);
    }
    return status;
}

/* Was this table made for the pipe, and not by anybody else meanwhile? */
static enum status is_marked(
    struct support_clickhouse *clickhouse, const struct clickhouse_table_name *name,
    const char *pipe_id, bool *ret_is_marked, struct err *err)
{
    CLEANUP(buf_done) struct buf sql;
    CLEANUP(freep) char *answer = NULL;
    buf_init(&sql, CLICKHOUSE_SQL_MAX_BYTES);
    enum status status = clickhouse_ddl_is_marked(name->database, name->table, pipe_id, &sql);
    if (status != ST_OK) {
        return err_set(err, status, "the table's name is too long");
    }
    status =
        clickhouse_execute(clickhouse->client, &clickhouse->endpoint, buf_text(&sql), &answer, err);
    if (status == ST_OK) {
        *ret_is_marked = answer != NULL && answer[0] == '1';
    }
    return status;
}

static enum status drop_own(
    struct support_clickhouse *clickhouse, const struct clickhouse_table_name *name,
    const char *pipe_id, struct err *err)
{
    bool is_own = false;
    enum status status = is_marked(clickhouse, name, pipe_id, &is_own, err);
    if (status != ST_OK || !is_own) {
        return status;
    }
    CLEANUP(buf_done) struct buf sql;
    buf_init(&sql, CLICKHOUSE_SQL_MAX_BYTES);
    status = clickhouse_ddl_drop_empty(name->database, name->table, &sql);
    if (status != ST_OK) {
        return err_set(err, status, "the table's name is too long");
    }
    status =
        clickhouse_execute(clickhouse->client, &clickhouse->endpoint, buf_text(&sql), NULL, err);
    return status == ST_REJECTED ? ST_OK : status; /* it has rows by now: it stays */
}

enum status create_tables_undo(
    struct support_clickhouse *clickhouse, const struct clickhouse_table_name *target,
    const char *pipe_id, struct err *err)
{
    CLEANUP(freep) char *errors_name = error_table_name(target->table);
    if (errors_name == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for a table's name");
    }
    const struct clickhouse_table_name errors = {target->database, errors_name};
    enum status status = drop_own(clickhouse, target, pipe_id, err);
    return status == ST_OK ? drop_own(clickhouse, &errors, pipe_id, err) : status;
}
