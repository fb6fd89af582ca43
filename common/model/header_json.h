#ifndef COMMON_MODEL_HEADER_JSON_H
#define COMMON_MODEL_HEADER_JSON_H

/*
 * A record's headers as the API shows them: an object of names. A name that occurs once has its
 * value, one that is repeated a list of its values in the record's order. Names and values are
 * texts in practice; bytes that are not UTF-8 are shown as "base64:" and their base64.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/base/attr.h"

struct header_bytes {
    const void *bytes; /* borrowed; NULL if len_bytes is 0 */
    size_t len_bytes;
};

/* Add one header to the object. False if out of memory (or object is NULL). */
bool header_json_add(
    json_t *object, const struct header_bytes *name, const struct header_bytes *value) MUST_CHECK;

#endif
