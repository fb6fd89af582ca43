/*
 * The shape of services. Whether the ClickHouse behind one works is the handler's question.
 */
#include "api/wire/service_wire.h"

#include <stdlib.h>
#include <string.h>

#include "common/clickhouse/client.h"

enum {
    NAME_MAX_CHARS = 255,
    NAME_MAX_BYTES = 4 * NAME_MAX_CHARS, /* UTF-8 */
    URL_MAX_BYTES = 2048,
    USERNAME_MAX_BYTES = 255,
    PASSWORD_MAX_BYTES = 4096,
    CA_MAX_BYTES = 65536,
};

json_t *wire_service_to_json(const struct service_row *row)
{
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:{s:s, s:s}, s:s, s:b, s:b, s:[], s:[], s:s}", "id", row->id,
        "name", row->name, "state", "running", "provider", "self-hosted", "region", "local",
        "endpoint", "url", row->url, "username", row->username, "clickhouseVersion",
        row->clickhouse_version, "provisionUsers", (int)row->provision_users, "idleScaling", 0,
        "ipAccessList", "endpoints", "createdAt", row->created_at);
}

json_t *wire_organization_to_json(const struct organization_row *row)
{
    return json_pack(
        "{s:s, s:s, s:s}", "id", row->id, "name", row->name, "createdAt", row->created_at);
}

/* Characters of a UTF-8 text. */
static size_t count_chars(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++) {
        count += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return count;
}

/* One text member: where it is, how long it may be, where it goes. */
struct text_member {
    const json_t *object;
    const char *name;
    const char *pointer;
    size_t max_bytes;
    bool is_required;
};

/* The member's text; NULL if absent (or wrong: a problem was added). */
static const char *read_text(const struct text_member *member, struct pipe_problems *problems)
{
    const json_t *value = json_object_get(member->object, member->name);
    if (value == NULL || json_is_null(value)) {
        if (member->is_required) {
            pipe_problems_add(problems, member->pointer, "required");
        }
        return NULL;
    }
    if (!json_is_string(value)) {
        pipe_problems_add(problems, member->pointer, "must be a string");
        return NULL;
    }
    if (json_string_length(value) > member->max_bytes) {
        pipe_problems_add(problems, member->pointer, "longer than %zu bytes", member->max_bytes);
        return NULL;
    }
    return json_string_value(value);
}

static enum status set_text(char **target, const char *text)
{
    if (text == NULL) {
        return ST_OK;
    }
    char *copy = strdup(text);
    if (copy == NULL) {
        return ST_NO_MEMORY;
    }
    free(*target);
    *target = copy;
    return ST_OK;
}

static enum status
read_name(const json_t *body, bool is_new, struct service_row *row, struct pipe_problems *problems)
{
    struct text_member member = {body, "name", "/name", NAME_MAX_BYTES, is_new};
    const char *name = read_text(&member, problems);
    if (name != NULL && (name[0] == '\0' || count_chars(name) > NAME_MAX_CHARS)) {
        pipe_problems_add(problems, "/name", "must have 1 to %d characters", NAME_MAX_CHARS);
    }
    return set_text(&row->name, name);
}

static enum status
read_password(const json_t *endpoint, struct service_row *row, struct pipe_problems *problems)
{
    struct text_member member = {
        endpoint, "password", "/endpoint/password", PASSWORD_MAX_BYTES, false};
    const char *password = read_text(&member, problems);
    if (password == NULL) {
        return ST_OK;
    }
    secret_done(&row->password);
    return secret_set(&row->password, password, strlen(password));
}

static enum status
read_ca(const json_t *endpoint, struct service_row *row, struct pipe_problems *problems)
{
    const json_t *value = json_object_get(endpoint, "caCertificate");
    bool is_cleared =
        json_is_null(value) || (json_is_string(value) && json_string_length(value) == 0);
    if (is_cleared) {
        free(row->ca_certificate);
        row->ca_certificate = NULL;
        return ST_OK;
    }
    struct text_member member = {
        endpoint, "caCertificate", "/endpoint/caCertificate", CA_MAX_BYTES, false};
    return set_text(&row->ca_certificate, read_text(&member, problems));
}

static enum status read_endpoint(
    const json_t *body, bool is_new, struct service_row *row, struct pipe_problems *problems)
{
    const json_t *endpoint = json_object_get(body, "endpoint");
    if (endpoint != NULL && !json_is_object(endpoint)) {
        pipe_problems_add(problems, "/endpoint", "must be an object");
        return ST_OK;
    }
    struct text_member url_member = {endpoint, "url", "/endpoint/url", URL_MAX_BYTES, is_new};
    const char *url = read_text(&url_member, problems);
    struct err reason = {.status = ST_OK};
    if (url != NULL && clickhouse_url_check(url, &reason) != ST_OK) {
        pipe_problems_add(problems, "/endpoint/url", "%s", reason.text);
    }
    struct text_member user_member = {
        endpoint, "username", "/endpoint/username", USERNAME_MAX_BYTES, false};
    const char *username = read_text(&user_member, problems);
    enum status status = set_text(&row->url, url);
    if (status == ST_OK) {
        status = set_text(
            &row->username, username != NULL || row->username != NULL ? username : "default");
    }
    status = status == ST_OK ? read_password(endpoint, row, problems) : status;
    return status == ST_OK ? read_ca(endpoint, row, problems) : status;
}

enum status wire_service_read(
    const json_t *body, bool is_new, struct service_row *row, struct pipe_problems *problems)
{
    enum status status = read_name(body, is_new, row, problems);
    if (status == ST_OK) {
        status = read_endpoint(body, is_new, row, problems);
    }
    if (status != ST_OK) {
        return status;
    }
    const json_t *provision = json_object_get(body, "provisionUsers");
    if (json_is_boolean(provision)) {
        row->provision_users = json_is_true(provision);
    } else if (provision != NULL && !json_is_null(provision)) {
        pipe_problems_add(problems, "/provisionUsers", "must be true or false");
    }
    return problems->count == 0 ? ST_OK : ST_INVALID;
}
