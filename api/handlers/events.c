/*
 * GET P/events: the pipe's history, newest first.
 */
#include "common/store/events.h"

#include "api/handlers/handlers.h"
#include "api/handlers/support.h"

static json_t *event_to_json(const struct event_row *row)
{
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:O}", "time", row->time, "type", row->type, "severity",
        row->severity, "message", row->message, "details", row->details);
}

static json_t *page_to_json(const struct event_rows *rows)
{
    json_t *list = json_array();
    for (size_t i = 0; i < rows->count; i++) {
        if (json_array_append_new(list, event_to_json(&rows->items[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return support_page_to_json("events", list, rows->next_id);
}

static const char *const TYPES[] = {
#define X(type) #type,
    EVENT_TYPES(X)
#undef X
};

enum status handle_events_get(const struct request *request, struct reply *reply, struct err *err)
{
    struct pipe_row row = {0};
    enum status status = support_pipe(request, &row, err);
    if (status != ST_OK) {
        return status;
    }
    struct support_page page;
    struct event_rows rows = {0};
    status =
        support_query_page(request, EVENT_PAGE_LIMIT_DEFAULT, EVENT_PAGE_LIMIT_MAX, &page, err);
    struct event_filter filter = {
        .pipe_id = row.id,
        .type = request_query(request, "type"),
        .from_ms = page.from_ms,
        .to_ms = page.to_ms,
        .before_id = page.before_id,
        .limit = page.limit,
    };
    if (status == ST_OK) {
        status =
            support_check_word("query parameter type", filter.type, TYPES, ARRAY_LEN(TYPES), err);
    }
    if (status == ST_OK) {
        status = event_list(request->store, &filter, &rows, err);
    }
    pipe_row_done(&row);
    if (status != ST_OK) {
        return status;
    }
    status = reply_set_result(reply, page_to_json(&rows), err);
    event_rows_done(&rows);
    return status;
}
