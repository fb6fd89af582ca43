#ifndef API_WIRE_YAML_WIRE_H
#define API_WIRE_YAML_WIRE_H

#include <jansson.h>

#include "common/base/attr.h"
#include "common/base/buf.h"

/* Append JSON as block-style YAML 1.2 (https://yaml.org/spec/1.2.2/): texts and names in double
 * quotes, as JSON writes them, so that no word turns into another type. Statuses of buf_add. */
enum status wire_yaml_write(const json_t *json, struct buf *out) MUST_CHECK;

#endif
