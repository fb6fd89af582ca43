#ifndef API_HANDLERS_PIPE_USER_H
#define API_HANDLERS_PIPE_USER_H

/* A pipe's own ClickHouse user, for services that are registered with provisionUsers. */

#include "api/handlers/support.h"

/*
 * Make clickpipe:<service>:<pipe> with a random password, INSERT (with exactlyOnce SELECT too) on
 * both tables and the asked roles, and put its login into secrets under "clickhouse" (*secrets may
 * be NULL and is then made). On failure it may be there: pipe_user_drop. *ret_is_refused:
 * ClickHouse would not make the user (false for a grant). ST_REJECTED with ClickHouse's words and
 * what to do, ST_NO_MEMORY, ST_INTERNAL.
 */
enum status pipe_user_make(
    struct support_clickhouse *clickhouse, const struct pipe_spec *pipe, const char *pipe_id,
    json_t **secrets, bool *ret_is_refused, struct err *err) MUST_CHECK;

/* Remove it, if it is there. Statuses of clickhouse_execute. */
enum status pipe_user_drop(
    struct support_clickhouse *clickhouse, const char *pipe_id, struct err *err) MUST_CHECK;

#endif
