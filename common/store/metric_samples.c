/*
 * Writing and reading metric_sample. Percentiles are read from the replicas' histograms, whose
 * bounds are those of common/metrics/latency.h, here in SQL.
 */
#include "common/store/metric_samples.h"

#include <assert.h>
#include <stdlib.h>

#include "common/store/store_internal.h"

/* Bound of bucket i (from 1) in ms. */
#define SQL_BOUND                                                                                  \
    "(CASE WHEN i = 1 THEN 1 WHEN i % 2 = 0 THEN 1::bigint << ((i - 1) / 2 + 1)::int ELSE "        \
    "3::bigint << ((i - 1) / 2 - 1)::int END)"

static const char TAKE_SQL[] =
    "WITH gone AS (DELETE FROM metric_sample WHERE at < extract(epoch FROM now())::bigint - "
    "$2::bigint) "
    "INSERT INTO metric_sample SELECT p.id, floor(extract(epoch FROM now()) / $1::bigint)::bigint "
    "* $1::bigint, p.fetched_records, p.sent_records, p.rejected_records, p.fetched_bytes, "
    "p.sent_bytes, COALESCE((SELECT sum(GREATEST(0, t.end_offset - GREATEST(0, t.committed))) FROM "
    "pipe_partition t WHERE t.pipe_id = p.id), 0), COALESCE(l.p50, 0), COALESCE(l.p99, 0), "
    "COALESCE(n.memory, 0), COALESCE(n.cpu, 0) FROM pipe p "
    "LEFT JOIN LATERAL (SELECT sum(r.memory_bytes) AS memory, sum(r.cpu_millicores) AS cpu, "
    "count(*) AS live FROM pipe_replica r WHERE r.pipe_id = p.id AND " SQL_IS_LIVE(
        "r") ") n ON "
             "true LEFT JOIN LATERAL (SELECT min(" SQL_BOUND
             ") FILTER (WHERE below >= 0.5 * total) AS p50, "
             "min(" SQL_BOUND
             ") FILTER (WHERE below >= 0.99 * total) AS p99 FROM (SELECT i, sum(c) OVER "
             "(ORDER BY i) AS below, sum(c) OVER () AS total FROM (SELECT u.i, sum(u.c) AS c FROM "
             "pipe_replica r, unnest(r.latency_counts) WITH ORDINALITY AS u (c, i) WHERE r.pipe_id "
             "= p.id "
             "AND " SQL_IS_LIVE(
                 "r") " GROUP BY u.i) s) s WHERE total > 0) l ON true "
                      "WHERE p.desired = 'running' OR n.live > 0 ON CONFLICT DO NOTHING";

enum status metric_samples_take(struct store *store, struct err *err)
{
    struct pg_args args;
    pg_args_init(&args);
    pg_add_int(&args, SAMPLE_EVERY_S);
    pg_add_int(&args, SAMPLE_KEEP_S);
    return store_run(store, TAKE_SQL, &args, NULL, err);
}

void metric_samples_done(struct metric_samples *samples)
{
    free(samples->items);
    *samples = (struct metric_samples){.items = NULL};
}

enum status metric_samples_list(
    struct store *store, const char *pipe_id, const struct metric_range *range,
    struct metric_samples *ret_samples, struct err *err)
{
    assert(range->step_s > 0);
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, pipe_id);
    pg_add_int(&args, range->from);
    pg_add_int(&args, range->to);
    pg_add_int(&args, range->step_s);
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
#define X(name, column, is_counter) ", max(" #column ")"
    enum status status = store_run(
        store,
        "SELECT at / $4::bigint * $4::bigint AS step" SAMPLE_TABLE(
            X) " FROM metric_sample WHERE pipe_id = $1 AND at >= $2::bigint AND at < $3::bigint"
               " GROUP BY step ORDER BY step",
        &args, &rows, err);
#undef X
    if (status != ST_OK) {
        return status;
    }
    const int count = pg_rows_count(rows);
    struct metric_samples made = {
        calloc((size_t)count + 1, sizeof(struct metric_sample)), (size_t)count};
    if (made.items == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for %d samples", count);
    }
    for (int i = 0; i < count; i++) {
        struct pg_cell cell = pg_row(rows, i);
        made.items[i].at = pg_next_int(&cell);
        for (size_t j = 0; j < SAMPLE_SERIES; j++) {
            made.items[i].values[j] = pg_next_int(&cell);
        }
    }
    *ret_samples = made;
    return ST_OK;
}
