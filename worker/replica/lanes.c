/* Open batches, the queue, and the ones to use again. */
#include "worker/replica/lanes.h"

#include <assert.h>
#include <stdlib.h>

enum {
    FREE_MAX = 8, /* emptied batches kept; making one costs less than an insert */
    KEEP_LEAST_BYTES = 64 * 1024,
};

static void batch_free(struct batch *batch)
{
    if (batch != NULL) {
        batch_done(batch);
        free(batch);
    }
}

static void batches_free(struct batch **first)
{
    while (*first != NULL) {
        struct batch *gone = *first;
        *first = gone->next;
        batch_free(gone);
    }
}

static enum status make_lanes(size_t count, struct lanes *ret_lanes, struct err *err)
{
    ret_lanes->open = calloc(count > 0 ? count : 1, sizeof(struct batch *));
    ret_lanes->sealed = calloc(count > 0 ? count : 1, sizeof(size_t));
    ret_lanes->parked = calloc(count > 0 ? count : 1, sizeof(bool));
    if (ret_lanes->open == NULL || ret_lanes->sealed == NULL || ret_lanes->parked == NULL) {
        free(ret_lanes->open);
        free(ret_lanes->sealed);
        free(ret_lanes->parked);
        return err_set(err, ST_NO_MEMORY, "no memory for %zu lanes", count);
    }
    ret_lanes->count = count;
    return ST_OK;
}

void lanes_done(struct lanes *lanes)
{
    for (size_t i = 0; i < lanes->count; i++) {
        batch_free(lanes->open[i]);
    }
    free(lanes->open);
    free(lanes->sealed);
    free(lanes->parked);
    batches_free(&lanes->first);
    batches_free(&lanes->free);
    *lanes = (struct lanes){.last_id = lanes->last_id};
}

enum status
lanes_init(struct lanes *lanes, const struct lanes_params *params, size_t count, struct err *err)
{
    struct lanes made = {.params = *params};
    enum status st = make_lanes(count, &made, err);
    if (st != ST_OK) {
        return st;
    }
    lanes_done(lanes);
    made.last_id = lanes->last_id;
    *lanes = made;
    lanes->last_link = &lanes->first;
    return ST_OK;
}

enum status lanes_assign(struct lanes *lanes, size_t count, struct err *err)
{
    struct lanes_params params = lanes->params;
    return lanes_init(lanes, &params, count, err);
}

static enum status make_batch(struct lanes *lanes, struct batch **ret_batch, struct err *err)
{
    struct batch *batch = calloc(1, sizeof(*batch));
    if (batch == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for a batch");
    }
    size_t keep_bytes = lanes->params.keep_bytes / FREE_MAX;
    if (lanes->count == 1) {
        keep_bytes = lanes->params.keep_bytes; /* one fills, one is stored: both stay as they are */
    }
    struct batch_params params = {
        .columns = lanes->params.columns,
        .columns_count = lanes->params.columns_count,
        .pipe_id = lanes->params.pipe_id,
        .keep_bytes = keep_bytes < KEEP_LEAST_BYTES ? KEEP_LEAST_BYTES : keep_bytes,
    };
    enum status st = batch_init(batch, &params, err);
    if (st != ST_OK) {
        free(batch);
        return st;
    }
    *ret_batch = batch;
    return ST_OK;
}

enum status lanes_reserve(struct lanes *lanes, struct err *err)
{
    if (lanes->free != NULL) {
        return ST_OK;
    }
    enum status st = make_batch(lanes, &lanes->free, err);
    lanes->free_count += st == ST_OK ? 1 : 0;
    return st;
}

struct batch *lanes_open(struct lanes *lanes, size_t lane)
{
    assert(lane < lanes->count);
    struct batch *batch = lanes->open[lane];
    if (batch != NULL) {
        return batch;
    }
    if (lanes_reserve(lanes, NULL) != ST_OK) {
        return NULL;
    }
    batch = lanes->free;
    lanes->free = batch->next;
    lanes->free_count--;
    batch_reset(batch, ++lanes->last_id);
    batch->lane = lane;
    batch->next = NULL;
    lanes->open[lane] = batch;
    return batch;
}

void lanes_seal(struct lanes *lanes, size_t lane, enum batch_seal seal)
{
    assert(lane < lanes->count && seal != BATCH_OPEN);
    struct batch *batch = lanes->open[lane];
    assert(batch != NULL && batch->sealed_by == BATCH_OPEN);
    batch->sealed_by = seal;
    lanes->open[lane] = NULL;
    lanes->sealed[lane]++;
    *lanes->last_link = batch;
    lanes->last_link = &batch->next;
    lanes->queued++;
}

struct batch *lanes_first(const struct lanes *lanes)
{
    return lanes->first;
}

void lanes_take(struct lanes *lanes, struct batch *batch)
{
    struct batch **link = &lanes->first;
    while (*link != batch) {
        assert(*link != NULL);
        link = &(*link)->next;
    }
    *link = batch->next;
    if (lanes->last_link == &batch->next) {
        lanes->last_link = link;
    }
    batch->next = NULL;
    lanes->queued--;
}

/* Emptied, its memory above what is kept given back. */
static void put_free(struct lanes *lanes, struct batch *batch)
{
    if (lanes->free_count >= FREE_MAX) {
        batch_free(batch);
        return;
    }
    batch_reset(batch, batch->id);
    batch->next = lanes->free;
    lanes->free = batch;
    lanes->free_count++;
}

void lanes_give_back(struct lanes *lanes, struct batch *batch)
{
    assert(batch->lane < lanes->count && lanes->sealed[batch->lane] > 0);
    lanes->sealed[batch->lane]--;
    put_free(lanes, batch);
}

void lanes_drop_open(struct lanes *lanes, size_t lane)
{
    struct batch *batch = lanes->open[lane];
    assert(batch != NULL);
    lanes->open[lane] = NULL;
    put_free(lanes, batch);
}

void lanes_forget(struct lanes *lanes)
{
    while (lanes->first != NULL) {
        struct batch *batch = lanes->first;
        lanes_take(lanes, batch);
        lanes_give_back(lanes, batch);
    }
    for (size_t i = 0; i < lanes->count; i++) {
        lanes->parked[i] = false;
        if (lanes->open[i] != NULL) {
            lanes_drop_open(lanes, i);
        }
    }
}

void lanes_input(const struct lanes *lanes, uint64_t *ret_records, uint64_t *ret_bytes)
{
    *ret_records = 0;
    *ret_bytes = 0;
    for (size_t i = 0; i < lanes->count; i++) {
        if (lanes->open[i] != NULL) {
            *ret_records += lanes->open[i]->messages_count;
            *ret_bytes += lanes->open[i]->input_bytes;
        }
    }
    for (const struct batch *batch = lanes->first; batch != NULL; batch = batch->next) {
        *ret_records += batch->messages_count;
        *ret_bytes += batch->input_bytes;
    }
}

bool lanes_are_empty(const struct lanes *lanes)
{
    for (size_t i = 0; i < lanes->count; i++) {
        if (lanes->open[i] != NULL && !batch_is_empty(lanes->open[i])) {
            return false;
        }
    }
    return lanes->first == NULL;
}

static size_t list_memory_bytes(const struct batch *batch)
{
    size_t bytes = 0;
    for (; batch != NULL; batch = batch->next) {
        bytes += batch_memory_bytes(batch);
    }
    return bytes;
}

size_t lanes_memory_bytes(const struct lanes *lanes)
{
    size_t bytes = list_memory_bytes(lanes->first) + list_memory_bytes(lanes->free);
    for (size_t i = 0; i < lanes->count; i++) {
        bytes += lanes->open[i] == NULL ? 0 : batch_memory_bytes(lanes->open[i]);
    }
    return bytes;
}
