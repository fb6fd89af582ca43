/*
 * From an HTTP response to a verdict. First the transport, then ClickHouse's number, then the HTTP
 * status; the text is read only for what numbers do not say: the error's name, the two meanings of
 * 252, and the view that failed.
 */
#include "common/clickhouse/answer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/parse.h"
#include "common/clickhouse/answer_codes.h"
#include "common/clickhouse/answer_text.h"

enum {
    ANSWER_CODE_MAX = 100000,
    ANSWER_RETRY_AFTER_MAX_S = 3600,
};

static void answer_set(
    struct clickhouse_answer *answer, enum clickhouse_verdict verdict, enum pipe_reason reason,
    enum clickhouse_outcome outcome)
{
    answer->verdict = verdict;
    answer->reason = reason;
    answer->outcome = outcome;
}

static void answer_failure(const struct http_response *response, struct clickhouse_answer *answer)
{
    enum pipe_reason reason = PIPE_REASON_DESTINATION_UNREACHABLE;
    switch (response->failure) {
    case HTTP_FAILURE_TOO_LARGE:
    case HTTP_FAILURE_LOCAL:
        reason = PIPE_REASON_INTERNAL;
        break;
    case HTTP_FAILURE_NONE:
    case HTTP_FAILURE_RESOLVE:
    case HTTP_FAILURE_CONNECT:
    case HTTP_FAILURE_TLS:
    case HTTP_FAILURE_TIMEOUT:
    case HTTP_FAILURE_CUT:
        break;
    }
    answer_set(
        answer, CLICKHOUSE_RETRY, reason,
        response->may_have_run ? CLICKHOUSE_UNKNOWN : CLICKHOUSE_NOTHING);
    (void)snprintf(answer->message, sizeof(answer->message), "%s", response->message);
}

/* An answer with no error number: from a proxy, or from something that is no ClickHouse. */
static void answer_by_http(const struct http_response *response, struct clickhouse_answer *answer)
{
    int status = response->status_code;
    if (status == 401) {
        answer_set(
            answer, CLICKHOUSE_STOP, PIPE_REASON_DESTINATION_AUTHENTICATION, CLICKHOUSE_NOTHING);
    } else if (status == 403) {
        answer_set(answer, CLICKHOUSE_STOP, PIPE_REASON_DESTINATION_PERMISSION, CLICKHOUSE_NOTHING);
    } else if (status == 413) {
        answer_set(
            answer, CLICKHOUSE_REJECTED, PIPE_REASON_NONE,
            CLICKHOUSE_NOTHING); /* smaller may pass */
    } else if (status == 429) {
        answer_set(answer, CLICKHOUSE_RETRY, PIPE_REASON_DESTINATION_BUSY, CLICKHOUSE_NOTHING);
    } else if (status == 408 || status >= 500) {
        answer_set(
            answer, CLICKHOUSE_RETRY, PIPE_REASON_DESTINATION_UNREACHABLE, CLICKHOUSE_UNKNOWN);
    } else {
        answer_set(
            answer, CLICKHOUSE_STOP, PIPE_REASON_DESTINATION_UNREACHABLE, CLICKHOUSE_NOTHING);
    }
    char text[CLICKHOUSE_MESSAGE_BYTES / 2];
    answer_text_clean(buf_text(&response->body), text, sizeof(text));
    (void)snprintf(
        answer->message, sizeof(answer->message), "HTTP status %d without a ClickHouse error%s%s",
        status, text[0] == '\0' ? "" : ": ", text);
}

static void answer_by_code(const char *text, struct clickhouse_answer *answer)
{
    const struct answer_code *known = answer_code_find(answer->code);
    answer_text_name(text, answer->name, sizeof(answer->name));
    answer_text_view(text, answer->view, sizeof(answer->view));
    answer->is_known = known != NULL;
    if (known == NULL) {
        answer_set(answer, CLICKHOUSE_RETRY, PIPE_REASON_INTERNAL, CLICKHOUSE_UNKNOWN);
    } else {
        answer_set(answer, known->verdict, known->reason, known->outcome);
        if (answer->name[0] == '\0') {
            (void)snprintf(answer->name, sizeof(answer->name), "%s", known->name);
        }
    }
    if (answer->code == CLICKHOUSE_CODE_TOO_MANY_PARTS &&
        strstr(text, "Too many partitions") != NULL) {
        answer->is_too_many_partitions = true;
        answer_set(answer, CLICKHOUSE_REJECTED, PIPE_REASON_NONE, CLICKHOUSE_NOTHING);
    }
    if (answer->view[0] != '\0' && answer->outcome == CLICKHOUSE_NOTHING) {
        answer->outcome = CLICKHOUSE_OVER; /* the table's own rows were written before */
    }
    if (answer->view[0] != '\0' && answer->verdict != CLICKHOUSE_RETRY) {
        /* the table's own rows are stored already */
        answer_set(answer, CLICKHOUSE_STOP, PIPE_REASON_VIEW_FAILED, CLICKHOUSE_UNKNOWN);
    }
    char clean[CLICKHOUSE_MESSAGE_BYTES - CLICKHOUSE_NAME_BYTES - 32];
    answer_text_clean(answer_text_body(text), clean, sizeof(clean));
    (void)snprintf(
        answer->message, sizeof(answer->message), "code %d%s%s: %s", answer->code,
        answer->name[0] == '\0' ? "" : " ", answer->name, clean);
}

static int answer_code_of(const struct http_response *response)
{
    char header[32];
    int64_t code = 0;
    if (http_response_header(response, "X-ClickHouse-Exception-Code", header, sizeof(header)) &&
        parse_i64(header, 0, ANSWER_CODE_MAX, &code) == ST_OK && code != 0) {
        return (int)code;
    }
    if (response->status_code >= 200 && response->status_code < 300) {
        /* headers had gone out when it failed: the exception is the last thing in the body */
        return answer_text_trailing_code(buf_text(&response->body));
    }
    return clickhouse_code_from_text(buf_text(&response->body));
}

static int64_t answer_retry_after_ms(const struct http_response *response)
{
    char header[32];
    int64_t seconds = 0;
    if (http_response_header(response, "Retry-After", header, sizeof(header)) &&
        parse_i64(header, 0, ANSWER_RETRY_AFTER_MAX_S, &seconds) == ST_OK) {
        return seconds * 1000;
    }
    return -1;
}

/* There is an answer: by ClickHouse's number, else by HTTP's. */
static void
answer_decide(const struct http_response *response, struct clickhouse_answer *ret_answer)
{
    ret_answer->retry_after_ms = answer_retry_after_ms(response);
    ret_answer->code = answer_code_of(response);
    if (ret_answer->code != 0) {
        answer_by_code(buf_text(&response->body), ret_answer);
    } else if (response->status_code >= 200 && response->status_code < 300) {
        answer_set(ret_answer, CLICKHOUSE_OK, PIPE_REASON_NONE, CLICKHOUSE_NOTHING);
    } else {
        answer_by_http(response, ret_answer);
    }
}

void clickhouse_answer_classify(
    const struct http_response *response, struct clickhouse_answer *ret_answer)
{
    *ret_answer = (struct clickhouse_answer){
        .http_status = response->status_code, .retry_after_ms = -1, .is_known = true};
    if (response->failure != HTTP_FAILURE_NONE) {
        answer_failure(response, ret_answer);
    } else {
        answer_decide(response, ret_answer);
        if (response->was_resent && ret_answer->verdict != CLICKHOUSE_OK) {
            ret_answer->outcome = CLICKHOUSE_UNKNOWN; /* of the first sending */
        }
    }
    ret_answer->is_definite = ret_answer->outcome != CLICKHOUSE_UNKNOWN;
}

enum status clickhouse_answer_status(const struct clickhouse_answer *answer, struct err *err)
{
    switch (answer->verdict) {
    case CLICKHOUSE_OK:
        return ST_OK;
    case CLICKHOUSE_RETRY:
        return err_set(err, ST_UNAVAILABLE, "%s", answer->message);
    case CLICKHOUSE_REJECTED:
        return err_set(err, ST_REJECTED, "%s", answer->message);
    case CLICKHOUSE_STOP:
        return err_set(err, ST_STOP, "%s", answer->message);
    }
    return err_set(err, ST_INTERNAL, "no verdict");
}
