/*
 * Reading pipe_event.
 */
#include "common/store/events.h"

#include <assert.h>
#include <stdlib.h>

#include "common/store/store_internal.h"

/* $3 and $4 are milliseconds, null = any. One row more than the limit tells whether more follow. */
static const char LIST_SQL[] = "SELECT id, " SQL_RFC3339(
    "time") ", type, severity, message, details FROM pipe_event"
            " WHERE pipe_id = $1 AND ($2::text IS NULL OR type = $2)"
            " AND ($3::bigint IS NULL OR time >= to_timestamp($3::double precision / 1000))"
            " AND ($4::bigint IS NULL OR time < to_timestamp($4::double precision / 1000))"
            " AND id < $5 ORDER BY id DESC LIMIT $6";

static void event_row_done(struct event_row *row)
{
    free(row->time);
    free(row->type);
    free(row->severity);
    free(row->message);
    json_decref(row->details);
}

void event_rows_done(struct event_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        event_row_done(&rows->items[i]);
    }
    free(rows->items);
    rows->items = NULL;
    rows->count = 0;
}

static enum status
read_row(const struct pg_rows *rows, int index, struct event_row *ret_row, struct err *err)
{
    struct pg_cell cell = pg_row(rows, index);
    ret_row->id = pg_next_int(&cell);
    ret_row->time = pg_next_copy(&cell);
    ret_row->type = pg_next_copy(&cell);
    ret_row->severity = pg_next_copy(&cell);
    ret_row->message = pg_next_copy(&cell);
    if (cell.is_out_of_memory) {
        return err_set(err, ST_NO_MEMORY, "no memory for an event");
    }
    return store_parse_json(pg_next_text(&cell), "an event's details", &ret_row->details, err);
}

static enum status
read_rows(const struct pg_rows *rows, int limit, struct event_rows *ret_rows, struct err *err)
{
    int count = pg_rows_count(rows) < limit ? pg_rows_count(rows) : limit;
    struct event_rows made = {calloc((size_t)count + 1, sizeof(struct event_row)), 0, 0};
    if (made.items == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for %d events", count);
    }
    for (int i = 0; i < count; i++) {
        made.count++;
        enum status status = read_row(rows, i, &made.items[i], err);
        if (status != ST_OK) {
            event_rows_done(&made);
            return status;
        }
    }
    if (pg_rows_count(rows) > limit) {
        made.next_id = made.items[count - 1].id;
    }
    *ret_rows = made;
    return ST_OK;
}

enum status event_list(
    struct store *store, const struct event_filter *filter, struct event_rows *ret_rows,
    struct err *err)
{
    assert(filter->limit >= 1 && filter->limit <= EVENT_PAGE_LIMIT_MAX);
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, filter->pipe_id);
    pg_add_text(&args, filter->type);
    store_add_time(&args, filter->from_ms, INT64_MIN);
    store_add_time(&args, filter->to_ms, INT64_MAX);
    pg_add_int(&args, filter->before_id);
    pg_add_int(&args, filter->limit + 1);
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    enum status status = store_run(store, LIST_SQL, &args, &rows, err);
    if (status != ST_OK) {
        return status;
    }
    return read_rows(rows, filter->limit, ret_rows, err);
}
