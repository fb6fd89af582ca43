#ifndef WORKER_PROBE_LOOKUP_H
#define WORKER_PROBE_LOOKUP_H

/*
 * The schema registry of a probe: the replica's own, waited for. Unlike a replica a probe does not
 * sit out an outage: the first trouble is the answer.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/http/http.h"
#include "common/model/pipe.h"
#include "common/model/pipe_state.h"

#include "worker/replica/decode/decoder.h"
#include "worker/replica/registry/registry.h"

/* Zeroed = a pipe without a registry. */
struct lookup {
    struct http_client *client; /* owned */
    struct registry *registry;  /* owned; NULL = none */
    int64_t deadline_ms;        /* monotonic */
    enum pipe_reason reason;    /* of the last failure */
};

/* source: borrowed during the call. ret_lookup: lookup_done, whatever comes back. ST_INVALID (the
 * URL), ST_NO_MEMORY. */
enum status lookup_open(
    const struct kafka_source *source, int64_t deadline_ms, struct lookup *ret_lookup,
    struct err *err) MUST_CHECK;
void lookup_done(struct lookup *lookup);

/* For decoder_new; NULL without a registry. */
const struct schema_source *lookup_source(const struct lookup *lookup);

/* Let the registry answer something. ST_OK: ask again; ST_UNAUTHORIZED, ST_UNAVAILABLE, ST_TIMEOUT
 * with the registry's words and lookup->reason. */
enum status lookup_wait(struct lookup *lookup, struct err *err) MUST_CHECK;

/* decoder_add (or decoder_add_tombstone), waiting for schemas: their statuses without
 * ST_UNAVAILABLE, and those of lookup_wait. */
struct lookup_record {
    struct decoder *decoder;
    const struct record *record;
    struct block *block;
    bool is_tombstone;
};
enum status lookup_decode(
    struct lookup *lookup, const struct lookup_record *what, struct decoder_outcome *ret_outcome,
    struct err *err) MUST_CHECK;

/* The schema of an id, SCHEMA_PINNED for the URL's. ST_NOT_FOUND if there is none, statuses of
 * lookup_wait. ret_schema: borrowed from the registry. */
enum status lookup_find(
    struct lookup *lookup, int32_t id, const struct schema **ret_schema,
    struct err *err) MUST_CHECK;

#endif
