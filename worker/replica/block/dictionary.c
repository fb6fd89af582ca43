/* Open addressing with linear probing, at most half full; keys compare by hash, length, bytes. */
#include "worker/replica/block/dictionary.h"

#include <assert.h>
#include <stdlib.h>

enum {
    ENTRIES_FIRST = 64
};

#define MULTIPLIER 0x9e3779b97f4a7c15ULL /* 2^64 / golden ratio, Knuth's multiplicative hashing */

static inline uint64_t load_u64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

static inline uint64_t mix(uint64_t hash, uint64_t word)
{
    uint64_t h = (hash ^ word) * MULTIPLIER;
    return h ^ (h >> 32);
}

static uint64_t hash_bytes(const uint8_t *at, size_t len_bytes)
{
    uint64_t hash = len_bytes * MULTIPLIER;
    if (len_bytes >= 8) {
        const uint8_t *last = at + len_bytes - 8;
        for (; at < last; at += 8) {
            hash = mix(hash, load_u64(at));
        }
        return mix(hash, load_u64(last));
    }
    uint64_t word = 0;
    for (size_t i = 0; i < len_bytes; i++) {
        word = word << 8 | at[i];
    }
    return mix(hash, word);
}

/* The key that comes next, a text, begins here. */
static bool add_place(struct dictionary *d)
{
    uint64_t place = d->keys.len;
    return bytes_add(&d->places, &place, sizeof(place));
}

static bool add_defaults(struct dictionary *d)
{
    CLEANUP(freep) uint8_t *zero = calloc(1, (size_t)d->width_bytes + 1);
    if (zero == NULL) {
        return false;
    }
    uint32_t index = 0;
    if (d->is_nullable) {
        /* the key of NULL: never found by value, so no entry */
        bool is_added = d->width_bytes > 0 ? bytes_add_zeros(&d->keys, d->width_bytes)
                                           : add_place(d) && bytes_add_varint(&d->keys, 0);
        if (!is_added) {
            return false;
        }
        d->keys_count = 1;
    }
    return dictionary_add(d, zero, d->width_bytes, &index);
}

bool dictionary_init(struct dictionary *d, uint32_t width_bytes, bool is_nullable)
{
    *d = (struct dictionary){.width_bytes = width_bytes, .is_nullable = is_nullable};
    d->entries = calloc(ENTRIES_FIRST, sizeof(*d->entries));
    d->recent = calloc(DICTIONARY_CACHE_ENTRIES, sizeof(*d->recent));
    if (d->entries == NULL || d->recent == NULL) {
        dictionary_done(d);
        return false;
    }
    d->entries_mask = ENTRIES_FIRST - 1;
    return add_defaults(d);
}

void dictionary_done(struct dictionary *d)
{
    bytes_done(&d->keys);
    bytes_done(&d->places);
    free(d->entries);
    free(d->recent);
    *d = (struct dictionary){0};
}

bool dictionary_reset(struct dictionary *d, size_t keep_bytes)
{
    bytes_reset(&d->keys, keep_bytes);
    bytes_reset(&d->places, keep_bytes);
    d->keys_count = 0;
    memset(d->recent, 0, DICTIONARY_CACHE_ENTRIES * sizeof(*d->recent));
    size_t table_bytes = ((size_t)d->entries_mask + 1) * sizeof(*d->entries);
    if (table_bytes > keep_bytes && d->entries_mask >= ENTRIES_FIRST) {
        struct dictionary_entry *small = calloc(ENTRIES_FIRST, sizeof(*small));
        if (small != NULL) {
            free(d->entries);
            d->entries = small;
            d->entries_mask = ENTRIES_FIRST - 1;
            return add_defaults(d);
        }
    }
    memset(d->entries, 0, table_bytes);
    return add_defaults(d);
}

uint32_t dictionary_empty_index(const struct dictionary *d)
{
    return d->is_nullable ? 1 : 0;
}

static bool grow(struct dictionary *d)
{
    uint32_t old_count = d->entries_mask + 1;
    if (old_count > UINT32_MAX / 4) {
        return false;
    }
    struct dictionary_entry *entries = calloc((size_t)old_count * 2, sizeof(*entries));
    if (entries == NULL) {
        return false;
    }
    uint32_t mask = old_count * 2 - 1;
    for (uint32_t i = 0; i < old_count; i++) {
        if (d->entries[i].place == 0) {
            continue;
        }
        uint32_t slot = (uint32_t)d->entries[i].hash & mask;
        while (entries[slot].place != 0) {
            slot = (slot + 1) & mask;
        }
        entries[slot] = d->entries[i];
    }
    free(d->entries);
    d->entries = entries;
    d->entries_mask = mask;
    return true;
}

static bool
add_new(struct dictionary *d, const uint8_t *key, size_t len_bytes, struct dictionary_entry entry)
{
    if (len_bytes > UINT32_MAX || d->keys_count == UINT32_MAX - 1) {
        return false;
    }
    if (d->keys_count >= (d->entries_mask + 1) / 2 && !grow(d)) {
        return false;
    }
    size_t before = d->keys.len;
    bool has_length = d->width_bytes == 0;
    size_t places_before = d->places.len;
    if ((has_length && (!add_place(d) || !bytes_add_varint(&d->keys, len_bytes))) ||
        !bytes_add(&d->keys, key, len_bytes)) {
        d->keys.len = before;
        d->places.len = places_before;
        return false;
    }
    entry.start = d->keys.len - len_bytes;
    entry.len_bytes = (uint32_t)len_bytes;
    entry.place = d->keys_count + 1;
    uint32_t slot = (uint32_t)entry.hash & d->entries_mask;
    while (d->entries[slot].place != 0) {
        slot = (slot + 1) & d->entries_mask;
    }
    d->entries[slot] = entry;
    d->keys_count++;
    return true;
}

bool dictionary_add(struct dictionary *d, const uint8_t *key, size_t len_bytes, uint32_t *ret_index)
{
    assert(d->entries != NULL && (d->width_bytes == 0 || d->width_bytes == len_bytes));
    uint64_t hash = hash_bytes(key, len_bytes);
    uint32_t slot = (uint32_t)hash & d->entries_mask;
    while (d->entries[slot].place != 0) {
        const struct dictionary_entry *entry = &d->entries[slot];
        if (entry->hash == hash && entry->len_bytes == len_bytes &&
            memcmp(d->keys.at + entry->start, key, len_bytes) == 0) {
            *ret_index = entry->place - 1;
            return true;
        }
        slot = (slot + 1) & d->entries_mask;
    }
    uint32_t index = d->keys_count;
    if (!add_new(d, key, len_bytes, (struct dictionary_entry){.hash = hash})) {
        return false;
    }
    *ret_index = index;
    return true;
}

const uint8_t *dictionary_key(const struct dictionary *d, uint32_t index, size_t *ret_len_bytes)
{
    assert(index < d->keys_count);
    *ret_len_bytes = d->width_bytes;
    if (d->width_bytes > 0) {
        return d->keys.at + (size_t)index * d->width_bytes;
    }
    uint64_t place = 0;
    uint64_t len = 0;
    memcpy(&place, d->places.at + (size_t)index * sizeof(place), sizeof(place));
    const uint8_t *key = bytes_read_varint(d->keys.at + place, &len);
    *ret_len_bytes = len;
    return key;
}

void dictionary_remember(struct dictionary *d, const uint8_t *key, size_t len_bytes, uint32_t index)
{
    if (len_bytes > DICTIONARY_SHORT_BYTES || index > UINT8_MAX) {
        return;
    }
    uint8_t padded[DICTIONARY_SHORT_BYTES] = {0};
    memcpy(padded, key, len_bytes);
    struct dictionary_recent words = dictionary_words(padded, len_bytes);
    words.index = index;
    struct dictionary_recent *pair = dictionary_pair(d, &words);
    pair[1] = pair[0];
    pair[0] = words;
}

size_t dictionary_memory_bytes(const struct dictionary *d)
{
    return d->keys.capacity + d->places.capacity +
           ((size_t)d->entries_mask + 1) * sizeof(*d->entries);
}
