#ifndef WORKER_REPLICA_SINK_SINK_INNER_H
#define WORKER_REPLICA_SINK_SINK_INNER_H

/*
 * Inside of the sink: sink.c leads a batch through its stages, sink_send.c sends inserts and
 * questions, sink_answer.c acts on what comes back. Only these files include it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/backoff.h"
#include "common/base/uuid.h"
#include "common/clickhouse/answer.h"
#include "common/clickhouse/range_sql.h"

#include "worker/replica/sink/body.h"
#include "worker/replica/sink/recheck.h"
#include "worker/replica/sink/sink.h"
#include "worker/replica/sink/tries.h"

enum stage {
    STAGE_ROWS,
    STAGE_REJECTS,
};

struct sink {
    struct sink_params params;
    char token[UUID_TEXT_BYTES]; /* no other sink has it, also none of another process */
    const char **column_names;   /* owned array, borrowed names */
    enum sink_state state;
    enum stage stage;
    struct batch *batch;
    struct tries tries; /* of the stage */
    struct block *part; /* owned; the rows of a try that is not the whole block */
    struct body body;
    struct http_call *call;
    uint64_t tries_count;
    struct backoff backoff;
    int64_t due_ms;
    int64_t sent_ms;              /* when the insert under way was sent */
    struct sink_refusal *refused; /* owned */
    size_t refused_count;
    enum pipe_reason reason;
    int64_t trouble_since_ms;
    uint64_t failures_count;
    char message[CLICKHOUSE_MESSAGE_BYTES];
    struct sink_totals totals;

    /* Exactly-once. */
    struct recheck recheck;
    struct clickhouse_range range; /* of the recheck under way */
    bool is_unsure;                /* recheck before the next insert */
    bool is_verifying;             /* everything was accepted: is it there? */
    bool was_unsure;               /* some try had no clear end: verify what is accepted after it */
    unsigned renamed;              /* how often its inserts got a new name; see sink_name */
    unsigned verified;             /* how often rows were missing that had been accepted */
    bool is_divided;               /* something but the whole batch was sent */

    bool is_check_denied; /* an optional check was refused: by token from now on */

    /* Memory (code 241). */
    size_t fitting_rows;      /* an insert of more failed too often; 0 = not known */
    unsigned small_batches;   /* in a row that are no larger */
    unsigned memory_failures; /* of the present try */
    bool wants_smaller;       /* divide before the next insert */
};

bool sink_is_exactly_once(const struct sink *sink);
bool sink_is_by_check(const struct sink *sink);

/* The rows of the batch's present stage. */
struct block *sink_stage_block(const struct sink *sink);

void sink_forget_body(struct sink *sink);

/* The last try failed for this reason: wait, at least so long. */
void sink_wait(
    struct sink *sink, enum pipe_reason reason, const char *message, int64_t now_ms,
    int64_t at_least_ms);

/* What is left to do with the batch: the next try, the next stage, or it is stored. */
void sink_proceed(struct sink *sink, int64_t now_ms);

/* Order of refusals: by row. For qsort. */
int sink_by_row(const void *a, const void *b);

/* sink_send.c: send the present try; ask what became of the tries that nobody answered. */
void sink_send(struct sink *sink, int64_t now_ms);
void sink_ask(struct sink *sink, int64_t now_ms);

#endif
