/* A mapping has the members of the definition at the same places, so that it can be put back. */
#include "common/model/pipe_mapping.h"

#include <stddef.h>

#include "common/base/attr.h"

static const char *const SOURCE_MEMBERS[] = {"format", "schemaRegistry"};
static const char *const SETTINGS[] = {"penstock_overflow",       "penstock_defaults",
                                       "penstock_null",           "penstock_multi_record",
                                       "penstock_path_separator", "penstock_tombstones",
                                       "penstock_timestamp_unit"};

static json_t *kafka_of(const json_t *definition)
{
    return json_object_get(json_object_get(definition, "source"), "kafka");
}

/* to[name] = a copy of from[name], or nothing where there is none. False if out of memory. */
static bool take(json_t *to, const json_t *from, const char *name)
{
    json_t *value = json_object_get(from, name);
    (void)json_object_del(to, name); /* absent is fine */
    return value == NULL || json_is_null(value) ||
           json_object_set_new(to, name, json_deep_copy(value)) == 0;
}

static bool take_all(json_t *to, const json_t *from, const char *const *names, size_t count)
{
    bool is_ok = to != NULL;
    for (size_t i = 0; is_ok && i < count; i++) {
        is_ok = take(to, from, names[i]);
    }
    return is_ok;
}

/* The member as an object that can be changed; made if it is not there. NULL if out of memory. */
static json_t *object_in(json_t *parent, const char *name)
{
    json_t *member = json_object_get(parent, name);
    if (json_is_object(member)) {
        return member;
    }
    return json_object_set_new(parent, name, json_object()) == 0 ? json_object_get(parent, name)
                                                                 : NULL;
}

/* Both ways: from a definition to a mapping, and back. */
static bool take_mapping(json_t *to, const json_t *from)
{
    json_t *source = object_in(to, "source");
    json_t *kafka = source == NULL ? NULL : object_in(source, "kafka");
    const json_t *destination = json_object_get(from, "destination");
    static const char *const columns = "columns";
    return take_all(kafka, kafka_of(from), SOURCE_MEMBERS, ARRAY_LEN(SOURCE_MEMBERS)) &&
           take(to, from, "fieldMappings") &&
           take_all(object_in(to, "destination"), destination, &columns, 1) &&
           take_all(
               object_in(to, "settings"), json_object_get(from, "settings"), SETTINGS,
               ARRAY_LEN(SETTINGS));
}

json_t *pipe_mapping_of(const json_t *definition)
{
    json_t *mapping = json_object();
    if (mapping == NULL || !take_mapping(mapping, definition)) {
        json_decref(mapping);
        return NULL;
    }
    return mapping;
}

bool pipe_mapping_is_same(const json_t *definition_a, const json_t *definition_b)
{
    json_t *a = pipe_mapping_of(definition_a);
    json_t *b = pipe_mapping_of(definition_b);
    bool is_same = json_equal(a, b) != 0; /* false for NULL */
    json_decref(a);
    json_decref(b);
    return is_same;
}

json_t *pipe_mapping_apply(const json_t *definition, const json_t *mapping)
{
    static const char REGISTRY[] = "schemaRegistry";
    json_t *result = json_deep_copy(definition);
    if (result == NULL || !take_mapping(result, mapping)) {
        json_decref(result);
        return NULL;
    }
    json_t *now = json_object_get(kafka_of(definition), REGISTRY);
    bool is_ok = true;
    if (json_is_object(now) && json_is_object(json_object_get(kafka_of(mapping), REGISTRY))) {
        is_ok = take(kafka_of(result), kafka_of(definition), REGISTRY);
    }
    if (!is_ok) {
        json_decref(result);
        return NULL;
    }
    return result;
}
