#ifndef COMMON_STORE_SERVICES_H
#define COMMON_STORE_SERVICES_H

/* Organizations, their services (a ClickHouse endpoint each) and API keys. */

#include "common/base/secret.h"
#include "common/store/store.h"

struct organization_row {
    char *id;
    char *name;
    char *created_at;
};
void organization_row_done(struct organization_row *row);

struct service_row {
    char *id;
    char *organization_id;
    char *name;
    char *url;
    char *username;
    struct secret password; /* filled only by service_get_with_secret */
    char *ca_certificate;   /* NULL = public CAs */
    char *clickhouse_version;
    bool provision_users;
    char *created_at; /* RFC 3339 */
};
void service_row_done(struct service_row *row);

struct service_rows {
    struct service_row *items;
    size_t count;
};
void service_rows_done(struct service_rows *rows);

enum api_role {
    API_ROLE_READER,
    API_ROLE_ADMIN,
};

struct api_key_row {
    char *id;
    char *organization_id;
    char *name;
    enum api_role role;
    char *created_at;
    bool is_revoked;
};
void api_key_row_done(struct api_key_row *row);

struct api_key_rows {
    struct api_key_row *items;
    size_t count;
};
void api_key_rows_done(struct api_key_rows *rows);

/* A new key's id and secret, shown to the user once. ids are 20, secrets 43 characters of URL-safe
 * base64; only SHA-256 of the secret is stored. */
struct api_key_pair {
    char id[32];
    struct secret secret;
};
void api_key_pair_done(struct api_key_pair *pair);

/* The first organization, made with this name if there is none. */
enum status organization_ensure(
    struct store *store, const char *name, struct organization_row *ret_row,
    struct err *err) MUST_CHECK;
enum status organization_get(
    struct store *store, const char *id, struct organization_row *ret_row,
    struct err *err) MUST_CHECK;

enum status api_key_create(
    struct store *store, const char *organization_id, const char *name, enum api_role role,
    struct api_key_pair *ret_pair, struct err *err) MUST_CHECK;
enum status
api_key_list(struct store *store, struct api_key_rows *ret_rows, struct err *err) MUST_CHECK;
/* ST_NOT_FOUND for an unknown id; revoking twice is fine. */
enum status api_key_revoke(struct store *store, const char *id, struct err *err) MUST_CHECK;

/* Who this is. ST_UNAUTHORIZED for an unknown, revoked or wrong pair (the same answer and about
 * the same time for all three), ST_UNAVAILABLE when the database is away. */
enum status api_key_check(
    struct store *store, const char *id, const char *secret, size_t secret_len_bytes,
    struct api_key_row *ret_row, struct err *err) MUST_CHECK;

struct service_new {
    const char *id;
    const char *organization_id;
    const char *name;
    const char *url;
    const char *username;
    const struct secret *password;
    const char *ca_certificate; /* NULL = none */
    const char *clickhouse_version;
    bool provision_users;
};

enum status
service_insert(struct store *store, const struct service_new *service, struct err *err) MUST_CHECK;
/* Replace all stored values of service->id. ST_NOT_FOUND. */
enum status
service_update(struct store *store, const struct service_new *service, struct err *err) MUST_CHECK;
/* ST_NOT_FOUND; ST_REJECTED while it has pipes. */
enum status service_delete(
    struct store *store, const char *organization_id, const char *id, struct err *err) MUST_CHECK;
/* Without the password. ST_NOT_FOUND. */
enum status service_get(
    struct store *store, const char *organization_id, const char *id, struct service_row *ret_row,
    struct err *err) MUST_CHECK;
/* With the password. ST_NOT_FOUND, ST_INTERNAL if no key opens it. */
enum status service_get_with_secret(
    struct store *store, const char *organization_id, const char *id, struct service_row *ret_row,
    struct err *err) MUST_CHECK;
enum status service_list(
    struct store *store, const char *organization_id, struct service_rows *ret_rows,
    struct err *err) MUST_CHECK;

#endif
