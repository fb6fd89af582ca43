#ifndef API_HANDLERS_CREATE_TABLES_H
#define API_HANDLERS_CREATE_TABLES_H

/* The tables a pipe needs before it exists: its destination and the table of rejected records. */

#include "api/handlers/support.h"

/* Which tables a call made itself and may take back. */
struct create_tables {
    bool is_target_made;
    bool is_error_table_made;
};

/*
 * Make sure that both tables are there. A managed destination is made, or accepted if a table of
 * that name holds all columns; another must exist. What was made is taken back on failure.
 * ST_INVALID (the table does not fit; all problems in reply), ST_REJECTED (ClickHouse's words, or
 * it cannot be reached), ST_NO_MEMORY, ST_INTERNAL.
 */
enum status create_tables_ensure(
    struct support_clickhouse *clickhouse, const struct pipe_destination *destination,
    struct create_tables *ret_made, struct reply *reply, struct err *err) MUST_CHECK;

/* Drop what was made. Best effort: an empty table that stays behind is accepted by the next try. */
void create_tables_undo(
    struct support_clickhouse *clickhouse, const struct pipe_destination *destination,
    const struct create_tables *made);

#endif
