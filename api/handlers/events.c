/*
 * GET P/events: the pipe's history, newest first.
 */
#include "common/store/events.h"

#include <stdio.h>

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
    char next[24];
    (void)snprintf(next, sizeof(next), "%lld", (long long)rows->next_id);
    return json_pack("{s:o, s:s?}", "events", list, "next", rows->next_id == 0 ? NULL : next);
}

static enum status
read_filter(const struct request *request, struct event_filter *filter, struct err *err)
{
    static const int64_t LIMITS[2] = {1, EVENT_PAGE_LIMIT_MAX};
    static const int64_t IDS[2] = {1, INT64_MAX};
    int64_t limit = EVENT_PAGE_LIMIT_DEFAULT;
    filter->type = request_query(request, "type");
    enum status status = support_query_time(request, "from", &filter->from_ms, err);
    status = status == ST_OK ? support_query_time(request, "to", &filter->to_ms, err) : status;
    if (status == ST_OK) {
        status = request_query_i64(request, "limit", LIMITS, &limit, err);
    }
    if (status == ST_OK) {
        status = request_query_i64(request, "cursor", IDS, &filter->before_id, err);
    }
    filter->limit = (int)limit;
    return status;
}

enum status handle_events_get(const struct request *request, struct reply *reply, struct err *err)
{
    struct pipe_row row = {0};
    enum status status = support_pipe(request, &row, err);
    if (status != ST_OK) {
        return status;
    }
    struct event_filter filter = {
        .pipe_id = row.id, .from_ms = INT64_MIN, .to_ms = INT64_MAX, .before_id = INT64_MAX};
    struct event_rows rows = {0};
    status = read_filter(request, &filter, err);
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
