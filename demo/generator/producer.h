#ifndef DEMO_GENERATOR_PRODUCER_H
#define DEMO_GENERATOR_PRODUCER_H

/*
 * Records into Kafka, counted only when the broker has acknowledged them (acks=all, idempotent).
 * The only file that sees librdkafka is producer.c. One thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

enum {
    PRODUCER_PARTITIONS_MAX = 1024
};

struct producer; /* one topic on one cluster */

struct producer_settings {
    const char *brokers; /* host:port[,…] */
    const char *topic;
    int partition_count;     /* to create the topic with when it does not exist */
    const char *compression; /* librdkafka's compression.codec */
    bool has_low_latency;    /* send at once rather than fill batches */
};

struct producer_record {
    const char *key; /* borrowed, like all of this: copied before producer_send returns */
    size_t key_bytes;
    const char *value; /* never NULL: an empty value is not a null one */
    size_t value_bytes;
    const char *source;
    const char *trace_id;
    bool is_malformed;
};

struct producer_counts {
    uint64_t acknowledged; /* records, malformed ones included */
    uint64_t bytes;        /* of their values */
    uint64_t malformed;
    uint64_t failed;
    int partition_count;
    uint64_t by_partition[PRODUCER_PARTITIONS_MAX]; /* acknowledged */
};

/* Connect and make sure the topic is there. *ret_producer is owned: free with producer_free.
 * ST_INVALID for a setting librdkafka refuses, ST_UNAVAILABLE if no broker answers in 10 s,
 * ST_IO if the topic cannot be created. */
enum status producer_new(
    const struct producer_settings *settings, struct producer **ret_producer,
    struct err *err) MUST_CHECK;

/* Forget it; records still queued are lost (producer_flush first). NULL is fine. */
void producer_free(struct producer *producer);
void producer_freep(struct producer **producer);

/* Queue one record. ST_UNAVAILABLE when the queue is full: call producer_poll and try again.
 * ST_IO for what else librdkafka refuses. */
enum status producer_send(
    struct producer *producer, const struct producer_record *record, struct err *err) MUST_CHECK;

/* Take acknowledgements, waiting up to timeout_ms for the first one. */
void producer_poll(struct producer *producer, int timeout_ms);

/* Wait until every record is acknowledged or failed. ST_TIMEOUT if some are still open then. */
enum status producer_flush(struct producer *producer, int timeout_ms, struct err *err) MUST_CHECK;

/* Counts so far; borrowed, changed by the calls above. */
const struct producer_counts *producer_counts(const struct producer *producer);

/* Why the last failed record failed; "" if none did. Borrowed. */
const char *producer_last_failure(const struct producer *producer);

#endif
