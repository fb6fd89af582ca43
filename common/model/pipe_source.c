/*
 * source.kafka: what to read and from where. What a member may be says openapi/penstock.yaml; the
 * brokers may carry Kafka's own protocol names (pipe_brokers.c).
 */
#include "common/model/pipe_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void source_check_kind(struct pipe_reader *reader, const struct pipe_node *source)
{
    static const char *const others[] = {"objectStorage", "kinesis",  "pubsub", "postgres",
                                         "mysql",         "bigquery", "mongodb"};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct pipe_node node = pipe_json_member(source, others[i]);
        if (node.json != NULL) {
            pipe_problems_add(
                reader->problems, node.pointer, "only Kafka sources are supported by Penstock");
        }
    }
}

/* Which broker types take which authentication (ClickHouse Cloud's OpenAPI). For plain Kafka and
 * Redpanda, which people run themselves, every method those brokers have; a broker without
 * authentication may be of any type. */
static bool source_auth_fits(enum kafka_type type, enum kafka_auth auth)
{
    enum {
        PLAIN = 1 << KAFKA_AUTH_PLAIN,
        SCRAM_256 = 1 << KAFKA_AUTH_SCRAM_SHA_256,
        SCRAM_512 = 1 << KAFKA_AUTH_SCRAM_SHA_512,
        IAM = 1 << KAFKA_AUTH_IAM_ROLE | 1 << KAFKA_AUTH_IAM_USER,
        TLS = 1 << KAFKA_AUTH_MUTUAL_TLS,
    };
    static const unsigned fits[] = {
        [KAFKA_TYPE_KAFKA] = PLAIN | SCRAM_256 | SCRAM_512 | TLS,
        [KAFKA_TYPE_REDPANDA] = PLAIN | SCRAM_256 | SCRAM_512 | TLS,
        [KAFKA_TYPE_MSK] = SCRAM_512 | IAM | TLS,
        [KAFKA_TYPE_GCMK] = PLAIN | TLS,
        [KAFKA_TYPE_CONFLUENT] = PLAIN | TLS,
        [KAFKA_TYPE_WARPSTREAM] = PLAIN,
        [KAFKA_TYPE_AZUREEVENTHUB] = PLAIN,
        [KAFKA_TYPE_DOKAFKA] = SCRAM_256 | TLS,
    };
    return auth == KAFKA_AUTH_NONE || (fits[type] & 1U << auth) != 0;
}

static void source_read_auth(
    struct pipe_reader *reader, const struct pipe_node *kafka, bool has_type,
    struct kafka_source *source)
{
    unsigned auth = KAFKA_AUTH_NONE;
    bool has_auth = pipe_json_choice(reader, kafka, "authentication", &pipe_choices_auth, &auth);
    source->authentication = (enum kafka_auth)auth;
    if (has_type && has_auth && !source_auth_fits(source->type, source->authentication)) {
        struct pipe_node node = pipe_json_member(kafka, "authentication");
        pipe_problems_add(
            reader->problems, node.pointer, "%s is not possible with type %s",
            kafka_auth_text(source->authentication), kafka_type_text(source->type));
    }
    struct pipe_node role = pipe_json_member(kafka, "iamRole");
    bool has_role = pipe_json_text(reader, kafka, "iamRole", PIPE_OPTIONAL, &source->iam_role);
    if (source->authentication == KAFKA_AUTH_IAM_ROLE &&
        (!has_role || source->iam_role[0] == '\0')) {
        pipe_problems_add(reader->problems, role.pointer, "is required with IAM_ROLE");
    }
    if (source->authentication != KAFKA_AUTH_IAM_ROLE && has_role) {
        pipe_problems_add(reader->problems, role.pointer, "is only possible with IAM_ROLE");
    }
}

/* "2021-01-01T00:00", UTC, nothing else. */
static bool source_parse_minute(const char *text, int64_t *ret_ms)
{
    static const char form[] = "dddd-dd-ddTdd:dd";
    if (strlen(text) != strlen(form)) {
        return false;
    }
    int numbers[5] = {0};
    size_t index = 0;
    for (size_t i = 0; form[i] != '\0'; i++) {
        if (form[i] != 'd') {
            if (text[i] != form[i]) {
                return false;
            }
            index++;
            continue;
        }
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        numbers[index] = numbers[index] * 10 + (text[i] - '0');
    }
    struct tm wanted = {
        .tm_year = numbers[0] - 1900,
        .tm_mon = numbers[1] - 1,
        .tm_mday = numbers[2],
        .tm_hour = numbers[3],
        .tm_min = numbers[4]};
    struct tm made = wanted;
    time_t seconds = timegm(&made); /* moves 02-30 to March, which shows below */
    if (seconds < 0 || made.tm_year != wanted.tm_year || made.tm_mon != wanted.tm_mon ||
        made.tm_mday != wanted.tm_mday || made.tm_hour != wanted.tm_hour ||
        made.tm_min != wanted.tm_min) {
        return false;
    }
    *ret_ms = (int64_t)seconds * 1000;
    return true;
}

static void source_read_offset(
    struct pipe_reader *reader, const struct pipe_node *kafka, struct kafka_source *source)
{
    struct pipe_node offset;
    source->offset_strategy = OFFSET_FROM_BEGINNING;
    if (!pipe_json_object(reader, kafka, "offset", PIPE_OPTIONAL, &offset)) {
        return;
    }
    unsigned strategy = OFFSET_FROM_BEGINNING;
    struct pipe_node node = pipe_json_member(&offset, "strategy");
    if (node.json == NULL) {
        pipe_problems_add(reader->problems, node.pointer, "is required");
        return;
    }
    if (!pipe_json_choice(reader, &offset, "strategy", &pipe_choices_offset, &strategy)) {
        return;
    }
    source->offset_strategy = (enum offset_strategy)strategy;
    node = pipe_json_member(&offset, "timestamp");
    if (source->offset_strategy != OFFSET_FROM_TIMESTAMP) {
        if (node.json != NULL) {
            pipe_problems_add(
                reader->problems, node.pointer, "is only possible with from_timestamp");
        }
        return;
    }
    const char *text = json_string_value(node.json);
    if (text == NULL) {
        pipe_problems_add(
            reader->problems, node.pointer, "is required with from_timestamp, as a string");
    } else if (!source_parse_minute(text, &source->offset_timestamp_ms)) {
        pipe_problems_add(
            reader->problems, node.pointer, "must be a UTC time of the form YYYY-MM-DDTHH:MM");
    }
}

static void source_read_format(
    struct pipe_reader *reader, const struct pipe_node *kafka, struct kafka_source *source)
{
    unsigned format = PIPE_FORMAT_JSON;
    struct pipe_node node = pipe_json_member(kafka, "format");
    if (node.json == NULL) {
        pipe_problems_add(reader->problems, node.pointer, "is required");
        return;
    }
    if (!pipe_json_choice(reader, kafka, "format", &pipe_choices_format, &format)) {
        return;
    }
    source->format = (enum pipe_format)format;
    if (source->format == PIPE_FORMAT_PROTOBUF) {
        pipe_problems_add(
            reader->problems, node.pointer, "format %s is not supported yet by this version",
            pipe_format_text(source->format));
    }
    struct pipe_node registry = pipe_json_member(kafka, "schemaRegistry");
    bool is_avro =
        source->format == PIPE_FORMAT_AVRO || source->format == PIPE_FORMAT_AVRO_CONFLUENT;
    if (is_avro && registry.json == NULL) {
        pipe_problems_add(
            reader->problems, registry.pointer, "is required with %s",
            pipe_format_text(source->format));
    }
}

/* A protocol written at the brokers decides over the one the authentication implies. */
static void source_check_scheme(
    struct pipe_reader *reader, const struct pipe_node *kafka, enum kafka_scheme scheme,
    const struct kafka_source *source)
{
    struct pipe_node node = pipe_json_member(kafka, "authentication");
    bool is_tls = scheme == KAFKA_SCHEME_SSL || scheme == KAFKA_SCHEME_NONE;
    bool is_sasl = scheme == KAFKA_SCHEME_SASL_PLAINTEXT || scheme == KAFKA_SCHEME_SASL_SSL;
    if (source->authentication == KAFKA_AUTH_MUTUAL_TLS && !is_tls) {
        pipe_problems_add(reader->problems, node.pointer, "MUTUAL_TLS needs brokers with SSL://");
    }
    if (source->authentication == KAFKA_AUTH_NONE && is_sasl) {
        pipe_problems_add(
            reader->problems, node.pointer,
            "is required for brokers with SASL_PLAINTEXT:// or SASL_SSL://");
    }
}

static enum kafka_scheme source_read_lists(
    struct pipe_reader *reader, const struct pipe_node *kafka, struct kafka_source *source)
{
    enum kafka_scheme scheme = KAFKA_SCHEME_NONE;
    if (pipe_json_text(reader, kafka, "brokers", PIPE_REQUIRED, &source->brokers)) {
        struct pipe_node node = pipe_json_member(kafka, "brokers");
        scheme = kafka_brokers_check(reader, source->brokers, node.pointer);
    }
    if (pipe_json_text(reader, kafka, "topics", PIPE_REQUIRED, &source->topics)) {
        struct pipe_node node = pipe_json_member(kafka, "topics");
        kafka_topics_read(reader, source->topics, node.pointer, &source->topic_list);
    }
    return scheme;
}

/* Members of newer revisions of the API that would change what is stored. */
static void source_refuse_unsupported(struct pipe_reader *reader, const struct pipe_node *kafka)
{
    static const char *const names[] = {"tombstoneMode", "protobufSchema"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct pipe_node node = pipe_json_member(kafka, names[i]);
        if (node.json != NULL) {
            pipe_problems_add(
                reader->problems, node.pointer, "%s is not supported yet by this version",
                names[i]);
        }
    }
}

void kafka_source_read(
    struct pipe_reader *reader, const struct pipe_node *definition, const struct pipe_node *secrets,
    struct kafka_source *ret_source)
{
    struct pipe_node source;
    struct pipe_node kafka;
    if (!pipe_json_object(reader, definition, "source", PIPE_REQUIRED, &source)) {
        return;
    }
    source_check_kind(reader, &source);
    if (!pipe_json_object(reader, &source, "kafka", PIPE_REQUIRED, &kafka)) {
        return;
    }
    unsigned type = KAFKA_TYPE_KAFKA;
    struct pipe_node node = pipe_json_member(&kafka, "type");
    if (node.json == NULL) {
        pipe_problems_add(reader->problems, node.pointer, "is required");
    }
    bool has_type = pipe_json_choice(reader, &kafka, "type", &pipe_choices_kafka_type, &type);
    ret_source->type = (enum kafka_type)type;
    source_read_format(reader, &kafka, ret_source);
    enum kafka_scheme scheme = source_read_lists(reader, &kafka, ret_source);
    (void)pipe_json_text_or_none(/* problems are in reader */
                                 reader, &kafka, "consumerGroup", &ret_source->consumer_group);
    source_read_auth(reader, &kafka, has_type, ret_source);
    source_check_scheme(reader, &kafka, scheme, ret_source);
    pipe_certificate_read(reader, &kafka, "caCertificate", &ret_source->ca_certificate);
    source_read_offset(reader, &kafka, ret_source);
    (void)pipe_json_bool(/* problems are in reader */
                         reader, &kafka, "exactlyOnce", PIPE_OPTIONAL, &ret_source->exactly_once);
    source_refuse_unsupported(reader, &kafka);
    bool is_unauthenticated = scheme == KAFKA_SCHEME_PLAINTEXT || scheme == KAFKA_SCHEME_SSL;
    bool are_texts = kafka_credentials_check(reader, &kafka, secrets);
    if (are_texts && (!is_unauthenticated || ret_source->authentication == KAFKA_AUTH_MUTUAL_TLS)) {
        kafka_credentials_read(reader, &kafka, secrets, ret_source);
    }
    schema_registry_read(reader, &kafka, secrets, ret_source);
}

void kafka_source_done(struct kafka_source *source)
{
    free(source->brokers);
    free(source->topics);
    text_list_done(&source->topic_list);
    free(source->consumer_group);
    free(source->iam_role);
    free(source->ca_certificate);
    if (source->registry != NULL) {
        free(source->registry->url);
        free(source->registry->ca_certificate);
        free(source->registry->username);
        secret_done(&source->registry->password);
        free(source->registry);
    }
    free(source->credentials.username);
    secret_done(&source->credentials.password);
    free(source->credentials.access_key_id);
    secret_done(&source->credentials.secret_key);
    secret_done(&source->credentials.connection_string);
    free(source->credentials.certificate_pem);
    secret_done(&source->credentials.private_key_pem);
    *source = (struct kafka_source){.brokers = NULL};
}
