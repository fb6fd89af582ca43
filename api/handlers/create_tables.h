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
 * Look without making: a table that is there must hold all columns, one that the pipe does not
 * manage must be there. What is wrong is added with pointers, also a ClickHouse that cannot be
 * reached. ST_OK whether or not something was found; ST_NO_MEMORY, ST_INTERNAL.
 */
enum status create_tables_check(
    struct support_clickhouse *clickhouse, const struct pipe_destination *destination,
    struct pipe_problems *problems, struct err *err) MUST_CHECK;

/* The same of the destination alone, for a pipe that exists: of a table that it manages, columns
 * may be missing still. Statuses of create_tables_check. */
enum status create_tables_check_columns(
    struct support_clickhouse *clickhouse, const struct pipe_destination *destination,
    struct pipe_problems *problems, struct err *err) MUST_CHECK;

/* Make what is not there of the two, after a check that found nothing. What was made is taken back
 * on failure. ST_REJECTED (ClickHouse's words, or it cannot be reached), ST_NO_MEMORY, ST_INTERNAL.
 */
enum status create_tables_ensure(
    struct support_clickhouse *clickhouse, const struct pipe_destination *destination,
    struct create_tables *ret_made, struct err *err) MUST_CHECK;

/* Drop what was made. Best effort: an empty table that stays behind is accepted by the next try. */
void create_tables_undo(
    struct support_clickhouse *clickhouse, const struct pipe_destination *destination,
    const struct create_tables *made);

#endif
