#ifndef COMMON_CLICKHOUSE_REPLAY_SQL_H
#define COMMON_CLICKHOUSE_REPLAY_SQL_H

/*
 * Statements of a replay (docs/errors.md, Replay): which records of the error table match, what is
 * marked, what the target holds already. Pure writers; all append to sql and return statuses of
 * buf_add. A record is known by topic, partition, offset and a hash of its bytes: offsets begin
 * again when a topic is made anew.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/buf.h"

#define REPLAY_TABLE_SUFFIX "_clickpipes_replay"

/* How the error row of a message of several documents begins ("row ") and goes on when ClickHouse
 * refused some of its rows: such a message never matches, its other rows would be stored twice. */
#define REPLAY_PARTLY_STORED "refused, the others are stored): "

enum {
    REPLAY_SQL_MAX_BYTES = 4 * 1024 * 1024,
    REPLAY_OFFSETS_MAX = 1000, /* that a caller may name */
};

/* Errors of these words never match: no mapping makes an empty value fit, and the error table does
 * not tell it from a tombstone, which may. */
#define REPLAY_EMPTY_VALUE "the value is empty"

/* A record of the error table. */
struct replay_key {
    const char *topic; /* borrowed */
    int32_t partition;
    int64_t offset;
    uint64_t hash; /* of timestamp, key and value, computed by ClickHouse */
};

/* What to replay. Start from replay_filter_init; all borrowed. */
struct replay_filter {
    const char *database;
    const char *table; /* the destination's, without a suffix */
    const char *pipe_id;
    const char *type;                 /* NULL = any */
    int64_t from_ms;                  /* of error_timestamp, inclusive; INT64_MIN = any */
    int64_t to_ms;                    /* exclusive; INT64_MAX = any */
    const struct replay_key *offsets; /* without hash; NULL = all */
    size_t offsets_count;
};
void replay_filter_init(struct replay_filter *ret_filter);

/* The states of a token in the table of marks. */
#define REPLAY_INTENT                                                                              \
    "intent"               /* a row per record: an insert with this token was about to be sent */
#define REPLAY_DONE "done" /* a row per token: its records are in the target */
#define REPLAY_VOID "void" /* a row per token: they certainly are not */

/* CREATE TABLE IF NOT EXISTS of the table of marks. */
enum status replay_ddl(const char *database, const char *table, struct buf *sql) MUST_CHECK;

/* How many records match (one number). after: NULL, or only records behind this one. */
enum status replay_count_sql(
    const struct replay_filter *filter, const struct replay_key *after, struct buf *sql) MUST_CHECK;

/*
 * The next matching records behind `after` in order of their keys, each once, at most rows_max of
 * them and no more than bytes_max bytes (one always), as RowBinary for replay_rows.h.
 */
struct replay_page {
    const struct replay_key *after; /* NULL = from the first */
    size_t rows_max;
    size_t bytes_max;
};
enum status replay_page_sql(
    const struct replay_filter *filter, const struct replay_page *page, struct buf *sql) MUST_CHECK;

/* The records of a token that the error table still has, as replay_page_sql. */
enum status
replay_token_sql(const struct replay_filter *filter, const char *token, struct buf *sql) MUST_CHECK;

/* Tokens that are neither done nor void, oldest first: JSONEachRow of token, records, blocks,
 * age (s). */
enum status replay_open_sql(const struct replay_filter *filter, struct buf *sql) MUST_CHECK;

/* Write marks. keys: with REPLAY_INTENT each a row; otherwise one row without a record (NULL). */
struct replay_marks {
    const char *token;
    const char *state;
    const struct replay_key *keys;
    size_t keys_count;
    uint64_t blocks; /* see replay_blocks_sql */
};
enum status replay_mark_sql(
    const struct replay_filter *filter, const struct replay_marks *marks,
    struct buf *sql) MUST_CHECK;

/* How many blocks the target has numbered: inserts since then are at most the difference. */
enum status replay_blocks_sql(const struct replay_filter *filter, struct buf *sql) MUST_CHECK;

/* How many statements with this query id run now. */
enum status replay_running_sql(const char *query_id, struct buf *sql) MUST_CHECK;

/* The target's columns that hold a record's coordinates; topic NULL = the pipe has one topic. */
struct replay_coordinates {
    const char *topic;
    const char *partition; /* NULL = the target does not tell where rows came from */
    const char *offset;
};

/* Which of the keys the target has: JSONEachRow of topic, part, off. */
enum status replay_present_sql(
    const struct replay_filter *filter, const struct replay_coordinates *columns,
    const struct replay_key *keys, size_t keys_count, struct buf *sql) MUST_CHECK;

#endif
