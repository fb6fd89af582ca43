/*
 * The tree of builders. Cells of fixed width need no bookkeeping: what is committed follows from
 * the number of rows. Only strings must be walked to drop some, from the last mark on.
 */
#include "worker/replica/block/column.h"

#include <assert.h>
#include <stdlib.h>

#include "worker/replica/block/column_parts.h"

static size_t children_wanted(const struct ch_type *type)
{
    return type->kind == CH_LOW_CARDINALITY ? 0 : type->children_count;
}

static enum status init_dictionary(struct column *c, struct err *err)
{
    const struct ch_type *key = c->type->children[0];
    bool is_nullable = key->kind == CH_NULLABLE;
    key = is_nullable ? key->children[0] : key;
    c->index_bytes = 1;
    if (key->kind != CH_STRING) {
        enum status st = column_new(key, &c->key, err);
        if (st != ST_OK) {
            return st;
        }
        assert(c->key->width_bytes > 0); /* see CH_IN_LOW_CARDINALITY */
    }
    return dictionary_init(&c->dictionary, c->key == NULL ? 0 : c->key->width_bytes, is_nullable)
               ? ST_OK
               : err_set(err, ST_NO_MEMORY, "out of memory for a dictionary");
}

static enum status init_children(struct column *c, struct err *err)
{
    size_t wanted = children_wanted(c->type);
    if (wanted == 0) {
        return ST_OK;
    }
    c->children = calloc(wanted, sizeof(struct column *));
    c->counts = c->kind == CH_VARIANT ? calloc(wanted, sizeof(*c->counts)) : NULL;
    c->seek_counts = c->kind == CH_VARIANT ? calloc(wanted, sizeof(*c->seek_counts)) : NULL;
    if (c->children == NULL ||
        (c->kind == CH_VARIANT && (c->counts == NULL || c->seek_counts == NULL))) {
        return err_set(err, ST_NO_MEMORY, "out of memory for a column");
    }
    for (; c->children_count < wanted; c->children_count++) {
        enum status st =
            column_new(c->type->children[c->children_count], &c->children[c->children_count], err);
        if (st != ST_OK) {
            return st;
        }
    }
    return ST_OK;
}

enum status column_new(const struct ch_type *type, struct column **ret_column, struct err *err)
{
    struct column *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return err_set(err, ST_NO_MEMORY, "out of memory for a column");
    }
    c->is_nullable = type->kind == CH_NULLABLE;
    c->type = c->is_nullable ? type->children[0] : type;
    c->kind = c->type->kind;
    c->width_bytes = c->type->width_bytes;
    c->prefix_bytes = 1;
    enum status st = ST_OK;
    if ((ch_kind_flags(c->kind) & CH_CAN_WRITE) == 0) {
        st = err_set(err, ST_UNSUPPORTED, "type %s is not supported yet", ch_kind_name(c->kind));
    } else if (c->kind == CH_LOW_CARDINALITY) {
        st = init_dictionary(c, err);
    } else {
        st = init_children(c, err);
    }
    if (st != ST_OK) {
        column_free(c);
        return st;
    }
    *ret_column = c;
    return ST_OK;
}

void column_free(struct column *c)
{
    if (c == NULL) {
        return;
    }
    for (size_t i = 0; i < c->children_count; i++) {
        column_free(c->children[i]);
    }
    free(c->children);
    free(c->counts);
    free(c->seek_counts);
    column_free(c->key);
    bytes_done(&c->data);
    bytes_done(&c->nulls);
    bytes_done(&c->offsets);
    bytes_done(&c->absent);
    dictionary_done(&c->dictionary);
    free(c);
}

bool column_reset(struct column *c, size_t keep_bytes)
{
    bytes_reset(&c->data, keep_bytes);
    bytes_reset(&c->nulls, keep_bytes);
    bytes_reset(&c->offsets, keep_bytes);
    bytes_reset(&c->absent, keep_bytes);
    column_rewind(c);
    c->strings_count = 0;
    c->mark_strings = 0;
    c->mark_bytes = 0;
    for (size_t i = 0; i < c->children_count; i++) {
        if (!column_reset(c->children[i], keep_bytes)) {
            return false;
        }
        if (c->counts != NULL) {
            c->counts[i] = 0;
        }
    }
    if (c->kind != CH_LOW_CARDINALITY) {
        return true;
    }
    c->index_bytes = 1;
    return dictionary_reset(&c->dictionary, keep_bytes);
}

size_t column_items(const struct column *c)
{
    switch (c->kind) {
    case CH_STRING:
    case CH_JSON:
        return c->strings_count;
    case CH_VARIANT:
        return c->data.len;
    case CH_LOW_CARDINALITY:
        return c->data.len / c->index_bytes;
    case CH_ARRAY:
    case CH_MAP:
        return c->offsets.len / sizeof(uint64_t);
    case CH_TUPLE:
        return column_items(c->children[0]);
    default: /* every other kind has a fixed width, see column_new */
        assert(c->width_bytes > 0);
        return c->data.len / c->width_bytes;
    }
}

static void truncate_strings(struct column *c, size_t items)
{
    if (items == c->strings_count) {
        return; /* a value that was begun did not move the length */
    }
    assert(items >= c->mark_strings);
    c->data.len = column_string_place(c, c->mark_strings, c->mark_bytes, items);
    c->strings_count = items;
}

/* Drop the last values' numbers, and with them the values, closed or not. */
static void truncate_variant(struct column *c, size_t items)
{
    for (size_t i = items; i < c->data.len; i++) {
        if (c->data.at[i] != COLUMN_NO_ALTERNATIVE) {
            c->counts[c->data.at[i]]--;
        }
    }
    c->data.len = items;
    for (size_t i = 0; i < c->children_count; i++) {
        column_truncate(c->children[i], c->counts[i]);
    }
}

void column_truncate(struct column *c, size_t items)
{
    if (c->is_nullable && c->nulls.len > items) {
        c->nulls.len = items;
    }
    if (c->absent.len > items) {
        c->absent.len = items;
    }
    if (c->seek_items > items) {
        column_rewind(c);
    }
    switch (c->kind) {
    case CH_STRING:
    case CH_JSON:
        truncate_strings(c, items);
        return;
    case CH_VARIANT:
        truncate_variant(c, items);
        return;
    case CH_LOW_CARDINALITY:
        c->data.len = items * c->index_bytes;
        if (c->key != NULL) {
            c->key->data.len = 0;
        }
        return;
    case CH_ARRAY:
    case CH_MAP:
        c->offsets.len = items * sizeof(uint64_t);
        for (size_t i = 0; i < c->children_count; i++) {
            column_truncate(c->children[i], column_offset_at(c, items));
        }
        return;
    case CH_TUPLE:
        for (size_t i = 0; i < c->children_count; i++) {
            column_truncate(c->children[i], items);
        }
        return;
    default: /* fixed width */
        c->data.len = items * c->width_bytes;
        return;
    }
}

void column_mark(struct column *c)
{
    c->mark_strings = c->strings_count;
    c->mark_bytes = c->data.len;
    for (size_t i = 0; i < c->children_count; i++) {
        column_mark(c->children[i]);
    }
}

size_t column_encoded_bytes(const struct column *c)
{
    enum {
        DICTIONARY_HEAD = 4 * sizeof(uint64_t) /* version, flags, two counts */
    };
    size_t total = c->data.len + c->offsets.len + (c->is_nullable ? column_items(c) : 0);
    if (c->kind == CH_LOW_CARDINALITY) {
        total += c->dictionary.keys.len + DICTIONARY_HEAD;
    }
    for (size_t i = 0; i < c->children_count; i++) {
        total += column_encoded_bytes(c->children[i]);
    }
    return total;
}

size_t column_memory_bytes(const struct column *c)
{
    size_t total = c->data.capacity + c->nulls.capacity + c->offsets.capacity + c->absent.capacity;
    if (c->kind == CH_LOW_CARDINALITY) {
        total += dictionary_memory_bytes(&c->dictionary);
    }
    for (size_t i = 0; i < c->children_count; i++) {
        total += column_memory_bytes(c->children[i]);
    }
    return total;
}

/* The zero value without the null flag. */
static bool add_zero(struct column *c)
{
    switch (c->kind) {
    case CH_STRING:
        if (!bytes_add_varint(&c->data, 0)) {
            return false;
        }
        c->strings_count++;
        return true;
    case CH_JSON:
        return column_add_text(c, "{}", 2);
    case CH_VARIANT:
        return column_add_u8(c, COLUMN_NO_ALTERNATIVE);
    case CH_LOW_CARDINALITY:
        /* zero or NULL */
        return column_add_index(c, c->null_is_absent ? dictionary_empty_index(&c->dictionary) : 0);
    case CH_ENUM8:
    case CH_ENUM16:
        return column_add_u64(c, (uint64_t)c->type->members[0].value);
    case CH_ARRAY:
    case CH_MAP:
        return column_add_offset(c, column_offset_at(c, column_items(c)));
    case CH_TUPLE:
        for (size_t i = 0; i < c->children_count; i++) {
            if (!column_add_default(c->children[i])) {
                return false;
            }
        }
        return true;
    default: /* fixed width */
        return bytes_add_zeros(&c->data, c->width_bytes);
    }
}

/* A value that is not there, with its flag. */
static bool add_flagged(struct column *c, struct bytes *flags)
{
    if (!column_pad_flags(flags, column_items(c)) || !bytes_room(flags, 1) || !add_zero(c)) {
        return false;
    }
    flags->at[flags->len++] = 1;
    return true;
}

bool column_add_default(struct column *c)
{
    return c->is_nullable && !c->null_is_absent ? add_flagged(c, &c->nulls) : add_zero(c);
}

bool column_make_optional(struct column *c)
{
    assert(column_items(c) == 0);
    bool is_dictionary = c->kind == CH_LOW_CARDINALITY;
    bool holds_null = is_dictionary ? c->dictionary.is_nullable : c->is_nullable;
    if (holds_null || c->children_count > 0 || c->kind == CH_JSON) {
        c->is_left_out = true;
        return true;
    }
    c->null_is_absent = true;
    if (!is_dictionary) {
        c->is_nullable = true;
        return true;
    }
    uint32_t width_bytes = c->dictionary.width_bytes;
    dictionary_done(&c->dictionary);
    return dictionary_init(&c->dictionary, width_bytes, true);
}

bool column_add_absent(struct column *c)
{
    if (c->null_is_absent) {
        return c->kind == CH_LOW_CARDINALITY ? column_add_index(c, 0) : add_flagged(c, &c->nulls);
    }
    if (c->is_left_out) {
        size_t items = column_items(c);
        if (!column_pad_flags(&c->absent, items) || !bytes_room(&c->absent, 1) ||
            !column_add_default(c)) {
            return false;
        }
        c->absent.at[c->absent.len++] = 1;
        return true;
    }
    return column_add_default(c);
}

bool column_finish(struct column *c)
{
    if (c->is_nullable && !column_pad_flags(&c->nulls, column_items(c))) {
        return false;
    }
    for (size_t i = 0; i < c->children_count; i++) {
        if (!column_finish(c->children[i])) {
            return false;
        }
    }
    return true;
}

bool column_add_null(struct column *c)
{
    return column_add_default(c);
}

bool column_add_text(struct column *c, const void *bytes, size_t len)
{
    if (c->key != NULL) {
        return column_add_text(c->key, bytes, len) && column_add_key(c);
    }
    if (c->kind == CH_LOW_CARDINALITY) {
        uint32_t index = 0;
        return dictionary_add(&c->dictionary, bytes, len, &index) && column_add_index(c, index);
    }
    if (c->kind == CH_FIXED_STRING) {
        assert(len <= c->width_bytes);
        return bytes_add(&c->data, bytes, len) && bytes_add_zeros(&c->data, c->width_bytes - len);
    }
    assert(c->kind == CH_STRING || c->kind == CH_JSON);
    size_t before = c->data.len;
    if (!bytes_add_varint(&c->data, len) || !bytes_add(&c->data, bytes, len)) {
        c->data.len = before;
        return false;
    }
    c->strings_count++;
    return true;
}

bool column_add_key(struct column *c)
{
    struct bytes *value = &c->key->data;
    assert(c->key != NULL && value->len == c->key->width_bytes);
    uint32_t index = 0;
    bool is_added = dictionary_add(&c->dictionary, value->at, value->len, &index);
    value->len = 0;
    return is_added && column_add_index(c, index);
}

bool column_variant_close(struct column *c, size_t alternative)
{
    assert(c->kind == CH_VARIANT && alternative < c->children_count);
    if (!column_add_u8(c, (uint8_t)alternative)) {
        return false;
    }
    c->counts[alternative]++;
    assert(column_items(c->children[alternative]) == c->counts[alternative]);
    return true;
}

static bool widen_indexes(struct column *c, uint8_t index_bytes)
{
    assert(c->index_bytes > 0);
    size_t count = c->data.len / c->index_bytes;
    struct bytes wide = {0};
    if (!bytes_room(&wide, count * index_bytes)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t index = 0;
        assert(wide.at != NULL);
        memcpy(&index, c->data.at + i * c->index_bytes, c->index_bytes);
        memcpy(wide.at + i * index_bytes, &index, index_bytes);
    }
    wide.len = count * index_bytes;
    bytes_done(&c->data);
    c->data = wide;
    c->index_bytes = index_bytes;
    return true;
}

bool column_add_wide_index(struct column *c, uint32_t index)
{
    uint8_t needed = index > UINT16_MAX ? 4 : index > UINT8_MAX ? 2 : 1;
    if (needed > c->index_bytes && !widen_indexes(c, needed)) {
        return false;
    }
    return bytes_add(&c->data, &index, c->index_bytes);
}
