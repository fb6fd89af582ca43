/* The words for the kinds of schemas. */
#include "worker/replica/decode/schema.h"

const char *schema_kind_text(enum schema_kind kind)
{
    switch (kind) {
    case SCHEMA_AVRO:
        return "an Avro schema";
    case SCHEMA_JSON:
        return "a JSON Schema";
    case SCHEMA_PROTOBUF:
        return "a Protobuf schema";
    }
    return "a schema of an unknown kind"; /* uncovered: the enum has no other value */
}
