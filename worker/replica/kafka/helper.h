#ifndef WORKER_REPLICA_KAFKA_HELPER_H
#define WORKER_REPLICA_KAFKA_HELPER_H

/*
 * The replica's only thread of our own besides its loop: librdkafka answers some questions only to
 * a call that blocks (committed offsets, offsets by time, watermarks, metadata), and the loop must
 * not block. Questions go in, answers come out, one at a time; between them the thread gives
 * the kick: a small request to each leader whose answer wakes a broker thread of
 * librdkafka 2.0.2 that would look at its full queue only once a second (fixed by
 * fetch.queue.backoff.ms of 2.2.0: with that library the kick can go).
 *
 * Shared state is inside helper.c behind one lock; everything in a job belongs to whoever holds it.
 */

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/model/pipe.h"

#include "worker/replica/decode/record.h"
#include "worker/replica/kafka/conf.h"

enum helper_kind {
    HELPER_CHECK,     /* do the topics exist, may we see them; `partitions` (NULL = none) of refused
                         topics: what may be read meanwhile is taken out */
    HELPER_OFFSETS,   /* where to start on each partition of `partitions` */
    HELPER_COMMITTED, /* what the group has committed of `partitions` */
    HELPER_BOUNDS,    /* first, end and committed offset of the one partition */
    HELPER_READ,      /* the records at the offsets of `partitions` */
};

struct helper_job {
    enum helper_kind kind;
    uint64_t assignment;                         /* the asker's, comes back */
    size_t slot;                                 /* likewise */
    rd_kafka_topic_partition_list_t *partitions; /* owned */
    /* Answer. */
    rd_kafka_resp_err_t error;
    char text[512];     /* what failed */
    int64_t *committed; /* owned; HELPER_OFFSETS, _COMMITTED, _BOUNDS: per partition, −1 none */
    int64_t low;        /* HELPER_BOUNDS */
    int64_t high;
    rd_kafka_message_t **messages; /* owned; HELPER_READ: NULL = gone */
    rd_kafka_t *reader;            /* that made the messages */
    struct helper_job *next;
};

struct helper_params {
    rd_kafka_t *rk; /* borrowed for ever */
    const struct kafka_conf *conf;
    const struct text_list *topics; /* copied */
    enum offset_strategy strategy;
    int64_t timestamp_ms;
    int event_fd; /* eventfd to write to when an answer is there */
};

struct helper;

/* Start the thread; it lives until the process ends. ST_NO_MEMORY, ST_INTERNAL. */
enum status helper_start(
    const struct helper_params *params, struct helper **ret_helper, struct err *err) MUST_CHECK;

/* A new job; NULL if out of memory. Owned, helper_job_free or helper_post. */
struct helper_job *helper_job_new(enum helper_kind kind);
void helper_job_free(struct helper_job *job);

/* job: taken. */
void helper_post(struct helper *helper, struct helper_job *job);

/* The oldest answered job, NULL if there is none. Owned by the caller. */
struct helper_job *helper_take(struct helper *helper);

/* Wake the fetchers as soon as possible. */
void helper_kick(struct helper *helper);

#endif
