/*
 * Exactly-once: records into the lanes of their partitions. A partition whose metadata holds
 * ranges first gets exactly these again, one batch each; from then on its batches are closed when
 * they are due, and each becomes a range to be told (announce.c). A record that must wait for its
 * schema stops its partition, since nothing of it may pass.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/uuid.h"

#include "worker/replica/run.h"

enum status exact_open(struct run *run, struct err *err)
{
    if (!run->spec.pipe->source.exactly_once) {
        return ST_OK;
    }
    uint8_t pipe_uuid[INTENT_UUID_BYTES];
    enum status st = uuid_read(run->spec.pipe_id, pipe_uuid);
    if (st != ST_OK) {
        return err_set(err, st, "the pipe's id is no UUID: exactly-once cannot name its inserts");
    }
    st = pending_new(pipe_uuid, run->spec.epoch, &run->exact.pending, err);
    run->exact.mapping_version = run->spec.mapping_version;
    run->exact.asked_mapping = run->spec.mapping_version;
    run->exact.is_on = st == ST_OK;
    run->intake.is_ordered = run->exact.is_on;
    return st;
}

void exact_done(struct run *run)
{
    pending_freep(&run->exact.pending);
}

/* The group's offsets of these partitions do not carry our mark. */
static void tell_strangers(
    struct run *run, const struct source_start *starts, const enum pending_found *found,
    size_t count)
{
    size_t strangers = 0;
    size_t first = 0;
    for (size_t i = count; i > 0; i--) {
        if (found[i - 1] == PENDING_FOREIGN ||
            (found[i - 1] == PENDING_NONE && starts[i - 1].committed >= 0)) {
            strangers++;
            first = i - 1;
        }
    }
    if (strangers > 0) {
        status_strangers(run, &starts[first], strangers);
    }
}

static enum status
begin_slots(struct run *run, const struct source_start *starts, size_t count, struct err *err)
{
    struct pending_start *begin = calloc(count + 1, sizeof(*begin));
    enum pending_found *found = calloc(count + 1, sizeof(*found));
    uint64_t *nonces = calloc(count + 1, sizeof(*nonces));
    enum status st = ST_NO_MEMORY;
    if (begin == NULL || found == NULL || nonces == NULL) {
        (void)err_set(err, st, "no memory for %zu partitions", count);
    } else {
        st = ST_OK;
    }
    for (size_t i = 0; st == ST_OK && i < count; i++) {
        st = random_bytes(&nonces[i], sizeof(nonces[i]));
        begin[i] = (struct pending_start){.metadata = starts[i].metadata, .nonce = nonces[i]};
    }
    if (st == ST_OK) {
        st = pending_assign(run->exact.pending, begin, count, found, err);
    }
    for (size_t i = 0; st == ST_OK && i < count; i++) {
        if (found[i] == PENDING_TOO_YOUNG) {
            health_fail(
                run, PIPE_REASON_INTERNAL,
                "the group's offsets were written by a newer Penstock: run that version");
        }
    }
    if (st == ST_OK) {
        tell_strangers(run, starts, found, count);
    }
    free(begin);
    free(found);
    free(nonces);
    return st;
}

/* Ranges of a table that is gone. */
static void forget_tables(struct run *run)
{
    for (size_t slot = 0; slot < pending_slots_count(run->exact.pending); slot++) {
        size_t dropped = pending_drop_tables(run->exact.pending, slot, run->exact.table_uuid);
        if (dropped > 0) {
            run->is_commit_due = true;
            log_event(
                LOG_WARN, "ranges_forgotten", "pipe=%s slot=%zu ranges=%zu reason=other_table",
                run->spec.pipe_id, slot, dropped);
        }
    }
}

enum status
exact_assign(struct run *run, const struct source_start *starts, size_t count, struct err *err)
{
    enum status st = lanes_assign(&run->lanes, count, err);
    if (st == ST_OK) {
        st = begin_slots(run, starts, count, err);
    }
    if (st == ST_OK) {
        announce_reset(run);
        run->exact.parked_count = 0;
        forget_tables(run);
        mapping_assign(run);
    }
    return st;
}

void exact_adopt_table(struct run *run)
{
    if (run->exact.is_on) {
        memcpy(run->exact.table_uuid, run->destination.table_uuid, sizeof(run->exact.table_uuid));
        forget_tables(run);
        mapping_adopted(run);
    }
}

/* Records of it that are there no more: compacted, or deleted. Of a divided range nobody knows how
 * many there were. */
static void tell_missing(struct run *run, size_t slot, uint64_t found)
{
    const struct intent_range *range = pending_next(run->exact.pending, slot);
    if ((range->flags & INTENT_DIVIDED) == 0 && found < range->count) {
        status_missing(run, slot, range, range->count - found);
    }
}

/* The stored range that is read now has come to its end. */
static void close_range(struct run *run, size_t slot)
{
    struct pending *pending = run->exact.pending;
    const struct batch *batch = run->lanes.open[slot];
    tell_missing(run, slot, batch == NULL ? 0 : batch->messages_count);
    if (batch == NULL || batch_is_empty(batch)) {
        pending_skip(pending, slot); /* none of its records is left */
        run->is_commit_due = true;
        return;
    }
    pending_read(pending, slot, batch->id);
    lanes_seal(&run->lanes, slot, BATCH_RANGE);
}

void exact_seal(struct run *run, size_t slot, enum batch_seal seal)
{
    const struct batch *batch = run->lanes.open[slot];
    assert(batch != NULL && !batch_is_empty(batch));
    struct intent_range range = {
        .first = batch->range.first,
        .last = batch->range.last,
        .count = batch->messages_count,
        .first_ms = batch->range.first_ms,
        .last_ms = batch->range.last_ms,
        .mapping_version = run->exact.mapping_version,
    };
    memcpy(range.table_uuid, run->exact.table_uuid, sizeof(range.table_uuid));
    pending_add(run->exact.pending, slot, &range, batch->id);
    lanes_seal(&run->lanes, slot, seal);
}

/* The stored range that this record may belong to; those before it are closed. */
static const struct intent_range *range_at(struct run *run, size_t slot, int64_t offset)
{
    const struct intent_range *stored = pending_next(run->exact.pending, slot);
    while (stored != NULL && stored->last < offset) {
        close_range(run, slot);
        stored = pending_next(run->exact.pending, slot);
    }
    return stored;
}

static void note_range(struct batch *batch, const struct record *record)
{
    struct batch_range *range = &batch->range;
    if (batch->messages_count == 1) {
        range->first = record->offset;
        range->first_ms = record->timestamp_ms;
    }
    range->last = record->offset;
    range->last_ms = record->timestamp_ms;
}

enum taken {
    TAKEN,
    TAKEN_BEFORE,
    NOT_YET_SCHEMA,  /* it must wait for it */
    NOT_YET_MAPPING, /* for another plan: its partition is held */
    NOT_AT_ALL,      /* the intake has failed */
};

/* *ret_has_more: as exact_take. */
static enum taken
take(struct run *run, size_t slot, const struct record *record, bool *ret_has_more)
{
    *ret_has_more = true;
    if (UNLIKELY(!ledger_is_new(run->ledger, slot, record->offset))) {
        return TAKEN_BEFORE;
    }
    const struct intent_range *stored = range_at(run, slot, record->offset);
    if (UNLIKELY(!mapping_fits(run, stored))) {
        source_hold(run->source, slot, record->offset);
        return NOT_YET_MAPPING;
    }
    struct batch *batch = lanes_open(&run->lanes, slot);
    if (UNLIKELY(batch == NULL)) {
        intake_no_batch(&run->intake, record);
        *ret_has_more = false;
        return NOT_AT_ALL;
    }
    uint64_t before = batch->messages_count;
    run->intake.batch = batch;
    run->intake.has_to_wait = false;
    *ret_has_more = intake_take(&run->intake, slot, record);
    if (UNLIKELY(batch->messages_count == before)) {
        return run->intake.has_to_wait ? NOT_YET_SCHEMA : NOT_AT_ALL;
    }
    note_range(batch, record);
    if (UNLIKELY(stored != NULL && stored->last == record->offset)) {
        close_range(run, slot);
    }
    return TAKEN;
}

bool exact_take(struct run *run, size_t slot, const struct record *record)
{
    bool has_more = true;
    if (LIKELY(take(run, slot, record, &has_more) != NOT_YET_SCHEMA)) {
        return has_more;
    }
    if (waiting_add(run->waiting, slot, record) != ST_OK) {
        intake_no_batch(&run->intake, record);
        return false;
    }
    source_hold(run->source, slot, record->offset + 1);
    return has_more;
}

bool exact_retry(struct run *run)
{
    struct waiting_record *kept = NULL;
    intake_begin_round(&run->intake, run->now_ms);
    while ((kept = waiting_present(run->waiting)) != NULL) {
        bool has_more = true;
        switch (take(run, kept->slot, &kept->record, &has_more)) {
        case TAKEN:
        case TAKEN_BEFORE:
            source_unhold(run->source, kept->slot, kept->record.offset + 1);
            waiting_remove(run->waiting);
            break;
        case NOT_YET_MAPPING: /* read again with the other plan */
            waiting_remove(run->waiting);
            break;
        case NOT_YET_SCHEMA:
            waiting_skip(run->waiting);
            break;
        case NOT_AT_ALL:
            return false;
        }
    }
    source_unhold_done(run->source);
    return true;
}

void exact_look(struct run *run, size_t slot, int64_t position)
{
    if (run->drain == RUN_DRAIN_NONE && !run->intake.has_failed) {
        (void)range_at(run, slot, position - 1); /* closes what is passed */
    }
}

void exact_jump(struct run *run, enum source_jump jump, size_t slot, int64_t to)
{
    struct pending *pending = run->exact.pending;
    if (jump == SOURCE_JUMP_GAP) {
        (void)range_at(run, slot, to - 1); /* closes what is passed */
    } else {
        struct batch *batch = run->lanes.open[slot];
        if (batch != NULL && !batch_is_empty(batch)) {
            lanes_seal(&run->lanes, slot, BATCH_DRAIN); /* without a range: see announce.c */
        }
        uint64_t nonce = 0;
        if (random_bytes(&nonce, sizeof(nonce)) != ST_OK) {
            nonce = pending_nonce(pending, slot) + 1;
        }
        pending_reset(pending, slot, nonce);
    }
    bool is_open = run->lanes.open[slot] != NULL && !batch_is_empty(run->lanes.open[slot]);
    if (jump == SOURCE_JUMP_RECREATED || (pending_count(pending, slot) == 0 && !is_open)) {
        ledger_move(run->ledger, slot, to);
        run->is_commit_due = true;
    }
}

void exact_stored(struct run *run, const struct batch *batch)
{
    pending_settle(run->exact.pending, batch->lane, batch->id);
}

/* The first row of the second half; NULL = all rows are of one record. */
static const struct batch_row *middle_row(const struct batch *batch)
{
    size_t rows = block_rows(batch->block);
    size_t at = rows / 2;
    while (at < rows && batch->rows[at].offset == batch->rows[0].offset) {
        at++;
    }
    return at < rows ? &batch->rows[at] : NULL;
}

void exact_divide(struct run *run)
{
    const struct batch *batch = run->sending;
    const struct batch_row *middle = middle_row(batch);
    size_t rows = block_rows(batch->block);
    if (middle == NULL ||
        !pending_divide(
            run->exact.pending, batch->lane, batch->id, middle->offset, middle->timestamp_ms)) {
        health_fail(
            run, PIPE_REASON_TABLE_MISMATCH,
            "the rows of a single message belong to more partitions of the table than one insert "
            "may have: raise max_partitions_per_insert_block for this user");
        return;
    }
    log_event(
        LOG_WARN, "range_divided", "pipe=%s batch=%llu rows=%zu", run->spec.pipe_id,
        (unsigned long long)batch->id, rows);
    pace_cap_rows(&run->pace, rows / 2 + 1, run->now_ms);
    run->intake.limits = pace_limits(&run->pace);
    flow_forget(run);
    flow_rewind(run);
}
