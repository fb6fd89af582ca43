/* One database for the group, emptied before each test. */
#include "tests/process/store/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/uuid.h"

static struct fixture shared;

const char *fixture_url(void)
{
    const char *url = getenv("PENSTOCK_TEST_DATABASE_URL");
    if (url == NULL) {
        fail_msg("PENSTOCK_TEST_DATABASE_URL is not set: run by tests/process/with_postgres.py");
    }
    return url;
}

int fixture_group_setup(void **state)
{
    struct err err = {.text = ""};
    int applied_count = 0;
    assert_ok(store_migrate(fixture_url(), FIXTURE_TIMEOUT_MS, &applied_count, &err), &err);
    assert_true(applied_count >= 1);
    assert_ok(key_ring_parse(FIXTURE_KEY, &shared.keys, &err), &err);
    assert_ok(store_open(fixture_url(), shared.keys, FIXTURE_TIMEOUT_MS, &shared.a, &err), &err);
    assert_ok(store_open(fixture_url(), shared.keys, FIXTURE_TIMEOUT_MS, &shared.b, &err), &err);
    assert_ok(pg_open(fixture_url(), FIXTURE_TIMEOUT_MS, &shared.pg, &err), &err);
    (void)snprintf(shared.organization_id, sizeof(shared.organization_id), FIXTURE_ORGANIZATION);
    (void)snprintf(shared.service_id, sizeof(shared.service_id), FIXTURE_SERVICE);
    *state = &shared;
    return 0;
}

int fixture_group_teardown(void **state)
{
    (void)state;
    store_closep(&shared.a);
    store_closep(&shared.b);
    pg_closep(&shared.pg);
    key_ring_freep(&shared.keys);
    return 0;
}

int fixture_setup(void **state)
{
    struct err err = {.text = ""};
    *state = &shared;
    if (!store_is_open(shared.a)) {
        assert_ok(store_reopen(shared.a, &err), &err);
    }
    store_rollback(shared.a);
    store_rollback(shared.b);
    fixture_sql(
        &shared,
        "TRUNCATE organization, api_key, service, pipe, leftover, pipe_replica, pipe_partition, "
        "pipe_event, pipe_mapping, worker, probe_job, audit_entry, metric_sample; INSERT INTO "
        "organization (id, name) VALUES "
        "('" FIXTURE_ORGANIZATION "', 'acme')");
    const struct secret password = {.bytes = strdup("s3cret \"ü\""), .len_bytes = 11};
    const struct service_new service = {
        .id = FIXTURE_SERVICE,
        .organization_id = FIXTURE_ORGANIZATION,
        .name = "warehouse",
        .url = "http://127.0.0.1:8123",
        .username = "default",
        .password = &password,
        .clickhouse_version = "26.7",
    };
    assert_ok(service_insert(shared.a, &service, &err), &err);
    free(password.bytes);
    return 0;
}

void fixture_announce(struct fixture *f, const char *pipe_id, const char *service_id)
{
    struct err err = {.text = ""};
    static char database[] = "default";
    static char table[] = "orders";
    char id[37];
    char service[37];
    (void)snprintf(id, sizeof(id), "%s", pipe_id);
    (void)snprintf(service, sizeof(service), "%s", service_id);
    const struct leftover row = {
        .pipe_id = id, .service_id = service, .database = database, .table = table};
    assert_ok(leftover_add(f->a, &row, &err), &err);
}

void fixture_pipe(struct fixture *f, int replicas, char ret_id[37])
{
    struct err err = {.text = ""};
    assert_int_equal(uuid_new(ret_id), ST_OK);
    json_t *definition = json_pack("{s:s, s:{s:s}}", "name", "orders", "source", "kind", "kafka");
    json_t *secrets = json_pack("{s:{s:s}}", "kafka", "password", "hunter2");
    const struct pipe_new pipe = {
        .id = ret_id,
        .service_id = f->service_id,
        .name = "orders",
        .definition = definition,
        .secrets = secrets,
        .consumer_group = "clickpipes-orders",
        .scaling = {.replicas = replicas, .cpu_millicores = 250, .memory_gb = 0.5},
        .is_wanted = true,
    };
    fixture_announce(f, ret_id, f->service_id);
    assert_ok(pipe_insert(f->a, &pipe, &err), &err);
    json_decref(definition);
    json_decref(secrets);
}

int64_t fixture_int(struct fixture *f, const char *sql)
{
    struct err err = {.text = ""};
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    assert_ok(pg_run(f->pg, sql, NULL, &rows, &err), &err);
    assert_int_equal(pg_rows_count(rows), 1);
    struct pg_cell cell = pg_row(rows, 0);
    return pg_next_int(&cell);
}

void fixture_sql(struct fixture *f, const char *sql)
{
    struct err err = {.text = ""};
    assert_ok(pg_run_script(f->pg, sql, &err), &err);
}

struct lease_claim fixture_any_claim(const char *owner, int max_count)
{
    return (struct lease_claim){
        .owner = owner,
        .host = "host",
        .lease_s = FIXTURE_LEASE_S,
        .max_count = max_count,
        .memory_gb_max = LEASE_CLAIM_ANY_SIZE,
        .cpu_millicores_max = LEASE_CLAIM_ANY_SIZE,
    };
}

struct lease fixture_claim(struct fixture *f, const char *owner)
{
    struct err err = {.text = ""};
    struct leases leases = {.items = NULL};
    const struct lease_claim claim = fixture_any_claim(owner, 1);
    assert_ok(lease_claim(f->a, &claim, &leases, &err), &err);
    assert_int_equal(leases.count, 1);
    struct lease lease = leases.items[0];
    leases_done(&leases);
    return lease;
}
