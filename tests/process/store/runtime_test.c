/* Heartbeats: counters that add up whatever dies, fences, reasons and failures, specs. */
#include <pthread.h>
#include <stdio.h>

#include "common/store/pipe_change.h"

#include "tests/process/store/fixture.h"

static const int64_t latency[] = {5, 0, 7};
static const int64_t inserts[] = {7, 0, 2};

static struct runtime_report example(int pid)
{
    return (struct runtime_report){
        .state = "running",
        .pid = pid,
        .restarts = 2,
        .revision = 3,
        .resident_bytes = 1000,
        .cpu_millicores = 40,
        .records_per_second = 12.5,
        .bytes_per_second = 99,
        .unsettled_records = 4,
        .unsettled_bytes = 400,
        .fetched_records = 100,
        .sent_records = 90,
        .rejected_records = 5,
        .skipped_records = 1,
        .fetched_bytes = 10000,
        .fetched_wire_bytes = 5000,
        .sent_bytes = 9000,
        .sent_wire_bytes = 3000,
        .inserts = 2,
        .insert_retries = 1,
        .batches_rows = 1,
        .batches_bytes = 2,
        .batches_age = 3,
        .batches_drain = 4,
        .rebalances = 1,
        .latency_max_ms = 321,
        .latency_counts = latency,
        .latency_counts_count = 3,
        .cpu_us = 500,
        .insert_numbers = inserts,
        .insert_numbers_count = 3,
    };
}

static int64_t pipe_int(struct fixture *f, const char *column)
{
    char sql[512];
    (void)snprintf(sql, sizeof(sql), "SELECT %.400s FROM pipe", column);
    return fixture_int(f, sql);
}

static void a_report_adds_to_every_counter(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    fixture_pipe(f, 1, id);
    struct lease lease = fixture_claim(f, "one");
    struct runtime_report report = example(42);
    assert_ok(runtime_report(f->a, "one", &lease, &report, &err), &err);
    assert_ok(runtime_report(f->a, "one", &lease, &report, &err), &err);
    static const struct {
        const char *column;
        int64_t expected;
    } cases[] = {
        {"fetched_records", 200}, {"sent_records", 180},     {"rejected_records", 10},
        {"skipped_records", 2},   {"fetched_bytes", 20000},  {"fetched_wire_bytes", 10000},
        {"sent_bytes", 18000},    {"sent_wire_bytes", 6000}, {"inserts", 4},
        {"insert_retries", 2},    {"batches_rows", 2},       {"batches_bytes", 4},
        {"batches_age", 6},       {"batches_drain", 8},      {"rebalances", 2},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(pipe_int(f, cases[i].column), cases[i].expected);
    }
    assert_int_equal(
        fixture_int(
            f,
            "SELECT count(*) FROM pipe_replica WHERE state = 'running' AND pid = 42 AND restarts "
            "= 2 AND revision = 3 AND memory_bytes = 1000 AND cpu_millicores = 40 AND "
            "records_per_second = 12.5 AND bytes_per_second = 99 AND unsettled_records = 4 AND "
            "unsettled_bytes = 400 AND latency_counts = '{5,0,7}' AND latency_max_ms = 321 AND "
            "started_at <= now() AND reported_at <= now()"),
        1);
    assert_int_equal(pipe_int(f, "(insert_numbers = '{14,0,4}')::int"), 1);
    assert_int_equal(fixture_int(f, "SELECT cpu_us FROM pipe_replica"), 1000);
    /* More places than before, as of a newer worker; then none, as of a child that only starts. */
    static const int64_t more[] = {1, 1, 1, 1};
    report.insert_numbers = more;
    report.insert_numbers_count = ARRAY_LEN(more);
    assert_ok(runtime_report(f->a, "one", &lease, &report, &err), &err);
    report.insert_numbers_count = 0;
    assert_ok(runtime_report(f->a, "one", &lease, &report, &err), &err);
    assert_int_equal(pipe_int(f, "(insert_numbers = '{15,1,5,1}')::int"), 1);
}

/* An answer that got lost: the same report comes again. */
static void a_report_sent_again_under_its_number_counts_once(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    fixture_pipe(f, 1, id);
    struct lease lease = fixture_claim(f, "one");
    struct runtime_report report = example(42);
    report.number = INT64_MAX;
    assert_ok(runtime_report(f->a, "one", &lease, &report, &err), &err);
    assert_ok(runtime_report(f->a, "one", &lease, &report, &err), &err);
    report.pid = 43; /* takes nothing back either */
    assert_ok(runtime_report(f->a, "one", &lease, &report, &err), &err);
    assert_int_equal(pipe_int(f, "fetched_records"), 100);
    assert_int_equal(pipe_int(f, "sent_records"), 90);
    assert_int_equal(fixture_int(f, "SELECT pid FROM pipe_replica"), 42);
    assert_int_equal(pipe_int(f, "(insert_numbers = '{7,0,2}')::int"), 1);
    assert_int_equal(fixture_int(f, "SELECT cpu_us FROM pipe_replica"), 500);
    report.number = 1;
    assert_ok(runtime_report(f->a, "one", &lease, &report, &err), &err);
    assert_int_equal(pipe_int(f, "sent_records"), 180);
    assert_int_equal(pipe_int(f, "fetched_records"), 196); /* less 4 of the process before */
    assert_status(ST_FENCED, runtime_report(f->a, "two", &lease, &report, &err), &err);
}

/* The numbers are names, taken at random from all there are: adding them up must not matter. */
static void reports_with_the_largest_numbers_go_together(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    fixture_pipe(f, 3, id);
    struct leases leases = {.items = NULL};
    const struct lease_claim claim = fixture_any_claim("one", 3);
    assert_ok(lease_claim(f->a, &claim, &leases, &err), &err);
    assert_int_equal(leases.count, 3);
    struct runtime_report reports[3];
    struct runtime_report_item items[3];
    for (size_t i = 0; i < 3; i++) {
        reports[i] = example(42);
        reports[i].number = INT64_MAX;
        items[i] = (struct runtime_report_item){.lease = &leases.items[i], .report = &reports[i]};
    }
    assert_ok(runtime_report_all(f->a, "one", items, 3, &err), &err);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(items[i].status, ST_OK);
    }
    assert_int_equal(pipe_int(f, "fetched_records"), 300);
    leases_done(&leases);
}

static void the_first_running_report_makes_a_pipe_ready(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    fixture_pipe(f, 1, id);
    fixture_sql(f, "UPDATE pipe SET state_since = '2020-01-01'");
    struct lease lease = fixture_claim(f, "one");
    struct runtime_report report = example(42);
    static const char unready[] = "(ready_at IS NULL AND state_since < '2020-01-02')::int";
    static const char *const waiting[] = {"starting", "waiting", "draining"};
    for (size_t i = 0; i < ARRAY_LEN(waiting); i++) {
        report.state = waiting[i];
        assert_ok(runtime_report(f->a, "one", &lease, &report, &err), &err);
        assert_int_equal(pipe_int(f, unready), 1);
    }
    report.state = "running";
    /* Not for a pipe that was stopped meanwhile. */
    fixture_sql(f, "UPDATE pipe SET desired = 'stopped'");
    assert_ok(runtime_report(f->a, "one", &lease, &report, &err), &err);
    assert_int_equal(pipe_int(f, unready), 1);
    fixture_sql(f, "UPDATE pipe SET desired = 'running'");
    assert_ok(runtime_report(f->a, "one", &lease, &report, &err), &err);
    assert_int_equal(pipe_int(f, "(ready_at IS NOT NULL AND state_since > '2020-01-02')::int"), 1);
    fixture_sql(f, "UPDATE pipe SET ready_at = '2021-01-01', state_since = '2021-01-01'");
    assert_ok(runtime_report(f->a, "one", &lease, &report, &err), &err);
    assert_int_equal(
        pipe_int(f, "(ready_at < '2021-01-02' AND state_since < '2021-01-02')::int"), 1);
    report.state = "nonsense";
    assert_status(ST_INVALID, runtime_report(f->a, "one", &lease, &report, &err), &err);
}

/* Whoever lost the lease changes nothing. */
static void writes_of_a_former_holder_change_nothing(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    fixture_pipe(f, 1, id);
    struct lease old = fixture_claim(f, "one");
    fixture_sql(f, "UPDATE pipe_replica SET expires_at = now() - interval '1 s'");
    struct lease lease = fixture_claim(f, "two");
    struct lease other_index = lease;
    other_index.replica_index = 1;
    const struct {
        const char *owner;
        const struct lease *lease;
    } cases[] = {{"one", &old}, {"two", &old}, {"one", &lease}, {"two", &other_index}};
    struct runtime_report report = example(42);
    const struct runtime_partition row = {.topic = "t", .committed = 1, .end_offset = 2};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *owner = cases[i].owner;
        const struct lease *held = cases[i].lease;
        assert_status(ST_FENCED, runtime_report(f->a, owner, held, &report, &err), &err);
        assert_status(ST_FENCED, runtime_child_ended(f->a, owner, held, &err), &err);
        assert_status(ST_FENCED, runtime_set_reason(f->a, owner, held, "X", "m", &err), &err);
        assert_status(ST_FENCED, runtime_set_failed(f->a, owner, held, "X", "m", &err), &err);
    }
    assert_status(ST_FENCED, runtime_report_partitions(f->a, &old, &row, 1, &err), &err);
    assert_int_equal(
        pipe_int(
            f, "(fetched_records = 0 AND sent_records = 0 AND reason_code IS NULL AND failed_at IS "
               "NULL AND last_error_type IS NULL)::int"),
        1);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM pipe_partition"), 0);
    assert_int_equal(
        fixture_int(f, "SELECT count(*) FROM pipe_replica WHERE owner = 'two' AND pid IS NULL"), 1);
    assert_ok(pipe_delete(f->a, f->service_id, id, &err), &err);
    assert_status(ST_FENCED, runtime_report(f->a, "two", &lease, &report, &err), &err);
    assert_status(ST_FENCED, runtime_report_partitions(f->a, &lease, &row, 1, &err), &err);
}

static void a_child_that_ended_gives_back_what_it_did_not_settle(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    fixture_pipe(f, 1, id);
    struct lease lease = fixture_claim(f, "one");
    struct runtime_report report = example(42);
    assert_ok(runtime_report(f->a, "one", &lease, &report, &err), &err);
    for (int i = 0; i < 2; i++) {
        /* Told twice, taken back once. */
        assert_ok(runtime_child_ended(f->a, "one", &lease, &err), &err);
        assert_int_equal(pipe_int(f, "fetched_records"), 96);
        assert_int_equal(pipe_int(f, "fetched_bytes"), 9600);
        assert_int_equal(pipe_int(f, "sent_records + rejected_records + skipped_records"), 96);
    }
    assert_int_equal(
        fixture_int(
            f, "SELECT count(*) FROM pipe_replica WHERE state = 'idle' AND pid IS NULL AND "
               "unsettled_records = 0 AND unsettled_bytes = 0 AND records_per_second = 0"),
        1);
    /* The next process starts from there, its first report takes nothing more. */
    report.pid = 43;
    assert_ok(runtime_report(f->a, "one", &lease, &report, &err), &err);
    assert_int_equal(pipe_int(f, "fetched_records"), 196);
}

static void a_silent_end_is_settled_by_the_next_process(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    fixture_pipe(f, 1, id);
    struct lease lease = fixture_claim(f, "one");
    struct runtime_report report = example(42);
    assert_ok(runtime_report(f->a, "one", &lease, &report, &err), &err);
    report.pid = 43;
    report.unsettled_records = 0;
    report.unsettled_bytes = 0;
    assert_ok(runtime_report(f->a, "one", &lease, &report, &err), &err);
    assert_int_equal(pipe_int(f, "fetched_records"), 196);
    assert_int_equal(pipe_int(f, "fetched_bytes"), 19600);
    assert_ok(runtime_report(f->a, "one", &lease, &report, &err), &err);
    assert_int_equal(pipe_int(f, "fetched_records"), 296);
}

static void a_claim_over_a_dead_owner_gives_back_too(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    fixture_pipe(f, 1, id);
    struct lease lease = fixture_claim(f, "one");
    struct runtime_report report = example(42);
    assert_ok(runtime_report(f->a, "one", &lease, &report, &err), &err);
    fixture_sql(f, "UPDATE pipe_replica SET expires_at = now() - interval '1 s'");
    struct lease next = fixture_claim(f, "two");
    assert_int_equal(pipe_int(f, "fetched_records"), 96);
    assert_int_equal(pipe_int(f, "fetched_bytes"), 9600);
    assert_int_equal(
        fixture_int(
            f, "SELECT count(*) FROM pipe_replica WHERE state = 'starting' AND unsettled_records = "
               "0 AND restarts = 0 AND started_at IS NULL AND latency_counts = '{}'"),
        1);
    assert_ok(runtime_report(f->a, "two", &next, &report, &err), &err);
    assert_int_equal(pipe_int(f, "fetched_records"), 196);
}

static void a_reason_comes_and_goes(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    fixture_pipe(f, 1, id);
    struct lease lease = fixture_claim(f, "one");
    CLEANUP(pipe_row_done) struct pipe_row row = {.id = NULL};
    assert_ok(runtime_set_reason(f->a, "one", &lease, "DESTINATION_BUSY", "code 252", &err), &err);
    assert_ok(pipe_get(f->a, f->service_id, id, &row, &err), &err);
    assert_string_equal(row.reason_code, "DESTINATION_BUSY");
    assert_string_equal(row.reason_message, "code 252");
    assert_string_equal(row.last_error_type, "DESTINATION_BUSY");
    assert_string_equal(row.last_error_message, "code 252");
    assert_non_null(row.last_error_at);
    pipe_row_done(&row);
    assert_ok(runtime_set_reason(f->a, "one", &lease, "", "", &err), &err);
    assert_ok(pipe_get(f->a, f->service_id, id, &row, &err), &err);
    assert_null(row.reason_code);
    assert_null(row.reason_message);
    assert_string_equal(row.last_error_type, "DESTINATION_BUSY");
    assert_non_null(row.last_error_at);
}

static void the_first_failure_counts_until_the_next_start(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    fixture_pipe(f, 1, id);
    struct lease lease = fixture_claim(f, "one");
    assert_ok(runtime_set_failed(f->a, "one", &lease, "TABLE_NOT_FOUND", "no table t", &err), &err);
    assert_ok(runtime_set_failed(f->a, "one", &lease, "INTERNAL", "second", &err), &err);
    CLEANUP(pipe_row_done) struct pipe_row row = {.id = NULL};
    assert_ok(pipe_get(f->a, f->service_id, id, &row, &err), &err);
    assert_true(row.facts.has_failed);
    assert_string_equal(row.failure_code, "TABLE_NOT_FOUND");
    assert_string_equal(row.failure_message, "no table t");
    assert_string_equal(row.last_error_message, "second");
    pipe_row_done(&row);
    struct leases leases = {.items = NULL};
    assert_ok(lease_renew_all(f->a, "one", FIXTURE_LEASE_S, &leases, &err), &err);
    assert_false(leases.items[0].is_wanted);
    leases_done(&leases);
    /* The user's stop ends it; what a replica says after that is kept as the last error only. */
    assert_ok(pipe_stop(f->a, f->service_id, id, &err), &err);
    assert_ok(runtime_set_failed(f->a, "one", &lease, "INTERNAL", "late", &err), &err);
    assert_ok(pipe_get(f->a, f->service_id, id, &row, &err), &err);
    assert_false(row.facts.has_failed);
    assert_null(row.failure_code);
    assert_string_equal(row.last_error_message, "late");
}

static void partitions_are_kept_as_last_told(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    fixture_pipe(f, 1, id);
    struct lease lease = fixture_claim(f, "one");
    const struct runtime_partition first[] = {
        {"b \"topic\\", 1, 10, 20}, {"a", 0, -1, 5}, {"a", 1, 3, 4}, {"a", 1, 4, 4}};
    const struct runtime_partition second[] = {{"a", 0, 5, -1}};
    assert_ok(runtime_report_partitions(f->a, &lease, first, 4, &err), &err);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM pipe_partition"), 3);
    assert_int_equal(
        fixture_int(
            f, "SELECT count(*) FROM pipe_partition WHERE topic = 'b \"topic\\' AND partition = 1 "
               "AND committed = 10 AND end_offset = 20"),
        1);
    /* Of a partition named twice the last row counts. */
    assert_int_equal(
        fixture_int(f, "SELECT committed FROM pipe_partition WHERE topic = 'a' AND partition = 1"),
        4);
    assert_ok(runtime_report_partitions(f->a, &lease, second, 1, &err), &err);
    assert_int_equal(
        fixture_int(
            f, "SELECT committed * 100 + end_offset FROM pipe_partition WHERE topic = 'a' AND "
               "partition = 0"),
        505);
    assert_ok(runtime_report_partitions(f->a, &lease, NULL, 0, &err), &err);
    const struct runtime_partition broken = {"\xff\xfe", 0, 1, 2};
    assert_status(ST_INVALID, runtime_report_partitions(f->a, &lease, &broken, 1, &err), &err);
}

static void a_spec_holds_all_a_replica_needs(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    fixture_pipe(f, 2, id);
    fixture_sql(f, "UPDATE pipe SET revision = 9");
    struct lease lease = fixture_claim(f, "one");
    json_t *spec = NULL;
    int64_t revision = 0;
    assert_ok(runtime_replica_spec(f->b, &lease, 15, &spec, &revision, &err), &err);
    assert_int_equal(revision, 9);
    json_t *expected = json_pack(
        "{s:s, s:s, s:s, s:i, s:i, s:i, s:s, s:{s:s, s:{s:s}}, s:{s:{s:s}}, s:{s:i, s:i, s:f}, "
        "s:{s:s, s:s, s:s, s:n}, s:i, s:i, s:[]}",
        "kind", "replica", "pipeId", id, "serviceId", FIXTURE_SERVICE, "replicaIndex", 0,
        "generation", 1, "leaseMs", 15000, "consumerGroup", "clickpipes-orders", "definition",
        "name", "orders", "source", "kind", "kafka", "secrets", "kafka", "password", "hunter2",
        "scaling", "replicas", 2, "replicaCpuMillicores", 250, "replicaMemoryGb", 0.5, "clickhouse",
        "url", "http://127.0.0.1:8123", "username", "default", "password", "s3cret \"ü\"",
        "caCertificate", "epoch", 1, "mappingVersion", 1, "olderMappings");
    assert_non_null(expected);
    assert_true(json_equal(spec, expected));
    json_decref(expected);
    json_decref(spec);
    fixture_sql(f, "UPDATE pipe SET secrets = NULL; UPDATE service SET secrets = NULL");
    assert_ok(runtime_replica_spec(f->b, &lease, 15, &spec, &revision, &err), &err);
    assert_true(json_is_null(json_object_get(spec, "secrets")));
    json_decref(spec);
    /* With a ClickHouse user of its own. */
    json_t *secrets = json_pack("{s:{s:s, s:s}}", "clickhouse", "username", "me", "password", "x");
    json_t *definition = json_pack("{s:s}", "name", "orders");
    const struct pipe_change change = {
        .name = "orders", .definition = definition, .has_new_secrets = true, .secrets = secrets};
    assert_ok(pipe_store_change(f->a, f->service_id, id, &change, &err), &err);
    assert_ok(runtime_replica_spec(f->b, &lease, 15, &spec, &revision, &err), &err);
    const json_t *login = json_object_get(spec, "clickhouse");
    assert_string_equal(json_string_value(json_object_get(login, "username")), "me");
    assert_string_equal(json_string_value(json_object_get(login, "password")), "x");
    json_decref(spec);
    json_decref(definition);
    json_decref(secrets);
    assert_ok(pipe_delete(f->a, f->service_id, id, &err), &err);
    assert_status(
        ST_NOT_FOUND, runtime_replica_spec(f->b, &lease, 15, &spec, &revision, &err), &err);
}

struct reporter {
    struct store *store;
    struct lease lease;
    enum status status;
    struct err err;
};

static void *report_often(void *arg)
{
    struct reporter *reporter = arg;
    struct runtime_report report = example(100 + reporter->lease.replica_index);
    for (int i = 0; i < 100 && reporter->status == ST_OK; i++) {
        reporter->status =
            runtime_report(reporter->store, "one", &reporter->lease, &report, &reporter->err);
    }
    return NULL;
}

static void reports_of_two_replicas_lose_nothing(void **state)
{
    struct fixture *f = *state;
    char id[37];
    fixture_pipe(f, 2, id);
    struct reporter reporters[2] = {
        {.store = f->a, .lease = fixture_claim(f, "one")},
        {.store = f->b, .lease = fixture_claim(f, "one")}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, report_often, &reporters[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_ok(reporters[i].status, &reporters[i].err);
    }
    assert_int_equal(pipe_int(f, "fetched_records"), 20000);
    assert_int_equal(pipe_int(f, "sent_records"), 18000);
    assert_int_equal(pipe_int(f, "rebalances"), 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_report_adds_to_every_counter, fixture_setup),
        cmocka_unit_test_setup(a_report_sent_again_under_its_number_counts_once, fixture_setup),
        cmocka_unit_test_setup(reports_with_the_largest_numbers_go_together, fixture_setup),
        cmocka_unit_test_setup(the_first_running_report_makes_a_pipe_ready, fixture_setup),
        cmocka_unit_test_setup(writes_of_a_former_holder_change_nothing, fixture_setup),
        cmocka_unit_test_setup(a_child_that_ended_gives_back_what_it_did_not_settle, fixture_setup),
        cmocka_unit_test_setup(a_silent_end_is_settled_by_the_next_process, fixture_setup),
        cmocka_unit_test_setup(a_claim_over_a_dead_owner_gives_back_too, fixture_setup),
        cmocka_unit_test_setup(a_reason_comes_and_goes, fixture_setup),
        cmocka_unit_test_setup(the_first_failure_counts_until_the_next_start, fixture_setup),
        cmocka_unit_test_setup(partitions_are_kept_as_last_told, fixture_setup),
        cmocka_unit_test_setup(a_spec_holds_all_a_replica_needs, fixture_setup),
        cmocka_unit_test_setup(reports_of_two_replicas_lose_nothing, fixture_setup),
    };
    return cmocka_run_group_tests(tests, fixture_group_setup, fixture_group_teardown);
}
