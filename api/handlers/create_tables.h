#ifndef API_HANDLERS_CREATE_TABLES_H
#define API_HANDLERS_CREATE_TABLES_H

/* The tables a pipe needs before it exists: its destination and the table of rejected records. */

#include "common/clickhouse/describe.h"

#include "api/handlers/support.h"

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

/* Make what is not there of the two, after a check that found nothing, with the pipe's mark. On
 * failure one of them may be there: create_tables_undo. ST_REJECTED (ClickHouse's words, or it
 * cannot be reached), ST_NO_MEMORY, ST_INTERNAL. */
enum status create_tables_ensure(
    struct support_clickhouse *clickhouse, const struct pipe_destination *destination,
    const char *pipe_id, struct err *err) MUST_CHECK;

/* Drop those of the two that have the pipe's mark and no rows. The caller knows that no pipe and no
 * other create uses them (leftover_hold). Statuses of clickhouse_execute but ST_REJECTED,
 * ST_NO_MEMORY. */
enum status create_tables_undo(
    struct support_clickhouse *clickhouse, const struct clickhouse_table_name *target,
    const char *pipe_id, struct err *err) MUST_CHECK;

#endif
