/*
 * One mutex, one condition: the stores that are free, and places not yet filled.
 */
#include "api/store_pool.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/clock.h"

enum {
    STORES_LIMIT = 64,
    BUSY_TIMEOUT_S = 10,
    /* A connection that rested this long is asked before it is used: PostgreSQL may have been
     * restarted meanwhile. */
    REST_MS = 500,
};

struct place {
    struct store *store; /* NULL = not opened yet, or broken */
    int64_t returned_ms;
    bool is_taken;
};

struct store_pool {
    struct store_pool_options options;
    unsigned places_count;
    pthread_mutex_t lock; /* guards places */
    pthread_cond_t returned;
    struct place places[STORES_LIMIT];
};

enum status store_pool_new(
    const struct store_pool_options *options, struct store_pool **ret_pool, struct err *err)
{
    assert(options->database_url != NULL && options->stores_max > 0);
    struct store_pool *pool = calloc(1, sizeof(*pool));
    if (pool == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for the database connections");
    }
    pool->options = *options;
    pool->places_count = options->stores_max < STORES_LIMIT ? options->stores_max : STORES_LIMIT;
    (void)pthread_mutex_init(&pool->lock, NULL); /* cannot fail with default attributes */
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&pool->returned, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    *ret_pool = pool;
    return ST_OK;
}

void store_pool_free(struct store_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    for (unsigned i = 0; i < pool->places_count; i++) {
        assert(!pool->places[i].is_taken);
        store_close(pool->places[i].store);
    }
    (void)pthread_cond_destroy(&pool->returned);
    (void)pthread_mutex_destroy(&pool->lock);
    free(pool);
}

/* A free place, an opened one rather than an empty one; NULL if all are taken. Under the lock. */
static struct place *find_free(struct store_pool *pool)
{
    struct place *empty = NULL;
    for (unsigned i = 0; i < pool->places_count; i++) {
        struct place *place = &pool->places[i];
        if (place->is_taken) {
            continue;
        }
        if (place->store != NULL) {
            return place;
        }
        empty = empty == NULL ? place : empty;
    }
    return empty;
}

static enum status take_place(struct store_pool *pool, struct place **ret_place, struct err *err)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += BUSY_TIMEOUT_S;
    (void)pthread_mutex_lock(&pool->lock);
    struct place *place = find_free(pool);
    int waited = 0;
    while (place == NULL && waited != ETIMEDOUT) {
        waited = pthread_cond_timedwait(&pool->returned, &pool->lock, &until);
        place = find_free(pool);
    }
    if (place != NULL) {
        place->is_taken = true;
    }
    (void)pthread_mutex_unlock(&pool->lock);
    if (place == NULL) {
        (void)err_set(
            err, ST_UNAVAILABLE, "all %u database connections were busy for %d s",
            pool->places_count, BUSY_TIMEOUT_S);
        return ST_UNAVAILABLE;
    }
    *ret_place = place;
    return ST_OK;
}

static void give_back(struct store_pool *pool, struct place *place)
{
    (void)pthread_mutex_lock(&pool->lock);
    assert(place->is_taken);
    place->is_taken = false;
    place->returned_ms = clock_monotonic_ms();
    (void)pthread_cond_signal(&pool->returned);
    (void)pthread_mutex_unlock(&pool->lock);
}

/* Make the taken place's store usable. */
static enum status place_open(struct store_pool *pool, struct place *place, struct err *err)
{
    if (place->store == NULL) {
        return store_open(
            pool->options.database_url, pool->options.keys, pool->options.timeout_ms, &place->store,
            err);
    }
    bool is_fresh = clock_monotonic_ms() - place->returned_ms < REST_MS;
    if (store_is_open(place->store) && (is_fresh || store_ping(place->store, NULL) == ST_OK)) {
        return ST_OK;
    }
    return store_reopen(place->store, err);
}

enum status store_pool_take(struct store_pool *pool, struct store **ret_store, struct err *err)
{
    struct place *place = NULL;
    enum status status = take_place(pool, &place, err);
    if (status != ST_OK) {
        return status;
    }
    status = place_open(pool, place, err);
    if (status != ST_OK) {
        give_back(pool, place);
        return status;
    }
    *ret_store = place->store;
    return ST_OK;
}

void store_pool_return(struct store_pool *pool, struct store *store)
{
    if (store == NULL) {
        return;
    }
    for (unsigned i = 0; i < pool->places_count; i++) {
        if (pool->places[i].store == store) {
            give_back(pool, &pool->places[i]);
            return;
        }
    }
    assert(false && "the store is not of this pool");
}
