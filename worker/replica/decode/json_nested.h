#ifndef WORKER_REPLICA_DECODE_JSON_NESTED_H
#define WORKER_REPLICA_DECODE_JSON_NESTED_H

/* Arrays, maps and tuples into cells, and the table of readers. Part of the walk (json_walk.h). */

#include "worker/replica/decode/json_cells.h"

/* Behind an element: at the next one, or behind the closing bracket with *is_over set. */
static inline const uint8_t *
cell_next(struct walk *w, const uint8_t *at, uint8_t closing, bool *is_over)
{
    at = walk_blanks_end(w, at);
    if (LIKELY(*at == ',' && at < w->end)) {
        return walk_blanks(w, at + 1);
    }
    if (UNLIKELY(at >= w->end)) {
        return walk_bad(w, w->end, "the document ends inside an object or array");
    }
    if (UNLIKELY(*at != closing)) {
        return walk_bad(
            w, at, closing == ']' ? "',' or ']' is expected" : "',' or '}' is expected");
    }
    *is_over = true;
    return at + 1;
}

/* Behind the opening bracket: at the first element, or behind the closing one. */
static inline const uint8_t *
cell_open(struct walk *w, const uint8_t *at, uint8_t closing, bool *is_over)
{
    at = walk_blanks(w, at + 1);
    *is_over = *at == closing;
    return *is_over ? at + 1 : at;
}

static inline const uint8_t *
cell_array(struct walk *w, const struct cell *cell, struct column *column, const uint8_t *at)
{
    if (UNLIKELY(*at != '[')) {
        return *at == 'n' ? cell_null(w, cell, column, at) : cell_mismatch(w, at);
    }
    struct column *items = column->children[0];
    bool is_over = false;
    w->depth++;
    at = cell_open(w, at, ']', &is_over);
    while (!is_over) {
        at = json_cell(w, cell->children[0], items, at);
        at = at == NULL ? NULL : cell_next(w, at, ']', &is_over);
        if (UNLIKELY(at == NULL)) {
            return NULL;
        }
    }
    w->depth--;
    return LIKELY(column_add_offset(column, column_items(items))) ? at : walk_no_memory(w);
}

static inline const uint8_t *
cell_map_key(struct walk *w, const struct cell *cell, struct column *keys, const uint8_t *at)
{
    if (*at != '"') {
        return walk_bad(w, at, "a key in quotes is expected");
    }
    at = LIKELY(cell->kind == CH_STRING) ? cell_string(w, cell, keys, at)
                                         : json_cell(w, cell, keys, at);
    if (at == NULL) {
        return NULL;
    }
    at = walk_blanks(w, at);
    return *at == ':' ? walk_blanks(w, at + 1) : walk_bad(w, at, "':' is expected");
}

static inline const uint8_t *
cell_map(struct walk *w, const struct cell *cell, struct column *column, const uint8_t *at)
{
    if (UNLIKELY(*at != '{')) {
        return *at == 'n' ? cell_null(w, cell, column, at) : cell_mismatch(w, at);
    }
    bool is_over = false;
    w->depth++;
    at = cell_open(w, at, '}', &is_over);
    while (!is_over) {
        at = cell_map_key(w, cell->children[0], column->children[0], at);
        at = at == NULL ? NULL : json_cell(w, cell->children[1], column->children[1], at);
        at = at == NULL ? NULL : cell_next(w, at, '}', &is_over);
        if (UNLIKELY(at == NULL)) {
            return NULL;
        }
    }
    w->depth--;
    return LIKELY(column_add_offset(column, column_items(column->children[0]))) ? at
                                                                                : walk_no_memory(w);
}

/* The key at `at` and its colon. *ret_key: NULL if the table does not know it, or on failure. */
static __attribute__((noinline)) const uint8_t *cell_key_lookup(
    struct walk *w, const struct key_table *table, const uint8_t *at,
    const struct json_key **ret_key)
{
    *ret_key = NULL;
    if (UNLIKELY(*at != '"')) {
        return walk_bad(w, at, "a key in quotes is expected");
    }
    struct walk_text text = {0};
    at = walk_text(w, at, &text);
    if (UNLIKELY(at == NULL || at > w->end)) {
        return at == NULL ? NULL : walk_bad(w, w->end, "the document ends inside a string");
    }
    at = walk_blanks(w, at);
    if (UNLIKELY(*at != ':')) {
        return walk_bad(w, at, "':' is expected");
    }
    *ret_key = keys_lookup(table, text.at, text.len);
    return walk_blanks(w, at + 1);
}

/* The same, when the key to expect is known: one wide compare, the lookup if it fails. */
static inline const uint8_t *cell_key(
    struct walk *w, const struct key_table *table, const uint8_t *at,
    const struct json_key *expected, const struct json_key **ret_key)
{
    uint32_t mask = simd_equal(at, expected->pattern);
    if (LIKELY((mask & expected->pattern_mask) == expected->pattern_mask)) {
        *ret_key = expected;
        return walk_blanks(w, at + expected->pattern_bytes);
    }
    return cell_key_lookup(w, table, at, ret_key);
}

/* Which members of a named tuple came. */
struct cell_members {
    uint64_t seen[CELL_ELEMENTS_MAX / 64];
    const struct json_key *expected;
    uint32_t count;
};

/* The members of a named tuple that did not come. */
JSON_COLD bool cell_fill_tuple(struct column *column, const uint64_t *seen)
{
    for (size_t i = 0; i < column->children_count; i++) {
        if ((seen[i / 64] >> (i % 64) & 1) == 0 && !column_add_default(column->children[i])) {
            return false;
        }
    }
    return true;
}

/* One member of a named tuple, at its key. *expected: the element to come, then the one after. */
static inline const uint8_t *cell_member(
    struct walk *w, const struct cell *cell, struct column *column, const uint8_t *at,
    struct cell_members *members)
{
    const struct key_table *table = &cell->elements;
    const struct json_key *key = NULL;
    const uint8_t *key_at = at;
    at = cell_key(w, table, at, members->expected, &key);
    if (key == NULL) {
        return at == NULL ? NULL : skip_value(w, at);
    }
    uint64_t bit = 1ULL << (key->index % 64);
    uint64_t *word = &members->seen[key->index / 64];
    if (UNLIKELY((*word & bit) != 0)) {
        return walk_duplicate(w, key_at);
    }
    *word |= bit;
    members->count++;
    members->expected = key->index + 1 < table->count ? key + 1 : table->keys;
    return json_cell(w, key->cell, column->children[key->index], at);
}

static inline const uint8_t *
cell_named_tuple(struct walk *w, const struct cell *cell, struct column *column, const uint8_t *at)
{
    if (UNLIKELY(*at != '{')) {
        return *at == 'n' ? cell_null(w, cell, column, at) : cell_mismatch(w, at);
    }
    struct cell_members members = {.expected = cell->elements.keys};
    bool is_over = false;
    w->depth++;
    at = cell_open(w, at, '}', &is_over);
    while (!is_over) {
        at = cell_member(w, cell, column, at, &members);
        at = at == NULL ? NULL : cell_next(w, at, '}', &is_over);
        if (UNLIKELY(at == NULL)) {
            return NULL;
        }
    }
    w->depth--;
    if (members.count < cell->elements.count && !cell_fill_tuple(column, members.seen)) {
        return walk_no_memory(w);
    }
    return at;
}

JSON_COLD const uint8_t *cell_unnamed_tuple(
    struct walk *w, const struct cell *cell, struct column *column, const uint8_t *at)
{
    if (*at != '[') {
        return *at == 'n' ? cell_null(w, cell, column, at) : cell_mismatch(w, at);
    }
    const uint8_t *from = at;
    size_t count = 0;
    bool is_over = false;
    w->depth++;
    at = cell_open(w, at, ']', &is_over);
    while (!is_over) {
        if (count == cell->children_count) {
            break;
        }
        at = json_cell(w, cell->children[count], column->children[count], at);
        count++;
        at = at == NULL ? NULL : cell_next(w, at, ']', &is_over);
        if (at == NULL) {
            return NULL;
        }
    }
    w->depth--;
    if (count < cell->children_count || !is_over) {
        return walk_unfit(w, from, "the array has not as many elements as the tuple");
    }
    return at;
}

/* One value of one alternative. NULL and w->fault WALK_CELL: it does not fit, and nothing is left
 * of the try. */
static const uint8_t *cell_try(
    struct walk *w, const struct cell *cell, struct column *column, size_t alternative,
    const uint8_t *at)
{
    struct column *values = column_variant(column, alternative);
    const uint8_t *behind = json_cell(w, cell->children[alternative], values, at);
    if (behind == NULL) {
        column_truncate(values, column->counts[alternative]);
        return NULL;
    }
    return column_variant_close(column, alternative) ? behind : walk_no_memory(w);
}

/* Would the alternative lose a part of the text? A date-time is no Date where the time would go. */
static bool cell_is_too_short(const struct cell *alternative, const uint8_t *at)
{
    bool is_date = alternative->kind == CH_DATE || alternative->kind == CH_DATE32;
    return is_date && *at == '"' && memchr(at + 1, '"', sizeof("2024-01-02")) == NULL;
}

/* The alternatives for this kind of value one after another, at most `count`. */
static const uint8_t *cell_try_all(
    struct walk *w, const struct cell *cell, struct column *column, const uint8_t *at,
    const uint8_t *alternatives, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (alternatives[i] == COLUMN_NO_ALTERNATIVE ||
            cell_is_too_short(cell->children[alternatives[i]], at)) {
            continue;
        }
        const uint8_t *behind = cell_try(w, cell, column, alternatives[i], at);
        if (behind != NULL || w->fault != WALK_CELL) {
            return behind;
        }
    }
    return skip_value(w, at) == NULL
               ? NULL
               : walk_unfit(w, at, "no alternative of the Variant takes this kind of value");
}

/* Only digits, so that an integer type comes first. */
static bool cell_is_whole(const uint8_t *at)
{
    at += *at == '-';
    while (*at >= '0' && *at <= '9') {
        at++;
    }
    return *at != '.' && (*at | 0x20) != 'e';
}

static const uint8_t *
cell_variant(struct walk *w, const struct cell *cell, struct column *column, const uint8_t *at)
{
    const struct cell_choice *choice = &cell->choice;
    switch (*at) {
    case '"':
        return cell_try_all(w, cell, column, at, choice->texts, choice->texts_count);
    case 't':
    case 'f':
        return cell_try_all(w, cell, column, at, &choice->truth, 1);
    case 'n':
        return cell_null(w, cell, column, at);
    case '{':
    case '[':
        return cell_try_all(w, cell, column, at, NULL, 0);
    default: { /* a number, or no value at all */
        bool is_whole = cell_is_whole(at);
        uint8_t numbers[2] = {
            is_whole ? choice->integer : choice->fraction,
            is_whole ? choice->fraction : choice->integer};
        return cell_try_all(w, cell, column, at, numbers, ARRAY_LEN(numbers));
    }
    }
}

/* A JSON column: the object as it is written; ClickHouse parses it as JSONEachRow would. */
static const uint8_t *
cell_object(struct walk *w, const struct cell *cell, struct column *column, const uint8_t *at)
{
    return *at == '{' || *at == 'n' ? cell_raw_text(w, cell, column, at) : cell_mismatch(w, at);
}

typedef const uint8_t *
cell_reader(struct walk *w, const struct cell *cell, struct column *column, const uint8_t *at);

static const uint8_t *
cell_tuple(struct walk *w, const struct cell *cell, struct column *column, const uint8_t *at)
{
    return cell->type->names != NULL ? cell_named_tuple(w, cell, column, at)
                                     : cell_unnamed_tuple(w, cell, column, at);
}

/* plan_new refuses types that cannot be written, so every cell has a reader. */
/* clang-format off */
static cell_reader *const CELL_READERS[] = {
    [CH_INT8] = cell_integer,
    [CH_INT16] = cell_integer,
    [CH_INT32] = cell_integer,
    [CH_INT64] = cell_integer,
    [CH_UINT8] = cell_integer,
    [CH_UINT16] = cell_integer,
    [CH_UINT32] = cell_integer,
    [CH_UINT64] = cell_integer,
    [CH_INT128] = cell_scalar,
    [CH_INT256] = cell_scalar,
    [CH_UINT128] = cell_scalar,
    [CH_UINT256] = cell_scalar,
    [CH_FLOAT32] = cell_scalar,
    [CH_FLOAT64] = cell_float64,
    [CH_BFLOAT16] = cell_scalar,
    [CH_BOOL] = cell_bool,
    [CH_STRING] = cell_string,
    [CH_FIXED_STRING] = cell_scalar,
    [CH_DATE] = cell_scalar,
    [CH_DATE32] = cell_scalar,
    [CH_DATETIME] = cell_instant,
    [CH_DATETIME64] = cell_instant,
    [CH_TIME] = cell_scalar,
    [CH_TIME64] = cell_scalar,
    [CH_UUID] = cell_uuid,
    [CH_IPV4] = cell_scalar,
    [CH_IPV6] = cell_scalar,
    [CH_ENUM8] = cell_scalar,
    [CH_ENUM16] = cell_scalar,
    [CH_DECIMAL32] = cell_decimal,
    [CH_DECIMAL64] = cell_decimal,
    [CH_DECIMAL128] = cell_scalar,
    [CH_DECIMAL256] = cell_scalar,
    [CH_LOW_CARDINALITY] = cell_low_cardinality,
    [CH_ARRAY] = cell_array,
    [CH_MAP] = cell_map,
    [CH_TUPLE] = cell_tuple,
    [CH_VARIANT] = cell_variant,
    [CH_JSON] = cell_object,
};
/* clang-format on */

/* One value into one cell. */
static inline const uint8_t *
json_cell(struct walk *w, const struct cell *cell, struct column *column, const uint8_t *at)
{
    return CELL_READERS[cell->kind](w, cell, column, at);
}

#endif
