#ifndef API_WIRE_SERVICE_WIRE_H
#define API_WIRE_SERVICE_WIRE_H

/* Services and organizations on the wire, with the members that clients of
 * ClickHouse Cloud read. */

#include <jansson.h>
#include <stdbool.h>

#include "common/base/attr.h"
#include "common/base/secret.h"
#include "common/model/pipe.h"
#include "common/store/services.h"

/* NULL if out of memory. Owned references. The password never leaves. */
json_t *wire_service_to_json(const struct service_row *row);
json_t *wire_organization_to_json(const struct organization_row *row);

/*
 * Read a POST or PATCH body over what is in *row (absent members keep; caCertificate null clears).
 * is_new: name and endpoint.url are required. Everything wrong goes into problems. ST_INVALID if
 * there are problems (row may be partly changed then), ST_NO_MEMORY.
 */
enum status wire_service_read(
    const json_t *body, bool is_new, struct service_row *row,
    struct pipe_problems *problems) MUST_CHECK;

#endif
