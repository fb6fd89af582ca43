/* Organizations and services. */
#include "common/store/services.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/uuid.h"
#include "common/store/store_internal.h"

enum {
    /* Whoever makes the first organization holds this advisory lock. */
    ORGANIZATION_LOCK = 1347375188,
};

#define SERVICE_COLUMNS                                                                            \
    "s.id, s.organization_id, s.name, s.url, s.username, s.ca_certificate, "                       \
    "s.clickhouse_version, s.provision_users, " SQL_RFC3339("s.created_at") ", s.secrets"

void organization_row_done(struct organization_row *row)
{
    free(row->id);
    free(row->name);
    free(row->created_at);
    *row = (struct organization_row){.id = NULL};
}

void service_row_done(struct service_row *row)
{
    free(row->id);
    free(row->organization_id);
    free(row->name);
    free(row->url);
    free(row->username);
    secret_done(&row->password);
    free(row->ca_certificate);
    free(row->clickhouse_version);
    free(row->created_at);
    *row = (struct service_row){.id = NULL};
}

void service_rows_done(struct service_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        service_row_done(&rows->items[i]);
    }
    free(rows->items);
    *rows = (struct service_rows){.items = NULL};
}

static enum status
organization_read(const struct pg_rows *rows, struct organization_row *ret_row, struct err *err)
{
    struct pg_cell cell = pg_row(rows, 0);
    struct organization_row row = {.id = pg_next_copy(&cell)};
    row.name = pg_next_copy(&cell);
    row.created_at = pg_next_copy(&cell);
    if (cell.is_out_of_memory) {
        organization_row_done(&row);
        return err_set(err, ST_NO_MEMORY, "organization");
    }
    *ret_row = row;
    return ST_OK;
}

#define ORGANIZATION_SELECT "SELECT id, name, " SQL_RFC3339("created_at") " FROM organization "

/* In a transaction: the first organization, made when there is none. */
static enum status organization_ensure_locked(
    struct store *store, const char *name, struct organization_row *ret_row, struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    pg_add_int(&args, ORGANIZATION_LOCK);
    enum status st = store_run(store, "SELECT pg_advisory_xact_lock($1)", &args, NULL, err);
    if (st != ST_OK) {
        return st;
    }
    char id[UUID_TEXT_BYTES];
    st = uuid_new(id);
    if (st != ST_OK) {
        return err_set(err, st, "no random bytes");
    }
    pg_args_init(&args);
    pg_add_text(&args, id);
    pg_add_text(&args, name);
    st = store_run(
        store,
        "INSERT INTO organization (id, name) SELECT $1, $2 WHERE NOT EXISTS (SELECT FROM "
        "organization)",
        &args, NULL, err);
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    if (st == ST_OK) {
        st = store_run(
            store, ORGANIZATION_SELECT "ORDER BY created_at, id LIMIT 1", NULL, &rows, err);
    }
    return st == ST_OK ? organization_read(rows, ret_row, err) : st;
}

enum status organization_ensure(
    struct store *store, const char *name, struct organization_row *ret_row, struct err *err)
{
    struct pg *pg = store_pg(store);
    if (pg != NULL && pg_is_in_transaction(pg)) {
        return organization_ensure_locked(store, name, ret_row, err);
    }
    enum status st = store_begin(store, err);
    if (st != ST_OK) {
        return st;
    }
    struct organization_row row = {.id = NULL};
    st = organization_ensure_locked(store, name, &row, err);
    if (st == ST_OK) {
        st = store_commit(store, err);
    }
    if (st != ST_OK) {
        store_rollback(store);
        organization_row_done(&row);
        return st;
    }
    *ret_row = row;
    return ST_OK;
}

enum status organization_get(
    struct store *store, const char *id, struct organization_row *ret_row, struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, id);
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    enum status st = store_run(store, ORGANIZATION_SELECT "WHERE id = $1", &args, &rows, err);
    if (st != ST_OK) {
        return st;
    }
    if (pg_rows_count(rows) == 0) {
        return err_set(err, ST_NOT_FOUND, "no organization %s", id);
    }
    return organization_read(rows, ret_row, err);
}

/* The service's password, sealed for its row. */
static enum status service_seal(
    struct store *store, const struct service_new *service, struct key_ring_sealed *ret_sealed,
    struct err *err)
{
    const struct secret *password = service->password;
    if (password == NULL || password->bytes == NULL) {
        *ret_sealed = (struct key_ring_sealed){.bytes = NULL};
        return ST_OK;
    }
    json_t *json = json_pack("{s:s%}", "password", password->bytes, password->len_bytes);
    if (json == NULL) {
        return err_set(err, ST_INVALID, "the password is not UTF-8 text");
    }
    struct key_ring_place place = {.purpose = "service", .row_id = service->id};
    enum status st = store_seal_json(store, &place, json, ret_sealed, err);
    json_decref(json);
    return st;
}

static void service_args(
    struct pg_args *args, const struct service_new *service, const struct key_ring_sealed *sealed)
{
    pg_args_init(args);
    pg_add_text(args, service->id);
    pg_add_text(args, service->organization_id);
    pg_add_text(args, service->name);
    pg_add_text(args, service->url);
    pg_add_text(args, service->username);
    pg_add_bytes(args, sealed->bytes, sealed->len_bytes);
    pg_add_text(args, service->ca_certificate);
    pg_add_text(args, service->clickhouse_version == NULL ? "" : service->clickhouse_version);
    pg_add_bool(args, service->provision_users);
}

enum status service_insert(struct store *store, const struct service_new *service, struct err *err)
{
    CLEANUP(key_ring_sealed_done) struct key_ring_sealed sealed = {.bytes = NULL};
    enum status st = service_seal(store, service, &sealed, err);
    if (st != ST_OK) {
        return st;
    }
    struct pg_args args;
    service_args(&args, service, &sealed);
    st = store_run(
        store,
        "INSERT INTO service (id, organization_id, name, url, username, secrets, ca_certificate, "
        "clickhouse_version, provision_users) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &args, NULL, err);
    if (st == ST_REJECTED) {
        return err_set(err, ST_NOT_FOUND, "no organization %s", service->organization_id);
    }
    return st;
}

enum status service_update(struct store *store, const struct service_new *service, struct err *err)
{
    CLEANUP(key_ring_sealed_done) struct key_ring_sealed sealed = {.bytes = NULL};
    enum status st = service_seal(store, service, &sealed, err);
    if (st != ST_OK) {
        return st;
    }
    struct pg_args args;
    service_args(&args, service, &sealed);
    int64_t count = 0;
    st = store_change(
        store,
        "UPDATE service SET name = $3, url = $4, username = $5, secrets = $6, ca_certificate = $7, "
        "clickhouse_version = $8, provision_users = $9, updated_at = now() "
        "WHERE id = $1 AND organization_id = $2",
        &args, &count, err);
    if (st == ST_OK && count == 0) {
        return err_set(err, ST_NOT_FOUND, "no service %s", service->id);
    }
    return st;
}

enum status
service_delete(struct store *store, const char *organization_id, const char *id, struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, id);
    pg_add_text(&args, organization_id);
    int64_t count = 0;
    enum status st = store_change(
        store, "DELETE FROM service WHERE id = $1 AND organization_id = $2", &args, &count, err);
    if (st == ST_REJECTED) {
        return err_set(err, ST_REJECTED, "service %s still has pipes", id);
    }
    if (st == ST_OK && count == 0) {
        return err_set(err, ST_NOT_FOUND, "no service %s", id);
    }
    return st;
}

static enum status service_open_password(
    struct store *store, struct pg_cell *cell, struct service_row *row, struct err *err)
{
    json_t *json = NULL;
    struct key_ring_place place = {.purpose = "service", .row_id = row->id};
    enum status st = store_open_json(store, &place, cell, &json, err);
    if (st != ST_OK || json == NULL) {
        return st;
    }
    const json_t *password = json_object_get(json, "password");
    if (json_is_string(password)) {
        st = secret_set(&row->password, json_string_value(password), json_string_length(password));
    }
    json_decref(json);
    return st == ST_OK ? ST_OK : err_set(err, st, "password of service %s", row->id);
}

/* Read one row of SERVICE_COLUMNS. */
static enum status service_read(
    struct store *store, struct pg_cell cell, bool with_secret, struct service_row *ret_row,
    struct err *err)
{
    struct service_row row = {.id = pg_next_copy(&cell)};
    row.organization_id = pg_next_copy(&cell);
    row.name = pg_next_copy(&cell);
    row.url = pg_next_copy(&cell);
    row.username = pg_next_copy(&cell);
    row.ca_certificate = pg_next_copy(&cell);
    row.clickhouse_version = pg_next_copy(&cell);
    row.provision_users = pg_next_bool(&cell);
    row.created_at = pg_next_copy(&cell);
    enum status st = ST_OK;
    if (cell.is_out_of_memory) {
        st = err_set(err, ST_NO_MEMORY, "service");
    } else if (with_secret) {
        st = service_open_password(store, &cell, &row, err);
    }
    if (st != ST_OK) {
        service_row_done(&row);
        return st;
    }
    *ret_row = row;
    return ST_OK;
}

static enum status service_find(
    struct store *store, const char *organization_id, const char *id, struct pg_rows **ret_rows,
    struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, id);
    pg_add_text(&args, organization_id);
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    enum status st = store_run(
        store,
        "SELECT " SERVICE_COLUMNS " FROM service s WHERE s.id = $1 AND s.organization_id = $2",
        &args, &rows, err);
    if (st != ST_OK) {
        return st;
    }
    if (pg_rows_count(rows) == 0) {
        return err_set(err, ST_NOT_FOUND, "no service %s", id);
    }
    *ret_rows = rows;
    rows = NULL;
    return ST_OK;
}

enum status service_get(
    struct store *store, const char *organization_id, const char *id, struct service_row *ret_row,
    struct err *err)
{
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    enum status st = service_find(store, organization_id, id, &rows, err);
    return st == ST_OK ? service_read(store, pg_row(rows, 0), false, ret_row, err) : st;
}

enum status service_get_with_secret(
    struct store *store, const char *organization_id, const char *id, struct service_row *ret_row,
    struct err *err)
{
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    enum status st = service_find(store, organization_id, id, &rows, err);
    return st == ST_OK ? service_read(store, pg_row(rows, 0), true, ret_row, err) : st;
}

enum status service_list(
    struct store *store, const char *organization_id, struct service_rows *ret_rows,
    struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, organization_id);
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    enum status st = store_run(
        store,
        "SELECT " SERVICE_COLUMNS
        " FROM service s WHERE s.organization_id = $1 ORDER BY s.created_at, s.id",
        &args, &rows, err);
    if (st != ST_OK) {
        return st;
    }
    size_t count = (size_t)pg_rows_count(rows);
    struct service_rows list = {.items = calloc(count + 1, sizeof(*list.items))};
    if (list.items == NULL) {
        return err_set(err, ST_NO_MEMORY, "list of services");
    }
    for (; st == ST_OK && list.count < count; list.count++) {
        st =
            service_read(store, pg_row(rows, (int)list.count), false, &list.items[list.count], err);
    }
    if (st != ST_OK) {
        service_rows_done(&list);
        return st;
    }
    *ret_rows = list;
    return ST_OK;
}
