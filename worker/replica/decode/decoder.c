/*
 * One record to one row: the JSON walk, the virtual columns, the verdict.
 *
 * Documents lie anywhere in a fetch buffer, and the walk reads a little past their end. Where that
 * could touch the next page the document is copied first. A document that fails is walked again
 * as a copy with zeros behind it, so that what follows it in memory never shapes a message.
 */
#include "worker/replica/decode/decoder.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "worker/replica/block/column.h"
#include "worker/replica/decode/json_row.h"
#include "worker/replica/decode/plan_tree.h"

#if defined(__SANITIZE_ADDRESS__)
#define DECODER_ALWAYS_COPIES 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DECODER_ALWAYS_COPIES 1
#endif
#endif
#ifndef DECODER_ALWAYS_COPIES
#define DECODER_ALWAYS_COPIES 0
#endif

enum {
    PAGE_BYTES = 4096 /* the smallest there is */
};

struct decoder {
    const struct plan *plan;
    struct walk walk;
    bool (*row)(struct walk *w);
    struct bytes copy;             /* a document with padding behind it */
    struct record_header *headers; /* owned, RECORD_HEADERS_MAX; NULL if none are needed */
};

static bool has_avx2(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
#else
    return false;
#endif
}

static void learn_declared_order(struct walk *w, const struct key_table *table)
{
    if (table->count == 0) {
        return;
    }
    w->first[table->first_id] = table->keys;
    for (uint32_t i = 0; i < table->count; i++) {
        w->next[table->keys[i].id] = &table->keys[i + 1 < table->count ? i + 1 : 0];
        if (table->keys[i].child != NULL) {
            learn_declared_order(w, &table->keys[i].child->table);
        }
    }
}

static enum status init_walk(struct walk *w, const struct plan *plan, struct err *err)
{
    w->plan = plan;
    w->seen = calloc(plan->words_count + 1, sizeof(*w->seen));
    w->next = calloc((size_t)plan->keys_count + 1, sizeof(struct json_key *));
    w->first = calloc((size_t)plan->keys_count + 1, sizeof(struct json_key *));
    w->ranks = calloc(plan->columns_count, sizeof(*w->ranks));
    w->written = calloc(plan->words_count + 1, sizeof(*w->written));
    if (w->seen == NULL || w->next == NULL || w->first == NULL || w->ranks == NULL ||
        w->written == NULL || !bytes_room(&w->scratch, 1)) {
        return err_set(err, ST_NO_MEMORY, "out of memory for a decoder");
    }
    memset(w->ranks, 0xff, plan->columns_count * sizeof(*w->ranks));
    if (plan->root != NULL) {
        learn_declared_order(w, &plan->root->table);
    }
    return ST_OK;
}

enum status decoder_new(const struct plan *plan, struct decoder **ret_decoder, struct err *err)
{
    assert(plan != NULL);
    CLEANUP(decoder_freep) struct decoder *d = calloc(1, sizeof(*d));
    if (d == NULL) {
        return err_set(err, ST_NO_MEMORY, "out of memory for a decoder");
    }
    d->plan = plan;
    d->row = has_avx2() ? json_row_avx2 : json_row_baseline;
    enum status st = init_walk(&d->walk, plan, err);
    if (st != ST_OK) {
        return st;
    }
    if (plan_needs_headers(plan)) {
        d->headers = calloc(RECORD_HEADERS_MAX, sizeof(*d->headers));
        if (d->headers == NULL) {
            return err_set(err, ST_NO_MEMORY, "out of memory for a decoder");
        }
    }
    *ret_decoder = d;
    d = NULL;
    return ST_OK;
}

void decoder_free(struct decoder *d)
{
    if (d == NULL) {
        return;
    }
    free(d->walk.seen);
    free(d->walk.next);
    free(d->walk.first);
    free(d->walk.ranks);
    free(d->walk.written);
    bytes_done(&d->walk.scratch);
    bytes_done(&d->copy);
    free(d->headers);
    free(d);
}

void decoder_freep(struct decoder **d)
{
    decoder_free(*d);
    *d = NULL;
}

/* Forget what was filled; columns that belong to a literal key count as filled for their paths. */
static void begin_walk(struct decoder *d)
{
    struct walk *w = &d->walk;
    w->seen[0] = 0;
    if (d->plan->words_count > 1) {
        memset(w->seen, 0, d->plan->words_count * sizeof(*w->seen));
    }
    w->depth = 0;
    w->fault_column = WALK_NO_COLUMN;
    if (LIKELY(!w->has_ranks)) {
        return;
    }
    memset(w->written, 0, d->plan->words_count * sizeof(*w->written));
    for (size_t column = 0; column < d->plan->columns_count; column++) {
        if (w->ranks[column] != WALK_NO_RANK) {
            w->seen[column / 64] |= 1ULL << (column % 64);
        }
    }
}

/* Walk the document, again for each literal key that comes after its path. */
static bool walk_rows(struct decoder *d, struct block *block)
{
    struct walk *w = &d->walk;
    if (UNLIKELY(w->has_ranks)) {
        memset(w->ranks, 0xff, d->plan->columns_count * sizeof(*w->ranks));
        memset(w->written, 0, d->plan->words_count * sizeof(*w->written));
        w->has_ranks = false;
    }
    for (;;) {
        begin_walk(d);
        if (LIKELY(d->row(w))) {
            return true;
        }
        block_row_rollback(block);
        if (w->fault != WALK_RIVAL) {
            return false;
        }
    }
}

static bool copy_document(struct decoder *d, const uint8_t *bytes, size_t len)
{
    d->copy.len = 0;
    if (!bytes_add(&d->copy, bytes, len) || !bytes_add_zeros(&d->copy, JSON_PADDING_BYTES)) {
        (void)walk_no_memory(&d->walk);
        return false;
    }
    d->walk.start = d->copy.at;
    d->walk.end = d->copy.at + len;
    return true;
}

static bool is_near_page_end(const uint8_t *end)
{
    return ((uintptr_t)end & (PAGE_BYTES - 1)) > PAGE_BYTES - JSON_PADDING_BYTES;
}

/* The next record of a batch lies behind this one: let it come while this one is decoded. */
static void prefetch_next(const uint8_t *end, size_t len)
{
    enum {
        LINE_BYTES = 64,
        FAR_BYTES = 2048,
    };
    size_t far = len < FAR_BYTES ? len : FAR_BYTES;
    for (size_t at = 0; at < far; at += LINE_BYTES) {
        __builtin_prefetch(end + at); /* never faults, whatever is there */
    }
}

static bool walk_document(struct decoder *d, const struct record *record, struct block *block)
{
    struct walk *w = &d->walk;
    w->columns = block_columns(block);
    w->start = record->value;
    w->end = record->value + record->value_bytes;
    prefetch_next(w->end, record->value_bytes);
    if (!DECODER_ALWAYS_COPIES && LIKELY(!is_near_page_end(w->end))) {
        if (LIKELY(walk_rows(d, block))) {
            return true;
        }
        if (w->fault == WALK_NO_MEMORY) {
            return false;
        }
    }
    return copy_document(d, record->value, record->value_bytes) && walk_rows(d, block);
}

static const char *kind_of(const struct walk *w)
{
    if (w->fault_at == NULL || w->fault_at >= w->end) {
        return "nothing";
    }
    switch (*w->fault_at) {
    case '"':
        return "a string";
    case '{':
        return "an object";
    case '[':
        return "an array";
    case 't':
    case 'f':
        return "a boolean";
    case 'n':
        return "null";
    default: /* a byte of the document that began a value */
        return "a number";
    }
}

static void describe(const struct decoder *d, struct reject *reject)
{
    const struct walk *w = &d->walk;
    size_t place = (size_t)(w->fault_at - w->start);
    const struct block_column *column =
        w->fault_column == WALK_NO_COLUMN ? NULL : &d->plan->columns[w->fault_column];
    if (w->fault == WALK_CELL) {
        assert(column != NULL);
        CLEANUP(freep) char *type = ch_type_text(column->type);
        reject_set(
            reject, REJECT_TYPE_CONVERSION, column->name,
            "column %s: %s at byte %zu does not fit %s: %s", column->name, kind_of(w), place,
            type == NULL ? ch_kind_name(column->type->kind) : type, w->reason);
        return;
    }
    reject_set(
        reject, REJECT_DATA_PARSING, column == NULL ? NULL : column->name,
        "malformed JSON at byte %zu: %s", place, w->reason);
}

/* The virtual columns of the open row. */
static bool write_virtuals(struct decoder *d, const struct record *record, struct block *block)
{
    struct virtual_headers headers = {.items = d->headers};
    if (d->headers != NULL && record->read_headers != NULL) {
        headers.count = record->read_headers(record, d->headers, RECORD_HEADERS_MAX);
        headers.count = headers.count > RECORD_HEADERS_MAX ? RECORD_HEADERS_MAX : headers.count;
    }
    for (size_t i = 0; i < d->plan->virtuals_count; i++) {
        const struct plan_virtual *item = &d->plan->virtuals[i];
        if (!virtual_write(item->kind, record, &headers, block_column(block, item->column))) {
            return false;
        }
    }
    return true;
}

static enum status
finish_row(struct decoder *d, const struct record *record, struct block *block, struct err *err)
{
    if (UNLIKELY(!write_virtuals(d, record, block))) {
        block_row_rollback(block);
        return err_set(err, ST_NO_MEMORY, "out of memory for a row");
    }
    block_row_commit(block, record->value_bytes);
    return ST_OK;
}

enum status decoder_add(
    struct decoder *d, const struct record *record, struct block *block, struct reject *ret_reject,
    struct err *err)
{
    assert(block_columns_count(block) == d->plan->columns_count);
    if (d->plan->root == NULL) {
        return finish_row(d, record, block, err);
    }
    if (UNLIKELY(record->value == NULL || record->value_bytes == 0)) {
        reject_set(ret_reject, REJECT_DATA_PARSING, NULL, "the value is empty");
        return ST_REJECTED;
    }
    if (UNLIKELY(!walk_document(d, record, block))) {
        if (d->walk.fault == WALK_NO_MEMORY) {
            block_row_rollback(block);
            return err_set(err, ST_NO_MEMORY, "out of memory for a row");
        }
        describe(d, ret_reject);
        return ST_REJECTED;
    }
    return finish_row(d, record, block, err);
}

enum status decoder_add_tombstone(
    struct decoder *d, const struct record *record, struct block *block, struct err *err)
{
    for (size_t i = 0; i < d->plan->columns_count; i++) {
        if (d->plan->cells[i] != NULL && !column_add_default(block_column(block, i))) {
            block_row_rollback(block);
            return err_set(err, ST_NO_MEMORY, "out of memory for a row");
        }
    }
    return finish_row(d, record, block, err);
}

void decoder_use_baseline(struct decoder *d)
{
    d->row = json_row_baseline;
}
