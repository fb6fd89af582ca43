#ifndef WORKER_REPLICA_LEDGER_PENDING_H
#define WORKER_REPLICA_LEDGER_PENDING_H

/*
 * Exactly-once: which ranges of each partition are promised to the group and not confirmed. A range
 * is new, then asked (a commit that holds it is under way), then told (the broker has it): only
 * then may it be inserted, and from then on nobody may choose other boundaries for its records.
 * Ranges found in the group's metadata are told; they are read again before anything else, exactly
 * as they are. Pure: no clock, no Kafka, no I/O.
 *
 * A slot is a partition's index in the present assignment, a batch an id of lanes.h (from 1).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"

#include "worker/replica/ledger/intent.h"

enum pending_found {
    PENDING_NONE,      /* no metadata: a new group, or its offset was set without any */
    PENDING_OURS,      /* of this pipe and epoch */
    PENDING_EPOCH,     /* of this pipe, before it was rewound on purpose */
    PENDING_FOREIGN,   /* of something else, or damaged */
    PENDING_TOO_YOUNG, /* of a later Penstock */
};

/* A partition as the present assignment gives it. */
struct pending_start {
    const char *metadata; /* of the committed offset, borrowed; NULL = none */
    uint64_t nonce;       /* random: used where the metadata is not ours */
};

struct pending;

/* pipe_uuid: copied. ret_pending: owned, pending_free. ST_NO_MEMORY. */
enum status pending_new(
    const uint8_t pipe_uuid[INTENT_UUID_BYTES], uint64_t epoch, struct pending **ret_pending,
    struct err *err) MUST_CHECK;
void pending_free(struct pending *pending);
void pending_freep(struct pending **pending);

/* Forget everything and start with these slots (0 = none). ret_found: per slot. ST_NO_MEMORY,
 * ST_INTERNAL (intent_read); everything is as before. */
enum status pending_assign(
    struct pending *pending, const struct pending_start *starts, size_t count,
    enum pending_found *ret_found, struct err *err) MUST_CHECK;

size_t pending_slots_count(const struct pending *pending);
uint64_t pending_epoch(const struct pending *pending);
uint64_t pending_nonce(const struct pending *pending, size_t slot);

/* Ranges of this slot, read or not. */
size_t pending_count(const struct pending *pending, size_t slot);

/* First offset of the first one, −1 = there are none. */
int64_t pending_first(const struct pending *pending, size_t slot);

/* Forget stored ranges of another table: they cannot be inserted again. How many. Only while none
 * of the slot's ranges has a batch. */
size_t pending_drop_tables(
    struct pending *pending, size_t slot, const uint8_t table_uuid[INTENT_UUID_BYTES]);

/* The oldest mapping version above `above` of any slot's ranges; 0 = none. */
uint64_t pending_oldest_mapping(const struct pending *pending, uint64_t above);

/* Ranges of mapping version `from` are decoded with `to`. How many there are. */
size_t pending_change_mapping(struct pending *pending, uint64_t from, uint64_t to);

/* The stored range that must be read next, NULL = none: boundaries are free. Borrowed until the
 * slot changes. */
const struct intent_range *pending_next(const struct pending *pending, size_t slot);

/* Its records are in this batch. */
void pending_read(struct pending *pending, size_t slot, uint64_t batch);

/* None of its records exists any more: forget it. */
void pending_skip(struct pending *pending, size_t slot);

/* True if one more new range fits. */
bool pending_has_room(const struct pending *pending, size_t slot);

/* A new range behind all others; pending_next must be NULL and there must be room. */
void pending_add(
    struct pending *pending, size_t slot, const struct intent_range *range, uint64_t batch);

/* The range of a batch; NULL = the batch has none. Borrowed until the slot changes. */
const struct intent_range *pending_of(const struct pending *pending, size_t slot, uint64_t batch);

/* True if the broker has the range of this batch. ret_is_replay: an insert of it may have been
 * begun before. */
bool pending_is_told(
    const struct pending *pending, size_t slot, uint64_t batch, bool *ret_is_replay);

/* True if the slot has ranges that the broker does not have. */
bool pending_has_news(const struct pending *pending, size_t slot);

/* The metadata of the slot: all its ranges. Statuses of intent_write. */
enum status pending_write(
    const struct pending *pending, size_t slot, struct buf *out, struct err *err) MUST_CHECK;

/* A commit with the slot's metadata is under way; the broker has taken it. */
void pending_ask(struct pending *pending, size_t slot);
void pending_tell(struct pending *pending, size_t slot);

/* The range of this batch is settled. */
void pending_settle(struct pending *pending, size_t slot, uint64_t batch);

/*
 * The range of this batch is too large for one insert, and nothing of it was stored: two ranges
 * take its place, of which the second begins with the record at offset `at`. ms: timestamp of that
 * record. No batch has them: pending_forget of the slot is part of it. False: no room, nothing has
 * changed.
 */
bool pending_divide(struct pending *pending, size_t slot, uint64_t batch, int64_t at, int64_t ms);

/* All batches are dropped: ranges that the broker may have are read again, the others are free. */
void pending_forget(struct pending *pending);

/* The partition starts over with other records: forget all of its ranges. */
void pending_reset(struct pending *pending, size_t slot, uint64_t nonce);

#endif
