/* Pipes: stored, read back, started, stopped, scaled, deleted; the facts behind their state. */
#include <string.h>

#include "tests/process/store/fixture.h"

static void a_pipe_comes_back_as_stored(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    fixture_pipe(f, 2, id);
    CLEANUP(pipe_row_done) struct pipe_row row = {.id = NULL};
    assert_ok(pipe_get(f->b, f->service_id, id, &row, &err), &err);
    assert_string_equal(row.id, id);
    assert_string_equal(row.service_id, f->service_id);
    assert_string_equal(row.name, "orders");
    assert_string_equal(row.consumer_group, "clickpipes-orders");
    assert_int_equal(row.scaling.replicas, 2);
    assert_int_equal(row.scaling.cpu_millicores, 250);
    assert_true(row.scaling.memory_gb > 0.49 && row.scaling.memory_gb < 0.51);
    assert_true(row.is_wanted);
    assert_int_equal(row.revision, 1);
    assert_string_equal(json_string_value(json_object_get(row.definition, "name")), "orders");
    assert_null(row.failure_code);
    assert_null(row.reason_code);
    assert_null(row.last_error_type);
    assert_null(row.last_error_at);
    assert_false(row.has_worker);
    assert_true(row.facts.is_wanted);
    assert_false(row.facts.has_failed);
    assert_false(row.facts.was_ready);
    assert_false(row.facts.has_live_replica);
    assert_false(row.facts.is_consuming);
}

static void secrets_are_sealed_and_come_back(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    fixture_pipe(f, 1, id);
    json_t *secrets = NULL;
    assert_ok(pipe_get_secrets(f->b, id, &secrets, &err), &err);
    const json_t *kafka = json_object_get(secrets, "kafka");
    assert_string_equal(json_string_value(json_object_get(kafka, "password")), "hunter2");
    json_decref(secrets);
    assert_int_equal(
        fixture_int(
            f, "SELECT count(*) FROM pipe WHERE position('hunter2'::bytea IN secrets) > 0 "
               "OR definition LIKE '%hunter2%'"),
        0);
    /* The same row by its id in capitals. */
    for (char *p = id; *p != '\0'; p++) {
        *p = *p >= 'a' && *p <= 'f' ? (char)(*p - 'a' + 'A') : *p;
    }
    assert_ok(pipe_get_secrets(f->b, id, &secrets, &err), &err);
    json_decref(secrets);
    fixture_sql(f, "UPDATE pipe SET secrets = NULL");
    assert_ok(pipe_get_secrets(f->b, id, &secrets, &err), &err);
    assert_null(secrets);
    assert_status(ST_NOT_FOUND, pipe_get_secrets(f->b, FIXTURE_NOBODY, &secrets, &err), &err);
}

static void a_pipe_needs_its_service(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    json_t *definition = json_object();
    const struct pipe_new pipe = {
        .id = FIXTURE_NOBODY,
        .service_id = FIXTURE_NOBODY,
        .name = "x",
        .definition = definition,
        .consumer_group = "g",
        .scaling = {.replicas = 1, .cpu_millicores = 125, .memory_gb = 0.5},
    };
    /* Nobody announced it: neither is anything stored. */
    assert_status(ST_UNAVAILABLE, pipe_insert(f->a, &pipe, &err), &err);
    fixture_announce(f, FIXTURE_NOBODY, FIXTURE_SERVICE);
    assert_status(ST_NOT_FOUND, pipe_insert(f->a, &pipe, &err), &err);
    json_decref(definition);
    assert_ok(leftover_remove(f->a, FIXTURE_NOBODY, &err), &err);
}

static void a_definition_comes_back_in_its_order(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    static const char text[] =
        "{\"z\":1,\"a\":{\"y\":[\"ü\\u0001\",1.5,null,true],\"b\":\"\"},\"m\":\"\\\"\"}";
    json_t *definition = json_loads(text, 0, NULL);
    assert_non_null(definition);
    const struct pipe_new pipe = {
        .id = "00000000-0000-4000-8000-00000000000a",
        .service_id = FIXTURE_SERVICE,
        .name = "x",
        .definition = definition,
        .consumer_group = "g",
        .scaling = {.replicas = 1, .cpu_millicores = 125, .memory_gb = 0.5},
        .is_wanted = false,
    };
    fixture_announce(f, pipe.id, FIXTURE_SERVICE);
    assert_ok(pipe_insert(f->a, &pipe, &err), &err);
    json_decref(definition);
    CLEANUP(pipe_row_done) struct pipe_row row = {.id = NULL};
    assert_ok(pipe_get(f->a, f->service_id, pipe.id, &row, &err), &err);
    CLEANUP(freep) char *got = json_dumps(row.definition, JSON_COMPACT);
    assert_string_equal(got, text);
    assert_false(row.is_wanted);
}

static void start_and_stop_are_idempotent(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    fixture_pipe(f, 1, id);
    fixture_sql(
        f, "UPDATE pipe SET ready_at = now(), state_since = '2020-01-01', reason_code = 'X'");
    /* A running pipe stays as it is. */
    assert_ok(pipe_start(f->a, f->service_id, id, &err), &err);
    assert_int_equal(
        fixture_int(
            f, "SELECT count(*) FROM pipe WHERE ready_at IS NOT NULL AND reason_code = 'X' AND "
               "state_since < '2020-01-02'"),
        1);
    assert_ok(pipe_stop(f->a, f->service_id, id, &err), &err);
    assert_int_equal(
        fixture_int(
            f, "SELECT count(*) FROM pipe WHERE desired = 'stopped' AND ready_at IS NULL AND "
               "reason_code IS NULL AND state_since > '2020-01-02'"),
        1);
    fixture_sql(f, "UPDATE pipe SET state_since = '2020-01-01'");
    assert_ok(pipe_stop(f->a, f->service_id, id, &err), &err);
    assert_int_equal(
        fixture_int(f, "SELECT count(*) FROM pipe WHERE state_since < '2020-01-02'"), 1);
    assert_ok(pipe_start(f->a, f->service_id, id, &err), &err);
    assert_int_equal(
        fixture_int(
            f, "SELECT count(*) FROM pipe WHERE desired = 'running' AND ready_at IS NULL AND "
               "state_since > '2020-01-02'"),
        1);
    assert_status(ST_NOT_FOUND, pipe_start(f->a, f->service_id, FIXTURE_NOBODY, &err), &err);
    assert_status(ST_NOT_FOUND, pipe_stop(f->a, FIXTURE_NOBODY, id, &err), &err);
}

static void start_and_stop_end_a_failure(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    fixture_pipe(f, 1, id);
    static const char fail_sql[] =
        "UPDATE pipe SET failure_code = 'TABLE_NOT_FOUND', failure_message = 'm', failed_at = "
        "now(), ready_at = now()";
    CLEANUP(pipe_row_done) struct pipe_row row = {.id = NULL};
    fixture_sql(f, fail_sql);
    assert_ok(pipe_get(f->a, f->service_id, id, &row, &err), &err);
    assert_true(row.facts.has_failed);
    assert_string_equal(row.failure_code, "TABLE_NOT_FOUND");
    pipe_row_done(&row);
    assert_ok(pipe_start(f->a, f->service_id, id, &err), &err);
    assert_ok(pipe_get(f->a, f->service_id, id, &row, &err), &err);
    assert_false(row.facts.has_failed);
    assert_false(row.facts.was_ready);
    assert_null(row.failure_code);
    pipe_row_done(&row);
    fixture_sql(f, fail_sql);
    assert_ok(pipe_stop(f->a, f->service_id, id, &err), &err);
    assert_ok(pipe_get(f->a, f->service_id, id, &row, &err), &err);
    assert_false(row.facts.has_failed);
    assert_false(row.facts.is_wanted);
}

static void scaling_restarts_only_for_another_size(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    fixture_pipe(f, 1, id);
    const struct {
        struct pipe_scaling scaling;
        enum status status;
        int64_t revision;
    } cases[] = {
        {{.replicas = 4, .cpu_millicores = 250, .memory_gb = 0.5}, ST_OK, 1},
        {{.replicas = 4, .cpu_millicores = 500, .memory_gb = 0.5}, ST_OK, 2},
        {{.replicas = 2, .cpu_millicores = 500, .memory_gb = 1.5}, ST_OK, 3},
        {{.replicas = 40, .cpu_millicores = 2000, .memory_gb = 8}, ST_OK, 4},
        {{.replicas = 41, .cpu_millicores = 2000, .memory_gb = 8}, ST_INVALID, 4},
        {{.replicas = 0, .cpu_millicores = 2000, .memory_gb = 8}, ST_INVALID, 4},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_status(
            cases[i].status, pipe_scale(f->a, f->service_id, id, &cases[i].scaling, &err), &err);
        assert_int_equal(fixture_int(f, "SELECT revision FROM pipe"), cases[i].revision);
    }
    assert_status(
        ST_NOT_FOUND, pipe_scale(f->a, f->service_id, FIXTURE_NOBODY, &cases[0].scaling, &err),
        &err);
}

static void lists_are_bounded_by_service_and_organization(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char first[37];
    char second[37];
    fixture_pipe(f, 1, first);
    fixture_pipe(f, 1, second);
    const struct {
        const char *organization_id;
        const char *service_id;
        size_t count;
    } cases[] = {
        {FIXTURE_ORGANIZATION, FIXTURE_SERVICE, 2},
        {FIXTURE_ORGANIZATION, NULL, 2},
        {NULL, FIXTURE_SERVICE, 2},
        {FIXTURE_NOBODY, NULL, 0},
        {FIXTURE_NOBODY, FIXTURE_SERVICE, 0},
        {FIXTURE_ORGANIZATION, FIXTURE_NOBODY, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct pipe_rows rows = {.items = NULL};
        assert_ok(
            pipe_list(f->a, cases[i].organization_id, cases[i].service_id, &rows, &err), &err);
        assert_int_equal(rows.count, cases[i].count);
        if (rows.count == 2) {
            assert_string_equal(rows.items[0].id, first);
            assert_string_equal(rows.items[1].id, second);
        }
        pipe_rows_done(&rows);
    }
}

static void a_brief_list_knows_what_the_definition_says(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    static const struct {
        const char *definition;
        const char *url; /* NULL = none */
        bool is_exactly_once;
    } cases[] = {
        {"{}", NULL, false},
        {"{\"source\":{\"kafka\":{\"exactlyOnce\":true}}}", NULL, true},
        {"{\"source\":{\"kafka\":{\"exactlyOnce\" :\t true}}}", NULL, true},
        {"{\"source\":{\"kafka\":{\"exactlyOnce\":false}}}", NULL, false},
        {"{\"settings\":{\"exactlyOnce\":true}}", NULL, false},
        {"{\"name\":\"exactlyOnce\",\"source\":{\"kafka\":{\"exactlyOnce\":true}}}", NULL, true},
        {"{\"source\":{\"kafka\":{\"schemaRegistry\":{\"url\":\"http://r\"}}}}", "http://r", false},
        {"{\"source\":{\"kafka\":{\"exactlyOnce\":true,\"schemaRegistry\": {\"url\":\"u\"}}}}", "u",
         true},
        {"{\"source\":{\"kafka\":{\"schemaRegistry\":{\"url\":1}}}}", NULL, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char id[37];
        char sql[512];
        fixture_pipe(f, 1, id);
        (void)snprintf(
            sql, sizeof(sql), "UPDATE pipe SET definition = '%s' WHERE id = '%s'",
            cases[i].definition, id);
        fixture_sql(f, sql);
    }
    struct pipe_rows brief = {.items = NULL};
    struct pipe_rows whole = {.items = NULL};
    assert_ok(pipe_list_brief(f->a, FIXTURE_ORGANIZATION, FIXTURE_SERVICE, &brief, &err), &err);
    assert_ok(pipe_list(f->a, FIXTURE_ORGANIZATION, FIXTURE_SERVICE, &whole, &err), &err);
    assert_int_equal(brief.count, ARRAY_LEN(cases));
    assert_int_equal(whole.count, ARRAY_LEN(cases));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct pipe_row *rows[] = {&brief.items[i], &whole.items[i]};
        for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
            assert_int_equal(rows[k]->is_exactly_once, cases[i].is_exactly_once);
            assert_int_equal(rows[k]->registry_url == NULL, cases[i].url == NULL);
            if (cases[i].url != NULL) {
                assert_string_equal(rows[k]->registry_url, cases[i].url);
            }
        }
        assert_null(brief.items[i].definition);
        assert_non_null(whole.items[i].definition);
        assert_string_equal(brief.items[i].id, whole.items[i].id);
    }
    pipe_rows_done(&brief);
    pipe_rows_done(&whole);
}

static void delete_takes_everything_along(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    fixture_pipe(f, 1, id);
    json_t *details = json_pack("{s:i}", "partition", 3);
    const struct pipe_event created = {.type = "created", .severity = "info", .message = "made"};
    const struct pipe_event gap = {
        .type = "offset_gap", .severity = "warning", .message = "gap", .details = details};
    assert_ok(pipe_add_event(f->a, id, &created, &err), &err);
    assert_ok(pipe_add_event(f->a, id, &gap, &err), &err);
    json_decref(details);
    assert_int_equal(
        fixture_int(
            f, "SELECT count(*) FROM pipe_event WHERE details = '{\"partition\":3}' AND severity = "
               "'warning'"),
        1);
    const struct pipe_event loud = {.type = "created", .severity = "loud", .message = "made"};
    assert_status(ST_INVALID, pipe_add_event(f->a, id, &loud, &err), &err);
    struct lease lease = fixture_claim(f, "one");
    const struct runtime_partition row = {.topic = "t", .partition = 0, .end_offset = 5};
    assert_ok(runtime_report_partitions(f->a, &lease, &row, 1, &err), &err);
    assert_ok(pipe_delete(f->a, f->service_id, id, &err), &err);
    assert_status(ST_NOT_FOUND, pipe_delete(f->a, f->service_id, id, &err), &err);
    assert_int_equal(
        fixture_int(
            f, "SELECT (SELECT count(*) FROM pipe_event) + (SELECT count(*) FROM pipe_replica) + "
               "(SELECT count(*) FROM pipe_partition)"),
        0);
    assert_status(ST_NOT_FOUND, pipe_add_event(f->a, id, &created, &err), &err);
    CLEANUP(pipe_row_done) struct pipe_row gone = {.id = NULL};
    assert_status(ST_NOT_FOUND, pipe_get(f->a, f->service_id, id, &gone, &err), &err);
}

/* What the facts are for each state of replicas; expires: SQL for expires_at. */
static void facts_follow_replicas(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    fixture_pipe(f, 1, id);
    (void)fixture_claim(f, "one");
    static const struct {
        const char *sql;
        bool has_live;
        bool is_consuming;
    } cases[] = {
        {"UPDATE pipe_replica SET state = 'starting'", true, false},
        {"UPDATE pipe_replica SET state = 'running'", true, true},
        {"UPDATE pipe_replica SET state = 'waiting'", true, true},
        {"UPDATE pipe_replica SET state = 'draining'", true, false},
        {"UPDATE pipe_replica SET state = 'running', expires_at = now() - interval '1 ms'", false,
         false},
        {"UPDATE pipe_replica SET owner = NULL, expires_at = now() + interval '9 s'", false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        fixture_sql(f, cases[i].sql);
        struct pipe_row row = {.id = NULL};
        assert_ok(pipe_get(f->a, f->service_id, id, &row, &err), &err);
        assert_int_equal(row.facts.has_live_replica, cases[i].has_live);
        assert_int_equal(row.facts.is_consuming, cases[i].is_consuming);
        pipe_row_done(&row);
    }
}

static void a_worker_counts_for_fifteen_seconds(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    fixture_pipe(f, 1, id);
    static const struct {
        const char *sql;
        bool has_worker;
    } cases[] = {
        {"SELECT 1", true},
        {"UPDATE worker SET seen_at = now() - interval '14 s'", true},
        {"UPDATE worker SET seen_at = now() - interval '15.1 s'", false},
    };
    assert_ok(
        worker_hello(
            f->a, &(struct worker_self){.owner = "one", .host = "host", .version = "1"}, &err),
        &err);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        fixture_sql(f, cases[i].sql);
        CLEANUP(pipe_row_done) struct pipe_row row = {.id = NULL};
        assert_ok(pipe_get(f->a, f->service_id, id, &row, &err), &err);
        assert_int_equal(row.has_worker, cases[i].has_worker);
    }
    assert_ok(
        worker_hello(
            f->a, &(struct worker_self){.owner = "one", .host = "host", .version = "1"}, &err),
        &err);
    assert_ok(worker_bye(f->a, "one", &err), &err);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM worker"), 0);
}

static void every_change_of_wish_is_heard(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    assert_ok(store_listen(f->b, "penstock_pipe", &err), &err);
    char id[37];
    fixture_pipe(f, 1, id);
    const struct pipe_scaling scaling = {.replicas = 3, .cpu_millicores = 250, .memory_gb = 0.5};
    assert_ok(pipe_stop(f->a, f->service_id, id, &err), &err);
    assert_ok(pipe_stop(f->a, f->service_id, id, &err), &err); /* nothing new: not heard */
    assert_ok(pipe_scale(f->a, f->service_id, id, &scaling, &err), &err);
    assert_ok(pipe_start(f->a, f->service_id, id, &err), &err);
    assert_ok(pipe_delete(f->a, f->service_id, id, &err), &err);
    assert_ok(store_ping(f->b, &err), &err);
    int heard_count = 0;
    for (bool has = true; has;) {
        struct store_notice notice;
        assert_ok(store_next_notice(f->b, &has, &notice, &err), &err);
        if (has) {
            assert_string_equal(notice.channel, "penstock_pipe");
            assert_string_equal(notice.payload, id);
            heard_count++;
        }
    }
    assert_int_equal(heard_count, 5);
    /* A reopened store hears on. */
    assert_ok(store_reopen(f->b, &err), &err);
    fixture_pipe(f, 1, id);
    bool has = false;
    struct store_notice notice;
    assert_ok(store_ping(f->b, &err), &err);
    assert_ok(store_next_notice(f->b, &has, &notice, &err), &err);
    assert_true(has);
    assert_ok(store_unlisten(f->b, "penstock_pipe", &err), &err);
}

static void a_store_comes_back_after_a_broken_connection(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    CLEANUP(store_closep) struct store *store = NULL;
    assert_ok(store_open(fixture_url(), NULL, FIXTURE_TIMEOUT_MS, &store, &err), &err);
    assert_ok(store_begin(store, &err), &err);
    fixture_sql(
        f, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in "
           "transaction' AND datname = current_database()");
    assert_status(ST_UNAVAILABLE, store_ping(store, &err), &err);
    assert_status(ST_UNAVAILABLE, store_ping(store, &err), &err);
    assert_false(store_is_open(store));
    assert_int_equal(store_socket(store), -1);
    store_rollback(store);
    assert_ok(store_reopen(store, &err), &err);
    assert_true(store_is_open(store));
    assert_true(store_socket(store) >= 0);
    assert_ok(store_ping(store, &err), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_pipe_comes_back_as_stored, fixture_setup),
        cmocka_unit_test_setup(secrets_are_sealed_and_come_back, fixture_setup),
        cmocka_unit_test_setup(a_pipe_needs_its_service, fixture_setup),
        cmocka_unit_test_setup(a_definition_comes_back_in_its_order, fixture_setup),
        cmocka_unit_test_setup(start_and_stop_are_idempotent, fixture_setup),
        cmocka_unit_test_setup(start_and_stop_end_a_failure, fixture_setup),
        cmocka_unit_test_setup(scaling_restarts_only_for_another_size, fixture_setup),
        cmocka_unit_test_setup(lists_are_bounded_by_service_and_organization, fixture_setup),
        cmocka_unit_test_setup(delete_takes_everything_along, fixture_setup),
        cmocka_unit_test_setup(a_brief_list_knows_what_the_definition_says, fixture_setup),
        cmocka_unit_test_setup(facts_follow_replicas, fixture_setup),
        cmocka_unit_test_setup(a_worker_counts_for_fifteen_seconds, fixture_setup),
        cmocka_unit_test_setup(every_change_of_wish_is_heard, fixture_setup),
        cmocka_unit_test_setup(a_store_comes_back_after_a_broken_connection, fixture_setup),
    };
    return cmocka_run_group_tests(tests, fixture_group_setup, fixture_group_teardown);
}
