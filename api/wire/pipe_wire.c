/*
 * Known members are declared as a tree of shapes; splitting and reading back walk that tree.
 */
#include "api/wire/pipe_wire.h"

#include <assert.h>
#include <string.h>

enum {
    PIPE_MAX_BYTES = 64 * 1024 * 1024
};

enum shape_flag {
    SHAPE_EMPTY_IS_UNSET = 1, /* "" means the same as absent */
    SHAPE_WRITE_ONLY = 2,     /* never in a response */
    SHAPE_HIDE_EMPTY = 4,     /* [] and {} are not shown */
    SHAPE_OF_ROW = 8,         /* shown from a column of the row instead */
    SHAPE_ROLE = 16,          /* shown only beside the authentication that uses it */
};

struct shape {
    const char *name;
    const struct shape *members; /* of an object, or of a list's objects; NULL = any value */
    unsigned flags;
};

#define END                                                                                        \
    {                                                                                              \
        NULL, NULL, 0                                                                              \
    }

static const struct shape OFFSET[] = {{"strategy", NULL, 0}, {"timestamp", NULL, 0}, END};

static const struct shape REGISTRY[] = {
    {"type", NULL, 0},
    {"url", NULL, 0},
    {"authentication", NULL, 0},
    {"caCertificate", NULL, SHAPE_EMPTY_IS_UNSET},
    END,
};

static const struct shape KAFKA[] = {
    {"type", NULL, 0},
    {"format", NULL, 0},
    {"brokers", NULL, 0},
    {"topics", NULL, 0},
    {"consumerGroup", NULL, SHAPE_EMPTY_IS_UNSET | SHAPE_OF_ROW},
    {"authentication", NULL, SHAPE_EMPTY_IS_UNSET},
    {"iamRole", NULL, SHAPE_EMPTY_IS_UNSET | SHAPE_ROLE},
    {"caCertificate", NULL, SHAPE_EMPTY_IS_UNSET},
    {"offset", OFFSET, 0},
    {"schemaRegistry", REGISTRY, 0},
    {"reversePrivateEndpointIds", NULL, SHAPE_HIDE_EMPTY},
    {"exactlyOnce", NULL, 0},
    {"tombstoneMode", NULL, 0},
    {"protobufSchema", NULL, SHAPE_WRITE_ONLY},
    END,
};

static const struct shape SOURCE[] = {
    {"kafka", KAFKA, 0},
    {"validateSamples", NULL, SHAPE_WRITE_ONLY},
    /* ClickHouse Cloud's other kinds, to be refused by name */
    {"objectStorage", NULL, SHAPE_WRITE_ONLY},
    {"kinesis", NULL, SHAPE_WRITE_ONLY},
    {"pubsub", NULL, SHAPE_WRITE_ONLY},
    {"postgres", NULL, SHAPE_WRITE_ONLY},
    {"mysql", NULL, SHAPE_WRITE_ONLY},
    {"bigquery", NULL, SHAPE_WRITE_ONLY},
    {"mongodb", NULL, SHAPE_WRITE_ONLY},
    END,
};

static const struct shape ENGINE[] = {
    {"type", NULL, 0},
    {"versionColumnId", NULL, SHAPE_EMPTY_IS_UNSET},
    {"columnIds", NULL, 0},
    END,
};

static const struct shape TABLE[] = {
    {"engine", ENGINE, 0},
    {"sortingKey", NULL, 0},
    {"partitionBy", NULL, SHAPE_EMPTY_IS_UNSET},
    {"primaryKey", NULL, SHAPE_EMPTY_IS_UNSET},
    {"ttl", NULL, SHAPE_EMPTY_IS_UNSET},
    END,
};

static const struct shape COLUMN[] = {{"name", NULL, 0}, {"type", NULL, 0}, END};

static const struct shape DESTINATION[] = {
    {"database", NULL, SHAPE_EMPTY_IS_UNSET},
    {"table", NULL, 0},
    {"managedTable", NULL, 0},
    {"tableDefinition", TABLE, 0},
    {"columns", COLUMN, 0},
    {"roles", NULL, SHAPE_WRITE_ONLY},
    END,
};

static const struct shape MAPPING[] = {
    {"sourceField", NULL, 0}, {"destinationField", NULL, 0}, END};

static const struct shape PIPE[] = {
    {"name", NULL, SHAPE_OF_ROW},
    {"source", SOURCE, 0},
    {"destination", DESTINATION, 0},
    {"fieldMappings", MAPPING, SHAPE_HIDE_EMPTY},
    {"settings", NULL, SHAPE_HIDE_EMPTY},
    {"scaling", NULL, SHAPE_WRITE_ONLY}, /* kept in columns of its own */
    {"startPaused", NULL, SHAPE_WRITE_ONLY},
    END,
};

static const struct shape *find_shape(const struct shape *members, const char *name)
{
    for (; members->name != NULL; members++) {
        if (strcmp(members->name, name) == 0) {
            return members;
        }
    }
    return NULL;
}

static bool is_empty_text(const json_t *value)
{
    return json_is_string(value) && json_string_length(value) == 0;
}

static bool is_unset(const struct shape *shape, const json_t *value)
{
    return json_is_null(value) ||
           ((shape->flags & SHAPE_EMPTY_IS_UNSET) != 0 && is_empty_text(value));
}

/* Not part of what a response shows. object: that the value is a member of. */
static bool is_hidden(const struct shape *shape, const json_t *value, const json_t *object)
{
    const char *auth = json_string_value(json_object_get(object, "authentication"));
    if ((shape->flags & SHAPE_ROLE) != 0 && (auth == NULL || strcmp(auth, "IAM_ROLE") != 0)) {
        return true;
    }
    bool is_empty = (json_is_array(value) && json_array_size(value) == 0) ||
                    (json_is_object(value) && json_object_size(value) == 0);
    return is_unset(shape, value) || (shape->flags & (SHAPE_WRITE_ONLY | SHAPE_OF_ROW)) != 0 ||
           ((shape->flags & SHAPE_HIDE_EMPTY) != 0 && is_empty);
}

static json_t *copy_value(json_t *value, const struct shape *members);

/* The known members of an object, in its own order. NULL if out of memory. The tree of shapes
 * bounds the depth of this recursion. */
static json_t *copy_object(json_t *object, const struct shape *members)
{
    json_t *copy = json_object();
    const char *name;
    json_t *value;
    bool is_ok = copy != NULL;
    json_object_foreach(object, name, value)
    {
        const struct shape *shape = find_shape(members, name);
        if (shape == NULL || is_unset(shape, value)) {
            continue;
        }
        is_ok = is_ok && json_object_set_new(copy, name, copy_value(value, shape->members)) == 0;
    }
    if (!is_ok) {
        json_decref(copy);
        return NULL;
    }
    return copy;
}

static json_t *copy_list(json_t *list, const struct shape *members)
{
    json_t *copy = json_array();
    bool is_ok = copy != NULL;
    for (size_t i = 0; is_ok && i < json_array_size(list); i++) {
        json_t *item = copy_value(json_array_get(list, i), members);
        is_ok = json_array_append_new(copy, item) == 0;
    }
    if (!is_ok) {
        json_decref(copy);
        return NULL;
    }
    return copy;
}

static json_t *copy_value(json_t *value, const struct shape *members)
{
    if (members != NULL && json_is_object(value)) {
        return copy_object(value, members);
    }
    if (members != NULL && json_is_array(value)) {
        return copy_list(value, members);
    }
    return json_deep_copy(value);
}

/* object[name] is an object or absent: a path into what may have any form. */
static json_t *member(const json_t *object, const char *name)
{
    return json_object_get(object, name); /* NULL for anything that is no object */
}

/* Drop null members of the settings (they mean "unset") and, for a table that is not managed, its
 * definition. */
static void tidy(json_t *definition)
{
    json_t *settings = member(definition, "settings");
    const char *name;
    json_t *value;
    void *next;
    json_object_foreach_safe(settings, next, name, value)
    {
        if (json_is_null(value)) {
            (void)json_object_del(settings, name); /* it is there */
        }
    }
    json_t *destination = member(definition, "destination");
    if (json_is_false(member(destination, "managedTable"))) {
        (void)json_object_del(destination, "tableDefinition"); /* absent is fine */
    }
    if (json_is_object(destination) && member(destination, "database") == NULL) {
        (void)json_object_set_new(destination, "database", json_string("default"));
    }
}

static json_t *copy_secrets(const json_t *body, bool *ret_is_ok)
{
    const json_t *kafka = member(member(body, "source"), "kafka");
    const json_t *credentials = member(kafka, "credentials");
    const json_t *registry = member(member(kafka, "schemaRegistry"), "credentials");
    bool has_credentials = credentials != NULL && !json_is_null(credentials);
    bool has_registry = registry != NULL && !json_is_null(registry);
    *ret_is_ok = true;
    if (!has_credentials && !has_registry) {
        return NULL;
    }
    json_t *secrets = json_object();
    bool is_ok = secrets != NULL;
    if (has_credentials) {
        is_ok = is_ok && json_object_set_new(secrets, "kafka", json_deep_copy(credentials)) == 0;
    }
    if (has_registry) {
        is_ok =
            is_ok && json_object_set_new(secrets, "schemaRegistry", json_deep_copy(registry)) == 0;
    }
    *ret_is_ok = is_ok;
    return secrets;
}

enum status
wire_pipe_split(json_t *body, json_t **ret_definition, json_t **ret_secrets, struct err *err)
{
    assert(json_is_object(body));
    json_t *definition = copy_object(body, PIPE);
    bool is_ok = false;
    json_t *secrets = copy_secrets(body, &is_ok);
    if (definition == NULL || !is_ok) {
        json_decref(definition);
        json_decref(secrets);
        return err_set(err, ST_NO_MEMORY, "no memory for the pipe");
    }
    tidy(definition);
    *ret_definition = definition;
    *ret_secrets = secrets;
    return ST_OK;
}

/* A value of any form. */
static void write_any(struct json_text *json, const char *name, const json_t *value)
{
    enum {
        SMALL_BYTES = 256
    };
    const size_t flags = JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15);
    char small[SMALL_BYTES];
    if (json_is_string(value)) {
        json_text_string(json, name, json_string_value(value));
        return;
    }
    size_t len_bytes = json_dumpb(value, small, sizeof(small), flags);
    if (len_bytes <= sizeof(small)) {
        json_text_raw(json, name, small, len_bytes);
        return;
    }
    CLEANUP(freep) char *large = json_dumps(value, flags);
    if (large == NULL) {
        json->status = ST_NO_MEMORY;
        return;
    }
    json_text_raw(json, name, large, len_bytes);
}

struct shown {
    struct json_text *json;
    const struct pipe_row *row;
};

static void write_value(
    const struct shown *shown, const char *name, json_t *value, const struct shape *members);

/* The members of an object that are shown, in its own order. */
static void write_members(const struct shown *shown, json_t *object, const struct shape *members)
{
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        const struct shape *shape = find_shape(members, name);
        if (shape != NULL && !is_hidden(shape, value, object)) {
            write_value(shown, name, value, shape->members);
        }
    }
    if (members == KAFKA) {
        json_text_string(shown->json, "consumerGroup", shown->row->consumer_group);
    }
}

/* As copy_value. */
static void
write_value(const struct shown *shown, const char *name, json_t *value, const struct shape *members)
{
    struct json_text *json = shown->json;
    if (members != NULL && json_is_object(value)) {
        json_text_object(json, name);
        write_members(shown, value, members);
        json_text_end_object(json);
    } else if (members != NULL && json_is_array(value)) {
        json_text_array(json, name);
        for (size_t i = 0; i < json_array_size(value); i++) {
            write_value(shown, NULL, json_array_get(value, i), members);
        }
        json_text_end_array(json);
    } else {
        write_any(json, name, value);
    }
}

void wire_pipe_write(struct json_text *json, const struct pipe_row *row)
{
    const struct shown shown = {json, row};
    json_text_object(json, NULL);
    json_text_string(json, "id", row->id);
    json_text_string(json, "serviceId", row->service_id);
    json_text_string(json, "name", row->name);
    json_text_string(json, "state", pipe_state_text(pipe_state_derive(&row->facts)));
    json_text_object(json, "scaling");
    json_text_integer(json, "replicas", row->scaling.replicas);
    json_text_integer(json, "replicaCpuMillicores", row->scaling.cpu_millicores);
    json_text_number(json, "replicaMemoryGb", row->scaling.memory_gb);
    json_text_end_object(json);
    write_members(&shown, row->definition, PIPE);
    json_text_string(json, "createdAt", row->created_at);
    json_text_string(json, "updatedAt", row->updated_at);
    json_text_end_object(json);
}

json_t *wire_pipe_to_json(const struct pipe_row *row)
{
    struct json_text json;
    json_text_init(&json, PIPE_MAX_BYTES);
    wire_pipe_write(&json, row);
    json_t *pipe = json.status == ST_OK ? json_loads(buf_text(&json.out), 0, NULL) : NULL;
    json_text_done(&json);
    return pipe;
}

json_t *wire_settings_to_json(const json_t *definition)
{
    const json_t *given = member(definition, "settings");
    json_t *settings = json_is_object(given) ? json_deep_copy(given) : json_object();
    if (settings != NULL && member(settings, "kafka_read_committed") == NULL &&
        json_object_set_new(settings, "kafka_read_committed", json_false()) != 0) {
        json_decref(settings);
        return NULL;
    }
    return settings;
}
