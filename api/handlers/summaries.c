/*
 * GET P/summary and S/clickpipes/summary: a constant number of SQL queries,
 * however many pipes.
 */
#include <string.h>

#include "common/store/runtime.h"

#include "api/handlers/handlers.h"
#include "api/handlers/support.h"
#include "api/wire/summary_wire.h"

static const struct runtime_summary *
find_summary(const struct runtime_summaries *summaries, const char *pipe_id)
{
    for (size_t i = 0; i < summaries->count; i++) {
        if (strcmp(summaries->items[i].pipe_id, pipe_id) == 0) {
            return &summaries->items[i];
        }
    }
    return NULL;
}

enum status handle_summary_get(const struct request *request, struct reply *reply, struct err *err)
{
    struct pipe_row row = {0};
    enum status status = support_pipe(request, &row, err);
    if (status != ST_OK) {
        return status;
    }
    struct runtime_summaries summaries = {0};
    status = runtime_summarize(
        request->store, request->key.organization_id, request->service.id, row.id, &summaries, err);
    if (status == ST_OK) {
        json_t *json = wire_summary_to_json(&row, find_summary(&summaries, row.id), true);
        status = reply_set_result(reply, json, err);
        runtime_summaries_done(&summaries);
    }
    pipe_row_done(&row);
    return status;
}

enum status handle_summary_list(const struct request *request, struct reply *reply, struct err *err)
{
    struct pipe_rows rows = {0};
    enum status status =
        pipe_list(request->store, request->key.organization_id, request->service.id, &rows, err);
    if (status != ST_OK) {
        return status;
    }
    struct runtime_summaries summaries = {0};
    status = runtime_summarize(
        request->store, request->key.organization_id, request->service.id, NULL, &summaries, err);
    if (status != ST_OK) {
        pipe_rows_done(&rows);
        return status;
    }
    json_t *list = json_array();
    bool is_ok = list != NULL;
    for (size_t i = 0; is_ok && i < rows.count; i++) {
        const struct pipe_row *row = &rows.items[i];
        json_t *json = wire_summary_to_json(row, find_summary(&summaries, row->id), false);
        is_ok = json_array_append_new(list, json) == 0;
    }
    runtime_summaries_done(&summaries);
    pipe_rows_done(&rows);
    if (!is_ok) {
        json_decref(list);
        list = NULL;
    }
    return reply_set_result(reply, list, err);
}
