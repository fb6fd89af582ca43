#ifndef WORKER_REPLICA_KAFKA_CHECK_H
#define WORKER_REPLICA_KAFKA_CHECK_H

/*
 * Can these brokers be reached with this login, and are the topics there? Blocking, with a
 * deadline, for the probe process; a replica finds out while it runs.
 */

#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/model/pipe.h"
#include "common/model/pipe_state.h"

/*
 * Connect and look at every topic of the source. group: NULL, or a consumer group whose rights are
 * looked at too. Rights that Kafka tells only to a member of the group are not seen; nothing joins
 * it and nothing is committed. ret_reason (untouched on success): what a pipe
 * would show. ST_OK; ST_INVALID or ST_UNSUPPORTED for the definition itself; ST_UNAVAILABLE
 * (unreachable), ST_UNAUTHORIZED (login refused), ST_FORBIDDEN, ST_NOT_FOUND (topic), ST_TIMEOUT
 * (deadline without any better reason), with a text a person can use.
 */
enum status kafka_check(
    const struct kafka_source *source, const char *group, int64_t deadline_ms,
    enum pipe_reason *ret_reason, struct err *err) MUST_CHECK;

/* Can the Kafka library that this process runs on do what the settings ask for? ST_UNSUPPORTED as
 * library_check. */
enum status kafka_check_library(const struct pipe_settings *settings, struct err *err) MUST_CHECK;

#endif
