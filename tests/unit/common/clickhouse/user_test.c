/* Statements for a pipe's own user: every name quoted, whatever is in it. */
#include <stdio.h>
#include <string.h>

#include "common/clickhouse/user.h"

#include "tests/unit/unit.h"

static void assert_sql(enum status status, struct buf *sql, const char *expected)
{
    assert_int_equal(status, ST_OK);
    assert_string_equal(buf_text(sql), expected);
    buf_reset(sql);
}

static void names_and_passwords_are_quoted(void **state)
{
    (void)state;
    struct buf sql;
    buf_init(&sql, 4096);
    char name[CLICKHOUSE_USER_NAME_BYTES];
    clickhouse_user_name("s", "p", name);
    assert_string_equal(name, "clickpipe:s:p");
    assert_sql(
        clickhouse_user_create(name, "a'; DROP USER b --\\", &sql), &sql,
        "CREATE USER `clickpipe:s:p` IDENTIFIED WITH sha256_password BY 'a\\'; DROP USER b "
        "--\\\\'");
    assert_sql(clickhouse_user_drop("a`b", &sql), &sql, "DROP USER IF EXISTS `a\\`b`");
    buf_done(&sql);
}

static void grants_are_for_two_tables_and_each_role(void **state)
{
    (void)state;
    char database[] = "d`b";
    char table[] = "t";
    char full[] = CLICKHOUSE_ROLE_FULL;
    char only[] = CLICKHOUSE_ROLE_TABLE;
    char odd[] = "r TO x; DROP TABLE `t`";
    char *roles[] = {full, only, odd};
    struct pipe_spec pipe = {
        .destination = {.database = database, .table = table, .roles = {roles, ARRAY_LEN(roles)}}};
    static const char *const expected[] = {
        "GRANT INSERT ON `d\\`b`.`t` TO `u`",
        "GRANT INSERT ON `d\\`b`.`t_clickpipes_error` TO `u`",
        "GRANT ALL ON *.* TO `u`",
        "GRANT INSERT ON `d\\`b`.`t` TO `u`",
        "GRANT `r TO x; DROP TABLE \\`t\\`` TO `u`",
    };
    assert_int_equal(clickhouse_user_grants_count(&pipe), ARRAY_LEN(expected));
    struct buf sql;
    buf_init(&sql, 4096);
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        assert_sql(clickhouse_user_grant(&pipe, i, "u", &sql), &sql, expected[i]);
    }
    pipe.source.exactly_once = true;
    for (size_t i = 0; i < 2; i++) {
        char wanted[128];
        (void)snprintf(/* fits */
                       wanted, sizeof(wanted), "GRANT SELECT, %s", expected[i] + strlen("GRANT "));
        assert_sql(clickhouse_user_grant(&pipe, i, "u", &sql), &sql, wanted);
    }
    buf_done(&sql);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_passwords_are_quoted),
        cmocka_unit_test(grants_are_for_two_tables_and_each_role),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
