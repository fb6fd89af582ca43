/* Spec JSON → struct. The definition itself is read by common/model. */
#include "worker/replica/spec.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/model/pipe_mapping.h"

enum {
    LEASE_MIN_MS = 1000,
    MEMORY_DEFAULT_MB = 512,
};

/* A copy of a text member; *ret_text stays NULL if it is absent or null. */
static enum status
spec_text(const json_t *object, const char *name, char **ret_text, struct err *err)
{
    const json_t *member = json_object_get(object, name);
    if (member == NULL || json_is_null(member)) {
        return ST_OK;
    }
    const char *text = json_string_value(member);
    if (text == NULL) {
        return err_set(err, ST_INVALID, "spec: %s is no text", name);
    }
    char *copy = strdup(text);
    if (copy == NULL) {
        return err_set(err, ST_NO_MEMORY, "spec: no memory for %s", name);
    }
    *ret_text = copy;
    return ST_OK;
}

static enum status
spec_required_text(const json_t *object, const char *name, char **ret_text, struct err *err)
{
    enum status st = spec_text(object, name, ret_text, err);
    if (st == ST_OK && (*ret_text == NULL || **ret_text == '\0')) {
        return err_set(err, ST_INVALID, "spec: %s is missing", name);
    }
    return st;
}

static enum status spec_number(
    const json_t *object, const char *name, int64_t min, int64_t *ret_value, struct err *err)
{
    const json_t *member = json_object_get(object, name);
    if (!json_is_integer(member) || json_integer_value(member) < min) {
        return err_set(err, ST_INVALID, "spec: %s is missing or below %lld", name, (long long)min);
    }
    *ret_value = json_integer_value(member);
    return ST_OK;
}

static enum status
spec_read_clickhouse(const json_t *object, struct replica_spec *spec, struct err *err)
{
    enum status st = spec_required_text(object, "url", &spec->clickhouse_url, err);
    if (st == ST_OK) {
        st = spec_text(object, "username", &spec->clickhouse_username, err);
    }
    if (st == ST_OK) {
        st = spec_text(object, "caCertificate", &spec->clickhouse_ca_certificate, err);
    }
    const char *password = json_string_value(json_object_get(object, "password"));
    if (st == ST_OK && password != NULL) {
        st = secret_set(&spec->clickhouse_password, password, strlen(password));
    }
    return st;
}

/* A definition as a pipe. */
static enum status spec_read_pipe(
    const json_t *root, const json_t *definition, struct pipe_spec **ret_pipe, struct err *err)
{
    struct pipe_problems problems = {.count = 0};
    enum status st =
        pipe_spec_from_json(definition, json_object_get(root, "secrets"), &problems, ret_pipe, err);
    pipe_problems_done(&problems);
    return st;
}

/* One older mapping; one that does not go with the present definition is left out. */
static enum status spec_read_mapping(
    const json_t *root, const json_t *item, struct replica_spec *spec, struct err *err)
{
    json_t *definition =
        pipe_mapping_apply(json_object_get(root, "definition"), json_object_get(item, "mapping"));
    if (definition == NULL) {
        return err_set(err, ST_NO_MEMORY, "spec: no memory for an older mapping");
    }
    struct replica_mapping *older = &spec->older[spec->older_count];
    enum status st = spec_read_pipe(root, definition, &older->pipe, err);
    json_decref(definition);
    if (st == ST_OK) {
        older->version = (uint64_t)json_integer_value(json_object_get(item, "version"));
        spec->older_count++;
    }
    return st == ST_NO_MEMORY ? st : ST_OK;
}

/* What exactly-once needs. Absent: a pipe that never changed. */
static enum status
spec_read_delivery(const json_t *root, struct replica_spec *spec, struct err *err)
{
    const json_t *epoch = json_object_get(root, "epoch");
    const json_t *version = json_object_get(root, "mappingVersion");
    spec->epoch = epoch == NULL ? 1 : (uint64_t)json_integer_value(epoch);
    spec->mapping_version = version == NULL ? 1 : (uint64_t)json_integer_value(version);
    const json_t *list = json_object_get(root, "olderMappings");
    const size_t count = json_array_size(list);
    if (count > REPLICA_SPEC_OLDER_MAX) {
        return err_set(err, ST_INVALID, "spec: %zu older mappings", count);
    }
    if (count == 0) {
        return ST_OK;
    }
    spec->older = calloc(count, sizeof(*spec->older));
    if (spec->older == NULL) {
        return err_set(err, ST_NO_MEMORY, "spec: no memory for older mappings");
    }
    enum status st = ST_OK;
    for (size_t i = 0; st == ST_OK && i < count; i++) {
        st = spec_read_mapping(root, json_array_get(list, i), spec, err);
    }
    return st;
}

static enum status spec_read(const json_t *root, struct replica_spec *spec, struct err *err)
{
    enum status st = spec_required_text(root, "pipeId", &spec->pipe_id, err);
    if (st == ST_OK) {
        st = spec_required_text(root, "consumerGroup", &spec->consumer_group, err);
    }
    if (st == ST_OK) {
        st = spec_number(root, "replicaIndex", 0, &spec->replica_index, err);
    }
    if (st == ST_OK) {
        st = spec_number(root, "generation", 0, &spec->generation, err);
    }
    if (st == ST_OK) {
        st = spec_number(root, "leaseMs", LEASE_MIN_MS, &spec->lease_ms, err);
    }
    if (st == ST_OK) {
        st = spec_read_clickhouse(json_object_get(root, "clickhouse"), spec, err);
    }
    if (st != ST_OK) {
        return st;
    }
    const json_t *replicas = json_object_get(json_object_get(root, "scaling"), "replicas");
    spec->replicas = json_integer_value(replicas) > 1 ? (int)json_integer_value(replicas) : 1;
    spec->memory_gb =
        json_number_value(json_object_get(json_object_get(root, "scaling"), "replicaMemoryGb"));
    st = spec_read_pipe(root, json_object_get(root, "definition"), &spec->pipe, err);
    return st == ST_OK ? spec_read_delivery(root, spec, err) : st;
}

enum status replica_spec_parse(const char *text, struct replica_spec *ret_spec, struct err *err)
{
    json_error_t where;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &where);
    if (root == NULL) {
        /* The text holds secrets: only the position is told. */
        return err_set(err, ST_INVALID, "spec: no JSON at byte %d", where.position);
    }
    struct replica_spec spec = {.pipe_id = NULL};
    enum status st = spec_read(root, &spec, err);
    json_decref(root);
    if (st != ST_OK) {
        replica_spec_done(&spec);
        return st;
    }
    *ret_spec = spec;
    return ST_OK;
}

void replica_spec_done(struct replica_spec *spec)
{
    free(spec->pipe_id);
    free(spec->consumer_group);
    pipe_spec_free(spec->pipe);
    for (size_t i = 0; i < spec->older_count; i++) {
        pipe_spec_free(spec->older[i].pipe);
    }
    free(spec->older);
    free(spec->clickhouse_url);
    free(spec->clickhouse_username);
    secret_done(&spec->clickhouse_password);
    free(spec->clickhouse_ca_certificate);
    *spec = (struct replica_spec){.pipe_id = NULL};
}

struct clickhouse_endpoint replica_spec_endpoint(const struct replica_spec *spec)
{
    return (struct clickhouse_endpoint){
        .url = spec->clickhouse_url,
        .username = spec->clickhouse_username,
        .password = &spec->clickhouse_password,
        .ca_certificate = spec->clickhouse_ca_certificate,
    };
}

size_t replica_spec_memory_bytes(const struct replica_spec *spec)
{
    size_t megabytes = MEMORY_DEFAULT_MB;
    if (spec->memory_gb > 0.0) {
        megabytes = (size_t)(spec->memory_gb * 1024.0);
    }
    return megabytes * 1024 * 1024;
}

const struct pipe_spec *
replica_spec_mapping(const struct replica_spec *spec, uint64_t mapping_version)
{
    if (mapping_version == spec->mapping_version) {
        return spec->pipe;
    }
    for (size_t i = 0; i < spec->older_count; i++) {
        if (spec->older[i].version == mapping_version) {
            return spec->older[i].pipe;
        }
    }
    return NULL;
}
