#ifndef WORKER_REPLICA_REGISTRY_REGISTRY_CACHE_H
#define WORKER_REPLICA_REGISTRY_REGISTRY_CACHE_H

/*
 * The entries of one registry: found by id (each record asks), by subject and version, and those
 * that are not settled yet. Known ones stay for good, because decoders borrow them; of the unknown
 * ones only so many, because any bytes can look like an id. Inside this room.
 */

#include "worker/replica/registry/registry_entry.h"

enum {
    REGISTRY_UNKNOWN_MAX = 1000,                /* by id; more: all unknown ones are forgotten */
    REGISTRY_CACHE_MAX_BYTES = 64 * 1024 * 1024 /* of schemas; a further one is refused */
};

struct registry_cache {
    struct registry_entry **entries; /* owned, all of them */
    size_t count;
    size_t capacity;
    struct registry_entry **slots; /* by id, open addressing; a power of two */
    size_t slots_count;
    size_t ids_count;
    struct registry_entry **active; /* WANTED, ASKING, FETCHED; borrowed from entries */
    size_t active_count;
    size_t active_capacity;
    size_t text_bytes;
};

void registry_cache_init(struct registry_cache *cache);

/* Frees the entries; their calls must be gone. */
void registry_cache_done(struct registry_cache *cache);

/* NULL if there is none. */
struct registry_entry *registry_cache_by_id(const struct registry_cache *cache, int32_t id);
struct registry_entry *
registry_cache_by_version(const struct registry_cache *cache, const char *subject, int32_t version);

/* Add an active entry, WANTED at once. subject NULL: by id. Borrowed; NULL without memory. */
struct registry_entry *registry_cache_add(
    struct registry_cache *cache, enum registry_key key, int32_t id, const char *subject,
    int32_t version);

/* An unknown entry is asked for again: make it active. False without memory, nothing changed. */
bool registry_cache_want(struct registry_cache *cache, struct registry_entry *entry);

/* Drop the settled ones from the active list. */
void registry_cache_settle(struct registry_cache *cache);

/* Forget an entry that nobody borrowed and no reference points to. */
void registry_cache_drop(struct registry_cache *cache, struct registry_entry *entry);

#endif
