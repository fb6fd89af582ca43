#ifndef COMMON_STORE_STORE_H
#define COMMON_STORE_STORE_H

/*
 * What every file of this room works on: one PostgreSQL connection plus the keys that open stored
 * credentials. All SQL of the program lives in this room and in the migrations. A store belongs to
 * one thread at a time; the api keeps a pool of them, the supervisor one.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

struct store; /* owns a pg connection and a reference to the key ring */
struct key_ring;

/*
 * Connect. database_url: libpq connection string or URI (borrowed). keys: borrowed, must outlive
 * the store; NULL = credentials cannot be read or written. timeout_ms bounds connecting and every
 * statement. ret_store: owned, store_close. ST_UNAVAILABLE if the database cannot be reached,
 * ST_INVALID for a malformed URL, ST_NO_MEMORY.
 */
enum status store_open(
    const char *database_url, const struct key_ring *keys, int timeout_ms, struct store **ret_store,
    struct err *err) MUST_CHECK;
void store_close(struct store *store);
void store_closep(struct store **store);

/* False after the connection broke; store_reopen tries once to get it back. ST_UNAVAILABLE. */
bool store_is_open(const struct store *store);
enum status store_reopen(struct store *store, struct err *err) MUST_CHECK;

/* Cheap round trip, for readiness. ST_UNAVAILABLE. */
enum status store_ping(struct store *store, struct err *err) MUST_CHECK;

/* Transactions; nesting is a bug. An open transaction is rolled back by store_rollback or by the
 * next failure of store_commit. ST_UNAVAILABLE, ST_CONFLICT (serialization), ST_INTERNAL. */
enum status store_begin(struct store *store, struct err *err) MUST_CHECK;
enum status store_commit(struct store *store, struct err *err) MUST_CHECK;
void store_rollback(struct store *store);

/* LISTEN penstock_pipe, penstock_probe or penstock_probe_done; store_reopen listens again. */
enum status store_listen(struct store *store, const char *channel, struct err *err) MUST_CHECK;

/* Hear of a channel no more. Statuses as store_listen. */
enum status store_unlisten(struct store *store, const char *channel, struct err *err) MUST_CHECK;

/* The socket to poll for notifications, −1 while closed. */
int store_socket(const struct store *store);

struct store_notice {
    char channel[32];
    char payload[40];
};

/* Take one pending notification without waiting. *ret_has false if there is none.
 * ST_UNAVAILABLE if the connection broke. */
enum status store_next_notice(
    struct store *store, bool *ret_has, struct store_notice *ret_notice,
    struct err *err) MUST_CHECK;

/*
 * Bring the database to this program's schema; several programs may try at once. On a connection of
 * its own. *ret_applied_count: migrations that were new. ST_CONFLICT if the database is newer than
 * this program or an applied migration was changed, ST_UNAVAILABLE, ST_INVALID, ST_INTERNAL.
 */
enum status store_migrate(
    const char *database_url, int timeout_ms, int *ret_applied_count, struct err *err) MUST_CHECK;

/* Whether the database has exactly this program's schema. ST_UNAVAILABLE while migrations are to be
 * applied, ST_CONFLICT as store_migrate. */
enum status store_check_schema(struct store *store, struct err *err) MUST_CHECK;

/* Seal every stored credential that was sealed with an older key anew with the newest. Safe while
 * others work, may be repeated. Outputs: rows looked at, rows sealed anew. ST_INVALID without a key
 * ring, ST_INTERNAL for one that no key opens (those before it are done), ST_UNAVAILABLE. */
enum status store_rotate_secrets(
    struct store *store, int *ret_seen_count, int *ret_sealed_count, struct err *err) MUST_CHECK;

/*
 * Key ring: AES-256-GCM keys, newest first, from a file with one base64 32-byte key per line.
 * ST_INVALID for a bad line (named by number, never by content), ST_NOT_FOUND, ST_IO.
 */
enum status key_ring_load(const char *path, struct key_ring **ret_keys, struct err *err) MUST_CHECK;

/* The same from a text (lines or commas between keys). ST_INVALID, ST_NO_MEMORY. */
enum status
key_ring_parse(const char *text, struct key_ring **ret_keys, struct err *err) MUST_CHECK;
/* The ring that PENSTOCK_SECRET_KEY_FILE or PENSTOCK_SECRET_KEY gives (one of them must be set).
 * ST_INVALID if none or both are, or for whatever is wrong with the file or its lines;
 * ST_NO_MEMORY. */
struct config;
enum status key_ring_configured(
    const struct config *config, struct key_ring **ret_keys, struct err *err) MUST_CHECK;

void key_ring_free(struct key_ring *keys);
void key_ring_freep(struct key_ring **keys);

#endif
