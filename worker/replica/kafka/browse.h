#ifndef WORKER_REPLICA_KAFKA_BROWSE_H
#define WORKER_REPLICA_KAFKA_BROWSE_H

/*
 * Looking around in a cluster for the probe process: its topics, some records of a topic. Without
 * a consumer group, so nothing is joined and nothing can be committed. Blocking, with a deadline.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/model/pipe.h"
#include "common/model/pipe_state.h"

#include "worker/replica/decode/record.h"

struct browse;

/* source: borrowed for the browse's life, which is the process's. Statuses of kafka_check. */
enum status browse_open(
    const struct kafka_source *source, int64_t deadline_ms, struct browse **ret_browse,
    struct err *err) MUST_CHECK;

/* One topic; false = no memory. */
typedef bool browse_topic(void *ctx, const char *name, int partitions);

/* Every topic the login may see, in the broker's order. Statuses and reasons of kafka_check. */
enum status browse_topics(
    struct browse *browse, browse_topic *take, void *ctx, enum pipe_reason *ret_reason,
    struct err *err) MUST_CHECK;

enum browse_place {
    BROWSE_NEWEST,    /* the last records of each partition */
    BROWSE_OLDEST,    /* the first */
    BROWSE_OFFSET,    /* from `offset` on */
    BROWSE_TIMESTAMP, /* from the first record of `timestamp_ms` or later */
};

struct browse_from {
    const char *topic;
    int32_t partition; /* −1 = all */
    enum browse_place place;
    int64_t offset;
    int64_t timestamp_ms;
    int64_t limit; /* records of each partition */
};

/* One record, borrowed during the call; false = enough. */
typedef bool browse_record(void *ctx, const struct record *record);

/*
 * Hand over records in the order they come, per partition in order of offsets, until each
 * partition gave `limit` or ended, take says enough, or time is up. ST_OK also without any record;
 * statuses and reasons of kafka_check.
 */
enum status browse_records(
    struct browse *browse, const struct browse_from *from, browse_record *take, void *ctx,
    enum pipe_reason *ret_reason, struct err *err) MUST_CHECK;

#endif
