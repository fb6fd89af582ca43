#ifndef WORKER_PROBE_INFER_SHAPE_H
#define WORKER_PROBE_INFER_SHAPE_H

/*
 * What sampled JSON values have in common, and the ClickHouse type that holds them all. Pure. The
 * rules are docs/inference.md.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/base/attr.h"
#include "common/base/err.h"

/* What becomes of a nested object. */
enum infer_nested {
    INFER_TUPLE,
    INFER_JSON,
    INFER_FLATTEN,
};

struct infer_options {
    enum infer_nested nested;
    const char *separator;   /* of flattened names */
    bool takes_text_numbers; /* "12" is a number */
};

struct shape;

/* ret: owned, shape_free; NULL without memory. */
struct shape *shape_new(void);
void shape_free(struct shape *shape);
void shape_freep(struct shape **shape);

/* Add one sampled value. is_wide: it was read with JSON_DECODE_INT_AS_REAL, so that a whole real is
 * an integer. False: no memory. */
bool shape_add(struct shape *shape, const json_t *value, bool is_wide) MUST_CHECK;

/*
 * The fields of the objects that were added: an array of {"name","type","optional"}, in the order
 * in which they were first met. ret_fields: owned reference. ST_INVALID if no object was added,
 * ST_TOO_LARGE for more fields or a longer type than a table takes, ST_NO_MEMORY.
 */
enum status shape_fields(
    const struct shape *shape, const struct infer_options *options, json_t **ret_fields,
    struct err *err) MUST_CHECK;

#endif
