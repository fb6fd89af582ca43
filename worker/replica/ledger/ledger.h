#ifndef WORKER_REPLICA_LEDGER_LEDGER_H
#define WORKER_REPLICA_LEDGER_LEDGER_H

/*
 * What may be committed. Every record that was taken belongs to a batch; a partition's records of
 * one batch are one range; a range is settled when its whole batch is stored (in the target or in
 * the error table). The offset to commit is one past the last settled record with nothing
 * unsettled before it (docs/architecture.md, what always holds: 1 and 2). Pure: no clock, no
 * library, no I/O.
 *
 * A record that has to wait (for its schema) is a hole: the records behind it go on into batches,
 * the offset to commit stays in front of it until a batch took it and is settled.
 *
 * A slot is a partition's index in the present assignment. Offsets are Kafka's; −1 = unknown.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

enum {
    LEDGER_BATCHES_MAX = 32, /* of a partition, unsettled at a time: exactly-once has at most 31 */
    LEDGER_SLOTS_MAX = 100 * 1000 /* partitions of one replica */
};

/* A partition as the present assignment gives it. */
struct ledger_start {
    int64_t next; /* first offset that will be read; −1 = not known before the first record */
    int64_t committed; /* of the group, −1 = none */
};

struct ledger;

/* ret_ledger: owned, ledger_free. ST_NO_MEMORY. */
enum status ledger_new(struct ledger **ret_ledger, struct err *err) MUST_CHECK;
void ledger_free(struct ledger *ledger);
void ledger_freep(struct ledger **ledger);

/* Forget everything and start with these slots (0 = none). ST_NO_MEMORY, ST_TOO_LARGE past
 * LEDGER_SLOTS_MAX; the ledger is as before. */
enum status ledger_assign(
    struct ledger *ledger, const struct ledger_start *starts, size_t count,
    struct err *err) MUST_CHECK;

size_t ledger_slots_count(const struct ledger *ledger);

/* Next offset this slot expects: one past the last one taken. −1 = unknown. */
int64_t ledger_next(const struct ledger *ledger, size_t slot);

/* True if the record was not taken before. */
bool ledger_is_new(const struct ledger *ledger, size_t slot, int64_t offset);

/* The record belongs to batch from now on. offset must be new (ledger_is_new); batches are numbered
 * upwards from 1 and at most LEDGER_BATCHES_MAX are unsettled. */
void ledger_take(struct ledger *ledger, size_t slot, int64_t offset, uint64_t batch);

/* The record is taken and waits: it belongs to no batch yet. offset must be new. ST_NO_MEMORY: the
 * ledger is as before. */
enum status ledger_hold(struct ledger *ledger, size_t slot, int64_t offset) MUST_CHECK;

/* A record that waited belongs to batch from now on. Does nothing if the slot was moved since. */
void ledger_fill(struct ledger *ledger, size_t slot, int64_t offset, uint64_t batch);

/* Every record of batch is stored. Batches may be settled in any order; once each. */
void ledger_settle(struct ledger *ledger, uint64_t batch);

/* Forget all unsettled ranges and holes: the records will be read again from ledger_restart's
 * offsets. */
void ledger_forget(struct ledger *ledger);

/* Forget the newest range of this slot, which is of this batch, if it has one: its records will be
 * read again from ledger_next. */
void ledger_drop(struct ledger *ledger, size_t slot, uint64_t batch);

/* Nothing exists below `position` that was not taken (transaction markers and holes at the end of
 * the log): if nothing is unsettled, go on there. True if there is something new to commit. Does
 * nothing before the first settled record of the assignment. */
bool ledger_step_over(struct ledger *ledger, size_t slot, int64_t position);

/* A new truth about a partition: it goes on at `next` (a gap, a topic made again). Its unsettled
 * ranges and holes are forgotten and what was committed no longer counts. */
void ledger_move(struct ledger *ledger, size_t slot, int64_t next);

/* The offset that may be committed, −1 if nothing was settled since the assignment. */
int64_t ledger_settled(const struct ledger *ledger, size_t slot);

/* What the group has committed as far as we know, −1 = nothing. */
int64_t ledger_committed(const struct ledger *ledger, size_t slot);

/* The broker has confirmed a commit of this offset. */
void ledger_confirm(struct ledger *ledger, size_t slot, int64_t offset);

/* True if ledger_settled is ahead of ledger_committed. */
bool ledger_has_commit(const struct ledger *ledger, size_t slot);

/* The offset to read from if all unsettled records are dropped; −1 = unknown. */
int64_t ledger_restart(const struct ledger *ledger, size_t slot);

#endif
