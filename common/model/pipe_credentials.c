/*
 * Credentials, which the api keeps apart from the definition: {"kafka":{…},"schemaRegistry":{…}}
 * with the shapes of openapi/penstock.yaml. Problems point to where the user wrote them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/model/pipe_source.h"
#include "common/model/registry_url.h"

void pipe_certificate_read(
    struct pipe_reader *reader, const struct pipe_node *parent, const char *key, char **ret_pem)
{
    if (!pipe_json_text(reader, parent, key, PIPE_OPTIONAL, ret_pem)) {
        return;
    }
    if (strstr(*ret_pem, "-----BEGIN ") == NULL || strstr(*ret_pem, "-----END ") == NULL) {
        struct pipe_node node = pipe_json_member(parent, key);
        pipe_problems_add(reader->problems, node.pointer, "is not a certificate in PEM form");
    }
}

/* One part of the secrets, with the pointer of the part the user wrote. */
static struct pipe_node
credentials_node(const struct pipe_node *secrets, const char *part, const struct pipe_node *parent)
{
    struct pipe_node node = pipe_json_member(secrets, part);
    struct pipe_node written = pipe_json_member(parent, "credentials");
    memcpy(node.pointer, written.pointer, sizeof(node.pointer));
    return node;
}

static bool has_text(const struct pipe_node *node, const char *key)
{
    struct pipe_node member = pipe_json_member(node, key);
    return json_is_string(member.json) && json_string_length(member.json) > 0;
}

static void credentials_read_tls(
    struct pipe_reader *reader, const struct pipe_node *node, struct kafka_credentials *credentials)
{
    if (pipe_json_text(reader, node, "certificate", PIPE_REQUIRED, &credentials->certificate_pem) &&
        strstr(credentials->certificate_pem, "-----BEGIN ") == NULL) {
        struct pipe_node member = pipe_json_member(node, "certificate");
        pipe_problems_add(reader->problems, member.pointer, "is not a certificate in PEM form");
    }
    if (pipe_json_secret(
            reader, node, "privateKey", PIPE_REQUIRED, &credentials->private_key_pem) &&
        strstr(credentials->private_key_pem.bytes, "-----BEGIN ") == NULL) {
        struct pipe_node member = pipe_json_member(node, "privateKey");
        pipe_problems_add(reader->problems, member.pointer, "is not a key in PEM form");
    }
}

/* "Get an Event Hubs connection string" of Azure's documentation: Endpoint comes first. */
static void credentials_read_hubs(
    struct pipe_reader *reader, const struct pipe_node *node, struct kafka_credentials *credentials)
{
    static const char start[] = "Endpoint=sb://";
    struct pipe_node member = pipe_json_member(node, "connectionString");
    if (pipe_json_secret(
            reader, node, "connectionString", PIPE_REQUIRED, &credentials->connection_string) &&
        strncmp(credentials->connection_string.bytes, start, strlen(start)) != 0) {
        pipe_problems_add(
            reader->problems, member.pointer,
            "must be a connection string of Event Hubs, which begins with %s", start);
    }
}

bool kafka_credentials_check(
    struct pipe_reader *reader, const struct pipe_node *kafka, const struct pipe_node *secrets)
{
    static const char *const names[] = {"username",  "password",         "accessKeyId",
                                        "secretKey", "connectionString", "certificate",
                                        "privateKey"};
    struct pipe_node node = credentials_node(secrets, "kafka", kafka);
    if (node.json != NULL && !json_is_object(node.json)) {
        pipe_problems_add(reader->problems, node.pointer, "must be an object");
        return false;
    }
    bool is_ok = true;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct pipe_node member = pipe_json_member(&node, names[i]);
        if (member.json != NULL && !json_is_string(member.json)) {
            pipe_problems_add(reader->problems, member.pointer, "must be a string");
            is_ok = false;
        }
    }
    return is_ok;
}

void kafka_credentials_read(
    struct pipe_reader *reader, const struct pipe_node *kafka, const struct pipe_node *secrets,
    struct kafka_source *source)
{
    struct pipe_node node = credentials_node(secrets, "kafka", kafka);
    struct kafka_credentials *credentials = &source->credentials;
    bool is_needed =
        source->authentication != KAFKA_AUTH_NONE && source->authentication != KAFKA_AUTH_IAM_ROLE;
    if (!is_needed) {
        if (source->authentication == KAFKA_AUTH_NONE && json_object_size(node.json) > 0) {
            pipe_problems_add(
                reader->problems, node.pointer, "need an authentication that uses them");
        }
        return;
    }
    if (!json_is_object(node.json)) {
        pipe_problems_add(
            reader->problems, node.pointer, "are required with %s",
            kafka_auth_text(source->authentication));
        return;
    }
    switch (source->authentication) {
    case KAFKA_AUTH_NONE:
    case KAFKA_AUTH_IAM_ROLE:
        return;
    case KAFKA_AUTH_PLAIN:
    case KAFKA_AUTH_SCRAM_SHA_256:
    case KAFKA_AUTH_SCRAM_SHA_512:
        if (source->type == KAFKA_TYPE_AZUREEVENTHUB && !has_text(&node, "username")) {
            credentials_read_hubs(reader, &node, credentials);
            return;
        }
        (void)pipe_json_text(reader, &node, "username", PIPE_REQUIRED, &credentials->username);
        (void)pipe_json_secret(reader, &node, "password", PIPE_REQUIRED, &credentials->password);
        return;
    case KAFKA_AUTH_IAM_USER:
        (void)pipe_json_text(
            reader, &node, "accessKeyId", PIPE_REQUIRED, &credentials->access_key_id);
        (void)pipe_json_secret(reader, &node, "secretKey", PIPE_REQUIRED, &credentials->secret_key);
        return;
    case KAFKA_AUTH_MUTUAL_TLS:
        credentials_read_tls(reader, &node, credentials);
        return;
    }
}

static void registry_check_url(
    struct pipe_reader *reader, const struct pipe_node *node, const struct kafka_source *source)
{
    struct pipe_node member = pipe_json_member(node, "url");
    struct registry_url url = {.pin = REGISTRY_PIN_NONE};
    struct err err = {.status = ST_OK};
    enum status st = registry_url_parse(source->registry->url, &url, &err);
    if (st == ST_NO_MEMORY) {
        reader->is_out_of_memory = true;
    } else if (st != ST_OK) {
        pipe_problems_add(reader->problems, member.pointer, "%s", err.text);
    } else if (source->format == PIPE_FORMAT_AVRO && url.pin == REGISTRY_PIN_NONE) {
        pipe_problems_add(
            reader->problems, member.pointer,
            "must name a schema with Avro, whose messages tell none: end it in /schemas/ids/<id>, "
            "/subjects/<subject> or /subjects/<subject>/versions/<version> (AvroConfluent is for "
            "messages that begin with a schema id)");
    }
    registry_url_done(&url);
}

static void registry_check(struct pipe_reader *reader, const struct pipe_node *node)
{
    struct pipe_node member = pipe_json_member(node, "type");
    const char *type = json_string_value(member.json);
    if (member.json != NULL && (type == NULL || strcmp(type, "confluent") != 0)) {
        pipe_problems_add(
            reader->problems, member.pointer, "only registries of type confluent are supported");
    }
    member = pipe_json_member(node, "authentication");
    const char *auth = json_string_value(member.json);
    if (member.json != NULL && (auth == NULL || (auth[0] != '\0' && strcmp(auth, "PLAIN") != 0))) {
        pipe_problems_add(reader->problems, member.pointer, "must be PLAIN or absent");
    }
}

static void registry_read_login(
    struct pipe_reader *reader, const struct pipe_node *credentials,
    struct schema_registry *registry)
{
    struct pipe_node username = pipe_json_member(credentials, "username");
    if (credentials->json != NULL && !json_is_object(credentials->json)) {
        pipe_problems_add(reader->problems, credentials->pointer, "must be an object");
        return;
    }
    bool has_user = has_text(credentials, "username");
    if (!has_user && !has_text(credentials, "password") &&
        (username.json == NULL || json_is_string(username.json))) {
        return; /* some clients send empty texts for "no user" */
    }
    (void)pipe_json_text(reader, credentials, "username", PIPE_REQUIRED, &registry->username);
    (void)pipe_json_secret(reader, credentials, "password", PIPE_OPTIONAL, &registry->password);
    if (registry->username != NULL && strchr(registry->username, ':') != NULL) {
        pipe_problems_add(
            reader->problems, username.pointer, "must hold no colon (RFC 7617, basic login)");
    }
}

void schema_registry_read(
    struct pipe_reader *reader, const struct pipe_node *kafka, const struct pipe_node *secrets,
    struct kafka_source *source)
{
    struct pipe_node node;
    if (!pipe_json_object(reader, kafka, "schemaRegistry", PIPE_OPTIONAL, &node)) {
        return;
    }
    struct schema_registry *registry = calloc(1, sizeof(*registry));
    if (registry == NULL) {
        reader->is_out_of_memory = true;
        return;
    }
    source->registry = registry;
    if (pipe_json_text(reader, &node, "url", PIPE_REQUIRED, &registry->url)) {
        registry_check_url(reader, &node, source);
    }
    registry_check(reader, &node);
    pipe_certificate_read(reader, &node, "caCertificate", &registry->ca_certificate);
    struct pipe_node credentials = credentials_node(secrets, "schemaRegistry", &node);
    registry_read_login(reader, &credentials, registry);
}
