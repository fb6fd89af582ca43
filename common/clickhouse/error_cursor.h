#ifndef COMMON_CLICKHOUSE_ERROR_CURSOR_H
#define COMMON_CLICKHOUSE_ERROR_CURSOR_H

/*
 * Where a page of the error table ended: the sort key of its last row, and how many rows with
 * exactly this key were given already (a record delivered twice may leave two equal rows). As text
 * it is URL-safe base64, opaque to clients. Inside this room.
 */

#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

struct error_cursor {
    int64_t timestamp_s;
    int64_t partition;
    int64_t offset;
    uint64_t tie;  /* hash of the rest of the row */
    int64_t given; /* rows with this key that earlier pages gave */
    char *topic;   /* owned */
};
void error_cursor_done(struct error_cursor *cursor);

/* ret_cursor: error_cursor_done. ST_INVALID for a text that error_cursor_text did not write,
 * ST_NO_MEMORY. */
enum status
error_cursor_parse(const char *text, struct error_cursor *ret_cursor, struct err *err) MUST_CHECK;

/* ret_text: owned, free(). ST_NO_MEMORY. */
enum status
error_cursor_text(const struct error_cursor *cursor, char **ret_text, struct err *err) MUST_CHECK;

#endif
