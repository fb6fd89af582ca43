/* What a create may have left: announced, taken as a ticket, held while it is taken back. */
#include <stdlib.h>

#include "tests/process/store/fixture.h"

static char PIPE[] = "00000000-0000-4000-8000-0000000000b1";
static char OTHER[] = "00000000-0000-4000-8000-0000000000b2";
static char DATABASE[] = "default";
static char TABLE[] = "it's";

static struct leftover of(struct fixture *f, char *pipe_id)
{
    return (struct leftover){
        .pipe_id = pipe_id,
        .service_id = f->service_id,
        .database = DATABASE,
        .table = TABLE,
        .has_user = true};
}

static struct leftover_users users_of(struct fixture *f, const struct leftover *row)
{
    struct err err = {.text = ""};
    struct leftover_users users = {.is_pipe_there = false};
    assert_ok(store_begin(f->a, &err), &err);
    assert_ok(leftover_hold(f->a, row, &users, &err), &err);
    assert_ok(store_commit(f->a, &err), &err);
    return users;
}

static void one_comes_back_when_its_time_has_come(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    struct leftover row = of(f, PIPE);
    assert_ok(leftover_add(f->a, &row, &err), &err);
    struct leftover next = {.pipe_id = NULL};
    assert_ok(leftover_next(f->b, &next, &err), &err);
    assert_null(next.pipe_id);
    assert_ok(leftover_postpone(f->a, PIPE, 0, &err), &err);
    assert_ok(leftover_next(f->b, &next, &err), &err);
    assert_string_equal(next.pipe_id, PIPE);
    assert_string_equal(next.service_id, f->service_id);
    assert_non_null(next.organization_id);
    assert_string_equal(next.database, DATABASE);
    assert_string_equal(next.table, TABLE);
    assert_true(next.has_user);
    leftover_done(&next);
    assert_ok(leftover_remove(f->a, PIPE, &err), &err);
    assert_ok(leftover_next(f->b, &next, &err), &err);
    assert_null(next.pipe_id);
}

/* What was postponed is no create any more: two of one table do not wait for each other. */
static void creates_of_a_table_see_each_other_while_they_are_open(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    struct leftover row = of(f, PIPE);
    struct leftover other = of(f, OTHER);
    assert_ok(leftover_add(f->a, &row, &err), &err);
    assert_false(users_of(f, &row).is_table_asked);
    assert_ok(leftover_add(f->a, &other, &err), &err);
    assert_true(users_of(f, &row).is_table_asked);
    assert_ok(leftover_postpone(f->a, OTHER, 60, &err), &err);
    assert_false(users_of(f, &row).is_table_asked);
    assert_true(users_of(f, &other).is_table_asked);
    assert_false(users_of(f, &row).is_table_used);
    assert_false(users_of(f, &row).is_pipe_there);
    assert_ok(leftover_remove(f->a, PIPE, &err), &err);
    assert_ok(leftover_remove(f->a, OTHER, &err), &err);
}

static void insert_pipe(struct fixture *f, enum status expected)
{
    struct err err = {.text = ""};
    json_t *definition = json_pack("{s:{s:s}}", "destination", "table", TABLE);
    const struct pipe_new pipe = {
        .id = PIPE,
        .service_id = f->service_id,
        .name = "x",
        .definition = definition,
        .consumer_group = "g",
        .scaling = {.replicas = 1, .cpu_millicores = 125, .memory_gb = 0.5},
    };
    assert_status(expected, pipe_insert(f->a, &pipe, &err), &err);
    json_decref(definition);
}

static void who_lost_the_announcement_stores_no_pipe(void **state)
{
    struct fixture *f = *state;
    struct err err = {.text = ""};
    struct leftover row = of(f, PIPE);
    struct leftover other = of(f, OTHER);
    assert_ok(leftover_add(f->a, &row, &err), &err);
    assert_ok(leftover_postpone(f->a, PIPE, 60, &err), &err);
    insert_pipe(f, ST_UNAVAILABLE);
    assert_ok(leftover_remove(f->a, PIPE, &err), &err);
    insert_pipe(f, ST_UNAVAILABLE);
    assert_ok(leftover_add(f->a, &row, &err), &err);
    insert_pipe(f, ST_OK);
    assert_int_equal(fixture_int(f, "SELECT count(*) FROM leftover"), 0);
    assert_true(users_of(f, &row).is_pipe_there);
    assert_true(users_of(f, &other).is_table_used); /* without a database it is `default` */
    assert_ok(pipe_delete_with_user(f->a, f->service_id, PIPE, &err), &err);
    assert_status(ST_NOT_FOUND, pipe_delete_with_user(f->a, f->service_id, PIPE, &err), &err);
    assert_int_equal(
        fixture_int(f, "SELECT count(*) FROM leftover WHERE has_user AND table_name IS NULL"), 1);
    assert_ok(leftover_remove(f->a, PIPE, &err), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(one_comes_back_when_its_time_has_come, fixture_setup),
        cmocka_unit_test_setup(
            creates_of_a_table_see_each_other_while_they_are_open, fixture_setup),
        cmocka_unit_test_setup(who_lost_the_announcement_stores_no_pipe, fixture_setup),
    };
    return cmocka_run_group_tests(tests, fixture_group_setup, fixture_group_teardown);
}
