/*
 * What an answer means for the batch: stored, sent again, cut, given to the loop, or first looked
 * up.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/replica/sink/sink_inner.h"

enum {
    RETRY_VIEW_MS = 15000, /* each try may store the table's rows once more */
    RETRY_DISK_MS = 10000, /* a full disk: the first wait, longer with each failure */
    RETRY_DISK_MAX_MS = 120000,
    VERIFIED_MAX = 2,
    MEMORY_TRIES = 4,        /* failures for memory (code 241) before an insert is divided … */
    MEMORY_TRIES_AGAIN = 2,  /* … likewise, of a part or of a later one as small … */
    MEMORY_LEAST_ROWS = 512, /* … into parts of no fewer rows */
};

static void sink_accepted(struct sink *sink, int64_t now_ms)
{
    sink->totals.inserts++;
    sink->reason = PIPE_REASON_NONE;
    sink->failures_count = 0;
    sink->memory_failures = 0;
    sink->wants_smaller = false;
    backoff_reset(&sink->backoff);
    if (sink->stage == STAGE_ROWS) {
        sink->totals.encoded_bytes += sink->body.encoded_bytes;
        sink->totals.wire_bytes += body_wire_bytes(&sink->body);
    }
    tries_accepted(&sink->tries);
    sink_proceed(sink, now_ms);
}

/* ST_NO_MEMORY leaves everything as it was: the range is tried again. */
static enum status sink_refuse_row(struct sink *sink, size_t row, const char *message)
{
    struct sink_refusal *more = reallocarray(sink->refused, sink->refused_count + 1, sizeof(*more));
    if (more == NULL) {
        return ST_NO_MEMORY;
    }
    sink->refused = more;
    char *copy = strdup(message);
    if (copy == NULL) {
        return ST_NO_MEMORY;
    }
    sink->refused[sink->refused_count++] = (struct sink_refusal){.row = row, .message = copy};
    sink->totals.refused++;
    return ST_OK;
}

/* The row that the answer blames, from 1; 0 = it names none. ClickHouse counts the rows of an
 * insert that has one block (CheckConstraintsTransform). */
static size_t sink_hint(const char *message)
{
    static const char WORDS[] = " is violated at row ";
    const char *at = strstr(message, WORDS);
    size_t row = 0;
    for (at = at == NULL ? "" : at + strlen(WORDS); *at >= '0' && *at <= '9'; at++) {
        if (row > SIZE_MAX / 20) {
            return 0;
        }
        row = row * 10 + (size_t)(*at - '0');
    }
    return row;
}

static bool is_mismatch(const struct sink *sink, enum pipe_reason reason)
{
    if (sink->stage != STAGE_ROWS) {
        return false;
    }
    /* A table made again is another one: the stored range does not belong to it. */
    return reason == PIPE_REASON_TABLE_MISMATCH ||
           (reason == PIPE_REASON_TABLE_NOT_FOUND && sink_is_exactly_once(sink));
}

/* The wait that an answer asks for at least. */
static int64_t sink_least_wait_ms(const struct sink *sink, const struct clickhouse_answer *answer)
{
    int64_t least_ms = 0;
    if (answer->reason == PIPE_REASON_VIEW_FAILED) {
        /* The rows that a failed view has seen are in the table, and where the table has no
         * deduplication window they come again with every try. */
        least_ms = RETRY_VIEW_MS;
    } else if (answer->code == CLICKHOUSE_CODE_NOT_ENOUGH_SPACE) {
        uint64_t times = sink->failures_count + 1;
        least_ms = times < RETRY_DISK_MAX_MS / RETRY_DISK_MS ? (int64_t)times * RETRY_DISK_MS
                                                             : RETRY_DISK_MAX_MS;
    }
    return answer->retry_after_ms > least_ms ? answer->retry_after_ms : least_ms;
}

/* A question or an insert failed with this answer. */
static void sink_fail(struct sink *sink, const struct clickhouse_answer *answer, int64_t now_ms)
{
    char message[CLICKHOUSE_MESSAGE_BYTES];
    const char *unsure = "";
    if (answer->outcome == CLICKHOUSE_UNKNOWN) {
        unsure = sink_is_exactly_once(sink)
                     ? "; not known whether it is stored: looked up before it is "
                       "sent again"
                     : "; it may be stored already";
    }
    (void)snprintf(
        message, sizeof(message), "%.*s%s", (int)(sizeof(message) - 128), answer->message,
        unsure); /* cut is fine */
    enum pipe_reason reason = answer->reason;
    if (reason == PIPE_REASON_NONE) {
        reason = PIPE_REASON_DESTINATION_UNREACHABLE; /* a refusal that may not be the last word */
    }
    sink_wait(sink, reason, message, now_ms, sink_least_wait_ms(sink, answer));
    if (is_mismatch(sink, reason)) {
        sink->state = SINK_MISMATCH;
    }
}

static void sink_rejected(struct sink *sink, const struct clickhouse_answer *answer, int64_t now_ms)
{
    if (sink->stage == STAGE_REJECTS) {
        /* Our own table refuses our own rows: somebody altered it. Keep the records. */
        sink_wait(sink, PIPE_REASON_TABLE_MISMATCH, answer->message, now_ms, 0);
        return;
    }
    bool is_row = tries_rows(&sink->tries) == 1;
    enum status st = ST_OK;
    if (is_row) {
        st = sink_refuse_row(sink, tries_first_row(&sink->tries), answer->message);
    }
    st = st == ST_OK ? tries_refused(&sink->tries, sink_hint(answer->message), &is_row) : st;
    if (st != ST_OK) {
        sink_wait(sink, PIPE_REASON_INTERNAL, "no memory for a refused row", now_ms, 0);
        return;
    }
    sink_proceed(sink, now_ms);
}

/* True if the loop can make the batch smaller: it is a stored range with rows of several records,
 * of which nothing but all was ever sent. */
static bool sink_can_divide_range(const struct sink *sink)
{
    const struct batch_row *rows = sink->batch->rows;
    size_t count = block_rows(sink->batch->block);
    return sink_is_exactly_once(sink) && sink->stage == STAGE_ROWS &&
           tries_is_whole(&sink->tries) && !sink->is_divided &&
           rows[0].offset < rows[count - 1].offset;
}

static void sink_divide(struct sink *sink)
{
    sink_forget_body(sink);
    sink->due_ms = INT64_MAX;
    sink->state = SINK_DIVIDE;
}

/* The insert failed for memory too often: in two from now on, where that repeats nothing. */
static void sink_make_smaller(struct sink *sink, int64_t now_ms)
{
    sink->wants_smaller = false;
    sink->memory_failures = 0;
    bool is_repeatable =
        !sink_is_exactly_once(sink) || sink_is_by_check(sink) || sink->params.is_insert_atomic;
    if (!is_repeatable) {
        sink_send(sink, now_ms); /* a part may be stored under this token: the same bytes again */
        return;
    }
    sink->fitting_rows = (tries_rows(&sink->tries) + 1) / 2;
    backoff_reset(&sink->backoff);
    if (sink_can_divide_range(sink)) {
        sink_divide(sink);
    } else {
        bool is_cut = tries_halve(&sink->tries);
        assert(is_cut); /* it has many rows */
        (void)is_cut;   /* asserted */
        sink_proceed(sink, now_ms);
    }
}

/* The next try after a wait or a recheck. */
static void sink_resume(struct sink *sink, int64_t now_ms)
{
    if (sink->is_unsure || sink->is_verifying) {
        sink_ask(sink, now_ms);
    } else if (sink->wants_smaller) {
        sink_make_smaller(sink, now_ms);
    } else {
        sink_send(sink, now_ms);
    }
}

static void sink_count_memory(struct sink *sink, const struct clickhouse_answer *answer)
{
    if (answer->code != CLICKHOUSE_CODE_MEMORY_LIMIT_EXCEEDED) {
        return;
    }
    sink->totals.memory_refusals++;
    sink->memory_failures++;
    size_t rows = tries_rows(&sink->tries);
    unsigned enough = MEMORY_TRIES;
    if (sink->fitting_rows > 0) {
        enough = rows > sink->fitting_rows ? 1 : MEMORY_TRIES_AGAIN;
    }
    if (sink->stage == STAGE_ROWS && rows / 2 >= MEMORY_LEAST_ROWS &&
        answer->view[0] == '\0' && /* else the table's own rows are stored */
        sink->memory_failures >= enough) {
        sink->wants_smaller = true;
    }
}

/* An insert that is not stored, or not known to be. */
static void
sink_inserted_not(struct sink *sink, const struct clickhouse_answer *answer, int64_t now_ms)
{
    if (sink_is_exactly_once(sink)) {
        /* Of a table with a window the same bytes may come again; without it nothing may that could
         * be there. */
        sink->is_unsure = sink_is_by_check(sink) ? answer->outcome != CLICKHOUSE_NOTHING
                                                 : answer->outcome == CLICKHOUSE_UNKNOWN;
    }
    sink->was_unsure = sink->was_unsure || sink->is_unsure;
    if (!sink_is_exactly_once(sink) && answer->outcome == CLICKHOUSE_UNKNOWN &&
        answer->http_status == 0) {
        sink->renamed++; /* rather twice than never */
    }
    sink->totals.unknown += answer->outcome == CLICKHOUSE_UNKNOWN ? 1 : 0;
    if (answer->verdict == CLICKHOUSE_REJECTED && !sink->is_unsure) {
        if (answer->is_too_many_partitions && sink_can_divide_range(sink)) {
            sink_divide(sink);
        } else {
            sink_rejected(sink, answer, now_ms);
        }
        return;
    }
    sink->totals.retries++;
    insert_count_retry(sink->totals.insert_numbers, answer->code);
    sink->totals.parts_refusals += answer->reason == PIPE_REASON_TOO_MANY_PARTS ? 1 : 0;
    sink_count_memory(sink, answer);
    sink_fail(sink, answer, now_ms);
}

/* The offsets of the stage's rows. NULL: no memory. */
static int64_t *sink_offsets(const struct sink *sink, size_t count)
{
    int64_t *offsets = calloc(count + 1, sizeof(*offsets));
    if (offsets != NULL && sink->stage == STAGE_REJECTS && count > 0) {
        memcpy(offsets, reject_block_offsets(sink->batch->rejects), count * sizeof(*offsets));
    }
    for (size_t i = 0; offsets != NULL && sink->stage == STAGE_ROWS && i < count; i++) {
        offsets[i] = sink->batch->rows[i].offset;
    }
    return offsets;
}

/* Take refused rows out of a list of rows. Returns how many are left. */
static size_t sink_drop_refused(struct sink *sink, size_t *rows, size_t count)
{
    size_t left = 0;
    size_t at = 0;
    if (sink->refused_count == 0) {
        return count;
    }
    qsort(sink->refused, sink->refused_count, sizeof(sink->refused[0]), sink_by_row);
    for (size_t i = 0; i < count; i++) {
        while (at < sink->refused_count && sink->refused[at].row < rows[i]) {
            at++;
        }
        if (at == sink->refused_count || sink->refused[at].row != rows[i]) {
            rows[left++] = rows[i];
        }
    }
    return left;
}

/* The rows of the stage that the table lacks; refused ones are not wanted. ret_rows: owned, free().
 * False: no memory. */
static bool sink_missing(struct sink *sink, size_t **ret_rows, size_t *ret_count)
{
    size_t rows = block_rows(sink_stage_block(sink));
    CLEANUP(freep) int64_t *offsets = sink_offsets(sink, rows);
    size_t *missing = calloc(rows + 1, sizeof(*missing));
    if (offsets == NULL || missing == NULL) {
        free(missing);
        return false;
    }
    size_t count =
        recheck_missing(sink->recheck.stored, sink->recheck.stored_count, offsets, rows, missing);
    recheck_cancel(&sink->recheck); /* the list is not needed any more */
    *ret_count = sink->stage == STAGE_ROWS ? sink_drop_refused(sink, missing, count) : count;
    *ret_rows = missing;
    return true;
}

/* Everything was accepted, and so many rows are not there. True: they are to be sent again, under
 * another name. */
static bool sink_renames(struct sink *sink, size_t missing_count)
{
    if (missing_count > 0 && sink->verified < VERIFIED_MAX) {
        sink->verified++;
        sink->renamed++;
        return true;
    }
    sink->was_unsure = false; /* accepted three times: the table does not keep such rows */
    return false;
}

/* It is known what the table has: go on with the rest. */
static void sink_known(struct sink *sink, int64_t now_ms)
{
    size_t *missing = NULL;
    size_t count = 0;
    if (!sink_missing(sink, &missing, &count)) {
        sink_wait(sink, PIPE_REASON_INTERNAL, "no memory for the stored offsets", now_ms, 0);
        return;
    }
    bool was_verifying = sink->is_verifying;
    sink->is_unsure = false;
    sink->is_verifying = false;
    if (!was_verifying && count == block_rows(sink_stage_block(sink)) &&
        tries_is_whole(&sink->tries) && !sink->is_divided) {
        free(missing);
        sink_resume(sink, now_ms); /* nothing is stored: the same bytes */
        return;
    }
    if (was_verifying && !sink_renames(sink, count)) {
        count = 0;
    }
    sink->was_unsure = sink->was_unsure && count > 0;
    tries_only(&sink->tries, missing, count);
    if (count == 0 && sink->reason != PIPE_REASON_VIEW_FAILED) {
        sink->reason = PIPE_REASON_NONE; /* a view that failed still wants a person */
    }
    sink_proceed(sink, now_ms);
}

/* A question failed: again later; or never, if it may not be asked and need not. */
static void sink_check_failed(struct sink *sink, int64_t now_ms)
{
    const struct clickhouse_answer *answer = &sink->recheck.answer;
    if (sink->recheck.step == RECHECK_STEP_OFFSETS && sink->params.check.is_optional &&
        answer->reason == PIPE_REASON_DESTINATION_PERMISSION) {
        sink->is_check_denied = true;
        sink->is_unsure = false;
        if (sink->is_verifying) {
            sink->is_verifying = false;
            sink_proceed(sink, now_ms); /* the stage is over */
        } else {
            sink_resume(sink, now_ms);
        }
        return;
    }
    sink_fail(sink, answer, now_ms);
}

static void sink_checked(struct sink *sink, const struct http_done *done, int64_t now_ms)
{
    switch (recheck_answer(&sink->recheck, done)) {
    case RECHECK_ASKING:
        break;
    case RECHECK_FAILED:
        sink_check_failed(sink, now_ms);
        break;
    case RECHECK_UNKNOWN:
        sink->is_unsure = false;
        sink_resume(sink, now_ms);
        break;
    case RECHECK_KNOWN:
        sink_known(sink, now_ms);
        break;
    }
}

void sink_answer(struct sink *sink, const struct http_done *done, int64_t now_ms)
{
    if (sink->state == SINK_CHECKING) {
        sink_checked(sink, done, now_ms);
        return;
    }
    assert(sink->state == SINK_SENDING);
    sink->call = NULL;
    struct clickhouse_answer answer;
    clickhouse_answer_classify(&done->response, &answer);
    insert_count_duration(sink->totals.insert_numbers, now_ms - sink->sent_ms);
    if (answer.verdict == CLICKHOUSE_OK) {
        sink_accepted(sink, now_ms);
    } else {
        sink_inserted_not(sink, &answer, now_ms);
    }
}

void sink_tick(struct sink *sink, int64_t now_ms)
{
    if (sink->state == SINK_WAITING && now_ms >= sink->due_ms) {
        sink_resume(sink, now_ms);
    }
}
