#ifndef WORKER_REPLICA_BLOCK_DICTIONARY_H
#define WORKER_REPLICA_BLOCK_DICTIONARY_H

/*
 * The keys of one LowCardinality column in one block, each once, already in Native layout: texts
 * with their length in front, or values of one width side by side. Key 0 is the type's zero ('');
 * with is_nullable key 0 stands for NULL and key 1 is the zero. A key that no row uses in the end
 * does no harm.
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

enum {
    DICTIONARY_SHORT_BYTES = 16,
    DICTIONARY_CACHE_ENTRIES = 128, /* pairs: two keys that share a place do not fight for it */
};

/* A short key met lately, by its own bytes (zero-padded) and length. */
struct dictionary_recent {
    uint64_t head;
    uint64_t tail;
    uint32_t len_bytes; /* + 1; 0 = free */
    uint32_t index;
};

struct dictionary {
    struct bytes keys;                /* varint length (texts only) and bytes, one after another */
    struct bytes places;              /* texts: where each key's length stands, 64 bits each */
    uint32_t width_bytes;             /* of every key; 0 = texts */
    struct dictionary_entry *entries; /* owned, open addressing */
    uint32_t entries_mask;            /* their count is a power of two */
    uint32_t keys_count;
    bool is_nullable;
    struct dictionary_recent *recent; /* owned, DICTIONARY_CACHE_ENTRIES */
};

/* ST_NO_MEMORY is the only failure. */
/* width_bytes: of every key; 0 = texts. */
bool dictionary_init(struct dictionary *d, uint32_t width_bytes, bool is_nullable) MUST_CHECK;
void dictionary_done(struct dictionary *d);

/* Only the default keys are left. False: no memory. */
bool dictionary_reset(struct dictionary *d, size_t keep_bytes) MUST_CHECK;

/* Index of the zero key, and of a key (of width_bytes, if there is one); the key is added if it is
 * new. False: no memory. */
uint32_t dictionary_empty_index(const struct dictionary *d);
bool dictionary_add(struct dictionary *d, const uint8_t *key, size_t len_bytes, uint32_t *ret_index)
    MUST_CHECK;

/* The bytes of the key at index (of NULL: none or zeros). Borrowed until the next add. */
const uint8_t *dictionary_key(const struct dictionary *d, uint32_t index, size_t *ret_len_bytes);

/* The two words of a key of at most DICTIONARY_SHORT_BYTES; 16 bytes must be readable. */
static inline struct dictionary_recent dictionary_words(const uint8_t *key, size_t len_bytes)
{
    struct dictionary_recent words = {.len_bytes = (uint32_t)len_bytes + 1};
    memcpy(&words.head, key, sizeof(words.head));
    memcpy(&words.tail, key + sizeof(words.head), sizeof(words.tail));
    unsigned bits = (unsigned)len_bytes * 8;
    words.head &= bits >= 64 ? UINT64_MAX : (1ULL << bits) - 1;
    words.tail &= bits >= 128 ? UINT64_MAX : bits <= 64 ? 0 : (1ULL << (bits - 64)) - 1;
    return words;
}

/* The two places where a key can be in the cache. */
static inline struct dictionary_recent *
dictionary_pair(const struct dictionary *d, const struct dictionary_recent *words)
{
    uint64_t hash = (words->head ^ words->tail ^ words->len_bytes) * 0x9e3779b97f4a7c15ULL;
    return &d->recent[(hash >> 58) * 2]; /* 64 pairs */
}

static inline bool
dictionary_is_same(const struct dictionary_recent *a, const struct dictionary_recent *b)
{
    return ((a->head ^ b->head) | (a->tail ^ b->tail) | (a->len_bytes ^ b->len_bytes)) == 0;
}

/* A short key in the cache? Its index. */
static inline bool dictionary_recall_words(
    const struct dictionary *d, const struct dictionary_recent *words, uint32_t *ret_index)
{
    const struct dictionary_recent *pair = dictionary_pair(d, words);
    bool is_second = dictionary_is_same(&pair[1], words);
    *ret_index = pair[is_second].index;
    return is_second | dictionary_is_same(&pair[0], words);
}

/* The same by the key's bytes; 16 bytes from key on must be readable. */
static inline bool dictionary_recall(
    const struct dictionary *d, const uint8_t *key, size_t len_bytes, uint32_t *ret_index)
{
    struct dictionary_recent words = dictionary_words(key, len_bytes);
    return dictionary_recall_words(d, &words, ret_index);
}

/* Put a key with its index into the cache, if it is short and the index fits one byte. */
void dictionary_remember(
    struct dictionary *d, const uint8_t *key, size_t len_bytes, uint32_t index);

/* Heap memory. */
size_t dictionary_memory_bytes(const struct dictionary *d);

#endif
