#ifndef WORKER_REPLICA_LANES_H
#define WORKER_REPLICA_LANES_H

/*
 * Where records are collected until they are inserted. A lane has at most one open batch; sealed
 * ones wait in one queue, oldest first, until the sink takes them; stored ones come back and are
 * used again. At-least-once has one lane that all partitions share, exactly-once one per partition,
 * so that a batch is a contiguous piece of one of them. When a batch is sealed and which one the
 * sink gets is decided by its callers (seal.c, announce.c).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

#include "worker/replica/batch.h"

/* All borrowed for the lanes' life. */
struct lanes_params {
    const struct block_column *columns;
    size_t columns_count;
    const char *pipe_id;
    size_t keep_bytes; /* column memory that all emptied batches together may keep */
};

struct lanes {
    struct lanes_params params;
    struct batch **open; /* owned; per lane, NULL = none */
    size_t *sealed;      /* owned; per lane: batches in the queue or at the sink */
    bool *parked;        /* owned; per lane: park.c holds its partition */
    size_t count;
    struct batch *first; /* owned: the queue */
    struct batch **last_link;
    size_t queued;
    struct batch *free; /* owned */
    size_t free_count;
    uint64_t last_id; /* of a batch; goes on over lanes_init */
};

/* `count` lanes without batches. What the lanes had before is freed (lanes_done). ST_NO_MEMORY. */
enum status lanes_init(
    struct lanes *lanes, const struct lanes_params *params, size_t count,
    struct err *err) MUST_CHECK;

/* Free all batches but those that lanes_take gave away. Safe twice and on a zeroed struct. */
void lanes_done(struct lanes *lanes);

/* Start over with `count` empty lanes. Batches at the sink must be back. ST_NO_MEMORY: as before.
 */
enum status lanes_assign(struct lanes *lanes, size_t count, struct err *err) MUST_CHECK;

/* The open batch of this lane, made if there is none. Borrowed until it is sealed. NULL: no memory.
 */
struct batch *lanes_open(struct lanes *lanes, size_t lane);

/* Close the open batch, which must be there, and queue it. */
void lanes_seal(struct lanes *lanes, size_t lane, enum batch_seal seal);

/* The oldest sealed batch; go on with its `next`. NULL = none. */
struct batch *lanes_first(const struct lanes *lanes);

/* Take a batch out of the queue; it is the caller's until lanes_give_back. */
void lanes_take(struct lanes *lanes, struct batch *batch);

/* It is stored or dropped: to be emptied and used again. */
void lanes_give_back(struct lanes *lanes, struct batch *batch);

/* Drop the open batch of this lane, which must be there. */
void lanes_drop_open(struct lanes *lanes, size_t lane);

/* Drop all open and queued batches; no lane is parked any more. */
void lanes_forget(struct lanes *lanes);

/* Make sure that the next lanes_open does not fail. Statuses of batch_init. */
enum status lanes_reserve(struct lanes *lanes, struct err *err) MUST_CHECK;

/* Messages in open and queued batches, and the bytes of their keys and values. */
void lanes_input(const struct lanes *lanes, uint64_t *ret_records, uint64_t *ret_bytes);

/* Nothing is open with records, nothing queued. */
bool lanes_are_empty(const struct lanes *lanes);

/* Heap memory of all batches here. */
size_t lanes_memory_bytes(const struct lanes *lanes);

#endif
