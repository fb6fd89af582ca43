#ifndef WORKER_REPLICA_BLOCK_BLOCK_H
#define WORKER_REPLICA_BLOCK_BLOCK_H

/*
 * Rows on their way to ClickHouse: one column builder per destination column, already in the
 * layout of the Native format. A row is a transaction over all columns: cells, then commit or roll
 * back. Encoding gives pieces that point into the columns' own memory; nothing is copied.
 * Writing cells is the business of worker/replica/block/column.h.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/clickhouse/type.h"

struct column;

/* One column to build. Both borrowed for the block's life. */
struct block_column {
    const char *name;
    const struct ch_type *type;
    bool has_default; /* what is absent takes the table's DEFAULT, see column_make_optional */
};

/*
 * Whether an insert of these columns needs input_format_null_as_default: NULL stands for a DEFAULT,
 * or nulls are zeros and a JSON column, which the server parses, may have typed paths.
 */
bool block_nulls_are_defaults(
    const struct block_column *columns, size_t columns_count, bool is_null_zero);

struct block;

/* A run of bytes of the encoded block. Borrowed until the block changes. */
struct block_piece {
    const uint8_t *bytes;
    size_t len_bytes;
};

/*
 * An empty block. keep_bytes: how much column memory block_reset may keep for the next rows.
 * ret_block: owned, block_free. ST_INVALID (no columns), ST_UNSUPPORTED (a type without builder),
 * ST_NO_MEMORY.
 */
enum status block_new(
    const struct block_column *columns, size_t columns_count, size_t keep_bytes,
    struct block **ret_block, struct err *err) MUST_CHECK;

void block_free(struct block *block);
void block_freep(struct block **block);

/* Forget all rows. Memory is kept up to keep_bytes. */
void block_reset(struct block *block);

/* The builder of column index (0 …), for writing cells of the open row. */
struct column *block_column(struct block *block, size_t index);
/* All of them; borrowed for the block's life. */
struct column *const *block_columns(struct block *block);
size_t block_columns_count(const struct block *block);

/*
 * Make the cells written since the last commit a row; every column must have exactly one more.
 * input_bytes: the record's size, which tells how soon sizes must be looked at again.
 */
void block_row_commit(struct block *block, size_t input_bytes);

/* Drop the cells written since the last commit, in whatever state they are. */
void block_row_rollback(struct block *block);

/*
 * Rows committed from now on belong together: block_hold_end keeps them all or drops them all. One
 * hold at a time; none may be open when the block is encoded.
 */
void block_hold(struct block *block);
void block_hold_end(struct block *block, bool is_kept);

/* Committed rows. */
size_t block_rows(const struct block *block);

/*
 * Size the block would have when encoded now, and heap memory of its columns. Both cost nothing:
 * they are as of at most 63 rows or 64 KB of input ago.
 */
size_t block_encoded_bytes(const struct block *block);
size_t block_memory_bytes(const struct block *block);

/*
 * The block in ClickHouse's Native format: number of columns and rows, then per column name, type,
 * data. Where optional columns are absent in some rows it is several blocks of the format one after
 * another, in the order of the rows, each without the columns that its rows leave out.
 * ret_pieces: borrowed until the block changes. ST_NO_MEMORY. An empty block is fine.
 */
enum status block_encode(
    struct block *block, const struct block_piece **ret_pieces, size_t *ret_count,
    struct err *err) MUST_CHECK;

/*
 * Append rows from … from+rows_count-1 of source to block (same columns): how a block that
 * ClickHouse refuses is halved. ST_NO_MEMORY (block as before).
 */
enum status block_copy_rows(
    struct block *block, struct block *source, size_t from, size_t rows_count,
    struct err *err) MUST_CHECK;

#endif
