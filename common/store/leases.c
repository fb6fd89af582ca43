/*
 * Leases: which supervisor runs which replica. One row per replica; whoever changes its owner
 * raises its generation, and every later write names both, so that a holder who lost it changes
 * nothing.
 *
 * Order of locks, so that two statements never wait for each other: the pipe's row first, then its
 * replica's. Claims take replica rows alone, and only those that are free (SKIP LOCKED).
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/store/runtime.h"
#include "common/store/store_internal.h"

enum {
    LEASE_CELLS_COUNT = 7 /* that leases_read takes */
};

/* clang-format off */
static const char renew_sql[] =
    "WITH held AS (UPDATE pipe_replica SET expires_at = now() + make_interval(secs => $2) "
    "WHERE owner = $1 RETURNING pipe_id, replica_index, generation) "
    "SELECT h.pipe_id, h.replica_index, h.generation, p.revision, "
    SQL_IS_WANTED("h.replica_index") ", p.memory_gb, p.cpu_millicores "
    "FROM held h JOIN pipe p ON p.id = h.pipe_id ORDER BY h.pipe_id, h.replica_index";

static const char rows_make_sql[] =
    "INSERT INTO pipe_replica (pipe_id, replica_index) "
    "SELECT p.id, i FROM pipe p CROSS JOIN LATERAL generate_series(0, p.replicas - 1) i "
    "WHERE " SQL_IS_WANTED("i") " AND NOT EXISTS "
    "(SELECT FROM pipe_replica r WHERE r.pipe_id = p.id AND r.replica_index = i) "
    "ORDER BY p.id, i ON CONFLICT DO NOTHING";

static const char load_sql[] =
    "SELECT COALESCE(sum(p.replicas), 0)::bigint, COALESCE(sum(p.replicas - "
    "(SELECT count(*) FROM pipe_replica r WHERE r.pipe_id = p.id AND r.replica_index < p.replicas "
    "AND " SQL_IS_LIVE("r") ")), 0)::bigint, "
    "(SELECT count(*) FROM worker WHERE seen_at > now() - make_interval(secs => $1)) "
    "FROM pipe p WHERE " SQL_IS_WANTED("0");

/* A pipe's replicas go to different hosts as far as there are some, so that the end of one host does
 * not stop the pipe; then every pipe gets its first replica before any gets its second. */
static const char claim_sql[] =
    "WITH free AS MATERIALIZED (SELECT r.pipe_id, r.replica_index, p.memory_gb, p.cpu_millicores "
    "FROM pipe_replica r JOIN pipe p ON p.id = r.pipe_id "
    "WHERE " SQL_IS_WANTED("r.replica_index") " AND NOT COALESCE(" SQL_IS_LIVE("r") ", false) "
    "AND p.memory_gb <= $5 AND p.cpu_millicores <= $6 "
    "ORDER BY (SELECT count(*) FROM pipe_replica m WHERE m.pipe_id = r.pipe_id AND m.owner = $1 "
    "AND m.expires_at > now()), "
    "r.replica_index, p.created_at, p.id LIMIT $4 FOR UPDATE OF r SKIP LOCKED), "
    "fitting AS (SELECT f.pipe_id, f.replica_index FROM (SELECT *, sum(memory_gb) OVER so_far AS "
    "memory_gb_sum, sum(cpu_millicores) OVER so_far AS cpu_millicores_sum FROM free "
    "WINDOW so_far AS (ROWS UNBOUNDED PRECEDING)) f "
    "WHERE f.memory_gb_sum <= $5 AND f.cpu_millicores_sum <= $6), "
    "claimed AS (UPDATE pipe_replica r SET owner = $1, host = $2, generation = r.generation + 1, "
    "expires_at = now() + make_interval(secs => $3), state = 'starting', pid = NULL, "
    "started_at = NULL, restarts = 0, memory_bytes = 0, cpu_millicores = 0, "
    "records_per_second = 0, bytes_per_second = 0, latency_counts = '{}', latency_max_ms = 0 "
    "FROM fitting f WHERE r.pipe_id = f.pipe_id AND r.replica_index = f.replica_index "
    "RETURNING r.pipe_id, r.replica_index, r.generation, r.unsettled_records, r.unsettled_bytes) "
    "SELECT c.pipe_id, c.replica_index, c.generation, p.revision, true, p.memory_gb, "
    "p.cpu_millicores, c.unsettled_records <> 0 OR c.unsettled_bytes <> 0 "
    "FROM claimed c JOIN pipe p ON p.id = c.pipe_id ORDER BY c.pipe_id, c.replica_index";

static const char shares_sql[] =
    "SELECT w.owner = $1, w.started_at < now() - make_interval(secs => $2), count(p.id), "
    "w.memory_gb_left, w.cpu_millicores_left FROM worker w "
    "LEFT JOIN pipe_replica r ON r.owner = w.owner AND r.expires_at > now() "
    "LEFT JOIN pipe p ON p.id = r.pipe_id AND " SQL_IS_WANTED("r.replica_index") " "
    "WHERE w.seen_at > now() - make_interval(secs => $2) "
    "GROUP BY w.owner ORDER BY count(p.id) DESC, w.owner";

static const char elsewhere_sql[] =
    "SELECT DISTINCT o.pipe_id FROM pipe_replica m JOIN pipe_replica o ON o.pipe_id = m.pipe_id "
    "WHERE m.owner = $1 AND o.owner <> $1 AND o.expires_at > now() "
    "AND o.state IN ('running', 'waiting')";

static const char release_sql[] =
    "WITH freed AS (UPDATE pipe_replica SET owner = NULL, expires_at = NULL, state = 'idle', "
    "pid = NULL, memory_bytes = 0, cpu_millicores = 0, records_per_second = 0, "
    "bytes_per_second = 0, latency_counts = '{}', latency_max_ms = 0 "
    "WHERE pipe_id = $1 AND replica_index = $2 AND generation = $3 AND owner = $4 "
    "RETURNING pipe_id, replica_index) "
    "SELECT pg_notify('penstock_pipe', p.id::text) FROM freed f JOIN pipe p ON p.id = f.pipe_id "
    "WHERE " SQL_IS_WANTED("f.replica_index");
/* clang-format on */

void leases_done(struct leases *leases)
{
    free(leases->items);
    *leases = (struct leases){.items = NULL};
}

enum status worker_hello(struct store *store, const struct worker_self *self, struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, self->owner);
    pg_add_text(&args, self->host);
    pg_add_text(&args, self->version);
    pg_add_double(&args, self->memory_gb_left);
    pg_add_int(&args, self->cpu_millicores_left);
    return store_run(
        store,
        "WITH gone AS (DELETE FROM worker WHERE seen_at < now() - interval '1 day' AND owner <> "
        "$1) "
        "INSERT INTO worker (owner, host, version, memory_gb_left, cpu_millicores_left) "
        "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (owner) DO UPDATE SET host = excluded.host, "
        "version = excluded.version, memory_gb_left = excluded.memory_gb_left, "
        "cpu_millicores_left = excluded.cpu_millicores_left, seen_at = now()",
        &args, NULL, err);
}

enum status worker_bye(struct store *store, const char *owner, struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, owner);
    return store_run(store, "DELETE FROM worker WHERE owner = $1", &args, NULL, err);
}

/* Rows of pipe id, index, generation, revision, is wanted, memory, CPU. */
static enum status
leases_read(const struct pg_rows *rows, struct leases *ret_leases, struct err *err)
{
    size_t count = (size_t)pg_rows_count(rows);
    struct leases leases = {.items = calloc(count + 1, sizeof(*leases.items))};
    if (leases.items == NULL) {
        return err_set(err, ST_NO_MEMORY, "leases");
    }
    for (; leases.count < count; leases.count++) {
        struct lease *lease = &leases.items[leases.count];
        struct pg_cell cell = pg_row(rows, (int)leases.count);
        /* A UUID's text, which fits. */
        (void)snprintf(lease->pipe_id, sizeof(lease->pipe_id), "%s", pg_next_text(&cell));
        lease->replica_index = (int)pg_next_int(&cell);
        lease->generation = pg_next_int(&cell);
        lease->revision = pg_next_int(&cell);
        lease->is_wanted = pg_next_bool(&cell);
        lease->memory_gb = pg_next_double(&cell);
        lease->cpu_millicores = (int)pg_next_int(&cell);
    }
    *ret_leases = leases;
    return ST_OK;
}

enum status lease_renew_all(
    struct store *store, const char *owner, int lease_s, struct leases *ret_leases, struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, owner);
    pg_add_int(&args, lease_s);
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    /* A row that another supervisor claims at this moment is waited for, then seen as theirs. */
    enum status st = store_run(store, renew_sql, &args, &rows, err);
    return st == ST_OK ? leases_read(rows, ret_leases, err) : st;
}

/* Make the rows of wanted replicas that were never claimed. */
static enum status rows_make(struct store *store, struct err *err)
{
    enum status st = store_run(store, rows_make_sql, NULL, NULL, err);
    /* A pipe deleted at this moment: the next pass makes the rows of the others. */
    return st == ST_REJECTED ? ST_OK : st;
}

/* What the dead owners' processes had fetched but not settled is taken back from the counters.
 * Should that fail, the first report of the new process does it (see runtime_report). rows: those
 * the leases were read from, with one more cell: whether there is something to take back. */
static void leases_take_back(
    struct store *store, const char *owner, const struct leases *leases, const struct pg_rows *rows)
{
    for (size_t i = 0; i < leases->count; i++) {
        struct pg_cell cell = pg_row(rows, (int)i);
        cell.column = LEASE_CELLS_COUNT;
        if (!pg_next_bool(&cell)) {
            continue;
        }
        enum status st = runtime_child_ended(store, owner, &leases->items[i], NULL);
        if (st != ST_OK && st != ST_FENCED) {
            return;
        }
    }
}

enum status
worker_load(struct store *store, int lease_s, struct worker_load *ret_load, struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    pg_add_int(&args, lease_s);
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    enum status st = store_run(store, load_sql, &args, &rows, err);
    if (st != ST_OK) {
        return st;
    }
    struct pg_cell cell = pg_row(rows, 0);
    ret_load->replicas_wanted = (int)pg_next_int(&cell);
    ret_load->replicas_unclaimed = (int)pg_next_int(&cell);
    ret_load->workers_live = (int)pg_next_int(&cell);
    return ST_OK;
}

enum status lease_claim(
    struct store *store, const struct lease_claim *claim, struct leases *ret_leases,
    struct err *err)
{
    if (claim->max_count <= 0) {
        *ret_leases = (struct leases){.items = NULL};
        return ST_OK;
    }
    enum status st = rows_make(store, err);
    if (st != ST_OK) {
        return st;
    }
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, claim->owner);
    pg_add_text(&args, claim->host);
    pg_add_int(&args, claim->lease_s);
    pg_add_int(&args, claim->max_count);
    pg_add_double(&args, claim->memory_gb_max);
    pg_add_int(&args, claim->cpu_millicores_max);
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    st = store_run(store, claim_sql, &args, &rows, err);
    if (st != ST_OK) {
        return st;
    }
    st = leases_read(rows, ret_leases, err);
    if (st == ST_OK) {
        leases_take_back(store, claim->owner, ret_leases, rows);
    }
    return st;
}

enum status
lease_release(struct store *store, const char *owner, const struct lease *lease, struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, lease->pipe_id);
    pg_add_int(&args, lease->replica_index);
    pg_add_int(&args, lease->generation);
    pg_add_text(&args, owner);
    /* A replica that is still wanted is offered to the others at once. */
    return store_run(store, release_sql, &args, NULL, err);
}

enum status worker_shares(
    struct store *store, const char *owner, int lease_s, struct worker_share **ret_shares,
    size_t *ret_count, struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, owner);
    pg_add_int(&args, lease_s);
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    enum status st = store_run(store, shares_sql, &args, &rows, err);
    if (st != ST_OK) {
        return st;
    }
    const size_t count = (size_t)pg_rows_count(rows);
    struct worker_share *shares = calloc(count + 1, sizeof(*shares));
    if (shares == NULL) {
        return err_set(err, ST_NO_MEMORY, "%zu workers", count);
    }
    for (size_t i = 0; i < count; i++) {
        struct pg_cell cell = pg_row(rows, (int)i);
        shares[i].is_self = pg_next_bool(&cell);
        shares[i].is_settled = pg_next_bool(&cell);
        shares[i].held = (int)pg_next_int(&cell);
        shares[i].memory_gb_left = pg_next_double(&cell);
        shares[i].cpu_millicores_left = (int)pg_next_int(&cell);
    }
    *ret_shares = shares;
    *ret_count = count;
    return ST_OK;
}

enum status lease_pipes_elsewhere(
    struct store *store, const char *owner, struct leases *ret_leases, struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, owner);
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    enum status st = store_run(store, elsewhere_sql, &args, &rows, err);
    if (st != ST_OK) {
        return st;
    }
    const size_t count = (size_t)pg_rows_count(rows);
    struct leases leases = {.items = calloc(count + 1, sizeof(*leases.items))};
    if (leases.items == NULL) {
        return err_set(err, ST_NO_MEMORY, "%zu pipes", count);
    }
    for (; leases.count < count; leases.count++) {
        struct pg_cell cell = pg_row(rows, (int)leases.count);
        char *pipe_id = leases.items[leases.count].pipe_id;
        (void)snprintf(
            pipe_id, sizeof(leases.items->pipe_id), "%s", pg_next_text(&cell)); /* a UUID fits */
    }
    *ret_leases = leases;
    return ST_OK;
}
