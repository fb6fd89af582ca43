/* A child's environment holds nothing of the supervisor's settings. */
#include "tests/unit/unit.h"
#include "worker/supervisor/environment.h"

static void settings_and_database_variables_stay_behind(void **state)
{
    (void)state;
    char path[] = "PATH=/bin";
    char url[] = "PENSTOCK_DATABASE_URL=postgresql://u:secret@h/d";
    char key[] = "PENSTOCK_SECRET_KEY=abc";
    char level[] = "PENSTOCK_LOG_LEVEL=error";
    char password[] = "PGPASSWORD=secret";
    char aws[] = "AWS_REGION=eu-central-1";
    char *const source[] = {path, url, key, level, password, aws, NULL};
    struct environment environment;
    assert_int_equal(environment_init(&environment, source, "debug", "json", NULL), ST_OK);
    assert_string_equal(environment.items[0], "PATH=/bin");
    assert_string_equal(environment.items[1], "AWS_REGION=eu-central-1");
    assert_string_equal(environment.items[2], "PENSTOCK_LOG_LEVEL=debug");
    assert_string_equal(environment.items[3], "PENSTOCK_LOG_FORMAT=json");
    assert_null(environment.items[4]);
    environment_done(&environment);
    assert_null(environment.items);
    environment_done(&environment); /* twice is fine */
}

static void an_empty_environment_is_fine(void **state)
{
    (void)state;
    char *const source[] = {NULL};
    struct environment environment;
    assert_int_equal(environment_init(&environment, source, "info", "text", NULL), ST_OK);
    assert_string_equal(environment.items[0], "PENSTOCK_LOG_LEVEL=info");
    assert_string_equal(environment.items[1], "PENSTOCK_LOG_FORMAT=text");
    assert_null(environment.items[2]);
    environment_done(&environment);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_and_database_variables_stay_behind),
        cmocka_unit_test(an_empty_environment_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
