/*
 * GET P/summary and S/clickpipes/summary: a constant number of SQL queries,
 * however many pipes.
 */
#include "common/store/runtime.h"

#include "api/handlers/handlers.h"
#include "api/handlers/support.h"
#include "api/wire/summary_wire.h"

enum status handle_summary_get(const struct request *request, struct reply *reply, struct err *err)
{
    struct pipe_row row = {0};
    enum status status = support_pipe(request, &row, err);
    if (status != ST_OK) {
        return status;
    }
    const struct runtime_scope scope = {
        .organization_id = request->key.organization_id,
        .service_id = request->service.id,
        .pipe_id = row.id,
    };
    struct runtime_summaries summaries = {0};
    status = runtime_summarize(request->store, &scope, &summaries, err);
    if (status == ST_OK) {
        struct json_text json;
        size_t at = 0;
        json_text_init(&json, REPLY_LIST_MAX_BYTES);
        wire_summary_write(&json, &row, runtime_summaries_find(&summaries, row.id, &at), true);
        status = reply_set_result_text(reply, &json, err);
        runtime_summaries_done(&summaries);
    }
    pipe_row_done(&row);
    return status;
}

enum status handle_summary_list(const struct request *request, struct reply *reply, struct err *err)
{
    const struct runtime_scope scope = {
        .organization_id = request->key.organization_id,
        .service_id = request->service.id,
        .is_brief = true,
    };
    struct pipe_rows rows = {0};
    enum status status =
        pipe_list_brief(request->store, scope.organization_id, scope.service_id, &rows, err);
    if (status != ST_OK) {
        return status;
    }
    struct runtime_summaries summaries = {0};
    status = runtime_summarize(request->store, &scope, &summaries, err);
    if (status != ST_OK) {
        pipe_rows_done(&rows);
        return status;
    }
    struct json_text json;
    size_t at = 0;
    json_text_init(&json, REPLY_LIST_MAX_BYTES);
    json_text_array(&json, NULL);
    for (size_t i = 0; i < rows.count; i++) {
        const struct pipe_row *row = &rows.items[i];
        wire_summary_write(&json, row, runtime_summaries_find(&summaries, row->id, &at), false);
    }
    json_text_end_array(&json);
    runtime_summaries_done(&summaries);
    pipe_rows_done(&rows);
    return reply_set_result_text(reply, &json, err);
}
