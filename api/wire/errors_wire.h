#ifndef API_WIRE_ERRORS_WIRE_H
#define API_WIRE_ERRORS_WIRE_H

/* A page of rejected records. */

#include <jansson.h>

#include "common/clickhouse/error_table.h"

/* {"errors":[…],"next"}; NULL if out of memory. Owned reference. key and value are texts when both
 * are UTF-8, else both base64 (encoding says which). */
json_t *wire_errors_to_json(const struct error_page *page);

#endif
