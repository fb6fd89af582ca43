#ifndef WORKER_REPLICA_KAFKA_MESSAGE_H
#define WORKER_REPLICA_KAFKA_MESSAGE_H

/* A message of the Kafka library as the decode room sees it. Inside this folder. */

#include <librdkafka/rdkafka.h>

#include "worker/replica/decode/record.h"

/* ret_record borrows from message, which must hold a record (no error). */
void message_record(struct record *ret_record, const rd_kafka_message_t *message);

#endif
