#ifndef WORKER_PROBE_OFFSETS_H
#define WORKER_PROBE_OFFSETS_H

/* The probe kind "offsets" (worker/protocol/protocol.h): where the pipe's group stands, and where
 * it would stand or from now on stands after a reset. */

#include <jansson.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/model/pipe.h"

/*
 * question: the whole question; spec: its definition, read. ret_answer: owned reference.
 * ST_INVALID for a reset that cannot be (an offset that is not there), ST_CONFLICT while the group
 * has members, ST_UNAVAILABLE, ST_NO_MEMORY.
 */
enum status probe_offsets(
    const json_t *question, const struct pipe_spec *spec, int64_t deadline_ms, json_t **ret_answer,
    struct err *err) MUST_CHECK;

#endif
