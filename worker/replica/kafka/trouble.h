#ifndef WORKER_REPLICA_KAFKA_TROUBLE_H
#define WORKER_REPLICA_KAFKA_TROUBLE_H

/* What an error of the Kafka library means for a pipe, and a sentence that a person can use. */

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/model/pipe_state.h"

enum {
    TROUBLE_TEXT_BYTES = 768
};

/* PIPE_REASON_NONE for errors that pass by themselves (a broker of several gone, a rebalance). */
enum pipe_reason trouble_reason(rd_kafka_resp_err_t error);

/*
 * One line: Kafka's error name, what the library said, and a hint where we know one. text may be
 * NULL. is_scram: the login is SCRAM (librdkafka below 2.6.1 cannot log in to Kafka 4 with it).
 */
void trouble_text(
    rd_kafka_resp_err_t error, const char *text, bool is_scram, char ret_text[TROUBLE_TEXT_BYTES]);

#endif
