/* A pipe's definition: a good one is read whole; each wrong member gives its own problem. */
#include <stdio.h>

#include "tests/unit/common/model/pipe_cases.h"

static void a_good_definition_is_read_whole(void **state)
{
    (void)state;
    json_t *definition = load(good_definition);
    json_t *secrets = load(good_secrets);
    struct pipe_problems problems = {0};
    CLEANUP(pipe_spec_freep) struct pipe_spec *spec = NULL;
    struct err err = {0};
    enum status st = pipe_spec_from_json(definition, secrets, &problems, &spec, &err);
    json_decref(definition);
    json_decref(secrets);
    assert_string_equal(err.text, "");
    assert_int_equal(st, ST_OK);
    assert_string_equal(spec->name, "orders \xf0\x9f\x9a\x80");
    assert_int_equal(spec->source.type, KAFKA_TYPE_KAFKA);
    assert_int_equal(spec->source.format, PIPE_FORMAT_JSON);
    assert_string_equal(spec->source.brokers, "SASL_SSL://b1:9092, sasl_ssl://b2");
    assert_string_equal(spec->source.topics, "orders, orders.eu");
    assert_int_equal(spec->source.topic_list.count, 2);
    assert_string_equal(spec->source.topic_list.items[0], "orders");
    assert_string_equal(spec->source.topic_list.items[1], "orders.eu");
    assert_string_equal(spec->source.consumer_group, "g");
    assert_int_equal(spec->source.authentication, KAFKA_AUTH_PLAIN);
    assert_string_equal(spec->source.credentials.username, "u");
    assert_true(secret_equals(&spec->source.credentials.password, "p", 1));
    assert_non_null(spec->source.ca_certificate);
    assert_int_equal(spec->source.offset_strategy, OFFSET_FROM_TIMESTAMP);
    assert_int_equal(spec->source.offset_timestamp_ms, 1609459260000);
    assert_true(spec->source.exactly_once);
    assert_null(spec->source.registry);
    assert_true(spec->validate_samples);
    assert_true(spec->start_paused);
    const struct pipe_destination *destination = &spec->destination;
    assert_string_equal(destination->database, "d");
    assert_string_equal(destination->table, "t");
    assert_true(destination->is_managed);
    assert_int_equal(destination->engine, ENGINE_REPLACING_MERGE_TREE);
    assert_string_equal(destination->version_column, "v");
    assert_int_equal(destination->sorting_key.count, 2);
    assert_string_equal(destination->partition_by, "toYYYYMM(at)");
    assert_null(destination->primary_key);
    assert_string_equal(destination->ttl, "at + INTERVAL 1 DAY");
    assert_int_equal(destination->columns_count, 4);
    assert_string_equal(destination->columns[3].name, "n");
    assert_string_equal(destination->columns[3].type, "Nullable(Int8)");
    assert_string_equal(destination->roles.items[0], "r");
    assert_int_equal(spec->mappings_count, 1);
    assert_string_equal(spec->mappings[0].source_field, "order.id");
    assert_string_equal(spec->mappings[0].destination_field, "id");
    assert_int_equal(spec->scaling.replicas, 2);
    assert_int_equal(spec->scaling.cpu_millicores, 125);
    assert_true(spec->scaling.memory_gb > 0.99 && spec->scaling.memory_gb < 1.01);
    assert_int_equal(spec->settings.insert_wait_ms, 500);
    assert_true(spec->settings.read_committed);
    assert_int_equal(problems.count, 0);
}

struct problem_case {
    const char *pointer; /* of what is changed */
    const char *value;   /* NULL = removed */
    const char *problem; /* the one problem; NULL = none */
};

/* Read the good pipe with one change and with these secrets. */
static void check_case(const struct problem_case *test, const char *secrets_text)
{
    json_t *definition = load(good_definition);
    json_t *secrets = secrets_text == NULL ? NULL : load(secrets_text);
    change(definition, test->pointer, test->value);
    struct pipe_problems problems = {0};
    struct pipe_spec *spec = NULL;
    struct err err = {0};
    enum status st = pipe_spec_from_json(definition, secrets, &problems, &spec, &err);
    json_decref(definition);
    json_decref(secrets);
    if (test->problem == NULL) {
        if (st != ST_OK) {
            fail_msg("%s = %s: %s", test->pointer, test->value, err.text);
        }
    } else {
        assert_null(spec);
        assert_int_equal(st, ST_INVALID);
        assert_string_equal(err.text, test->problem);
        assert_int_equal(problems.count, 1);
        assert_string_equal(problems.items[0], test->problem);
    }
    pipe_spec_free(spec);
    pipe_problems_done(&problems);
}

static void check_cases(const struct problem_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check_case(&cases[i], good_secrets);
    }
}

#define KAFKA "/source/kafka/"
#define TABLE "/destination/tableDefinition/"

static void each_wrong_source_member_is_named(void **state)
{
    (void)state;
    static const struct problem_case cases[] = {
        {"/name", NULL, "/name: is required"},
        {"/name", "null", "/name: is required"},
        {"/name", "\"\"", "/name: must not be empty"},
        {"/name", "5", "/name: must be a string"},
        {"/name", "\"a\\u0000b\"", "/name: must not contain a zero byte"},
        {"/source", "{\"kafka\":7}", "/source/kafka: must be an object"},
        {"/source", "{}", "/source/kafka: is required"},
        {"/source", "[]", "/source: must be an object"},
        {"/source/kinesis", "{}", "/source/kinesis: only Kafka sources are supported by Penstock"},
        {"/source/kinesis", "null", NULL},
        {"/source/validateSamples", "1", "/source/validateSamples: must be true or false"},
        {KAFKA "type", NULL, "/source/kafka/type: is required"},
        {KAFKA "type", "\"pulsar\"",
         "/source/kafka/type: unknown value 'pulsar', must be one of kafka, redpanda, msk, gcmk, "
         "confluent, warpstream, azureeventhub, dokafka"},
        {KAFKA "format", "\"Avro\"", "/source/kafka/schemaRegistry: is required with Avro"},
        {KAFKA "format", "\"AvroConfluent\"",
         "/source/kafka/schemaRegistry: is required with AvroConfluent"},
        {KAFKA "format", "\"Protobuf\"",
         "/source/kafka/format: format Protobuf is not supported yet by this version"},
        {KAFKA "format", NULL, "/source/kafka/format: is required"},
        {KAFKA "format", "\"jsoneachrow\"",
         "/source/kafka/format: unknown value 'jsoneachrow', must be one of JSONEachRow, Avro, "
         "AvroConfluent, Protobuf"},
        {KAFKA "consumerGroup", "null", NULL},
        {KAFKA "consumerGroup", "\"\"", NULL},
        {KAFKA "consumerGroup", "3", "/source/kafka/consumerGroup: must be a string"},
        {KAFKA "exactlyOnce", "null", NULL},
        {KAFKA "exactlyOnce", "\"true\"", "/source/kafka/exactlyOnce: must be true or false"},
        {KAFKA "tombstoneMode", "\"delete\"",
         "/source/kafka/tombstoneMode: tombstoneMode is not supported yet by this version"},
        {KAFKA "caCertificate", "\"x\"",
         "/source/kafka/caCertificate: is not a certificate in PEM form"},
        {KAFKA "caCertificate", "null", NULL},
        {KAFKA "reversePrivateEndpointIds", "[]", NULL},
        {KAFKA "schemaRegistry", "{\"url\":\"https://r\"}", NULL},
        {KAFKA "schemaRegistry", "{\"url\":\"http://r/p/subjects/s\"}", NULL},
        {KAFKA "schemaRegistry", "{}", "/source/kafka/schemaRegistry/url: is required"},
        {KAFKA "schemaRegistry", "7", "/source/kafka/schemaRegistry: must be an object"},
        {KAFKA "schemaRegistry", "{\"url\":\"https://u:p@r\"}",
         "/source/kafka/schemaRegistry/url: must not hold a login: give it as credentials of the "
         "registry"},
        {KAFKA "schemaRegistry", "{\"url\":\"https://r\",\"caCertificate\":\"x\"}",
         "/source/kafka/schemaRegistry/caCertificate: is not a certificate in PEM form"},
        {"/startPaused", "\"yes\"", "/startPaused: must be true or false"},
    };
    check_cases(cases, ARRAY_LEN(cases));
}

static void brokers_and_topics_are_checked_item_by_item(void **state)
{
    (void)state;
    static const char longest[] =
        "\"ttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt"
        "tttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt"
        "tttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt"
        "tttttttttttttttttttttttttttttttttttttttttttttttttttttttttt\"";
    assert_int_equal(sizeof(longest) - 1, 249 + 2);
    static const struct problem_case cases[] = {
        {KAFKA "brokers", "\"\"", "/source/kafka/brokers: must not be empty"},
        {KAFKA "brokers", "\"b:1,,b:2\"", "/source/kafka/brokers: broker 2 is empty"},
        {KAFKA "brokers", "\"b:1, \"", "/source/kafka/brokers: broker 2 is empty"},
        {KAFKA "brokers", "\"b:0\"", "/source/kafka/brokers: 'b:0' is not host:port"},
        {KAFKA "brokers", "\"b:65536\"", "/source/kafka/brokers: 'b:65536' is not host:port"},
        {KAFKA "brokers", "\"b:65535\"", NULL},
        {KAFKA "brokers", "\"b:\"", "/source/kafka/brokers: 'b:' is not host:port"},
        {KAFKA "brokers", "\":9092\"", "/source/kafka/brokers: ':9092' is not host:port"},
        {KAFKA "brokers", "\"[::1]:9092,[::2]\"", NULL},
        {KAFKA "brokers", "\"[]:9092\"", "/source/kafka/brokers: '[]:9092' is not host:port"},
        {KAFKA "brokers", "\"a b:1\"", "/source/kafka/brokers: 'a b:1' is not host:port"},
        {KAFKA "brokers", "\"b:1/x\"", "/source/kafka/brokers: 'b:1/x' is not host:port"},
        {KAFKA "brokers", "\"http://b:1\"",
         "/source/kafka/brokers: 'http://b:1': the protocol must be PLAINTEXT, SSL, "
         "SASL_PLAINTEXT or SASL_SSL"},
        {KAFKA "brokers", "\"SSL://a,PLAINTEXT://b\"",
         "/source/kafka/brokers: all brokers must have the same protocol"},
        {KAFKA "brokers", "\"SASL_SSL://a,b\"",
         "/source/kafka/brokers: all brokers must have the same protocol"},
        {KAFKA "topics", "\" \"", "/source/kafka/topics: topic 1 is empty"},
        {KAFKA "topics", "\"a,\"", "/source/kafka/topics: topic 2 is empty"},
        {KAFKA "topics", "\"a,b,a\"", "/source/kafka/topics: topic 'a' is named twice"},
        {KAFKA "topics", "\"^a.*\"",
         "/source/kafka/topics: '^a.*' is not a topic name: 1 to 249 letters, digits, '.', '_' or "
         "'-'"},
        {KAFKA "topics", "\"..\"",
         "/source/kafka/topics: '..' is not a topic name: 1 to 249 letters, digits, '.', '_' or "
         "'-'"},
        {KAFKA "topics", "\"...\"", NULL},
        {KAFKA "topics", longest, NULL},
        {KAFKA "topics", NULL, "/source/kafka/topics: is required"},
    };
    check_cases(cases, ARRAY_LEN(cases));
}

static void the_start_offset_is_strict(void **state)
{
    (void)state;
    static const char form[] =
        "/source/kafka/offset/timestamp: must be a UTC time of the form YYYY-MM-DDTHH:MM";
    static const struct problem_case cases[] = {
        {KAFKA "offset", "null", NULL},
        {KAFKA "offset", "{}", "/source/kafka/offset/strategy: is required"},
        {KAFKA "offset", "7", "/source/kafka/offset: must be an object"},
        {KAFKA "offset", "{\"strategy\":\"from_beginning\",\"timestamp\":null}", NULL},
        {KAFKA "offset", "{\"strategy\":\"from_latest\"}", NULL},
        {KAFKA "offset", "{\"strategy\":\"latest\"}",
         "/source/kafka/offset/strategy: unknown value 'latest', must be one of from_beginning, "
         "from_latest, from_timestamp"},
        {KAFKA "offset", "{\"strategy\":\"from_latest\",\"timestamp\":\"2021-01-01T00:00\"}",
         "/source/kafka/offset/timestamp: is only possible with from_timestamp"},
        {KAFKA "offset", "{\"strategy\":\"from_timestamp\"}",
         "/source/kafka/offset/timestamp: is required with from_timestamp, as a string"},
        {KAFKA "offset/timestamp", "1609459200",
         "/source/kafka/offset/timestamp: is required with from_timestamp, as a string"},
        {KAFKA "offset/timestamp", "\"2021-01-01T00:00:00\"", form},
        {KAFKA "offset/timestamp", "\"2021-01-01T00:00Z\"", form},
        {KAFKA "offset/timestamp", "\"2021-1-01T000:00\"", form},
        {KAFKA "offset/timestamp", "\"2021-02-29T00:00\"", form},
        {KAFKA "offset/timestamp", "\"2024-02-29T23:59\"", NULL},
        {KAFKA "offset/timestamp", "\"2024-12-31T24:00\"", form},
        {KAFKA "offset/timestamp", "\"1969-12-31T23:59\"", form},
        {KAFKA "offset/timestamp", "\"2021-13-01T00:00\"", form},
    };
    check_cases(cases, ARRAY_LEN(cases));
}

static void each_wrong_destination_member_is_named(void **state)
{
    (void)state;
    static const struct problem_case cases[] = {
        {"/destination", NULL, "/destination: is required"},
        {"/destination/database", NULL, NULL},
        {"/destination/database", "\"\"", "/destination/database: must not be empty"},
        {"/destination/table", "\"\"", "/destination/table: must not be empty"},
        {"/destination/managedTable", NULL, "/destination/managedTable: is required"},
        {"/destination/managedTable", "\"true\"",
         "/destination/managedTable: must be true or false"},
        {"/destination/managedTable", "false",
         "/destination/tableDefinition: is only possible with managedTable true"},
        {"/destination/tableDefinition", NULL, "/destination/tableDefinition: is required"},
        {TABLE "engine", NULL, "/destination/tableDefinition/engine: is required"},
        {TABLE "engine", "{}", "/destination/tableDefinition/engine/type: is required"},
        {TABLE "engine/type", "\"Log\"",
         "/destination/tableDefinition/engine/type: unknown value 'Log', must be one of MergeTree, "
         "ReplacingMergeTree, SummingMergeTree, Null"},
        {TABLE "engine/type", "\"MergeTree\"",
         "/destination/tableDefinition/engine/versionColumnId: is only possible with "
         "ReplacingMergeTree"},
        {TABLE "engine/versionColumnId", "\"w\"",
         "/destination/tableDefinition/engine/versionColumnId: 'w' is not a column"},
        {TABLE "engine/versionColumnId", "null", NULL},
        {TABLE "engine/versionColumnId", "\"\"", NULL},
        {TABLE "engine/columnIds", "[]", NULL},
        {TABLE "engine/columnIds", "[\"v\"]",
         "/destination/tableDefinition/engine/columnIds: is only possible with SummingMergeTree"},
        {TABLE "engine", "{\"type\":\"SummingMergeTree\",\"columnIds\":[\"v\",\"x\"]}",
         "/destination/tableDefinition/engine/columnIds/1: 'x' is not a column"},
        {TABLE "engine", "{\"type\":\"SummingMergeTree\"}", NULL},
        {TABLE "engine", "{\"type\":\"Null\"}",
         "/destination/tableDefinition: engine Null has no sortingKey, partitionBy, primaryKey or "
         "ttl"},
        {TABLE "sortingKey", "[]",
         "/destination/tableDefinition/sortingKey: is required with ReplacingMergeTree"},
        {TABLE "sortingKey", "[\"n\"]",
         "/destination/tableDefinition/sortingKey/0: column 'n' is Nullable"},
        {TABLE "sortingKey", "[\"id, v\"]",
         "/destination/tableDefinition/sortingKey/0: must be one column or expression, without a "
         "comma"},
        {TABLE "sortingKey", "[\"f(id, '),;')\", \"`a,b`\"]", NULL},
        {TABLE "sortingKey", "[\"\"]",
         "/destination/tableDefinition/sortingKey/0: must not be empty"},
        {TABLE "sortingKey", "\"id\"", "/destination/tableDefinition/sortingKey: must be an array"},
        {TABLE "partitionBy", "\"\"", NULL},
        {TABLE "partitionBy", "\"(a\"",
         "/destination/tableDefinition/partitionBy: has a bracket that does not end"},
        {TABLE "partitionBy", "\"a)\"",
         "/destination/tableDefinition/partitionBy: has a closing bracket too many"},
        {TABLE "partitionBy", "\"(a]\"",
         "/destination/tableDefinition/partitionBy: has a closing bracket too many"},
        {TABLE "partitionBy", "\"'a\"",
         "/destination/tableDefinition/partitionBy: has a quote that does not end"},
        {TABLE "partitionBy", "\"'a\\\\'\"",
         "/destination/tableDefinition/partitionBy: has a quote that does not end"},
        {TABLE "partitionBy", "\"a -- b\"",
         "/destination/tableDefinition/partitionBy: must not contain a comment"},
        {TABLE "ttl", "\"at; drop table x\"",
         "/destination/tableDefinition/ttl: must not contain ';'"},
        {TABLE "primaryKey", "\"id\"", NULL},
    };
    check_cases(cases, ARRAY_LEN(cases));
}

static void each_wrong_column_role_or_mapping_is_named(void **state)
{
    (void)state;
    static const struct problem_case cases[] = {
        {"/destination/columns/3", "7", "/destination/columns/3: must be an object"},
        {"/destination/columns/3/name", "\"\"", "/destination/columns/3/name: must not be empty"},
        {"/destination/columns/3/type", NULL, "/destination/columns/3/type: is required"},
        {"/destination/columns/3/name", "\"at\"",
         "/destination/columns/3/name: column 'at' is named twice"},
        {"/destination/roles", "[\"clickpipes\"]",
         "/destination/roles/0: role 'clickpipes' is reserved"},
        {"/destination/roles", "[1]", "/destination/roles/0: must be a string"},
        {"/destination/roles", "null", NULL},
        {"/fieldMappings", "{}", "/fieldMappings: must be an array"},
        {"/fieldMappings", "[]", NULL},
        {"/fieldMappings/0", "7", "/fieldMappings/0: must be an object"},
        {"/fieldMappings/0/sourceField", "\"\"", "/fieldMappings/0/sourceField: must not be empty"},
        {"/fieldMappings/0/destinationField", "\"x\"",
         "/fieldMappings/0/destinationField: 'x' is not a column"},
        {"/fieldMappings",
         "[{\"sourceField\":\"a\",\"destinationField\":\"id\"},"
         "{\"sourceField\":\"b\",\"destinationField\":\"id\"}]",
         "/fieldMappings/1/destinationField: column 'id' is mapped twice"},
        {"/scaling/replicas", "41", "/scaling/replicas: Not between 1 and 40"},
    };
    check_cases(cases, ARRAY_LEN(cases));
    json_t *definition = load(good_definition);
    json_t *settings = json_object_get(definition, "settings");
    assert_int_equal(json_object_set_new(settings, "no~/such", json_true()), 0);
    json_t *secrets = load(good_secrets);
    struct pipe_problems problems = {0};
    struct pipe_spec *spec = NULL;
    assert_int_equal(pipe_spec_from_json(definition, secrets, &problems, &spec, NULL), ST_INVALID);
    assert_string_equal(problems.items[0], "/settings/no~0~1such: unknown setting 'no~/such'");
    pipe_problems_done(&problems);
    json_decref(definition);
    json_decref(secrets);
}

static void credentials_follow_the_authentication(void **state)
{
    (void)state;
    static const char pem[] = "{\"kafka\":{\"certificate\":\"-----BEGIN C\","
                              "\"privateKey\":\"-----BEGIN K\"}}";
    static const char user[] = "{\"kafka\":{\"username\":\"u\",\"password\":\"p\"}}";
    static const struct {
        const char *kafka; /* type and authentication, brokers */
        const char *secrets;
        const char *problem;
    } cases[] = {
        {"\"redpanda\" PLAIN b:1", user, NULL},
        {"\"redpanda\" SCRAM-SHA-512 b:1", user, NULL},
        {"\"kafka\" IAM_USER b:1", "{\"kafka\":{\"accessKeyId\":\"a\",\"secretKey\":\"s\"}}",
         "/source/kafka/authentication: IAM_USER is not possible with type kafka"},
        {"\"msk\" IAM_USER b:1", "{\"kafka\":{\"accessKeyId\":\"a\",\"secretKey\":\"s\"}}", NULL},
        {"\"msk\" IAM_USER b:1", "{\"kafka\":{\"accessKeyId\":\"a\"}}",
         "/source/kafka/credentials/secretKey: is required"},
        {"\"msk\" PLAIN b:1", user,
         "/source/kafka/authentication: PLAIN is not possible with type msk"},
        {"\"msk\" IAM_ROLE b:1", NULL, "/source/kafka/iamRole: is required with IAM_ROLE"},
        {"\"confluent\" SCRAM-SHA-256 b:1", user,
         "/source/kafka/authentication: SCRAM-SHA-256 is not possible with type confluent"},
        {"\"warpstream\" PLAIN b:1", user, NULL},
        {"\"dokafka\" SCRAM-SHA-256 b:1", user, NULL},
        {"\"azureeventhub\" PLAIN b:1", "{\"kafka\":{\"connectionString\":\"Endpoint=sb://n/\"}}",
         NULL},
        {"\"azureeventhub\" PLAIN b:1", "{\"kafka\":{\"connectionString\":\"hunter2\"}}",
         "/source/kafka/credentials/connectionString: must be a connection string of Event Hubs, "
         "which begins with Endpoint=sb://"},
        {"\"azureeventhub\" PLAIN b:1", user, NULL},
        {"\"azureeventhub\" PLAIN b:1", "{\"kafka\":{}}",
         "/source/kafka/credentials/connectionString: is required"},
        {"\"kafka\" PLAIN b:1", NULL, "/source/kafka/credentials: are required with PLAIN"},
        {"\"kafka\" PLAIN b:1", "{\"kafka\":null}",
         "/source/kafka/credentials: are required with PLAIN"},
        {"\"kafka\" PLAIN b:1", "{\"kafka\":{\"username\":\"u\"}}",
         "/source/kafka/credentials/password: is required"},
        {"\"kafka\" PLAIN b:1", "{\"kafka\":{\"username\":\"\",\"password\":\"p\"}}",
         "/source/kafka/credentials/username: must not be empty"},
        {"\"kafka\" PLAIN PLAINTEXT://b:1", user, NULL},
        {"\"kafka\" PLAIN PLAINTEXT://b:1", NULL, NULL},
        {"\"kafka\" MUTUAL_TLS b:1", pem, NULL},
        {"\"kafka\" MUTUAL_TLS ssl://b:1", pem, NULL},
        {"\"kafka\" MUTUAL_TLS PLAINTEXT://b:1", pem,
         "/source/kafka/authentication: MUTUAL_TLS needs brokers with SSL://"},
        {"\"kafka\" MUTUAL_TLS b:1",
         "{\"kafka\":{\"certificate\":\"x\",\"privateKey\":\"-----BEGIN K\"}}",
         "/source/kafka/credentials/certificate: is not a certificate in PEM form"},
        {"\"kafka\" MUTUAL_TLS b:1",
         "{\"kafka\":{\"certificate\":\"-----BEGIN C\",\"privateKey\":\"x\"}}",
         "/source/kafka/credentials/privateKey: is not a key in PEM form"},
        {"\"kafka\" - b:1", NULL, NULL},
        {"\"kafka\" - PLAINTEXT://b:1", user, NULL},
        {"\"kafka\" - b:1", user,
         "/source/kafka/credentials: need an authentication that uses them"},
        {"\"kafka\" - SASL_SSL://b:1", NULL,
         "/source/kafka/authentication: is required for brokers with SASL_PLAINTEXT:// or "
         "SASL_SSL://"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char type[32];
        char auth[32];
        char brokers[64];
        char text[70];
        assert_int_equal(sscanf(cases[i].kafka, "%31s %31s %63s", type, auth, brokers), 3);
        json_t *definition = load(good_definition);
        json_t *secrets = cases[i].secrets == NULL ? NULL : load(cases[i].secrets);
        change(definition, KAFKA "type", type);
        (void)snprintf(text, sizeof(text), "\"%s\"", auth);
        change(definition, KAFKA "authentication", strcmp(auth, "-") == 0 ? NULL : text);
        (void)snprintf(text, sizeof(text), "\"%s\"", brokers);
        change(definition, KAFKA "brokers", text);
        struct pipe_problems problems = {0};
        struct pipe_spec *spec = NULL;
        struct err err = {0};
        enum status st = pipe_spec_from_json(definition, secrets, &problems, &spec, &err);
        assert_string_equal(err.text, cases[i].problem == NULL ? "" : cases[i].problem);
        assert_int_equal(st, cases[i].problem == NULL ? ST_OK : ST_INVALID);
        pipe_spec_free(spec);
        pipe_problems_done(&problems);
        json_decref(definition);
        json_decref(secrets);
    }
    static const struct problem_case role[] = {
        {KAFKA "iamRole", "\"arn\"", "/source/kafka/iamRole: is only possible with IAM_ROLE"},
    };
    check_cases(role, ARRAY_LEN(role));
}

static void registries_are_checked_with_the_format(void **state)
{
    (void)state;
    static const struct {
        const char *format;
        const char *registry;
        const char *problem; /* NULL = none */
    } cases[] = {
        {"\"AvroConfluent\"", "{\"url\":\"https://r\",\"authentication\":\"PLAIN\"}", NULL},
        {"\"AvroConfluent\"", "{\"url\":\"https://r/subjects/s\",\"type\":\"confluent\"}", NULL},
        {"\"Avro\"", "{\"url\":\"https://r/schemas/ids/5\",\"authentication\":\"\"}", NULL},
        {"\"Avro\"", "{\"url\":\"https://r/subjects/s/versions/3\"}", NULL},
        {"\"Avro\"", "{\"url\":\"https://r/prefix\"}",
         "/source/kafka/schemaRegistry/url: must name a schema with Avro, whose messages tell "
         "none: end it in /schemas/ids/<id>, /subjects/<subject> or "
         "/subjects/<subject>/versions/<version> (AvroConfluent is for messages that begin with a "
         "schema id)"},
        {"\"AvroConfluent\"", "{\"url\":\"https://r/subjects\"}",
         "/source/kafka/schemaRegistry/url: must be the registry's root or end in "
         "/schemas/ids/<id>, /subjects/<subject> or /subjects/<subject>/versions/<version>"},
        {"\"AvroConfluent\"", "{\"url\":\"ftp://r\",\"type\":\"glue\",\"authentication\":\"X\"}",
         "/source/kafka/schemaRegistry/url: must begin with https:// or http://; "
         "/source/kafka/schemaRegistry/type: only registries of type confluent are supported; "
         "/source/kafka/schemaRegistry/authentication: must be PLAIN or absent"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *definition = load(good_definition);
        json_t *secrets = load(good_secrets);
        change(definition, KAFKA "format", cases[i].format);
        change(definition, KAFKA "schemaRegistry", cases[i].registry);
        struct pipe_problems problems = {0};
        struct pipe_spec *spec = NULL;
        struct err err = {0};
        enum status st = pipe_spec_from_json(definition, secrets, &problems, &spec, &err);
        assert_string_equal(err.text, cases[i].problem == NULL ? "" : cases[i].problem);
        assert_int_equal(st, cases[i].problem == NULL ? ST_OK : ST_INVALID);
        pipe_spec_free(spec);
        pipe_problems_done(&problems);
        json_decref(definition);
        json_decref(secrets);
    }
}

static void a_registrys_login_is_read_from_the_secrets(void **state)
{
    (void)state;
    static const struct {
        const char *credentials;
        const char *username; /* NULL = none */
        const char *password;
        const char *problem;
    } cases[] = {
        {"{\"username\":\"key\",\"password\":\"hush\"}", "key", "hush", NULL},
        {"{\"username\":\"key\"}", "key", NULL, NULL},
        {"{\"username\":\"key\",\"password\":\"\"}", "key", "", NULL},
        {"{\"username\":\"\",\"password\":\"\"}", NULL, NULL, NULL},
        {"{}", NULL, NULL, NULL},
        {"null", NULL, NULL, NULL},
        {"{\"password\":\"hush\"}", NULL, NULL,
         "/source/kafka/schemaRegistry/credentials/username: is required"},
        {"{\"username\":7}", NULL, NULL,
         "/source/kafka/schemaRegistry/credentials/username: must be a string"},
        {"\"hush\"", NULL, NULL, "/source/kafka/schemaRegistry/credentials: must be an object"},
        {"{\"username\":\"a:b\",\"password\":\"hush\"}", NULL, NULL,
         "/source/kafka/schemaRegistry/credentials/username: must hold no colon (RFC 7617, basic "
         "login)"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *definition = load(good_definition);
        json_t *secrets = load(good_secrets);
        change(definition, KAFKA "schemaRegistry", "{\"url\":\"https://r\"}");
        change(secrets, "/schemaRegistry", cases[i].credentials);
        struct pipe_problems problems = {0};
        struct pipe_spec *spec = NULL;
        struct err err = {0};
        enum status st = pipe_spec_from_json(definition, secrets, &problems, &spec, &err);
        assert_string_equal(err.text, cases[i].problem == NULL ? "" : cases[i].problem);
        assert_int_equal(st, cases[i].problem == NULL ? ST_OK : ST_INVALID);
        if (st == ST_OK) {
            const struct schema_registry *registry = spec->source.registry;
            assert_int_equal(registry->username == NULL, cases[i].username == NULL);
            assert_string_equal(
                registry->username == NULL ? "" : registry->username,
                cases[i].username == NULL ? "" : cases[i].username);
            assert_string_equal(
                registry->password.bytes == NULL ? "none" : registry->password.bytes,
                cases[i].password == NULL ? "none" : cases[i].password);
        }
        pipe_spec_free(spec);
        pipe_problems_done(&problems);
        json_decref(definition);
        json_decref(secrets);
    }
}

static void all_problems_come_at_once(void **state)
{
    (void)state;
    json_t *definition = load("{\"source\":{\"kafka\":{}},\"destination\":{\"columns\":[]},"
                              "\"scaling\":{\"replicas\":0},\"settings\":{\"x\":1}}");
    struct pipe_problems problems = {0};
    struct pipe_spec *spec = NULL;
    struct err err = {0};
    assert_int_equal(pipe_spec_from_json(definition, NULL, &problems, &spec, &err), ST_INVALID);
    assert_string_equal(
        err.text,
        "/name: is required; /source/kafka/type: is required; /source/kafka/format: is required; "
        "/source/kafka/brokers: is required; /source/kafka/topics: is required; "
        "/destination/table: is required; /destination/columns: must not be empty; "
        "/destination/managedTable: is required; /settings/x: unknown setting 'x'; "
        "/scaling/replicas: Not between 1 and 40");
    pipe_problems_done(&problems);
    json_decref(definition);
    definition = load("[]");
    assert_int_equal(pipe_spec_from_json(definition, NULL, &problems, &spec, &err), ST_INVALID);
    assert_string_equal(err.text, ": must be an object");
    pipe_problems_done(&problems);
    json_decref(definition);
}

static void a_name_has_at_most_255_characters(void **state)
{
    (void)state;
    for (size_t count = 255; count <= 256; count++) {
        char name[256 * 4 + 3] = "\"";
        for (size_t i = 0; i < count; i++) {
            memcpy(name + 1 + i * 4, "\xf0\x9f\x9a\x80", 4);
        }
        memcpy(name + 1 + count * 4, "\"", 2);
        const struct problem_case test = {
            "/name", name, count == 255 ? NULL : "/name: 256 characters, at most 255"};
        check_case(&test, good_secrets);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_definition_is_read_whole),
        cmocka_unit_test(each_wrong_source_member_is_named),
        cmocka_unit_test(brokers_and_topics_are_checked_item_by_item),
        cmocka_unit_test(the_start_offset_is_strict),
        cmocka_unit_test(each_wrong_destination_member_is_named),
        cmocka_unit_test(each_wrong_column_role_or_mapping_is_named),
        cmocka_unit_test(credentials_follow_the_authentication),
        cmocka_unit_test(registries_are_checked_with_the_format),
        cmocka_unit_test(a_registrys_login_is_read_from_the_secrets),
        cmocka_unit_test(all_problems_come_at_once),
        cmocka_unit_test(a_name_has_at_most_255_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
