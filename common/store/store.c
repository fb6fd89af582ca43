/* The store itself: connection, transactions, notifications, schema. */
#include "common/store/store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/pg/migrate.h"
#include "common/pg/pg.h"
#include "common/store/store_internal.h"

enum {
    STORE_CHANNELS_MAX = 4
};

struct store {
    struct pg *pg; /* owned; NULL after a failed reopen */
    const struct key_ring *keys;
    struct secret url;
    int timeout_ms;
    const char *channels[STORE_CHANNELS_MAX]; /* listened to again after a reopen */
    size_t channels_count;
};

/* The channels of migrations/; a store listens to nothing else. */
static const char *const channel_names[] = {
    "penstock_pipe", "penstock_probe", "penstock_probe_done"};

enum status store_open(
    const char *database_url, const struct key_ring *keys, int timeout_ms, struct store **ret_store,
    struct err *err)
{
    CLEANUP(store_closep) struct store *store = calloc(1, sizeof(*store));
    if (store == NULL || secret_set(&store->url, database_url, strlen(database_url)) != ST_OK) {
        return err_set(err, ST_NO_MEMORY, "connection to the database");
    }
    store->keys = keys;
    store->timeout_ms = timeout_ms;
    enum status st = pg_open(database_url, timeout_ms, &store->pg, err);
    if (st != ST_OK) {
        return st;
    }
    *ret_store = store;
    store = NULL;
    return ST_OK;
}

void store_close(struct store *store)
{
    if (store == NULL) {
        return;
    }
    pg_close(store->pg);
    secret_done(&store->url);
    free(store);
}

void store_closep(struct store **store)
{
    store_close(*store);
    *store = NULL;
}

bool store_is_open(const struct store *store)
{
    return store->pg != NULL && pg_is_open(store->pg);
}

enum status store_reopen(struct store *store, struct err *err)
{
    pg_closep(&store->pg);
    struct pg *pg = NULL;
    enum status st = pg_open(store->url.bytes, store->timeout_ms, &pg, err);
    for (size_t i = 0; st == ST_OK && i < store->channels_count; i++) {
        st = pg_listen(pg, store->channels[i], err);
    }
    if (st != ST_OK) {
        pg_close(pg);
        return st;
    }
    store->pg = pg;
    return ST_OK;
}

enum status store_ping(struct store *store, struct err *err)
{
    return store_run(store, "SELECT 1", NULL, NULL, err);
}

enum status store_begin(struct store *store, struct err *err)
{
    if (store->pg == NULL) {
        return err_set(err, ST_UNAVAILABLE, "not connected to PostgreSQL");
    }
    return pg_begin(store->pg, err);
}

enum status store_commit(struct store *store, struct err *err)
{
    if (store->pg == NULL) {
        return err_set(err, ST_UNAVAILABLE, "not connected to PostgreSQL");
    }
    return pg_commit(store->pg, err);
}

void store_rollback(struct store *store)
{
    if (store->pg != NULL) {
        pg_rollback(store->pg);
    }
}

static const char *channel_find(const char *channel)
{
    for (size_t i = 0; i < ARRAY_LEN(channel_names); i++) {
        if (strcmp(channel_names[i], channel) == 0) {
            return channel_names[i];
        }
    }
    return NULL;
}

enum status store_listen(struct store *store, const char *channel, struct err *err)
{
    const char *name = channel_find(channel);
    assert(name != NULL);
    if (store->pg == NULL) {
        return err_set(err, ST_UNAVAILABLE, "not connected to PostgreSQL");
    }
    enum status st = pg_listen(store->pg, name, err);
    if (st != ST_OK) {
        return st;
    }
    for (size_t i = 0; i < store->channels_count; i++) {
        if (store->channels[i] == name) {
            return ST_OK;
        }
    }
    assert(store->channels_count < STORE_CHANNELS_MAX); /* there are three names */
    store->channels[store->channels_count++] = name;
    return ST_OK;
}

enum status store_unlisten(struct store *store, const char *channel, struct err *err)
{
    const char *name = channel_find(channel);
    assert(name != NULL);
    for (size_t i = 0; i < store->channels_count; i++) {
        if (store->channels[i] == name) {
            store->channels[i] = store->channels[--store->channels_count];
            break;
        }
    }
    if (store->pg == NULL) {
        return err_set(err, ST_UNAVAILABLE, "not connected to PostgreSQL");
    }
    return pg_unlisten(store->pg, name, err);
}

int store_socket(const struct store *store)
{
    return store->pg == NULL ? -1 : pg_socket(store->pg);
}

enum status store_next_notice(
    struct store *store, bool *ret_has, struct store_notice *ret_notice, struct err *err)
{
    if (store->pg == NULL) {
        return err_set(err, ST_UNAVAILABLE, "not connected to PostgreSQL");
    }
    struct pg_notice notice;
    bool has = false;
    enum status st = pg_next_notice(store->pg, &has, &notice, err);
    if (st != ST_OK) {
        return st;
    }
    if (has) {
        /* Channels are ours and payloads are UUIDs: both fit, a stranger's would be cut. */
        (void)snprintf(ret_notice->channel, sizeof(ret_notice->channel), "%.31s", notice.channel);
        (void)snprintf(ret_notice->payload, sizeof(ret_notice->payload), "%.39s", notice.payload);
    }
    *ret_has = has;
    return ST_OK;
}

enum status
store_migrate(const char *database_url, int timeout_ms, int *ret_applied_count, struct err *err)
{
    CLEANUP(pg_closep) struct pg *pg = NULL;
    enum status st = pg_open(database_url, timeout_ms, &pg, err);
    if (st != ST_OK) {
        return st;
    }
    return migrate_apply(pg, migrate_table, migrate_table_count, ret_applied_count, err);
}

enum status store_check_schema(struct store *store, struct err *err)
{
    if (store->pg == NULL) {
        return err_set(err, ST_UNAVAILABLE, "not connected to PostgreSQL");
    }
    return migrate_check(store->pg, migrate_table, migrate_table_count, err);
}

struct pg *store_pg(struct store *store)
{
    return store->pg;
}

const struct key_ring *store_keys(const struct store *store)
{
    return store->keys;
}

enum status store_run(
    struct store *store, const char *sql, const struct pg_args *args, struct pg_rows **ret_rows,
    struct err *err)
{
    if (store->pg == NULL) {
        return err_set(err, ST_UNAVAILABLE, "not connected to PostgreSQL");
    }
    return pg_run(store->pg, sql, args, ret_rows, err);
}

enum status store_change(
    struct store *store, const char *sql, const struct pg_args *args, int64_t *ret_count,
    struct err *err)
{
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    enum status st = store_run(store, sql, args, &rows, err);
    if (st == ST_OK) {
        *ret_count = pg_rows_affected(rows);
    }
    return st;
}

enum status store_seal_json(
    const struct store *store, const struct key_ring_place *place, const json_t *json,
    struct key_ring_sealed *ret_sealed, struct err *err)
{
    if (json == NULL) {
        *ret_sealed = (struct key_ring_sealed){.bytes = NULL};
        return ST_OK;
    }
    struct secret text = {.bytes = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY)};
    if (text.bytes == NULL) {
        return err_set(err, ST_NO_MEMORY, "credentials of %s", place->purpose);
    }
    text.len_bytes = strlen(text.bytes);
    enum status st = key_ring_seal(store->keys, place, &text, ret_sealed, err);
    secret_done(&text);
    return st;
}

enum status store_open_json(
    const struct store *store, const struct key_ring_place *place, struct pg_cell *cell,
    json_t **ret_json, struct err *err)
{
    CLEANUP(key_ring_sealed_done) struct key_ring_sealed sealed = {.bytes = NULL};
    enum status st = pg_next_bytes(cell, &sealed.bytes, &sealed.len_bytes);
    if (st != ST_OK) {
        return err_set(err, st, "credentials of %s %s", place->purpose, place->row_id);
    }
    if (sealed.bytes == NULL) {
        *ret_json = NULL;
        return ST_OK;
    }
    struct secret text = {.bytes = NULL};
    st = key_ring_open(store->keys, place, &sealed, &text, err);
    if (st == ST_OK) {
        /* The parser's own message could quote a secret. */
        st = store_parse_json(text.bytes, "stored credentials", ret_json, err);
    }
    secret_done(&text);
    return st;
}

enum status store_parse_json(const char *text, const char *what, json_t **ret_json, struct err *err)
{
    json_t *json = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (json == NULL) {
        return err_set(err, ST_INTERNAL, "%s are not JSON", what);
    }
    *ret_json = json;
    return ST_OK;
}

void store_add_time(struct pg_args *args, int64_t ms, int64_t any)
{
    if (ms == any) {
        pg_add_text(args, NULL);
    } else {
        pg_add_int(args, ms);
    }
}
