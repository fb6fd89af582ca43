/* The tree of object levels: paths in, numbers and bits out. */
#include "worker/replica/decode/plan_tree.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    PATH_LEVELS_MAX = 32
};

void plan_node_free(struct plan_node *node)
{
    if (node == NULL) {
        return;
    }
    keys_done(&node->table);
    free(node->collects);
    free(node);
}

static enum status find_or_add(
    struct plan_node *node, const char *name, size_t name_bytes, struct json_key **ret_key,
    struct err *err)
{
    *ret_key = keys_find(&node->table, name, name_bytes);
    return *ret_key != NULL ? ST_OK : keys_add(&node->table, name, name_bytes, ret_key, err);
}

static enum status
add_target(struct json_key *key, const struct plan_target *target, struct err *err)
{
    struct plan_target *targets =
        realloc(key->targets, (key->targets_count + 1) * sizeof(*targets));
    if (targets == NULL) {
        return err_set(err, ST_NO_MEMORY, "out of memory for a plan");
    }
    key->targets = targets;
    targets[key->targets_count++] = *target;
    return ST_OK;
}

enum status plan_add_path(struct plan_node *node, const struct plan_source *source, struct err *err)
{
    if (source->target.rank == PATH_LEVELS_MAX) {
        return err_set(err, ST_INVALID, "a field path has more than %d levels", PATH_LEVELS_MAX);
    }
    struct json_key *key = NULL;
    enum status st = find_or_add(node, source->path, strlen(source->path), &key, err);
    const char *split = *source->separator == '\0' ? NULL : strstr(source->path, source->separator);
    struct plan_target target = source->target;
    target.is_literal = split != NULL;
    st = st == ST_OK ? add_target(key, &target, err) : st;
    if (st != ST_OK || split == NULL) {
        return st;
    }
    st = find_or_add(node, source->path, (size_t)(split - source->path), &key, err);
    if (st != ST_OK) {
        return st;
    }
    if (key->child == NULL) {
        key->child = calloc(1, sizeof(*key->child));
    }
    if (key->child == NULL) {
        return err_set(err, ST_NO_MEMORY, "out of memory for a plan");
    }
    struct plan_source rest = *source;
    rest.path = split + strlen(source->separator);
    rest.target.rank++;
    return plan_add_path(key->child, &rest, err);
}

/* Note the columns that can take values out of an array of objects. */
static enum status add_collects(struct plan_node *node, uint32_t index, struct err *err)
{
    const struct json_key *key = &node->table.keys[index];
    for (size_t i = 0; i < key->targets_count; i++) {
        const struct plan_target *target = &key->targets[i];
        if (target->is_literal || target->cell->kind != CH_ARRAY ||
            node->collects_count == PLAN_COLLECTS_MAX) {
            continue;
        }
        struct plan_collect *collects =
            realloc(node->collects, (node->collects_count + 1) * sizeof(*collects));
        if (collects == NULL) {
            return err_set(err, ST_NO_MEMORY, "out of memory for a plan");
        }
        node->collects = collects;
        collects[node->collects_count++] = (struct plan_collect){.key = index, .target = *target};
    }
    return ST_OK;
}

enum status plan_index_node(struct plan *plan, struct plan_node *node, struct err *err)
{
    enum status st = keys_index(&node->table, &plan->keys_count, err);
    for (uint32_t i = 0; i < node->table.count && st == ST_OK; i++) {
        struct json_key *key = &node->table.keys[i];
        node->has_indexes = node->has_indexes || key->list_index != KEY_NOT_LISTED;
        st = add_collects(node, i, err);
        if (st != ST_OK) {
            return st;
        }
        bool is_simple =
            key->targets_count == 1 && key->child == NULL && !key->targets[0].is_literal;
        if (is_simple) {
            key->index = key->targets[0].column;
            key->cell = key->targets[0].cell;
        }
        if (key->child != NULL) {
            key->bit = plan->bits_count++;
            st = plan_index_node(plan, key->child, err);
        }
    }
    return st;
}
