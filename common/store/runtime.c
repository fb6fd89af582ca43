/*
 * What becomes of a replica's process and pipe, beside its heartbeats (runtime_report.c). Every
 * write is fenced: it locks the pipe, then the replica's row with its owner and generation, and
 * changes nothing if that row is somebody else's by now.
 */
#include "common/store/runtime.h"

#include <inttypes.h>

#include "common/store/store_internal.h"

/* $1 pipe, $2 index, $3 generation, $4 owner: the fenced row, locked after its pipe. */
#define SQL_FENCE                                                                                  \
    "WITH l AS MATERIALIZED (SELECT id FROM pipe WHERE id = $1 FOR NO KEY UPDATE), "               \
    "o AS MATERIALIZED (SELECT r.pipe_id, r.replica_index, r.pid, r.unsettled_records, "           \
    "r.unsettled_bytes, r.report_number FROM pipe_replica r JOIN l ON l.id = r.pipe_id "           \
    "WHERE r.replica_index = $2 AND r.generation = $3 AND r.owner = $4 FOR UPDATE OF r) "

static void fence_args(struct pg_args *args, const char *owner, const struct lease *lease)
{
    pg_args_init(args);
    pg_add_text(args, lease->pipe_id);
    pg_add_int(args, lease->replica_index);
    pg_add_int(args, lease->generation);
    pg_add_text(args, owner);
}

/* Run a fenced change of one row. */
static enum status fenced_change(
    struct store *store, const char *sql, const struct pg_args *args, const struct lease *lease,
    struct err *err)
{
    int64_t count = 0;
    enum status st = store_change(store, sql, args, &count, err);
    if (st == ST_OK && count == 0) {
        return err_set(
            err, ST_FENCED, "replica %d of pipe %s is not held with generation %" PRId64,
            lease->replica_index, lease->pipe_id, lease->generation);
    }
    return st;
}

enum status runtime_child_ended(
    struct store *store, const char *owner, const struct lease *lease, struct err *err)
{
    struct pg_args args;
    fence_args(&args, owner, lease);
    return fenced_change(
        store,
        SQL_FENCE
        ", w AS (UPDATE pipe_replica r SET unsettled_records = 0, unsettled_bytes = 0, pid = NULL, "
        "state = CASE WHEN r.pid IS NULL THEN r.state ELSE 'idle' END, memory_bytes = 0, "
        "cpu_millicores = 0, records_per_second = 0, bytes_per_second = 0 FROM o "
        "WHERE r.pipe_id = o.pipe_id AND r.replica_index = o.replica_index "
        "RETURNING o.unsettled_records AS records, o.unsettled_bytes AS bytes) "
        "UPDATE pipe p SET fetched_records = p.fetched_records - w.records, fetched_bytes = "
        "p.fetched_bytes - w.bytes FROM w WHERE p.id = $1",
        &args, lease, err);
}

enum status runtime_set_reason(
    struct store *store, const char *owner, const struct lease *lease, const char *code,
    const char *message, struct err *err)
{
    struct pg_args args;
    fence_args(&args, owner, lease);
    bool has_reason = code[0] != '\0';
    pg_add_text(&args, has_reason ? code : NULL);
    pg_add_text(&args, has_reason ? message : NULL);
    return fenced_change(
        store,
        SQL_FENCE "UPDATE pipe p SET reason_code = $5::text, reason_message = $6::text, "
                  "last_error_type = COALESCE($5, p.last_error_type), "
                  "last_error_message = COALESCE($6, p.last_error_message), "
                  "last_error_at = CASE WHEN $5 IS NULL THEN p.last_error_at ELSE now() END "
                  "FROM o WHERE p.id = o.pipe_id",
        &args, lease, err);
}

enum status runtime_set_failed(
    struct store *store, const char *owner, const struct lease *lease, const char *code,
    const char *message, struct err *err)
{
    struct pg_args args;
    fence_args(&args, owner, lease);
    pg_add_text(&args, code);
    pg_add_text(&args, message);
    /* The first failure counts, and none once the user has stopped the pipe. */
    return fenced_change(
        store,
        SQL_FENCE ", n AS (SELECT o.pipe_id, p.desired = 'running' AND p.failed_at IS NULL AS "
                  "is_new FROM o JOIN pipe p ON p.id = o.pipe_id) "
                  "UPDATE pipe p SET "
                  "failure_code = CASE WHEN n.is_new THEN $5::text ELSE p.failure_code END, "
                  "failure_message = CASE WHEN n.is_new THEN $6::text ELSE p.failure_message END, "
                  "state_since = CASE WHEN n.is_new THEN now() ELSE p.state_since END, "
                  "failed_at = CASE WHEN n.is_new THEN now() ELSE p.failed_at END, "
                  "last_error_type = $5, last_error_message = $6, last_error_at = now() "
                  "FROM n WHERE p.id = n.pipe_id",
        &args, lease, err);
}
