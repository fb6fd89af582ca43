/* Changing pipes: the control plane's writes. */
#include "common/store/pipes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/store/store_internal.h"

enum status pipe_insert(struct store *store, const struct pipe_new *pipe, struct err *err)
{
    struct key_ring_place place = {.purpose = "pipe", .row_id = pipe->id};
    CLEANUP(key_ring_sealed_done) struct key_ring_sealed sealed = {.bytes = NULL};
    enum status st = store_seal_json(store, &place, pipe->secrets, &sealed, err);
    if (st != ST_OK) {
        return st;
    }
    CLEANUP(freep) char *definition = json_dumps(pipe->definition, JSON_COMPACT);
    if (definition == NULL) {
        return err_set(err, ST_NO_MEMORY, "definition of pipe %s", pipe->id);
    }
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, pipe->id);
    pg_add_text(&args, pipe->service_id);
    pg_add_text(&args, pipe->name);
    pg_add_text(&args, definition);
    pg_add_text(&args, pipe->consumer_group);
    pg_add_bytes(&args, sealed.bytes, sealed.len_bytes);
    pg_add_int(&args, pipe->scaling.replicas);
    pg_add_int(&args, pipe->scaling.cpu_millicores);
    pg_add_double(&args, pipe->scaling.memory_gb);
    pg_add_text(&args, pipe->is_wanted ? "running" : "stopped");
    int64_t count = 0;
    st = store_change(
        store,
        "WITH ticket AS (DELETE FROM leftover WHERE pipe_id = $1 AND is_open RETURNING "
        "pipe_id) "
        "INSERT INTO pipe (id, service_id, name, definition, consumer_group, secrets, replicas, "
        "cpu_millicores, memory_gb, desired, is_answered) SELECT pipe_id, $2::uuid, $3::text, "
        "$4::text, $5::text, $6::bytea, $7::integer, $8::integer, $9::double precision, "
        "$10::text, false FROM ticket",
        &args, &count, err);
    if (st == ST_REJECTED) {
        return err_set(err, ST_NOT_FOUND, "no service %s", pipe->service_id);
    }
    if (st == ST_OK && count == 0) {
        return err_set(err, ST_UNAVAILABLE, "the create took too long and was taken back");
    }
    return st;
}

/* Run a change of one pipe whose first two arguments are the pipe's and the service's id. */
static enum status pipe_change(
    struct store *store, const char *sql, const struct pg_args *args, const char *pipe_id,
    struct err *err)
{
    int64_t count = 0;
    enum status st = store_change(store, sql, args, &count, err);
    if (st == ST_OK && count == 0) {
        return err_set(err, ST_NOT_FOUND, "no pipe %s", pipe_id);
    }
    return st;
}

static void pipe_args(struct pg_args *args, const char *pipe_id, const char *service_id)
{
    pg_args_init(args);
    pg_add_text(args, pipe_id);
    pg_add_text(args, service_id);
}

enum status
pipe_delete(struct store *store, const char *service_id, const char *pipe_id, struct err *err)
{
    struct pg_args args;
    pipe_args(&args, pipe_id, service_id);
    return pipe_change(
        store, "DELETE FROM pipe WHERE id = $1 AND service_id = $2", &args, pipe_id, err);
}

enum status pipe_delete_with_user(
    struct store *store, const char *service_id, const char *pipe_id, struct err *err)
{
    struct pg_args args;
    pipe_args(&args, pipe_id, service_id);
    return pipe_change(
        store,
        "WITH gone AS (DELETE FROM pipe WHERE id = $1 AND service_id = $2 RETURNING id, "
        "service_id) INSERT INTO leftover (pipe_id, service_id, has_user, is_open, retry_at) "
        "SELECT id, service_id, true, false, now() + interval '1 minute' FROM gone",
        &args, pipe_id, err);
}

enum status
pipe_start(struct store *store, const char *service_id, const char *pipe_id, struct err *err)
{
    struct pg_args args;
    pipe_args(&args, pipe_id, service_id);
    /* The second WHERE keeps a pipe that runs already as it is, but still counts as found. */
    return pipe_change(
        store,
        "WITH found AS (SELECT id, desired = 'running' AND failed_at IS NULL AS is_running FROM "
        "pipe WHERE id = $1 AND service_id = $2 FOR NO KEY UPDATE), "
        "started AS (UPDATE pipe p SET desired = 'running', failure_code = NULL, failure_message "
        "= NULL, failed_at = NULL, reason_code = NULL, reason_message = NULL, ready_at = NULL, "
        "state_since = now(), updated_at = now() FROM found WHERE p.id = found.id AND NOT "
        "found.is_running) "
        "SELECT id FROM found",
        &args, pipe_id, err);
}

enum status
pipe_stop(struct store *store, const char *service_id, const char *pipe_id, struct err *err)
{
    struct pg_args args;
    pipe_args(&args, pipe_id, service_id);
    /* A failure ends with the stop (any state goes to Stopped); last_error_* still tells of it. */
    return pipe_change(
        store,
        "UPDATE pipe SET state_since = CASE WHEN desired = 'running' THEN now() ELSE state_since "
        "END, updated_at = CASE WHEN desired = 'running' THEN now() ELSE updated_at END, "
        "desired = 'stopped', failure_code = NULL, failure_message = NULL, failed_at = NULL, "
        "reason_code = NULL, reason_message = NULL, ready_at = NULL "
        "WHERE id = $1 AND service_id = $2",
        &args, pipe_id, err);
}

enum status pipe_scale(
    struct store *store, const char *service_id, const char *pipe_id,
    const struct pipe_scaling *scaling, struct err *err)
{
    struct pg_args args;
    pipe_args(&args, pipe_id, service_id);
    pg_add_int(&args, scaling->replicas);
    pg_add_int(&args, scaling->cpu_millicores);
    pg_add_double(&args, scaling->memory_gb);
    return pipe_change(
        store,
        "UPDATE pipe SET revision = revision + CASE WHEN cpu_millicores = $4 AND memory_gb = $5 "
        "THEN 0 ELSE 1 END, replicas = $3, cpu_millicores = $4, memory_gb = $5, updated_at = now() "
        "WHERE id = $1 AND service_id = $2",
        &args, pipe_id, err);
}

#define SQL_CREATE_KEY "hashtextextended($1::text || $2::text, 0)"

/* What a create is known by, and the greatest age of an answered one (NULL: not asked for). */
struct create_args {
    const char *service_id;
    const json_t *definition;
    const int64_t *age_ms;
};

/* Run a statement of service, definition and age. */
static enum status run_for_create(
    struct store *store, const char *sql, const struct create_args *create,
    struct pg_rows **ret_rows, struct err *err)
{
    CLEANUP(freep) char *text = json_dumps(create->definition, JSON_COMPACT);
    if (text == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for the pipe's definition");
    }
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, create->service_id);
    pg_add_text(&args, text);
    if (create->age_ms != NULL) {
        pg_add_int(&args, *create->age_ms);
    }
    return store_run(store, sql, &args, ret_rows, err);
}

enum status pipe_create_lock(
    struct store *store, const char *service_id, const json_t *definition, struct err *err)
{
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    const struct create_args create = {.service_id = service_id, .definition = definition};
    return run_for_create(
        store, "SELECT pg_advisory_lock(" SQL_CREATE_KEY ")", &create, &rows, err);
}

void pipe_create_unlock(struct store *store, const char *service_id, const json_t *definition)
{
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    const struct create_args create = {.service_id = service_id, .definition = definition};
    enum status st = run_for_create(
        store, "SELECT pg_advisory_unlock(" SQL_CREATE_KEY ")", &create, &rows, NULL);
    (void)st; /* a connection that broke holds nothing */
}

enum status pipe_find_unanswered(
    struct store *store, const char *service_id, const json_t *definition, int64_t age_ms,
    char ret_id[UUID_TEXT_BYTES], struct err *err)
{
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    const struct create_args create = {
        .service_id = service_id, .definition = definition, .age_ms = &age_ms};
    enum status st = run_for_create(
        store,
        "SELECT id FROM pipe WHERE service_id = $1 AND definition = $2 AND (NOT is_answered OR "
        "answered_at > clock_timestamp() - $3::bigint * interval '1 millisecond') AND "
        "created_at > now() - interval '10 minutes' ORDER BY created_at DESC LIMIT 1",
        &create, &rows, err);
    if (st == ST_OK && pg_rows_count(rows) == 0) {
        return err_set(err, ST_NOT_FOUND, "no unanswered create");
    }
    if (st == ST_OK) {
        struct pg_cell cell = pg_row(rows, 0);
        (void)snprintf(ret_id, UUID_TEXT_BYTES, "%s", pg_next_text(&cell));
    }
    return st;
}

enum status
pipe_set_answered(struct store *store, const char *service_id, const char *pipe_id, struct err *err)
{
    struct pg_args args;
    pipe_args(&args, pipe_id, service_id);
    return pipe_change(
        store,
        "UPDATE pipe SET is_answered = true, answered_at = clock_timestamp() WHERE id = $1 AND "
        "service_id = $2",
        &args, pipe_id, err);
}

enum status pipe_add_event(
    struct store *store, const char *pipe_id, const struct pipe_event *event, struct err *err)
{
    const bool has_details = event->details != NULL;
    CLEANUP(freep) char *text = has_details ? json_dumps(event->details, JSON_COMPACT) : NULL;
    if (has_details && text == NULL) {
        return err_set(err, ST_NO_MEMORY, "event of pipe %s", pipe_id);
    }
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, pipe_id);
    pg_add_text(&args, event->type);
    pg_add_text(&args, event->severity);
    pg_add_text(&args, event->message);
    pg_add_text(&args, text == NULL ? "{}" : text);
    enum status st = store_run(
        store,
        "INSERT INTO pipe_event (pipe_id, type, severity, message, details) VALUES ($1, $2, $3, "
        "$4, $5)",
        &args, NULL, err);
    if (st == ST_REJECTED) {
        return err_set(err, ST_NOT_FOUND, "no pipe %s", pipe_id);
    }
    return st;
}
