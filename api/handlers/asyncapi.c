/*
 * GET P/asyncapi: the bare document, without the envelope. A client that wants YAML gets the same
 * text: JSON is YAML 1.2.
 */
#include <string.h>

#include "api/handlers/handlers.h"
#include "api/handlers/support.h"
#include "api/wire/asyncapi_wire.h"

enum status handle_asyncapi_get(const struct request *request, struct reply *reply, struct err *err)
{
    struct pipe_row row = {0};
    enum status status = support_pipe(request, &row, err);
    if (status != ST_OK) {
        return status;
    }
    status = reply_set_json_body(reply, wire_asyncapi(&row), err);
    pipe_row_done(&row);
    if (status == ST_OK && request->accept != NULL && strstr(request->accept, "yaml") != NULL) {
        reply->content_type = "application/yaml; charset=utf-8";
    }
    return status;
}
