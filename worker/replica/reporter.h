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

enum {
    REPORTER_IDLE_MS = 5000, /* a replica that has nothing new to say says so this often */
};

struct reporter {
    int fd;
    int64_t generation;
    uint64_t dropped_count;
    /* What the supervisor heard last, so that it need not hear it again. */
    struct protocol_heartbeat heartbeat;
    struct protocol_latency latency;
    uint64_t partitions_digest;
    int64_t heartbeat_ms;
    int64_t news_ms; /* when something changed last */
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
void reporter_heartbeat(
    struct reporter *reporter, const struct reporter_facts *facts, int64_t now_ms);

/* The same at a regular moment: left out while nothing changes, but for one each REPORTER_IDLE_MS
 * and for as long after the last change, so that the supervisor sees rates fall to zero. */
void reporter_regular_heartbeat(
    struct reporter *reporter, const struct reporter_facts *facts, int64_t now_ms);

/* A number of these rows, in their order; start with 0. */
uint64_t reporter_digest(uint64_t digest, const struct protocol_partition *row);

/* True if rows of this digest were heard already. */
bool reporter_knows_partitions(const struct reporter *reporter, uint64_t digest);

/* Rows of this digest were sent, and none dropped since before_count messages were. */
void reporter_note_partitions(struct reporter *reporter, uint64_t digest, uint64_t before_count);

/* Rows in chunks of PROTOCOL_PARTITIONS_PER_MESSAGE: add each, then flush. */
struct reporter_chunk {
    struct protocol_partitions message;
};
void reporter_add_partition(
    struct reporter *reporter, struct reporter_chunk *chunk, const struct protocol_partition *row);
void reporter_flush_partitions(struct reporter *reporter, struct reporter_chunk *chunk);

/* Left out if it says what the last one said. */
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
