#ifndef WORKER_REPLICA_KAFKA_CLIENT_H
#define WORKER_REPLICA_KAFKA_CLIENT_H

/* From our property list to the library's own configuration object. */

#include <librdkafka/rdkafka.h>

#include "common/base/attr.h"
#include "common/base/err.h"

#include "worker/replica/kafka/conf.h"

/* Every property of conf, and no log output: what matters comes by the error callback.
 * ret_conf: owned, rd_kafka_conf_destroy or rd_kafka_new. ST_INVALID for a property or value that
 * the library refuses, ST_NO_MEMORY. */
enum status
client_conf(const struct kafka_conf *conf, rd_kafka_conf_t **ret_conf, struct err *err) MUST_CHECK;

#endif
