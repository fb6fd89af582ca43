/*
 * Reading pipe_event.
 */
#include "common/store/events.h"

#include <assert.h>
#include <stdlib.h>

#include "common/store/history.h"

static void event_row_done(void *context)
{
    struct event_row *row = context;
    free(row->time);
    free(row->type);
    free(row->severity);
    free(row->message);
    json_decref(row->details);
}

static enum status event_row_read(struct pg_cell *cell, void *context, struct err *err)
{
    struct event_row *row = context;
    row->id = pg_next_int(cell);
    row->time = pg_next_copy(cell);
    row->type = pg_next_copy(cell);
    row->severity = pg_next_copy(cell);
    row->message = pg_next_copy(cell);
    return store_parse_json(pg_next_text(cell), "an event's details", &row->details, err);
}

static const struct history_form EVENTS = {
    .sql = HISTORY_SQL("type, severity, message, details", "pipe_event", "pipe_id", "type"),
    .what = "events",
    .row_bytes = sizeof(struct event_row),
    .read = event_row_read,
    .done = event_row_done,
};

void event_rows_done(struct event_rows *rows)
{
    struct history_rows all = {rows->items, rows->count, 0};
    history_rows_done(&EVENTS, &all);
    rows->items = NULL;
    rows->count = 0;
}

enum status event_list(
    struct store *store, const struct event_filter *filter, struct event_rows *ret_rows,
    struct err *err)
{
    assert(filter->limit >= 1 && filter->limit <= EVENT_PAGE_LIMIT_MAX);
    const struct history_page page = {filter->pipe_id, filter->type,      filter->from_ms,
                                      filter->to_ms,   filter->before_id, filter->limit};
    struct history_rows rows = {.items = NULL};
    enum status status = history_list(store, &EVENTS, &page, &rows, err);
    if (status == ST_OK) {
        *ret_rows = (struct event_rows){rows.items, rows.count, rows.next_id};
    }
    return status;
}
