/*
 * Writing and reading audit_entry.
 */
#include "common/store/audit.h"

#include <assert.h>
#include <stdlib.h>

#include "common/store/history.h"

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

static void audit_row_done(void *context)
{
    struct audit_row *row = context;
    free(row->time);
    free(row->key_id);
    free(row->method);
    free(row->path);
    free(row->target);
    free(row->outcome);
    json_decref(row->before);
    json_decref(row->after);
}

/* The next cell: JSON, null for a null. */
static enum status read_json(struct pg_cell *cell, json_t **ret_json, struct err *err)
{
    const char *text = pg_next_text(cell);
    return store_parse_json(text == NULL ? "null" : text, "audit entries", ret_json, err);
}

static enum status audit_row_read(struct pg_cell *cell, void *context, struct err *err)
{
    struct audit_row *row = context;
    row->id = pg_next_int(cell);
    row->time = pg_next_copy(cell);
    row->key_id = pg_next_copy(cell);
    row->method = pg_next_copy(cell);
    row->path = pg_next_copy(cell);
    row->target = pg_next_copy(cell);
    row->outcome = pg_next_copy(cell);
    enum status status = read_json(cell, &row->before, err);
    return status == ST_OK ? read_json(cell, &row->after, err) : status;
}

static const struct history_form ENTRIES = {
    .sql = HISTORY_SQL(
        "key_id, method, path, target, outcome, before, after", "audit_entry", "organization_id",
        "target"),
    .what = "audit entries",
    .row_bytes = sizeof(struct audit_row),
    .read = audit_row_read,
    .done = audit_row_done,
};

void audit_rows_done(struct audit_rows *rows)
{
    struct history_rows all = {rows->items, rows->count, 0};
    history_rows_done(&ENTRIES, &all);
    *rows = (struct audit_rows){0};
}

enum status audit_list(
    struct store *store, const struct audit_filter *filter, struct audit_rows *ret_rows,
    struct err *err)
{
    assert(filter->limit >= 1 && filter->limit <= AUDIT_PAGE_LIMIT_MAX);
    const struct history_page page = {filter->organization_id, filter->target,    filter->from_ms,
                                      filter->to_ms,           filter->before_id, filter->limit};
    struct history_rows rows = {.items = NULL};
    enum status status = history_list(store, &ENTRIES, &page, &rows, err);
    if (status == ST_OK) {
        *ret_rows = (struct audit_rows){rows.items, rows.count, rows.next_id};
    }
    return status;
}
