/* Kafka error codes → pipe reasons, as librdkafka was observed to report them. */
#include "worker/replica/kafka/trouble.h"

#include <stdio.h>

enum {
    SCRAM_FIXED_VERSION = 0x020601ff /* librdkafka 2.6.1: client nonce no longer sent twice */
};

enum pipe_reason trouble_reason(rd_kafka_resp_err_t error)
{
    switch (error) {
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
        return PIPE_REASON_SOURCE_UNREACHABLE;
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
    case RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE:
        return PIPE_REASON_SOURCE_AUTHENTICATION;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
        return PIPE_REASON_SOURCE_AUTHORIZATION;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
        return PIPE_REASON_TOPIC_NOT_FOUND;
    default:
        return PIPE_REASON_NONE;
    }
}

static const char *trouble_hint(rd_kafka_resp_err_t error, bool is_scram)
{
    enum pipe_reason reason = trouble_reason(error);
    if (reason == PIPE_REASON_SOURCE_AUTHENTICATION && is_scram &&
        rd_kafka_version() < SCRAM_FIXED_VERSION) {
        return " (librdkafka below 2.6.1 cannot log in with SCRAM to Kafka 4.0 or later)";
    }
    if (error == RD_KAFKA_RESP_ERR__SSL) {
        return " (check the CA certificate, the host name and that the port speaks TLS)";
    }
    return "";
}

void trouble_text(
    rd_kafka_resp_err_t error, const char *text, bool is_scram, char ret_text[TROUBLE_TEXT_BYTES])
{
    const char *words = text == NULL || text[0] == '\0' ? rd_kafka_err2str(error) : text;
    (void)snprintf(
        ret_text, TROUBLE_TEXT_BYTES, "%s: %.*s%s", rd_kafka_err2name(error),
        TROUBLE_TEXT_BYTES - 160, words, trouble_hint(error, is_scram)); /* cut when long */
}
