/* What a plan refuses, and that the table's types decide. */
#include <string.h>

#include "tests/unit/worker/replica/decode/fixture.h"

static enum status try_plan(
    const char *column, const char *type, const struct pipe_settings *settings, struct err *err)
{
    static char name[] = "t";
    struct pipe_column wanted = {(char *)(uintptr_t)column, name};
    struct pipe_spec spec = {
        .settings = settings == NULL ? (struct pipe_settings){0} : *settings,
        .destination = {.database = name, .table = name, .columns = &wanted, .columns_count = 1},
    };
    const struct plan_column table[] = {
        {.name = "other", .type = "Int8"},
        {.name = "known", .type = type},
        {.name = "_offset", .type = type}};
    struct plan *plan = NULL;
    enum status st = plan_new(&spec, table, ARRAY_LEN(table), &plan, err);
    if (st == ST_OK) {
        size_t count = 0;
        assert_string_equal(plan_columns(plan, &count)->name, column);
        assert_int_equal(count, 1);
    }
    plan_free(plan);
    return st;
}

static void plan_refuses_what_it_cannot_fill(void **state)
{
    (void)state;
    struct err err = {0};
    assert_int_equal(try_plan("known", "Int32", NULL, &err), ST_OK);
    assert_int_equal(try_plan("unknown", "Int32", NULL, &err), ST_INVALID);
    assert_string_equal(err.text, "table t.t has no column unknown");
    assert_int_equal(try_plan("known", "Dynamic", NULL, &err), ST_UNSUPPORTED);
    assert_string_equal(err.text, "column known: type Dynamic is not supported yet");
    assert_int_equal(try_plan("known", "DateTime('Nowhere/Town')", NULL, &err), ST_UNSUPPORTED);
    assert_non_null(strstr(err.text, "column known: time zone 'Nowhere/Town' cannot be loaded"));
    assert_int_equal(try_plan("known", "DateTime('Asia/Tokyo')", NULL, &err), ST_OK);
    assert_int_equal(try_plan("_offset", "Int64", NULL, &err), ST_OK);
    assert_int_equal(try_plan("_offset", "String", NULL, &err), ST_INVALID);
    assert_non_null(strstr(err.text, "_offset cannot be stored as String"));
    struct pipe_settings settings = (struct pipe_settings){.multi_record = PIPE_MULTI_RECORD_LINES};
    assert_int_equal(try_plan("known", "Int32", &settings, &err), ST_OK);
}

/* A pipe column of type Nested is one column, or the columns ClickHouse made of it. */
static void plan_knows_nested_columns(void **state)
{
    (void)state;
    static char name[] = "t";
    static char nested[] = "Nested(a Int8, b String)";
    struct pipe_column wanted = {name, nested};
    struct pipe_spec spec = {
        .destination = {.database = name, .table = name, .columns = &wanted, .columns_count = 1},
    };
    const struct plan_column flat[] = {
        {.name = "t.a", .type = "Array(Int8)"}, {.name = "t.b", .type = "Array(String)"}};
    const struct plan_column whole[] = {{.name = "t", .type = nested}};
    struct plan *plan = NULL;
    struct err err = {0};
    size_t count = 0;
    assert_int_equal(plan_new(&spec, flat, 2, &plan, &err), ST_OK);
    const struct block_column *columns = plan_columns(plan, &count);
    assert_int_equal(count, 2);
    assert_string_equal(columns[1].name, "t.b");
    plan_freep(&plan);
    assert_int_equal(plan_new(&spec, whole, 1, &plan, &err), ST_OK);
    assert_string_equal(plan_columns(plan, &count)->name, "t");
    assert_int_equal(count, 1);
    plan_freep(&plan);
    assert_int_equal(plan_new(&spec, flat, 1, &plan, &err), ST_INVALID);
    assert_string_equal(err.text, "table t.t has neither a column t nor t.b");
}

static void plan_takes_another_separator(void **state)
{
    (void)state;
    static const struct fixture_column COLUMNS[] = {
        {"v", "Int32", "a.b"}, {"w", "Int32", "c"}, {NULL, NULL, NULL}};
    struct fixture f;
    fixture_open(&f, COLUMNS, NULL);
    assert_false(plan_is_raw(f.plan));
    assert_false(plan_needs_headers(f.plan));
    assert_int_equal(fixture_add(&f, "{\"a\":{\"b\":4},\"c\":5}"), ST_OK);
    fixture_assert_u64(&f, 0, 4);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plan_refuses_what_it_cannot_fill),
        cmocka_unit_test(plan_knows_nested_columns),
        cmocka_unit_test(plan_takes_another_separator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
