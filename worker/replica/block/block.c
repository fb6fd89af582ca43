/*
 * Rows and the Native format around the columns. Sizes are looked at again every 64 rows or 64 KB
 * of input; that is also when the columns mark their place for a cheap rollback.
 */
#include "worker/replica/block/block.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/replica/block/column.h"
#include "worker/replica/block/native.h"

enum {
    MARK_ROWS = 64,
    MARK_INPUT_BYTES = 64 * 1024,
};

bool block_nulls_are_defaults(
    const struct block_column *columns, size_t columns_count, bool is_null_zero)
{
    bool is_needed = false;
    for (size_t i = 0; i < columns_count; i++) {
        is_needed = is_needed || columns[i].has_default ||
                    (is_null_zero && ch_type_contains(columns[i].type, CH_JSON));
    }
    return is_needed;
}

struct block {
    struct column **columns; /* owned */
    char **type_texts;       /* owned, canonical */
    char **names;            /* owned */
    size_t columns_count;
    struct block_column *given; /* owned; names are ours, types borrowed */
    size_t rows;
    bool is_held;
    size_t held_rows;  /* rows before the hold */
    size_t keep_bytes; /* of all columns together */
    size_t unmarked_rows;
    size_t unmarked_input_bytes;
    size_t encoded_bytes; /* as of the last mark */
    size_t memory_bytes;
    struct native native;
    struct block *part; /* owned; rows that leave out the same columns, while they are encoded */
    struct bytes joined;
    struct bytes zeros;
    struct block_piece joined_piece;
};

/* A column that no table has, for rows that leave out all others; ClickHouse skips what it does not
 * know (input_format_skip_unknown_fields). */
#define FILLER_NAME "_penstock_filler"
#define FILLER_TYPE "UInt8"

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

/* The type as Native must name it; owned, NULL: no memory. */
static char *sent_type(const struct column *column, const struct ch_type *type)
{
    if (!column->null_is_absent) {
        return ch_type_text(type);
    }
    bool is_dictionary = column->kind == CH_LOW_CARDINALITY;
    CLEANUP(freep) char *inner = ch_type_text(is_dictionary ? type->children[0] : type);
    char *text = NULL;
    bool is_made =
        inner != NULL && asprintf(
                             &text, "%sNullable(%s)%s", is_dictionary ? "LowCardinality(" : "",
                             inner, is_dictionary ? ")" : "") >= 0;
    return is_made ? text : NULL;
}

static enum status make_column(struct block *b, size_t i, struct err *err)
{
    const struct block_column *given = &b->given[i];
    b->names[i] = strdup(given->name);
    enum status st = column_new(given->type, &b->columns[i], err);
    if (st != ST_OK) {
        (void)err_wrap(err, "column %s", given->name);
        return st;
    }
    bool is_made = !given->has_default || column_make_optional(b->columns[i]);
    b->type_texts[i] = is_made ? sent_type(b->columns[i], given->type) : NULL;
    is_made = b->names[i] != NULL && b->type_texts[i] != NULL &&
              native_plan(&b->native, b->names[i], b->type_texts[i], b->columns[i]);
    return is_made ? ST_OK : err_set(err, ST_NO_MEMORY, "out of memory for column %s", given->name);
}

static enum status add_column(struct block *b, const struct block_column *column, struct err *err)
{
    size_t i = b->columns_count;
    b->given[i] = *column;
    b->columns_count++;
    enum status st = make_column(b, i, err);
    b->given[i].name = b->names[i];
    return st;
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
    b->given = calloc(columns_count, sizeof(*b->given));
    if (b->columns == NULL || b->names == NULL || b->type_texts == NULL || b->given == NULL) {
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
    free(b->given);
    native_done(&b->native);
    block_free(b->part);
    bytes_done(&b->joined);
    bytes_done(&b->zeros);
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
    block_freep(&b->part);
    bytes_reset(&b->joined, 0);
    bytes_reset(&b->zeros, 0);
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

/* Rows from `from` on that leave out the same columns as that one. */
static size_t count_alike(const struct block *b, size_t from)
{
    size_t end = b->rows;
    for (size_t i = 0; i < b->columns_count; i++) {
        const struct column *column = b->columns[i];
        if (column->absent.len == 0) {
            continue;
        }
        bool is_absent = column_is_absent(column, from);
        size_t row = from + 1;
        while (row < end && column_is_absent(column, row) == is_absent) {
            row++;
        }
        end = row;
    }
    return end - from;
}

static bool add_filler(struct block *b)
{
    b->zeros.len = 0;
    return bytes_add_zeros(&b->zeros, b->rows) &&
           native_add_bytes(&b->native, FILLER_NAME, FILLER_TYPE, &b->zeros);
}

/* One block of the format, of rows that all leave out what the first one does. */
static bool encode_alike(struct block *b)
{
    size_t sent = 0;
    for (size_t i = 0; i < b->columns_count; i++) {
        sent += !column_is_absent(b->columns[i], 0);
    }
    native_begin(&b->native, sent == 0 ? 1 : sent, b->rows);
    if (sent == 0 && !add_filler(b)) {
        return false;
    }
    for (size_t i = 0; i < b->columns_count; i++) {
        assert(column_items(b->columns[i]) == b->rows);
        if (column_is_absent(b->columns[i], 0)) {
            continue;
        }
        if (!column_finish(b->columns[i]) ||
            !native_add(&b->native, b->names[i], b->type_texts[i], b->columns[i])) {
            return false;
        }
    }
    native_end(&b->native);
    return true;
}

/* Append those rows, encoded, to joined. */
static enum status join_part(struct block *b, size_t from, size_t count, struct err *err)
{
    block_reset(b->part);
    enum status st = block_copy_rows(b->part, b, from, count, err);
    bool is_joined = st == ST_OK && encode_alike(b->part);
    for (size_t i = 0; is_joined && i < b->part->native.pieces_count; i++) {
        const struct block_piece *piece = &b->part->native.pieces[i];
        is_joined = bytes_add(&b->joined, piece->bytes, piece->len_bytes);
    }
    return is_joined ? ST_OK : err_set(err, ST_NO_MEMORY, "out of memory encoding a block");
}

/* Rows of several kinds of absence: a block of the format for each run of them. */
static enum status encode_parts(struct block *b, struct err *err)
{
    enum status st = ST_OK;
    if (b->part == NULL) {
        st = block_new(b->given, b->columns_count, b->keep_bytes, &b->part, err);
    }
    b->joined.len = 0;
    for (size_t from = 0; st == ST_OK && from < b->rows;) {
        size_t count = count_alike(b, from);
        st = join_part(b, from, count, err);
        from += count;
    }
    b->joined_piece = (struct block_piece){b->joined.at, b->joined.len};
    return st;
}

enum status block_encode(
    struct block *b, const struct block_piece **ret_pieces, size_t *ret_count, struct err *err)
{
    if (b->rows > 0 && count_alike(b, 0) < b->rows) {
        *ret_pieces = &b->joined_piece;
        *ret_count = 1;
        return encode_parts(b, err);
    }
    if (!encode_alike(b)) {
        return err_set(err, ST_NO_MEMORY, "out of memory encoding a block");
    }
    *ret_pieces = b->native.pieces;
    *ret_count = b->native.pieces_count;
    return ST_OK;
}

enum status block_copy_rows(
    struct block *b, struct block *source, size_t from, size_t rows_count, struct err *err)
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
