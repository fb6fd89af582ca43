/* Native layout: a walk over the builder tree, first for the dictionary versions, then for data. */
#include "worker/replica/block/native.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    VARINT_MAX_BYTES = 10,
    FILLER_MAX_BYTES = 64, /* name and type of a column from native_add_bytes */
    HEADS_PER_DICTIONARY_BYTES = 4 * 8,
    PIECES_PER_COLUMN = 8, /* null map, offsets, data, keys, each with a head before it */
    KEYS_VERSION = 1,      /* SharedDictionariesWithAdditionalKeys */
    JSON_VERSION = 1,      /* SerializationObject: each value as its text */
    VARIANT_MODE = 0,      /* SerializationVariant: BASIC, one number per value */
};

/* IndexesSerializationType: width in the low byte, then HasAdditionalKeys and
 * NeedUpdateDictionary. */
#define INDEX_FLAGS 0x600ULL

static size_t nodes_count(const struct column *c)
{
    size_t count = 1;
    for (size_t i = 0; i < c->children_count; i++) {
        count += nodes_count(c->children[i]);
    }
    return count;
}

bool native_plan(
    struct native *n, const char *name, const char *type_text, const struct column *column)
{
    size_t nodes = nodes_count(column);
    if (n->head_max_bytes == 0) {
        n->head_max_bytes = 2 * (size_t)VARINT_MAX_BYTES + FILLER_MAX_BYTES;
    }
    n->head_max_bytes += strlen(name) + strlen(type_text) + 2 * (size_t)VARINT_MAX_BYTES;
    n->head_max_bytes += nodes * (size_t)HEADS_PER_DICTIONARY_BYTES;
    n->head.len = 0;
    size_t capacity = n->pieces_capacity + nodes * (size_t)PIECES_PER_COLUMN + 1;
    struct block_piece *pieces = realloc(n->pieces, capacity * sizeof(*pieces));
    if (pieces == NULL) {
        return false;
    }
    n->pieces = pieces;
    n->pieces_capacity = capacity;
    return bytes_room(&n->head, n->head_max_bytes);
}

void native_done(struct native *n)
{
    free(n->pieces);
    bytes_done(&n->head);
    *n = (struct native){0};
}

static void add_piece(struct native *n, const uint8_t *bytes, size_t len_bytes)
{
    if (len_bytes == 0) {
        return;
    }
    assert(n->pieces_count < n->pieces_capacity);
    n->pieces[n->pieces_count++] = (struct block_piece){bytes, len_bytes};
}

/* Head bytes written since the last piece become one. */
static void close_head(struct native *n)
{
    add_piece(n, n->head.at + n->open_at, n->head.len - n->open_at);
    n->open_at = n->head.len;
}

static void add_data(struct native *n, const struct bytes *data)
{
    close_head(n);
    add_piece(n, data->at, data->len);
}

static bool add_word(struct native *n, uint64_t word)
{
    return bytes_add(&n->head, &word, sizeof(word));
}

static bool add_text(struct native *n, const char *text)
{
    size_t len = strlen(text);
    return bytes_add_varint(&n->head, len) && bytes_add(&n->head, text, len);
}

void native_begin(struct native *n, size_t columns_count, size_t rows)
{
    n->pieces_count = 0;
    n->head.len = 0;
    n->open_at = 0;
    bool is_ok = bytes_add_varint(&n->head, columns_count) && bytes_add_varint(&n->head, rows);
    assert(is_ok);
    (void)is_ok; /* room was made by native_plan */
}

static bool add_versions(struct native *n, const struct column *c)
{
    if (c->kind == CH_LOW_CARDINALITY) {
        return add_word(n, KEYS_VERSION);
    }
    if (c->kind == CH_JSON) {
        return add_word(n, JSON_VERSION);
    }
    if (c->kind == CH_VARIANT && !add_word(n, VARIANT_MODE)) {
        return false;
    }
    for (size_t i = 0; i < c->children_count; i++) {
        if (!add_versions(n, c->children[i])) {
            return false;
        }
    }
    return true;
}

static bool add_dictionary(struct native *n, const struct column *c)
{
    size_t items = column_items(c);
    if (items == 0) {
        return true; /* the reader reads nothing for zero values */
    }
    uint64_t width_code = c->index_bytes == 1 ? 0 : c->index_bytes == 2 ? 1 : 2;
    if (!add_word(n, INDEX_FLAGS | width_code) || !add_word(n, c->dictionary.keys_count)) {
        return false;
    }
    add_data(n, &c->dictionary.keys);
    if (!add_word(n, items)) {
        return false;
    }
    add_data(n, &c->data);
    return true;
}

static bool add_values(struct native *n, const struct column *c)
{
    if (c->is_nullable) {
        add_data(n, &c->nulls);
    }
    if (c->kind == CH_LOW_CARDINALITY) {
        return add_dictionary(n, c);
    }
    add_data(n, &c->offsets);
    add_data(n, &c->data);
    for (size_t i = 0; i < c->children_count; i++) {
        if (!add_values(n, c->children[i])) {
            return false;
        }
    }
    return true;
}

bool native_add(
    struct native *n, const char *name, const char *type_text, const struct column *column)
{
    if (!add_text(n, name) || !add_text(n, type_text)) {
        return false;
    }
    /* without rows the format has neither versions nor data */
    return column_items(column) == 0 || (add_versions(n, column) && add_values(n, column));
}

bool native_add_bytes(
    struct native *n, const char *name, const char *type_text, const struct bytes *data)
{
    if (!add_text(n, name) || !add_text(n, type_text)) {
        return false;
    }
    add_data(n, data);
    return true;
}

void native_end(struct native *n)
{
    close_head(n);
    assert(n->head.len <= n->head_max_bytes);
}
