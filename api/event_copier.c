/*
 * A round each few seconds: one claim, then pipe after pipe. An edge: it logs what does not work.
 */
#include "api/event_copier.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/log.h"
#include "common/clickhouse/client.h"
#include "common/clickhouse/ddl.h"
#include "common/clickhouse/log_table.h"
#include "common/http/http.h"
#include "common/store/event_log.h"
#include "common/store/services.h"

#include "api/store_pool.h"

enum {
    ROUND_S = 2,
    ROUND_BATCHES_MAX = 100,
    AWAY_S = 60,
    REFUSED_S = 600,
};

struct event_copier {
    struct store_pool *stores;
    struct http_client *client;
    pthread_t thread;
    pthread_mutex_t lock; /* guards is_stopping */
    pthread_cond_t changed;
    bool is_stopping;
};

/* Run what a writer wrote. */
static enum status
run(struct event_copier *copier, const struct clickhouse_endpoint *endpoint, enum status written,
    const struct buf *sql, struct err *err)
{
    if (written != ST_OK) {
        return err_set(err, written, "the statement is too long");
    }
    return clickhouse_execute(copier->client, endpoint, buf_text(sql), NULL, err);
}

static enum status write_rows(const struct event_log_batch *batch, struct buf *sql)
{
    enum status st = log_table_insert(batch->database, sql);
    for (size_t i = 0; st == ST_OK && i < batch->count; i++) {
        const struct event_row *event = &batch->items[i];
        CLEANUP(freep) char *details = json_dumps(event->details, JSON_COMPACT);
        const struct log_table_row row = {
            .time = event->time,
            .severity = event->severity,
            .type = event->type,
            .message = event->message,
            .details = details == NULL ? "{}" : details,
            .pipe_id = batch->pipe_id,
            .event_id = event->id,
        };
        st = log_table_add_row(&row, i == 0, sql);
    }
    return st;
}

static enum status send_batch(
    struct event_copier *copier, struct store *store, const struct event_log_batch *batch,
    struct err *err)
{
    struct service_row service = {0};
    enum status st =
        service_get_with_secret(store, batch->organization_id, batch->service_id, &service, err);
    if (st != ST_OK) {
        return st;
    }
    const struct clickhouse_endpoint endpoint = {
        .url = service.url,
        .username = service.username,
        .password = &service.password,
        .ca_certificate = service.ca_certificate,
    };
    struct buf create;
    struct buf insert;
    buf_init(&create, CLICKHOUSE_SQL_MAX_BYTES);
    buf_init(&insert, CLICKHOUSE_SQL_MAX_BYTES);
    st = run(copier, &endpoint, log_table_create(batch->database, &create), &create, err);
    if (st == ST_OK) {
        st = run(copier, &endpoint, write_rows(batch, &insert), &insert, err);
    }
    buf_done(&create);
    buf_done(&insert);
    service_row_done(&service);
    return st;
}

/* One pipe's turn. *ret_more: there was something to do. */
static enum status
copy_next(struct event_copier *copier, struct store *store, bool *ret_more, struct err *err)
{
    CLEANUP(event_log_batch_done) struct event_log_batch batch = {.pipe_id = NULL};
    enum status st = event_log_next(store, &batch, err);
    *ret_more = st == ST_OK && batch.count > 0;
    if (!*ret_more) {
        return st;
    }
    struct err reason = {.status = ST_OK};
    enum status sent = send_batch(copier, store, &batch, &reason);
    if (sent == ST_OK) {
        return event_log_copied(store, &batch, err);
    }
    log_err(LOG_INFO, "events_not_copied", &reason, "pipe=%s", batch.pipe_id);
    const bool is_away = sent == ST_UNAVAILABLE || sent == ST_TIMEOUT;
    return event_log_postpone(store, &batch, is_away ? AWAY_S : REFUSED_S, err);
}

static bool is_stopping(struct event_copier *copier)
{
    (void)pthread_mutex_lock(&copier->lock); /* cannot fail on a valid mutex */
    const bool answer = copier->is_stopping;
    (void)pthread_mutex_unlock(&copier->lock);
    return answer;
}

static void copy_round(struct event_copier *copier)
{
    struct store *store = NULL;
    struct err err = {.status = ST_OK};
    bool has = false;
    enum status st = store_pool_take(copier->stores, &store, &err);
    if (st == ST_OK) {
        st = event_log_claim(store, &has, &err);
    }
    bool has_more = has;
    for (int i = 0; has_more && i < ROUND_BATCHES_MAX && !is_stopping(copier); i++) {
        st = copy_next(copier, store, &has_more, &err);
    }
    if (has) {
        event_log_release(store);
    }
    store_pool_return(copier->stores, store);
    if (st != ST_OK && st != ST_UNAVAILABLE) { /* a database that is away is told elsewhere */
        log_err(LOG_WARN, "event_copier", &err, "round=%s", "failed");
    }
}

static void *copier_main(void *context)
{
    struct event_copier *copier = context;
    while (!is_stopping(copier)) {
        copy_round(copier);
        struct timespec until;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += ROUND_S;
        (void)pthread_mutex_lock(&copier->lock);
        if (!copier->is_stopping) {
            (void)pthread_cond_timedwait(&copier->changed, &copier->lock, &until); /* either way */
        }
        (void)pthread_mutex_unlock(&copier->lock);
    }
    return NULL;
}

static void copier_free(struct event_copier *copier)
{
    http_client_free(copier->client);
    (void)pthread_cond_destroy(&copier->changed);
    (void)pthread_mutex_destroy(&copier->lock);
    free(copier);
}

enum status
event_copier_start(struct store_pool *stores, struct event_copier **ret_copier, struct err *err)
{
    struct event_copier *copier = calloc(1, sizeof(*copier));
    if (copier == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for the copier of events");
    }
    copier->stores = stores;
    (void)pthread_mutex_init(&copier->lock, NULL); /* cannot fail with default attributes */
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&copier->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    enum status st = http_client_new(&copier->client, err);
    if (st == ST_OK && pthread_create(&copier->thread, NULL, copier_main, copier) != 0) {
        st = err_set(err, ST_IO, "no thread for the copier of events");
    }
    if (st != ST_OK) {
        copier_free(copier);
        return st;
    }
    *ret_copier = copier;
    return ST_OK;
}

void event_copier_stop(struct event_copier *copier)
{
    if (copier == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&copier->lock);
    copier->is_stopping = true;
    (void)pthread_cond_broadcast(&copier->changed);
    (void)pthread_mutex_unlock(&copier->lock);
    (void)pthread_join(copier->thread, NULL);
    copier_free(copier);
}
