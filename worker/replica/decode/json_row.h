#ifndef WORKER_REPLICA_DECODE_JSON_ROW_H
#define WORKER_REPLICA_DECODE_JSON_ROW_H

/*
 * A whole document into one cell of each column: objects level by level along the plan. This header
 * is compiled twice, for every x86-64 (json_baseline.c) and for AVX2 (json_avx2.c); decoder.c
 * chooses.
 */

#include "worker/replica/decode/json_nested.h"
#include "worker/replica/decode/json_skip.h"
#include "worker/replica/decode/utf8.h"

/* Walk w's document. True: every column the plan fills from documents has one more cell. False:
 * the walk says why, and columns are in any state. */
bool json_row_baseline(struct walk *w) MUST_CHECK;
bool json_row_avx2(struct walk *w) MUST_CHECK;

static const uint8_t *row_object(struct walk *w, const struct plan_node *node, const uint8_t *at);
static const uint8_t *
row_array(struct walk *w, const struct plan_node *node, const uint8_t *key_at, const uint8_t *at);

static inline bool row_is_seen(const struct walk *w, uint32_t bit)
{
    return (w->seen[bit / 64] >> (bit % 64) & 1) != 0;
}

static inline void row_set_seen(struct walk *w, uint32_t bit)
{
    w->seen[bit / 64] |= 1ULL << (bit % 64);
}

/* May this target write its column? Of several ways to a column the one of the lowest rank wins. */
enum row_right {
    ROW_WRITE,
    ROW_IGNORE,
    ROW_FAIL,
};

JSON_COLD enum row_right row_twice(struct walk *w, uint32_t column, const uint8_t *key_at)
{
    if (w->ranks[column] != WALK_NO_RANK) {
        return ROW_IGNORE; /* a literal key has this column */
    }
    w->fault_column = column;
    (void)walk_duplicate(w, key_at);
    return ROW_FAIL;
}

/*
 * A literal key ("a.b") beats the path a, b. If the path, or a literal of a higher rank, wrote the
 * column before, the document is walked again, now knowing who wins (decoder.c, walk_rows).
 */
JSON_COLD enum row_right
row_literal(struct walk *w, const struct plan_target *target, const uint8_t *key_at)
{
    uint32_t best = w->ranks[target->column];
    uint64_t bit = 1ULL << (target->column % 64);
    uint64_t *written = &w->written[target->column / 64];
    if (best != WALK_NO_RANK && best < target->rank) {
        return ROW_IGNORE;
    }
    w->ranks[target->column] = target->rank;
    w->has_ranks = true;
    if (best == target->rank && (*written & bit) != 0) {
        w->fault_column = target->column;
        (void)walk_duplicate(w, key_at);
        return ROW_FAIL;
    }
    if (best != target->rank && row_is_seen(w, target->column)) {
        w->fault = WALK_RIVAL;
        return ROW_FAIL;
    }
    *written |= bit;
    return ROW_WRITE;
}

static inline enum row_right
row_right(struct walk *w, const struct plan_target *target, const uint8_t *key_at)
{
    if (target->is_literal) {
        return row_literal(w, target, key_at);
    }
    return row_is_seen(w, target->column) ? row_twice(w, target->column, key_at) : ROW_WRITE;
}

/* What lies inside the value: columns with longer paths. */
static inline const uint8_t *
row_child(struct walk *w, const struct json_key *key, const uint8_t *key_at, const uint8_t *at)
{
    if (row_is_seen(w, key->bit)) {
        return walk_duplicate(w, key_at);
    }
    row_set_seen(w, key->bit);
    if (*at == '{') {
        return row_object(w, key->child, at);
    }
    return *at == '[' ? row_array(w, key->child, key_at, at) : skip_value(w, at);
}

/* A key with several readers: the value is walked once for each. */
static __attribute__((noinline)) const uint8_t *
row_shared(struct walk *w, const struct json_key *key, const uint8_t *key_at, const uint8_t *at)
{
    const uint8_t *behind = NULL;
    for (size_t i = 0; i < key->targets_count; i++) {
        const struct plan_target *target = &key->targets[i];
        enum row_right right = row_right(w, target, key_at);
        if (right == ROW_FAIL) {
            return NULL;
        }
        if (right == ROW_IGNORE) {
            continue;
        }
        row_set_seen(w, target->column);
        behind = json_cell(w, target->cell, w->columns[target->column], at);
        if (behind == NULL) {
            w->fault_column = target->column;
            return NULL;
        }
    }
    if (key->child != NULL) {
        return row_child(w, key, key_at, at);
    }
    return behind != NULL ? behind : skip_value(w, at);
}

/* The value of a key the plan knows. */
static inline const uint8_t *
row_value(struct walk *w, const struct json_key *key, const uint8_t *key_at, const uint8_t *at)
{
    if (UNLIKELY(key->cell == NULL)) {
        return row_shared(w, key, key_at, at);
    }
    uint64_t bit = 1ULL << (key->index % 64);
    uint64_t *word = &w->seen[key->index / 64];
    if (UNLIKELY((*word & bit) != 0)) {
        return row_twice(w, key->index, key_at) == ROW_IGNORE ? skip_value(w, at) : NULL;
    }
    *word |= bit;
    at = json_cell(w, key->cell, w->columns[key->index], at);
    if (UNLIKELY(at == NULL)) {
        w->fault_column = key->index;
    }
    return at;
}

JSON_COLD const uint8_t *row_unclosed(struct walk *w, const uint8_t *at)
{
    return at >= w->end ? walk_bad(w, w->end, "the document ends inside an object or array")
                        : walk_bad(w, at, "',' or '}' is expected");
}

/* An object at its brace. */
// NOLINTNEXTLINE(readability-function-cognitive-complexity): one loop, no calls on the usual way
static const uint8_t *row_object(struct walk *w, const struct plan_node *node, const uint8_t *at)
{
    const struct key_table *table = &node->table;
    const struct json_key **learn = &w->first[table->first_id]; /* where the next one is noted */
    w->depth++;
    at = walk_blanks(w, at + 1);
    if (UNLIKELY(*at == '}')) {
        w->depth--;
        return at + 1;
    }
    for (;;) {
        const struct json_key *key = *learn;
        const uint8_t *key_at = at;
        uint32_t mask = simd_equal(at, key->pattern);
        if (LIKELY((mask & key->pattern_mask) == key->pattern_mask)) {
            at = walk_blanks(w, at + key->pattern_bytes);
        } else {
            at = cell_key_lookup(w, table, at, &key);
            if (key == NULL && at != NULL) {
                key = strangers_meet(w->strangers, table, key_at);
            }
            *learn = key != NULL ? key : *learn;
        }
        if (LIKELY(key != NULL)) {
            learn = &w->next[key->id];
            at = row_value(w, key, key_at, at);
        } else if (at != NULL) {
            at = skip_value(w, at);
        }
        if (UNLIKELY(at == NULL)) {
            return NULL;
        }
        at = walk_blanks_end(w, at);
        if (UNLIKELY(*at != ',' || at >= w->end)) {
            break;
        }
        at = walk_blanks(w, at + 1);
    }
    w->depth--;
    return LIKELY(*at == '}' && at < w->end) ? at + 1 : row_unclosed(w, at);
}

static const struct json_key *row_list_key(const struct plan_node *node, uint32_t index)
{
    for (uint32_t i = 0; i < node->table.count; i++) {
        if (node->table.keys[i].list_index == index) {
            return &node->table.keys[i];
        }
    }
    return NULL;
}

/* An array at its bracket, where a path goes on with a number. */
static const uint8_t *row_list(struct walk *w, const struct plan_node *node, const uint8_t *at)
{
    bool is_over = false;
    w->depth++;
    at = cell_open(w, at, ']', &is_over);
    for (uint32_t index = 0; !is_over; index++) {
        const struct json_key *key = row_list_key(node, index);
        at = key != NULL ? row_value(w, key, at, at) : skip_value(w, at);
        at = at == NULL ? NULL : cell_next(w, at, ']', &is_over);
        if (at == NULL) {
            return NULL;
        }
    }
    w->depth--;
    return at;
}

/* Bits by collect of a node: columns to be written, and those that the present object has filled.
 */
struct row_collected {
    uint64_t wanted[PLAN_COLLECTS_MAX / 64];
    uint64_t filled[PLAN_COLLECTS_MAX / 64];
};

static inline bool row_bit(const uint64_t *bits, size_t i)
{
    return (bits[i / 64] >> (i % 64) & 1) != 0;
}

/* One member of an object of the array, at its key: its value into every column that wants it. */
static const uint8_t *row_collect_member(
    struct walk *w, const struct plan_node *node, const uint8_t *at, struct row_collected *c)
{
    const struct json_key *key = NULL;
    const uint8_t *key_at = at;
    at = cell_key_lookup(w, &node->table, at, &key);
    if (key == NULL) {
        return at == NULL ? NULL : skip_value(w, at);
    }
    const uint8_t *behind = NULL;
    for (size_t i = 0; i < node->collects_count; i++) {
        const struct plan_target *target = &node->collects[i].target;
        if (&node->table.keys[node->collects[i].key] != key || !row_bit(c->wanted, i)) {
            continue;
        }
        w->fault_column = target->column;
        if (row_bit(c->filled, i)) {
            return walk_duplicate(w, key_at);
        }
        c->filled[i / 64] |= 1ULL << (i % 64);
        struct column *items = w->columns[target->column]->children[0];
        behind = json_cell(w, target->cell->children[0], items, at);
        if (behind == NULL) {
            return NULL;
        }
        w->fault_column = WALK_NO_COLUMN;
    }
    return behind != NULL ? behind : skip_value(w, at);
}

/* One element of the array: an object, or null, which is one without members. */
static const uint8_t *row_collect_object(
    struct walk *w, const struct plan_node *node, const uint8_t *at, struct row_collected *c)
{
    memset(c->filled, 0, sizeof(c->filled));
    const struct plan_target *first = &node->collects[0].target;
    if (*at != '{') {
        bool is_null = walk_is_word(at, "null") && !first->cell->null_is_error;
        w->fault_column = is_null ? w->fault_column : first->column;
        return is_null ? at + 4 : cell_mismatch(w, at);
    }
    bool is_over = false;
    w->depth++;
    at = cell_open(w, at, '}', &is_over);
    while (!is_over) {
        at = row_collect_member(w, node, at, c);
        at = at == NULL ? NULL : cell_next(w, at, '}', &is_over);
        if (at == NULL) {
            return NULL;
        }
    }
    w->depth--;
    return at;
}

/* What an object of the array did not have is zero; or, at the end, the cells are closed. */
static bool row_collect_fill(
    struct walk *w, const struct plan_node *node, const struct row_collected *c, bool is_end)
{
    for (size_t i = 0; i < node->collects_count; i++) {
        struct column *column = w->columns[node->collects[i].target.column];
        struct column *items = column->children[0];
        bool is_ok = true;
        if (row_bit(c->wanted, i) && is_end) {
            is_ok = column_add_offset(column, column_items(items));
        } else if (row_bit(c->wanted, i) && !row_bit(c->filled, i)) {
            is_ok = column_add_default(items);
        }
        if (!is_ok) {
            (void)walk_no_memory(w);
            return false;
        }
    }
    return true;
}

/* An array of objects at its bracket: each column gets an array of one member's values. */
static const uint8_t *
row_collect(struct walk *w, const struct plan_node *node, const uint8_t *key_at, const uint8_t *at)
{
    struct row_collected c = {.wanted = {0}};
    for (size_t i = 0; i < node->collects_count; i++) {
        const struct plan_target *target = &node->collects[i].target;
        enum row_right right = row_right(w, target, key_at);
        if (right == ROW_FAIL) {
            return NULL;
        }
        if (right == ROW_WRITE) {
            row_set_seen(w, target->column);
            c.wanted[i / 64] |= 1ULL << (i % 64);
        }
    }
    bool is_over = false;
    w->depth++;
    at = cell_open(w, at, ']', &is_over);
    while (!is_over) {
        at = row_collect_object(w, node, at, &c);
        if (at == NULL || !row_collect_fill(w, node, &c, false)) {
            return NULL;
        }
        at = cell_next(w, at, ']', &is_over);
        if (at == NULL) {
            return NULL;
        }
    }
    w->depth--;
    return row_collect_fill(w, node, &c, true) ? at : NULL;
}

/* An array at its bracket, where a path goes on. */
static __attribute__((noinline)) const uint8_t *
row_array(struct walk *w, const struct plan_node *node, const uint8_t *key_at, const uint8_t *at)
{
    if (node->collects_count > 0) {
        const uint8_t *behind = row_collect(w, node, key_at, at);
        if (behind == NULL || !node->has_indexes) {
            return behind;
        }
    }
    return row_list(w, node, at);
}

/* Columns whose key did not come get zero values, or the table's DEFAULT. */
JSON_COLD bool row_fill(struct walk *w, size_t word)
{
    uint64_t missing = w->plan->wanted[word] & ~w->seen[word];
    for (; missing != 0; missing &= missing - 1) {
        size_t column = word * 64 + (size_t)__builtin_ctzll(missing);
        if (!column_add_absent(w->columns[column])) {
            (void)walk_no_memory(w);
            return false;
        }
    }
    return true;
}

static inline bool row_walk(struct walk *w)
{
    static const uint8_t BYTE_ORDER_MARK[] = {0xef, 0xbb, 0xbf};
    const uint8_t *at = w->start;
    size_t len = (size_t)(w->end - at);
    if (UNLIKELY(!utf8_is_valid(at, len))) {
        (void)walk_bad(w, at + utf8_check_plain(at, len), "the text is not UTF-8");
        return false;
    }
    if (UNLIKELY(len >= 3 && memcmp(at, BYTE_ORDER_MARK, 3) == 0)) {
        at += 3;
    }
    at = walk_blanks(w, at);
    if (UNLIKELY(at >= w->end || *at != '{')) {
        (void)walk_bad(w, at < w->end ? at : w->end, "an object is expected");
        return false;
    }
    at = row_object(w, w->plan->root, at);
    if (UNLIKELY(at == NULL || at > w->end)) {
        if (at != NULL) {
            (void)walk_bad(w, w->end, "the document ends inside an object or array");
        }
        return false;
    }
    if (UNLIKELY(at < w->end)) {
        at = walk_blanks(w, at);
        if (at < w->end) {
            (void)walk_bad(w, at, "bytes follow the document");
            return false;
        }
    }
    for (size_t i = 0; i < w->plan->words_count; i++) {
        if (UNLIKELY((w->plan->wanted[i] & ~w->seen[i]) != 0) && !row_fill(w, i)) {
            return false;
        }
    }
    return true;
}

#endif
