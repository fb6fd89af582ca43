/* Guarantees: kept as last found, with events where they change; fenced for replicas. */
#include <stdio.h>
#include <string.h>

#include "common/store/guarantees.h"

#include "tests/process/store/fixture.h"

static struct guarantee guarantee_of(enum guarantee_mode mode, int64_t inserts)
{
    struct guarantee guarantee = {.mode = mode, .inserts = inserts, .seconds = 3600};
    (void)snprintf(guarantee.detail, sizeof(guarantee.detail), "said by the test"); /* fits */
    return guarantee;
}

static int64_t events(struct fixture *f, const char *type, const char *severity)
{
    char sql[200];
    (void)snprintf(/* fits */
                   sql, sizeof(sql),
                   "SELECT count(*) FROM pipe_event WHERE type = '%s' AND severity = '%s'", type,
                   severity);
    return fixture_int(f, sql);
}

static void store(
    struct fixture *f, const char *id, enum guarantee_mode mode, int64_t inserts,
    const char *severity)
{
    struct err err = {.text = ""};
    const struct guarantee guarantee = guarantee_of(mode, inserts);
    assert_ok(guarantee_store(f->a, id, &guarantee, severity, &err), &err);
}

static void the_last_one_is_kept(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    char id[37];
    fixture_pipe(f, 1, id);
    CLEANUP(pipe_row_done) struct pipe_row row = {.id = NULL};
    assert_ok(pipe_get(f->b, f->service_id, id, &row, &err), &err);
    assert_false(row.has_guarantee);
    pipe_row_done(&row);
    store(f, id, GUARANTEE_BY_TOKEN, 500, "info");
    store(f, id, GUARANTEE_BY_CHECK, GUARANTEE_UNLIMITED, "info");
    assert_ok(pipe_get(f->b, f->service_id, id, &row, &err), &err);
    assert_true(row.has_guarantee);
    assert_int_equal(row.guarantee.mode, GUARANTEE_BY_CHECK);
    assert_int_equal(row.guarantee.inserts, GUARANTEE_UNLIMITED);
    assert_int_equal(row.guarantee.seconds, 3600);
    assert_string_equal(row.guarantee.detail, "said by the test");
    const struct guarantee guarantee = guarantee_of(GUARANTEE_BY_TOKEN, 1);
    assert_status(
        ST_NOT_FOUND, guarantee_store(f->a, FIXTURE_NOBODY, &guarantee, "info", &err), &err);
}

static void a_change_is_an_event(void **state)
{
    struct fixture *f = *state;
    char id[37];
    fixture_pipe(f, 1, id);
    store(f, id, GUARANTEE_AT_LEAST_ONCE, 0, "info"); /* never more, and not asked for */
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM pipe_event"), 0);
    store(f, id, GUARANTEE_AT_LEAST_ONCE, 0, "critical");
    store(f, id, GUARANTEE_AT_LEAST_ONCE, 0, "critical");
    assert_int_equal(events(f, "guarantee", "critical"), 1);
    store(f, id, GUARANTEE_BY_TOKEN, 500, "warning");
    store(f, id, GUARANTEE_BY_TOKEN, 400, "warning"); /* numbers alone are no event */
    assert_int_equal(events(f, "guarantee", "warning"), 1);
    store(f, id, GUARANTEE_BY_TOKEN, 500, "info");
    assert_int_equal(events(f, "guarantee", "info"), 1);
    assert_int_equal(
        fixture_int(
            f, "SELECT count(*) FROM pipe_event WHERE details::jsonb = '{\"mode\": "
               "\"exactly-once-by-token\", \"before\": \"at-least-once\", \"inserts\": 500, "
               "\"seconds\": 3600}' AND message = 'exactly-once-by-token: said by the test'"),
        1);
    store(f, id, GUARANTEE_BY_CHECK, GUARANTEE_UNLIMITED, "info");
    assert_int_equal(
        fixture_int(
            f, "SELECT count(*) FROM pipe_event WHERE details::jsonb -> 'inserts' = 'null'"),
        1);
}

static void report(
    struct fixture *f, const struct lease *lease, const char *uuid, const char *hash,
    enum status expected)
{
    struct err err = {.text = ""};
    const struct guarantee_report report = {
        .guarantee = guarantee_of(GUARANTEE_BY_TOKEN, 7),
        .severity = "info",
        .table_uuid = uuid,
        .table_hash = hash,
        .table_change = "column x is Int8, was Int16",
    };
    assert_status(expected, guarantee_report_store(f->a, "one", lease, &report, &err), &err);
}

static void another_table_is_an_event(void **state)
{
    struct fixture *f = *state;
    char id[37];
    fixture_pipe(f, 1, id);
    struct lease lease = fixture_claim(f, "one");
    report(f, &lease, "u1", "h1", ST_OK); /* the first time there is nothing to compare with */
    report(f, &lease, "u1", "h1", ST_OK);
    report(f, &lease, "", "", ST_OK);
    assert_int_equal(events(f, "table_changed", "warning"), 0);
    report(f, &lease, "u1", "h2", ST_OK);
    assert_int_equal(
        fixture_int(
            f, "SELECT count(*) FROM pipe_event WHERE type = 'table_changed' AND message LIKE "
               "'the table is not as it was%'"),
        1);
    report(f, &lease, "u2", "h3", ST_OK); /* what is different is told where it is known */
    assert_int_equal(
        fixture_int(
            f, "SELECT count(*) FROM pipe_event WHERE type = 'table_changed' AND message LIKE "
               "'the table is not as it was: column x is Int8, was Int16; records%'"),
        1);
    assert_int_equal(
        fixture_int(
            f, "SELECT count(*) FROM pipe_event WHERE type = 'table_changed' AND message LIKE "
               "'the table was made again%' AND details::jsonb = '{\"before\": \"u1\", "
               "\"uuid\": \"u2\", \"change\": \"column x is Int8, was Int16\"}'"),
        1);
}

static void former_holders_change_nothing(void **state)
{
    struct fixture *f = *state;
    char id[37];
    fixture_pipe(f, 1, id);
    struct lease lease = fixture_claim(f, "one");
    struct lease other = lease;
    other.generation++;
    report(f, &other, "u1", "h1", ST_FENCED);
    other = lease;
    other.replica_index++;
    report(f, &other, "u1", "h1", ST_FENCED);
    assert_int_equal(
        fixture_int(f, "SELECT count(*) FROM pipe WHERE guarantee_mode IS NOT NULL"), 0);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM pipe_event"), 0);
    report(f, &lease, "u1", "h1", ST_OK);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM pipe WHERE guarantee_inserts = 7"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_last_one_is_kept, fixture_setup),
        cmocka_unit_test_setup(a_change_is_an_event, fixture_setup),
        cmocka_unit_test_setup(another_table_is_an_event, fixture_setup),
        cmocka_unit_test_setup(former_holders_change_nothing, fixture_setup),
    };
    return cmocka_run_group_tests(tests, fixture_group_setup, fixture_group_teardown);
}
