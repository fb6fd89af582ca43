#ifndef COMMON_CLICKHOUSE_ROWS_H
#define COMMON_CLICKHOUSE_ROWS_H

/* Reading JSONEachRow answers line by line. For this room and those who ask questions of their own.
 */

#include <jansson.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

/* The next row; *at moves behind it. ret_row: owned, json_decref. ST_NOT_FOUND at the end,
 * ST_INVALID for a line that is no object. */
enum status rows_next(const char **at, json_t **ret_row, struct err *err) MUST_CHECK;

/* A text member: owned, free(). ST_INVALID if there is none, ST_NO_MEMORY. */
enum status
rows_text(const json_t *row, const char *name, char **ret_text, struct err *err) MUST_CHECK;

/* A whole number, as number or text (ClickHouse may quote 64-bit numbers). ST_INVALID. */
enum status
rows_i64(const json_t *row, const char *name, int64_t *ret_value, struct err *err) MUST_CHECK;

#endif
