/*
 * One statement after the other over HTTP; all SQL text comes from common/clickhouse/user.c.
 */
#include "api/handlers/pipe_user.h"

#include <stdio.h>

#include "common/base/buf.h"
#include "common/base/secret.h"
#include "common/clickhouse/ddl.h"
#include "common/clickhouse/user.h"

enum {
    PASSWORD_BYTES = 2 * UUID_TEXT_BYTES
};

/* Run what a writer wrote. */
static enum status
run(struct support_clickhouse *clickhouse, enum status written, struct buf *sql, struct err *err)
{
    enum status status = written;
    if (status == ST_OK) {
        status =
            clickhouse_execute(clickhouse->client, &clickhouse->endpoint, buf_text(sql), NULL, err);
    } else {
        status = err_set(err, status, "no memory for a statement");
    }
    if (sql->bytes != NULL) {
        secret_wipe(sql->bytes, sql->len_bytes); /* one of them holds the password */
    }
    buf_done(sql);
    return status;
}

static enum status make_user(
    struct support_clickhouse *clickhouse, const struct pipe_spec *pipe, const char *name,
    const char *password, bool *ret_is_refused, struct err *err)
{
    struct buf sql;
    buf_init(&sql, CLICKHOUSE_SQL_MAX_BYTES);
    enum status status = run(clickhouse, clickhouse_user_create(name, password, &sql), &sql, err);
    *ret_is_refused = status == ST_REJECTED;
    for (size_t i = 0; status == ST_OK && i < clickhouse_user_grants_count(pipe); i++) {
        buf_init(&sql, CLICKHOUSE_SQL_MAX_BYTES);
        status = run(clickhouse, clickhouse_user_grant(pipe, i, name, &sql), &sql, err);
    }
    return status;
}

static enum status
keep_login(const char *name, const char *password, json_t **secrets, struct err *err)
{
    if (*secrets == NULL) {
        *secrets = json_object();
    }
    json_t *login = json_pack("{s:s, s:s}", "username", name, "password", password);
    if (json_object_set_new(*secrets, "clickhouse", login) != 0) {
        return err_set(err, ST_NO_MEMORY, "no memory for the ClickHouse user");
    }
    return ST_OK;
}

enum status pipe_user_make(
    struct support_clickhouse *clickhouse, const struct pipe_spec *pipe, const char *pipe_id,
    json_t **secrets, bool *ret_is_refused, struct err *err)
{
    char name[CLICKHOUSE_USER_NAME_BYTES];
    clickhouse_user_name(clickhouse->service.id, pipe_id, name);
    char first[UUID_TEXT_BYTES];
    char second[UUID_TEXT_BYTES];
    enum status status = uuid_new(first);
    status = status == ST_OK ? uuid_new(second) : status;
    if (status != ST_OK) {
        return err_set(err, status, "no random bytes for a password");
    }
    char password[PASSWORD_BYTES];
    (void)snprintf(password, sizeof(password), "%s%s", first, second); /* 244 random bits */
    status = make_user(clickhouse, pipe, name, password, ret_is_refused, err);
    if (status == ST_OK) {
        status = keep_login(name, password, secrets, err);
    }
    secret_wipe(password, sizeof(password));
    secret_wipe(first, sizeof(first));
    secret_wipe(second, sizeof(second));
    if (status == ST_OK) {
        return ST_OK;
    }
    status = support_clickhouse_status(status, err);
    if (status == ST_REJECTED) {
        (void)err_wrap(
            err, "cannot make the pipe's ClickHouse user (the service's user needs "
                 "access_management and grants WITH GRANT OPTION; or set the service's "
                 "provisionUsers to false)"); /* the status is returned */
    }
    return status;
}

enum status
pipe_user_drop(struct support_clickhouse *clickhouse, const char *pipe_id, struct err *err)
{
    char name[CLICKHOUSE_USER_NAME_BYTES];
    clickhouse_user_name(clickhouse->service.id, pipe_id, name);
    struct buf sql;
    buf_init(&sql, CLICKHOUSE_SQL_MAX_BYTES);
    enum status status = run(clickhouse, clickhouse_user_drop(name, &sql), &sql, err);
    if (status != ST_OK) {
        (void)err_wrap(err, "user %s", name); /* the status is returned */
    }
    return status;
}
