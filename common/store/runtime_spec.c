/* The spec a replica is started with, put together from its pipe and service. */
#include <stdlib.h>
#include <string.h>

#include "common/store/runtime.h"
#include "common/store/store_internal.h"

/* The parts that need opening or parsing. */
struct parts {
    json_t *definition;
    json_t *secrets; /* NULL = none */
    json_t *service; /* {"password": …}, NULL = none */
};

static void parts_done(struct parts *parts)
{
    json_decref(parts->definition);
    json_decref(parts->secrets);
    json_decref(parts->service);
}

/* The first cells of the statement: service id, definition, pipe's and service's sealed values. */
static enum status parts_read(
    struct store *store, const char *pipe_id, struct pg_cell *cell, struct parts *ret_parts,
    struct err *err)
{
    const char *service_id = pg_next_text(cell);
    enum status st =
        store_parse_json(pg_next_text(cell), "stored definitions", &ret_parts->definition, err);
    if (st == ST_OK) {
        struct key_ring_place place = {.purpose = "pipe", .row_id = pipe_id};
        st = store_open_json(store, &place, cell, &ret_parts->secrets, err);
    }
    if (st == ST_OK) {
        struct key_ring_place place = {.purpose = "service", .row_id = service_id};
        st = store_open_json(store, &place, cell, &ret_parts->service, err);
    }
    return st;
}

/* The older mappings, newest first: what fits beside the definition into a spec. */
#define SQL_OLDER_MAPPINGS                                                                         \
    "(SELECT json_agg(json_build_object('version', version, 'mapping', mapping::json) ORDER BY "   \
    "version DESC)::text FROM (SELECT version, mapping, sum(length(mapping)) OVER (ORDER BY "      \
    "version DESC) AS total FROM pipe_mapping WHERE pipe_id = p.id AND replaced_at > now() - "     \
    "interval '7 days' ORDER BY version DESC LIMIT 8) m WHERE total <= 2000000)"

/* The last cells: what exactly-once needs, into the spec. ST_NO_MEMORY, ST_INTERNAL. */
static enum status spec_add_delivery(json_t *spec, struct pg_cell *cell, struct err *err)
{
    const int64_t epoch = pg_next_int(cell);
    const int64_t mapping_version = pg_next_int(cell);
    const char *text = pg_next_text(cell);
    json_t *older = NULL;
    enum status st = text == NULL ? ST_OK : store_parse_json(text, "stored mappings", &older, err);
    if (st != ST_OK) {
        return st;
    }
    json_t *delivery = json_pack(
        "{s:I, s:I, s:o}", "epoch", (json_int_t)epoch, "mappingVersion",
        (json_int_t)mapping_version, "olderMappings", older == NULL ? json_array() : older);
    const bool is_added = delivery != NULL && json_object_update(spec, delivery) == 0;
    json_decref(delivery);
    return is_added ? ST_OK : err_set(err, ST_NO_MEMORY, "no memory for the spec");
}

/* All cells between, and everything into one object. */
static json_t *spec_pack(
    const struct lease *lease, int lease_s, struct pg_cell *cell, const char *service_id,
    const struct parts *parts)
{
    const char *consumer_group = pg_next_text(cell);
    int replicas = (int)pg_next_int(cell);
    int cpu_millicores = (int)pg_next_int(cell);
    double memory_gb = pg_next_double(cell);
    const char *url = pg_next_text(cell);
    const char *username = pg_next_text(cell);
    const char *ca_certificate = pg_next_text(cell);
    json_t *scaling = json_pack(
        "{s:i, s:i, s:f}", "replicas", replicas, "replicaCpuMillicores", cpu_millicores,
        "replicaMemoryGb", memory_gb);
    /* A pipe with a ClickHouse user of its own writes as that user. */
    const json_t *own = json_object_get(parts->secrets, "clickhouse");
    const json_t *login = own == NULL ? parts->service : own;
    const char *user = own == NULL ? username : json_string_value(json_object_get(own, "username"));
    json_t *clickhouse = json_pack(
        "{s:s, s:s, s:O?, s:s?}", "url", url, "username", user, "password",
        json_object_get(login, "password"), "caCertificate", ca_certificate);
    return json_pack(
        "{s:s, s:s, s:s, s:i, s:I, s:I, s:s, s:O, s:O?, s:o, s:o}", "kind", "replica", "pipeId",
        lease->pipe_id, "serviceId", service_id, "replicaIndex", lease->replica_index, "generation",
        (json_int_t)lease->generation, "leaseMs", (json_int_t)lease_s * 1000, "consumerGroup",
        consumer_group, "definition", parts->definition, "secrets", parts->secrets, "scaling",
        scaling, "clickhouse", clickhouse);
}

enum status runtime_replica_spec(
    struct store *store, const struct lease *lease, int lease_s, json_t **ret_spec,
    int64_t *ret_revision, struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, lease->pipe_id);
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    enum status st = store_run(
        store,
        "SELECT p.revision, p.service_id, p.definition, p.secrets, s.secrets, p.consumer_group, "
        "p.replicas, p.cpu_millicores, p.memory_gb, s.url, s.username, s.ca_certificate, p.epoch, "
        "p.mapping_version, " SQL_OLDER_MAPPINGS " FROM pipe p "
        "JOIN service s ON s.id = p.service_id WHERE p.id = $1",
        &args, &rows, err);
    if (st != ST_OK) {
        return st;
    }
    if (pg_rows_count(rows) == 0) {
        return err_set(err, ST_NOT_FOUND, "no pipe %s", lease->pipe_id);
    }
    struct pg_cell cell = pg_row(rows, 0);
    int64_t revision = pg_next_int(&cell);
    struct pg_cell service_cell = cell;
    CLEANUP(parts_done) struct parts parts = {.definition = NULL};
    st = parts_read(store, lease->pipe_id, &cell, &parts, err);
    if (st != ST_OK) {
        return st;
    }
    json_t *spec = spec_pack(lease, lease_s, &cell, pg_next_text(&service_cell), &parts);
    if (spec == NULL) {
        return err_set(err, ST_NO_MEMORY, "spec of pipe %s", lease->pipe_id);
    }
    st = spec_add_delivery(spec, &cell, err);
    if (st != ST_OK) {
        json_decref(spec);
        return st;
    }
    *ret_spec = spec;
    *ret_revision = revision;
    return ST_OK;
}
