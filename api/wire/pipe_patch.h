#ifndef API_WIRE_PIPE_PATCH_H
#define API_WIRE_PIPE_PATCH_H

/*
 * PATCH of a pipe and PUT of its settings as changes of the stored
 * JSON. What may not be changed is ignored, as on Cloud; what results is judged by the model.
 */

#include <jansson.h>
#include <stdbool.h>

#include "common/base/attr.h"
#include "common/base/err.h"

/* True for the User-Agent of Terraform's provider (may be NULL), which sends complete values: what
 * it leaves out is meant to go. */
bool wire_is_terraform(const char *user_agent);

struct pipe_patch {
    json_t *definition; /* owned reference, changed in place */
    json_t *secrets;    /* owned reference, NULL = none */
    bool has_new_secrets;
};
void wire_patch_done(struct pipe_patch *patch);

/* Apply body to patch. ST_INVALID for what the contract refuses (field mappings without columns,
 * new registry credentials), ST_NO_MEMORY. On failure patch is only fit for wire_patch_done. */
enum status wire_patch_apply(
    json_t *body, bool is_terraform, struct pipe_patch *patch, struct err *err) MUST_CHECK;

/* Put settings: Terraform's replace the old ones; others are merged, null clears a key, {} is
 * refused. Changes definition in place. ST_INVALID, ST_NO_MEMORY. */
enum status
wire_settings_put(json_t *body, bool is_terraform, json_t *definition, struct err *err) MUST_CHECK;

/*
 * Apply the body of PATCH P/source, {"kafka": {…}}: any member of the source, also those that
 * PATCH P cannot change. Absent keeps, null clears; a schemaRegistry of credentials alone keeps the
 * registry. ST_INVALID, ST_NO_MEMORY.
 */
enum status wire_source_patch(json_t *body, struct pipe_patch *patch, struct err *err) MUST_CHECK;

/* True if such a body has logins only (of Kafka, of the registry): a running pipe takes them, since
 * what it reads and where it goes stay the same. */
bool wire_source_is_login(const json_t *body);

#endif
