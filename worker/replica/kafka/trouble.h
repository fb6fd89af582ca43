#ifndef WORKER_REPLICA_KAFKA_TROUBLE_H
#define WORKER_REPLICA_KAFKA_TROUBLE_H

/* What an error of the Kafka library means for a pipe, and a sentence that a person can use. */

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/model/pipe_state.h"

#include "worker/replica/kafka/conf.h"

enum {
    TROUBLE_TEXT_BYTES = 1024
};

/* PIPE_REASON_NONE for errors that pass by themselves (a broker of several gone, a rebalance). */
enum pipe_reason trouble_reason(rd_kafka_resp_err_t error);

/* What of a client's login and place makes one error mean another thing. */
struct trouble_login {
    bool is_scram; /* librdkafka below 2.6.1 cannot log in to Kafka 4 with it */
    bool is_iam;
    bool has_certificate; /* of the client */
    bool is_tls;
    bool is_event_hubs;
    bool has_odd_port;         /* Event Hubs, and a port that is not its 9093 */
    bool is_new_group;         /* group protocol of KIP-848 */
    char group[128];           /* "" = none; cut when longer */
    int64_t certificate_end_s; /* of the client's, seconds since 1970; 0 = none */
    int64_t ca_end_s;
    atomic_int refusal; /* of the last broker's certificate, by OpenSSL's code; 0 = none. Written by
                           the library's threads */
};

void trouble_login(const struct kafka_conf *conf, struct trouble_login *ret_login);

/* For a callback of the library that verifies certificates: what OpenSSL found is noted, and is the
 * answer (1 = accepted, 0 = refused). login: live as long as the client. */
int trouble_verified(struct trouble_login *login, int x509_error);

/* One line: Kafka's error name, what the library said, and a hint where we know one: what to check,
 * or which right is missing. text may be NULL. */
void trouble_text(
    rd_kafka_resp_err_t error, const char *text, const struct trouble_login *login,
    char ret_text[TROUBLE_TEXT_BYTES]);

#endif
