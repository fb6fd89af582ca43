/* One statement: what was there is compared with what comes, and the events are written with it. */
#include "common/store/guarantees.h"

#include <inttypes.h>
#include <string.h>

#include "common/store/store_internal.h"

/* $1 pipe, $2 mode, $3 detail, $4 inserts, $5 seconds, $6 severity, $7 uuid, $8 hash; the fence of
 * a replica: $9 owner (null: none), $10 index, $11 generation; $12 change. */
/* clang-format off */
static const char SQL[] =
    "WITH old AS MATERIALIZED (SELECT p.id, guarantee_mode, guarantee_severity, table_uuid, table_hash FROM pipe p "
    "WHERE p.id = $1 AND ($9::text IS NULL OR EXISTS (SELECT FROM pipe_replica r WHERE r.pipe_id = p.id AND "
    "r.replica_index = $10 AND r.generation = $11 AND r.owner = $9)) FOR NO KEY UPDATE OF p), "
    "stored AS (UPDATE pipe p SET guarantee_mode = $2, guarantee_detail = $3, guarantee_inserts = $4::bigint, "
    "guarantee_seconds = $5::bigint, guarantee_severity = $6, table_uuid = COALESCE($7, p.table_uuid), "
    "table_hash = COALESCE($8, p.table_hash) FROM old WHERE p.id = old.id), "
    "told AS (INSERT INTO pipe_event (pipe_id, type, severity, message, details) SELECT id, 'guarantee', $6, "
    "$2 || ': ' || $3, json_build_object('mode', $2::text, 'before', guarantee_mode, 'inserts', "
    "nullif($4::bigint, -1), 'seconds', $5::bigint) FROM old WHERE (guarantee_mode IS DISTINCT FROM $2 OR "
    "guarantee_severity IS DISTINCT FROM $6) AND NOT (guarantee_mode IS NULL AND $2 = 'at-least-once' AND "
    "$6 = 'info')), "
    "changed AS (INSERT INTO pipe_event (pipe_id, type, severity, message, details) SELECT id, 'table_changed', "
    "'warning', CASE WHEN table_uuid IS DISTINCT FROM $7 THEN 'the table was made again: what was sent to the one "
    "before and not confirmed is forgotten' ELSE 'the table is not as it was: ' || COALESCE($12, 'its columns, "
    "engine or settings are others') || '; records that are not stored yet are decoded for it' END, "
    "json_build_object('before', table_uuid, 'uuid', $7::text, 'change', $12::text) FROM old "
    "WHERE table_hash <> $8) "
    "SELECT id FROM old";
/* clang-format on */

static const char *text_or_null(const char *text)
{
    return text == NULL || text[0] == '\0' ? NULL : text;
}

static void add_guarantee(
    struct pg_args *args, const char *pipe_id, const struct guarantee *guarantee,
    const char *severity)
{
    pg_args_init(args);
    pg_add_text(args, pipe_id);
    pg_add_text(args, guarantee_mode_text(guarantee->mode));
    pg_add_text(args, guarantee->detail);
    pg_add_int(args, guarantee->inserts);
    pg_add_int(args, guarantee->seconds);
    pg_add_text(args, severity);
}

enum status guarantee_store(
    struct store *store, const char *pipe_id, const struct guarantee *guarantee,
    const char *severity, struct err *err)
{
    struct pg_args args;
    add_guarantee(&args, pipe_id, guarantee, severity);
    pg_add_text(&args, NULL);
    pg_add_text(&args, NULL);
    pg_add_text(&args, NULL);
    pg_add_int(&args, 0);
    pg_add_int(&args, 0);
    pg_add_text(&args, NULL);
    int64_t count = 0;
    enum status st = store_change(store, SQL, &args, &count, err);
    return st == ST_OK && count == 0 ? err_set(err, ST_NOT_FOUND, "no pipe %s", pipe_id) : st;
}

enum status guarantee_report_store(
    struct store *store, const char *owner, const struct lease *lease,
    const struct guarantee_report *report, struct err *err)
{
    struct pg_args args;
    add_guarantee(&args, lease->pipe_id, &report->guarantee, report->severity);
    pg_add_text(&args, text_or_null(report->table_uuid));
    pg_add_text(&args, text_or_null(report->table_hash));
    pg_add_text(&args, owner);
    pg_add_int(&args, lease->replica_index);
    pg_add_int(&args, lease->generation);
    pg_add_text(&args, text_or_null(report->table_change));
    int64_t count = 0;
    enum status st = store_change(store, SQL, &args, &count, err);
    if (st == ST_OK && count == 0) {
        return err_set(
            err, ST_FENCED, "replica %d of pipe %s is not held with generation %" PRId64,
            lease->replica_index, lease->pipe_id, lease->generation);
    }
    return st;
}
