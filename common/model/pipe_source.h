#ifndef COMMON_MODEL_PIPE_SOURCE_H
#define COMMON_MODEL_PIPE_SOURCE_H

/* The "source" part of a pipe. Inside this room. */

#include "common/model/pipe_json.h"

/* Read source.kafka below the definition's root and the secrets' root (json NULL = no secrets).
 * Problems go to reader; the struct is fit for kafka_source_done whatever happens. */
void kafka_source_read(
    struct pipe_reader *reader, const struct pipe_node *definition, const struct pipe_node *secrets,
    struct kafka_source *ret_source);
void kafka_source_done(struct kafka_source *source);

/* Whether all credentials given are texts, also those that the authentication does not use. */
bool kafka_credentials_check(
    struct pipe_reader *reader, const struct pipe_node *kafka, const struct pipe_node *secrets);

/* Credentials by authentication, and the registry with its own (pipe_credentials.c). */
void kafka_credentials_read(
    struct pipe_reader *reader, const struct pipe_node *kafka, const struct pipe_node *secrets,
    struct kafka_source *source);
void schema_registry_read(
    struct pipe_reader *reader, const struct pipe_node *kafka, const struct pipe_node *secrets,
    struct kafka_source *source);

/* A PEM text of certificates at `key`, NULL if absent. */
void pipe_certificate_read(
    struct pipe_reader *reader, const struct pipe_node *parent, const char *key, char **ret_pem);

/* What a broker list says about the protocol. */
enum kafka_scheme {
    KAFKA_SCHEME_NONE, /* no item has one */
    KAFKA_SCHEME_PLAINTEXT,
    KAFKA_SCHEME_SSL,
    KAFKA_SCHEME_SASL_PLAINTEXT,
    KAFKA_SCHEME_SASL_SSL,
};

/* Check a comma separated broker list; problems at `pointer` (pipe_brokers.c). */
enum kafka_scheme
kafka_brokers_check(struct pipe_reader *reader, const char *brokers, const char *pointer);

/* Split and check a comma separated topic list. */
void kafka_topics_read(
    struct pipe_reader *reader, const char *topics, const char *pointer,
    struct text_list *ret_topics);

#endif
