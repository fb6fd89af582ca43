#ifndef API_CLI_H
#define API_CLI_H

/* The command line of penstock-api: what was asked for. Pure; api/cli_run.h does it. */

#include <stdbool.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/store/services.h"

enum cli_command {
    CLI_SERVE,
    CLI_MIGRATE,
    CLI_BOOTSTRAP,
    CLI_KEY_CREATE,
    CLI_KEY_LIST,
    CLI_KEY_REVOKE,
    CLI_SECRETS_ROTATE,
};

/* What to do with the settings instead of running the command. */
enum cli_mode {
    CLI_MODE_RUN,
    CLI_MODE_HELP,
    CLI_MODE_VERSION,
    CLI_MODE_CHECK_CONFIG,
    CLI_MODE_PRINT_CONFIG,
    CLI_MODE_PRINT_CONFIG_MARKDOWN, /* hidden: the README's table, for its test */
    CLI_MODE_PRINT_ROUTES,          /* hidden: for the test of openapi/penstock.yaml */
};

/* All texts are borrowed from argv; NULL = not given. */
struct cli {
    enum cli_mode mode;
    enum cli_command command;
    const char *config_path;
    const char *organization; /* bootstrap --organization */
    bool wants_new_key;       /* bootstrap --new-key */
    const char *key_name;     /* key create --name */
    enum api_role key_role;   /* key create --role */
    const char *key_id;       /* key revoke ID */
};

/* Read the command line. ST_INVALID with what is wrong with it. */
enum status
cli_parse(int argc, const char *const *argv, struct cli *ret_cli, struct err *err) MUST_CHECK;

/* What --help prints. Static memory. */
const char *cli_help(void);

#endif
