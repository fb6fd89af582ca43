/* Rotation: stored credentials sealed anew with the newest key, one row at a time. */
#include <stdlib.h>

#include "common/store/store_internal.h"

/* A table with a column "secrets" and what its values are sealed for. */
struct rotate_table {
    const char *purpose;
    const char *select;
    const char *update; /* only if the value is still the one that was read */
};

static const struct rotate_table tables[] = {
    {"service", "SELECT id, secrets FROM service WHERE secrets IS NOT NULL ORDER BY id",
     "UPDATE service SET secrets = $3 WHERE id = $1 AND secrets = $2"},
    {"pipe", "SELECT id, secrets FROM pipe WHERE secrets IS NOT NULL ORDER BY id",
     "UPDATE pipe SET secrets = $3 WHERE id = $1 AND secrets = $2"},
};

/* Open and seal again. */
static enum status value_reseal(
    const struct key_ring *keys, const struct key_ring_place *place,
    const struct key_ring_sealed *old, struct key_ring_sealed *ret_sealed, struct err *err)
{
    struct secret text = {.bytes = NULL};
    enum status st = key_ring_open(keys, place, old, &text, err);
    if (st == ST_OK) {
        st = key_ring_seal(keys, place, &text, ret_sealed, err);
    }
    secret_done(&text);
    return st;
}

static enum status row_rotate(
    struct store *store, const struct rotate_table *table, struct pg_cell cell, bool *ret_is_new,
    struct err *err)
{
    const char *id = pg_next_text(&cell);
    CLEANUP(key_ring_sealed_done) struct key_ring_sealed old = {.bytes = NULL};
    CLEANUP(key_ring_sealed_done) struct key_ring_sealed fresh = {.bytes = NULL};
    enum status st = pg_next_bytes(&cell, &old.bytes, &old.len_bytes);
    if (st != ST_OK) {
        return err_set(err, st, "credentials of %s %s", table->purpose, id);
    }
    *ret_is_new = false;
    if (key_ring_is_newest(store_keys(store), &old)) {
        return ST_OK;
    }
    struct key_ring_place place = {.purpose = table->purpose, .row_id = id};
    st = value_reseal(store_keys(store), &place, &old, &fresh, err);
    if (st != ST_OK) {
        return st;
    }
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, id);
    pg_add_bytes(&args, old.bytes, old.len_bytes);
    pg_add_bytes(&args, fresh.bytes, fresh.len_bytes);
    int64_t count = 0;
    st = store_change(store, table->update, &args, &count, err);
    /* Changed or deleted meanwhile: whoever changed it used the newest key. */
    *ret_is_new = st == ST_OK && count == 1;
    return st;
}

enum status store_rotate_secrets(
    struct store *store, int *ret_seen_count, int *ret_sealed_count, struct err *err)
{
    if (store_keys(store) == NULL) {
        return err_set(err, ST_INVALID, "PENSTOCK_SECRET_KEY_FILE is not configured");
    }
    int seen_count = 0;
    int sealed_count = 0;
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
        enum status st = store_run(store, tables[i].select, NULL, &rows, err);
        for (int row = 0; st == ST_OK && row < pg_rows_count(rows); row++) {
            bool is_new = false;
            st = row_rotate(store, &tables[i], pg_row(rows, row), &is_new, err);
            seen_count++;
            sealed_count += is_new ? 1 : 0;
        }
        if (st != ST_OK) {
            return st;
        }
    }
    *ret_seen_count = seen_count;
    *ret_sealed_count = sealed_count;
    return ST_OK;
}
