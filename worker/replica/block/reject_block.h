#ifndef WORKER_REPLICA_BLOCK_REJECT_BLOCK_H
#define WORKER_REPLICA_BLOCK_REJECT_BLOCK_H

/*
 * Rows of the error table `<table>_clickpipes_error`: thirteen columns, the first eight as
 * ClickPipes has them. Same builders, same encoding as the rows of the target.
 */

#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

#include "worker/replica/block/block.h"
#include "worker/replica/decode/record.h"
#include "worker/replica/decode/reject.h"

/* clang-format off */
/* X(enum constant, column, type): layout of docs/errors.md, in this order. */
#define REJECT_COLUMN_TABLE(X) \
    X(REJECT_COLUMN_TIMESTAMP,        "error_timestamp",  "DateTime") \
    X(REJECT_COLUMN_TYPE,             "error_type",       "LowCardinality(String)") \
    X(REJECT_COLUMN_MESSAGE,          "error_msg",        "String") \
    X(REJECT_COLUMN_KEY,              "record_key",       "String") \
    X(REJECT_COLUMN_VALUE,            "record_value",     "String") \
    X(REJECT_COLUMN_RECORD_TIMESTAMP, "record_timestamp", "DateTime64(3)") \
    X(REJECT_COLUMN_PARTITION,        "record_partition", "Int32") \
    X(REJECT_COLUMN_OFFSET,           "record_offset",    "Int64") \
    X(REJECT_COLUMN_TOPIC,            "record_topic",     "LowCardinality(String)") \
    X(REJECT_COLUMN_HEADERS,          "record_headers",   "Map(String, String)") \
    X(REJECT_COLUMN_SCHEMA_ID,        "schema_id",        "Int32") \
    X(REJECT_COLUMN_PIPE_ID,          "pipe_id",          "String") \
    X(REJECT_COLUMN_COLUMN_NAME,      "column_name",      "String")
/* clang-format on */

enum {
    REJECT_LARGE_VALUE_BYTES = 65536 /* kept of a RECORD_TOO_LARGE value */
};

struct reject_block;

/* pipe_id: copied. ret_block: owned, reject_block_free. ST_NO_MEMORY. */
enum status reject_block_new(
    const char *pipe_id, size_t keep_bytes, struct reject_block **ret_block,
    struct err *err) MUST_CHECK;

void reject_block_free(struct reject_block *block);
void reject_block_freep(struct reject_block **block);

/* What beside the record goes into an error row. */
struct reject_row {
    const struct record *record;
    const struct reject *reject;
    int64_t now_ms; /* wall clock, becomes error_timestamp */
};

/* Add one row. ST_NO_MEMORY (block as before). */
enum status reject_block_add(
    struct reject_block *block, const struct reject_row *row, struct err *err) MUST_CHECK;

/* The rows as a block, to encode, measure and reset. Borrowed. */
struct block *reject_block_rows(struct reject_block *block);

/* The offsets of the rows' records, as many as there are rows. Borrowed until the block changes. */
const int64_t *reject_block_offsets(const struct reject_block *block);

/* An empty block of the same columns, for some of the rows (block_copy_rows). ret_rows: owned,
 * block_free; its types are borrowed from `block`. Statuses of block_new. */
enum status reject_block_part(
    const struct reject_block *block, struct block **ret_rows, struct err *err) MUST_CHECK;

#endif
