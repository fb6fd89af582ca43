#ifndef COMMON_CLICKHOUSE_PREFLIGHT_H
#define COMMON_CLICKHOUSE_PREFLIGHT_H

/*
 * Which guarantee a destination really gives. A table remembers insert tokens only with a
 * deduplication window, and so must every table that a materialized view fills from it, and so on
 * down the chain. Finding out takes a few questions, each for the tables that the answer before
 * named: write one (preflight_sql), hand in its answer (preflight_read), until there is none; then
 * judge. Pure: the api asks with clickhouse_query, the replica with its own loop.
 *
 * Measured with libchdb 26.7 (docs/delivery-guarantees.md): a window of N holds the last N / p
 * inserts of p table partitions each; with 26.5 it was N / (2p), which is what is counted on here.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/clickhouse/client.h"
#include "common/clickhouse/describe.h"
#include "common/model/guarantee.h"
#include "common/model/pipe.h"

enum {
    PREFLIGHT_TABLES_MAX = 256, /* table, views and their targets; the rest is not looked at */
    PREFLIGHT_ANSWER_MAX_BYTES = 16 * 1024 * 1024
};

/* One table or view, as the server shows it. Texts owned. */
struct preflight_table {
    char *database;
    char *name;
    bool is_asked;
    bool is_found; /* false after an answer: gone, or this user may not see it */
    char *engine;
    char *engine_full;
    char *uuid;
    char *create_query;
    char *partition_key; /* "" = none */
    char *sorting_key;
    int64_t partitions; /* that inserts reach: those written in the last hour, or all there are; 0
                         * and −1 = not known */
    size_t target;      /* of a view: its target's index; SIZE_MAX = none known */
    bool is_fed;        /* a view of the chain writes into it, or it is the destination itself */
};

/* Settings of the server that decide where a table says nothing. −1 = the server did not say. */
struct preflight_server {
    int64_t window;             /* non_replicated_deduplication_window */
    int64_t replicated_window;  /* replicated_deduplication_window */
    int64_t replicated_seconds; /* replicated_deduplication_window_seconds */
    bool is_refusing;           /* the user's insert_deduplicate or deduplicate_insert is off */
};

/* What the pipe asks for. */
struct preflight_pipe {
    bool is_exactly_once;
    bool has_offsets; /* guarantee_columns */
    struct guarantee_columns columns;
    bool is_multi_record; /* a record may have several rows */
    int replicas;
};
struct preflight_pipe preflight_pipe_of(const struct pipe_spec *pipe, int replicas);

struct preflight {
    struct preflight_pipe pipe;
    struct preflight_table *tables; /* owned; [0] is the destination */
    size_t count;
    bool has_more;    /* there were more than PREFLIGHT_TABLES_MAX */
    bool knows_parts; /* asks system.parts; off where the user may not */
    size_t unseen;    /* views or targets that the user may not see */
    struct preflight_server server;
    bool is_asking_read; /* the question under way is whether the user may read the table */
    bool has_asked_read;
    bool may_read;
};

/* Start at this table. pipe: copied, its texts stay borrowed. ST_NO_MEMORY. ret_preflight:
 * preflight_done. */
enum status preflight_init(
    struct preflight *ret_preflight, const struct clickhouse_table_name *name,
    const struct preflight_pipe *pipe, struct err *err) MUST_CHECK;
void preflight_done(struct preflight *preflight);

/* Append the next question. ST_NOT_FOUND: there is none, judge (the first time already for a pipe
 * that does not ask for exactly-once). Statuses of buf_add. */
enum status preflight_sql(struct preflight *preflight, struct buf *sql) MUST_CHECK;

/* Read its answer (JSONEachRow). ST_NOT_FOUND: the destination does not exist, or the user may not
 * see it; ST_INVALID: an answer of another form; ST_NO_MEMORY. */
enum status
preflight_read(struct preflight *preflight, const char *text, struct err *err) MUST_CHECK;

/* The last question was refused with this error number. True: for lack of a grant, and it is left
 * out or becomes a simpler one; go on with preflight_sql. */
bool preflight_refused(struct preflight *preflight, int code);

/* The guarantee in force. After preflight_sql said ST_NOT_FOUND. */
void preflight_judge(const struct preflight *preflight, struct guarantee *ret_guarantee);

/* True if the destination's engine shows what it stored, so that it can be asked for offsets.
 * Inside of this room. */
bool preflight_is_checkable(const struct preflight *preflight);

/* Ask and judge, synchronously. Statuses of clickhouse_query and preflight_read. Does not ask at
 * all for a pipe that does not ask for exactly-once. */
enum status preflight_run(
    struct http_client *client, const struct clickhouse_endpoint *endpoint,
    const struct clickhouse_table_name *name, const struct preflight_pipe *pipe,
    struct guarantee *ret_guarantee, struct err *err) MUST_CHECK;

#endif
