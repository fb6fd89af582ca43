/* Entries by id and by subject. */
#include "worker/replica/registry/registry_cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_CAPACITY = 16,
};

void registry_cache_init(struct registry_cache *cache)
{
    *cache = (struct registry_cache){.count = 0};
}

void registry_cache_done(struct registry_cache *cache)
{
    for (size_t i = 0; i < cache->count; i++) {
        registry_entry_free(cache->entries[i]);
    }
    free(cache->entries);
    free(cache->slots);
    free(cache->active);
    registry_cache_init(cache);
}

/* Fibonacci hashing (Knuth, TAOCP 3, 6.4): ids are often consecutive. */
static size_t slot_of(const struct registry_cache *cache, int32_t id)
{
    return (size_t)((uint32_t)id * UINT32_C(2654435769)) & (cache->slots_count - 1);
}

struct registry_entry *registry_cache_by_id(const struct registry_cache *cache, int32_t id)
{
    if (cache->slots_count == 0) {
        return NULL;
    }
    size_t slot = slot_of(cache, id);
    while (cache->slots[slot] != NULL && cache->slots[slot]->id != id) {
        slot = (slot + 1) & (cache->slots_count - 1);
    }
    return cache->slots[slot];
}

struct registry_entry *
registry_cache_by_version(const struct registry_cache *cache, const char *subject, int32_t version)
{
    for (size_t i = 0; i < cache->count; i++) {
        struct registry_entry *entry = cache->entries[i];
        if (entry->key == REGISTRY_BY_VERSION && entry->version == version &&
            strcmp(entry->subject, subject) == 0) {
            return entry;
        }
    }
    return NULL;
}

static void slot_put(struct registry_cache *cache, struct registry_entry *entry)
{
    size_t slot = slot_of(cache, entry->id);
    while (cache->slots[slot] != NULL) {
        slot = (slot + 1) & (cache->slots_count - 1);
    }
    cache->slots[slot] = entry;
}

/* Put every id into its slot again. */
static void slots_fill(struct registry_cache *cache)
{
    for (size_t i = 0; i < cache->slots_count; i++) {
        cache->slots[i] = NULL;
    }
    cache->ids_count = 0;
    for (size_t i = 0; i < cache->count; i++) {
        if (cache->entries[i]->key == REGISTRY_BY_ID) {
            slot_put(cache, cache->entries[i]);
            cache->ids_count++;
        }
    }
}

/* Room for one more id at half full. */
static bool slots_grow(struct registry_cache *cache)
{
    if ((cache->ids_count + 1) * 2 <= cache->slots_count) {
        return true;
    }
    size_t wanted = cache->slots_count == 0 ? FIRST_CAPACITY : cache->slots_count * 2;
    struct registry_entry **slots = calloc(wanted, sizeof(struct registry_entry *));
    if (slots == NULL) {
        return false;
    }
    free(cache->slots);
    cache->slots = slots;
    cache->slots_count = wanted;
    slots_fill(cache);
    return true;
}

static bool list_grow(struct registry_entry ***list, size_t count, size_t *capacity)
{
    if (count < *capacity) {
        return true;
    }
    size_t wanted = *capacity == 0 ? FIRST_CAPACITY : *capacity * 2;
    struct registry_entry **grown = realloc(*list, wanted * sizeof(struct registry_entry *));
    if (grown == NULL) {
        return false;
    }
    *list = grown;
    *capacity = wanted;
    return true;
}

void registry_cache_settle(struct registry_cache *cache)
{
    size_t kept = 0;
    for (size_t i = 0; i < cache->active_count; i++) {
        struct registry_entry *entry = cache->active[i];
        if (entry->state != REGISTRY_KNOWN && entry->state != REGISTRY_UNKNOWN) {
            cache->active[kept++] = entry;
        }
    }
    cache->active_count = kept;
}

static bool is_forgettable(const struct registry_entry *entry)
{
    return entry->key == REGISTRY_BY_ID && entry->state == REGISTRY_UNKNOWN;
}

/* References never point to entries by id, so these are free to go. */
static void forget_unknown(struct registry_cache *cache)
{
    size_t unknown_count = 0;
    registry_cache_settle(cache);
    for (size_t i = 0; i < cache->count; i++) {
        unknown_count += is_forgettable(cache->entries[i]) ? 1 : 0;
    }
    if (unknown_count < REGISTRY_UNKNOWN_MAX) {
        return;
    }
    size_t kept = 0;
    for (size_t i = 0; i < cache->count; i++) {
        if (is_forgettable(cache->entries[i])) {
            registry_entry_free(cache->entries[i]);
        } else {
            cache->entries[kept++] = cache->entries[i];
        }
    }
    cache->count = kept;
    slots_fill(cache);
}

struct registry_entry *registry_cache_add(
    struct registry_cache *cache, enum registry_key key, int32_t id, const char *subject,
    int32_t version)
{
    assert(key != REGISTRY_BY_ID || registry_cache_by_id(cache, id) == NULL);
    if (key == REGISTRY_BY_ID && cache->ids_count >= REGISTRY_UNKNOWN_MAX) {
        forget_unknown(cache);
    }
    if (!slots_grow(cache) || !list_grow(&cache->entries, cache->count, &cache->capacity) ||
        !list_grow(&cache->active, cache->active_count, &cache->active_capacity)) {
        return NULL;
    }
    struct registry_entry *entry = registry_entry_new(key, id, subject, version);
    if (entry == NULL) {
        return NULL;
    }
    cache->entries[cache->count++] = entry;
    cache->active[cache->active_count++] = entry;
    if (key == REGISTRY_BY_ID) {
        slot_put(cache, entry);
        cache->ids_count++;
    }
    return entry;
}

bool registry_cache_want(struct registry_cache *cache, struct registry_entry *entry)
{
    assert(entry->state == REGISTRY_UNKNOWN);
    if (!list_grow(&cache->active, cache->active_count, &cache->active_capacity)) {
        return false;
    }
    cache->active[cache->active_count++] = entry;
    entry->state = REGISTRY_WANTED;
    entry->due_ms = 0;
    return true;
}

static size_t
list_without(struct registry_entry **list, size_t count, const struct registry_entry *entry)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (list[i] != entry) {
            list[kept++] = list[i];
        }
    }
    return kept;
}

void registry_cache_drop(struct registry_cache *cache, struct registry_entry *entry)
{
    assert(entry->key == REGISTRY_BY_LATEST);
    cache->count = list_without(cache->entries, cache->count, entry);
    cache->active_count = list_without(cache->active, cache->active_count, entry);
    registry_entry_free(entry);
}
