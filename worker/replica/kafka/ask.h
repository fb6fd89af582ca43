#ifndef WORKER_REPLICA_KAFKA_ASK_H
#define WORKER_REPLICA_KAFKA_ASK_H

/*
 * The blocking questions themselves, run by the helper's thread (or by a probe): each fills the
 * job it is given, its error included, and gives up after some seconds.
 */

#include <librdkafka/rdkafka.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/replica/kafka/helper.h"

enum {
    ASK_TIMEOUT_MS = 5000
};

/* What the questions need and remember; used by one thread. */
struct ask {
    rd_kafka_t *rk;            /* borrowed */
    rd_kafka_topic_t **topics; /* owned: a handle per topic of the pipe */
    size_t topics_count;
    int32_t *partitions_counts; /* owned: how many a topic had when first seen; 0 = not seen yet,
                                 * NONE_OLD = it was away meanwhile */
    enum offset_strategy strategy;
    int64_t timestamp_ms;
    rd_kafka_topic_partition_list_t *leaders; /* owned: one partition per leader */
    int64_t leaders_at_ms;
    rd_kafka_t *reader; /* a consumer of its own for HELPER_READ, made when needed */
    rd_kafka_conf_t *reader_conf;
};

enum status
ask_init(struct ask *ask, const struct helper_params *params, struct err *err) MUST_CHECK;
void ask_done(struct ask *ask);

void ask_topics(struct ask *ask, struct helper_job *job);
void ask_offsets(struct ask *ask, struct helper_job *job);
void ask_committed(struct ask *ask, struct helper_job *job);
void ask_bounds(struct ask *ask, struct helper_job *job);
void ask_records(struct ask *ask, struct helper_job *job);

/* One watermark query per leader; leaders are looked up again when older than fresh_ms. */
void ask_kick(struct ask *ask, int64_t now_ms, int64_t fresh_ms);

#endif
