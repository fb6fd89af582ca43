#ifndef WORKER_REPLICA_KAFKA_CLIENT_H
#define WORKER_REPLICA_KAFKA_CLIENT_H

/* From our property list to the library's own configuration object. */

#include <librdkafka/rdkafka.h>

#include "common/base/attr.h"
#include "common/base/err.h"

#include "worker/replica/kafka/conf.h"

/* Every property of conf, and no log output: what matters comes by the error callback.
 * ret_conf: owned, rd_kafka_conf_destroy or client_new. ST_INVALID for a property or value that
 * the library refuses, ST_NO_MEMORY. */
enum status
client_conf(const struct kafka_conf *conf, rd_kafka_conf_t **ret_conf, struct err *err) MUST_CHECK;

/* A consumer of this configuration, which is taken. A login that needs tokens gets them from the
 * library's background thread, whoever polls. ret_rk: owned by the process, which ends with it.
 * ST_INVALID for properties that do not fit each other, ST_INTERNAL. */
enum status client_new(rd_kafka_conf_t *conf, rd_kafka_t **ret_rk, struct err *err) MUST_CHECK;

#endif
