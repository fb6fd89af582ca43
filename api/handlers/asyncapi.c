/*
 * GET P/asyncapi: the bare document, without the envelope; YAML for a client that asks for it.
 */
#include <string.h>

#include "api/handlers/handlers.h"
#include "api/handlers/support.h"
#include "api/wire/asyncapi_wire.h"
#include "api/wire/yaml_wire.h"

enum {
    YAML_MAX_BYTES = 16 * 1024 * 1024
};

/* json is taken. */
static enum status reply_yaml(struct reply *reply, json_t *json, struct err *err)
{
    struct buf text;
    buf_init(&text, YAML_MAX_BYTES);
    enum status status = json == NULL ? ST_NO_MEMORY : wire_yaml_write(json, &text);
    json_decref(json);
    if (status != ST_OK) {
        buf_done(&text);
        return err_set(err, ST_NO_MEMORY, "no memory for the document");
    }
    reply_set_text(reply, &text, "application/yaml; charset=utf-8");
    return ST_OK;
}

enum status handle_asyncapi_get(const struct request *request, struct reply *reply, struct err *err)
{
    struct pipe_row row = {0};
    enum status status = support_pipe(request, &row, err);
    if (status != ST_OK) {
        return status;
    }
    const bool wants_yaml = request->accept != NULL && strstr(request->accept, "yaml") != NULL;
    json_t *document = wire_asyncapi(&row);
    pipe_row_done(&row);
    return wants_yaml ? reply_yaml(reply, document, err)
                      : reply_set_json_body(reply, document, err);
}
