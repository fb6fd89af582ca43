/* One lock per table of a ClickHouse, whatever service names it: held while a create is announced,
 * and while tables are taken back. */
#include "common/store/leftovers.h"

#include <stdlib.h>

#include "common/store/store_internal.h"

/* Arguments: the pipe, the database, the table. Without a table nobody else waits. */
#define SQL_TABLE_LOCK                                                                             \
    "pg_advisory_xact_lock(hashtextextended(COALESCE($2::text || '.' || $3::text, $1::text), 1))"

void leftover_done(struct leftover *row)
{
    free(row->pipe_id);
    free(row->service_id);
    free(row->organization_id);
    free(row->database);
    free(row->table);
    *row = (struct leftover){.pipe_id = NULL};
}

static void table_args(struct pg_args *args, const struct leftover *row)
{
    pg_args_init(args);
    pg_add_text(args, row->pipe_id);
    pg_add_text(args, row->database);
    pg_add_text(args, row->table);
}

enum status leftover_add(struct store *store, const struct leftover *row, struct err *err)
{
    struct pg_args args;
    table_args(&args, row);
    pg_add_text(&args, row->service_id);
    pg_add_bool(&args, row->has_user);
    pg_add_int(&args, LEFTOVER_CREATE_S);
    enum status st = store_run(
        store,
        "WITH held AS MATERIALIZED (SELECT " SQL_TABLE_LOCK ") "
        "INSERT INTO leftover (pipe_id, database_name, table_name, service_id, has_user, is_open, "
        "retry_at) "
        "SELECT $1::text::uuid, $2::text, $3::text, $4::uuid, $5::boolean, true, "
        "now() + $6::bigint * interval '1 second' FROM held",
        &args, NULL, err);
    if (st == ST_REJECTED) {
        return err_set(err, ST_NOT_FOUND, "no service %s", row->service_id);
    }
    return st;
}

static enum status read_users(
    struct store *store, const struct pg_args *args, struct leftover_users *ret_users,
    struct err *err)
{
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    /* A statement of its own: it must see what was stored while the lock was waited for. */
    enum status st = store_run(
        store,
        "SELECT EXISTS (SELECT FROM pipe WHERE id = $1::text::uuid), "
        "EXISTS (SELECT FROM pipe WHERE COALESCE(definition::json #>> '{destination,database}', "
        "'default') = $2::text AND definition::json #>> '{destination,table}' = $3::text), "
        "EXISTS (SELECT FROM leftover WHERE pipe_id <> $1::text::uuid AND database_name = $2::text "
        "AND "
        "table_name = $3::text AND is_open AND retry_at > now())",
        args, &rows, err);
    if (st == ST_OK) {
        struct pg_cell cell = pg_row(rows, 0);
        ret_users->is_pipe_there = pg_next_bool(&cell);
        ret_users->is_table_used = pg_next_bool(&cell);
        ret_users->is_table_asked = pg_next_bool(&cell);
    }
    return st;
}

enum status leftover_hold(
    struct store *store, const struct leftover *row, struct leftover_users *ret_users,
    struct err *err)
{
    struct pg_args args;
    table_args(&args, row);
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    enum status st = store_run(store, "SELECT " SQL_TABLE_LOCK, &args, &rows, err);
    return st == ST_OK ? read_users(store, &args, ret_users, err) : st;
}

enum status leftover_remove(struct store *store, const char *pipe_id, struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, pipe_id);
    return store_run(store, "DELETE FROM leftover WHERE pipe_id = $1", &args, NULL, err);
}

enum status
leftover_postpone(struct store *store, const char *pipe_id, int64_t seconds, struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, pipe_id);
    pg_add_int(&args, seconds);
    return store_run(
        store,
        "UPDATE leftover SET is_open = false, retry_at = now() + $2::bigint * interval '1 second' "
        "WHERE pipe_id = $1",
        &args, NULL, err);
}

static enum status read_row(struct pg_rows *rows, struct leftover *ret_row, struct err *err)
{
    struct pg_cell cell = pg_row(rows, 0);
    struct leftover row = {.pipe_id = NULL};
    row.pipe_id = pg_next_copy(&cell);
    row.service_id = pg_next_copy(&cell);
    row.organization_id = pg_next_copy(&cell);
    row.database = pg_next_copy(&cell);
    row.table = pg_next_copy(&cell);
    row.has_user = pg_next_bool(&cell);
    if (cell.is_out_of_memory) {
        leftover_done(&row);
        return err_set(err, ST_NO_MEMORY, "no memory for what is left of a create");
    }
    *ret_row = row;
    return ST_OK;
}

enum status leftover_next(struct store *store, struct leftover *ret_row, struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    enum status st = store_run(
        store,
        "SELECT l.pipe_id, l.service_id, s.organization_id, l.database_name, l.table_name, "
        "l.has_user FROM leftover l JOIN service s ON s.id = l.service_id WHERE l.retry_at <= "
        "now() ORDER BY l.retry_at LIMIT 1",
        &args, &rows, err);
    return st == ST_OK && pg_rows_count(rows) > 0 ? read_row(rows, ret_row, err) : st;
}
