#ifndef COMMON_CLICKHOUSE_ANSWER_H
#define COMMON_CLICKHOUSE_ANSWER_H

/*
 * What a ClickHouse answer means for the data that was sent. Pure: looks at the HTTP response,
 * decides by error number (numbers: ClickHouse src/Common/ErrorCodes.cpp), by text
 * only where one number means two things or no number was sent.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/http/http.h"
#include "common/model/pipe_state.h"

enum clickhouse_verdict {
    CLICKHOUSE_OK,
    CLICKHOUSE_RETRY,    /* the same bytes again, with backoff */
    CLICKHOUSE_REJECTED, /* this data will never be taken: split, single rows to the error table */
    CLICKHOUSE_STOP,     /* not the data's fault (permission, table gone, wrong columns): keep the
                            data, say why, try again slowly; never to the error table */
};

/* What became of the rows of a try that was not a success. The one table of it is answer_codes.c.
 */
enum clickhouse_outcome {
    CLICKHOUSE_NOTHING, /* refused before the first row was written, or never sent: nothing is
                           stored */
    CLICKHOUSE_OVER,    /* the server gave up: this try stores no more, but an insert into several
                           table partitions may have stored some of them */
    CLICKHOUSE_UNKNOWN, /* all, some or nothing is stored, or the insert still runs */
};

enum {
    CLICKHOUSE_NAME_BYTES = 96,
    CLICKHOUSE_VIEW_BYTES = 256,
    CLICKHOUSE_MESSAGE_BYTES = 1024,
};

/* Numbers that callers name. */
enum clickhouse_code {
    CLICKHOUSE_CODE_UNKNOWN_TABLE = 60,
    CLICKHOUSE_CODE_TIMEOUT_EXCEEDED = 159,
    CLICKHOUSE_CODE_SAME_QUERY_IS_RUNNING = 216,
    CLICKHOUSE_CODE_MEMORY_LIMIT_EXCEEDED = 241,
    CLICKHOUSE_CODE_NOT_ENOUGH_SPACE = 243,
    CLICKHOUSE_CODE_TOO_MANY_PARTS = 252,
    CLICKHOUSE_CODE_UNKNOWN_STATUS_OF_INSERT = 319,
};

struct clickhouse_answer {
    enum clickhouse_verdict verdict;
    enum pipe_reason reason; /* PIPE_REASON_NONE when ok */
    enum clickhouse_outcome outcome;
    bool is_definite; /* outcome is not CLICKHOUSE_UNKNOWN: this try is over. False: it may
                         be stored, or still be running */
    bool is_too_many_partitions;      /* of code 252: smaller inserts pass, this one never does */
    bool is_known;                    /* the number is in our table, or there was none to look up */
    int http_status;                  /* 0 = no answer */
    int code;                         /* ClickHouse's error number, 0 = none */
    int64_t retry_after_ms;           /* from Retry-After, −1 = not said */
    char name[CLICKHOUSE_NAME_BYTES]; /* "UNKNOWN_TABLE", "" if not said */
    char view[CLICKHOUSE_VIEW_BYTES]; /* of "while pushing to view", as written */
    char message[CLICKHOUSE_MESSAGE_BYTES]; /* one line for people: "code 60 UNKNOWN_TABLE: …" */
};

/* Judge a response. Every input gives a verdict; an unknown number is retry with reason INTERNAL
 * and is_known false. */
void clickhouse_answer_classify(
    const struct http_response *response, struct clickhouse_answer *ret_answer);

/* The status a verdict becomes at a caller that does not retry itself: ST_OK, ST_UNAVAILABLE,
 * ST_REJECTED, ST_STOP; err gets the message. */
enum status clickhouse_answer_status(const struct clickhouse_answer *answer, struct err *err);

/* The number that stands in an exception text ("Code: 60. DB::Exception: …"), 0 if none. */
int clickhouse_code_from_text(const char *text);

#endif
