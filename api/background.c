/*
 * A round each few seconds: one claim, then chore after chore. An edge: it logs what does not work.
 */
#include "api/background.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/log.h"
#include "common/http/http.h"
#include "common/store/event_log.h"

#include "api/store_pool.h"

enum {
    ROUND_S = 2,
    TURNS_MAX = 100, /* of a chore in one round */
};

struct background {
    struct store_pool *stores;
    background_chore *const *chores;
    size_t chores_count;
    struct http_client *client;
    pthread_t thread;
    pthread_mutex_t lock; /* guards is_stopping */
    pthread_cond_t changed;
    bool is_stopping;
};

static bool is_stopping(struct background *background)
{
    (void)pthread_mutex_lock(&background->lock); /* cannot fail on a valid mutex */
    const bool answer = background->is_stopping;
    (void)pthread_mutex_unlock(&background->lock);
    return answer;
}

static enum status do_chore(
    struct background *background, struct store *store, background_chore *chore, struct err *err)
{
    bool has_more = true;
    enum status st = ST_OK;
    for (int i = 0; st == ST_OK && has_more && i < TURNS_MAX && !is_stopping(background); i++) {
        st = chore(store, background->client, &has_more, err);
    }
    return st;
}

static void do_round(struct background *background)
{
    struct store *store = NULL;
    struct err err = {.status = ST_OK};
    bool has = false;
    enum status st = store_pool_take(background->stores, &store, &err);
    if (st == ST_OK) {
        st = event_log_claim(store, &has, &err);
    }
    for (size_t i = 0; st == ST_OK && has && i < background->chores_count; i++) {
        st = do_chore(background, store, background->chores[i], &err);
    }
    if (has) {
        event_log_release(store);
    }
    store_pool_return(background->stores, store);
    /* a database that is away is told elsewhere */
    if (st != ST_OK && st != ST_UNAVAILABLE && st != ST_CANCELLED) {
        log_err(LOG_WARN, "background", &err, "round=%s", "failed");
    }
}

static void *background_main(void *context)
{
    struct background *background = context;
    while (!is_stopping(background)) {
        do_round(background);
        struct timespec until;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += ROUND_S;
        (void)pthread_mutex_lock(&background->lock);
        if (!background->is_stopping) {
            (void)pthread_cond_timedwait(
                &background->changed, &background->lock, &until); /* either way */
        }
        (void)pthread_mutex_unlock(&background->lock);
    }
    return NULL;
}

static void background_free(struct background *background)
{
    http_client_free(background->client);
    (void)pthread_cond_destroy(&background->changed);
    (void)pthread_mutex_destroy(&background->lock);
    free(background);
}

enum status background_start(
    struct store_pool *stores, background_chore *const *chores, size_t count,
    struct background **ret_background, struct err *err)
{
    struct background *background = calloc(1, sizeof(*background));
    if (background == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for the background work");
    }
    background->stores = stores;
    background->chores = chores;
    background->chores_count = count;
    (void)pthread_mutex_init(&background->lock, NULL); /* cannot fail with default attributes */
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&background->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    enum status st = http_client_new(&background->client, err);
    if (st == ST_OK &&
        pthread_create(&background->thread, NULL, background_main, background) != 0) {
        st = err_set(err, ST_IO, "no thread for the background work");
    }
    if (st != ST_OK) {
        background_free(background);
        return st;
    }
    *ret_background = background;
    return ST_OK;
}

void background_stop(struct background *background)
{
    if (background == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&background->lock);
    background->is_stopping = true;
    (void)pthread_cond_broadcast(&background->changed);
    http_client_stop(background->client); /* a statement that runs is not waited for */
    (void)pthread_mutex_unlock(&background->lock);
    (void)pthread_join(background->thread, NULL);
    background_free(background);
}
