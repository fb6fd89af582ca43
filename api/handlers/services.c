/*
 * Organizations and services. A service's ClickHouse is tried
 * before it is stored.
 */
#include <stdlib.h>
#include <string.h>

#include "common/clickhouse/describe.h"

#include "api/handlers/handlers.h"
#include "api/handlers/support.h"
#include "api/wire/service_wire.h"

enum status
handle_organization_get(const struct request *request, struct reply *reply, struct err *err)
{
    struct organization_row row = {0};
    enum status status = organization_get(request->store, request->key.organization_id, &row, err);
    if (status != ST_OK) {
        return status;
    }
    status = reply_set_result(reply, wire_organization_to_json(&row), err);
    organization_row_done(&row);
    return status;
}

/* A key belongs to one organization: the list has one element. */
enum status
handle_organization_list(const struct request *request, struct reply *reply, struct err *err)
{
    enum status status = handle_organization_get(request, reply, err);
    if (status != ST_OK) {
        return status;
    }
    json_t *list = json_pack("[O]", reply->result);
    return reply_set_result(reply, list, err);
}

/* Ask the ClickHouse for its version: the proof that address, user and password work. */
static enum status try_clickhouse(struct service_row *row, struct err *err)
{
    CLEANUP(http_client_freep) struct http_client *client = NULL;
    enum status status = http_client_new(&client, err);
    if (status != ST_OK) {
        return status;
    }
    struct clickhouse_endpoint endpoint = {
        .url = row->url,
        .username = row->username,
        .password = &row->password,
        .ca_certificate = row->ca_certificate,
    };
    char *version = NULL;
    status = clickhouse_version(client, &endpoint, &version, err);
    if (status != ST_OK) {
        return support_clickhouse_status(status, err);
    }
    free(row->clickhouse_version);
    row->clickhouse_version = version;
    return ST_OK;
}

/* Read the body over row and try the result if it names an endpoint (a new one always does). */
static enum status read_and_try(
    const struct request *request, bool is_new, struct service_row *row, struct reply *reply,
    struct err *err)
{
    struct pipe_problems problems = {0};
    enum status status = wire_service_read(request->json, is_new, row, &problems);
    if (status == ST_INVALID) {
        status = support_problems(&problems, reply, err);
    } else if (status != ST_OK) {
        status = err_set(err, status, "no memory for the service");
    }
    pipe_problems_done(&problems);
    /* A new name alone is no reason to ask a ClickHouse that may be away. */
    bool has_endpoint = json_object_get(request->json, "endpoint") != NULL;
    return status == ST_OK && has_endpoint ? try_clickhouse(row, err) : status;
}

static struct service_new stored_form(const struct service_row *row, const char *organization_id)
{
    return (struct service_new){
        .id = row->id,
        .organization_id = organization_id,
        .name = row->name,
        .url = row->url,
        .username = row->username,
        .password = &row->password,
        .ca_certificate = row->ca_certificate,
        .clickhouse_version = row->clickhouse_version,
        .provision_users = row->provision_users,
    };
}

static enum status
reply_service(const struct request *request, const char *id, struct reply *reply, struct err *err)
{
    struct service_row row = {0};
    enum status status = service_get(request->store, request->key.organization_id, id, &row, err);
    if (status != ST_OK) {
        return status;
    }
    status = reply_set_result(reply, wire_service_to_json(&row), err);
    service_row_done(&row);
    return status;
}

enum status
handle_service_create(const struct request *request, struct reply *reply, struct err *err)
{
    struct service_row row = {0};
    char id[UUID_TEXT_BYTES];
    enum status status = uuid_new(id);
    if (status != ST_OK) {
        return err_set(err, status, "no random bytes for an id");
    }
    row.id = strdup(id);
    status = row.id == NULL ? err_set(err, ST_NO_MEMORY, "no memory for the service")
                            : read_and_try(request, true, &row, reply, err);
    if (status == ST_OK) {
        struct service_new made = stored_form(&row, request->key.organization_id);
        status = service_insert(request->store, &made, err);
    }
    service_row_done(&row);
    return status == ST_OK ? reply_service(request, id, reply, err) : status;
}

enum status
handle_service_patch(const struct request *request, struct reply *reply, struct err *err)
{
    struct service_row row = {0};
    enum status status = service_get_with_secret(
        request->store, request->key.organization_id, request->service.id, &row, err);
    if (status != ST_OK) {
        return status;
    }
    status = read_and_try(request, false, &row, reply, err);
    if (status == ST_OK) {
        struct service_new changed = stored_form(&row, request->key.organization_id);
        status = service_update(request->store, &changed, err);
    }
    service_row_done(&row);
    return status == ST_OK ? reply_service(request, request->service.id, reply, err) : status;
}

enum status handle_service_list(const struct request *request, struct reply *reply, struct err *err)
{
    struct service_rows rows = {0};
    enum status status = service_list(request->store, request->key.organization_id, &rows, err);
    if (status != ST_OK) {
        return status;
    }
    json_t *list = json_array();
    bool is_ok = list != NULL;
    for (size_t i = 0; is_ok && i < rows.count; i++) {
        is_ok = json_array_append_new(list, wire_service_to_json(&rows.items[i])) == 0;
    }
    service_rows_done(&rows);
    if (!is_ok) {
        json_decref(list);
        list = NULL;
    }
    return reply_set_result(reply, list, err);
}

enum status handle_service_get(const struct request *request, struct reply *reply, struct err *err)
{
    return reply_set_result(reply, wire_service_to_json(&request->service), err);
}

enum status
handle_service_delete(const struct request *request, struct reply *reply, struct err *err)
{
    (void)reply; /* an envelope without a result */
    return service_delete(request->store, request->key.organization_id, request->service.id, err);
}

/* PATCH S/state: our services never idle, so "awake" finds them awake. */
enum status
handle_service_state(const struct request *request, struct reply *reply, struct err *err)
{
    static const char *const commands[] = {"awake", "start", "stop"};
    const json_t *command = json_object_get(request->json, "command");
    if (command != NULL && !json_is_string(command)) {
        return err_set(err, ST_INVALID, "/command: must be a string");
    }
    enum status status = support_check_word(
        "/command", json_string_value(command), commands, ARRAY_LEN(commands), err);
    if (status != ST_OK) {
        return status;
    }
    return reply_set_result(reply, wire_service_to_json(&request->service), err);
}

/* There is no private networking to offer. */
enum status
handle_private_endpoint_list(const struct request *request, struct reply *reply, struct err *err)
{
    (void)request;
    return reply_set_result(reply, json_array(), err);
}

enum status
handle_private_endpoint_create(const struct request *request, struct reply *reply, struct err *err)
{
    (void)request;
    (void)reply;
    return err_set(err, ST_UNSUPPORTED, "reverse private endpoints are not supported");
}
