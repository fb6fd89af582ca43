#ifndef WORKER_REPLICA_DECODE_PLAN_TREE_H
#define WORKER_REPLICA_DECODE_PLAN_TREE_H

/*
 * The inside of a plan, for the files that make it and the decoder that walks it: a tree of object
 * levels, each with the keys that matter there.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/model/pipe.h"

#include "worker/replica/block/block.h"
#include "worker/replica/decode/cell.h"
#include "worker/replica/decode/keys.h"
#include "worker/replica/decode/virtual.h"

/* One column that reads the value of a key. */
struct plan_target {
    uint32_t column;
    uint32_t rank;   /* levels gone down to get here; a lower one wins */
    bool is_literal; /* the key holds the separator: it wins over the path it also spells */
    const struct cell *cell;
};

/* A key inside the objects of an array whose values make up one Array cell. */
struct plan_collect {
    uint32_t key; /* in the node's table */
    struct plan_target target;
};

enum {
    PLAN_COLLECTS_MAX = 256 /* of one node; further columns stay empty for arrays of objects */
};

/* One level of objects (or arrays: by list_index of the keys, or of objects). */
struct plan_node {
    struct key_table table;
    struct plan_collect *collects; /* owned */
    size_t collects_count;
    bool has_indexes; /* some key has a list_index */
};

void plan_node_free(struct plan_node *node);

struct plan_virtual {
    uint32_t column;
    enum virtual_kind kind;
};

struct plan {
    struct block_column *columns; /* owned; names and types too */
    struct cell **cells;          /* owned, one per column; NULL if it reads something else */
    size_t columns_count;
    size_t columns_capacity; /* of the lists by column */
    struct plan_node *root;  /* owned; NULL = raw */
    struct plan *key;        /* owned; the fields of the key (_key.a); NULL = none */
    bool is_key;             /* such a plan: columns are the outer one's */
    enum pipe_format format;
    enum pipe_multi_record multi_record;
    struct plan_virtual *virtuals; /* owned */
    size_t virtuals_count;
    struct plan_field *fields; /* owned; paths too */
    size_t fields_count;
    char *separator;     /* owned */
    uint32_t keys_count; /* ids given out */
    uint32_t bits_count; /* columns_count, then one per key with a child */
    uint64_t *wanted;    /* owned bitmap: columns that the document fills */
    size_t words_count;  /* of bitmaps of bits_count bits */
};

/* A source path and the column it fills. */
struct plan_source {
    const char *path;
    const char *separator;
    struct plan_target target;
};

/* Put the path into the tree, as a literal key and, if it holds the separator, level by level.
 * ST_NO_MEMORY, ST_INVALID. */
enum status
plan_add_path(struct plan_node *node, const struct plan_source *source, struct err *err) MUST_CHECK;

/* Number all keys and give bits to those with a child, all the way down. ST_NO_MEMORY. */
enum status plan_index_node(struct plan *plan, struct plan_node *node, struct err *err) MUST_CHECK;

#endif
