/*
 * After the insert: counters, latency, ledger, heartbeat, commit, in this order, so that a crash in
 * between repeats records but never loses one, and the counters are never behind the commits.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/clickhouse/replay_sql.h"
#include "common/metrics/inserts.h"

#include "worker/replica/run.h"

enum {
    COMMIT_AGAIN_MS = 1000,
    CONFIRM_WAIT_MS = 200,
    LATENCY_ALL_ROWS = 4096, /* of larger batches every sixteenth row is measured */
    LATENCY_SAMPLE = 16,
};

static void settle_latency(struct run *run, const struct batch *batch)
{
    latency_advance(&run->latency, run->now_ms);
    int64_t wall_ms = clock_wall_ms();
    size_t rows = block_rows(batch->block);
    size_t step = rows > LATENCY_ALL_ROWS ? LATENCY_SAMPLE : 1;
    for (size_t i = 0; i < rows; i += step) {
        if (batch->rows[i].timestamp_ms >= 0) {
            const int64_t age_ms = wall_ms - batch->rows[i].timestamp_ms;
            latency_add(&run->latency, age_ms, step);
            insert_count_latency(run->past_totals.insert_numbers, age_ms, step);
        }
    }
}

static void settle_count(struct run *run, const struct batch *batch)
{
    struct protocol_counters *counters = &run->counters;
    counters->sent_records += batch->messages_count - batch->rejected_count - batch->skipped_count;
    counters->rejected_records += batch->rejected_count;
    counters->skipped_records += batch->skipped_count;
    switch (batch->sealed_by) {
    case BATCH_OPEN:
        break;
    case BATCH_ROWS:
        counters->batches_rows++;
        break;
    case BATCH_BYTES:
        counters->batches_bytes++;
        break;
    case BATCH_AGE:
        counters->batches_age++;
        break;
    case BATCH_SPACE: /* memory */
        counters->batches_bytes++;
        break;
    case BATCH_DRAIN:
    case BATCH_RANGE: /* cut short by what ended its first reader */
        counters->batches_drain++;
        break;
    }
}

void settle_batch(struct run *run)
{
    struct batch *batch = run->sending;
    settle_count(run, batch);
    settle_latency(run, batch);
    ledger_settle(run->ledger, batch->id);
    if (run->exact.is_on) {
        exact_stored(run, batch);
    }
    sink_release(run->sink);
    lanes_give_back(&run->lanes, batch);
    run->sending = NULL;
    run->mismatch.reason = PIPE_REASON_NONE;
    run->mismatches_count = 0;
    run->is_commit_due = true;
    run->next_commit_ms = run->now_ms;
    if (run->exact.is_on && run->drain == RUN_DRAIN_NONE) {
        run->next_commit_ms += CONFIRM_WAIT_MS; /* the next range's commit takes it along */
    }
}

void settle_commit(struct run *run)
{
    if (run->source == NULL || source_is_committing(run->source)) {
        return;
    }
    size_t slots = ledger_slots_count(run->ledger);
    struct source_commit *commits = calloc(slots > 0 ? slots : 1, sizeof(*commits));
    run->next_commit_ms = run->now_ms + COMMIT_AGAIN_MS;
    if (commits == NULL) {
        return; /* tried again in a second */
    }
    size_t count = 0;
    for (size_t slot = 0; slot < slots; slot++) {
        if (ledger_has_commit(run->ledger, slot)) {
            commits[count++] =
                (struct source_commit){.slot = slot, .offset = ledger_settled(run->ledger, slot)};
        }
    }
    if (count == 0) {
        run->is_commit_due = false;
    } else {
        status_heartbeat(run);
        enum status st = source_commit(run->source, commits, count, NULL);
        (void)st; /* still due: tried again in a second */
    }
    free(commits);
}

static bool is_same_message(const struct batch *batch, size_t row, size_t other)
{
    return batch->rows[row].slot == batch->rows[other].slot &&
           batch->rows[row].offset == batch->rows[other].offset;
}

/* The refusals of one message: ClickHouse's words for the first of its rows, and how many. */
struct refused_message {
    size_t row; /* of the batch, refused */
    const char *words;
    size_t refused_count;
};

/* From refusal *at on; *at becomes the first of the next message. */
static struct refused_message
next_refused(const struct run *run, const struct sink_refusal *refusals, size_t count, size_t *at)
{
    struct refused_message message = {.row = refusals[*at].row, .words = refusals[*at].message};
    while (*at < count && is_same_message(run->sending, message.row, refusals[*at].row)) {
        message.refused_count++;
        (*at)++;
    }
    return message;
}

/* Say which of several rows it was, and whether the others are in the table. */
static void settle_describe(
    const struct batch *batch, const struct refused_message *message, struct reject *ret_reject)
{
    size_t first = message->row;
    size_t end = message->row + 1;
    while (first > 0 && is_same_message(batch, message->row, first - 1)) {
        first--;
    }
    while (end < block_rows(batch->block) && is_same_message(batch, message->row, end)) {
        end++;
    }
    reject_set(ret_reject, REJECT_INSERT, NULL, "%s", message->words);
    size_t row = message->row - first + 1;
    if (end - first > message->refused_count) {
        reject_prefix(
            ret_reject, "row %zu of the message's %zu (%zu " REPLAY_PARTLY_STORED, row, end - first,
            message->refused_count);
    } else if (end - first > 1) {
        reject_prefix(ret_reject, "row %zu of the message's %zu (all refused): ", row, end - first);
    }
}

/* Called per message with refused rows: its record, or NULL if Kafka no longer has it. They come in
 * the order asked. */
static void settle_take_refused(void *ctx, size_t index, const struct record *record)
{
    struct run *run = ctx;
    size_t count = 0;
    const struct sink_refusal *refusals = sink_refused(run->sink, &count);
    if (index == 0) {
        run->refused_at = 0;
    }
    struct refused_message message = next_refused(run, refusals, count, &run->refused_at);
    const struct batch_row *row = &run->sending->rows[message.row];
    struct source_partition at;
    source_partition(run->source, row->slot, &at);
    struct record gone = {
        .topic = at.topic,
        .topic_bytes = strlen(at.topic),
        .partition = at.partition,
        .offset = row->offset,
        .timestamp_ms = row->timestamp_ms,
    };
    struct reject reject;
    settle_describe(run->sending, &message, &reject);
    struct reject_row error_row = {
        .record = record != NULL ? record : &gone, .reject = &reject, .now_ms = clock_wall_ms()};
    if (reject_block_add(run->sending->rejects, &error_row, NULL) != ST_OK) {
        run->is_over = true; /* a fresh process reads the batch again */
        run->exit_code = PROTOCOL_EXIT_FAILED;
        return;
    }
    run->sending->rejected_count++;
    intake_refused(&run->intake, error_row.record);
}

/* Ask for the records of the refused rows, each once. */
static bool settle_ask_refused(struct run *run)
{
    size_t count = 0;
    const struct sink_refusal *refusals = sink_refused(run->sink, &count);
    struct source_wanted *wanted = calloc(count > 0 ? count : 1, sizeof(*wanted));
    if (wanted == NULL) {
        return false;
    }
    size_t messages_count = 0;
    for (size_t i = 0; i < count;) {
        struct refused_message message = next_refused(run, refusals, count, &i);
        const struct batch_row *row = &run->sending->rows[message.row];
        wanted[messages_count++] = (struct source_wanted){.slot = row->slot, .offset = row->offset};
    }
    bool is_asked = source_read_again(run->source, wanted, messages_count, NULL) == ST_OK;
    free(wanted);
    return is_asked;
}

void settle_refused(struct run *run)
{
    if (!run->is_reading_refused) {
        run->is_reading_refused = settle_ask_refused(run);
        return;
    }
    if (source_has_read(run->source)) {
        source_take_read(run->source, settle_take_refused, run);
        run->is_reading_refused = false;
        sink_refused_done(run->sink, run->now_ms);
    }
}
