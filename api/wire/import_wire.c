/*
 * Setting by setting: each has a row that says what becomes of it.
 */
#include "api/wire/import_wire.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/buf.h"
#include "common/base/parse.h"

enum {
    BROKERS_MAX_BYTES = 64 * 1024,
    REPLICAS_MAX = 40,
    WAIT_MIN_MS = 500,
    WAIT_MAX_MS = 60000,
    ROWS_MAX = 1000000,
};

/* reason NULL: it is in the pipe. */
static const struct {
    const char *name;
    const char *reason;
} SETTINGS[] = {
    {"kafka_broker_list", NULL},
    {"kafka_topic_list", NULL},
    {"kafka_group_name", NULL},
    {"kafka_format", NULL},
    {"kafka_security_protocol", NULL},
    {"kafka_sasl_mechanism", NULL},
    {"kafka_sasl_username", NULL},
    {"kafka_sasl_password", NULL},
    {"kafka_num_consumers", NULL},
    {"kafka_max_block_size", NULL},
    {"kafka_flush_interval_ms", NULL},
    {"kafka_handle_error_mode", NULL},
    {"format_avro_schema_registry_url", NULL},
    {"kafka_aws_region", "a pipe knows the region from the brokers' names"},
    {"kafka_schema", "a pipe takes schemas from a registry or from source.kafka.protobufSchema"},
    {"kafka_schema_registry_skip_bytes", "the framing of a pipe's records is its format's"},
    {"kafka_skip_broken_messages", "rejected records go to the error table and are never skipped; "
                                   "settings.penstock_error_limit bounds their number"},
    {"kafka_commit_every_batch", "a pipe commits what ClickHouse has stored, never before"},
    {"kafka_client_id", "a pipe names itself to the brokers"},
    {"kafka_poll_timeout_ms", "a pipe does not poll in rounds"},
    {"kafka_poll_max_batch_size", "a pipe does not poll in rounds"},
    {"kafka_consumer_reschedule_ms", "a pipe's replicas always run"},
    {"kafka_consumers_pool_ttl_ms", "a pipe's replicas always run"},
    {"kafka_thread_per_consumer", "each replica is a process of its own"},
    {"kafka_commit_on_select", "a pipe is not read by SELECT"},
    {"kafka_consumer_acquire_timeout_ms", "a pipe's offsets are kept by Kafka"},
    {"kafka_max_rows_per_message", "a pipe does not write to Kafka"},
    {"kafka_autodetect_client_rack", "a pipe reads from the leader"},
    {"kafka_compression_codec", "a pipe does not write to Kafka"},
    {"kafka_compression_level", "a pipe does not write to Kafka"},
    {"kafka_map_virtual_columns_on_write", "a pipe does not write to Kafka"},
    {"kafka_partition_shard_num", "a pipe's partitions are shared by the consumer group"},
    {"kafka_shard_count", "a pipe's partitions are shared by the consumer group"},
    {"kafka_keeper_path", "a pipe's offsets are kept by Kafka"},
    {"kafka_replica_name", "a pipe's offsets are kept by Kafka"},
    {"kafka_row_delimiter", "obsolete; settings.penstock_multi_record reads several documents of "
                            "one message"},
};

/* What is being made. */
struct import {
    const struct kafka_engine *engine;
    json_t *kafka;
    json_t *settings;
    json_t *not_carried;
    bool is_ok;
};

static void put(struct import *import, json_t *object, const char *name, json_t *value)
{
    import->is_ok = json_object_set_new(object, name, value) == 0 && import->is_ok;
}

static void leave(struct import *import, const char *setting, const char *reason)
{
    json_t *entry = json_pack("{s:s, s:s}", "setting", setting, "reason", reason);
    import->is_ok = json_array_append_new(import->not_carried, entry) == 0 && import->is_ok;
}

static const char *setting(const struct import *import, const char *name)
{
    const char *value = kafka_engine_setting(import->engine, name);
    return value == NULL ? "" : value;
}

/* A whole number of the settings within bounds; 0 if it is not there or 0. */
static int64_t bounded(const struct import *import, const char *name, int64_t min, int64_t max)
{
    int64_t value = 0;
    if (parse_i64(setting(import, name), 1, INT64_MAX, &value) != ST_OK) {
        return 0;
    }
    return value < min ? min : value > max ? max : value;
}

/* librdkafka's names, in the cases users write them (docs: features of ClickHouse's engine). */
static const struct {
    const char *protocol;
    const char *scheme;
} SCHEMES[] = {
    {"plaintext", "PLAINTEXT://"},
    {"ssl", "SSL://"},
    {"sasl_plaintext", "SASL_PLAINTEXT://"},
    {"sasl_ssl", "SASL_SSL://"},
};

/* ours: source.kafka.authentication; NULL = a pipe has no such login. */
static const struct {
    const char *mechanism;
    const char *ours;
} MECHANISMS[] = {
    {"GSSAPI", NULL},
    {"PLAIN", "PLAIN"},
    {"SCRAM-SHA-256", "SCRAM-SHA-256"},
    {"SCRAM-SHA-512", "SCRAM-SHA-512"},
    {"OAUTHBEARER", NULL},
    {"AWS_MSK_IAM", "IAM_ROLE"},
};

/* The protocol in front of every broker, as a pipe says it. */
static void put_brokers(struct import *import)
{
    const char *protocol = setting(import, "kafka_security_protocol");
    const char *scheme = "PLAINTEXT://";
    for (size_t i = 0; i < ARRAY_LEN(SCHEMES); i++) {
        scheme = strcasecmp(SCHEMES[i].protocol, protocol) == 0 ? SCHEMES[i].scheme : scheme;
    }
    CLEANUP(buf_done) struct buf brokers;
    buf_init(&brokers, BROKERS_MAX_BYTES);
    enum status st = ST_OK;
    const char *at = setting(import, "kafka_broker_list");
    while (*at != '\0' && st == ST_OK) {
        at += strspn(at, ", ");
        const size_t len = strcspn(at, ", ");
        if (len > 0) {
            st = buf_add_format(
                &brokers, "%s%s%.*s", brokers.len_bytes == 0 ? "" : ",",
                memmem(at, len, "://", 3) == NULL ? scheme : "", (int)len, at);
        }
        at += len;
    }
    import->is_ok = import->is_ok && st == ST_OK;
    put(import, import->kafka, "brokers", json_string(buf_text(&brokers)));
}

/* −1: no hexadecimal digit. */
static int hex_value(char digit)
{
    static const char DIGITS[] = "0123456789abcdef";
    const char *at = digit == '\0' ? NULL : strchr(DIGITS, tolower((unsigned char)digit));
    return at == NULL ? -1 : (int)(at - DIGITS);
}

/* A part of a URL with its %XX read; what is no such code stays. */
static json_t *unescaped(const char *text, size_t len_bytes)
{
    CLEANUP(freep) char *made = malloc(len_bytes + 1);
    size_t count = 0;
    for (size_t i = 0; made != NULL && i < len_bytes; i++) {
        const bool is_code = text[i] == '%' && i + 2 < len_bytes && hex_value(text[i + 1]) >= 0 &&
                             hex_value(text[i + 2]) >= 0;
        made[count++] =
            is_code ? (char)(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2])) : text[i];
        i += is_code ? 2 : 0;
    }
    return made == NULL ? NULL : json_stringn(made, count);
}

/* The engine has the login in the URL, a pipe beside it. */
static void put_registry(struct import *import)
{
    const char *url = setting(import, "format_avro_schema_registry_url");
    if (url[0] == '\0') {
        return;
    }
    const char *mark = strstr(url, "://");
    const char *login = mark == NULL ? url : mark + 3;
    const size_t host_bytes = strcspn(login, "/?#");
    const char *at = memrchr(login, '@', host_bytes);
    if (at == NULL) {
        put(import, import->kafka, "schemaRegistry", json_pack("{s:s}", "url", url));
        return;
    }
    const char *colon = memchr(login, ':', (size_t)(at - login));
    const char *user_end = colon == NULL ? at : colon;
    const char *password = colon == NULL ? at : colon + 1;
    put(import, import->kafka, "schemaRegistry",
        json_pack(
            "{s:o, s:s, s:{s:o, s:o}}", "url",
            json_sprintf("%.*s%s", (int)(login - url), url, at + 1), "authentication", "PLAIN",
            "credentials", "username", unescaped(login, (size_t)(user_end - login)), "password",
            unescaped(password, (size_t)(at - password))));
}

/* What a pipe must have and the statement does not say. */
static void list_missing(struct import *import)
{
    static const struct {
        const char *setting;
        const char *reason;
    } needed[] = {
        {"kafka_broker_list", "not in the statement (but perhaps in a named collection): give "
                              "source.kafka.brokers"},
        {"kafka_topic_list",
         "not in the statement (but perhaps in a named collection): give source.kafka.topics"},
    };
    for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
        if (setting(import, needed[i].setting)[0] == '\0') {
            leave(import, needed[i].setting, needed[i].reason);
        }
    }
}

static void put_format(struct import *import)
{
    static const struct {
        const char *theirs;
        const char *ours;
    } formats[] = {
        {"JSONEachRow", "JSONEachRow"},
        {"AvroConfluent", "AvroConfluent"},
        {"Avro", "Avro"},
        {"Protobuf", "Protobuf"},
        {"ProtobufSingle", "Protobuf"},
        {"ProtobufConfluent", "Protobuf"},
    };
    const char *format = setting(import, "kafka_format");
    const char *ours = NULL;
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        ours = strcasecmp(formats[i].theirs, format) == 0 ? formats[i].ours : ours;
    }
    if (ours == NULL) {
        leave(
            import, "kafka_format",
            format[0] == '\0' ? "not in the statement; JSONEachRow is put"
                              : "a pipe does not read this format; JSONEachRow is put instead");
        ours = "JSONEachRow";
    }
    put(import, import->kafka, "format", json_string(ours));
    put_registry(import);
}

/* The engine takes the keys of the machine it runs on; a pipe names a role, or has keys. */
static void put_msk(struct import *import)
{
    const char *user = setting(import, "kafka_sasl_username");
    put(import, import->kafka, "type", json_string("msk"));
    if (user[0] != '\0') {
        put(import, import->kafka, "authentication", json_string("IAM_USER"));
        put(import, import->kafka, "credentials",
            json_pack(
                "{s:s, s:s}", "accessKeyId", user, "secretKey",
                setting(import, "kafka_sasl_password")));
        return;
    }
    put(import, import->kafka, "authentication", json_string("IAM_ROLE"));
    leave(
        import, "kafka_sasl_mechanism",
        "AWS_MSK_IAM logs in with the keys of the machine; add the role to assume as "
        "source.kafka.iamRole, or use IAM_USER with credentials {accessKeyId, secretKey}");
}

static void put_login(struct import *import)
{
    const char *mechanism = setting(import, "kafka_sasl_mechanism");
    const char *user = setting(import, "kafka_sasl_username");
    if (mechanism[0] == '\0' && user[0] == '\0') {
        return;
    }
    const char *ours = mechanism[0] == '\0' ? "PLAIN" : NULL;
    for (size_t i = 0; i < ARRAY_LEN(MECHANISMS); i++) {
        ours = strcasecmp(MECHANISMS[i].mechanism, mechanism) == 0 ? MECHANISMS[i].ours : ours;
    }
    if (ours == NULL) {
        leave(import, "kafka_sasl_mechanism", "a pipe has no such login");
    } else if (strcmp(ours, "IAM_ROLE") == 0) {
        put_msk(import);
    } else {
        put(import, import->kafka, "authentication", json_string(ours));
        put(import, import->kafka, "credentials",
            json_pack(
                "{s:s, s:s}", "username", user, "password",
                setting(import, "kafka_sasl_password")));
    }
}

static void put_settings(struct import *import)
{
    const int64_t wait_ms = bounded(import, "kafka_flush_interval_ms", WAIT_MIN_MS, WAIT_MAX_MS);
    const int64_t rows = bounded(import, "kafka_max_block_size", 1, ROWS_MAX);
    if (wait_ms > 0) {
        put(import, import->settings, "streaming_max_insert_wait_ms", json_integer(wait_ms));
    }
    if (rows > 0) {
        put(import, import->settings, "penstock_batch_rows", json_integer(rows));
    }
    /* The engine's default stops at the first bad message; its other modes go on. */
    const char *mode = setting(import, "kafka_handle_error_mode");
    const bool skips = bounded(import, "kafka_skip_broken_messages", 1, INT64_MAX) > 0;
    if ((mode[0] == '\0' || strcmp(mode, "default") == 0) && !skips) {
        put(import, import->settings, "penstock_error_mode", json_string("stop"));
    }
}

static void list_not_carried(struct import *import)
{
    for (size_t i = 0; i < import->engine->settings_count; i++) {
        const char *name = import->engine->settings[i].name;
        const char *reason = "this is no setting of the Kafka engine that a pipe knows";
        for (size_t j = 0; j < ARRAY_LEN(SETTINGS); j++) {
            reason = strcmp(SETTINGS[j].name, name) == 0 ? SETTINGS[j].reason : reason;
        }
        if (reason != NULL) {
            leave(import, name, reason);
        }
    }
    if (import->engine->has_expressions) {
        leave(
            import, "columns",
            "DEFAULT, MATERIALIZED, ALIAS, CODEC, TTL and indexes: a pipe names "
            "columns and types only");
    }
    leave(
        import, "table",
        "the pipe writes into a table of its own; materialized views that read the "
        "Kafka table are to be made on that table");
}

static json_t *columns_of(const struct kafka_engine *engine)
{
    json_t *list = json_array();
    for (size_t i = 0; i < engine->columns_count; i++) {
        json_t *column = json_pack(
            "{s:s, s:s}", "name", engine->columns[i].name, "type", engine->columns[i].type);
        if (json_array_append_new(list, column) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* The table behind the pipe has another name than the Kafka table, which is still there. */
static json_t *destination_of(const struct kafka_engine *engine)
{
    char *table = NULL;
    if (asprintf(&table, "%s_data", engine->table) < 0) {
        return NULL;
    }
    json_t *destination = json_pack(
        "{s:s, s:s, s:b, s:{s:{s:s}, s:[]}, s:o}", "database",
        engine->database == NULL ? "default" : engine->database, "table", table, "managedTable", 1,
        "tableDefinition", "engine", "type", "MergeTree", "sortingKey", "columns",
        columns_of(engine));
    free(table);
    return destination;
}

/* Literals of SQL can hold any bytes; JSON cannot. */
static bool is_utf8(const char *text)
{
    json_t *json = json_string(text == NULL ? "" : text);
    json_decref(json);
    return json != NULL;
}

static bool is_text(const struct kafka_engine *engine)
{
    bool is_ok = is_utf8(engine->table) && is_utf8(engine->database);
    for (size_t i = 0; is_ok && i < engine->columns_count; i++) {
        is_ok = is_utf8(engine->columns[i].name) && is_utf8(engine->columns[i].type);
    }
    for (size_t i = 0; is_ok && i < engine->settings_count; i++) {
        is_ok = is_utf8(engine->settings[i].name) && is_utf8(engine->settings[i].value);
    }
    return is_ok;
}

enum status wire_import_check(const struct kafka_engine *engine, struct err *err)
{
    if (!is_text(engine)) {
        return err_set(err, ST_INVALID, "/sql: a name or value is not UTF-8");
    }
    const char *protocol = kafka_engine_setting(engine, "kafka_security_protocol");
    const char *mechanism = kafka_engine_setting(engine, "kafka_sasl_mechanism");
    bool is_known = protocol == NULL || protocol[0] == '\0';
    for (size_t i = 0; i < ARRAY_LEN(SCHEMES); i++) {
        is_known = is_known || strcasecmp(SCHEMES[i].protocol, protocol) == 0;
    }
    if (!is_known) {
        return err_set(
            err, ST_INVALID,
            "/sql: kafka_security_protocol '%s': must be plaintext, ssl, sasl_plaintext or "
            "sasl_ssl",
            protocol);
    }
    is_known = mechanism == NULL || mechanism[0] == '\0';
    for (size_t i = 0; i < ARRAY_LEN(MECHANISMS); i++) {
        is_known = is_known || strcasecmp(MECHANISMS[i].mechanism, mechanism) == 0;
    }
    if (!is_known) {
        return err_set(
            err, ST_INVALID,
            "/sql: kafka_sasl_mechanism '%s': must be GSSAPI, PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, "
            "OAUTHBEARER or AWS_MSK_IAM",
            mechanism);
    }
    return ST_OK;
}

json_t *wire_import_to_json(const struct kafka_engine *engine)
{
    struct import import = {
        .engine = engine,
        .kafka = json_pack("{s:s}", "type", "kafka"),
        .settings = json_object(),
        .not_carried = json_array(),
        .is_ok = true,
    };
    put_brokers(&import);
    put(&import, import.kafka, "topics", json_string(setting(&import, "kafka_topic_list")));
    if (setting(&import, "kafka_group_name")[0] != '\0') {
        const char *group = setting(&import, "kafka_group_name");
        put(&import, import.kafka, "consumerGroup", json_string(group));
    }
    put_format(&import);
    put_login(&import);
    put_settings(&import);
    list_missing(&import);
    list_not_carried(&import);
    const int64_t replicas = bounded(&import, "kafka_num_consumers", 1, REPLICAS_MAX);
    json_t *pipe = json_pack(
        "{s:s, s:{s:o}, s:o, s:o, s:{s:i}}", "name", engine->table, "source", "kafka", import.kafka,
        "destination", destination_of(engine), "settings", import.settings, "scaling", "replicas",
        replicas == 0 ? 1 : (int)replicas);
    json_t *answer = json_pack("{s:o, s:o}", "pipe", pipe, "notCarried", import.not_carried);
    if (!import.is_ok) {
        json_decref(answer);
        return NULL;
    }
    return answer;
}
