/* The command line: command words first, then options in any order. */
#include "api/cli.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

static const char help_text[] =
    "usage: penstock-api [COMMAND] [OPTIONS]\n"
    "\n"
    "commands\n"
    "  serve                           migrate if needed, then serve (the default)\n"
    "  migrate                         apply migrations and end\n"
    "  bootstrap [--organization NAME] [--new-key]\n"
    "                                  first organization and admin key, as one JSON line;\n"
    "                                  the secret is shown only when the key is made\n"
    "  key create --role admin|reader --name NAME\n"
    "                                  a new API key, as one JSON line\n"
    "  key list                        all keys, one JSON line each\n"
    "  key revoke ID                   refuse a key from now on\n"
    "  secrets rotate                  seal stored credentials anew with the newest key\n"
    "\n"
    "options\n"
    "  --config FILE                   settings as NAME=value lines; the environment wins\n"
    "  --check-config                  check the settings and end\n"
    "  --print-config                  print the settings with their origin and end\n"
    "  --version, --help\n"
    "\n"
    "exit codes: 0 done, 1 failed, 2 usage or settings, 3 a service it needs is missing\n";

const char *cli_help(void)
{
    return help_text;
}

struct command_words {
    const char *first;
    const char *second; /* NULL = one word */
    enum cli_command command;
};

static const struct command_words commands[] = {
    {"serve", NULL, CLI_SERVE},
    {"migrate", NULL, CLI_MIGRATE},
    {"bootstrap", NULL, CLI_BOOTSTRAP},
    {"key", "create", CLI_KEY_CREATE},
    {"key", "list", CLI_KEY_LIST},
    {"key", "revoke", CLI_KEY_REVOKE},
    {"secrets", "rotate", CLI_SECRETS_ROTATE},
};

static const struct {
    const char *name;
    enum cli_mode mode;
} modes[] = {
    {"--help", CLI_MODE_HELP},
    {"-h", CLI_MODE_HELP},
    {"--version", CLI_MODE_VERSION},
    {"--check-config", CLI_MODE_CHECK_CONFIG},
    {"--print-config", CLI_MODE_PRINT_CONFIG},
    {"--print-config-markdown", CLI_MODE_PRINT_CONFIG_MARKDOWN},
    {"--print-routes", CLI_MODE_PRINT_ROUTES},
};

/* The arguments still to be read. */
struct words {
    const char *const *at;
    const char *const *end;
};

static const char *word_peek(const struct words *words)
{
    return words->at < words->end ? *words->at : NULL;
}

static const char *word_take(struct words *words)
{
    return words->at < words->end ? *words->at++ : NULL;
}

static enum status command_parse(struct words *words, struct cli *cli, struct err *err)
{
    const char *first = word_peek(words);
    if (first == NULL || first[0] == '-') {
        return ST_OK;
    }
    (void)word_take(words); /* it is first */
    bool has_first = false;
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(commands[i].first, first) != 0) {
            continue;
        }
        has_first = true;
        const char *second = word_peek(words);
        bool is_match = commands[i].second == NULL ||
                        (second != NULL && strcmp(commands[i].second, second) == 0);
        if (is_match) {
            words->at += commands[i].second == NULL ? 0 : 1;
            cli->command = commands[i].command;
            return ST_OK;
        }
    }
    const char *second = word_peek(words);
    if (has_first && second == NULL) {
        return err_set(err, ST_INVALID, "'%s' needs a second word", first);
    }
    return err_set(
        err, ST_INVALID, "unknown command '%s%s%s'", first, has_first ? " " : "",
        has_first ? second : "");
}

/* The value behind an option. */
static enum status
value_take(struct words *words, const char *option, const char **ret_value, struct err *err)
{
    const char *value = word_take(words);
    if (value == NULL || value[0] == '\0') {
        return err_set(err, ST_INVALID, "%s needs a value", option);
    }
    *ret_value = value;
    return ST_OK;
}

static enum status role_take(struct words *words, struct cli *cli, struct err *err)
{
    const char *role = NULL;
    enum status st = value_take(words, "--role", &role, err);
    if (st != ST_OK) {
        return st;
    }
    assert(role != NULL);
    if (strcmp(role, "admin") == 0) {
        cli->key_role = API_ROLE_ADMIN;
    } else if (strcmp(role, "reader") == 0) {
        cli->key_role = API_ROLE_READER;
    } else {
        return err_set(err, ST_INVALID, "--role: '%s' is neither admin nor reader", role);
    }
    return ST_OK;
}

/* Options that only one command has. */
static enum status
own_option_parse(const char *option, struct words *words, struct cli *cli, struct err *err)
{
    if (cli->command == CLI_BOOTSTRAP && strcmp(option, "--organization") == 0) {
        return value_take(words, option, &cli->organization, err);
    }
    if (cli->command == CLI_BOOTSTRAP && strcmp(option, "--new-key") == 0) {
        cli->wants_new_key = true;
        return ST_OK;
    }
    if (cli->command == CLI_KEY_CREATE && strcmp(option, "--name") == 0) {
        return value_take(words, option, &cli->key_name, err);
    }
    if (cli->command == CLI_KEY_CREATE && strcmp(option, "--role") == 0) {
        return role_take(words, cli, err);
    }
    if (cli->command == CLI_KEY_REVOKE && option[0] != '\0' && cli->key_id == NULL) {
        /* An id is random base64 and may begin with a dash. */
        cli->key_id = option;
        return ST_OK;
    }
    return err_set(err, ST_INVALID, "unexpected argument '%s'", option);
}

static enum status
option_parse(const char *option, struct words *words, struct cli *cli, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        if (strcmp(modes[i].name, option) == 0) {
            cli->mode = modes[i].mode;
            return ST_OK;
        }
    }
    if (strcmp(option, "--config") == 0) {
        return value_take(words, option, &cli->config_path, err);
    }
    return own_option_parse(option, words, cli, err);
}

/* What a command cannot do without. */
static enum status required_check(const struct cli *cli, bool has_role, struct err *err)
{
    if (cli->mode != CLI_MODE_RUN) {
        return ST_OK;
    }
    if (cli->command == CLI_KEY_CREATE && (cli->key_name == NULL || !has_role)) {
        return err_set(err, ST_INVALID, "key create needs --role and --name");
    }
    if (cli->command == CLI_KEY_REVOKE && cli->key_id == NULL) {
        return err_set(err, ST_INVALID, "key revoke needs the key's id");
    }
    return ST_OK;
}

enum status cli_parse(int argc, const char *const *argv, struct cli *ret_cli, struct err *err)
{
    assert(argc >= 1);
    struct words words = {.at = argv + 1, .end = argv + argc};
    struct cli cli = {.mode = CLI_MODE_RUN, .command = CLI_SERVE};
    bool has_role = false;
    enum status st = command_parse(&words, &cli, err);
    const char *option = word_take(&words);
    while (st == ST_OK && option != NULL) {
        has_role = has_role || strcmp(option, "--role") == 0;
        st = option_parse(option, &words, &cli, err);
        option = word_take(&words);
    }
    if (st == ST_OK) {
        st = required_check(&cli, has_role, err);
    }
    if (st == ST_OK) {
        *ret_cli = cli;
    }
    return st;
}
