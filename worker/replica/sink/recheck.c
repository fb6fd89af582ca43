/* Question by question; each is a request of its own with its own time limit. */
#include "worker/replica/sink/recheck.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    ASK_CONNECT_MS = 5000,
    ASK_ANSWER_MS = 120000, /* KILL … SYNC waits for its victim, a count may scan the table */
    SQL_MAX_BYTES = 64 * 1024,
    ANSWER_MAX_BYTES = 64 * 1024 * 1024, /* four million offsets; a batch has at most one */
};

void recheck_init(
    struct recheck *ret_recheck, struct http_client *client,
    const struct clickhouse_endpoint *endpoint, void *opaque)
{
    *ret_recheck = (struct recheck){.client = client, .endpoint = *endpoint, .opaque = opaque};
    buf_init(&ret_recheck->sql, SQL_MAX_BYTES);
}

void recheck_cancel(struct recheck *recheck)
{
    if (recheck->call != NULL) {
        http_cancel(recheck->client, recheck->call);
        recheck->call = NULL;
    }
    free(recheck->stored);
    recheck->stored = NULL;
    recheck->stored_count = 0;
}

void recheck_done(struct recheck *recheck)
{
    recheck_cancel(recheck);
    buf_done(&recheck->sql);
}

static enum status recheck_write(struct recheck *recheck)
{
    buf_reset(&recheck->sql);
    switch (recheck->step) {
    case RECHECK_STEP_KILL:
        return clickhouse_kill_sql(recheck->question.query_id, &recheck->sql);
    case RECHECK_STEP_OFFSETS:
        return clickhouse_range_offsets_sql(recheck->question.range, &recheck->sql);
    }
    return ST_INTERNAL; /* uncovered: every step is above */
}

static enum status recheck_ask(struct recheck *recheck, enum recheck_step step, struct err *err)
{
    static const struct clickhouse_setting settings[] = {
        {.name = "max_execution_time", .value = "120"}};
    recheck->step = step;
    enum status st = recheck_write(recheck);
    if (st != ST_OK) {
        return err_set(err, st, "cannot write the question for the stored records");
    }
    struct clickhouse_query query = {
        .sql = buf_text(&recheck->sql),
        .settings = settings,
        .settings_count = step == RECHECK_STEP_KILL ? 0 : ARRAY_LEN(settings),
        .connect_timeout_ms = ASK_CONNECT_MS,
        .timeout_ms = ASK_ANSWER_MS,
        .answer_max_bytes = ANSWER_MAX_BYTES,
    };
    struct clickhouse_request request;
    st = clickhouse_query_request(&recheck->endpoint, &query, &request, err);
    if (st == ST_OK) {
        st = http_start(recheck->client, &request.http, recheck->opaque, &recheck->call, err);
        clickhouse_request_done(&request);
    }
    return st;
}

enum status
recheck_start(struct recheck *recheck, const struct recheck_question *question, struct err *err)
{
    assert(recheck->call == NULL);
    recheck_cancel(recheck);
    recheck->question = *question;
    return recheck_ask(recheck, RECHECK_STEP_KILL, err);
}

/* Our own failure in the words of an answer. */
static enum recheck_result recheck_fail(struct recheck *recheck, const struct err *err)
{
    recheck->answer = (struct clickhouse_answer){
        .verdict = CLICKHOUSE_RETRY,
        .reason = PIPE_REASON_INTERNAL,
        .outcome = CLICKHOUSE_UNKNOWN,
        .retry_after_ms = -1};
    (void)snprintf(
        recheck->answer.message, sizeof(recheck->answer.message), "%.*s",
        (int)sizeof(recheck->answer.message) - 1, err->text); /* cut is fine */
    return RECHECK_FAILED;
}

static enum recheck_result recheck_next(struct recheck *recheck, enum recheck_step step)
{
    struct err err;
    return recheck_ask(recheck, step, &err) == ST_OK ? RECHECK_ASKING : recheck_fail(recheck, &err);
}

static enum recheck_result recheck_listed(struct recheck *recheck, const struct buf *answer)
{
    struct err err;
    enum status st =
        clickhouse_range_offsets_parse(answer, &recheck->stored, &recheck->stored_count, &err);
    return st == ST_OK ? RECHECK_KNOWN : recheck_fail(recheck, &err);
}

enum recheck_result recheck_answer(struct recheck *recheck, const struct http_done *done)
{
    recheck->call = NULL;
    clickhouse_answer_classify(&done->response, &recheck->answer);
    if (recheck->answer.verdict != CLICKHOUSE_OK) {
        return RECHECK_FAILED;
    }
    switch (recheck->step) {
    case RECHECK_STEP_KILL:
        return recheck->question.range == NULL ? RECHECK_UNKNOWN
                                               : recheck_next(recheck, RECHECK_STEP_OFFSETS);
    case RECHECK_STEP_OFFSETS:
        return recheck_listed(recheck, &done->response.body);
    }
    return RECHECK_FAILED; /* uncovered: every step is above */
}

static int by_offset(const void *key, const void *item)
{
    const int64_t *offset = key;
    const struct clickhouse_stored_offset *stored = item;
    return *offset < stored->offset ? -1 : *offset > stored->offset;
}

size_t recheck_missing(
    const struct clickhouse_stored_offset *stored, size_t stored_count, const int64_t *offsets,
    size_t count, size_t *ret_missing)
{
    size_t missing_count = 0;
    size_t same = 0;
    for (size_t row = 0; row < count; row += same) {
        same = 1;
        while (row + same < count && offsets[row + same] == offsets[row]) {
            same++;
        }
        const struct clickhouse_stored_offset *found =
            stored_count == 0
                ? NULL
                : bsearch(&offsets[row], stored, stored_count, sizeof(stored[0]), by_offset);
        bool is_stored = found != NULL && found->rows >= same;
        for (size_t i = 0; i < same && !is_stored; i++) {
            ret_missing[missing_count++] = row + i;
        }
    }
    return missing_count;
}
