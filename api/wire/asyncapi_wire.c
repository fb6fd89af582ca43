/*
 * Topic names have no character that a JSON pointer would escape, so they are keys as they are.
 */
#include "api/wire/asyncapi_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAME_BYTES = 32,
    POINTER_BYTES = 512,
};

static const char BINDING[] = "0.5.0"; /* of AsyncAPI's Kafka bindings */

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text == NULL ? "" : text;
}

/* Makes the value of one part of a list. more: what all of them share. */
typedef json_t *make_part(const char *part, const char *more);

/* Each part of a comma separated list as a new member. */
static json_t *map_list(const char *list, bool is_numbered, make_part *make, const char *more)
{
    json_t *made = json_object();
    char *copy = strdup(list);
    char *rest = NULL;
    int count = 0;
    bool is_ok = made != NULL && copy != NULL;
    for (char *part = is_ok ? strtok_r(copy, ", ", &rest) : NULL; part != NULL;
         part = strtok_r(NULL, ", ", &rest)) {
        char name[NAME_BYTES];
        (void)snprintf(name, sizeof(name), "broker%d", count++); /* fits */
        is_ok =
            is_ok && json_object_set_new(made, is_numbered ? name : part, make(part, more)) == 0;
    }
    free(copy);
    if (!is_ok) {
        json_decref(made);
        return NULL;
    }
    return made;
}

/* The scheme decides, which all brokers share; without one, whether there is a login. */
static const char *protocol_of(const json_t *kafka)
{
    const char *brokers = text_of(kafka, "brokers");
    if (strstr(brokers, "://") == NULL) {
        return text_of(kafka, "authentication")[0] == '\0' ? "kafka" : "kafka-secure";
    }
    const bool is_plain = strncasecmp(brokers, "PLAINTEXT", 9) == 0 ||
                          strncasecmp(brokers, "SASL_PLAINTEXT", 14) == 0;
    return is_plain ? "kafka" : "kafka-secure";
}

static json_t *server_of(const char *broker, const char *protocol)
{
    const char *host = strstr(broker, "://");
    return json_pack("{s:s, s:s}", "host", host == NULL ? broker : host + 3, "protocol", protocol);
}

static json_t *channel_of(const char *topic, const char *binding)
{
    return json_pack(
        "{s:s, s:{s:{s:s}}, s:{s:{s:s, s:s}}}", "address", topic, "messages", "record", "$ref",
        "#/components/messages/record", "bindings", "kafka", "topic", topic, "bindingVersion",
        binding);
}

static json_t *operation_of(const char *topic, const char *group)
{
    char pointer[POINTER_BYTES];
    (void)snprintf(pointer, sizeof(pointer), "#/channels/%s", topic); /* Kafka's limit is 249 */
    return json_pack(
        "{s:s, s:{s:s}, s:{s:{s:{s:s, s:[s]}, s:s}}}", "action", "receive", "channel", "$ref",
        pointer, "bindings", "kafka", "groupId", "type", "string", "enum", group, "bindingVersion",
        BINDING);
}

/* The JSON type that a ClickHouse type is read from; "" = any. */
static const char *json_type_of(const char *type)
{
    static const struct {
        const char *prefix;
        const char *json;
    } types[] = {
        {"Array(", "array"},   {"Map(", "object"},  {"Tuple(", "object"}, {"Nested(", "array"},
        {"JSON", "object"},    {"UInt", "integer"}, {"Int", "integer"},   {"Float", "number"},
        {"Decimal", "number"}, {"Bool", "boolean"}, {"String", "string"}, {"FixedString", "string"},
        {"UUID", "string"},    {"Enum", "string"},  {"IPv", "string"},
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strncmp(type, types[i].prefix, strlen(types[i].prefix)) == 0) {
            return types[i].json;
        }
    }
    return "";
}

static json_t *property_of(const char *type)
{
    static const char NULLABLE[] = "Nullable(";
    static const char LOW[] = "LowCardinality(";
    const char *inner = strncmp(type, LOW, sizeof(LOW) - 1) == 0 ? type + sizeof(LOW) - 1 : type;
    const bool is_nullable = strncmp(inner, NULLABLE, sizeof(NULLABLE) - 1) == 0;
    const char *json = json_type_of(is_nullable ? inner + sizeof(NULLABLE) - 1 : inner);
    if (json[0] == '\0') {
        return json_pack("{s:s}", "x-clickhouse-type", type);
    }
    return is_nullable
               ? json_pack("{s:[s, s], s:s}", "type", json, "null", "x-clickhouse-type", type)
               : json_pack("{s:s, s:s}", "type", json, "x-clickhouse-type", type);
}

/* The field of the record that fills a column. */
static const char *source_of(const json_t *mappings, const char *column)
{
    for (size_t i = 0; i < json_array_size(mappings); i++) {
        const json_t *mapping = json_array_get(mappings, i);
        if (strcmp(text_of(mapping, "destinationField"), column) == 0) {
            return text_of(mapping, "sourceField");
        }
    }
    return column;
}

static json_t *payload_of(const json_t *definition)
{
    const json_t *columns = json_object_get(json_object_get(definition, "destination"), "columns");
    const json_t *mappings = json_object_get(definition, "fieldMappings");
    json_t *properties = json_object();
    bool is_ok = properties != NULL;
    for (size_t i = 0; i < json_array_size(columns); i++) {
        const json_t *column = json_array_get(columns, i);
        const char *source = source_of(mappings, text_of(column, "name"));
        if (source[0] != '_') { /* not a virtual column */
            is_ok = is_ok && json_object_set_new(
                                 properties, source, property_of(text_of(column, "type"))) == 0;
        }
    }
    if (!is_ok) {
        json_decref(properties);
        return NULL;
    }
    return json_pack("{s:s, s:o}", "type", "object", "properties", properties);
}

static const char *content_type_of(const char *format)
{
    if (strncmp(format, "Avro", 4) == 0) {
        return "application/vnd.apache.avro";
    }
    return strcmp(format, "Protobuf") == 0 ? "application/vnd.google.protobuf" : "application/json";
}

json_t *wire_asyncapi(const struct pipe_row *row)
{
    const json_t *kafka = json_object_get(json_object_get(row->definition, "source"), "kafka");
    const char *topics = text_of(kafka, "topics");
    return json_pack(
        "{s:s, s:{s:s, s:s, s:s}, s:o, s:o, s:o, s:{s:{s:{s:s, s:s, s:o}}}}", "asyncapi", "3.0.0",
        "info", "title", row->name, "version", "1.0.0", "description",
        "What a ClickPipe reads from Kafka into ClickHouse", "servers",
        map_list(text_of(kafka, "brokers"), true, server_of, protocol_of(kafka)), "channels",
        map_list(topics, false, channel_of, BINDING), "operations",
        map_list(topics, false, operation_of, row->consumer_group), "components", "messages",
        "record", "name", "record", "contentType", content_type_of(text_of(kafka, "format")),
        "payload", payload_of(row->definition));
}
