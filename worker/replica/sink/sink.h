#ifndef WORKER_REPLICA_SINK_SINK_H
#define WORKER_REPLICA_SINK_SINK_H

/*
 * One sealed batch into ClickHouse: the rows into the target, then the rejected records into the
 * error table beside it, each as one compressed INSERT with async_insert=0, while the next batch
 * fills. A machine without a thread: the loop gives it answers and the time. What an answer means
 * is decided by common/clickhouse/answer.h; this room acts on it:
 *
 *   retry, stop   the same bytes again after a wait (0.5 s … 30 s), for ever; the loop gives up
 *   rejected      try smaller parts until single rows fail; those become rows of the error table
 *   mismatch      the table has changed: the loop looks at it again and decodes again
 *
 * A batch with a range (batch.h) is exactly-once. All its inserts carry names made of the range, so
 * that the server knows a repetition. Before it is sent when an earlier try may have run (no clear
 * answer, or the range is a replay) that try is ended with KILL QUERY … SYNC; then:
 *
 *   by token      the same bytes with the same token: the table drops what it has
 *   by check      the table is asked which records it has, and gets the missing ones; it is asked
 *                 again when it has accepted them, because a server that was killed at one point
 *                 of an insert knows the token and lacks the rows
 *
 * What one insert can never hold (more than max_partitions_per_insert_block partitions, more memory
 * than the server gives) the loop divides, because the smaller ranges must be stored first:
 * SINK_DIVIDE. That state comes after a definite answer only, and only while nothing but the whole
 * batch was ever sent. Rows that ClickHouse refuses are divided here; the name of a part is made
 * of its rows, so it is the same in each life of the range.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/clickhouse/client.h"
#include "common/http/http.h"
#include "common/metrics/inserts.h"
#include "common/model/pipe.h"
#include "common/model/pipe_state.h"

#include "worker/replica/batch.h"

enum sink_state {
    SINK_IDLE,     /* no batch */
    SINK_SENDING,  /* an insert is under way */
    SINK_CHECKING, /* a question is: what became of an earlier try */
    SINK_WAITING,  /* for sink_due_ms: the last try failed */
    SINK_REFUSED,  /* rows that ClickHouse refuses wait for their records: sink_refused */
    SINK_MISMATCH, /* the target's columns are not those of the batch */
    SINK_DIVIDE,   /* the range must become smaller ones: nothing of it is stored; sink_drop it */
    SINK_STORED,   /* everything is accepted; sink_release it */
};

/* The columns that a pipe fills from _topic, _partition and _offset; all or none. */
struct sink_check {
    const char *topic;
    const char *partition;
    const char *offset;
    bool is_optional; /* tokens alone are enough where the user may not SELECT */
};

/* All borrowed for the sink's life. */
struct sink_params {
    struct http_client *client;
    struct clickhouse_endpoint endpoint;
    const char *database;
    const char *table;
    const char *error_table;
    const struct block_column *columns; /* of the batches */
    size_t columns_count;
    bool nulls_are_defaults; /* see block_nulls_are_defaults */
    enum pipe_compression compression;
    const char *query_prefix; /* of at-least-once query ids: tells pipe, replica, generation */
    const char *pipe_id;
    struct sink_check check; /* of exactly-once by check: a table that keeps every row that it
                                accepts, and shows it at once; all NULL = by token */
    bool is_insert_atomic;   /* an insert of one block is stored whole or not at all: the table is
                                not partitioned */
    size_t body_max_bytes;   /* of one compressed insert */
    uint64_t seed;           /* of the jitter */
};

struct sink;

/* ret_sink: owned, sink_free. ST_NO_MEMORY. */
enum status
sink_new(const struct sink_params *params, struct sink **ret_sink, struct err *err) MUST_CHECK;
void sink_free(struct sink *sink);
void sink_freep(struct sink **sink);

/* Start storing a batch (borrowed until sink_release or sink_drop). The sink must be idle. */
void sink_store(struct sink *sink, struct batch *batch, int64_t now_ms);

/* An answer for this sink (http_done.opaque is the sink). done: borrowed. */
void sink_answer(struct sink *sink, const struct http_done *done, int64_t now_ms);

/* Let time pass: sends again when the wait is over. */
void sink_tick(struct sink *sink, int64_t now_ms);

/* When sink_tick wants to be called; INT64_MAX = not at all. */
int64_t sink_due_ms(const struct sink *sink);

enum sink_state sink_state(const struct sink *sink);

/* Rows of the batch that ClickHouse alone refuses, by row, while SINK_REFUSED. */
struct sink_refusal {
    size_t row;    /* index in the batch */
    char *message; /* ClickHouse's words */
};
const struct sink_refusal *sink_refused(const struct sink *sink, size_t *ret_count);

/* They are in the batch's reject block now: go on. */
void sink_refused_done(struct sink *sink, int64_t now_ms);

/* Look at a mismatch again only after a wait: its time, in ms of the monotonic clock. */
int64_t sink_mismatch_wait_ms(struct sink *sink);

/* Forget the stored batch. */
void sink_release(struct sink *sink);

/* Forget the batch whatever happened to it; an insert under way is cancelled. */
void sink_drop(struct sink *sink);

/* Why the last try failed; reason is PIPE_REASON_NONE while all is well. */
struct sink_trouble {
    enum pipe_reason reason;
    int64_t since_ms; /* first failure in a row */
    uint64_t failures_count;
    const char *message; /* borrowed until the next answer */
};
void sink_trouble(const struct sink *sink, struct sink_trouble *ret_trouble);

/* Totals since the sink was made. */
struct sink_totals {
    uint64_t inserts;
    uint64_t retries;
    uint64_t encoded_bytes; /* accepted, rows of the target only */
    uint64_t wire_bytes;
    uint64_t refused;         /* rows that went to the error table after an insert */
    uint64_t unknown;         /* inserts of which nobody said what became */
    uint64_t parts_refusals;  /* "too many parts" */
    uint64_t memory_refusals; /* "memory limit exceeded" */
    uint64_t insert_numbers[INSERT_NUMBERS];
};

/* Add the totals of another sink. */
void sink_totals_add(struct sink_totals *totals, const struct sink_totals *more);
const struct sink_totals *sink_totals(const struct sink *sink);

/* Memory of the compressed body. */
size_t sink_memory_bytes(const struct sink *sink);

#endif
