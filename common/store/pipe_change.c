/*
 * UPDATE of a pipe's definition. The revision is what supervisors compare to restart replicas.
 */
#include "common/store/pipe_change.h"

#include <assert.h>
#include <stdlib.h>

#include "common/store/store_internal.h"

/* Older mappings that a replica may still need: offsets of an idle group are kept for 7 days
 * (Kafka's offsets.retention.minutes), so nothing older can be pending. */
#define SQL_MAPPINGS_MAX "8"
#define SQL_MAPPINGS_AGE "interval '7 days'"

enum status
pipe_lock(struct store *store, const char *service_id, const char *pipe_id, struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, pipe_id);
    pg_add_text(&args, service_id);
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    enum status status = store_run(
        store, "SELECT 1 FROM pipe WHERE id = $1 AND service_id = $2 FOR UPDATE", &args, &rows,
        err);
    if (status != ST_OK) {
        return status;
    }
    if (pg_rows_count(rows) == 0) {
        return err_set(err, ST_NOT_FOUND, "no pipe %s", pipe_id);
    }
    return ST_OK;
}

static enum status run_change(
    struct store *store, const struct pipe_change *change, struct pg_args *args, struct err *err)
{
    char *definition = json_dumps(change->definition, JSON_COMPACT);
    if (definition == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for the pipe's definition");
    }
    pg_add_text(args, definition);
    int64_t count = 0;
    enum status status = store_change(
        store,
        "UPDATE pipe SET name = $3, revision = revision + $4, updated_at = now(),"
        " secrets = CASE WHEN $5 THEN $6 ELSE secrets END,"
        " consumer_group = COALESCE($7, consumer_group), epoch = epoch + $8,"
        " mapping_version = mapping_version + $9, definition = $10"
        " WHERE id = $1 AND service_id = $2",
        args, &count, err);
    free(definition);
    if (status == ST_OK && count == 0) {
        return err_set(err, ST_NOT_FOUND, "no such pipe");
    }
    return status;
}

/* Keep the mapping that is about to be replaced, and no more than a replica may need. */
static enum status keep_mapping(
    struct store *store, const char *service_id, const char *pipe_id, const json_t *mapping,
    struct err *err)
{
    CLEANUP(freep) char *text = json_dumps(mapping, JSON_COMPACT);
    if (text == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for the pipe's mapping");
    }
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, pipe_id);
    pg_add_text(&args, service_id);
    pg_add_text(&args, text);
    return store_run(
        store,
        "WITH gone AS (DELETE FROM pipe_mapping m WHERE pipe_id = $1 AND (replaced_at < now() - "
        "" SQL_MAPPINGS_AGE " OR version <= (SELECT mapping_version - " SQL_MAPPINGS_MAX
        " FROM pipe p WHERE p.id = m.pipe_id)))"
        " INSERT INTO pipe_mapping (pipe_id, version, mapping)"
        " SELECT id, mapping_version, $3 FROM pipe WHERE id = $1 AND service_id = $2",
        &args, NULL, err);
}

enum status pipe_store_change(
    struct store *store, const char *service_id, const char *pipe_id,
    const struct pipe_change *change, struct err *err)
{
    assert(change->name != NULL && change->definition != NULL);
    CLEANUP(key_ring_sealed_done) struct key_ring_sealed sealed = {.bytes = NULL};
    if (change->has_new_secrets) {
        struct key_ring_place place = {"pipe", pipe_id};
        enum status status = store_seal_json(store, &place, change->secrets, &sealed, err);
        if (status != ST_OK) {
            return status;
        }
    }
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, pipe_id);
    pg_add_text(&args, service_id);
    pg_add_text(&args, change->name);
    pg_add_int(&args, change->needs_restart ? 1 : 0);
    pg_add_bool(&args, change->has_new_secrets);
    pg_add_bytes(&args, sealed.bytes, sealed.len_bytes);
    pg_add_text(&args, change->consumer_group);
    pg_add_int(&args, change->raises_epoch ? 1 : 0);
    pg_add_int(&args, change->old_mapping != NULL ? 1 : 0);
    enum status status = change->old_mapping == NULL
                             ? ST_OK
                             : keep_mapping(store, service_id, pipe_id, change->old_mapping, err);
    status = status == ST_OK ? run_change(store, change, &args, err) : status;
    return status == ST_OK && change->forgets_offsets
               ? pipe_store_offsets(store, pipe_id, NULL, 0, err)
               : status;
}

enum status
pipe_restart(struct store *store, const char *service_id, const char *pipe_id, struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, pipe_id);
    pg_add_text(&args, service_id);
    int64_t count = 0;
    enum status status = store_change(
        store,
        "UPDATE pipe SET revision = revision + 1, updated_at = now()"
        " WHERE id = $1 AND service_id = $2",
        &args, &count, err);
    if (status == ST_OK && count == 0) {
        return err_set(err, ST_NOT_FOUND, "no pipe %s", pipe_id);
    }
    return status;
}

enum status pipe_raise_epoch(struct store *store, const char *pipe_id, struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, pipe_id);
    int64_t count = 0;
    enum status status = store_change(
        store,
        "UPDATE pipe SET epoch = epoch + 1, revision = revision + 1, updated_at = now()"
        " WHERE id = $1",
        &args, &count, err);
    if (status == ST_OK && count == 0) {
        return err_set(err, ST_NOT_FOUND, "no pipe %s", pipe_id);
    }
    return status;
}

static char *offsets_json(const struct pipe_offset *offsets, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *item = json_pack(
            "{s:s, s:i, s:I, s:I}", "topic", offsets[i].topic, "partition", offsets[i].partition,
            "committed", (json_int_t)offsets[i].committed, "end_offset",
            (json_int_t)offsets[i].end_offset);
        if (json_array_append_new(list, item) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    char *text = list == NULL ? NULL : json_dumps(list, JSON_COMPACT);
    json_decref(list);
    return text;
}

enum status pipe_store_offsets(
    struct store *store, const char *pipe_id, const struct pipe_offset *offsets, size_t count,
    struct err *err)
{
    CLEANUP(freep) char *text = offsets_json(offsets, count);
    if (text == NULL) {
        return err_set(err, ST_INVALID, "offsets of pipe %s: a topic is not UTF-8 text", pipe_id);
    }
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, pipe_id);
    pg_add_text(&args, text);
    enum status status = store_run(
        store,
        "WITH given AS (SELECT * FROM json_to_recordset($2::json) AS"
        " (topic text, partition integer, committed bigint, end_offset bigint)), gone AS ("
        "DELETE FROM pipe_partition t WHERE pipe_id = $1 AND NOT EXISTS (SELECT FROM given g"
        " WHERE g.topic = t.topic AND g.partition = t.partition))"
        " INSERT INTO pipe_partition (pipe_id, topic, partition, committed, end_offset)"
        " SELECT $1::uuid, topic, partition, committed, end_offset FROM given"
        " ON CONFLICT (pipe_id, topic, partition) DO UPDATE SET committed = excluded.committed,"
        " end_offset = excluded.end_offset, updated_at = now()",
        &args, NULL, err);
    return status == ST_REJECTED ? err_set(err, ST_NOT_FOUND, "no pipe %s", pipe_id) : status;
}
