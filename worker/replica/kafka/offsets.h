#ifndef WORKER_REPLICA_KAFKA_OFFSETS_H
#define WORKER_REPLICA_KAFKA_OFFSETS_H

/*
 * Where a consumer group stands on every partition of a pipe's topics, and setting it elsewhere.
 * Blocking, with a deadline, for the probe process. It never joins the group; the coordinator
 * refuses a commit from outside while the group has members, so a running pipe cannot be moved.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/model/pipe.h"

struct kafka_offset_row {
    char *topic; /* owned */
    int32_t partition;
    int64_t committed; /* −1 = nothing yet */
    int64_t low;       /* oldest record there is */
    int64_t end;       /* one past the newest */
    int64_t start;     /* where the pipe would go on: committed, else what its strategy means */
    int64_t to;        /* where it is to go on; −1 = leave it */
};

struct kafka_offset_rows {
    struct kafka_offset_row *items;
    size_t count;
};
void kafka_offset_rows_done(struct kafka_offset_rows *rows);

struct kafka_offsets; /* a connection that knows the group */

/* source and group: borrowed while it lives. deadline_ms: of the monotonic clock, for all calls.
 * ret_offsets: owned; the process ends after it, so there is no call to close it. ST_INVALID,
 * ST_UNSUPPORTED, ST_NO_MEMORY. */
enum status kafka_offsets_open(
    const struct kafka_source *source, const char *group, int64_t deadline_ms,
    struct kafka_offsets **ret_offsets, struct err *err) MUST_CHECK;

/* All partitions of all topics, `to` −1. ret_rows: kafka_offset_rows_done. ST_UNAVAILABLE with
 * Kafka's words, ST_NO_MEMORY. */
enum status kafka_offsets_read(
    struct kafka_offsets *offsets, struct kafka_offset_rows *ret_rows, struct err *err) MUST_CHECK;

/* Set `to` of every row to the first record at or after this time (ms since 1970 UTC), the end if
 * there is none. ST_UNAVAILABLE. */
enum status kafka_offsets_at_time(
    struct kafka_offsets *offsets, int64_t time_ms, struct kafka_offset_rows *rows,
    struct err *err) MUST_CHECK;

/* Commit every `to` that is not −1. ST_CONFLICT while the group has members, ST_UNAVAILABLE. */
enum status kafka_offsets_commit(
    struct kafka_offsets *offsets, const struct kafka_offset_rows *rows,
    struct err *err) MUST_CHECK;

#endif
