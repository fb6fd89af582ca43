/* Settings from environment and file: who wins, what is refused and how it is said. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/config/config.h"

#include "tests/unit/unit.h"

enum {
    ENVIRONMENT_MAX = 8
};

/* A file with this text; the name is the caller's until file_remove. */
static char *file_make(const char *text)
{
    char *path = strdup("/tmp/penstock-config-test-XXXXXX");
    assert_non_null(path);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
    return path;
}

static void file_remove(char *path)
{
    assert_int_equal(unlink(path), 0);
    free(path);
}

static enum status load(
    enum config_program program, const char *file_text, const char *const *environment,
    struct config **ret_config, struct err *err)
{
    char *copies[ENVIRONMENT_MAX + 1] = {NULL};
    for (int i = 0; i < ENVIRONMENT_MAX && environment[i] != NULL; i++) {
        copies[i] = strdup(environment[i]);
    }
    char *path = file_text == NULL ? NULL : file_make(file_text);
    enum status st = config_load(program, path, copies, ret_config, err);
    if (path != NULL) {
        file_remove(path);
    }
    for (int i = 0; i < ENVIRONMENT_MAX; i++) {
        free(copies[i]);
    }
    return st;
}

static const char *const none[] = {NULL};

static void defaults_fill_what_is_not_given(void **state)
{
    (void)state;
    struct err err = {.text = ""};
    CLEANUP(config_freep) struct config *config = NULL;
    assert_int_equal(load(CONFIG_PROGRAM_API, NULL, none, &config, &err), ST_OK);
    assert_string_equal(config_text(config, CONFIG_LISTEN), "127.0.0.1:8088");
    assert_int_equal(config_int(config, CONFIG_MAX_BODY_BYTES), 4194304);
    assert_false(config_bool(config, CONFIG_ALLOW_PLAIN_HTTP));
    assert_false(config_is_set(config, CONFIG_DATABASE_URL));
    assert_null(config_secret(config, CONFIG_DATABASE_URL)->bytes);
    assert_string_equal(config_text(config, CONFIG_TLS_CERT_FILE), "");
    assert_int_equal(config_log_level(config), LOG_INFO);
    assert_int_equal(config_log_format(config, true), LOG_FORMAT_TEXT);
    assert_int_equal(config_log_format(config, false), LOG_FORMAT_JSON);
    assert_int_equal(config_require(config, CONFIG_DATABASE_URL, &err), ST_INVALID);
    assert_string_equal(err.text, "PENSTOCK_DATABASE_URL is not set");
    assert_int_equal(config_require(config, CONFIG_LISTEN, &err), ST_OK);
    assert_int_equal(config_warnings_count(config), 0);
}

static void a_worker_has_settings_of_its_own(void **state)
{
    (void)state;
    struct err err = {.text = ""};
    const char *environment[] = {
        "PENSTOCK_WORKER_MEMORY_GB=1.5", "PENSTOCK_WORKER_CPU_MILLICORES=0", "PENSTOCK_LEASE_S=2",
        "PENSTOCK_MAX_BODY_BYTES=nonsense of the other program", NULL};
    CLEANUP(config_freep) struct config *config = NULL;
    assert_int_equal(load(CONFIG_PROGRAM_WORKER, NULL, environment, &config, &err), ST_OK);
    double memory_gb = config_number(config, CONFIG_WORKER_MEMORY_GB);
    assert_true(memory_gb > 1.49 && memory_gb < 1.51);
    assert_true(config_is_set(config, CONFIG_WORKER_CPU_MILLICORES));
    assert_int_equal(config_int(config, CONFIG_WORKER_CPU_MILLICORES), 0);
    assert_int_equal(config_int(config, CONFIG_LEASE_S), 2);
    char host[256] = "";
    assert_int_equal(gethostname(host, sizeof(host) - 1), 0);
    assert_string_equal(config_text(config, CONFIG_HOST_ID), host);
}

static void the_environment_wins_over_the_file(void **state)
{
    (void)state;
    struct err err = {.text = ""};
    const char *environment[] = {"PENSTOCK_LISTEN=[::1]:1", "PENSTOCK_DATABASE_URL=", NULL};
    CLEANUP(config_freep) struct config *config = NULL;
    assert_int_equal(
        load(
            CONFIG_PROGRAM_API,
            "# comment\n\n PENSTOCK_LISTEN= 0.0.0.0:2\n"
            "PENSTOCK_DATABASE_URL='postgresql://a b'\r\n"
            "PENSTOCK_TLS_CERT_FILE=\"/cert\"\nPENSTOCK_LOG_FORMAT=json\nKAFKA_BROKERS=x\n"
            "PENSTOCK_URL='for clients'",
            environment, &config, &err),
        ST_OK);
    assert_string_equal(config_text(config, CONFIG_LISTEN), "[::1]:1");
    /* Empty in the environment is not given. */
    assert_string_equal(config_secret(config, CONFIG_DATABASE_URL)->bytes, "postgresql://a b");
    assert_string_equal(config_text(config, CONFIG_TLS_CERT_FILE), "/cert");
    assert_int_equal(config_log_format(config, true), LOG_FORMAT_JSON);
}

static void a_value_may_lie_in_a_file_of_its_own(void **state)
{
    (void)state;
    struct err err = {.text = ""};
    char *path = file_make("postgresql://secret\n\n");
    char *setting = NULL;
    assert_true(asprintf(&setting, "PENSTOCK_DATABASE_URL_FILE=%s", path) > 0);
    const char *environment[] = {setting, "PENSTOCK_SECRET_KEY_FILE=/keys", NULL};
    CLEANUP(config_freep) struct config *config = NULL;
    assert_int_equal(load(CONFIG_PROGRAM_API, NULL, environment, &config, &err), ST_OK);
    assert_string_equal(config_secret(config, CONFIG_DATABASE_URL)->bytes, "postgresql://secret");
    /* A setting whose own name ends in _FILE is a path. */
    assert_string_equal(config_text(config, CONFIG_SECRET_KEY_FILE), "/keys");
    assert_false(config_is_set(config, CONFIG_SECRET_KEY));
    file_remove(path);
    config_freep(&config);
    assert_int_equal(load(CONFIG_PROGRAM_API, NULL, environment, &config, &err), ST_NOT_FOUND);
    assert_non_null(strstr(err.text, "PENSTOCK_DATABASE_URL_FILE"));
    const char *both[] = {setting, "PENSTOCK_DATABASE_URL=x", NULL};
    assert_int_equal(load(CONFIG_PROGRAM_API, NULL, both, &config, &err), ST_INVALID);
    assert_string_equal(
        err.text, "PENSTOCK_DATABASE_URL and PENSTOCK_DATABASE_URL_FILE are both set");
    assert_null(config);
    free(setting);
}

static void bad_values_are_refused_by_name_and_range(void **state)
{
    (void)state;
    static const struct {
        const char *setting;
        const char *words;
    } cases[] = {
        {"PENSTOCK_MAX_BODY_BYTES=1023",
         "PENSTOCK_MAX_BODY_BYTES: '1023' is not a whole number from 1024 to 67108864 bytes"},
        {"PENSTOCK_MAX_BODY_BYTES=67108865", "'67108865'"},
        {"PENSTOCK_MAX_BODY_BYTES=4096k", "'4096k'"},
        {"PENSTOCK_MAX_BODY_BYTES= 4096", "' 4096'"},
        {"PENSTOCK_ALLOW_PLAIN_HTTP=maybe", "PENSTOCK_ALLOW_PLAIN_HTTP: 'maybe' is neither"},
        {"PENSTOCK_LOG_LEVEL=warning", "'warning' is not one of error|warn|info|debug"},
        {"PENSTOCK_LOG_LEVEL=error|warn", "is not one of"},
        {"PENSTOCK_LISTEN=a\nb", "PENSTOCK_LISTEN: the value is not plain text"},
        {"PENSTOCK_DATABASE_URL=pass\x01word", "PENSTOCK_DATABASE_URL: the value is not plain"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = {.text = ""};
        struct config *config = NULL;
        const char *environment[] = {cases[i].setting, NULL};
        assert_int_equal(load(CONFIG_PROGRAM_API, NULL, environment, &config, &err), ST_INVALID);
        assert_null(config);
        if (strstr(err.text, cases[i].words) == NULL) {
            fail_msg("%s: %s", cases[i].setting, err.text);
        }
        assert_null(strstr(err.text, "word"));
    }
}

static void limits_themselves_are_taken(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "PENSTOCK_MAX_BODY_BYTES=1024",  "PENSTOCK_MAX_BODY_BYTES=67108864",
        "PENSTOCK_DATABASE_POOL_SIZE=1", "PENSTOCK_DATABASE_POOL_SIZE=64",
        "PENSTOCK_ALLOW_PLAIN_HTTP=yes", "PENSTOCK_LOG_LEVEL=error"};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = {.text = ""};
        CLEANUP(config_freep) struct config *config = NULL;
        const char *environment[] = {cases[i], NULL};
        assert_int_equal(load(CONFIG_PROGRAM_API, NULL, environment, &config, &err), ST_OK);
    }
}

static void unknown_names_warn_or_are_refused(void **state)
{
    (void)state;
    struct err err = {.text = ""};
    const char *environment[] = {
        "PENSTOCK_LISTN=secret value",
        "PENSTOCK_URL=x",
        "PENSTOCK_KEY_SECRET=y",
        "PENSTOCK_LEASE_S=9",
        "PENSTOCK_A_NAME_THAT_IS_LONGER_THAN_ANY_SETTING_OF_PENSTOCK_COULD_EVER_BE=z",
        "HOME=/",
        NULL};
    CLEANUP(config_freep) struct config *config = NULL;
    assert_int_equal(load(CONFIG_PROGRAM_API, NULL, environment, &config, &err), ST_OK);
    assert_int_equal(config_warnings_count(config), 2);
    assert_string_equal(config_warning(config, 0), "PENSTOCK_LISTN is no setting of penstock");
    assert_null(strstr(config_warning(config, 1), "=z"));
    struct config *refused = NULL;
    assert_int_equal(
        load(CONFIG_PROGRAM_API, "A=1\nPENSTOCK_LISTN=x\n", none, &refused, &err), ST_INVALID);
    assert_non_null(strstr(err.text, "line 2: PENSTOCK_LISTN is no setting of penstock"));
}

static void broken_files_are_refused_by_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *words;
    } cases[] = {
        {"PENSTOCK_LISTEN", "line 1 is not of the form NAME=value"},
        {"\n=x", "line 2 is not of the form"},
        {"A =x", "line 1 is not of the form"},
        {"A B=x", "line 1 is not of the form"},
        {"1A=x", "line 1 is not of the form"},
        {"A='x", "line 1 is not of the form"},
        {"A='x'y'", "line 1 is not of the form"},
        {"A=1\n#\nA=2", "line 3: A was set in line 1 already"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = {.text = ""};
        struct config *config = NULL;
        assert_int_equal(load(CONFIG_PROGRAM_API, cases[i].text, none, &config, &err), ST_INVALID);
        if (strstr(err.text, cases[i].words) == NULL) {
            fail_msg("%s: %s", cases[i].text, err.text);
        }
    }
    struct err err = {.text = ""};
    char *nothing[] = {NULL};
    struct config *config = NULL;
    assert_int_equal(
        config_load(CONFIG_PROGRAM_API, "/nonexistent", nothing, &config, &err), ST_NOT_FOUND);
    assert_non_null(strstr(err.text, "/nonexistent"));
    assert_int_equal(config_load(CONFIG_PROGRAM_API, "/", nothing, &config, &err), ST_IO);
    assert_int_equal(
        config_load(CONFIG_PROGRAM_API, "/dev/zero", nothing, &config, &err), ST_TOO_LARGE);
}

static void printed_settings_show_origin_and_hide_secrets(void **state)
{
    (void)state;
    struct err err = {.text = ""};
    char *path = file_make("keykeykey");
    char *setting = NULL;
    assert_true(asprintf(&setting, "PENSTOCK_LISTEN_FILE=%s", path) > 0);
    const char *environment[] = {"PENSTOCK_DATABASE_URL=postgresql://u:pw@h/d", setting, NULL};
    CLEANUP(config_freep) struct config *config = NULL;
    assert_int_equal(
        load(CONFIG_PROGRAM_API, "PENSTOCK_LOG_LEVEL=warn", environment, &config, &err), ST_OK);
    CLEANUP(buf_done) struct buf buf;
    buf_init(&buf, 100000);
    assert_int_equal(config_print(config, &buf), ST_OK);
    static const char *const lines[] = {
        "PENSTOCK_DATABASE_URL=********  # environment\n",
        "PENSTOCK_LISTEN=keykeykey  # secret file\n",
        "PENSTOCK_LOG_LEVEL=warn  # file\n",
        "PENSTOCK_MAX_BODY_BYTES=4194304  # default\n",
        "PENSTOCK_SECRET_KEY=  # not set\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        if (strstr(buf_text(&buf), lines[i]) == NULL) {
            fail_msg("%s missing in:\n%s", lines[i], buf_text(&buf));
        }
    }
    assert_null(strstr(buf_text(&buf), "pw@h"));
    assert_null(strstr(buf_text(&buf), "PENSTOCK_LEASE_S"));
    struct buf small;
    buf_init(&small, 40);
    assert_int_equal(config_print(config, &small), ST_TOO_LARGE);
    buf_done(&small);
    file_remove(path);
    free(setting);
}

static void the_table_for_people_has_every_setting(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf buf;
    buf_init(&buf, 100000);
    assert_int_equal(config_markdown(&buf), ST_OK);
    for (int i = 0; i < CONFIG_COUNT; i++) {
        char cell[128];
        (void)snprintf(cell, sizeof(cell), "\n| `%s` | ", config_name((enum config_id)i));
        assert_non_null(strstr(buf_text(&buf), cell));
    }
    assert_non_null(strstr(buf_text(&buf), "| `PENSTOCK_LEASE_S` | `15` | worker |"));
    assert_non_null(strstr(buf_text(&buf), " 2–3600 s. |"));
    assert_non_null(strstr(buf_text(&buf), "`error`, `warn`, `info`, `debug`. |"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_fill_what_is_not_given),
        cmocka_unit_test(a_worker_has_settings_of_its_own),
        cmocka_unit_test(the_environment_wins_over_the_file),
        cmocka_unit_test(a_value_may_lie_in_a_file_of_its_own),
        cmocka_unit_test(bad_values_are_refused_by_name_and_range),
        cmocka_unit_test(limits_themselves_are_taken),
        cmocka_unit_test(unknown_names_warn_or_are_refused),
        cmocka_unit_test(broken_files_are_refused_by_line),
        cmocka_unit_test(printed_settings_show_origin_and_hide_secrets),
        cmocka_unit_test(the_table_for_people_has_every_setting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
