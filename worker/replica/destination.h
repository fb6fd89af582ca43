#ifndef WORKER_REPLICA_DESTINATION_H
#define WORKER_REPLICA_DESTINATION_H

/*
 * The target table as it really is: asked from ClickHouse before the first record and again when
 * an insert says that the columns do not fit. Its types decide the encoding, so a plan is made of
 * each answer; for a pipe that asks for exactly-once a few questions more tell which guarantee the
 * table and its views give (common/clickhouse/preflight.h). A machine like the sink: the loop gives
 * it answers and the time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/backoff.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/uuid.h"
#include "common/clickhouse/client.h"
#include "common/clickhouse/describe.h"
#include "common/clickhouse/preflight.h"
#include "common/clickhouse/table_change.h"
#include "common/http/http.h"
#include "common/model/pipe.h"
#include "common/model/pipe_state.h"

#include "worker/replica/decode/plan.h"

enum destination_state {
    DESTINATION_IDLE,    /* nothing asked, or the answer was taken */
    DESTINATION_ASKING,  /* a question is under way */
    DESTINATION_WAITING, /* the last one failed; again at due_ms */
    DESTINATION_READY,   /* a plan waits for destination_take_plan */
};

struct destination {
    struct http_client *client;          /* borrowed */
    struct clickhouse_endpoint endpoint; /* borrowed */
    const struct pipe_spec *pipe;        /* borrowed */
    enum destination_state state;
    struct http_call *call;
    struct buf sql;    /* of the question under way */
    struct plan *plan; /* owned until taken */
    struct backoff backoff;
    int64_t due_ms;
    enum pipe_reason reason; /* why the last question failed; NONE after a good one */
    int64_t trouble_since_ms;
    char message[CLICKHOUSE_MESSAGE_BYTES];
    struct preflight_pipe asked; /* what the pipe asks for */
    struct preflight preflight;  /* under way while is_exploring */
    bool is_exploring;
    /* Of the last answer, valid from READY on. */
    struct guarantee guarantee;
    uint8_t table_uuid[UUID_BYTES];  /* zeros: the table has none */
    uint64_t fingerprint;            /* clickhouse_table_fingerprint */
    struct clickhouse_table *known;  /* owned; NULL = not described yet */
    char change[TABLE_CHANGE_BYTES]; /* of the last answer to the one before; "" = none known */
    bool is_hopeless; /* the definition cannot work with this version: do not ask again */
};

/* The plan of a pipe for a table that was described: of the columns that an INSERT may name.
 * Statuses of plan_new. */
enum status destination_plan(
    const struct pipe_spec *pipe, const struct clickhouse_table *table, struct plan **ret_plan,
    struct err *err) MUST_CHECK;

/* replicas: of the pipe, 1 or more. */
void destination_init(
    struct destination *ret_destination, struct http_client *client,
    const struct clickhouse_endpoint *endpoint, const struct pipe_spec *pipe, int replicas);
void destination_done(struct destination *destination);

/* Ask for the table's columns. No question may be under way. */
void destination_ask(struct destination *destination, int64_t now_ms);

/* Make plans for this definition (borrowed) from now on, and ask. No question may be under way. */
void destination_use(struct destination *destination, const struct pipe_spec *pipe, int64_t now_ms);

/* An answer for it (http_done.opaque is the destination). */
void destination_answer(
    struct destination *destination, const struct http_done *done, int64_t now_ms);

/* Ask again when the wait is over. */
void destination_tick(struct destination *destination, int64_t now_ms);
int64_t destination_due_ms(const struct destination *destination);

/* The new plan, owned by the caller. State must be READY. */
struct plan *destination_take_plan(struct destination *destination);

#endif
