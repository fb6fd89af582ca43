#ifndef WORKER_REPLICA_KAFKA_CONF_H
#define WORKER_REPLICA_KAFKA_CONF_H

/*
 * A pipe's Kafka source as librdkafka properties: names and values, nothing else. Pure, so that the
 * rules (schemes, default ports, which login means which protocol) and the
 * limits are tested without a broker. Knows no library.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/model/pipe.h"

enum {
    KAFKA_CONF_PROPERTIES_MAX = 64,
};

struct kafka_property {
    const char *name; /* static */
    char *value;      /* owned; may be a secret, wiped by kafka_conf_done */
};

struct kafka_conf {
    struct kafka_property items[KAFKA_CONF_PROPERTIES_MAX];
    size_t count;
};

/* What a consumer needs beyond the source's own definition. */
struct kafka_conf_consumer {
    const char *group_id;    /* borrowed */
    uint64_t prefetch_bytes; /* payload bytes librdkafka may queue ahead */
    bool is_read_committed;
    enum pipe_group_protocol protocol;
    enum pipe_assignor assignor; /* with PIPE_GROUP_CONSUMER the broker's of that kind */
    const char *instance_id;     /* borrowed; a static member's name, NULL = none */
};

/*
 * The properties needed to reach the brokers and log in. client_id: borrowed.
 * ST_INVALID for broker texts that are none or credentials that are missing or cannot be,
 * ST_NO_MEMORY. ret_conf: kafka_conf_done.
 */
enum status kafka_conf_connection(
    const struct kafka_source *source, const char *client_id, struct kafka_conf *ret_conf,
    struct err *err) MUST_CHECK;

/* Add what a consuming group member needs. ST_NO_MEMORY. */
enum status kafka_conf_add_consumer(
    struct kafka_conf *conf, const struct kafka_conf_consumer *consumer,
    struct err *err) MUST_CHECK;

/* The value of a property, NULL if it is not set. Borrowed. */
const char *kafka_conf_get(const struct kafka_conf *conf, const char *name);

/* Wipe and free. Safe twice and on a zeroed struct. */
void kafka_conf_done(struct kafka_conf *conf);

#endif
