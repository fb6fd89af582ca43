#ifndef WORKER_REPLICA_REPORTER_H
#define WORKER_REPLICA_REPORTER_H

/*
 * Messages to the supervisor on descriptor 4. A supervisor that does not read never stops the data
 * path: what does not fit into the pipe is dropped (counters are totals, the next message carries
 * them), except events, which wait a moment.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/model/pipe_state.h"

#include "worker/protocol/protocol.h"
#include "worker/replica/latency.h"

struct reporter {
    int fd;
    int64_t generation;
    uint64_t dropped_count;
};

void reporter_init(struct reporter *ret_reporter, int fd, int64_t generation);

/* What a heartbeat says beside memory and CPU, which are read here. */
struct reporter_facts {
    enum protocol_replica_state state;
    size_t partitions_count;
    uint64_t unsettled_records;
    uint64_t unsettled_bytes;
    const struct protocol_counters *counters;
    const uint64_t *insert_numbers; /* INSERT_NUMBERS */
};
void reporter_heartbeat(struct reporter *reporter, const struct reporter_facts *facts);

/* Rows in chunks of PROTOCOL_PARTITIONS_PER_MESSAGE: add each, then flush. */
struct reporter_chunk {
    struct protocol_partitions message;
};
void reporter_add_partition(
    struct reporter *reporter, struct reporter_chunk *chunk, const struct protocol_partition *row);
void reporter_flush_partitions(struct reporter *reporter, struct reporter_chunk *chunk);

void reporter_latency(struct reporter *reporter, const struct latency *latency);

/* An event of protocol.h; details: JSON object or "". Texts are cut. */
struct reporter_event {
    const char *event;
    const char *name;
    const char *text;
    const char *details;
};
void reporter_event(struct reporter *reporter, const struct reporter_event *event);

#endif
