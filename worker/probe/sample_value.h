#ifndef WORKER_PROBE_SAMPLE_VALUE_H
#define WORKER_PROBE_SAMPLE_VALUE_H

/*
 * A sampled record's value as JSON, for people: a JSON document as it is, an Avro record by its own
 * schema, each field as its natural target (docs/inference.md) would show it.
 */

#include <jansson.h>

#include "common/base/attr.h"
#include "common/base/err.h"

#include "worker/probe/lookup.h"
#include "worker/probe/question.h"
#include "worker/replica/decode/record.h"

struct sample_values {
    const struct question *question; /* borrowed */
    struct lookup lookup;
    int32_t id; /* of the schema that the rest is for; 0 = none yet */
    json_t *fields;
    struct pipe_column *columns;
    struct plan *plan;
    struct decoder *decoder;
    struct block *block;
    struct err trouble; /* of the registry: it is not asked again */
};

/* ret_values: sample_values_done, whatever comes back. ST_INVALID (the registry's URL),
 * ST_NO_MEMORY. */
enum status sample_values_open(
    const struct question *question, struct sample_values *ret_values, struct err *err) MUST_CHECK;
void sample_values_done(struct sample_values *values);

/* The value; owned reference. NULL with the reason in err: it is null, too long to be shown, or
 * cannot be read by its format. */
json_t *sample_value(struct sample_values *values, const struct record *record, struct err *err);

/* The schema id in front of a framed message (Confluent's wire format: zero byte, four of the id);
 * 0 = none. */
int32_t sample_schema_id(const struct record *record);

#endif
