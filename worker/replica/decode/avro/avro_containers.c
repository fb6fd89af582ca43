/* Maps, tuples and unions into columns, and the ways to values inside others; arrays and records
 * are in avro_quick.c. */
#include <assert.h>
#include <string.h>

#include "worker/replica/decode/avro/avro_node.h"

const uint8_t *avro_run_refused(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    (void)column; /* nothing is written */
    return avro_unfit(r, n, at, n->reason);
}

const uint8_t *avro_run_absent(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    bool is_in = n->is_inside ? column_add_default(column) : column_add_absent(column);
    return is_in ? at : avro_no_memory(r);
}

const uint8_t *avro_run_null(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    if (column_takes_null(column)) {
        return column_add_null(column) ? at : avro_no_memory(r);
    }
    if (n->cell->null_is_error) {
        return avro_unfit(r, n, at, "null, the column is not Nullable and penstock_null is error");
    }
    return column_add_default(column) ? at : avro_no_memory(r);
}

const uint8_t *avro_run_union(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    size_t index = 0;
    at = avro_branch(r, n->type, at, &index);
    if (at == NULL) {
        return NULL;
    }
    return n->children[index].run(r, &n->children[index], column, at);
}

const uint8_t *avro_run_map(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    const struct avro_node *key = &n->children[0];
    const struct avro_node *value = &n->children[1];
    for (;;) {
        size_t count = 0;
        at = avro_items(r, at, n->type->element->min_bytes + 1, &count);
        if (UNLIKELY(at == NULL)) {
            return NULL;
        }
        if (count == 0) {
            break;
        }
        for (; count > 0; count--) {
            at = key->run(r, key, column->children[0], at);
            at = at == NULL ? NULL : value->run(r, value, column->children[1], at);
            if (UNLIKELY(at == NULL)) {
                return NULL;
            }
        }
    }
    return LIKELY(column_add_offset(column, column_items(column->children[0]))) ? at
                                                                                : avro_no_memory(r);
}

const uint8_t *avro_run_tuple(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    for (size_t i = 0; i < n->count; i++) {
        const struct avro_node *child = &n->children[i];
        at = child->run(r, child, column->children[child->index], at);
        if (UNLIKELY(at == NULL)) {
            return NULL;
        }
    }
    for (size_t i = 0; i < n->absent_count; i++) {
        if (UNLIKELY(!column_add_default(column->children[n->absent[i]]))) {
            return avro_no_memory(r);
        }
    }
    return at;
}

/* --- ways --- */

static inline struct column *column_of(
    const struct avro_run *r, const struct avro_node *n, const struct avro_node *child,
    struct column *column)
{
    return n->is_inside ? column : r->columns[child->column];
}

/* The fields of a record inside a list, to one column. */
const uint8_t *avro_run_field(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    for (size_t i = 0; i < n->count && at != NULL; i++) {
        at = n->children[i].run(r, &n->children[i], column, at);
    }
    return at;
}

/* One value for several columns: read again for each. */
const uint8_t *avro_run_many(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    const uint8_t *next = NULL;
    for (size_t i = 0; i < n->count; i++) {
        const struct avro_node *child = &n->children[i];
        next = child->run(r, child, column_of(r, n, child, column), at);
        if (next == NULL) {
            return NULL;
        }
    }
    return next;
}

const uint8_t *avro_run_branches(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    size_t index = 0;
    at = avro_branch(r, n->type, at, &index);
    if (at == NULL) {
        return NULL;
    }
    const struct avro_node *child = &n->children[index];
    return child->run(r, child, column_of(r, n, child, column), at);
}

/* A list's elements one by one: children[0] reads the wanted one, children[1] stands for none. */
struct search {
    const uint8_t *found;
    bool is_twice;
};

static const uint8_t *search_block(
    struct avro_run *r, const struct avro_node *n, const uint8_t *at, size_t count, size_t seen,
    struct search *search)
{
    bool is_map = n->type->kind == AVRO_MAP;
    for (size_t i = 0; i < count; i++) {
        bool is_it = !is_map && seen + i == n->index;
        if (is_map) {
            size_t len = 0;
            at = avro_length(r, at, &len);
            if (at == NULL) {
                return NULL;
            }
            is_it = len == n->key_bytes && memcmp(at, n->key, len) == 0;
            at += len;
        }
        search->is_twice = search->is_twice || (is_it && search->found != NULL);
        search->found = is_it ? at : search->found;
        at = avro_step_over(r, n->type->element, at);
        if (at == NULL) {
            return NULL;
        }
    }
    return at;
}

const uint8_t *avro_run_element(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    struct search search = {0};
    const uint8_t *start = at;
    size_t seen = 0;
    uint64_t least = n->type->element->min_bytes + (n->type->kind == AVRO_MAP);
    for (;;) {
        size_t count = 0;
        at = avro_items(r, at, least, &count);
        if (at == NULL) {
            return NULL;
        }
        if (count == 0) {
            break;
        }
        at = search_block(r, n, at, count, seen, &search);
        if (at == NULL) {
            return NULL;
        }
        seen += count;
    }
    if (search.is_twice) {
        return avro_bad(r, start, "a mapped key is twice in a map");
    }
    const struct avro_node *child = &n->children[search.found == NULL];
    const uint8_t *from = search.found == NULL ? at : search.found;
    return child->run(r, child, column_of(r, n, child, column), from) == NULL ? NULL : at;
}
