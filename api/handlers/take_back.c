/*
 * In one transaction, so that no create of the same table begins between the question who needs it
 * and the statements to ClickHouse. Should PostgreSQL lose the transaction during one of these, the
 * row stays and all is asked again.
 */
#include "api/handlers/take_back.h"

#include "common/base/log.h"

#include "api/handlers/create_tables.h"
#include "api/handlers/pipe_user.h"

static enum status drop_all(
    struct support_clickhouse *clickhouse, const struct leftover *row,
    const struct leftover_users *users, struct err *err)
{
    enum status of_user = row->has_user ? pipe_user_drop(clickhouse, row->pipe_id, err) : ST_OK;
    if (of_user == ST_REJECTED && row->is_user_refused) {
        of_user = ST_OK; /* this service manages no users: there is none */
    }
    enum status status = ST_OK;
    if (row->table != NULL && !users->is_table_used && !users->is_table_asked) {
        const struct clickhouse_table_name target = {row->database, row->table};
        status = create_tables_undo(clickhouse, &target, row->pipe_id, err);
    }
    return status == ST_OK ? of_user : status;
}

static enum status take_back_held(
    struct store *store, struct support_clickhouse *clickhouse, const struct leftover *row,
    struct err *err)
{
    struct leftover_users users = {.is_pipe_there = false};
    enum status status = leftover_hold(store, row, &users, err);
    if (status != ST_OK) {
        return status;
    }
    struct err reason = {.status = ST_OK};
    enum status dropped = users.is_pipe_there ? ST_OK : drop_all(clickhouse, row, &users, &reason);
    if (dropped != ST_OK) {
        log_err(LOG_WARN, "clickhouse_leftover", &reason, "pipe=%s", row->pipe_id);
    }
    /* A create in progress may fail too: then the tables are looked at again. */
    const bool is_wait = users.is_table_asked && !users.is_table_used && !users.is_pipe_there;
    const bool must_stay = dropped != ST_OK || is_wait;
    const int64_t wait_s = dropped == ST_REJECTED ? LEFTOVER_REFUSED_S : LEFTOVER_AGAIN_S;
    return must_stay ? leftover_postpone(store, row->pipe_id, wait_s, err)
                     : leftover_remove(store, row->pipe_id, err);
}

static enum status try_take_back(
    struct store *store, struct support_clickhouse *clickhouse, const struct leftover *row,
    struct err *err)
{
    enum status status = store_begin(store, err);
    if (status != ST_OK) {
        return status;
    }
    status = take_back_held(store, clickhouse, row, err);
    if (status == ST_OK) {
        return store_commit(store, err);
    }
    store_rollback(store);
    return status;
}

void take_back(
    struct store *store, struct support_clickhouse *clickhouse, const struct leftover *row)
{
    struct err err = {.status = ST_OK};
    if (try_take_back(store, clickhouse, row, &err) != ST_OK) {
        log_err(LOG_WARN, "clickhouse_leftover", &err, "pipe=%s", row->pipe_id);
    }
}

enum status
take_back_next(struct store *store, struct http_client *client, bool *ret_more, struct err *err)
{
    CLEANUP(leftover_done) struct leftover row = {.pipe_id = NULL};
    enum status status = leftover_next(store, &row, err);
    *ret_more = status == ST_OK && row.pipe_id != NULL;
    if (!*ret_more) {
        return status;
    }
    struct support_clickhouse clickhouse = {.client = client};
    status = service_get_with_secret(
        store, row.organization_id, row.service_id, &clickhouse.service, err);
    if (status == ST_OK) {
        support_clickhouse_address(&clickhouse);
        status = try_take_back(store, &clickhouse, &row, err);
    }
    service_row_done(&clickhouse.service);
    return status;
}
