/*
 * Schema and plan to nodes: avro_bind for a value and the column's type, avro_follow for the ways
 * to values inside others. What cannot be is found here, once, and becomes a node that refuses its
 * values: only records that hold such a value are rejected.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/parse.h"

#include "worker/replica/decode/avro/avro_node.h"

static enum status no_memory(struct avro_maker *m)
{
    return err_set(m->err, ST_NO_MEMORY, "out of memory for an Avro reader");
}

enum status avro_add_children(struct avro_maker *m, struct avro_node *n, size_t count)
{
    m->nodes_count += count;
    if (m->nodes_count > AVRO_NODES_MAX) {
        return err_set(
            m->err, ST_INVALID, "the schema and the pipe's columns make more than %d steps",
            AVRO_NODES_MAX);
    }
    n->children = calloc(count + 1, sizeof(*n->children));
    if (n->children == NULL) {
        return no_memory(m);
    }
    n->count = count;
    return ST_OK;
}

void avro_refuse(struct avro_node *n, const char *reason)
{
    n->run = avro_run_refused;
    n->reason = reason;
}

static enum status bind_union(struct avro_maker *m, struct avro_node *n)
{
    enum status st = avro_add_children(m, n, n->type->count);
    bool has_null = false;
    for (size_t i = 0; i < n->type->count && st == ST_OK; i++) {
        has_null = has_null || n->type->branches[i]->kind == AVRO_NULL;
        st = avro_bind(m, n->type->branches[i], n->cell, n->column, &n->children[i]);
    }
    n->run = has_null && n->type->count == 2 ? avro_run_optional : avro_run_union;
    return st;
}

static enum status bind_list(struct avro_maker *m, struct avro_node *n)
{
    static const struct avro_type KEY = {.kind = AVRO_STRING, .min_bytes = 1};
    bool is_map = n->type->kind == AVRO_MAP;
    n->run = is_map ? avro_run_map : avro_run_array;
    enum status st = avro_add_children(m, n, is_map ? 2 : 1);
    if (st == ST_OK && is_map) {
        st = avro_bind(m, &KEY, n->cell->children[0], n->column, &n->children[0]);
    }
    return st == ST_OK ? avro_bind(
                             m, n->type->element, n->cell->children[is_map], n->column,
                             &n->children[is_map])
                       : st;
}

/* The tuple's element that a field fills; UINT32_MAX = none. By name or alias, or, unnamed, by
 * place. */
static uint32_t element_of(const struct avro_node *n, size_t field)
{
    char *const *names = n->cell->type->names;
    if (names == NULL) {
        return (uint32_t)field;
    }
    for (uint32_t i = 0; i < n->cell->children_count; i++) {
        if (avro_type_field(n->type, names[i], strlen(names[i])) == &n->type->fields[field]) {
            return i;
        }
    }
    return UINT32_MAX;
}

static enum status list_absent(struct avro_maker *m, struct avro_node *n)
{
    n->absent = calloc(n->cell->children_count, sizeof(*n->absent));
    bool *is_there = calloc(n->cell->children_count, sizeof(*is_there));
    if (n->absent == NULL || is_there == NULL) {
        free(is_there);
        return no_memory(m);
    }
    for (size_t i = 0; i < n->type->count; i++) {
        uint32_t element = element_of(n, i);
        if (element != UINT32_MAX) {
            is_there[element] = true;
        }
    }
    for (uint32_t i = 0; i < n->cell->children_count; i++) {
        if (!is_there[i]) {
            n->absent[n->absent_count++] = i;
        }
    }
    free(is_there);
    return ST_OK;
}

static enum status bind_tuple(struct avro_maker *m, struct avro_node *n)
{
    if (n->cell->type->names == NULL && n->cell->children_count != n->type->count) {
        avro_refuse(n, "an unnamed Tuple takes a record of as many fields");
        return ST_OK;
    }
    n->run = avro_run_tuple;
    enum status st = list_absent(m, n);
    st = st == ST_OK ? avro_add_children(m, n, n->type->count) : st;
    for (size_t i = 0; i < n->count && st == ST_OK; i++) {
        uint32_t element = element_of(n, i);
        const struct avro_type *type = n->type->fields[i].type;
        struct avro_node *child = &n->children[i];
        child->column = n->column;
        if (element == UINT32_MAX) {
            avro_bind_skip(type, child);
        } else {
            st = avro_bind(m, type, n->cell->children[element], n->column, child);
            child->index = element;
        }
    }
    return st;
}

/* Symbols as the cache of a column's dictionary has them; a long one is never found there. */
static enum status list_symbols(struct avro_maker *m, struct avro_node *n)
{
    n->symbols = calloc(n->type->count + 1, sizeof(*n->symbols));
    if (n->symbols == NULL) {
        return no_memory(m);
    }
    for (size_t i = 0; i < n->type->count; i++) {
        const struct avro_text *symbol = &n->type->symbols[i];
        size_t len = symbol->len;
        /* its bytes are followed by AVRO_TEXT_PADDING_BYTES */
        n->symbols[i] = len <= DICTIONARY_SHORT_BYTES
                            ? dictionary_words((const uint8_t *)symbol->bytes, len)
                            : (struct dictionary_recent){.len_bytes = UINT32_MAX};
    }
    return ST_OK;
}

/* Symbols to the numbers of an Enum column. */
static enum status bind_enum(struct avro_maker *m, struct avro_node *n)
{
    if (n->cell->kind == CH_ENUM8 || n->cell->kind == CH_ENUM16) {
        n->values = calloc(n->type->count + 1, sizeof(*n->values));
        if (n->values == NULL) {
            return no_memory(m);
        }
        for (size_t i = 0; i < n->type->count; i++) {
            const struct avro_text *symbol = &n->type->symbols[i];
            int16_t value = 0;
            bool is_known =
                cell_enum_value(n->cell, (const uint8_t *)symbol->bytes, symbol->len, &value);
            n->values[i] = is_known ? value : AVRO_NO_VALUE;
        }
    }
    if (n->cell->kind == CH_LOW_CARDINALITY && avro_is_text(n->cell)) {
        enum status st = list_symbols(m, n);
        if (st != ST_OK) {
            return st;
        }
    }
    (void)avro_choose_text(n); /* never false for an enum */
    return ST_OK;
}

static bool is_container(const struct cell *cell)
{
    return cell->kind == CH_ARRAY || cell->kind == CH_MAP || cell->kind == CH_TUPLE ||
           cell->kind == CH_NESTED;
}

/* A JSON column: texts that hold an object; records and maps are bind_nested's. */
static void bind_document(struct avro_node *n)
{
    bool is_string = n->type->kind == AVRO_STRING || n->type->kind == AVRO_BYTES;
    if (is_string && n->type->logical != AVRO_DECIMAL) {
        n->run = avro_run_document;
    } else {
        avro_refuse(n, "a JSON column takes objects only");
    }
}

static void bind_scalar(struct avro_node *n)
{
    if (is_container(n->cell)) {
        avro_refuse(n, "a single value cannot become a list or tuple");
    } else if (n->cell->kind == CH_JSON) {
        bind_document(n);
    } else if (!avro_choose_time(n) && !avro_choose_number(n) && !avro_choose_text(n)) {
        avro_refuse(n, "this kind of value cannot be converted");
    }
}

static enum status bind_nested(struct avro_maker *m, struct avro_node *n)
{
    enum ch_kind to = n->cell->kind;
    enum avro_kind from = n->type->kind;
    bool is_list = (from == AVRO_ARRAY && to == CH_ARRAY) || (from == AVRO_MAP && to == CH_MAP);
    if (is_list) {
        return bind_list(m, n);
    }
    if (from == AVRO_RECORD && to == CH_TUPLE) {
        return bind_tuple(m, n);
    }
    if (avro_is_text(n->cell) || (to == CH_JSON && from != AVRO_ARRAY)) {
        n->run = avro_run_json;
    } else {
        avro_refuse(n, "this kind of value cannot be converted");
    }
    return ST_OK;
}

enum status avro_bind(
    struct avro_maker *m, const struct avro_type *type, const struct cell *cell, uint32_t column,
    struct avro_node *n)
{
    n->type = type;
    n->cell = cell;
    n->column = column;
    if (cell->kind == CH_VARIANT && type->kind != AVRO_UNION && type->kind != AVRO_NULL) {
        return avro_bind_variant(m, n);
    }
    switch (type->kind) {
    case AVRO_NULL:
        n->run = avro_run_null;
        return ST_OK;
    case AVRO_UNION:
        return bind_union(m, n);
    case AVRO_RECORD:
    case AVRO_ARRAY:
    case AVRO_MAP:
        return bind_nested(m, n);
    case AVRO_ENUM:
        if (!is_container(cell) && cell->kind != CH_JSON) {
            return bind_enum(m, n);
        }
        bind_scalar(n);
        return ST_OK;
    case AVRO_BOOLEAN:
    case AVRO_INT:
    case AVRO_LONG:
    case AVRO_FLOAT:
    case AVRO_DOUBLE:
    case AVRO_BYTES:
    case AVRO_STRING:
    case AVRO_FIXED:
        bind_scalar(n);
        return ST_OK;
    }
    return ST_OK;
}
