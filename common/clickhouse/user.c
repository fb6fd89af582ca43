/*
 * Statement by statement: the HTTP interface takes one at a time.
 */
#include "common/clickhouse/user.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clickhouse/ddl.h"
#include "common/clickhouse/error_table.h"

enum {
    TABLE_GRANTS = 2
};

void clickhouse_user_name(
    const char *service_id, const char *pipe_id, char ret_name[CLICKHOUSE_USER_NAME_BYTES])
{
    (void)snprintf(
        ret_name, CLICKHOUSE_USER_NAME_BYTES, "clickpipe:%.40s:%.40s", service_id,
        pipe_id); /* two UUIDs fit */
}

enum status clickhouse_user_create(const char *name, const char *password, struct buf *sql)
{
    enum status st = buf_add_text(sql, "CREATE USER ");
    st = st == ST_OK ? clickhouse_quote_identifier(sql, name) : st;
    st = st == ST_OK ? buf_add_text(sql, " IDENTIFIED WITH sha256_password BY ") : st;
    return st == ST_OK ? clickhouse_quote_string(sql, password) : st;
}

size_t clickhouse_user_grants_count(const struct pipe_spec *pipe)
{
    return TABLE_GRANTS + pipe->destination.roles.count;
}

/* Exactly-once may have to ask which offsets the table holds. */
static enum status
grant_table(const struct pipe_spec *pipe, const char *table, const char *name, struct buf *sql)
{
    enum status st = buf_add_text(
        sql, pipe->source.exactly_once ? "GRANT SELECT, INSERT ON " : "GRANT INSERT ON ");
    st = st == ST_OK ? clickhouse_quote_table(sql, pipe->destination.database, table) : st;
    st = st == ST_OK ? buf_add_text(sql, " TO ") : st;
    return st == ST_OK ? clickhouse_quote_identifier(sql, name) : st;
}

static enum status grant_role(const char *role, const char *name, struct buf *sql)
{
    enum status st = buf_add_text(sql, "GRANT ");
    if (st == ST_OK) {
        st = strcmp(role, CLICKHOUSE_ROLE_FULL) == 0 ? buf_add_text(sql, "ALL ON *.*")
                                                     : clickhouse_quote_identifier(sql, role);
    }
    st = st == ST_OK ? buf_add_text(sql, " TO ") : st;
    return st == ST_OK ? clickhouse_quote_identifier(sql, name) : st;
}

enum status
clickhouse_user_grant(const struct pipe_spec *pipe, size_t index, const char *name, struct buf *sql)
{
    assert(index < clickhouse_user_grants_count(pipe));
    const struct pipe_destination *destination = &pipe->destination;
    if (index == 1) {
        char *table = error_table_name(destination->table);
        enum status st = table == NULL ? ST_NO_MEMORY : grant_table(pipe, table, name, sql);
        free(table);
        return st;
    }
    const char *role =
        index == 0 ? CLICKHOUSE_ROLE_TABLE : destination->roles.items[index - TABLE_GRANTS];
    if (strcmp(role, CLICKHOUSE_ROLE_TABLE) == 0) {
        return grant_table(pipe, destination->table, name, sql);
    }
    return grant_role(role, name, sql);
}

enum status clickhouse_user_drop(const char *name, struct buf *sql)
{
    enum status st = buf_add_text(sql, "DROP USER IF EXISTS ");
    return st == ST_OK ? clickhouse_quote_identifier(sql, name) : st;
}
