/* The command line of penstock-api. */
#include <string.h>

#include "api/cli.h"
#include "tests/unit/unit.h"

enum {
    WORDS_MAX = 8
};

static int words_count(const char *const *words)
{
    int count = 0;
    while (count < WORDS_MAX && words[count] != NULL) {
        count++;
    }
    return count;
}

static void words_become_commands_and_modes(void **state)
{
    (void)state;
    static const struct {
        const char *words[WORDS_MAX];
        enum cli_command command;
        enum cli_mode mode;
    } cases[] = {
        {{"penstock-api"}, CLI_SERVE, CLI_MODE_RUN},
        {{"penstock-api", "serve"}, CLI_SERVE, CLI_MODE_RUN},
        {{"penstock-api", "migrate"}, CLI_MIGRATE, CLI_MODE_RUN},
        {{"penstock-api", "bootstrap"}, CLI_BOOTSTRAP, CLI_MODE_RUN},
        {{"penstock-api", "key", "list"}, CLI_KEY_LIST, CLI_MODE_RUN},
        {{"penstock-api", "key", "revoke", "x"}, CLI_KEY_REVOKE, CLI_MODE_RUN},
        {{"penstock-api", "secrets", "rotate"}, CLI_SECRETS_ROTATE, CLI_MODE_RUN},
        {{"penstock-api", "--check-config"}, CLI_SERVE, CLI_MODE_CHECK_CONFIG},
        {{"penstock-api", "serve", "--print-config"}, CLI_SERVE, CLI_MODE_PRINT_CONFIG},
        {{"penstock-api", "key", "create", "--help"}, CLI_KEY_CREATE, CLI_MODE_HELP},
        {{"penstock-api", "-h"}, CLI_SERVE, CLI_MODE_HELP},
        {{"penstock-api", "--version"}, CLI_SERVE, CLI_MODE_VERSION},
        {{"penstock-api", "--print-config-markdown"}, CLI_SERVE, CLI_MODE_PRINT_CONFIG_MARKDOWN},
        {{"penstock-api", "--print-routes"}, CLI_SERVE, CLI_MODE_PRINT_ROUTES},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct cli cli;
        struct err err = {.text = ""};
        assert_int_equal(cli_parse(words_count(cases[i].words), cases[i].words, &cli, &err), ST_OK);
        assert_int_equal(cli.command, cases[i].command);
        assert_int_equal(cli.mode, cases[i].mode);
    }
}

static void options_reach_their_command(void **state)
{
    (void)state;
    struct cli cli;
    struct err err = {.text = ""};
    const char *bootstrap[] = {"p",    "bootstrap", "--new-key",    "--organization",
                               "acme", "--config",  "/etc/penstock"};
    assert_int_equal(cli_parse(7, bootstrap, &cli, &err), ST_OK);
    assert_true(cli.wants_new_key);
    assert_string_equal(cli.organization, "acme");
    assert_string_equal(cli.config_path, "/etc/penstock");
    const char *create[] = {"p", "key", "create", "--name", "ci", "--role", "admin"};
    assert_int_equal(cli_parse(7, create, &cli, &err), ST_OK);
    assert_string_equal(cli.key_name, "ci");
    assert_int_equal(cli.key_role, API_ROLE_ADMIN);
    create[6] = "reader";
    assert_int_equal(cli_parse(7, create, &cli, &err), ST_OK);
    assert_int_equal(cli.key_role, API_ROLE_READER);
    /* A key's id may begin with a dash. */
    const char *revoke[] = {"p", "key", "revoke", "-aB_c"};
    assert_int_equal(cli_parse(4, revoke, &cli, &err), ST_OK);
    assert_string_equal(cli.key_id, "-aB_c");
    assert_null(cli.config_path);
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *words[WORDS_MAX];
        const char *text;
    } cases[] = {
        {{"p", "nonsense"}, "unknown command 'nonsense'"},
        {{"p", "key", "nonsense"}, "unknown command 'key nonsense'"},
        {{"p", "key"}, "'key' needs a second word"},
        {{"p", "secrets"}, "'secrets' needs a second word"},
        {{"p", "serve", "extra"}, "unexpected argument 'extra'"},
        {{"p", "--unknown"}, "unexpected argument '--unknown'"},
        {{"p", "migrate", "--new-key"}, "unexpected argument '--new-key'"},
        {{"p", "--config"}, "--config needs a value"},
        {{"p", "--config", ""}, "--config needs a value"},
        {{"p", "bootstrap", "--organization"}, "--organization needs a value"},
        {{"p", "key", "create", "--name", "x"}, "key create needs --role and --name"},
        {{"p", "key", "create", "--role", "admin"}, "key create needs --role and --name"},
        {{"p", "key", "create", "--role", "god"}, "--role: 'god' is neither admin nor reader"},
        {{"p", "key", "revoke"}, "key revoke needs the key's id"},
        {{"p", "key", "revoke", "a", "b"}, "unexpected argument 'b'"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct cli cli = {.config_path = "untouched"};
        struct err err = {.text = ""};
        assert_int_equal(
            cli_parse(words_count(cases[i].words), cases[i].words, &cli, &err), ST_INVALID);
        assert_string_equal(err.text, cases[i].text);
        assert_string_equal(cli.config_path, "untouched");
    }
}

static void help_names_every_command(void **state)
{
    (void)state;
    static const char *const words[] = {
        "serve",          "migrate",  "bootstrap",      "key create",     "key list",  "key revoke",
        "secrets rotate", "--config", "--check-config", "--print-config", "--version", "--help"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        assert_non_null(strstr(cli_help(), words[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_become_commands_and_modes),
        cmocka_unit_test(options_reach_their_command),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(help_names_every_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
