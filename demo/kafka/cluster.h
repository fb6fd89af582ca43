#ifndef DEMO_KAFKA_CLUSTER_H
#define DEMO_KAFKA_CLUSTER_H

/*
 * A Kafka cluster inside this process: librdkafka's mock cluster behind a small door, so that only
 * cluster.c sees the library. It listens on 127.0.0.1 ports of the kernel's choice, keeps at most
 * 5 MiB and 100,000 batches per partition (the oldest go silently), and forgets all at the end.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

enum {
    CLUSTER_BROKERS_MAX = 16,
    CLUSTER_PARTITIONS_MAX = 1024,
    CLUSTER_TOPIC_BYTES_MAX = 249, /* Kafka's own limit of a topic name */
    CLUSTER_DELAY_MS_MAX = 600000
};

struct cluster; /* one running cluster; not shared between threads */

/* Start a cluster of 1..CLUSTER_BROKERS_MAX brokers (ids from 1). *ret_cluster is owned: free with
 * cluster_free. ST_INVALID for a number out of range, ST_IO if the library cannot start. */
enum status cluster_new(int broker_count, struct cluster **ret_cluster, struct err *err) MUST_CHECK;

/* End it: clients are disconnected, records are gone. NULL is fine. */
void cluster_free(struct cluster *cluster);
void cluster_freep(struct cluster **cluster);

/* "127.0.0.1:port[,…]", one for each broker; borrowed while the cluster lives. */
const char *cluster_bootstrap(const struct cluster *cluster);

/* Create a topic with 1..CLUSTER_PARTITIONS_MAX partitions. ST_INVALID for a bad name or number,
 * ST_CONFLICT if the topic exists, ST_IO for what else the library says. */
enum status cluster_create_topic(
    struct cluster *cluster, const char *topic, int partition_count, struct err *err) MUST_CHECK;

/* Close (or open again) a broker's listener and connections. ST_NOT_FOUND for an unknown broker. */
enum status cluster_set_broker_up(
    struct cluster *cluster, int32_t broker_id, bool is_up, struct err *err) MUST_CHECK;

/* Delay every answer of a broker by 0..CLUSTER_DELAY_MS_MAX ms. ST_INVALID, ST_NOT_FOUND. */
enum status cluster_set_broker_delay(
    struct cluster *cluster, int32_t broker_id, int delay_ms, struct err *err) MUST_CHECK;

/* Move a partition's leader to another broker. ST_NOT_FOUND for an unknown broker or partition; an
 * unknown topic appears with 4 partitions. */
enum status cluster_set_leader(
    struct cluster *cluster, const char *topic, int32_t partition, int32_t broker_id,
    struct err *err) MUST_CHECK;

/* Answer the next `count` (1..1000) requests of a kind (Kafka's api_key, e.g. 0 produce, 1 fetch,
 * 8 offset commit) with Kafka's error code; -195 disconnects instead. ST_INVALID. */
enum status cluster_fail_requests(
    struct cluster *cluster, int16_t api_key, int error_code, int count,
    struct err *err) MUST_CHECK;

#endif
