#ifndef WORKER_REPLICA_DECODE_KEYS_H
#define WORKER_REPLICA_DECODE_KEYS_H

/*
 * The keys of one JSON object that a plan cares for, made to be found fast: each as the text it
 * has in a document (`"name":`) for one wide compare with the key that is expected next, and all in
 * a hash table for documents in another order.
 */

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

struct cell;
struct plan_node;
struct plan_target;

enum {
    KEY_PATTERN_BYTES = 32
};

#define KEY_NOT_LISTED UINT32_MAX

struct json_key {
    uint8_t pattern[KEY_PATTERN_BYTES]; /* `"name":`, zero-padded; what never matches if too long */
    uint32_t pattern_mask;              /* of the bytes that must be equal */
    uint32_t pattern_bytes;             /* length of the whole pattern */
    uint32_t id;                        /* counted over all tables of a plan */
    uint32_t index;                     /* Tuple: element; else column of the only target */
    const struct cell *cell;            /* of the only target; NULL = see targets and child */
    char *name;                         /* owned */
    uint32_t name_bytes;
    uint32_t list_index;         /* the name as an array index, KEY_NOT_LISTED if it is none */
    struct plan_target *targets; /* owned */
    size_t targets_count;
    struct plan_node *child; /* owned; the value's inside, NULL = not looked at */
    uint32_t bit;            /* for child: marks that the key was there */
};

struct key_table {
    struct json_key *keys; /* owned */
    uint32_t count;
    uint32_t first_id; /* id of keys[0]; keys[i] has first_id + i */
    uint16_t *slots;   /* owned; key number + 1, 0 = free; count is a power of two */
    uint32_t slots_mask;
};

enum {
    KEYS_MAX = 16384
};

/* Append a key (copied); not searchable before keys_index. ret_key: borrowed until the next add.
 * ST_NO_MEMORY, ST_INVALID (more than KEYS_MAX). */
enum status keys_add(
    struct key_table *table, const char *name, size_t name_bytes, struct json_key **ret_key,
    struct err *err) MUST_CHECK;

/* The key of that name, by walking; NULL if there is none. For making plans. */
struct json_key *keys_find(struct key_table *table, const char *name, size_t name_bytes);

/* Number the keys from *next_id on and make the hash table. ST_NO_MEMORY. */
enum status keys_index(struct key_table *table, uint32_t *next_id, struct err *err) MUST_CHECK;

void keys_done(struct key_table *table);

/* Hash of a key; reads whole 8-byte words, so 8 bytes behind name must be readable. */
static inline uint32_t keys_hash(const uint8_t *name, size_t name_bytes)
{
    assert(name != NULL);
    uint64_t head;
    __builtin_memcpy(&head, name, sizeof(head));
    uint64_t tail = 0;
    if (name_bytes < sizeof(head)) {
        head &= (1ULL << (name_bytes * 8)) - 1;
    } else {
        __builtin_memcpy(&tail, name + name_bytes - sizeof(tail), sizeof(tail));
    }
    /* odd constants of xxHash, only to spread bits */
    uint64_t hash = (head * 0x9e3779b185ebca87ULL) ^ (tail * 0xc2b2ae3d27d4eb4fULL) ^
                    (name_bytes * 0x165667b19e3779f9ULL);
    hash ^= hash >> 29;
    hash *= 0x9e3779b185ebca87ULL;
    return (uint32_t)(hash >> 32);
}

/* The key of that name; NULL if the plan does not know it. 8 bytes behind name must be readable. */
static inline const struct json_key *
keys_lookup(const struct key_table *table, const uint8_t *name, size_t name_bytes)
{
    uint32_t slot = keys_hash(name, name_bytes) & table->slots_mask;
    while (table->slots[slot] != 0) {
        const struct json_key *key = &table->keys[table->slots[slot] - 1];
        if (key->name_bytes == name_bytes && __builtin_memcmp(key->name, name, name_bytes) == 0) {
            return key;
        }
        slot = (slot + 1) & table->slots_mask;
    }
    return NULL;
}

#endif
