#ifndef WORKER_REPLICA_REPLICA_H
#define WORKER_REPLICA_REPLICA_H

/*
 * The child process that moves records: `penstock-worker --replica`. It reads its spec from
 * descriptor 3, joins the pipe's consumer group and runs until SIGTERM, the loss of its lease or a
 * failure that needs a person, reporting on descriptor 4 (worker/protocol/protocol.h).
 */

/* Run to the end. Returns an enum protocol_exit for main to end with by _exit(): the Kafka library
 * must not be waited for (rd_kafka_destroy of 2.0.2 may never return). */
int replica_main(void);

#endif
