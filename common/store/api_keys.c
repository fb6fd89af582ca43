/* API keys: made of random bytes, kept as SHA-256, checked in constant time. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/uuid.h"
#include "common/store/services.h"
#include "common/store/store_internal.h"

enum {
    HASH_BYTES = 32,
    ID_RANDOM_BYTES = 15,     /* 20 characters of base64 */
    SECRET_RANDOM_BYTES = 32, /* 43 characters of base64 without "=" */
    BASE64_MAX_BYTES = 64,
};

void api_key_row_done(struct api_key_row *row)
{
    free(row->id);
    free(row->organization_id);
    free(row->name);
    free(row->created_at);
    *row = (struct api_key_row){.id = NULL};
}

void api_key_rows_done(struct api_key_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        api_key_row_done(&rows->items[i]);
    }
    free(rows->items);
    *rows = (struct api_key_rows){.items = NULL};
}

void api_key_pair_done(struct api_key_pair *pair)
{
    secret_done(&pair->secret);
    pair->id[0] = '\0';
}

/* Random bytes as URL-safe base64 without padding (RFC 4648 §5). */
static enum status random_text(unsigned count_bytes, char ret_text[BASE64_MAX_BYTES])
{
    uint8_t bytes[SECRET_RANDOM_BYTES];
    enum status st = random_bytes(bytes, count_bytes);
    if (st != ST_OK) {
        return st;
    }
    (void)EVP_EncodeBlock((unsigned char *)ret_text, bytes, (int)count_bytes); /* cannot fail */
    for (char *p = ret_text; *p != '\0'; p++) {
        if (*p == '+') {
            *p = '-';
        } else if (*p == '/') {
            *p = '_';
        } else if (*p == '=') {
            *p = '\0';
            break;
        }
    }
    secret_wipe(bytes, sizeof(bytes));
    return ST_OK;
}

static enum status secret_hash(const char *secret, size_t len_bytes, uint8_t ret_hash[HASH_BYTES])
{
    unsigned hash_bytes = 0;
    bool is_done = EVP_Digest(secret, len_bytes, ret_hash, &hash_bytes, EVP_sha256(), NULL) == 1;
    return is_done && hash_bytes == HASH_BYTES ? ST_OK : ST_INTERNAL;
}

static enum status pair_make(struct api_key_pair *ret_pair, uint8_t ret_hash[HASH_BYTES])
{
    char id[BASE64_MAX_BYTES];
    char secret[BASE64_MAX_BYTES];
    enum status st = random_text(ID_RANDOM_BYTES, id);
    if (st == ST_OK) {
        st = random_text(SECRET_RANDOM_BYTES, secret);
    }
    if (st == ST_OK) {
        st = secret_hash(secret, strlen(secret), ret_hash);
    }
    if (st == ST_OK) {
        st = secret_set(&ret_pair->secret, secret, strlen(secret));
        memcpy(ret_pair->id, id, sizeof(ret_pair->id) - 1);
        ret_pair->id[sizeof(ret_pair->id) - 1] = '\0';
    }
    secret_wipe(secret, sizeof(secret));
    return st;
}

static const char *role_text(enum api_role role)
{
    switch (role) {
    case API_ROLE_READER:
        return "reader";
    case API_ROLE_ADMIN:
        return "admin";
    }
    return "";
}

enum status api_key_create(
    struct store *store, const char *organization_id, const char *name, enum api_role role,
    struct api_key_pair *ret_pair, struct err *err)
{
    struct api_key_pair pair = {.id = ""};
    uint8_t hash[HASH_BYTES];
    enum status st = pair_make(&pair, hash);
    if (st != ST_OK) {
        api_key_pair_done(&pair);
        return err_set(err, st, "a new API key cannot be made");
    }
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, pair.id);
    pg_add_text(&args, organization_id);
    pg_add_text(&args, name);
    pg_add_text(&args, role_text(role));
    pg_add_bytes(&args, hash, sizeof(hash));
    st = store_run(
        store,
        "INSERT INTO api_key (id, organization_id, name, role, secret_hash) VALUES ($1, $2, $3, "
        "$4, "
        "$5)",
        &args, NULL, err);
    if (st != ST_OK) {
        api_key_pair_done(&pair);
        return st == ST_REJECTED ? err_set(err, ST_NOT_FOUND, "no organization %s", organization_id)
                                 : st;
    }
    *ret_pair = pair;
    return ST_OK;
}

#define KEY_COLUMNS                                                                                \
    "id, organization_id, name, role, " SQL_RFC3339("created_at") ", revoked_at IS NOT NULL"

/* Read one row of KEY_COLUMNS. */
static enum status key_read(struct pg_cell *cell, struct api_key_row *ret_row, struct err *err)
{
    struct api_key_row row = {.id = pg_next_copy(cell)};
    row.organization_id = pg_next_copy(cell);
    row.name = pg_next_copy(cell);
    row.role = strcmp(pg_next_text(cell), "admin") == 0 ? API_ROLE_ADMIN : API_ROLE_READER;
    row.created_at = pg_next_copy(cell);
    row.is_revoked = pg_next_bool(cell);
    if (cell->is_out_of_memory) {
        api_key_row_done(&row);
        return err_set(err, ST_NO_MEMORY, "API key");
    }
    *ret_row = row;
    return ST_OK;
}

enum status api_key_list(struct store *store, struct api_key_rows *ret_rows, struct err *err)
{
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    enum status st = store_run(
        store, "SELECT " KEY_COLUMNS " FROM api_key ORDER BY created_at, id", NULL, &rows, err);
    if (st != ST_OK) {
        return st;
    }
    size_t count = (size_t)pg_rows_count(rows);
    struct api_key_rows list = {.items = calloc(count + 1, sizeof(*list.items))};
    if (list.items == NULL) {
        return err_set(err, ST_NO_MEMORY, "list of API keys");
    }
    for (; st == ST_OK && list.count < count; list.count++) {
        struct pg_cell cell = pg_row(rows, (int)list.count);
        st = key_read(&cell, &list.items[list.count], err);
    }
    if (st != ST_OK) {
        api_key_rows_done(&list);
        return st;
    }
    *ret_rows = list;
    return ST_OK;
}

enum status api_key_revoke(struct store *store, const char *id, struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, id);
    int64_t count = 0;
    enum status st = store_change(
        store, "UPDATE api_key SET revoked_at = COALESCE(revoked_at, now()) WHERE id = $1", &args,
        &count, err);
    if (st == ST_OK && count == 0) {
        return err_set(err, ST_NOT_FOUND, "no API key %s", id);
    }
    return st;
}

/* Equal, looking at every byte whatever the first ones say. */
static bool hash_equals(const uint8_t *a, const uint8_t *b)
{
    unsigned difference = 0;
    for (size_t i = 0; i < HASH_BYTES; i++) {
        difference |= (unsigned)(a[i] ^ b[i]);
    }
    return difference == 0;
}

/* The stored hash of the first row, or zeros: an unknown key is compared like any other. */
static enum status stored_hash(struct pg_cell *cell, uint8_t ret_hash[HASH_BYTES])
{
    memset(ret_hash, 0, HASH_BYTES);
    if (cell == NULL) {
        return ST_OK;
    }
    CLEANUP(freep) uint8_t *bytes = NULL;
    size_t len_bytes = 0;
    enum status st = pg_next_bytes(cell, &bytes, &len_bytes);
    if (st == ST_OK && len_bytes == HASH_BYTES) {
        memcpy(ret_hash, bytes, HASH_BYTES);
    }
    return st;
}

enum status api_key_check(
    struct store *store, const char *id, const char *secret, size_t secret_len_bytes,
    struct api_key_row *ret_row, struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, id);
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    enum status st = store_run(
        store, "SELECT secret_hash, " KEY_COLUMNS " FROM api_key WHERE id = $1", &args, &rows, err);
    if (st == ST_INVALID) {
        /* An id that is not even UTF-8 is an unknown one. */
        return err_set(err, ST_UNAUTHORIZED, "unknown API key or wrong secret");
    }
    uint8_t given[HASH_BYTES];
    if (st == ST_OK) {
        st = secret_hash(secret, secret_len_bytes, given);
    }
    if (st != ST_OK) {
        return st == ST_INTERNAL ? err_set(err, st, "SHA-256 is not available") : st;
    }
    bool is_known = pg_rows_count(rows) == 1;
    struct pg_cell cell = is_known ? pg_row(rows, 0) : (struct pg_cell){.rows = NULL};
    uint8_t stored[HASH_BYTES];
    st = stored_hash(is_known ? &cell : NULL, stored);
    if (st != ST_OK) {
        return err_set(err, st, "API key");
    }
    bool is_right = hash_equals(given, stored) && is_known;
    struct api_key_row row = {.id = NULL};
    st = is_known ? key_read(&cell, &row, err) : ST_OK;
    if (st != ST_OK) {
        return st;
    }
    if (!is_right || row.is_revoked) {
        api_key_row_done(&row);
        return err_set(err, ST_UNAUTHORIZED, "unknown API key or wrong secret");
    }
    *ret_row = row;
    return ST_OK;
}
