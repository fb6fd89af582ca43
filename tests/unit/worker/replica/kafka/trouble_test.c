/* Each error with the hint that its login calls for. */
#include <string.h>

#include "tests/unit/unit.h"
#include "worker/replica/kafka/trouble.h"

static char brokers[64];
static char authority[] = "CA";

static void
login_of(enum kafka_type type, enum kafka_auth auth, const char *address, struct trouble_login *ret)
{
    char name[] = "n";
    char secret[] = "hunter2";
    struct kafka_source source = {
        .type = type,
        .authentication = auth,
        .brokers = brokers,
        .iam_role = name,
        .ca_certificate = authority,
        .credentials =
            {.username = name,
             .access_key_id = name,
             .certificate_pem = name,
             .password = {secret, 7},
             .secret_key = {secret, 7},
             .private_key_pem = {secret, 7}},
    };
    if (type == KAFKA_TYPE_AZUREEVENTHUB) {
        source.credentials.connection_string = (struct secret){secret, 7};
    }
    (void)snprintf(brokers, sizeof(brokers), "%s", address); /* they fit */
    struct kafka_conf conf = {.count = 0};
    const struct kafka_conf_consumer consumer = {.group_id = "readers"};
    assert_int_equal(kafka_conf_connection(&source, "c", &conf, NULL), ST_OK);
    assert_int_equal(kafka_conf_add_consumer(&conf, &consumer, NULL), ST_OK);
    trouble_login(&conf, ret);
    kafka_conf_done(&conf);
}

static void hints(void **state)
{
    (void)state;
    static const struct {
        enum kafka_type type;
        enum kafka_auth auth;
        const char *brokers;
        rd_kafka_resp_err_t error;
        enum pipe_reason reason;
        const char *part; /* "" = no hint */
    } rows[] = {
        {KAFKA_TYPE_KAFKA, KAFKA_AUTH_PLAIN, "h", RD_KAFKA_RESP_ERR__AUTHENTICATION,
         PIPE_REASON_SOURCE_AUTHENTICATION, "(check the authentication method, the user name"},
        {KAFKA_TYPE_KAFKA, KAFKA_AUTH_SCRAM_SHA_256, "h", RD_KAFKA_RESP_ERR__AUTHENTICATION,
         PIPE_REASON_SOURCE_AUTHENTICATION, "the user name and the password"},
        {KAFKA_TYPE_MSK, KAFKA_AUTH_IAM_USER, "h", RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED,
         PIPE_REASON_SOURCE_AUTHENTICATION, "kafka-cluster:Connect"},
        {KAFKA_TYPE_AZUREEVENTHUB, KAFKA_AUTH_PLAIN, "h", RD_KAFKA_RESP_ERR__AUTHENTICATION,
         PIPE_REASON_SOURCE_AUTHENTICATION, "Listen claim"},
        {KAFKA_TYPE_AZUREEVENTHUB, KAFKA_AUTH_PLAIN, "h:9092", RD_KAFKA_RESP_ERR__TRANSPORT,
         PIPE_REASON_SOURCE_UNREACHABLE, "port 9093"},
        {KAFKA_TYPE_AZUREEVENTHUB, KAFKA_AUTH_PLAIN, "h", RD_KAFKA_RESP_ERR__RESOLVE,
         PIPE_REASON_SOURCE_UNREACHABLE, ""},
        {KAFKA_TYPE_KAFKA, KAFKA_AUTH_MUTUAL_TLS, "h", RD_KAFKA_RESP_ERR__TRANSPORT,
         PIPE_REASON_SOURCE_UNREACHABLE, "does not know the client's certificate"},
        {KAFKA_TYPE_KAFKA, KAFKA_AUTH_PLAIN, "SSL://h", RD_KAFKA_RESP_ERR__TRANSPORT,
         PIPE_REASON_SOURCE_UNREACHABLE, "MUTUAL_TLS"},
        {KAFKA_TYPE_KAFKA, KAFKA_AUTH_PLAIN, "h", RD_KAFKA_RESP_ERR__SSL,
         PIPE_REASON_SOURCE_UNREACHABLE, "(check the CA certificate"},
        {KAFKA_TYPE_KAFKA, KAFKA_AUTH_MUTUAL_TLS, "h", RD_KAFKA_RESP_ERR__SSL,
         PIPE_REASON_SOURCE_UNREACHABLE, "certificate and key"},
        {KAFKA_TYPE_KAFKA, KAFKA_AUTH_NONE, "h", RD_KAFKA_RESP_ERR__TRANSPORT,
         PIPE_REASON_SOURCE_UNREACHABLE, ""},
        {KAFKA_TYPE_KAFKA, KAFKA_AUTH_PLAIN, "h", RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
         PIPE_REASON_SOURCE_AUTHORIZATION, "(missing: the ACL operation READ on the topic)"},
        {KAFKA_TYPE_KAFKA, KAFKA_AUTH_PLAIN, "h", RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
         PIPE_REASON_SOURCE_AUTHORIZATION, "READ on the group 'readers')"},
        {KAFKA_TYPE_MSK, KAFKA_AUTH_IAM_ROLE, "h", RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
         PIPE_REASON_SOURCE_AUTHORIZATION, "kafka-cluster:ReadData on the topic"},
        {KAFKA_TYPE_MSK, KAFKA_AUTH_IAM_ROLE, "h", RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
         PIPE_REASON_SOURCE_AUTHORIZATION, "kafka-cluster:DescribeGroup on the group 'readers'"},
        {KAFKA_TYPE_KAFKA, KAFKA_AUTH_PLAIN, "h", RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
         PIPE_REASON_SOURCE_AUTHORIZATION, ""},
        {KAFKA_TYPE_KAFKA, KAFKA_AUTH_PLAIN, "h", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
         PIPE_REASON_TOPIC_NOT_FOUND, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct trouble_login login;
        login_of(rows[i].type, rows[i].auth, rows[i].brokers, &login);
        char text[TROUBLE_TEXT_BYTES];
        trouble_text(rows[i].error, "what the library said", &login, text);
        print_message("%s\n", text);
        assert_int_equal(trouble_reason(rows[i].error), rows[i].reason);
        assert_non_null(strstr(text, rd_kafka_err2name(rows[i].error)));
        const char *hint = strstr(text, ": what the library said");
        assert_non_null(hint);
        hint += strlen(": what the library said");
        if (rows[i].part[0] == '\0') {
            assert_string_equal(hint, "");
        } else {
            assert_non_null(strstr(hint, rows[i].part));
        }
    }
}

static void a_long_text_leaves_room_for_the_hint(void **state)
{
    (void)state;
    struct trouble_login login;
    login_of(KAFKA_TYPE_KAFKA, KAFKA_AUTH_PLAIN, "h", &login);
    char words[4096];
    memset(words, 'w', sizeof(words) - 1);
    words[sizeof(words) - 1] = '\0';
    char text[TROUBLE_TEXT_BYTES];
    trouble_text(RD_KAFKA_RESP_ERR__AUTHENTICATION, words, &login, text);
    assert_non_null(strstr(text, "w (check the authentication method"));
    trouble_text(RD_KAFKA_RESP_ERR__AUTHENTICATION, NULL, &login, text);
    assert_non_null(strstr(text, "_AUTHENTICATION: "));
}

static void certificates_that_are_the_reason(void **state)
{
    (void)state;
    static const struct {
        int64_t client_end_s;
        int64_t ca_end_s;
        int refusal; /* by OpenSSL's code */
        const char *part;
    } rows[] = {
        {1, 1, 10, " (the client's certificate expired on 1970-01-01T00:00:01Z; "},
        {INT64_MAX, 1, 10, " (the CA certificate expired on 1970-01-01T00:00:01Z; "},
        {INT64_MAX, INT64_MAX, 10,
         " (the broker's certificate is refused: certificate has expired; check the CA"},
        {0, 0, 0, " (check the CA certificate, the client's certificate and key"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct trouble_login login;
        login_of(KAFKA_TYPE_KAFKA, KAFKA_AUTH_MUTUAL_TLS, "h", &login);
        assert_int_equal(login.certificate_end_s, 0); /* what is no certificate has no end */
        login.certificate_end_s = rows[i].client_end_s;
        login.ca_end_s = rows[i].ca_end_s;
        assert_int_equal(trouble_verified(&login, rows[i].refusal), rows[i].refusal == 0);
        char text[TROUBLE_TEXT_BYTES];
        trouble_text(RD_KAFKA_RESP_ERR__SSL, "handshake failed", &login, text);
        assert_non_null(strstr(text, rows[i].part));
    }
}

/* Only a pipe that asked for the new group protocol is told what it needs. */
static void what_a_broker_lacks(void **state)
{
    (void)state;
    struct trouble_login login;
    login_of(KAFKA_TYPE_KAFKA, KAFKA_AUTH_PLAIN, "h", &login);
    assert_false(login.is_new_group);
    static const rd_kafka_resp_err_t errors[] = {
        RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION};
    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        char text[TROUBLE_TEXT_BYTES];
        login.is_new_group = false;
        trouble_text(errors[i], "why", &login, text);
        assert_null(strstr(text, "Kafka 4.0"));
        login.is_new_group = true;
        trouble_text(errors[i], "why", &login, text);
        assert_non_null(strstr(text, "penstock_group_protocol=consumer needs Kafka 4.0"));
    }
    assert_int_equal(
        trouble_reason(RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE), PIPE_REASON_SOURCE_UNREACHABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hints),
        cmocka_unit_test(certificates_that_are_the_reason),
        cmocka_unit_test(what_a_broker_lacks),
        cmocka_unit_test(a_long_text_leaves_room_for_the_hint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
