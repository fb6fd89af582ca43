#ifndef COMMON_CLICKHOUSE_RANGE_SQL_H
#define COMMON_CLICKHOUSE_RANGE_SQL_H

/*
 * The questions before an insert whose twin may have run: end what still runs, and see which
 * records of one range of one Kafka partition a table has. Pure. Writers append to sql and return
 * statuses of buf_add.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"

/* A range in a table; all borrowed. */
struct clickhouse_range {
    const char *database;
    const char *table;
    const char *topic_column;
    const char *partition_column; /* of a whole-number type */
    const char *offset_column;    /* likewise */
    const char *pipe_id_column;   /* NULL = rows of every pipe */
    const char *pipe_id;
    const char *topic;
    int32_t partition;
    int64_t first;
    int64_t last; /* not below first */
};

/* What separates a query id from the name of its part: the id of a divided insert is
 * "<query_id>.<part>". No query id of a range contains it. */
#define CLICKHOUSE_PART_SEPARATOR "."

/* KILL QUERY … SYNC of the insert with this query id and of its parts: answers when none runs any
 * more. A user may kill what it sent itself without any grant. */
enum status clickhouse_kill_sql(const char *query_id, struct buf *sql) MUST_CHECK;

/* Which offsets of the range the table has and how many rows of each, ascending. Read with
 * clickhouse_range_offsets_parse. */
enum status
clickhouse_range_offsets_sql(const struct clickhouse_range *range, struct buf *sql) MUST_CHECK;

struct clickhouse_stored_offset {
    int64_t offset;
    uint64_t rows; /* 1 or more */
};

/* ret_offsets: owned, free(), NULL if there are none. ST_INVALID for an answer of another form,
 * ST_NO_MEMORY. */
enum status clickhouse_range_offsets_parse(
    const struct buf *answer, struct clickhouse_stored_offset **ret_offsets, size_t *ret_count,
    struct err *err) MUST_CHECK;

#endif
