/*
 * Writing and reading audit_entry.
 */
#include "common/store/audit.h"

#include <assert.h>
#include <stdlib.h>

#include "common/store/store_internal.h"

/* JSON as the text of a column; NULL gives NULL. ST_NO_MEMORY. */
static enum status text_of(const json_t *json, char **ret_text, struct err *err)
{
    *ret_text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    if (json != NULL && *ret_text == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for an audit entry");
    }
    return ST_OK;
}

enum status
audit_begin(struct store *store, const struct audit_call *call, int64_t *ret_id, struct err *err)
{
    CLEANUP(freep) char *before = NULL;
    enum status status = text_of(call->before, &before, err);
    if (status != ST_OK) {
        return status;
    }
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, call->organization_id);
    pg_add_text(&args, call->key_id);
    pg_add_text(&args, call->method);
    pg_add_text(&args, call->path);
    pg_add_text(&args, call->target);
    pg_add_text(&args, before);
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    status = store_run(
        store,
        "INSERT INTO audit_entry (organization_id, key_id, method, path, target, before)"
        " VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
        &args, &rows, err);
    if (status == ST_OK) {
        struct pg_cell cell = pg_row(rows, 0);
        *ret_id = pg_next_int(&cell);
    }
    return status;
}

enum status audit_complete(
    struct store *store, int64_t id, const char *target, const json_t *after, struct err *err)
{
    CLEANUP(freep) char *text = NULL;
    enum status status = text_of(after, &text, err);
    if (status != ST_OK) {
        return status;
    }
    struct pg_args args;
    pg_args_init(&args);
    pg_add_int(&args, id);
    pg_add_text(&args, target);
    pg_add_text(&args, text);
    return store_run(
        store,
        "UPDATE audit_entry SET outcome = 'done', target = COALESCE($2, target), after = $3"
        " WHERE id = $1",
        &args, NULL, err);
}

enum status audit_drop(struct store *store, int64_t id, struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    pg_add_int(&args, id);
    return store_run(store, "DELETE FROM audit_entry WHERE id = $1", &args, NULL, err);
}

static void audit_row_done(struct audit_row *row)
{
    free(row->time);
    free(row->key_id);
    free(row->method);
    free(row->path);
    free(row->target);
    free(row->outcome);
    json_decref(row->before);
    json_decref(row->after);
}

void audit_rows_done(struct audit_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        audit_row_done(&rows->items[i]);
    }
    free(rows->items);
    *rows = (struct audit_rows){0};
}

/* The next cell: JSON, null for a null. */
static enum status read_json(struct pg_cell *cell, json_t **ret_json, struct err *err)
{
    const char *text = pg_next_text(cell);
    return store_parse_json(text == NULL ? "null" : text, "audit entries", ret_json, err);
}

static enum status
read_row(const struct pg_rows *rows, int index, struct audit_row *ret_row, struct err *err)
{
    struct pg_cell cell = pg_row(rows, index);
    ret_row->id = pg_next_int(&cell);
    ret_row->time = pg_next_copy(&cell);
    ret_row->key_id = pg_next_copy(&cell);
    ret_row->method = pg_next_copy(&cell);
    ret_row->path = pg_next_copy(&cell);
    ret_row->target = pg_next_copy(&cell);
    ret_row->outcome = pg_next_copy(&cell);
    if (cell.is_out_of_memory) {
        return err_set(err, ST_NO_MEMORY, "no memory for an audit entry");
    }
    enum status status = read_json(&cell, &ret_row->before, err);
    return status == ST_OK ? read_json(&cell, &ret_row->after, err) : status;
}

static enum status
read_rows(const struct pg_rows *rows, int limit, struct audit_rows *ret_rows, struct err *err)
{
    int count = pg_rows_count(rows) < limit ? pg_rows_count(rows) : limit;
    struct audit_rows made = {calloc((size_t)count + 1, sizeof(struct audit_row)), 0, 0};
    enum status status =
        made.items == NULL ? err_set(err, ST_NO_MEMORY, "no memory for the audit") : ST_OK;
    for (int i = 0; status == ST_OK && i < count; i++) {
        made.count++;
        status = read_row(rows, i, &made.items[i], err);
    }
    if (status != ST_OK) {
        audit_rows_done(&made);
        return status;
    }
    if (pg_rows_count(rows) > limit) {
        made.next_id = made.items[count - 1].id;
    }
    *ret_rows = made;
    return ST_OK;
}

/* $3 and $4 are milliseconds, null = any. One row more than the limit tells whether more follow. */
static const char LIST_SQL[] =
    "SELECT id, " SQL_RFC3339("time") ", key_id, method, path, target, outcome, before, after"
                                      " FROM audit_entry WHERE organization_id = $1"
                                      " AND ($2::text IS NULL OR target = $2)"
                                      " AND ($3::bigint IS NULL OR time >="
                                      " to_timestamp($3::double precision / 1000))"
                                      " AND ($4::bigint IS NULL OR time <"
                                      " to_timestamp($4::double precision / 1000))"
                                      " AND id < $5 ORDER BY id DESC LIMIT $6";

enum status audit_list(
    struct store *store, const struct audit_filter *filter, struct audit_rows *ret_rows,
    struct err *err)
{
    assert(filter->limit >= 1 && filter->limit <= AUDIT_PAGE_LIMIT_MAX);
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, filter->organization_id);
    pg_add_text(&args, filter->target);
    store_add_time(&args, filter->from_ms, INT64_MIN);
    store_add_time(&args, filter->to_ms, INT64_MAX);
    pg_add_int(&args, filter->before_id);
    pg_add_int(&args, filter->limit + 1);
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    enum status status = store_run(store, LIST_SQL, &args, &rows, err);
    return status == ST_OK ? read_rows(rows, filter->limit, ret_rows, err) : status;
}
