/*
 * Documents lie anywhere in a fetch buffer, and the walk reads a little past their end. Where that
 * could touch the next page the document is copied first. A document that fails is walked again
 * as a copy with zeros behind it, so that what follows it in memory never shapes a message.
 */
#include "worker/replica/decode/document.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "worker/replica/block/column.h"
#include "worker/replica/decode/json_row.h"
#include "worker/replica/decode/plan_tree.h"

struct document {
    const struct plan *plan;
    struct walk walk;
    bool (*row)(struct walk *w);
    struct bytes copy; /* a document with padding behind it */
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
    w->next = calloc((size_t)plan->keys_count + STRANGERS_MAX, sizeof(struct json_key *));
    w->first = calloc((size_t)plan->keys_count + 1, sizeof(struct json_key *));
    w->strangers = calloc(1, sizeof(*w->strangers));
    w->ranks = calloc(plan->columns_count, sizeof(*w->ranks));
    w->written = calloc(plan->words_count + 1, sizeof(*w->written));
    if (w->seen == NULL || w->next == NULL || w->first == NULL || w->ranks == NULL ||
        w->written == NULL || w->strangers == NULL || !bytes_room(&w->scratch, 1)) {
        return err_set(err, ST_NO_MEMORY, "out of memory for a decoder");
    }
    memset(w->ranks, 0xff, plan->columns_count * sizeof(*w->ranks));
    w->strangers->first_id = plan->keys_count;
    for (size_t i = 0; i < STRANGERS_MAX; i++) {
        w->next[plan->keys_count + i] = &w->strangers->keys[i]; /* until it is learned */
    }
    if (plan->root != NULL) {
        learn_declared_order(w, &plan->root->table);
    }
    return ST_OK;
}

enum status document_new(const struct plan *plan, struct document **ret_document, struct err *err)
{
    assert(plan != NULL);
    struct document *d = calloc(1, sizeof(*d));
    if (d == NULL) {
        return err_set(err, ST_NO_MEMORY, "out of memory for a decoder");
    }
    d->plan = plan;
    d->row = has_avx2() ? json_row_avx2 : json_row_baseline;
    enum status st = init_walk(&d->walk, plan, err);
    if (st != ST_OK) {
        document_free(d);
        return st;
    }
    *ret_document = d;
    return ST_OK;
}

void document_free(struct document *d)
{
    if (d == NULL) {
        return;
    }
    free(d->walk.seen);
    free(d->walk.next);
    free(d->walk.first);
    free(d->walk.strangers);
    free(d->walk.ranks);
    free(d->walk.written);
    bytes_done(&d->walk.scratch);
    bytes_done(&d->copy);
    free(d);
}

/* Drop the cells of the open row, of this plan's columns only. */
static void forget_cells(const struct document *d, struct block *block)
{
    for (size_t i = 0; i < d->plan->fields_count; i++) {
        column_truncate(block_column(block, d->plan->fields[i].column), block_rows(block));
    }
}

/* Forget what was filled; columns that belong to a literal key count as filled for their paths. */
static void begin_walk(struct document *d)
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
static bool walk_rows(struct document *d, struct block *block)
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
        forget_cells(d, block);
        if (w->fault != WALK_RIVAL) {
            return false;
        }
    }
}

static __attribute__((noinline)) bool
copy_document(struct document *d, const uint8_t *bytes, size_t len)
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

static bool walk_document(struct document *d, const uint8_t *bytes, size_t len, struct block *block)
{
    struct walk *w = &d->walk;
    w->columns = block_columns(block);
    w->start = bytes;
    w->end = bytes + len;
    document_prefetch(w->end, len);
    if (LIKELY(!document_must_copy(w->end))) {
        if (LIKELY(walk_rows(d, block))) {
            return true;
        }
        if (w->fault == WALK_NO_MEMORY) {
            return false;
        }
    }
    return copy_document(d, bytes, len) && walk_rows(d, block);
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

static __attribute__((noinline)) void describe(const struct document *d, struct reject *reject)
{
    const struct walk *w = &d->walk;
    size_t place = (size_t)(w->fault_at - w->start);
    const struct block_column *column =
        w->fault_column == WALK_NO_COLUMN ? NULL : &d->plan->columns[w->fault_column];
    if (w->fault == WALK_CELL) {
        assert(column != NULL);
        CLEANUP(freep) char *type = ch_type_text(column->type);
        reject_shorten(type);
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

enum status document_row(
    struct document *d, const uint8_t *bytes, size_t len, struct block *block,
    struct reject *ret_reject)
{
    if (LIKELY(walk_document(d, bytes, len, block))) {
        return ST_OK;
    }
    if (d->walk.fault == WALK_NO_MEMORY) {
        forget_cells(d, block);
        return ST_NO_MEMORY;
    }
    describe(d, ret_reject);
    return ST_REJECTED;
}

void document_use_baseline(struct document *d)
{
    d->row = json_row_baseline;
}
