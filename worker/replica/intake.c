/* The hot path between the Kafka callback and the decoder. */
#include "worker/replica/intake.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"

enum {
    ROUND_RECORDS = 8192,          /* about 2 ms of small records */
    ROUND_BYTES = 4 * 1024 * 1024, /* likewise of large ones */
    RECORD_SMALL_MAX = 16 * 1024 * 1024,
    RECORD_LARGE_MAX = 32 * 1024 * 1024,
};

size_t intake_record_max_bytes(size_t replica_memory_bytes)
{
    const size_t one_gb = (size_t)1024 * 1024 * 1024;
    return replica_memory_bytes > one_gb ? RECORD_LARGE_MAX : RECORD_SMALL_MAX;
}

void intake_begin_round(struct intake *intake, int64_t now_ms)
{
    intake->now_ms = now_ms;
    intake->round_records = ROUND_RECORDS;
    intake->round_bytes = ROUND_BYTES;
}

static void intake_fail(struct intake *intake, const struct record *record, const char *what)
{
    intake->has_failed = true;
    (void)snprintf(
        intake->failure, sizeof(intake->failure), "%s (topic %s, partition %d, offset %lld)", what,
        record->topic, (int)record->partition, (long long)record->offset); /* cut is fine */
}

/* penstock_error_mode and penstock_error_limit: one more rejected message. */
static void intake_count_rejected(struct intake *intake, const struct record *record)
{
    const struct pipe_settings *settings = intake->settings;
    if (settings->error_mode == PIPE_ERROR_STOP) {
        intake->is_over_limit = true;
        intake_fail(intake, record, "a record was rejected and penstock_error_mode is stop");
        return;
    }
    if (settings->error_limit == 0) {
        return;
    }
    intake->slice_rejected[intake->slice]++;
    uint64_t rejected = 0;
    for (size_t i = 0; i < INTAKE_REJECT_SLICES; i++) {
        rejected += intake->slice_rejected[i];
    }
    if (rejected > (uint64_t)settings->error_limit) {
        intake->is_over_limit = true;
        intake_fail(intake, record, "more records were rejected than penstock_error_limit allows");
    }
}

/* One more message in the window that the limit looks back over. */
static void intake_check_limit(struct intake *intake, const struct record *record, bool is_rejected)
{
    if (UNLIKELY(is_rejected)) {
        intake_count_rejected(intake, record);
    }
    if (LIKELY(intake->settings->error_limit == 0)) {
        return;
    }
    intake->slice_records++;
    if (intake->slice_records >= INTAKE_REJECT_WINDOW / INTAKE_REJECT_SLICES) {
        intake->slice_records = 0;
        intake->slice = (intake->slice + 1) % INTAKE_REJECT_SLICES;
        intake->slice_rejected[intake->slice] = 0;
    }
}

void intake_refused(struct intake *intake, const struct record *record)
{
    intake_count_rejected(intake, record);
}

static enum status
intake_reject(struct intake *intake, const struct record *record, const struct reject *reject)
{
    struct reject_row row = {.record = record, .reject = reject, .now_ms = clock_wall_ms()};
    enum status st = reject_block_add(intake->batch->rejects, &row, NULL);
    if (st == ST_OK) {
        intake->batch->rejected_count++;
    }
    return st;
}

/* What became of one record. */
struct placed {
    size_t rows_count;
    bool is_rejected;
};

/* The decoder's answer: rows, or a reject row. */
static enum status intake_settle(
    struct intake *intake, const struct record *record, const struct decoder_outcome *outcome,
    enum status st, struct placed *ret_placed)
{
    if (LIKELY(st == ST_OK)) {
        ret_placed->rows_count = outcome->rows_count;
        if (UNLIKELY(outcome->rows_count == 0)) {
            intake->batch->skipped_count++; /* an empty array, nothing but blank lines */
        }
        return ST_OK;
    }
    if (st != ST_REJECTED) {
        return st;
    }
    ret_placed->is_rejected = true;
    return intake_reject(intake, record, &outcome->reject);
}

/* A null value of a pipe that is not raw. */
static enum status intake_place_tombstone(
    struct intake *intake, const struct record *record, struct placed *ret_placed)
{
    struct decoder_outcome outcome;
    enum status st = ST_REJECTED;
    switch (intake->settings->tombstones) {
    case PIPE_TOMBSTONES_SKIP:
        intake->batch->skipped_count++;
        return ST_OK;
    case PIPE_TOMBSTONES_ROW:
        st = decoder_add_tombstone(intake->decoder, record, intake->batch->block, &outcome, NULL);
        break;
    case PIPE_TOMBSTONES_ERROR:
        reject_set(
            &outcome.reject, REJECT_DATA_PARSING, NULL,
            "the value is null (a tombstone) and penstock_tombstones is error");
        break;
    }
    return intake_settle(intake, record, &outcome, st, ret_placed);
}

/* Into the batch, one way or another. ST_UNAVAILABLE: nothing was done, it must wait. */
static enum status
intake_place(struct intake *intake, const struct record *record, struct placed *ret_placed)
{
    if (UNLIKELY(record->value == NULL && !intake->is_raw)) {
        return intake_place_tombstone(intake, record, ret_placed);
    }
    struct decoder_outcome outcome;
    enum status st = ST_REJECTED;
    if (UNLIKELY(record->value_bytes > intake->record_max_bytes)) {
        reject_set(
            &outcome.reject, REJECT_RECORD_TOO_LARGE, NULL,
            "the message has %zu bytes, the limit is %zu; the first %d bytes are kept",
            record->value_bytes, intake->record_max_bytes, (int)REJECT_LARGE_VALUE_BYTES);
    } else {
        st = decoder_add(intake->decoder, record, intake->batch->block, &outcome, NULL);
    }
    return intake_settle(intake, record, &outcome, st, ret_placed);
}

static void intake_count(struct intake *intake, uint64_t bytes)
{
    if (UNLIKELY(intake->owed_records > 0)) {
        intake->owed_records--;
        uint64_t paid_bytes = bytes < intake->owed_bytes ? bytes : intake->owed_bytes;
        intake->owed_bytes -= paid_bytes;
        intake->fetched_bytes += bytes - paid_bytes;
        return;
    }
    intake->fetched_records++;
    intake->fetched_bytes += bytes;
}

/* What is noted of a message that is in the batch. */
static enum status intake_note(
    struct intake *intake, size_t slot, const struct record *record, const struct placed *placed)
{
    struct batch_row row = {
        .offset = record->offset,
        .timestamp_ms = record->timestamp_ms,
        .slot = (uint32_t)slot,
    };
    enum status st = batch_note_rows(intake->batch, &row, placed->rows_count);
    if (UNLIKELY(st != ST_OK)) {
        intake->is_broken = true;
        return st;
    }
    batch_note_message(intake->batch, record->key_bytes + record->value_bytes, intake->now_ms);
    intake_check_limit(intake, record, placed->is_rejected);
    return ST_OK;
}

/* Into the waiting room. */
static enum status intake_wait(struct intake *intake, size_t slot, const struct record *record)
{
    assert(intake->waiting != NULL);
    enum status st = waiting_add(intake->waiting, slot, record);
    return st == ST_OK ? ledger_hold(intake->ledger, slot, record->offset) : st;
}

static bool intake_may_go_on(const struct intake *intake)
{
    return !intake->has_failed && intake->round_records > 0 && intake->round_bytes > 0 &&
           batch_full(intake->batch, &intake->limits) == BATCH_OPEN &&
           LIKELY(intake->waiting == NULL || !waiting_is_full(intake->waiting));
}

bool intake_take(struct intake *intake, size_t slot, const struct record *record)
{
    assert(intake->decoder != NULL && intake->batch->sealed_by == BATCH_OPEN);
    struct placed placed = {.rows_count = 0};
    if (UNLIKELY(!ledger_is_new(intake->ledger, slot, record->offset))) {
        return true;
    }
    enum status st = intake_place(intake, record, &placed);
    bool has_to_wait = st == ST_UNAVAILABLE;
    if (LIKELY(st == ST_OK)) {
        st = intake_note(intake, slot, record, &placed);
    } else if (has_to_wait) {
        intake->has_to_wait = intake->is_ordered;
        if (intake->is_ordered) {
            return !waiting_is_full(intake->waiting);
        }
        st = intake_wait(intake, slot, record);
    }
    if (UNLIKELY(st != ST_OK)) {
        intake_fail(intake, record, "no memory for a record");
        return false;
    }
    size_t bytes = record->key_bytes + record->value_bytes;
    if (LIKELY(!has_to_wait)) {
        ledger_take(intake->ledger, slot, record->offset, intake->batch->id);
    }
    intake_count(intake, bytes);
    intake->round_records--;
    intake->round_bytes -= bytes < intake->round_bytes ? bytes : intake->round_bytes;
    return intake_may_go_on(intake);
}

bool intake_retry(struct intake *intake)
{
    assert(intake->waiting != NULL && intake->batch->sealed_by == BATCH_OPEN);
    struct waiting_record *kept = NULL;
    while ((kept = waiting_present(intake->waiting)) != NULL) {
        if (intake->has_failed || batch_full(intake->batch, &intake->limits) != BATCH_OPEN) {
            return false;
        }
        struct placed placed = {.rows_count = 0};
        enum status st = intake_place(intake, &kept->record, &placed);
        if (st == ST_UNAVAILABLE) {
            waiting_skip(intake->waiting);
            continue;
        }
        st = st == ST_OK ? intake_note(intake, kept->slot, &kept->record, &placed) : st;
        if (st != ST_OK) {
            intake_fail(intake, &kept->record, "no memory for a record");
            return false;
        }
        ledger_fill(intake->ledger, kept->slot, kept->record.offset, intake->batch->id);
        waiting_remove(intake->waiting);
    }
    return true;
}

void intake_no_batch(struct intake *intake, const struct record *record)
{
    intake_fail(intake, record, "no memory for a batch");
}

void intake_forgive(struct intake *intake)
{
    intake->fetched_records -= intake->owed_records;
    intake->fetched_bytes -= intake->owed_bytes;
    intake->owed_records = 0;
    intake->owed_bytes = 0;
}

void intake_owe(struct intake *intake, uint64_t records, uint64_t bytes)
{
    intake->owed_records += records;
    intake->owed_bytes += bytes;
}
