/*
 * Source paths into a schema. Whole names win over paths, nearer separators over farther ones; a
 * path that ends in nothing (no such field, a null on the way, a list that is too short) is a
 * missing field.
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

static void bind_absent(const struct avro_use *use, bool is_inside, struct avro_node *n)
{
    n->is_inside = is_inside;
    n->run = avro_run_absent;
    n->column = use->column;
    n->cell = use->cell;
}

/* Where the next level begins; NULL if there is none. */
static const char *next_level(const struct avro_maker *m, const char *from)
{
    const char *split = *m->separator == '\0' ? NULL : strstr(from, m->separator);
    return split == NULL ? NULL : split + strlen(m->separator);
}

/* Could a path go on inside this type? */
static bool has_inside(const struct avro_type *type)
{
    if (type->kind != AVRO_UNION) {
        return type->kind == AVRO_RECORD || type->kind == AVRO_MAP || type->kind == AVRO_ARRAY;
    }
    for (size_t i = 0; i < type->count; i++) {
        if (has_inside(type->branches[i])) {
            return true;
        }
    }
    return false;
}

/* The field of a record that a path begins with; ret_rest: what is left, NULL = nothing. */
static const struct avro_field *find_field(
    const struct avro_maker *m, const struct avro_type *record, const char *path,
    const char **ret_rest)
{
    *ret_rest = NULL;
    const struct avro_field *field = avro_type_field(record, path, strlen(path));
    for (const char *level = next_level(m, path); field == NULL && level != NULL;
         level = next_level(m, level)) {
        size_t len = (size_t)(level - path) - strlen(m->separator);
        field = avro_type_field(record, path, len);
        field = field != NULL && has_inside(field->type) ? field : NULL;
        *ret_rest = level;
    }
    return field;
}

/* The uses that a field serves, with what is left of them. */
static size_t uses_of_field(
    const struct avro_maker *m, const struct avro_node *n, const struct avro_field *field,
    const struct avro_use *uses, size_t count, struct avro_use *ret_uses)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        const char *rest = NULL;
        if (find_field(m, n->type, uses[i].rest, &rest) == field) {
            ret_uses[found] = uses[i];
            ret_uses[found++].rest = rest;
        }
    }
    return found;
}

/* Fields nobody reads become skips; neighbours of fixed length one skip. */
static void add_skip(struct avro_node *n, const struct avro_type *type)
{
    struct avro_node skip = {.column = n->column};
    avro_bind_skip(type, &skip);
    bool is_fixed = skip.run == avro_run_skip_bytes;
    if (is_fixed && n->count > 0 && n->children[n->count - 1].run == avro_run_skip_bytes) {
        n->children[n->count - 1].skip_bytes += skip.skip_bytes;
        return;
    }
    if (is_fixed && skip.skip_bytes == 0) {
        return;
    }
    n->children[n->count++] = skip;
}

static enum status follow_record(
    struct avro_maker *m, struct avro_node *n, const struct avro_use *uses, size_t count,
    struct avro_use *scratch)
{
    size_t fields = n->type->count;
    enum status st = avro_add_children(m, n, fields + count);
    n->count = 0;
    n->run = n->is_inside ? avro_run_field : avro_run_fields;
    for (size_t i = 0; i < fields && st == ST_OK; i++) {
        const struct avro_field *field = &n->type->fields[i];
        size_t found = uses_of_field(m, n, field, uses, count, scratch);
        if (found == 0) {
            add_skip(n, field->type);
        } else {
            st =
                avro_follow(m, field->type, scratch, found, n->is_inside, &n->children[n->count++]);
        }
    }
    for (size_t i = 0; i < count && st == ST_OK; i++) {
        const char *rest = NULL;
        if (find_field(m, n->type, uses[i].rest, &rest) == NULL) {
            bind_absent(&uses[i], n->is_inside, &n->children[n->count++]);
        }
    }
    return st;
}

static enum status
follow_union(struct avro_maker *m, struct avro_node *n, const struct avro_use *uses, size_t count)
{
    enum status st = avro_add_children(m, n, n->type->count);
    n->run = avro_run_branches;
    for (size_t i = 0; i < n->type->count && st == ST_OK; i++) {
        st = avro_follow(m, n->type->branches[i], uses, count, n->is_inside, &n->children[i]);
    }
    return st;
}

/* children[0]: from the element or entry; children[1]: there is none. */
static enum status
pick(struct avro_maker *m, struct avro_node *n, const struct avro_use *use, const char *rest)
{
    n->run = avro_run_element;
    enum status st = avro_add_children(m, n, 2);
    if (st != ST_OK) {
        return st;
    }
    bind_absent(use, n->is_inside, &n->children[1]);
    struct avro_use inner = *use;
    inner.rest = rest;
    return avro_follow(m, n->type->element, &inner, 1, n->is_inside, &n->children[0]);
}

static enum status follow_map(struct avro_maker *m, struct avro_node *n, const struct avro_use *use)
{
    /* the whole rest is the key, unless values have an inside for what is behind it */
    const char *level = has_inside(n->type->element) ? next_level(m, use->rest) : NULL;
    n->key_bytes =
        level == NULL ? strlen(use->rest) : (size_t)(level - use->rest) - strlen(m->separator);
    n->key = strndup(use->rest, n->key_bytes);
    return n->key == NULL ? no_memory(m) : pick(m, n, use, level);
}

/* An element by number; else one field of all elements, into an Array. */
static enum status
follow_array(struct avro_maker *m, struct avro_node *n, const struct avro_use *use)
{
    const char *level = next_level(m, use->rest);
    size_t len =
        level == NULL ? strlen(use->rest) : (size_t)(level - use->rest) - strlen(m->separator);
    char number[16] = "";
    uint64_t index = 0;
    if (len > 0 && len < sizeof(number)) {
        memcpy(number, use->rest, len);
        if (parse_u64(number, UINT32_MAX - 1, &index) == ST_OK) {
            n->index = (uint32_t)index;
            return pick(m, n, use, level);
        }
    }
    if (use->cell->kind != CH_ARRAY || !has_inside(n->type->element)) {
        n->run = NULL; /* leads to nothing */
        return ST_OK;
    }
    n->run = avro_run_array;
    enum status st = avro_add_children(m, n, 1);
    struct avro_use inner = *use;
    inner.cell = use->cell->children[0];
    return st == ST_OK ? avro_follow(m, n->type->element, &inner, 1, true, &n->children[0]) : st;
}

/* Nothing there: go over the value, fill the columns. */
static enum status
follow_nothing(struct avro_maker *m, struct avro_node *n, const struct avro_use *uses, size_t count)
{
    enum status st = avro_add_children(m, n, count + 1);
    if (st != ST_OK) {
        return st;
    }
    n->run = n->is_inside ? avro_run_field : avro_run_fields;
    avro_bind_skip(n->type, &n->children[0]);
    n->children[0].column = n->column;
    for (size_t i = 0; i < count; i++) {
        bind_absent(&uses[i], n->is_inside, &n->children[i + 1]);
    }
    return ST_OK;
}

/* The rest of a single use. */
static enum status follow_one(struct avro_maker *m, struct avro_node *n, const struct avro_use *use)
{
    enum status st = ST_OK;
    if (n->type->kind == AVRO_MAP) {
        return follow_map(m, n, use);
    }
    if (n->type->kind == AVRO_ARRAY) {
        st = follow_array(m, n, use);
    }
    return st == ST_OK && n->run == NULL ? follow_nothing(m, n, use, 1) : st;
}

/* Uses of both kinds, or several that end here: one node each, but all that go on in one. */
static enum status follow_many(
    struct avro_maker *m, struct avro_node *n, const struct avro_use *uses, size_t count,
    struct avro_use *scratch)
{
    size_t going_on = 0;
    bool is_list = n->type->kind == AVRO_MAP || n->type->kind == AVRO_ARRAY;
    enum status st = avro_add_children(m, n, count);
    n->run = avro_run_many;
    n->count = 0;
    for (size_t i = 0; i < count && st == ST_OK; i++) {
        if (uses[i].rest != NULL && !is_list) {
            scratch[going_on++] = uses[i];
        } else {
            st = avro_follow(m, n->type, &uses[i], 1, n->is_inside, &n->children[n->count++]);
        }
    }
    return st == ST_OK && going_on > 0
               ? avro_follow(m, n->type, scratch, going_on, n->is_inside, &n->children[n->count++])
               : st;
}

enum status avro_follow(
    struct avro_maker *m, const struct avro_type *type, const struct avro_use *uses, size_t count,
    bool is_inside, struct avro_node *n)
{
    assert(count > 0);
    if (count == 1 && uses->rest == NULL) {
        return avro_bind(m, type, uses->cell, uses->column, n);
    }
    n->type = type;
    n->column = uses->column;
    n->is_inside = is_inside;
    bool is_list = type->kind == AVRO_MAP || type->kind == AVRO_ARRAY;
    bool is_split = is_list && count > 1;
    for (size_t i = 0; i < count; i++) {
        is_split = is_split || uses[i].rest == NULL;
    }
    struct avro_use *scratch = calloc(count, sizeof(*scratch));
    if (scratch == NULL) {
        return no_memory(m);
    }
    enum status st = ST_OK;
    if (is_split) {
        st = follow_many(m, n, uses, count, scratch);
    } else if (type->kind == AVRO_RECORD) {
        st = follow_record(m, n, uses, count, scratch);
    } else if (type->kind == AVRO_UNION) {
        st = follow_union(m, n, uses, count);
    } else if (count == 1) {
        st = follow_one(m, n, uses);
    } else {
        st = follow_nothing(m, n, uses, count);
    }
    free(scratch);
    return st;
}
