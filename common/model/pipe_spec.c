/* A whole pipe: its parts read one after the other, all problems collected. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/utf8.h"
#include "common/model/pipe.h"
#include "common/model/pipe_destination.h"
#include "common/model/pipe_json.h"
#include "common/model/pipe_source.h"

enum {
    NAME_MAX_CHARACTERS = 255
};

/* The smallest replica of Cloud. */
static const struct pipe_scaling scaling_default = {
    .replicas = 1, .cpu_millicores = 125, .memory_gb = 0.5};

static void
spec_read_name(struct pipe_reader *reader, const struct pipe_node *definition, char **ret_name)
{
    if (pipe_json_text(reader, definition, "name", PIPE_REQUIRED, ret_name)) {
        size_t count = utf8_count(*ret_name);
        if (count > NAME_MAX_CHARACTERS) {
            pipe_problems_add(
                reader->problems, "/name", "%zu characters, at most %d", count,
                NAME_MAX_CHARACTERS);
        }
    }
}

static bool spec_has_mapping(const struct pipe_spec *spec, const char *destination_field)
{
    for (size_t i = 0; i < spec->mappings_count; i++) {
        if (strcmp(spec->mappings[i].destination_field, destination_field) == 0) {
            return true;
        }
    }
    return false;
}

static void
spec_read_mapping(struct pipe_reader *reader, const struct pipe_node *item, struct pipe_spec *spec)
{
    struct pipe_field_mapping mapping = {0};
    bool has_source =
        pipe_json_text(reader, item, "sourceField", PIPE_REQUIRED, &mapping.source_field);
    bool has_destination =
        pipe_json_text(reader, item, "destinationField", PIPE_REQUIRED, &mapping.destination_field);
    if (!has_source || !has_destination) {
        free(mapping.source_field);
        free(mapping.destination_field);
        return;
    }
    struct pipe_node node = pipe_json_member(item, "destinationField");
    pipe_destination_check_column(
        reader, node.pointer, &spec->destination, mapping.destination_field);
    if (spec_has_mapping(spec, mapping.destination_field)) {
        pipe_problems_add(
            reader->problems, node.pointer, "column '%s' is mapped twice",
            mapping.destination_field);
    }
    spec->mappings[spec->mappings_count++] = mapping;
}

static void spec_read_mappings(
    struct pipe_reader *reader, const struct pipe_node *definition, struct pipe_spec *spec)
{
    struct pipe_node array;
    if (!pipe_json_array(reader, definition, "fieldMappings", PIPE_OPTIONAL, &array)) {
        return;
    }
    size_t count = json_array_size(array.json);
    spec->mappings = calloc(count + 1, sizeof(*spec->mappings));
    if (spec->mappings == NULL) {
        reader->is_out_of_memory = true;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct pipe_node item = pipe_json_item(&array, i);
        if (json_is_object(item.json)) {
            spec_read_mapping(reader, &item, spec);
        } else {
            pipe_problems_add(reader->problems, item.pointer, "must be an object");
        }
    }
}

static void spec_read(
    struct pipe_reader *reader, const struct pipe_node *definition, const struct pipe_node *secrets,
    struct pipe_spec *spec)
{
    spec_read_name(reader, definition, &spec->name);
    kafka_source_read(reader, definition, secrets, &spec->source);
    pipe_destination_read(reader, definition, &spec->destination);
    spec_read_mappings(reader, definition, spec);
    struct pipe_node node = pipe_json_member(definition, "settings");
    enum status st =
        pipe_settings_from_json(node.json, node.pointer, reader->problems, &spec->settings);
    reader->is_out_of_memory = reader->is_out_of_memory || st == ST_NO_MEMORY;
    node = pipe_json_member(definition, "scaling");
    spec->scaling = scaling_default;
    st = pipe_scaling_apply_json(node.json, node.pointer, reader->problems, &spec->scaling);
    reader->is_out_of_memory = reader->is_out_of_memory || st == ST_NO_MEMORY;
    (void)pipe_json_bool(/* problems are in reader */
                         reader, definition, "startPaused", PIPE_OPTIONAL, &spec->start_paused);
    node = pipe_json_member(definition, "source");
    if (json_is_object(node.json)) {
        (void)pipe_json_bool(/* likewise */
                             reader, &node, "validateSamples", PIPE_OPTIONAL,
                             &spec->validate_samples);
    }
}

static enum status spec_problems_error(const struct pipe_problems *problems, struct err *err)
{
    char *text = pipe_problems_text(problems);
    enum status st = err_set(err, ST_INVALID, "%s", text != NULL ? text : "invalid pipe");
    free(text);
    return st;
}

enum status pipe_spec_from_json(
    const json_t *definition, const json_t *secrets, struct pipe_problems *problems,
    struct pipe_spec **ret_spec, struct err *err)
{
    assert(problems != NULL);
    if (!json_is_object(definition)) {
        pipe_problems_add(problems, "", "must be an object");
        return spec_problems_error(problems, err);
    }
    CLEANUP(pipe_spec_freep) struct pipe_spec *spec = calloc(1, sizeof(*spec));
    if (spec == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for a pipe");
    }
    struct pipe_reader reader = {.problems = problems};
    struct pipe_node definition_node = pipe_node_root(definition, "");
    struct pipe_node secrets_node = pipe_node_root(secrets, "");
    spec_read(&reader, &definition_node, &secrets_node, spec);
    if (reader.is_out_of_memory) {
        return err_set(err, ST_NO_MEMORY, "no memory for a pipe");
    }
    if (problems->count > 0 || problems->has_more) {
        return spec_problems_error(problems, err);
    }
    *ret_spec = spec;
    spec = NULL;
    return ST_OK;
}

void pipe_spec_free(struct pipe_spec *spec)
{
    if (spec == NULL) {
        return;
    }
    free(spec->name);
    kafka_source_done(&spec->source);
    pipe_destination_done(&spec->destination);
    for (size_t i = 0; i < spec->mappings_count; i++) {
        free(spec->mappings[i].source_field);
        free(spec->mappings[i].destination_field);
    }
    free(spec->mappings);
    pipe_settings_done(&spec->settings);
    free(spec);
}

void pipe_spec_freep(struct pipe_spec **spec)
{
    pipe_spec_free(*spec);
    *spec = NULL;
}
