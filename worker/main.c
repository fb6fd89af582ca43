/*
 * penstock-worker: the supervisor by default; with --replica or --probe one of its children, which
 * it starts by executing itself. Reads arguments and settings, sets up the log, hands over, and
 * turns the outcome into an exit code.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/base/listen.h"
#include "common/base/log.h"
#include "common/config/config.h"
#include "common/pg/pg.h"
#include "common/store/store.h"

#include "worker/probe/probe.h"
#include "worker/replica/replica.h"
#include "worker/supervisor/environment.h"
#include "worker/supervisor/supervisor.h"

enum {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_SERVICE = 3,
    HOST_ID_BYTES = 256,
    PRINT_MAX_BYTES = 1024 * 1024,
};

enum command {
    COMMAND_RUN,
    COMMAND_REPLICA,
    COMMAND_PROBE,
    COMMAND_HELP,
    COMMAND_VERSION,
    COMMAND_CHECK_CONFIG,
    COMMAND_PRINT_CONFIG,
};

struct arguments {
    enum command command;
    const char *config_path; /* NULL = none */
};

static const char help_text[] =
    "Usage: penstock-worker [run] [--config FILE]\n"
    "       penstock-worker --check-config | --print-config [--config FILE]\n"
    "       penstock-worker --help | --version\n"
    "\n"
    "Runs the replicas of pipes that PostgreSQL wants, one process each.\n"
    "SIGTERM drains them and ends; a second SIGTERM kills them; SIGHUP reads the log level again.\n"
    "\n"
    "  --config FILE    settings as NAME=value lines; the environment wins\n"
    "  --check-config   check the settings and end\n"
    "  --print-config   print the settings with their origin, secrets masked\n"
    "\n"
    "Settings: PENSTOCK_DATABASE_URL and others, see --print-config and the README.\n"
    "Exit codes: 0 done, 1 failed, 2 usage or settings, 3 a service it needs is missing.\n";

/* The command an argument stands for; false if it stands for none. */
static bool command_parse(const char *argument, enum command *ret_command)
{
    static const struct {
        const char *text;
        enum command command;
    } table[] = {
        {"run", COMMAND_RUN},
        {"--probe", COMMAND_PROBE},
        {"--help", COMMAND_HELP},
        {"-h", COMMAND_HELP},
        {"--version", COMMAND_VERSION},
        {"--check-config", COMMAND_CHECK_CONFIG},
        {"--print-config", COMMAND_PRINT_CONFIG},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (strcmp(argument, table[i].text) == 0) {
            *ret_command = table[i].command;
            return true;
        }
    }
    return false;
}

static enum status
arguments_parse(int count, char *const *items, struct arguments *ret_arguments, struct err *err)
{
    struct arguments parsed = {.command = COMMAND_RUN};
    bool has_command = false;
    for (int i = 1; i < count; i++) {
        if (strcmp(items[i], "--config") == 0) {
            if (i + 1 == count) {
                return err_set(err, ST_INVALID, "--config needs a file");
            }
            parsed.config_path = items[++i];
        } else if (strncmp(items[i], "--config=", 9) == 0) {
            parsed.config_path = items[i] + 9;
        } else if (strcmp(items[i], "--replica") == 0 && i + 2 < count && !has_command) {
            /* Pipe and number are for people who look at the process list; the spec says it all. */
            parsed.command = COMMAND_REPLICA;
            has_command = true;
            i += 2;
        } else if (!has_command && command_parse(items[i], &parsed.command)) {
            has_command = true;
        } else {
            return err_set(err, ST_INVALID, "unexpected argument '%s'", items[i]);
        }
    }
    *ret_arguments = parsed;
    return ST_OK;
}

static enum status
keys_load(const struct config *config, struct key_ring **ret_keys, struct err *err)
{
    const struct secret *value = config_secret(config, CONFIG_SECRET_KEY);
    if (value->bytes != NULL) {
        enum status st = key_ring_parse(value->bytes, ret_keys, err);
        if (st != ST_OK) {
            (void)err_wrap(err, "%s", config_name(CONFIG_SECRET_KEY)); /* st is returned */
        }
        return st;
    }
    if (!config_is_set(config, CONFIG_SECRET_KEY_FILE)) {
        *ret_keys = NULL;
        return ST_OK;
    }
    enum status st = key_ring_load(config_text(config, CONFIG_SECRET_KEY_FILE), ret_keys, err);
    if (st != ST_OK) {
        (void)err_wrap(err, "%s", config_name(CONFIG_SECRET_KEY_FILE)); /* st is returned */
    }
    return st;
}

/* What SIGHUP needs to read the settings again. */
struct reload_context {
    const char *config_path;
};

static void reload(void *context)
{
    const struct reload_context *c = context;
    CLEANUP(config_freep) struct config *config = NULL;
    struct err err = {.status = ST_OK};
    if (config_load(CONFIG_PROGRAM_WORKER, c->config_path, environ, &config, &err) != ST_OK) {
        log_err(LOG_ERROR, "settings_refused", &err, "kept=old");
        return;
    }
    log_set_level(config_log_level(config));
}

static const char *log_level_word(const struct config *config)
{
    return config_text(config, CONFIG_LOG_LEVEL);
}

static const char *log_format_word(enum log_format format)
{
    switch (format) {
    case LOG_FORMAT_TEXT:
        return "text";
    case LOG_FORMAT_JSON:
        return "json";
    }
    return "text";
}

static void log_start(const struct config *config)
{
    log_init(
        "penstock-worker", config_log_level(config),
        config_log_format(config, isatty(STDERR_FILENO) == 1));
    for (size_t i = 0; i < config_warnings_count(config); i++) {
        log_event(LOG_WARN, "setting_unknown", "what=\"%s\"", config_warning(config, i));
    }
}

/* The host's name in leases. */
static enum status
host_id(const struct config *config, char ret_text[HOST_ID_BYTES], struct err *err)
{
    const char *given = config_text(config, CONFIG_HOST_ID);
    if (given[0] == '\0') {
        if (gethostname(ret_text, HOST_ID_BYTES) != 0) {
            return err_errno(err, ST_IO, errno, "the host has no name");
        }
        ret_text[HOST_ID_BYTES - 1] = '\0';
        return ST_OK;
    }
    int len = snprintf(ret_text, HOST_ID_BYTES, "%s", given);
    if (len < 0 || len >= HOST_ID_BYTES) {
        return err_set(
            err, ST_INVALID, "%s is longer than %d bytes", config_name(CONFIG_HOST_ID),
            HOST_ID_BYTES - 1);
    }
    return ST_OK;
}

static struct capacity capacity_read(const struct config *config)
{
    const struct capacity_setting setting = {
        .is_memory_set = config_is_set(config, CONFIG_WORKER_MEMORY_GB),
        .memory_gb = config_number(config, CONFIG_WORKER_MEMORY_GB),
        .is_cpu_set = config_is_set(config, CONFIG_WORKER_CPU_MILLICORES),
        .cpu_millicores = (int)config_int(config, CONFIG_WORKER_CPU_MILLICORES),
    };
    return capacity_of_host(&setting);
}

static struct limits_wanted limits_wanted(const struct config *config)
{
    const char *word = config_text(config, CONFIG_WORKER_LIMITS);
    return (struct limits_wanted){
        .has_memory = strcmp(word, "off") != 0, .has_cpu = strcmp(word, "all") == 0};
}

/* The database must answer well within a lease, or the children would miss their permission. */
static int database_timeout_ms(const struct config *config)
{
    int64_t timeout_ms = config_int(config, CONFIG_DATABASE_TIMEOUT_MS);
    int64_t bound_ms = config_int(config, CONFIG_LEASE_S) * 1000 / 3;
    bound_ms = bound_ms > 2000 ? 2000 : bound_ms;
    return (int)(timeout_ms < bound_ms ? timeout_ms : bound_ms);
}

static enum status
run(const struct arguments *arguments, const struct config *config, struct err *err)
{
    CLEANUP(key_ring_freep) struct key_ring *keys = NULL;
    enum status st = keys_load(config, &keys, err);
    if (st != ST_OK) {
        return st;
    }
    char host[HOST_ID_BYTES];
    st = host_id(config, host, err);
    if (st != ST_OK) {
        return st;
    }
    struct environment environment;
    const enum log_format format = config_log_format(config, isatty(STDERR_FILENO) == 1);
    st = environment_init(
        &environment, environ, log_level_word(config), log_format_word(format), err);
    if (st != ST_OK) {
        return st;
    }
    /* libpq looks names up without a limit of its own: a name server that does not answer would
     * hold the loop for 10 s and more (resolv.conf(5): 5 s, twice). Children keep their own
     * settings. */
    // Fails for want of memory only. NOLINTNEXTLINE(concurrency-mt-unsafe): no thread runs yet
    (void)setenv("RES_OPTIONS", "timeout:1 attempts:1", 0);
    struct reload_context context = {.config_path = arguments->config_path};
    const struct supervisor_options options = {
        .database_url = config_secret(config, CONFIG_DATABASE_URL)->bytes,
        .keys = keys,
        .database_timeout_ms = database_timeout_ms(config),
        .lease_s = (int)config_int(config, CONFIG_LEASE_S),
        .host_id = host,
        .version = PENSTOCK_VERSION,
        .capacity = capacity_read(config),
        .limits = limits_wanted(config),
        .metrics_listen = config_text(config, CONFIG_WORKER_METRICS_LISTEN),
        .environment = environment.items,
        .reload = reload,
        .reload_context = &context,
    };
    st = supervisor_run(&options, err);
    environment_done(&environment);
    return st;
}

/* Pipe ids and topics are nobody's business outside: other addresses than loopback want a word. */
static enum status check_metrics_listen(const struct config *config, struct err *err)
{
    if (!config_is_set(config, CONFIG_WORKER_METRICS_LISTEN)) {
        return ST_OK;
    }
    const char *name = config_name(CONFIG_WORKER_METRICS_LISTEN);
    bool is_loopback = false;
    enum status st =
        listen_check(config_text(config, CONFIG_WORKER_METRICS_LISTEN), &is_loopback, err);
    if (st != ST_OK) {
        (void)err_wrap(err, "%s", name); /* st is returned */
        return st;
    }
    if (!is_loopback && !config_bool(config, CONFIG_ALLOW_PLAIN_HTTP)) {
        return err_set(
            err, ST_INVALID,
            "%s is not a loopback address: set PENSTOCK_ALLOW_PLAIN_HTTP=1 if "
            "whoever reaches it may see pipes and topics",
            name);
    }
    return ST_OK;
}

static enum status check(const struct config *config, struct err *err)
{
    CLEANUP(key_ring_freep) struct key_ring *keys = NULL;
    enum status st = check_metrics_listen(config, err);
    if (st == ST_OK) {
        st = config_require(config, CONFIG_DATABASE_URL, err);
    }
    if (st == ST_OK) {
        st = pg_url_check(config_secret(config, CONFIG_DATABASE_URL)->bytes, err);
    }
    return st == ST_OK ? keys_load(config, &keys, err) : st;
}

static enum status print(const struct config *config, struct err *err)
{
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, PRINT_MAX_BYTES);
    enum status st = config_print(config, &text);
    if (st != ST_OK) {
        return err_set(err, st, "no room for the settings");
    }
    if (fputs(buf_text(&text), stdout) == EOF || fflush(stdout) != 0) {
        return err_errno(err, ST_IO, errno, "cannot print");
    }
    return ST_OK;
}

/* A child of the supervisor: its settings come in its spec; only the log is set up here. */
static int run_child(enum command command)
{
    CLEANUP(config_freep) struct config *config = NULL;
    struct err err = {.status = ST_OK};
    if (config_load(CONFIG_PROGRAM_WORKER, NULL, environ, &config, &err) != ST_OK) {
        log_err(LOG_ERROR, "settings_refused", &err, "child=1");
        return EXIT_USAGE;
    }
    log_start(config);
    /* Not exit(): threads of the Kafka library still run (worker/replica/replica.h). */
    _exit(command == COMMAND_REPLICA ? replica_main() : probe_main());
}

static int exit_code(enum status status)
{
    switch (status) {
    case ST_OK:
        return EXIT_DONE;
    case ST_INVALID:
    case ST_NOT_FOUND: /* a file of the settings */
        return EXIT_USAGE;
    case ST_UNAVAILABLE:
    case ST_TIMEOUT:
        return EXIT_SERVICE;
    case ST_UNAUTHORIZED:
    case ST_FORBIDDEN:
    case ST_METHOD:
    case ST_CONFLICT:
    case ST_TOO_LARGE:
    case ST_RATE_LIMITED:
    case ST_INTERNAL:
    case ST_NO_MEMORY:
    case ST_IO:
    case ST_UNSUPPORTED:
    case ST_REJECTED:
    case ST_STOP:
    case ST_FENCED:
    case ST_CANCELLED:
    case ST_NO_WORKER:
        return EXIT_FAILED;
    }
    return EXIT_FAILED;
}

/* The commands that need the settings. */
static int run_with_settings(const struct arguments *arguments)
{
    CLEANUP(config_freep) struct config *config = NULL;
    struct err err = {.status = ST_OK};
    enum status st =
        config_load(CONFIG_PROGRAM_WORKER, arguments->config_path, environ, &config, &err);
    if (st == ST_OK) {
        log_start(config);
        st = arguments->command == COMMAND_PRINT_CONFIG ? print(config, &err) : check(config, &err);
    }
    if (st == ST_OK && arguments->command == COMMAND_RUN) {
        st = run(arguments, config, &err);
    }
    if (st != ST_OK) {
        log_err(LOG_ERROR, "worker_failed", &err, "code=%d", exit_code(st));
    }
    return exit_code(st);
}

int main(int argc, char **argv)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ignore, NULL); /* valid signal; a broken pipe is an error of write */
    (void)prctl(PR_SET_NAME, "penstock-worker"); /* executed as /proc/self/exe it would be "exe" */
    log_init("penstock-worker", LOG_INFO, LOG_FORMAT_TEXT);
    struct arguments arguments = {.command = COMMAND_RUN};
    struct err err = {.status = ST_OK};
    if (arguments_parse(argc, argv, &arguments, &err) != ST_OK) {
        (void)fprintf(stderr, "penstock-worker: %s; see --help\n", err.text); /* last words */
        return EXIT_USAGE;
    }
    switch (arguments.command) {
    case COMMAND_HELP:
        return fputs(help_text, stdout) == EOF ? EXIT_FAILED : EXIT_DONE;
    case COMMAND_VERSION:
        return puts("penstock-worker " PENSTOCK_VERSION) == EOF ? EXIT_FAILED : EXIT_DONE;
    case COMMAND_REPLICA:
    case COMMAND_PROBE:
        return run_child(arguments.command);
    case COMMAND_RUN:
    case COMMAND_CHECK_CONFIG:
    case COMMAND_PRINT_CONFIG:
        return run_with_settings(&arguments);
    }
    return EXIT_USAGE;
}
