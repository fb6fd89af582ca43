/* penstock-api: reads the command line and the settings, then runs one command. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/config/config.h"

#include "api/cli.h"
#include "api/cli_run.h"
#include "api/serve.h"

enum {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_SERVICE = 3,
    OUTPUT_MAX_BYTES = 16 * 1024 * 1024,
};

static int exit_code(enum status status)
{
    if (status == ST_OK) {
        return EXIT_DONE;
    }
    if (status == ST_INVALID || status == ST_UNSUPPORTED) {
        return EXIT_USAGE;
    }
    return status == ST_UNAVAILABLE || status == ST_TIMEOUT ? EXIT_SERVICE : EXIT_FAILED;
}

/* Say it before the log has its settings. */
static int usage_fail(const struct err *err)
{
    (void)fprintf(stderr, "penstock-api: %s\n", err->text); /* stderr may be closed */
    return EXIT_USAGE;
}

static int output_write(const struct buf *output)
{
    const char *text = buf_text(output);
    char reason[128];
    if (fputs(text, stdout) < 0 || fflush(stdout) != 0) {
        (void)fprintf(
            stderr, "penstock-api: cannot write: %s\n", strerror_r(errno, reason, sizeof(reason)));
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

/* Modes that need no settings at all. */
static bool is_plain_mode(enum cli_mode mode)
{
    return mode == CLI_MODE_HELP || mode == CLI_MODE_VERSION || mode == CLI_MODE_PRINT_ROUTES ||
           mode == CLI_MODE_PRINT_CONFIG_MARKDOWN;
}

static int plain_print(enum cli_mode mode)
{
    CLEANUP(buf_done) struct buf output;
    buf_init(&output, OUTPUT_MAX_BYTES);
    enum status st = ST_OK;
    if (mode == CLI_MODE_PRINT_ROUTES) {
        serve_print_routes(stdout);
    } else if (mode == CLI_MODE_HELP) {
        st = buf_add_text(&output, cli_help());
    } else if (mode == CLI_MODE_VERSION) {
        st = buf_add_text(&output, "penstock-api " PENSTOCK_VERSION "\n");
    } else {
        st = config_markdown(&output);
    }
    return st == ST_OK ? output_write(&output) : EXIT_FAILED;
}

static void log_start(const struct config *config)
{
    bool is_terminal = isatty(STDERR_FILENO) == 1;
    log_init("penstock-api", config_log_level(config), config_log_format(config, is_terminal));
    for (size_t i = 0; i < config_warnings_count(config); i++) {
        log_event(LOG_WARN, "setting_unknown", "what=\"%s\"", config_warning(config, i));
    }
}

static int command_run(const struct cli *cli, const struct config *config)
{
    struct err err = {.text = ""};
    CLEANUP(buf_done) struct buf output;
    buf_init(&output, OUTPUT_MAX_BYTES);
    enum status st = ST_OK;
    if (cli->mode == CLI_MODE_CHECK_CONFIG) {
        st = cli_check(config, &err);
    } else if (cli->mode == CLI_MODE_PRINT_CONFIG) {
        st = config_print(config, &output);
    } else {
        st = cli_run(cli, config, &output, &err);
    }
    if (st != ST_OK) {
        log_err(LOG_ERROR, "failed", &err, "%s", "");
        return exit_code(st);
    }
    return output_write(&output);
}

int main(int argc, char **argv)
{
    /* A client that goes away is an error of its write, not the end of the program. */
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ignore, NULL); /* cannot fail for this signal */
    struct cli cli;
    struct err err = {.text = ""};
    if (cli_parse(argc, (const char *const *)argv, &cli, &err) != ST_OK) {
        (void)fprintf(stderr, "penstock-api: %s; see --help\n", err.text);
        return EXIT_USAGE;
    }
    if (is_plain_mode(cli.mode)) {
        return plain_print(cli.mode);
    }
    CLEANUP(config_freep) struct config *config = NULL;
    if (config_load(CONFIG_PROGRAM_API, cli.config_path, environ, &config, &err) != ST_OK) {
        return usage_fail(&err);
    }
    log_start(config);
    return command_run(&cli, config);
}
