/* A ClickHouse that does not answer now is no reason to fail a create or an edit that is done. */
#include "api/handlers/guarantee_find.h"

#include "common/base/log.h"
#include "common/clickhouse/preflight.h"
#include "common/store/guarantees.h"

static enum status find(
    const struct request *request, struct support_clickhouse *clickhouse,
    const struct pipe_spec *spec, const char *pipe_id, int replicas, struct err *err)
{
    const struct preflight_pipe asked = preflight_pipe_of(spec, replicas);
    const struct clickhouse_table_name name = {spec->destination.database, spec->destination.table};
    struct guarantee guarantee;
    enum status status =
        preflight_run(clickhouse->client, &clickhouse->endpoint, &name, &asked, &guarantee, err);
    if (status != ST_OK) {
        return status;
    }
    const char *severity = guarantee_severity(&guarantee, asked.is_exactly_once);
    return guarantee_store(request->store, pipe_id, &guarantee, severity, err);
}

static void complain(const struct err *err, const char *pipe_id)
{
    log_err(LOG_WARN, "guarantee_not_found", err, "pipe=%s", pipe_id);
}

void guarantee_find(
    const struct request *request, struct support_clickhouse *clickhouse,
    const struct pipe_spec *spec, const char *pipe_id)
{
    struct err err = {.status = ST_OK};
    if (find(request, clickhouse, spec, pipe_id, spec->scaling.replicas, &err) != ST_OK) {
        complain(&err, pipe_id);
    }
}

static enum status find_of_row(
    const struct request *request, const struct pipe_row *row, json_t *secrets, struct err *err)
{
    struct pipe_problems problems = {0};
    CLEANUP(pipe_spec_freep) struct pipe_spec *spec = NULL;
    enum status status = pipe_spec_from_json(row->definition, secrets, &problems, &spec, err);
    pipe_problems_done(&problems);
    if (status != ST_OK) {
        return status;
    }
    struct support_clickhouse clickhouse = {0};
    status = support_clickhouse_open(request, &clickhouse, err);
    if (status == ST_OK) {
        status = find(request, &clickhouse, spec, row->id, row->scaling.replicas, err);
        support_clickhouse_done(&clickhouse);
    }
    return status;
}

void guarantee_find_again(const struct request *request)
{
    struct err err = {.status = ST_OK};
    struct pipe_row row = {0};
    if (support_pipe(request, &row, &err) != ST_OK) {
        return; /* gone meanwhile */
    }
    if (!row.facts.has_live_replica) {
        json_t *secrets = NULL;
        enum status status = pipe_get_secrets(request->store, row.id, &secrets, &err);
        if (status == ST_OK) {
            status = find_of_row(request, &row, secrets, &err);
        }
        json_decref(secrets);
        if (status != ST_OK) {
            complain(&err, row.id);
        }
    }
    pipe_row_done(&row);
}
