#ifndef WORKER_PROBE_REPLAY_TARGET_H
#define WORKER_PROBE_REPLAY_TARGET_H

/*
 * The ClickHouse of a replay: questions with answers of any bytes, marks, and inserts into the
 * target. Blocking; every call ends at the replay's deadline.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/clickhouse/answer.h"
#include "common/clickhouse/client.h"
#include "common/clickhouse/replay_sql.h"
#include "common/model/pipe.h"

#include "worker/replica/block/block.h"
#include "worker/replica/decode/plan.h"

struct target {
    struct http_client *client; /* owned */
    const struct clickhouse_endpoint *endpoint;
    const struct pipe_spec *pipe;
    const struct replay_filter *filter;
    int64_t deadline_ms; /* monotonic */
    struct plan *plan;   /* owned: the present mapping onto the table's real columns */
    struct replay_coordinates coordinates;
    int64_t window_inserts;  /* tokens that the table remembers for sure, 0 = none */
    int64_t window_age_s;    /* for so long */
    bool nulls_are_defaults; /* see block_nulls_are_defaults */
    const char **columns;    /* owned array of the plan's names */
};

/* What an insert came to. */
enum target_end {
    TARGET_STORED,
    TARGET_REJECTED, /* these rows will never be taken; none of them is stored */
    TARGET_FAILED,   /* not stored, and not the rows' fault */
    TARGET_UNKNOWN,  /* may be stored or not */
};

/*
 * Look at the table and make the plan; make the table of marks if there is none. All arguments are
 * borrowed for the target's life. ret_target: target_done. ST_NOT_FOUND (no table), statuses of
 * clickhouse_query, plan_new.
 */
struct target_params {
    const struct clickhouse_endpoint *endpoint;
    const struct pipe_spec *pipe;
    const struct replay_filter *filter;
    int64_t deadline_ms;
};
enum status target_open(
    const struct target_params *params, struct target *ret_target, struct err *err) MUST_CHECK;
void target_done(struct target *target);

/* Run a statement whose writing gave `written`; sql is emptied. ret_body (may be NULL): buf_done.
 * ret_code (may be NULL): ClickHouse's error number. Statuses of clickhouse_answer_status. */
enum status target_ask(
    struct target *target, enum status written, struct buf *sql, struct buf *ret_body,
    struct err *err) MUST_CHECK;

/* A statement that answers one number. */
enum status target_number(
    struct target *target, enum status written, struct buf *sql, int64_t *ret_number,
    struct err *err) MUST_CHECK;

/* Insert a block of the plan's columns. err says why unless TARGET_STORED. */
enum target_end
target_insert(struct target *target, struct block *block, const char *token, struct err *err);

/* Blocks the target has numbered so far; TARGET_BLOCKS_UNKNOWN = it does not tell. */
#define TARGET_BLOCKS_UNKNOWN UINT64_MAX
uint64_t target_blocks(struct target *target);

#endif
