/*
 * Known members are declared as a tree of shapes; splitting and reading back walk that tree.
 */
#include "api/wire/pipe_wire.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum shape_flag {
    SHAPE_EMPTY_IS_UNSET = 1, /* "" means the same as absent */
    SHAPE_WRITE_ONLY = 2,     /* never in a response */
    SHAPE_HIDE_EMPTY = 4,     /* [] and {} are not shown */
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
    {"consumerGroup", NULL, SHAPE_EMPTY_IS_UNSET},
    {"authentication", NULL, SHAPE_EMPTY_IS_UNSET},
    {"iamRole", NULL, SHAPE_EMPTY_IS_UNSET},
    {"caCertificate", NULL, SHAPE_EMPTY_IS_UNSET},
    {"offset", OFFSET, 0},
    {"schemaRegistry", REGISTRY, 0},
    {"reversePrivateEndpointIds", NULL, SHAPE_HIDE_EMPTY},
    {"exactlyOnce", NULL, 0},
    {"tombstoneMode", NULL, 0},
    END,
};

static const struct shape SOURCE[] = {
    {"kafka", KAFKA, 0},
    {"validateSamples", NULL, SHAPE_WRITE_ONLY},
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
    {"name", NULL, 0},
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

static bool is_hidden(const struct shape *shape, const json_t *value, bool is_reading)
{
    if (json_is_null(value)) {
        return true;
    }
    if ((shape->flags & SHAPE_EMPTY_IS_UNSET) != 0 && is_empty_text(value)) {
        return true;
    }
    if (!is_reading) {
        return false;
    }
    bool is_empty = (json_is_array(value) && json_array_size(value) == 0) ||
                    (json_is_object(value) && json_object_size(value) == 0);
    return (shape->flags & SHAPE_WRITE_ONLY) != 0 ||
           ((shape->flags & SHAPE_HIDE_EMPTY) != 0 && is_empty);
}

static json_t *copy_value(json_t *value, const struct shape *members, bool is_reading);

/* The known members of an object, in its own order. NULL if out of memory. The tree of shapes
 * bounds the depth of this recursion. */
static json_t *copy_object(json_t *object, const struct shape *members, bool is_reading)
{
    json_t *copy = json_object();
    const char *name;
    json_t *value;
    bool is_ok = copy != NULL;
    json_object_foreach(object, name, value)
    {
        const struct shape *shape = find_shape(members, name);
        if (shape == NULL || is_hidden(shape, value, is_reading)) {
            continue;
        }
        is_ok = is_ok &&
                json_object_set_new(copy, name, copy_value(value, shape->members, is_reading)) == 0;
    }
    if (!is_ok) {
        json_decref(copy);
        return NULL;
    }
    return copy;
}

static json_t *copy_list(json_t *list, const struct shape *members, bool is_reading)
{
    json_t *copy = json_array();
    bool is_ok = copy != NULL;
    for (size_t i = 0; is_ok && i < json_array_size(list); i++) {
        json_t *item = copy_value(json_array_get(list, i), members, is_reading);
        is_ok = json_array_append_new(copy, item) == 0;
    }
    if (!is_ok) {
        json_decref(copy);
        return NULL;
    }
    return copy;
}

static json_t *copy_value(json_t *value, const struct shape *members, bool is_reading)
{
    if (members != NULL && json_is_object(value)) {
        return copy_object(value, members, is_reading);
    }
    if (members != NULL && json_is_array(value)) {
        return copy_list(value, members, is_reading);
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
    json_t *definition = copy_object(body, PIPE, false);
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

json_t *wire_number(double value)
{
    if (fabs(value) < 1e15 && !(floor(value) < value)) {
        return json_integer((json_int_t)value);
    }
    return json_real(value);
}

static bool fix_source(json_t *pipe, const struct pipe_row *row)
{
    json_t *kafka = member(member(pipe, "source"), "kafka");
    const char *auth = json_string_value(member(kafka, "authentication"));
    if (auth == NULL || strcmp(auth, "IAM_ROLE") != 0) {
        (void)json_object_del(kafka, "iamRole"); /* absent is fine */
    }
    return json_object_set_new(kafka, "consumerGroup", json_string(row->consumer_group)) == 0;
}

json_t *wire_pipe_to_json(const struct pipe_row *row)
{
    json_t *shown = copy_object(row->definition, PIPE, true);
    if (shown == NULL || !fix_source(shown, row)) {
        json_decref(shown);
        return NULL;
    }
    (void)json_object_del(shown, "name"); /* comes from the row, in front */
    json_t *pipe = json_pack(
        "{s:s, s:s, s:s, s:s, s:{s:i, s:i, s:o}}", "id", row->id, "serviceId", row->service_id,
        "name", row->name, "state", pipe_state_text(pipe_state_derive(&row->facts)), "scaling",
        "replicas", row->scaling.replicas, "replicaCpuMillicores", row->scaling.cpu_millicores,
        "replicaMemoryGb", wire_number(row->scaling.memory_gb));
    bool is_ok = pipe != NULL && json_object_update(pipe, shown) == 0;
    json_decref(shown);
    is_ok = is_ok && json_object_set_new(pipe, "createdAt", json_string(row->created_at)) == 0;
    is_ok = is_ok && json_object_set_new(pipe, "updatedAt", json_string(row->updated_at)) == 0;
    if (!is_ok) {
        json_decref(pipe);
        return NULL;
    }
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
