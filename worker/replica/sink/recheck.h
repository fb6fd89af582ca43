#ifndef WORKER_REPLICA_SINK_RECHECK_H
#define WORKER_REPLICA_SINK_RECHECK_H

/*
 * Before an exactly-once insert is sent whose twin may have run: end the twin if it still runs,
 * then, if the table can tell, ask which records of the range it has. One question after the other;
 * a machine like the sink, which owns it: the loop's answers come through sink_answer.
 *
 *   KILL QUERY … SYNC ──▶ (by token) RECHECK_UNKNOWN: the same bytes with the same token
 *          └─ (by check) ──▶ offsets ──▶ RECHECK_KNOWN, with the list
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/clickhouse/client.h"
#include "common/clickhouse/range_sql.h"
#include "common/http/http.h"

#include "worker/replica/batch.h"

enum recheck_result {
    RECHECK_ASKING,  /* a question is under way */
    RECHECK_FAILED,  /* the last one was not answered: start again later */
    RECHECK_UNKNOWN, /* nothing runs any more; what is stored was not asked */
    RECHECK_KNOWN,   /* nothing runs and recheck->stored says what is stored */
};

/* What to ask; all borrowed until the result. */
struct recheck_question {
    const char *query_id;                 /* of the undivided insert */
    const struct clickhouse_range *range; /* NULL = end the twin only */
};

struct recheck {
    struct http_client *client;          /* borrowed */
    struct clickhouse_endpoint endpoint; /* borrowed */
    void *opaque;                        /* of its requests */
    struct recheck_question question;
    enum recheck_step {
        RECHECK_STEP_KILL,
        RECHECK_STEP_OFFSETS,
    } step;
    struct http_call *call;
    struct buf sql;
    struct clickhouse_stored_offset *stored; /* owned; of RECHECK_KNOWN */
    size_t stored_count;
    struct clickhouse_answer answer; /* of the last question: why it failed */
};

void recheck_init(
    struct recheck *ret_recheck, struct http_client *client,
    const struct clickhouse_endpoint *endpoint, void *opaque);
/* Cancels a question under way. Safe twice and on a zeroed struct. */
void recheck_done(struct recheck *recheck);

/* Begin. On failure no question is under way. Statuses of http_start and of buf_add. */
enum status recheck_start(
    struct recheck *recheck, const struct recheck_question *question, struct err *err) MUST_CHECK;

/* Forget the question under way and what was found. */
void recheck_cancel(struct recheck *recheck);

/* The answer to its question. RECHECK_FAILED leaves the reason in recheck->answer. */
enum recheck_result recheck_answer(struct recheck *recheck, const struct http_done *done);

/*
 * Which rows are not stored. stored: ascending; offsets: of the rows, several rows of one record
 * are neighbours. A record with fewer rows in the table than it should have counts as missing with
 * all of them, because nobody can say which. ret_missing: room for count indexes of rows,
 * ascending. Returns how many. Pure.
 */
size_t recheck_missing(
    const struct clickhouse_stored_offset *stored, size_t stored_count, const int64_t *offsets,
    size_t count, size_t *ret_missing);

#endif
