/* Batches: the sealing rules and the notes beside the block. */
#include "worker/replica/batch.h"

#include <assert.h>
#include <stdlib.h>

enum {
    ROWS_FIRST = 4096,
};

enum status batch_init(struct batch *ret_batch, const struct batch_params *params, struct err *err)
{
    struct batch batch = {.keep_bytes = params->keep_bytes};
    enum status st =
        block_new(params->columns, params->columns_count, params->keep_bytes, &batch.block, err);
    if (st != ST_OK) {
        return st;
    }
    st = reject_block_new(params->pipe_id, params->keep_bytes / 8, &batch.rejects, err);
    if (st != ST_OK) {
        block_free(batch.block);
        return st;
    }
    *ret_batch = batch;
    return ST_OK;
}

void batch_done(struct batch *batch)
{
    block_freep(&batch->block);
    reject_block_freep(&batch->rejects);
    free(batch->rows);
    *batch = (struct batch){.id = 0};
}

void batch_reset(struct batch *batch, uint64_t id)
{
    block_reset(batch->block);
    block_reset(reject_block_rows(batch->rejects));
    if (batch->rows_capacity * sizeof(batch->rows[0]) > batch->keep_bytes) {
        free(batch->rows);
        batch->rows = NULL;
        batch->rows_capacity = 0;
    }
    batch->id = id;
    batch->messages_count = 0;
    batch->rejected_count = 0;
    batch->skipped_count = 0;
    batch->input_bytes = 0;
    batch->first_ms = 0;
    batch->sealed_by = BATCH_OPEN;
    batch->range = (struct batch_range){.token = ""};
}

static enum status grow_rows(struct batch *batch, size_t rows)
{
    size_t wanted = batch->rows_capacity == 0 ? ROWS_FIRST : batch->rows_capacity;
    while (wanted < rows) {
        wanted *= 2;
    }
    struct batch_row *more = reallocarray(batch->rows, wanted, sizeof(*more));
    if (more == NULL) {
        return ST_NO_MEMORY;
    }
    batch->rows = more;
    batch->rows_capacity = wanted;
    return ST_OK;
}

enum status batch_note_rows(struct batch *batch, const struct batch_row *row, size_t count)
{
    size_t rows = block_rows(batch->block);
    assert(count <= rows);
    if (UNLIKELY(rows > batch->rows_capacity)) {
        enum status st = grow_rows(batch, rows);
        if (st != ST_OK) {
            return st;
        }
    }
    for (size_t i = rows - count; i < rows; i++) {
        batch->rows[i] = *row;
    }
    return ST_OK;
}

void batch_note_message(struct batch *batch, uint64_t bytes, int64_t now_ms)
{
    if (batch->messages_count == 0) {
        batch->first_ms = now_ms;
    }
    batch->messages_count++;
    batch->input_bytes += bytes;
}

bool batch_is_empty(const struct batch *batch)
{
    return batch->messages_count == 0;
}

size_t batch_rows_count(const struct batch *batch)
{
    return block_rows(batch->block) + block_rows(reject_block_rows(batch->rejects));
}

size_t batch_memory_bytes(const struct batch *batch)
{
    return block_memory_bytes(batch->block) +
           block_memory_bytes(reject_block_rows(batch->rejects)) +
           batch->rows_capacity * sizeof(batch->rows[0]);
}

enum batch_seal batch_full(const struct batch *batch, const struct batch_limits *limits)
{
    if (batch_is_empty(batch)) {
        return BATCH_OPEN; /* its blocks' headers alone may exceed a small limit of bytes */
    }
    if (batch_rows_count(batch) >= limits->rows) {
        return BATCH_ROWS;
    }
    size_t bytes =
        block_encoded_bytes(batch->block) + block_encoded_bytes(reject_block_rows(batch->rejects));
    return bytes >= limits->bytes ? BATCH_BYTES : BATCH_OPEN;
}

enum batch_seal
batch_due(const struct batch *batch, const struct batch_limits *limits, int64_t now_ms)
{
    if (batch_is_empty(batch)) {
        return BATCH_OPEN;
    }
    enum batch_seal seal = batch_full(batch, limits);
    if (seal == BATCH_OPEN && now_ms - batch->first_ms >= limits->age_ms) {
        return BATCH_AGE;
    }
    return seal;
}
