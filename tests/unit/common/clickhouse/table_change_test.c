/* Which columns are others, in words. */
#include <stdio.h>
#include <string.h>

#include "common/clickhouse/table_change.h"

#include "tests/unit/unit.h"

enum {
    COLUMNS_MAX = 4
};

/* Columns as name and type, side by side; '=' before a type: it has a DEFAULT. */
static void fill(
    struct clickhouse_table *ret_table, struct clickhouse_column *columns,
    const char *const pairs[COLUMNS_MAX][2], const char *engine)
{
    size_t count = 0;
    for (; count < COLUMNS_MAX && pairs[count][0] != NULL; count++) {
        const char *type = pairs[count][1];
        columns[count] = (struct clickhouse_column){
            .name = (char *)(uintptr_t)pairs[count][0],
            .type = (char *)(uintptr_t)(type + (type[0] == '=')),
            .default_kind = (char *)(uintptr_t)(type[0] == '=' ? "DEFAULT" : ""),
        };
    }
    *ret_table = (struct clickhouse_table){
        .engine_full = (char *)(uintptr_t)engine, .columns = columns, .columns_count = count};
}

static void changes(void **state)
{
    (void)state;
    static const struct {
        const char *before[COLUMNS_MAX][2];
        const char *after[COLUMNS_MAX][2];
        const char *engine;
        const char *said;
    } cases[] = {
        {{{"a", "Int8"}}, {{"a", "Int8"}}, "E", ""},
        {{{"a", "Int8"}}, {{"a", "Int16"}}, "E", "column a is Int16, was Int8"},
        {{{"a", "Int8"}, {"b", "String"}},
         {{"b", "String"}, {"c", "Date"}},
         "E",
         "column a is gone; column c (Date) is new"},
        {{{"a", "Int8"}}, {{"a", "=Int8"}}, "E", "column a has DEFAULT, had no default"},
        {{{"a", "=Int8"}},
         {{"a", "Int8"}},
         "F",
         "column a has no default, had DEFAULT; engine or settings are others"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct clickhouse_column columns[2][COLUMNS_MAX];
        struct clickhouse_table before;
        struct clickhouse_table after;
        fill(&before, columns[0], cases[i].before, "E");
        fill(&after, columns[1], cases[i].after, cases[i].engine);
        char text[TABLE_CHANGE_BYTES];
        clickhouse_table_change(&before, &after, text);
        assert_string_equal(text, cases[i].said);
    }
}

static void many_are_counted(void **state)
{
    (void)state;
    enum {
        COUNT = 1000
    };
    static struct clickhouse_column columns[COUNT];
    static char names[COUNT][8];
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "c%d", i); /* fits */
        columns[i] = (struct clickhouse_column){
            .name = names[i], .type = names[0], .default_kind = names[0]};
    }
    char engine[] = "E";
    const struct clickhouse_table before = {.engine_full = engine};
    const struct clickhouse_table after = {
        .engine_full = engine, .columns = columns, .columns_count = COUNT};
    char text[TABLE_CHANGE_BYTES];
    clickhouse_table_change(&before, &after, text);
    assert_non_null(strstr(text, "column c0 (c0) is new; column c1 (c0) is new; "));
    int told = 0;
    for (const char *at = text; (at = strstr(at, " is new")) != NULL; at++) {
        told++;
    }
    char rest[32];
    (void)snprintf(rest, sizeof(rest), "; and %d more", COUNT - told); /* fits */
    assert_string_equal(text + strlen(text) - strlen(rest), rest);
    /* A name that does not fit alone. */
    static char long_name[4096];
    memset(long_name, 'x', sizeof(long_name) - 1);
    columns[0].name = long_name;
    clickhouse_table_change(&before, &after, text);
    assert_string_equal(text, "1000 more");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes),
        cmocka_unit_test(many_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
