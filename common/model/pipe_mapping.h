#ifndef COMMON_MODEL_PIPE_MAPPING_H
#define COMMON_MODEL_PIPE_MAPPING_H

/*
 * The part of a definition that decides what a record becomes: its format, whether and with which
 * schema registry it is read, field mappings, columns, and the settings that change decoding. Each
 * change of it is a new mapping version. In exactly-once mode a range that was stored before the
 * change is decoded with the old one, so replicas are told the last ones beside the present.
 *
 * What is not part of it: where records come from and go to, batches, compression, error limits.
 */

#include <jansson.h>
#include <stdbool.h>

/* The mapping of a definition as JSON, without secrets. Owned reference; NULL if out of memory. */
json_t *pipe_mapping_of(const json_t *definition);

/* True if records become the same with both definitions. False if out of memory. */
bool pipe_mapping_is_same(const json_t *definition_a, const json_t *definition_b);

/* A definition with another mapping (of pipe_mapping_of): all else is as in definition. Schemas
 * come from the present registry if the pipe has one now and had one then. Owned reference; NULL if
 * out of memory. */
json_t *pipe_mapping_apply(const json_t *definition, const json_t *mapping);

#endif
