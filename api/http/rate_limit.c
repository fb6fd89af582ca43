/*
 * A bucket is one number: when it will be full again. A request moves that time on by one token's
 * share of the window, and is let through if the bucket is then not emptier than empty. Buckets lie
 * in a table of sets; the oldest of a set gives way.
 */
#include "api/http/rate_limit.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    SETS = RATE_LIMIT_PLACES / RATE_LIMIT_WAYS,
    KEY_BYTES = 64 /* of an id, zero-terminated; a longer one counts by its beginning */
};

struct bucket {
    char key_id[KEY_BYTES]; /* "" = free */
    int64_t full_at_ns;
    int64_t seen_us;
};

struct rate_limit {
    int64_t requests;
    int64_t window_ns;
    pthread_mutex_t lock; /* guards the buckets */
    struct bucket buckets[SETS][RATE_LIMIT_WAYS];
};

struct rate_limit *rate_limit_new(int64_t requests, int64_t window_s)
{
    assert(requests > 0 && window_s > 0);
    struct rate_limit *limit = calloc(1, sizeof(*limit));
    if (limit != NULL) {
        limit->requests = requests;
        limit->window_ns = window_s * 1000000000;
        (void)pthread_mutex_init(&limit->lock, NULL); /* cannot fail with default attributes */
    }
    return limit;
}

void rate_limit_free(struct rate_limit *limit)
{
    if (limit != NULL) {
        (void)pthread_mutex_destroy(&limit->lock);
    }
    free(limit);
}

/* FNV-1a, 32 bits (http://www.isthe.com/chongo/tech/comp/fnv/). Only keys that are known come
 * here, so nobody chooses them to collide. */
static size_t set_of(const char *key_id)
{
    uint32_t hash = 2166136261U;
    for (const char *at = key_id; *at != '\0'; at++) {
        hash = (hash ^ (unsigned char)*at) * 16777619U;
    }
    return hash % SETS;
}

/* The key's bucket; a new one is full. */
static struct bucket *bucket_of(struct rate_limit *limit, const char *key_id)
{
    struct bucket *set = limit->buckets[set_of(key_id)];
    struct bucket *oldest = &set[0];
    for (size_t i = 0; i < RATE_LIMIT_WAYS; i++) {
        if (strncmp(set[i].key_id, key_id, KEY_BYTES - 1) == 0) {
            return &set[i];
        }
        oldest = set[i].seen_us < oldest->seen_us ? &set[i] : oldest;
    }
    memset(oldest, 0, sizeof(*oldest));
    memcpy(oldest->key_id, key_id, strnlen(key_id, KEY_BYTES - 1));
    return oldest;
}

struct rate_answer rate_limit_take(struct rate_limit *limit, const char *key_id, int64_t now_us)
{
    const int64_t now_ns = now_us * 1000;
    if (limit == NULL) {
        return (struct rate_answer){.is_allowed = true};
    }
    (void)pthread_mutex_lock(&limit->lock); /* cannot fail on a valid mutex */
    struct bucket *bucket = bucket_of(limit, key_id);
    const int64_t token_ns = limit->window_ns / limit->requests;
    int64_t missing_ns = bucket->full_at_ns > now_ns ? bucket->full_at_ns - now_ns : 0;
    const bool is_allowed = missing_ns + token_ns <= limit->window_ns;
    missing_ns += is_allowed ? token_ns : 0;
    bucket->full_at_ns = now_ns + missing_ns;
    bucket->seen_us = now_us;
    (void)pthread_mutex_unlock(&limit->lock);
    const int64_t left_ns = limit->window_ns - missing_ns;
    return (struct rate_answer){
        .is_counted = true,
        .is_allowed = is_allowed,
        .limit = limit->requests,
        .remaining = left_ns / token_ns,
        .reset_us = left_ns >= token_ns ? 0 : (token_ns - left_ns + 999) / 1000,
    };
}
