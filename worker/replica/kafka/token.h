#ifndef WORKER_REPLICA_KAFKA_TOKEN_H
#define WORKER_REPLICA_KAFKA_TOKEN_H

/* Tokens for the library's OAUTHBEARER login: asked for when a client is made, and again when four
 * fifths of a token's life are over. */

#include <librdkafka/rdkafka.h>

/*
 * Let clients of this configuration ask us. The text of sasl.oauthbearer.config is an
 * aws_login_write. The library calls from its background thread (client_new), where blocking is
 * allowed; it tells a failure to the error callback and asks again every 10 s.
 */
void token_attach(rd_kafka_conf_t *conf);

#endif
