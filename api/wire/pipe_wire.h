#ifndef API_WIRE_PIPE_WIRE_H
#define API_WIRE_PIPE_WIRE_H

/*
 * The REST shape of a pipe: what of a request is kept, what of it
 * is a secret, and what a response shows. The only place that knows both sides. It copies and
 * drops; whether a value makes sense is the model's question.
 */

#include <jansson.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/json_text.h"
#include "common/store/pipes.h"

/*
 * Split a create body. ret_definition: the members the contract knows, values as sent and in the
 * order sent, without credentials; null members, and empty texts where the contract means "unset",
 * are left out. ret_secrets: {"kafka": credentials, "schemaRegistry": credentials}, NULL if the
 * body has none. Both owned references. ST_NO_MEMORY.
 */
enum status wire_pipe_split(
    json_t *body, json_t **ret_definition, json_t **ret_secrets, struct err *err) MUST_CHECK;

/* The ClickPipe object of a response, as the next value. No secret, no write-only member. row: with
 * its definition. */
void wire_pipe_write(struct json_text *json, const struct pipe_row *row);

/* The same as a tree; NULL if out of memory. Owned reference. */
json_t *wire_pipe_to_json(const struct pipe_row *row);

/* The "settings" a script reads: the explicit ones and always the effective kafka_read_committed
 * NULL if out of memory. Owned reference. */
json_t *wire_settings_to_json(const json_t *definition);

#endif
