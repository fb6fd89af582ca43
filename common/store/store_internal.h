#ifndef COMMON_STORE_STORE_INTERNAL_H
#define COMMON_STORE_STORE_INTERNAL_H

/* Inside of the room: what its files share. */

#include <jansson.h>

#include "common/base/secret.h"
#include "common/pg/pg.h"
#include "common/store/key_ring.h"
#include "common/store/store.h"

/* A timestamptz as RFC 3339 in UTC with milliseconds, null stays null. */
#define SQL_RFC3339(column)                                                                        \
    "to_char(" column " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"

/* Of pipe p: when its first certificate is said to end soon, and the sentence. */
#define SQL_CERTIFICATE_SOON "interval '30 days'"
#define SQL_CERTIFICATE_WORDS                                                                      \
    "p.certificate_name || CASE WHEN p.certificate_ends_at <= now() THEN ' expired on ' ELSE "     \
    "' expires on ' END || to_char(p.certificate_ends_at AT TIME ZONE 'UTC', "                     \
    "'YYYY-MM-DD HH24:MI \"UTC\"')"

/* True while somebody holds the lease of the row with this alias. */
#define SQL_IS_LIVE(alias) "(" alias ".owner IS NOT NULL AND " alias ".expires_at > now())"

/* True while somebody would run pipes and answer probes. */
#define SQL_HAS_WORKER "EXISTS (SELECT FROM worker WHERE seen_at > now() - interval '15 seconds')"

/* True if this replica of the pipe p should run. */
#define SQL_IS_WANTED(index)                                                                       \
    "(p.desired = 'running' AND p.failed_at IS NULL AND " index " < p.replicas)"

/* The connection; never NULL, but it may be broken. */
struct pg *store_pg(struct store *store);
const struct key_ring *store_keys(const struct store *store);

/* pg_run on the store's connection; ST_UNAVAILABLE without one. */
enum status store_run(
    struct store *store, const char *sql, const struct pg_args *args, struct pg_rows **ret_rows,
    struct err *err) MUST_CHECK;

/* Run and tell how many rows it touched. */
enum status store_change(
    struct store *store, const char *sql, const struct pg_args *args, int64_t *ret_count,
    struct err *err) MUST_CHECK;

/* Credentials as they are stored: JSON, sealed. NULL json gives NULL bytes. ret_sealed:
 * key_ring_sealed_done. */
enum status store_seal_json(
    const struct store *store, const struct key_ring_place *place, const json_t *json,
    struct key_ring_sealed *ret_sealed, struct err *err) MUST_CHECK;

/* Read the next cell (bytea) and open it; *ret_json NULL for null. Owned reference. */
enum status store_open_json(
    const struct store *store, const struct key_ring_place *place, struct pg_cell *cell,
    json_t **ret_json, struct err *err) MUST_CHECK;

/* Parse a JSON text of our own; ST_INTERNAL if it is none. what: for the message. */
enum status
store_parse_json(const char *text, const char *what, json_t **ret_json, struct err *err) MUST_CHECK;

/* A time in ms of the wall clock as an argument; the value `any` gives null. */
void store_add_time(struct pg_args *args, int64_t ms, int64_t any);

#endif
