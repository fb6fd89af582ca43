#ifndef WORKER_REPLICA_REGISTRY_REGISTRY_CHECK_H
#define WORKER_REPLICA_REGISTRY_REGISTRY_CHECK_H

/*
 * Does this schema registry answer to this login, and does the schema its URL names fit the pipe's
 * format? Blocking, with a deadline, for the probe process; a replica finds out while it runs.
 */

#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/model/pipe.h"
#include "common/model/pipe_state.h"

/*
 * Ask for the schema that the URL names, with its references; a URL that names none is asked
 * whether it is a registry at all. source: must have a registry. ret_reason (untouched on success):
 * what a pipe would show. ret_member (likewise; static): the member of source.kafka that is to
 * blame, e.g. "schemaRegistry/url". ST_OK; ST_UNAUTHORIZED (login refused), ST_NOT_FOUND (no such
 * schema), ST_INVALID (the schema does not fit the format, or cannot be used), ST_UNAVAILABLE,
 * ST_TIMEOUT (deadline), ST_NO_MEMORY; with a text a person can use.
 */
enum status registry_check(
    const struct kafka_source *source, int64_t deadline_ms, enum pipe_reason *ret_reason,
    const char **ret_member, struct err *err) MUST_CHECK;

#endif
