#ifndef WORKER_REPLICA_INTAKE_H
#define WORKER_REPLICA_INTAKE_H

/*
 * One record on its way from the source into the open batch: size limit, tombstones, decode, the
 * reject row if it does not become a row, and the note in the ledger; or the waiting room, if its
 * schema is not known yet. Runs inside the source's
 * callback, so it does as little as possible per record.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/model/pipe.h"

#include "worker/replica/batch.h"
#include "worker/replica/decode/decoder.h"
#include "worker/replica/ledger/ledger.h"
#include "worker/replica/waiting.h"

enum {
    INTAKE_REJECT_WINDOW = 1000000, /* records that penstock_error_limit looks back over */
    INTAKE_REJECT_SLICES = 10,
    INTAKE_TEXT_BYTES = 768,
};

struct intake {
    const struct pipe_settings *settings; /* borrowed */
    struct ledger *ledger;                /* borrowed */
    struct waiting *waiting;              /* borrowed; NULL = the pipe has no registry */
    bool
        is_ordered; /* a record that must wait is not taken: nothing of its partition may pass it */
    struct decoder *decoder; /* borrowed; NULL until there is a plan */
    bool is_raw;
    struct batch *batch; /* borrowed: the open one */
    struct batch_limits limits;
    size_t record_max_bytes;

    /* Set before each round of records. */
    int64_t now_ms;
    size_t round_records; /* left in this round */
    size_t round_bytes;

    /* Totals. A dropped record (forgotten by a rebalance or a rewind) is read again by somebody:
     * as long as its next reading is not counted, it is owed. */
    uint64_t fetched_records;
    uint64_t fetched_bytes;
    uint64_t owed_records;
    uint64_t owed_bytes;

    bool has_to_wait; /* is_ordered: the last record was not taken, its schema is not there */

    /* Why the pipe must stop: memory, or the user's limit on rejected records. */
    bool has_failed;
    bool is_over_limit;
    bool is_broken; /* the batch cannot be stored: a fresh process reads it again */
    char failure[INTAKE_TEXT_BYTES];
    uint32_t slice_rejected[INTAKE_REJECT_SLICES];
    uint32_t slice_records;
    uint32_t slice;
};

/* A message of this size is taken, a larger one is RECORD_TOO_LARGE (docs/errors.md). */
size_t intake_record_max_bytes(size_t replica_memory_bytes);

/* Before a round of records: at most so many, so that the loop comes back soon. */
void intake_begin_round(struct intake *intake, int64_t now_ms);

/* Take one record. False = no more in this round: the batch or the waiting room is full, the round
 * is over or the intake has failed. On has_failed without is_over_limit the record was not taken.
 */
bool intake_take(struct intake *intake, size_t slot, const struct record *record);

/*
 * Try the waiting records from the present one on (waiting_rewind starts over): those whose schema
 * is there now go into the batch. True at the end of the room; false if the batch is full before,
 * or the intake has failed.
 */
bool intake_retry(struct intake *intake);

/* ClickHouse refused rows of this record, which was taken before: it counts for the limits. */
void intake_refused(struct intake *intake, const struct record *record);

/* What is owed will be read by somebody else: it does not count as fetched any more. */
void intake_forgive(struct intake *intake);

/* There is no memory for a batch that could take this record. */
void intake_no_batch(struct intake *intake, const struct record *record);

/* The open batch was dropped with its messages: they will be counted when they come again. */
void intake_owe(struct intake *intake, uint64_t records, uint64_t bytes);

#endif
