/* Error rows: thirteen cells from a record and its reject. */
#include "worker/replica/block/reject_block.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "worker/replica/block/column.h"

enum {
    COLUMNS_COUNT = 0
#define X(constant, name, type) +1
        REJECT_COLUMN_TABLE(X)
#undef X
};

enum reject_column {
#define X(constant, name, type) constant,
    REJECT_COLUMN_TABLE(X)
#undef X
};

struct reject_block {
    struct block *block;                  /* owned */
    struct ch_type *types[COLUMNS_COUNT]; /* owned */
    char *pipe_id;                        /* owned */
    struct record_header *headers;        /* owned, RECORD_HEADERS_MAX */
};

/* A block of the error table's columns; types: of this room's own. */
static enum status make_block(
    struct ch_type *const types[], size_t keep_bytes, struct block **ret_block, struct err *err)
{
    static const char *const NAMES[] = {
#define X(constant, name, type) name,
        REJECT_COLUMN_TABLE(X)
#undef X
    };
    struct block_column columns[COLUMNS_COUNT];
    for (size_t i = 0; i < COLUMNS_COUNT; i++) {
        columns[i] = (struct block_column){.name = NAMES[i], .type = types[i]};
    }
    return block_new(columns, COLUMNS_COUNT, keep_bytes, ret_block, err);
}

static enum status init_block(struct reject_block *b, size_t keep_bytes, struct err *err)
{
    static const char *const TYPES[] = {
#define X(constant, name, type) type,
        REJECT_COLUMN_TABLE(X)
#undef X
    };
    for (size_t i = 0; i < COLUMNS_COUNT; i++) {
        enum status st = ch_type_parse(TYPES[i], &b->types[i], err);
        if (st != ST_OK) {
            return st;
        }
    }
    return make_block(b->types, keep_bytes, &b->block, err);
}

enum status reject_block_new(
    const char *pipe_id, size_t keep_bytes, struct reject_block **ret_block, struct err *err)
{
    assert(pipe_id != NULL);
    CLEANUP(reject_block_freep) struct reject_block *b = calloc(1, sizeof(*b));
    if (b == NULL) {
        return err_set(err, ST_NO_MEMORY, "out of memory for error rows");
    }
    b->pipe_id = strdup(pipe_id);
    b->headers = calloc(RECORD_HEADERS_MAX, sizeof(*b->headers));
    if (b->pipe_id == NULL || b->headers == NULL) {
        return err_set(err, ST_NO_MEMORY, "out of memory for error rows");
    }
    enum status st = init_block(b, keep_bytes, err);
    if (st != ST_OK) {
        return st;
    }
    *ret_block = b;
    b = NULL;
    return ST_OK;
}

void reject_block_free(struct reject_block *b)
{
    if (b == NULL) {
        return;
    }
    block_free(b->block);
    for (size_t i = 0; i < COLUMNS_COUNT; i++) {
        ch_type_free(b->types[i]);
    }
    free(b->pipe_id);
    free(b->headers);
    free(b);
}

void reject_block_freep(struct reject_block **b)
{
    reject_block_free(*b);
    *b = NULL;
}

static bool add_headers(struct reject_block *b, const struct record *record, struct column *column)
{
    size_t count = 0;
    if (record->read_headers != NULL) {
        count = record->read_headers(record, b->headers, RECORD_HEADERS_MAX);
        count = count > RECORD_HEADERS_MAX ? RECORD_HEADERS_MAX : count;
    }
    struct column *names = column->children[0];
    struct column *values = column->children[1];
    for (size_t i = 0; i < count; i++) {
        const struct record_header *header = &b->headers[i];
        size_t value_bytes = header->value == NULL ? 0 : header->value_bytes;
        if (!column_add_text(names, header->name, header->name_bytes) ||
            !column_add_text(values, header->value, value_bytes)) {
            return false;
        }
    }
    return column_add_offset(column, column_items(names));
}

static size_t kept_value_bytes(const struct reject_row *row)
{
    size_t len = row->record->value == NULL ? 0 : row->record->value_bytes;
    bool is_cut = row->reject->type == REJECT_RECORD_TOO_LARGE && len > REJECT_LARGE_VALUE_BYTES;
    return is_cut ? REJECT_LARGE_VALUE_BYTES : len;
}

static bool add_cell(struct reject_block *b, enum reject_column which, const struct reject_row *row)
{
    const struct record *record = row->record;
    struct column *column = block_column(b->block, which);
    switch (which) {
    case REJECT_COLUMN_TIMESTAMP:
        return column_add_u64(column, (uint64_t)(row->now_ms / 1000));
    case REJECT_COLUMN_TYPE: {
        const char *text = reject_type_text(row->reject->type);
        return column_add_text(column, text, strlen(text));
    }
    case REJECT_COLUMN_MESSAGE:
        return column_add_text(column, row->reject->message, strlen(row->reject->message));
    case REJECT_COLUMN_KEY:
        return column_add_text(column, record->key, record->key == NULL ? 0 : record->key_bytes);
    case REJECT_COLUMN_VALUE:
        return column_add_text(column, record->value, kept_value_bytes(row));
    case REJECT_COLUMN_RECORD_TIMESTAMP: {
        int64_t timestamp_ms = record->timestamp_ms < 0 ? 0 : record->timestamp_ms;
        return column_add_u64(column, (uint64_t)timestamp_ms);
    }
    case REJECT_COLUMN_PARTITION:
        return column_add_u64(column, (uint64_t)record->partition);
    case REJECT_COLUMN_OFFSET:
        return column_add_u64(column, (uint64_t)record->offset);
    case REJECT_COLUMN_TOPIC:
        return column_add_text(column, record->topic, record->topic_bytes);
    case REJECT_COLUMN_HEADERS:
        return add_headers(b, record, column);
    case REJECT_COLUMN_SCHEMA_ID:
        return column_add_u64(column, (uint64_t)row->reject->schema_id);
    case REJECT_COLUMN_PIPE_ID:
        return column_add_text(column, b->pipe_id, strlen(b->pipe_id));
    case REJECT_COLUMN_COLUMN_NAME:
        return column_add_text(column, row->reject->column, strlen(row->reject->column));
    }
    return false;
}

enum status reject_block_add(struct reject_block *b, const struct reject_row *row, struct err *err)
{
    assert(row->record != NULL && row->reject != NULL);
    for (size_t i = 0; i < COLUMNS_COUNT; i++) {
        if (!add_cell(b, (enum reject_column)i, row)) {
            block_row_rollback(b->block);
            return err_set(err, ST_NO_MEMORY, "out of memory for an error row");
        }
    }
    block_row_commit(b->block, row->record->value_bytes);
    return ST_OK;
}

struct block *reject_block_rows(struct reject_block *b)
{
    return b->block;
}

const int64_t *reject_block_offsets(const struct reject_block *b)
{
    const struct column *column = block_column(b->block, REJECT_COLUMN_OFFSET);
    return (const int64_t *)(const void *)column->data.at; /* Int64: fixed width, from the start of
                                                              the heap's own memory */
}

enum status
reject_block_part(const struct reject_block *b, struct block **ret_rows, struct err *err)
{
    return make_block(b->types, 0, ret_rows, err);
}
