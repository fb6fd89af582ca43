/* The connection: values both ways, statuses by SQLSTATE, deadlines, transactions, notifications.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"

#include "tests/process/store/fixture.h"

static struct pg *opened(int timeout_ms)
{
    struct err err = {.text = ""};
    struct pg *pg = NULL;
    assert_ok(pg_open(fixture_url(), timeout_ms, &pg, &err), &err);
    return pg;
}

static void values_come_back_as_sent(void **state)
{
    (void)state;
    struct err err = {.text = ""};
    CLEANUP(pg_closep) struct pg *pg = opened(5000);
    static const uint8_t bytes[] = {0, 1, 0xff, 'x', 0};
    struct pg_args args;
    pg_args_init(&args);
    pg_add_text(&args, "it's \\ ü");
    pg_add_text(&args, NULL);
    pg_add_int(&args, INT64_MIN);
    pg_add_double(&args, 0.1);
    pg_add_bool(&args, true);
    pg_add_bytes(&args, bytes, sizeof(bytes));
    pg_add_bytes(&args, NULL, 0);
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    assert_ok(
        pg_run(
            pg, "SELECT $1::text, $2::text, $3::bigint, $4::float8, $5::bool, $6::bytea, $7::bytea",
            &args, &rows, &err),
        &err);
    assert_int_equal(pg_rows_count(rows), 1);
    struct pg_cell cell = pg_row(rows, 0);
    assert_string_equal(pg_next_text(&cell), "it's \\ ü");
    assert_null(pg_next_copy(&cell));
    assert_true(pg_next_int(&cell) == INT64_MIN);
    double tenth = pg_next_double(&cell);
    assert_true(tenth >= 0.1 && tenth <= 0.1);
    assert_true(pg_next_bool(&cell));
    uint8_t *got = NULL;
    size_t got_bytes = 0;
    assert_int_equal(pg_next_bytes(&cell, &got, &got_bytes), ST_OK);
    assert_int_equal(got_bytes, sizeof(bytes));
    assert_memory_equal(got, bytes, sizeof(bytes));
    freep(&got);
    assert_int_equal(pg_next_bytes(&cell, &got, &got_bytes), ST_OK);
    assert_null(got);
    assert_false(cell.is_out_of_memory);
}

static void failures_become_statuses_by_sqlstate(void **state)
{
    (void)state;
    struct err err = {.text = ""};
    CLEANUP(pg_closep) struct pg *pg = opened(5000);
    assert_ok(
        pg_run_script(
            pg,
            "CREATE TEMP TABLE t (a int PRIMARY KEY CHECK (a < 10)); INSERT INTO t VALUES (1); "
            "CREATE TEMP TABLE u (a int REFERENCES t)",
            &err),
        &err);
    static const struct {
        const char *sql;
        enum status status;
        const char *sqlstate;
    } cases[] = {
        {"INSERT INTO t VALUES (1)", ST_CONFLICT, "(23505)"},
        {"INSERT INTO t VALUES (10)", ST_INVALID, "(23514)"},
        {"INSERT INTO u VALUES (5)", ST_REJECTED, "(23503)"},
        {"SELECT 'x'::uuid", ST_INVALID, "(22P02)"},
        {"SELEC 1", ST_INTERNAL, "(42601)"},
        {"SELECT nothing FROM nowhere", ST_INTERNAL, "(42P01)"},
        {"SELECT 1", ST_OK, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_status(cases[i].status, pg_run(pg, cases[i].sql, NULL, NULL, &err), &err);
        if (cases[i].status != ST_OK) {
            assert_non_null(strstr(err.text, cases[i].sqlstate));
        }
        assert_true(pg_is_open(pg));
    }
}

static void a_slow_statement_is_cancelled(void **state)
{
    (void)state;
    struct err err = {.text = ""};
    CLEANUP(pg_closep) struct pg *pg = opened(300);
    int64_t start_ms = clock_monotonic_ms();
    assert_status(ST_TIMEOUT, pg_run(pg, "SELECT pg_sleep(30)", NULL, NULL, &err), &err);
    assert_true(clock_monotonic_ms() - start_ms < 5000);
    assert_ok(pg_run(pg, "SELECT 1", NULL, NULL, &err), &err);
}

static void a_frozen_server_costs_no_more_than_the_timeout(void **state)
{
    (void)state;
    struct err err = {.text = ""};
    CLEANUP(pg_closep) struct pg *pg = opened(300);
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    assert_ok(pg_run(pg, "SELECT pg_backend_pid()", NULL, &rows, &err), &err);
    struct pg_cell cell = pg_row(rows, 0);
    pid_t backend = (pid_t)pg_next_int(&cell);
    assert_int_equal(kill(backend, SIGSTOP), 0);
    int64_t start_ms = clock_monotonic_ms();
    enum status st = pg_run(pg, "SELECT 1", NULL, NULL, &err);
    int64_t took_ms = clock_monotonic_ms() - start_ms;
    assert_int_equal(kill(backend, SIGCONT), 0);
    assert_status(ST_UNAVAILABLE, st, &err);
    assert_true(took_ms >= 300 && took_ms < 5000);
    assert_false(pg_is_open(pg));
    assert_int_equal(pg_socket(pg), -1);
    assert_status(ST_UNAVAILABLE, pg_run(pg, "SELECT 1", NULL, NULL, &err), &err);
}

static void a_lost_connection_is_unavailable(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    CLEANUP(pg_closep) struct pg *pg = opened(5000);
    assert_ok(pg_begin(pg, &err), &err);
    fixture_sql(
        f, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in "
           "transaction' AND datname = current_database()");
    assert_status(ST_UNAVAILABLE, pg_run(pg, "SELECT 1", NULL, NULL, &err), &err);
    pg_rollback(pg);
    bool has = false;
    struct pg_notice notice;
    /* The reason may come before the end of the connection. */
    if (pg_is_open(pg)) {
        assert_status(ST_UNAVAILABLE, pg_run(pg, "SELECT 1", NULL, NULL, &err), &err);
    }
    assert_false(pg_is_open(pg));
    assert_status(ST_UNAVAILABLE, pg_next_notice(pg, &has, &notice, &err), &err);
}

static void addresses_that_cannot_work_are_told_apart(void **state)
{
    (void)state;
    struct err err = {.text = ""};
    struct pg *pg = NULL;
    assert_status(ST_INVALID, pg_open("postgresql://h:p@%zz/", 1000, &pg, &err), &err);
    assert_null(strstr(err.text, "%zz"));
    assert_status(ST_UNAVAILABLE, pg_open("postgresql://127.0.0.1:1/x", 1000, &pg, &err), &err);
    assert_null(pg);
}

static void transactions_end_as_they_should(void **state)
{
    (void)state;
    struct err err = {.text = ""};
    CLEANUP(pg_closep) struct pg *pg = opened(5000);
    assert_ok(pg_run(pg, "CREATE TEMP TABLE t (a int)", NULL, NULL, &err), &err);
    assert_ok(pg_begin(pg, &err), &err);
    assert_true(pg_is_in_transaction(pg));
    assert_ok(pg_run(pg, "INSERT INTO t VALUES (1)", NULL, NULL, &err), &err);
    pg_rollback(pg);
    assert_false(pg_is_in_transaction(pg));
    assert_ok(pg_begin(pg, &err), &err);
    CLEANUP(pg_rows_freep) struct pg_rows *rows = NULL;
    assert_ok(pg_run(pg, "INSERT INTO t VALUES (2), (3)", NULL, &rows, &err), &err);
    assert_int_equal(pg_rows_affected(rows), 2);
    assert_ok(pg_commit(pg, &err), &err);
    /* A commit behind a failure is a rollback, and says so. */
    assert_ok(pg_begin(pg, &err), &err);
    assert_status(ST_INTERNAL, pg_run(pg, "SELEC", NULL, NULL, &err), &err);
    assert_status(ST_INTERNAL, pg_commit(pg, &err), &err);
    assert_false(pg_is_in_transaction(pg));
}

static void notifications_arrive_without_waiting(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    CLEANUP(pg_closep) struct pg *pg = opened(5000);
    bool has = true;
    struct pg_notice notice;
    assert_ok(pg_listen(pg, "some_channel", &err), &err);
    assert_ok(pg_next_notice(pg, &has, &notice, &err), &err);
    assert_false(has);
    fixture_sql(f, "NOTIFY some_channel, 'one'; NOTIFY some_channel, 'two'");
    assert_ok(pg_run(pg, "SELECT 1", NULL, NULL, &err), &err);
    assert_ok(pg_next_notice(pg, &has, &notice, &err), &err);
    assert_true(has);
    assert_string_equal(notice.channel, "some_channel");
    assert_string_equal(notice.payload, "one");
    assert_ok(pg_next_notice(pg, &has, &notice, &err), &err);
    assert_string_equal(notice.payload, "two");
    assert_ok(pg_unlisten(pg, "some_channel", &err), &err);
    fixture_sql(f, "NOTIFY some_channel, 'three'");
    assert_ok(pg_run(pg, "SELECT 1", NULL, NULL, &err), &err);
    assert_ok(pg_next_notice(pg, &has, &notice, &err), &err);
    assert_false(has);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_back_as_sent),
        cmocka_unit_test(failures_become_statuses_by_sqlstate),
        cmocka_unit_test(a_slow_statement_is_cancelled),
        cmocka_unit_test(a_frozen_server_costs_no_more_than_the_timeout),
        cmocka_unit_test(a_lost_connection_is_unavailable),
        cmocka_unit_test(addresses_that_cannot_work_are_told_apart),
        cmocka_unit_test(transactions_end_as_they_should),
        cmocka_unit_test(notifications_arrive_without_waiting),
    };
    return cmocka_run_group_tests(tests, fixture_group_setup, fixture_group_teardown);
}
