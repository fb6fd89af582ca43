#ifndef COMMON_CLICKHOUSE_ANSWER_CODES_H
#define COMMON_CLICKHOUSE_ANSWER_CODES_H

/* The table of ClickHouse's error numbers that mean something to us. Inside this room. */

#include "common/clickhouse/answer.h"

struct answer_code {
    int code;
    const char *name;
    enum clickhouse_verdict verdict;
    enum pipe_reason reason;
    enum clickhouse_outcome outcome;
};

/* NULL for a number we do not know. */
const struct answer_code *answer_code_find(int code);

#endif
