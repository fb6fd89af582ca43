#ifndef WORKER_REPLICA_BLOCK_DICTIONARY_H
#define WORKER_REPLICA_BLOCK_DICTIONARY_H

/*
 * The keys of one LowCardinality(String) column in one block, each once, already in Native layout.
 * Key 0 is the default (''); with is_nullable key 0 stands for NULL and key 1 is ''. A key that no
 * row uses in the end does no harm.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"

#include "worker/replica/block/bytes.h"

struct dictionary_entry {
    uint64_t hash;
    uint64_t start; /* of the key's bytes in keys */
    uint32_t len_bytes;
    uint32_t place; /* index + 1; 0 = free */
};

struct dictionary {
    struct bytes keys;                /* varint length and bytes, one after another */
    struct dictionary_entry *entries; /* owned, open addressing */
    uint32_t entries_mask;            /* their count is a power of two */
    uint32_t keys_count;
    bool is_nullable;
};

/* ST_NO_MEMORY is the only failure. */
bool dictionary_init(struct dictionary *d, bool is_nullable) MUST_CHECK;
void dictionary_done(struct dictionary *d);

/* Only the default keys are left. False: no memory. */
bool dictionary_reset(struct dictionary *d, size_t keep_bytes) MUST_CHECK;

/* Index of the empty string, and of a key; the key is added if it is new. False: no memory. */
uint32_t dictionary_empty_index(const struct dictionary *d);
bool dictionary_add(struct dictionary *d, const uint8_t *key, size_t len_bytes, uint32_t *ret_index)
    MUST_CHECK;

/* Heap memory. */
size_t dictionary_memory_bytes(const struct dictionary *d);

#endif
