#ifndef COMMON_CLICKHOUSE_USER_H
#define COMMON_CLICKHOUSE_USER_H

/*
 * SQL for a pipe's own ClickHouse user: names and the password quoted, never pasted. Pure; the
 * writers append to sql and return statuses of buf_add. Statements: ClickHouse documentation,
 * CREATE USER, GRANT, DROP USER.
 */

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/model/pipe.h"

/* The two of ClickPipes' permissions that are no role of the server. */
#define CLICKHOUSE_ROLE_FULL "Full access"
#define CLICKHOUSE_ROLE_TABLE "Only destination table"

enum {
    CLICKHOUSE_USER_NAME_BYTES = 96 /* clickpipe:<uuid>:<uuid> */
};

/* "clickpipe:<service>:<pipe>". */
void clickhouse_user_name(
    const char *service_id, const char *pipe_id, char ret_name[CLICKHOUSE_USER_NAME_BYTES]);

enum status
clickhouse_user_create(const char *name, const char *password, struct buf *sql) MUST_CHECK;

/* How many statements clickhouse_user_grant has for this pipe: INSERT (with exactlyOnce SELECT too,
 * see preflight.h) on the table and on its error table, then one for each asked role. */
size_t clickhouse_user_grants_count(const struct pipe_spec *pipe);

/* Statement `index` of these. CLICKHOUSE_ROLE_TABLE adds nothing to the first two, which every pipe
 * needs; it becomes the first again. */
enum status clickhouse_user_grant(
    const struct pipe_spec *pipe, size_t index, const char *name, struct buf *sql) MUST_CHECK;

enum status clickhouse_user_drop(const char *name, struct buf *sql) MUST_CHECK;

#endif
