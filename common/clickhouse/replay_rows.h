#ifndef COMMON_CLICKHOUSE_REPLAY_ROWS_H
#define COMMON_CLICKHOUSE_REPLAY_ROWS_H

/* Records of the error table out of a RowBinary answer of replay_sql.h. Pure; nothing is copied. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

struct replay_bytes {
    const uint8_t *bytes;
    size_t len_bytes;
};

enum {
    REPLAY_HEADERS_MAX = 1024 /* more are dropped, as the replica drops them */
};

/* One record; everything points into the answer. */
struct replay_row {
    struct replay_bytes topic;
    int32_t partition;
    int64_t offset;
    uint64_t hash;
    int64_t timestamp_ms;
    struct replay_bytes key; /* empty: null or empty, the error table does not tell */
    struct replay_bytes value;
    struct replay_bytes names[REPLAY_HEADERS_MAX];
    struct replay_bytes values[REPLAY_HEADERS_MAX];
    size_t headers_count;
};

/* Where reading is. */
struct replay_reader {
    const uint8_t *at;
    const uint8_t *end;
};

/* The next record. ST_OK, ST_NOT_FOUND at the end, ST_INVALID for an answer that is cut or no
 * RowBinary of these columns. */
enum status replay_rows_next(
    struct replay_reader *reader, struct replay_row *ret_row, struct err *err) MUST_CHECK;

#endif
