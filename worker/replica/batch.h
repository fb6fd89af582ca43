#ifndef WORKER_REPLICA_BATCH_H
#define WORKER_REPLICA_BATCH_H

/*
 * A batch: the rows and the rejected records of one insert, from its first record to its
 * settlement, and the rules that close it (rows, encoded bytes, age). It knows where each row came
 * from, for latency and for rows that ClickHouse alone refuses. It sends nothing and commits
 * nothing.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

#include "worker/replica/block/block.h"
#include "worker/replica/block/reject_block.h"

enum {
    BATCH_TOKEN_BYTES = 256, /* of an insert's token and of its query id, end mark included */
    BATCH_TOPIC_BYTES = 250, /* Kafka: at most 249 characters */
};

enum batch_seal {
    BATCH_OPEN,  /* may still grow */
    BATCH_ROWS,  /* enough rows */
    BATCH_BYTES, /* enough encoded bytes */
    BATCH_AGE,   /* its first record waited long enough */
    BATCH_DRAIN, /* the replica or its partitions are going */
    BATCH_SPACE, /* the largest one of many lanes, when memory runs out */
    BATCH_RANGE, /* exactly-once: a range that was stored before is read whole */
};

struct batch_limits {
    size_t rows;
    size_t bytes;   /* encoded, rows and rejected records together */
    int64_t age_ms; /* from the first record */
};

/* Where a row came from. */
struct batch_row {
    int64_t offset;
    int64_t timestamp_ms; /* −1 = the record has none */
    uint32_t slot;
};

/*
 * Exactly-once: the batch is one stored range of one partition, and both texts are made of that
 * range (ledger/token.h), so that every try and every replay of it carries the same ones. Filled
 * in before the batch goes to the sink, from the range as the group's metadata has it. In an
 * at-least-once batch `token` is "" and nothing here has a meaning: the sink makes a token and a
 * query id of its own, which no other process can repeat.
 */
struct batch_range {
    char token[BATCH_TOKEN_BYTES];    /* of the rows of an undivided insert; "" = at-least-once */
    char query_id[BATCH_TOKEN_BYTES]; /* of the same insert */
    char topic[BATCH_TOPIC_BYTES];
    int32_t partition;
    int64_t first;    /* offset of the range's first record */
    int64_t last;     /* of its last record; offsets between may not exist */
    int64_t first_ms; /* timestamps of these two, −1 = none */
    int64_t last_ms;
    bool is_replay; /* the range was found in the group's metadata: another process, or this one
                     * before a rebalance, may have inserted all of it, some of it or nothing */
};

struct batch {
    uint64_t id;                  /* of the ledger */
    struct block *block;          /* owned */
    struct reject_block *rejects; /* owned */
    struct batch_row *rows;       /* owned; one per row of block */
    size_t rows_capacity;
    size_t keep_bytes;       /* of rows, over resets */
    uint64_t messages_count; /* taken: rows + rejected + skipped */
    uint64_t rejected_count;
    uint64_t skipped_count;
    uint64_t input_bytes; /* keys and values of the messages */
    int64_t first_ms;     /* monotonic, of the first message */
    enum batch_seal sealed_by;
    struct batch_range range;
    size_t lane;        /* lanes.h */
    struct batch *next; /* likewise: in the queue of sealed ones, or among the free ones */
};

struct batch_params {
    const struct block_column *columns; /* borrowed for the batch's life */
    size_t columns_count;
    const char *pipe_id; /* copied */
    size_t keep_bytes;   /* column memory kept over resets */
};

/* ret_batch: batch_done. Statuses of block_new. */
enum status
batch_init(struct batch *ret_batch, const struct batch_params *params, struct err *err) MUST_CHECK;

/* Safe twice and on a zeroed struct. */
void batch_done(struct batch *batch);

/* Empty it for the next records, which will be batch `id`. */
void batch_reset(struct batch *batch, uint64_t id);

/* Remember where the last `count` rows committed to the block came from: one record. ST_NO_MEMORY:
 * not remembered, and the batch is only fit for batch_reset. */
enum status
batch_note_rows(struct batch *batch, const struct batch_row *row, size_t count) MUST_CHECK;

/* Count one message taken at now_ms. */
void batch_note_message(struct batch *batch, uint64_t bytes, int64_t now_ms);

bool batch_is_empty(const struct batch *batch);

/* Rows and rejected records. */
size_t batch_rows_count(const struct batch *batch);

/* Heap memory of the columns. */
size_t batch_memory_bytes(const struct batch *batch);

/* Why it should be closed now; BATCH_OPEN if it should not. */
enum batch_seal
batch_due(const struct batch *batch, const struct batch_limits *limits, int64_t now_ms);

/* The same without looking at the age: cheap enough for every record. */
enum batch_seal batch_full(const struct batch *batch, const struct batch_limits *limits);

#endif
