/* The rules of the consumer's configuration: schemes, default ports, logins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "worker/replica/kafka/conf.h"

#include <cmocka.h>

struct expected {
    const char *name;
    const char *value; /* NULL = must not be set */
};

struct row {
    const char *name;
    enum kafka_type type;
    enum kafka_auth authentication;
    const char *brokers;
    enum status status;
    const char *error_part; /* of err.text, for failures */
    struct expected expected[5];
};

static const struct row rows[] = {
    {"one broker",
     KAFKA_TYPE_KAFKA,
     KAFKA_AUTH_NONE,
     "h:1",
     ST_OK,
     NULL,
     {{"bootstrap.servers", "h:1"}, {"security.protocol", "plaintext"}, {"sasl.mechanism", NULL}}},
    {"blanks and empty items",
     KAFKA_TYPE_KAFKA,
     KAFKA_AUTH_NONE,
     " a:1 ,, b:2 ",
     ST_OK,
     NULL,
     {{"bootstrap.servers", "a:1,b:2"}}},
    {"port left out",
     KAFKA_TYPE_KAFKA,
     KAFKA_AUTH_NONE,
     "a,b:2",
     ST_OK,
     NULL,
     {{"bootstrap.servers", "a:9092,b:2"}}},
    {"IPv6",
     KAFKA_TYPE_KAFKA,
     KAFKA_AUTH_NONE,
     "[::1],[::2]:7",
     ST_OK,
     NULL,
     {{"bootstrap.servers", "[::1]:9092,[::2]:7"}}},
    {"Event Hubs port and login",
     KAFKA_TYPE_AZUREEVENTHUB,
     KAFKA_AUTH_PLAIN,
     "n.windows.net",
     ST_OK,
     NULL,
     {{"bootstrap.servers", "n.windows.net:9093"},
      {"security.protocol", "sasl_ssl"},
      {"sasl.username", "$ConnectionString"},
      {"sasl.password", "Endpoint=sb://x;SharedAccessKey=k"},
      {"sasl.mechanism", "PLAIN"}}},
    {"PLAIN is over TLS",
     KAFKA_TYPE_KAFKA,
     KAFKA_AUTH_PLAIN,
     "h:1",
     ST_OK,
     NULL,
     {{"security.protocol", "sasl_ssl"},
      {"sasl.mechanism", "PLAIN"},
      {"sasl.username", "alice"},
      {"sasl.password", "secret"},
      {"ssl.endpoint.identification.algorithm", "https"}}},
    {"SCRAM 512",
     KAFKA_TYPE_KAFKA,
     KAFKA_AUTH_SCRAM_SHA_512,
     "h:1",
     ST_OK,
     NULL,
     {{"security.protocol", "sasl_ssl"}, {"sasl.mechanism", "SCRAM-SHA-512"}}},
    {"scheme decides: SASL without TLS",
     KAFKA_TYPE_KAFKA,
     KAFKA_AUTH_SCRAM_SHA_256,
     "sasl_plaintext://h:1",
     ST_OK,
     NULL,
     {{"security.protocol", "sasl_plaintext"},
      {"sasl.mechanism", "SCRAM-SHA-256"},
      {"bootstrap.servers", "h:1"},
      {"ssl.ca.pem", NULL}}},
    {"scheme decides: login not used",
     KAFKA_TYPE_KAFKA,
     KAFKA_AUTH_PLAIN,
     "PLAINTEXT://h:1",
     ST_OK,
     NULL,
     {{"security.protocol", "plaintext"}, {"sasl.username", NULL}}},
    {"scheme decides: TLS",
     KAFKA_TYPE_KAFKA,
     KAFKA_AUTH_NONE,
     "SSL://h:1,ssl://i:2",
     ST_OK,
     NULL,
     {{"security.protocol", "ssl"}, {"ssl.ca.pem", "CA"}, {"bootstrap.servers", "h:1,i:2"}}},
    {"client certificate",
     KAFKA_TYPE_KAFKA,
     KAFKA_AUTH_MUTUAL_TLS,
     "h:1",
     ST_OK,
     NULL,
     {{"security.protocol", "ssl"},
      {"ssl.certificate.pem", "CERT"},
      {"ssl.key.pem", "KEY"},
      {"ssl.ca.pem", "CA"}}},
    {"mixed schemes",
     KAFKA_TYPE_KAFKA,
     KAFKA_AUTH_NONE,
     "SSL://h:1,i:2",
     ST_INVALID,
     "same scheme",
     {{NULL, NULL}}},
    {"different schemes",
     KAFKA_TYPE_KAFKA,
     KAFKA_AUTH_NONE,
     "SSL://h:1,PLAINTEXT://i:2",
     ST_INVALID,
     "same scheme",
     {{NULL, NULL}}},
    {"unknown scheme",
     KAFKA_TYPE_KAFKA,
     KAFKA_AUTH_NONE,
     "http://h:1",
     ST_INVALID,
     "unknown scheme",
     {{NULL, NULL}}},
    {"no broker",
     KAFKA_TYPE_KAFKA,
     KAFKA_AUTH_NONE,
     " , ",
     ST_INVALID,
     "no broker",
     {{NULL, NULL}}},
    {"no host", KAFKA_TYPE_KAFKA, KAFKA_AUTH_NONE, "SSL://", ST_INVALID, "no host", {{NULL, NULL}}},
    {"SASL without a login",
     KAFKA_TYPE_KAFKA,
     KAFKA_AUTH_NONE,
     "SASL_SSL://h:1",
     ST_INVALID,
     "PLAIN or SCRAM",
     {{NULL, NULL}}},
    {"IAM role",
     KAFKA_TYPE_MSK,
     KAFKA_AUTH_IAM_ROLE,
     "h:1",
     ST_OK,
     NULL,
     {{"security.protocol", "sasl_ssl"},
      {"sasl.mechanism", "OAUTHBEARER"},
      {"sasl.oauthbearer.config", "\x1f\x1f\x1f"
                                  "arn:aws:iam::1:role/r\x1f"},
      {"sasl.username", NULL},
      {"sasl.password", NULL}}},
    {"IAM user",
     KAFKA_TYPE_MSK,
     KAFKA_AUTH_IAM_USER,
     "b-1.n.c2.kafka.us-east-1.amazonaws.com",
     ST_OK,
     NULL,
     {{"security.protocol", "sasl_ssl"},
      {"bootstrap.servers", "b-1.n.c2.kafka.us-east-1.amazonaws.com:9098"},
      {"sasl.mechanism", "OAUTHBEARER"},
      {"sasl.oauthbearer.config", "us-east-1\x1f"
                                  "AKID\x1fsecret\x1f\x1f"}}},
};

static char username[] = "alice";
static char password[] = "secret";
static char access_key_id[] = "AKID";
static char role[] = "arn:aws:iam::1:role/r";
static char certificate[] = "CERT";
static char private_key[] = "KEY";
static char connection[] = "Endpoint=sb://x;SharedAccessKey=k";
static char authority[] = "CA";

static void row_source(const struct row *row, struct kafka_source *ret_source)
{
    *ret_source = (struct kafka_source){
        .type = row->type,
        .authentication = row->authentication,
        .ca_certificate = authority,
        .iam_role = role,
    };
    if (row->type == KAFKA_TYPE_AZUREEVENTHUB) {
        ret_source->credentials.connection_string.bytes = connection;
        ret_source->credentials.connection_string.len_bytes = strlen(connection);
        return;
    }
    if (row->authentication == KAFKA_AUTH_NONE) {
        return;
    }
    ret_source->credentials = (struct kafka_credentials){
        .username = username,
        .password = {.bytes = password, .len_bytes = strlen(password)},
        .certificate_pem = certificate,
        .access_key_id = access_key_id,
        .secret_key = {.bytes = password, .len_bytes = strlen(password)},
        .private_key_pem = {.bytes = private_key, .len_bytes = strlen(private_key)},
    };
}

static void rows_hold(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        char brokers[256];
        (void)snprintf(brokers, sizeof(brokers), "%s", row->brokers); /* they fit */
        struct kafka_source source;
        row_source(row, &source);
        source.brokers = brokers;
        struct kafka_conf conf = {.count = 0};
        struct err err = {.status = ST_OK};
        print_message("%s\n", row->name);
        assert_int_equal(kafka_conf_connection(&source, "client", &conf, &err), row->status);
        if (row->status != ST_OK) {
            assert_int_equal(conf.count, 0);
            assert_non_null(strstr(err.text, row->error_part));
            continue;
        }
        assert_string_equal(kafka_conf_get(&conf, "client.id"), "client");
        for (size_t e = 0; e < ARRAY_LEN(row->expected) && row->expected[e].name != NULL; e++) {
            const char *value = kafka_conf_get(&conf, row->expected[e].name);
            if (row->expected[e].value == NULL) {
                assert_null(value);
            } else {
                assert_non_null(value);
                assert_string_equal(value, row->expected[e].value);
            }
        }
        kafka_conf_done(&conf);
        kafka_conf_done(&conf);
    }
}

static void missing_credentials_are_named(void **state)
{
    (void)state;
    static const enum kafka_auth logins[] = {
        KAFKA_AUTH_PLAIN, KAFKA_AUTH_SCRAM_SHA_256, KAFKA_AUTH_MUTUAL_TLS, KAFKA_AUTH_IAM_USER,
        KAFKA_AUTH_IAM_ROLE};
    char brokers[] = "h:1";
    for (size_t i = 0; i < ARRAY_LEN(logins); i++) {
        struct kafka_source source = {.authentication = logins[i], .brokers = brokers};
        struct kafka_conf conf = {.count = 0};
        struct err err = {.status = ST_OK};
        assert_int_equal(kafka_conf_connection(&source, "c", &conf, &err), ST_INVALID);
        assert_non_null(strstr(err.text, kafka_auth_text(logins[i])));
    }
}

static void consumer_never_commits_by_itself(void **state)
{
    (void)state;
    static const struct {
        bool is_read_committed;
        uint64_t prefetch_bytes;
        const char *isolation;
        const char *kbytes;
    } consumers[] = {
        {false, (uint64_t)16 * 1024 * 1024, "read_uncommitted", "16384"},
        {true, 0, "read_committed", "1"},
    };
    char brokers[] = "h:1";
    struct kafka_source source = {.brokers = brokers};
    for (size_t i = 0; i < ARRAY_LEN(consumers); i++) {
        struct kafka_conf conf = {.count = 0};
        struct kafka_conf_consumer consumer = {
            .group_id = "g",
            .is_read_committed = consumers[i].is_read_committed,
            .prefetch_bytes = consumers[i].prefetch_bytes,
        };
        assert_int_equal(kafka_conf_connection(&source, "c", &conf, NULL), ST_OK);
        assert_int_equal(kafka_conf_add_consumer(&conf, &consumer, NULL), ST_OK);
        assert_string_equal(kafka_conf_get(&conf, "group.id"), "g");
        assert_string_equal(kafka_conf_get(&conf, "enable.auto.commit"), "false");
        assert_string_equal(kafka_conf_get(&conf, "enable.auto.offset.store"), "false");
        assert_string_equal(kafka_conf_get(&conf, "auto.offset.reset"), "error");
        assert_string_equal(kafka_conf_get(&conf, "check.crcs"), "true");
        assert_string_equal(kafka_conf_get(&conf, "isolation.level"), consumers[i].isolation);
        assert_string_equal(
            kafka_conf_get(&conf, "queued.max.messages.kbytes"), consumers[i].kbytes);
        kafka_conf_done(&conf);
    }
}

static void membership_follows_the_settings(void **state)
{
    (void)state;
    static const struct {
        struct kafka_conf_consumer consumer;
        const char *strategy; /* NULL = not set */
        const char *session;
        const char *protocol;
        const char *remote;
        const char *instance;
    } cases[] = {
        {{.assignor = PIPE_ASSIGNOR_RANGE}, "range,roundrobin", "6000", NULL, NULL, NULL},
        {{.assignor = PIPE_ASSIGNOR_ROUNDROBIN, .instance_id = "p-0"},
         "roundrobin,range",
         "6000",
         NULL,
         NULL,
         "p-0"},
        {{.assignor = PIPE_ASSIGNOR_COOPERATIVE_STICKY},
         "cooperative-sticky",
         "6000",
         NULL,
         NULL,
         NULL},
        {{.protocol = PIPE_GROUP_CONSUMER}, NULL, NULL, "consumer", "range", NULL},
        {{.protocol = PIPE_GROUP_CONSUMER,
          .assignor = PIPE_ASSIGNOR_COOPERATIVE_STICKY,
          .instance_id = "p-0"},
         NULL,
         NULL,
         "consumer",
         "uniform",
         "p-0"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct kafka_conf conf = {.count = 0};
        struct kafka_conf_consumer consumer = cases[i].consumer;
        consumer.group_id = "g";
        assert_int_equal(kafka_conf_add_consumer(&conf, &consumer, NULL), ST_OK);
        const struct {
            const char *name;
            const char *value;
        } wanted[] = {
            {"partition.assignment.strategy", cases[i].strategy},
            {"session.timeout.ms", cases[i].session},
            {"group.protocol", cases[i].protocol},
            {"group.remote.assignor", cases[i].remote},
            {"group.instance.id", cases[i].instance},
        };
        for (size_t at = 0; at < ARRAY_LEN(wanted); at++) {
            const char *value = kafka_conf_get(&conf, wanted[at].name);
            assert_true(
                value == NULL ? wanted[at].value == NULL
                              : wanted[at].value != NULL && strcmp(value, wanted[at].value) == 0);
        }
        kafka_conf_done(&conf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_hold),
        cmocka_unit_test(missing_credentials_are_named),
        cmocka_unit_test(consumer_never_commits_by_itself),
        cmocka_unit_test(membership_follows_the_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
