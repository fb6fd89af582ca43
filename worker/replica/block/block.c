/*
 * Rows and the Native format around the columns. Sizes are looked at again every 64 rows or 64 KB
 * of input; that is also when the columns mark their place for a cheap rollback.
 */
#include "worker/replica/block/block.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "worker/replica/block/column.h"
#include "worker/replica/block/native.h"

enum {
    MARK_ROWS = 64,
    MARK_INPUT_BYTES = 64 * 1024,
};

struct block {
    struct column **columns; /* owned */
    char **type_texts;       /* owned, canonical */
    char **names;            /* owned */
    size_t columns_count;
    size_t rows;
    bool is_held;
    size_t held_rows;  /* rows before the hold */
    size_t keep_bytes; /* of all columns together */
    size_t unmarked_rows;
    size_t unmarked_input_bytes;
    size_t encoded_bytes; /* as of the last mark */
    size_t memory_bytes;
    struct native native;
};

static void refresh(struct block *b)
{
    size_t encoded = 0;
    size_t memory = 0;
    for (size_t i = 0; i < b->columns_count; i++) {
        if (!b->is_held) { /* no way leads back behind a mark */
            column_mark(b->columns[i]);
        }
        encoded += column_encoded_bytes(b->columns[i]);
        memory += column_memory_bytes(b->columns[i]);
    }
    b->encoded_bytes = encoded + b->native.head_max_bytes;
    b->memory_bytes = memory;
    b->unmarked_rows = 0;
    b->unmarked_input_bytes = 0;
}

static enum status add_column(struct block *b, const struct block_column *column, struct err *err)
{
    size_t i = b->columns_count;
    b->names[i] = strdup(column->name);
    b->type_texts[i] = ch_type_text(column->type);
    b->columns_count++;
    if (b->names[i] == NULL || b->type_texts[i] == NULL) {
        return err_set(err, ST_NO_MEMORY, "out of memory for column %s", column->name);
    }
    enum status st = column_new(column->type, &b->columns[i], err);
    if (st != ST_OK) {
        (void)err_wrap(err, "column %s", column->name);
        return st;
    }
    return native_plan(&b->native, b->names[i], b->type_texts[i], b->columns[i])
               ? ST_OK
               : err_set(err, ST_NO_MEMORY, "out of memory for column %s", column->name);
}

enum status block_new(
    const struct block_column *columns, size_t columns_count, size_t keep_bytes,
    struct block **ret_block, struct err *err)
{
    if (columns_count == 0) {
        return err_set(err, ST_INVALID, "a block needs at least one column");
    }
    CLEANUP(block_freep) struct block *b = calloc(1, sizeof(*b));
    if (b == NULL) {
        return err_set(err, ST_NO_MEMORY, "out of memory for a block");
    }
    b->columns = calloc(columns_count, sizeof(struct column *));
    b->names = calloc(columns_count, sizeof(char *));
    b->type_texts = calloc(columns_count, sizeof(char *));
    if (b->columns == NULL || b->names == NULL || b->type_texts == NULL) {
        return err_set(err, ST_NO_MEMORY, "out of memory for a block");
    }
    b->keep_bytes = keep_bytes;
    for (size_t i = 0; i < columns_count; i++) {
        enum status st = add_column(b, &columns[i], err);
        if (st != ST_OK) {
            return st;
        }
    }
    refresh(b);
    *ret_block = b;
    b = NULL;
    return ST_OK;
}

void block_free(struct block *b)
{
    if (b == NULL) {
        return;
    }
    for (size_t i = 0; i < b->columns_count; i++) {
        column_free(b->columns[i]);
        free(b->names[i]);
        free(b->type_texts[i]);
    }
    free(b->columns);
    free(b->names);
    free(b->type_texts);
    native_done(&b->native);
    free(b);
}

void block_freep(struct block **b)
{
    block_free(*b);
    *b = NULL;
}

void block_reset(struct block *b)
{
    refresh(b); /* also what rows that were rolled back have grown */
    /* What fits as a whole is kept as a whole: columns differ in size by far. */
    size_t keep_bytes =
        b->memory_bytes <= b->keep_bytes ? SIZE_MAX : b->keep_bytes / b->columns_count;
    for (size_t i = 0; i < b->columns_count; i++) {
        if (!column_reset(b->columns[i], keep_bytes)) {
            /* a dictionary could not put its two default keys into memory it just gave back: try
             * with what it has */
            bool is_reset = column_reset(b->columns[i], SIZE_MAX);
            assert(is_reset);
            (void)is_reset; /* asserted */
        }
    }
    b->rows = 0;
    refresh(b);
}

struct column *block_column(struct block *b, size_t index)
{
    assert(index < b->columns_count);
    return b->columns[index];
}

struct column *const *block_columns(struct block *b)
{
    return b->columns;
}

size_t block_columns_count(const struct block *b)
{
    return b->columns_count;
}

void block_row_commit(struct block *b, size_t input_bytes)
{
    b->rows++;
    b->unmarked_rows++;
    b->unmarked_input_bytes += input_bytes;
    if (b->unmarked_rows >= MARK_ROWS || b->unmarked_input_bytes >= MARK_INPUT_BYTES) {
        refresh(b);
    }
}

void block_row_rollback(struct block *b)
{
    for (size_t i = 0; i < b->columns_count; i++) {
        column_truncate(b->columns[i], b->rows);
    }
}

void block_hold(struct block *b)
{
    assert(!b->is_held);
    b->is_held = true;
    b->held_rows = b->rows;
}

void block_hold_end(struct block *b, bool is_kept)
{
    assert(b->is_held);
    b->is_held = false;
    if (!is_kept) {
        b->rows = b->held_rows;
        block_row_rollback(b);
    }
    refresh(b);
}

size_t block_rows(const struct block *b)
{
    return b->rows;
}

size_t block_encoded_bytes(const struct block *b)
{
    return b->encoded_bytes;
}

size_t block_memory_bytes(const struct block *b)
{
    return b->memory_bytes;
}

enum status block_encode(
    struct block *b, const struct block_piece **ret_pieces, size_t *ret_count, struct err *err)
{
    native_begin(&b->native, b->columns_count, b->rows);
    for (size_t i = 0; i < b->columns_count; i++) {
        assert(column_items(b->columns[i]) == b->rows);
        if (!column_finish(b->columns[i]) ||
            !native_add(&b->native, b->names[i], b->type_texts[i], b->columns[i])) {
            return err_set(err, ST_NO_MEMORY, "out of memory encoding a block");
        }
    }
    native_end(&b->native);
    *ret_pieces = b->native.pieces;
    *ret_count = b->native.pieces_count;
    return ST_OK;
}

enum status block_copy_rows(
    struct block *b, const struct block *source, size_t from, size_t rows_count, struct err *err)
{
    assert(b->columns_count == source->columns_count && from + rows_count <= source->rows);
    for (size_t i = 0; i < b->columns_count; i++) {
        if (!column_copy(b->columns[i], source->columns[i], from, rows_count)) {
            block_row_rollback(b);
            return err_set(err, ST_NO_MEMORY, "out of memory copying %zu rows", rows_count);
        }
    }
    b->rows += rows_count;
    refresh(b);
    return ST_OK;
}
