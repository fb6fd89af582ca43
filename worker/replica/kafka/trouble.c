/* Kafka error codes → pipe reasons, as librdkafka was observed to report them. */
#include "worker/replica/kafka/trouble.h"

#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/model/certificate.h"

#include "worker/replica/kafka/library.h"

enum {
    TROUBLE_HINT_BYTES = 320,
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
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE: /* the broker is too old for what is asked of it */
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

/* 0: there is none, or it cannot be read. */
static int64_t end_of(const char *pem, enum certificate_pick pick)
{
    int64_t end_s = 0;
    return pem != NULL && certificate_end(pem, pick, &end_s) == ST_OK ? end_s : 0;
}

void trouble_login(const struct kafka_conf *conf, struct trouble_login *ret_login)
{
    const char *mechanism = kafka_conf_get(conf, "sasl.mechanism");
    const char *protocol = kafka_conf_get(conf, "security.protocol");
    const char *username = kafka_conf_get(conf, "sasl.username");
    const char *group = kafka_conf_get(conf, "group.id");
    const char *brokers = kafka_conf_get(conf, "bootstrap.servers");
    const char *group_protocol = kafka_conf_get(conf, "group.protocol");
    bool is_event_hubs = username != NULL && strcmp(username, "$ConnectionString") == 0;
    *ret_login = (struct trouble_login){
        .is_scram = mechanism != NULL && strncmp(mechanism, "SCRAM", 5) == 0,
        .is_iam = kafka_conf_get(conf, "sasl.oauthbearer.config") != NULL,
        .has_certificate = kafka_conf_get(conf, "ssl.certificate.pem") != NULL,
        .is_tls = protocol != NULL && strstr(protocol, "ssl") != NULL,
        .is_event_hubs = is_event_hubs,
        .has_odd_port = is_event_hubs && brokers != NULL && strstr(brokers, ":9093") == NULL,
        .is_new_group = group_protocol != NULL && strcmp(group_protocol, "consumer") == 0,
    };
    (void)snprintf(
        ret_login->group, sizeof(ret_login->group), "%s", group == NULL ? "" : group); /* cut */
    ret_login->certificate_end_s =
        end_of(kafka_conf_get(conf, "ssl.certificate.pem"), CERTIFICATE_FIRST);
    ret_login->ca_end_s = end_of(kafka_conf_get(conf, "ssl.ca.pem"), CERTIFICATE_LATEST);
}

int trouble_verified(struct trouble_login *login, int x509_error)
{
    atomic_store(&login->refusal, x509_error);
    return x509_error == 0 ? 1 : 0;
}

static const char HINT_NEW_GROUP[] =
    " (penstock_group_protocol=consumer needs Kafka 4.0 or newer, with 'consumer' among its "
    "group.coordinator.rebalance.protocols; 'classic' works with all)";

static const char *hint_authentication(const struct trouble_login *login)
{
    if (login->is_scram && rd_kafka_version() < LIBRARY_SCRAM_FIXED) {
        return " (check the user name and the password; librdkafka below 2.6.1 cannot log in with "
               "SCRAM to Kafka 4.0 or later)";
    }
    if (login->is_iam) {
        return " (IAM needs a valid key or role, a policy that allows kafka-cluster:Connect, and a "
               "clock that is right)";
    }
    if (login->is_event_hubs) {
        return " (check the connection string: its policy must have the Listen claim)";
    }
    return " (check the authentication method, the user name and the password)";
}

static const char *
hint_unreachable(rd_kafka_resp_err_t error, const char *words, const struct trouble_login *login)
{
    if (error == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE) {
        return login->is_new_group ? HINT_NEW_GROUP : "";
    }
    if (login->has_odd_port) {
        return " (Event Hubs speaks Kafka on port 9093)";
    }
    /* A certificate that we do not trust is _SSL or _TRANSPORT, as the handshake goes. */
    if (error == RD_KAFKA_RESP_ERR__SSL || strstr(words, "verify failed") != NULL) {
        return login->has_certificate
                   ? " (check the CA certificate, the client's certificate and key, the host name "
                     "and that the port speaks TLS)"
                   : " (check the CA certificate, the host name and that the port speaks TLS; the "
                     "broker may ask for a client certificate)";
    }
    if (error == RD_KAFKA_RESP_ERR__TRANSPORT && login->is_tls) {
        return login->has_certificate
                   ? " (a broker that does not know the client's certificate closes like this)"
                   : " (a broker that asks for a client certificate closes like this: MUTUAL_TLS)";
    }
    return "";
}

/* A certificate that is known to be the reason, before the advice there is without it. */
static void hint_certificate(
    const char *advice, const struct trouble_login *login, char *ret_hint, size_t len_bytes)
{
    const int64_t now_s = clock_wall_ms() / 1000;
    const bool is_client = login->certificate_end_s != 0 && login->certificate_end_s <= now_s;
    const bool is_ca = login->ca_end_s != 0 && login->ca_end_s <= now_s;
    const int refusal = atomic_load(&login->refusal);
    if (is_client || is_ca) {
        char end[CLOCK_RFC3339_BYTES];
        clock_rfc3339((is_client ? login->certificate_end_s : login->ca_end_s) * 1000, end);
        (void)snprintf(
            ret_hint, len_bytes, " (%s expired on %s; give the pipe a new one)",
            is_client ? "the client's certificate" : "the CA certificate", end); /* fits */
    } else if (refusal != 0 && advice[0] != '\0') {
        (void)snprintf(
            ret_hint, len_bytes, " (the broker's certificate is refused: %s; %s",
            certificate_problem(refusal), advice + 2); /* behind " (" */
    } else {
        (void)snprintf(ret_hint, len_bytes, "%s", advice); /* ours are short */
    }
}

/* The right that is missing: Kafka's ACL operations, or MSK's policy actions. */
static void hint_authorization(
    rd_kafka_resp_err_t error, const struct trouble_login *login, char *ret_hint, size_t len_bytes)
{
    switch (error) {
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        (void)snprintf(
            ret_hint, len_bytes, " (missing: %s on the topic)",
            login->is_iam ? "kafka-cluster:DescribeTopic and kafka-cluster:ReadData"
                          : "the ACL operation READ");
        return;
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
        (void)snprintf(
            ret_hint, len_bytes, " (missing: %s on the group '%s')",
            login->is_iam ? "kafka-cluster:AlterGroup and kafka-cluster:DescribeGroup"
                          : "the ACL operation READ",
            login->group);
        return;
    default:
        return;
    }
}

void trouble_text(
    rd_kafka_resp_err_t error, const char *text, const struct trouble_login *login,
    char ret_text[TROUBLE_TEXT_BYTES])
{
    const char *words = text == NULL || text[0] == '\0' ? rd_kafka_err2str(error) : text;
    char hint[TROUBLE_HINT_BYTES] = "";
    switch (trouble_reason(error)) {
    case PIPE_REASON_SOURCE_AUTHENTICATION:
        (void)snprintf(hint, sizeof(hint), "%s", hint_authentication(login)); /* ours are short */
        break;
    case PIPE_REASON_SOURCE_UNREACHABLE:
        hint_certificate(hint_unreachable(error, words, login), login, hint, sizeof(hint));
        break;
    case PIPE_REASON_SOURCE_AUTHORIZATION:
        hint_authorization(error, login, hint, sizeof(hint));
        break;
    default:
        if (error == RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION && login->is_new_group) {
            (void)snprintf(hint, sizeof(hint), "%s", HINT_NEW_GROUP); /* fits */
        }
        break;
    }
    (void)snprintf(
        ret_text, TROUBLE_TEXT_BYTES, "%s: %.*s%s", rd_kafka_err2name(error),
        TROUBLE_TEXT_BYTES - TROUBLE_HINT_BYTES - 64, words, hint); /* cut when long */
}
