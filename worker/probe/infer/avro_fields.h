#ifndef WORKER_PROBE_INFER_AVRO_FIELDS_H
#define WORKER_PROBE_INFER_AVRO_FIELDS_H

/* The columns an Avro schema asks for: each type's natural target (docs/inference.md). Pure. */

#include <jansson.h>

#include "common/base/attr.h"
#include "common/base/err.h"

#include "worker/replica/decode/schema.h"

/* An array of {"name","type","optional"} in the order of the record's fields. ret_fields: owned
 * reference. ST_INVALID: the schema is no Avro record, or names a type it does not have;
 * ST_TOO_LARGE, ST_NO_MEMORY. */
enum status
avro_fields(const struct schema *schema, json_t **ret_fields, struct err *err) MUST_CHECK;

#endif
