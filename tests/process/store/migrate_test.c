/* Migrations on a real database: in order, once, atomic, and refused when histories differ. */
#include <pthread.h>
#include <string.h>

#include "common/pg/migrate.h"

#include "tests/process/store/fixture.h"

static const struct migration two[] = {
    {1, "0001_one.sql", "CREATE TABLE m_one (a int); INSERT INTO m_one VALUES (1)"},
    {2, "0002_two.sql", "CREATE TABLE m_two (a int)"},
};
static const struct migration two_changed[] = {
    {1, "0001_one.sql", "CREATE TABLE m_one (a int); INSERT INTO m_one VALUES (2)"},
    {2, "0002_two.sql", "CREATE TABLE m_two (a int)"},
};
static const struct migration two_failing[] = {
    {1, "0001_one.sql", "CREATE TABLE m_one (a int); INSERT INTO m_one VALUES (1)"},
    {2, "0002_two.sql", "CREATE TABLE m_half (a int); SELECT nonsense"},
};

/* Each test has a schema of its own, so that the fixture's tables stay out of sight. */
static struct pg *fresh(struct fixture *f)
{
    struct err err = {.text = ""};
    fixture_sql(f, "DROP SCHEMA IF EXISTS m CASCADE; CREATE SCHEMA m");
    struct pg *pg = NULL;
    assert_ok(pg_open(fixture_url(), FIXTURE_TIMEOUT_MS, &pg, &err), &err);
    assert_ok(pg_run(pg, "SET search_path = m", NULL, NULL, &err), &err);
    return pg;
}

static void each_is_applied_once(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    CLEANUP(pg_closep) struct pg *pg = fresh(f);
    int applied_count = -1;
    assert_status(ST_UNAVAILABLE, migrate_check(pg, two, 2, &err), &err);
    assert_ok(migrate_apply(pg, two, 1, &applied_count, &err), &err);
    assert_int_equal(applied_count, 1);
    assert_status(ST_UNAVAILABLE, migrate_check(pg, two, 2, &err), &err);
    assert_non_null(strstr(err.text, "lacks 1 of 2"));
    assert_ok(migrate_apply(pg, two, 2, &applied_count, &err), &err);
    assert_int_equal(applied_count, 1);
    assert_ok(migrate_apply(pg, two, 2, &applied_count, &err), &err);
    assert_int_equal(applied_count, 0);
    assert_ok(migrate_check(pg, two, 2, &err), &err);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM m.m_one"), 1);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM m.schema_migration"), 2);
}

static void a_changed_migration_is_refused(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    CLEANUP(pg_closep) struct pg *pg = fresh(f);
    int applied_count = -1;
    assert_ok(migrate_apply(pg, two, 2, &applied_count, &err), &err);
    assert_status(ST_CONFLICT, migrate_apply(pg, two_changed, 2, &applied_count, &err), &err);
    assert_non_null(strstr(err.text, "0001_one.sql was changed"));
    assert_status(ST_CONFLICT, migrate_check(pg, two_changed, 2, &err), &err);
}

static void a_newer_database_is_refused(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    CLEANUP(pg_closep) struct pg *pg = fresh(f);
    int applied_count = -1;
    assert_ok(migrate_apply(pg, two, 2, &applied_count, &err), &err);
    assert_status(ST_CONFLICT, migrate_apply(pg, two, 1, &applied_count, &err), &err);
    assert_non_null(strstr(err.text, "newer than this program"));
    assert_non_null(strstr(err.text, "0002_two.sql"));
    assert_status(ST_CONFLICT, migrate_check(pg, two, 1, &err), &err);
}

static void a_failing_migration_leaves_nothing_of_itself(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    CLEANUP(pg_closep) struct pg *pg = fresh(f);
    int applied_count = -1;
    assert_status(ST_INTERNAL, migrate_apply(pg, two_failing, 2, &applied_count, &err), &err);
    assert_non_null(strstr(err.text, "0002_two.sql"));
    assert_int_equal(applied_count, -1);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM m.schema_migration"), 1);
    assert_int_equal(fixture_int(f, "SELECT (to_regclass('m.m_half') IS NULL)::int"), 1);
    /* Repaired, it goes on where it stopped. */
    assert_ok(migrate_apply(pg, two, 2, &applied_count, &err), &err);
    assert_int_equal(applied_count, 1);
}

struct racer {
    struct pg *pg;
    enum status status;
    int applied_count;
    struct err err;
};

static void *race(void *arg)
{
    struct racer *racer = arg;
    racer->status = migrate_apply(racer->pg, two, 2, &racer->applied_count, &racer->err);
    return NULL;
}

static void programs_that_start_together_apply_each_once(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    enum {
        RACERS = 4
    };
    struct racer racers[RACERS] = {{.pg = fresh(f)}};
    pthread_t threads[RACERS];
    int applied_count = 0;
    for (int i = 1; i < RACERS; i++) {
        assert_ok(pg_open(fixture_url(), FIXTURE_TIMEOUT_MS, &racers[i].pg, &err), &err);
        assert_ok(pg_run(racers[i].pg, "SET search_path = m", NULL, NULL, &err), &err);
    }
    for (int i = 0; i < RACERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    }
    for (int i = 0; i < RACERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_ok(racers[i].status, &racers[i].err);
        applied_count += racers[i].applied_count;
        pg_close(racers[i].pg);
    }
    assert_int_equal(applied_count, 2);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM m.m_one"), 1);
}

static void the_built_in_table_is_whole(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    for (size_t i = 0; i < migrate_table_count; i++) {
        assert_int_equal(migrate_table[i].number, (int)i + 1);
        assert_true(strlen(migrate_table[i].sql) > 0);
    }
    assert_ok(store_check_schema(f->a, &err), &err);
    char checksum[MIGRATE_CHECKSUM_BYTES];
    assert_int_equal(migrate_checksum("abc", checksum), ST_OK);
    /* FIPS 180-2, appendix B.1 */
    assert_string_equal(
        checksum, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_applied_once),
        cmocka_unit_test(a_changed_migration_is_refused),
        cmocka_unit_test(a_newer_database_is_refused),
        cmocka_unit_test(a_failing_migration_leaves_nothing_of_itself),
        cmocka_unit_test(programs_that_start_together_apply_each_once),
        cmocka_unit_test(the_built_in_table_is_whole),
    };
    return cmocka_run_group_tests(tests, fixture_group_setup, fixture_group_teardown);
}
