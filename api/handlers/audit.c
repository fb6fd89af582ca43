/*
 * GET …/audit: who changed what, newest first.
 */
#include "common/store/audit.h"

#include "api/handlers/handlers.h"
#include "api/handlers/support.h"

static json_t *entry_to_json(const struct audit_row *row)
{
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s?, s:s, s:O, s:O}", "time", row->time, "key", row->key_id,
        "method", row->method, "path", row->path, "target", row->target, "outcome", row->outcome,
        "before", row->before, "after", row->after);
}

static json_t *entries_to_json(const struct audit_rows *rows)
{
    json_t *list = json_array();
    for (size_t i = 0; i < rows->count; i++) {
        if (json_array_append_new(list, entry_to_json(&rows->items[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return support_page_to_json("entries", list, rows->next_id);
}

enum status handle_audit_get(const struct request *request, struct reply *reply, struct err *err)
{
    struct support_page page;
    enum status status =
        support_query_page(request, AUDIT_PAGE_LIMIT_DEFAULT, AUDIT_PAGE_LIMIT_MAX, &page, err);
    if (status != ST_OK) {
        return status;
    }
    struct audit_filter filter = {
        .organization_id = request->key.organization_id,
        .target = request_query(request, "target"),
        .from_ms = page.from_ms,
        .to_ms = page.to_ms,
        .before_id = page.before_id,
        .limit = page.limit,
    };
    struct audit_rows rows = {0};
    status = audit_list(request->store, &filter, &rows, err);
    if (status != ST_OK) {
        return status;
    }
    status = reply_set_result(reply, entries_to_json(&rows), err);
    audit_rows_done(&rows);
    return status;
}
