/*
 * The development ClickHouse: libchdb behind an HTTP front, for tests and the demo. Reads options,
 * opens engine and HTTP server, waits for SIGTERM or SIGINT, closes both. A second signal, or a
 * request that does not end within STOP_MS, ends the process at once: acknowledged inserts are on
 * disk by then.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/base/log.h"

#include "demo/clickhouse/http_server.h"
#include "demo/support/atomic_file.h"
#include "demo/support/child.h"

enum {
    EXIT_USAGE = 2,
    EXIT_MISSING = 3,
    STOP_MS = 10000,
    PASSWORD_MAX_BYTES = 1024,
};

struct options {
    struct engine_options engine;
    const char *listen;
    const char *port_file;
    const char *user;
    const char *password;
    const char *password_file;
    bool dies_with_parent;
};

static const char usage[] =
    "Usage: penstock-dev-clickhouse --library PATH --data DIR [options]\n"
    "A ClickHouse for development: libchdb behind HTTP, on a loopback address only.\n"
    "\n"
    "  --library PATH        libchdb.so (demo/clickhouse/fetch-libchdb prints it)\n"
    "  --data DIR            where tables live; put it on tmpfs if they may be lost\n"
    "  --listen ADDRESS      127.0.0.1:PORT or [::1]:PORT; port 0: any (default 127.0.0.1:0)\n"
    "  --port-file FILE      written when ready: the port\n"
    "  --user NAME           the only user (default: default, without a password)\n"
    "  --password-file FILE  its password; --password TEXT shows it to everybody on the machine\n"
    "  --config-file FILE    ClickHouse's XML configuration, handed to the engine\n"
    "  --die-with-parent     end when the process that started this one ends\n"
    "\n"
    "PENSTOCK_LOG_LEVEL is error, warn, info or debug.\n";

enum option_id {
    OPTION_LIBRARY = 1,
    OPTION_DATA,
    OPTION_LISTEN,
    OPTION_PORT_FILE,
    OPTION_USER,
    OPTION_PASSWORD,
    OPTION_PASSWORD_FILE,
    OPTION_CONFIG_FILE,
    OPTION_DIE_WITH_PARENT,
    OPTION_HELP,
};

static const struct option long_options[] = {
    {"library", required_argument, NULL, OPTION_LIBRARY},
    {"data", required_argument, NULL, OPTION_DATA},
    {"listen", required_argument, NULL, OPTION_LISTEN},
    {"port-file", required_argument, NULL, OPTION_PORT_FILE},
    {"user", required_argument, NULL, OPTION_USER},
    {"password", required_argument, NULL, OPTION_PASSWORD},
    {"password-file", required_argument, NULL, OPTION_PASSWORD_FILE},
    {"config-file", required_argument, NULL, OPTION_CONFIG_FILE},
    {"die-with-parent", no_argument, NULL, OPTION_DIE_WITH_PARENT},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static void set_option(struct options *options, enum option_id id)
{
    switch (id) {
    case OPTION_LIBRARY:
        options->engine.library = optarg;
        break;
    case OPTION_DATA:
        options->engine.directory = optarg;
        break;
    case OPTION_LISTEN:
        options->listen = optarg;
        break;
    case OPTION_PORT_FILE:
        options->port_file = optarg;
        break;
    case OPTION_USER:
        options->user = optarg;
        break;
    case OPTION_PASSWORD:
        options->password = optarg;
        break;
    case OPTION_PASSWORD_FILE:
        options->password_file = optarg;
        break;
    case OPTION_CONFIG_FILE:
        options->engine.config_file = optarg;
        break;
    case OPTION_DIE_WITH_PARENT:
        options->dies_with_parent = true;
        break;
    case OPTION_HELP:
        break;
    }
}

enum {
    GO_ON = -1
};

/* GO_ON, or the code to exit with. */
static int read_options(int argc, char **argv, struct options *ret_options)
{
    int id = 0;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread yet */
    while ((id = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (id == '?') {
            return EXIT_USAGE;
        }
        if (id == OPTION_HELP) {
            (void)fputs(usage, stdout); /* nobody to tell */
            return EXIT_SUCCESS;
        }
        set_option(ret_options, (enum option_id)id);
    }
    if (optind != argc || ret_options->engine.library == NULL ||
        ret_options->engine.directory == NULL) {
        (void)fputs(usage, stderr); /* nobody to tell */
        return EXIT_USAGE;
    }
    return GO_ON;
}

/* The first line of the password file, or the option's text. */
static enum status
read_password(const struct options *options, struct secret *ret_password, struct err *err)
{
    if (options->password != NULL) {
        return secret_set(ret_password, options->password, strlen(options->password));
    }
    if (options->password_file == NULL) {
        return ST_OK;
    }
    char line[PASSWORD_MAX_BYTES] = "";
    FILE *file = fopen(options->password_file, "re");
    if (file == NULL) {
        return err_errno(err, ST_IO, errno, "cannot read %s", options->password_file);
    }
    if (fgets(line, sizeof(line), file) == NULL) {
        line[0] = 0;
    }
    (void)fclose(file); /* only read */
    enum status st = secret_set(ret_password, line, strcspn(line, "\r\n"));
    secret_wipe(line, sizeof(line));
    return st;
}

/* stdin is empty: the engine reads what waits there as inserted data. stdout is for nobody. */
static enum status prepare_process(const struct options *options, int *ret_signals, struct err *err)
{
    enum status st = options->dies_with_parent ? child_die_with_parent(err) : ST_OK;
    if (st != ST_OK) {
        return st;
    }
    CLEANUP(closep) int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
        return err_errno(err, ST_IO, errno, "cannot set up stdin and stdout");
    }
    return child_signals_open(ret_signals, err);
}

/* A name as seen from the engine's working directory, which is not ours. *ret_path: owned, free().
 */
static enum status make_absolute(const char *path, char **ret_path, struct err *err)
{
    CLEANUP(freep) char *here = realpath(".", NULL);
    if (here == NULL) {
        return err_errno(err, ST_IO, errno, "cannot find the working directory");
    }
    bool is_absolute = path[0] == '/';
    char *absolute = NULL;
    if (asprintf(&absolute, "%s%s%s", is_absolute ? "" : here, is_absolute ? "" : "/", path) < 0) {
        return err_set(err, ST_NO_MEMORY, "no memory for the path %s", path);
    }
    *ret_path = absolute;
    return ST_OK;
}

static enum status write_port_file(const char *path, uint16_t port, struct err *err)
{
    char text[16];
    (void)snprintf(text, sizeof(text), "%u\n", (unsigned)port);
    return path == NULL ? ST_OK : atomic_file_write(path, text, err);
}

/* False: nothing within timeout_ms (-1: no limit). */
static bool wait_for_signal(int signals, int timeout_ms)
{
    struct pollfd poll_fd = {.fd = signals, .events = POLLIN};
    int count = 0;
    do {
        count = poll(&poll_fd, 1, timeout_ms);
    } while (count < 0 && errno == EINTR);
    struct signalfd_siginfo info;
    ssize_t got = count > 0 ? read(signals, &info, sizeof(info)) : 0;
    return got == (ssize_t)sizeof(info);
}

/* Runs while the server stops: a second signal or the deadline ends the process. */
static void *watch_stop(void *signals)
{
    bool is_second = wait_for_signal(*(const int *)signals, STOP_MS);
    log_event(
        LOG_WARN, "stop_forced", "reason=\"%s\"",
        is_second ? "second signal" : "requests did not end");
    _exit(EXIT_FAILURE);
}

static void run(const struct http_server *http, const struct engine *engine, int *signals)
{
    log_event(
        LOG_INFO, "listening", "port=%u clickhouse=%s", (unsigned)http_server_port(http),
        engine_version(engine));
    (void)wait_for_signal(*signals, -1); /* whatever ends the wait ends the server */
    pthread_t watcher;
    if (pthread_create(&watcher, NULL, watch_stop, signals) != 0) {
        log_event(LOG_WARN, "stop_unwatched", "reason=\"no thread\"");
    }
}

static enum status serve(const struct options *options, int *signals, struct err *err)
{
    struct request_server server = {
        .auth = {.user = options->user == NULL ? "default" : options->user}};
    struct engine_options engine = options->engine;
    struct http_server *http = NULL;
    CLEANUP(freep) char *config_file = NULL;
    CLEANUP(freep) char *port_file = NULL;
    enum status st = read_password(options, &server.auth.password, err);
    if (st == ST_OK && engine.config_file != NULL) {
        st = make_absolute(engine.config_file, &config_file, err);
        engine.config_file = config_file;
    }
    if (st == ST_OK && options->port_file != NULL) {
        st = make_absolute(options->port_file, &port_file, err);
    }
    st = st == ST_OK ? engine_open(&engine, &server.engine, err) : st;
    st = st == ST_OK ? http_server_start(&server, options->listen, &http, err) : st;
    st = st == ST_OK ? write_port_file(port_file, http_server_port(http), err) : st;
    if (st == ST_OK) {
        run(http, server.engine, signals);
    }
    http_server_stop(http);
    engine_close(server.engine);
    secret_done(&server.auth.password);
    return st;
}

int main(int argc, char **argv)
{
    struct options options = {.listen = "127.0.0.1:0"};
    int code = read_options(argc, argv, &options);
    if (code != GO_ON) {
        return code;
    }
    enum log_level level = LOG_INFO;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread yet */
    const char *level_text = getenv("PENSTOCK_LOG_LEVEL");
    if (level_text != NULL && log_level_parse(level_text, &level) != ST_OK) {
        level = LOG_INFO;
    }
    log_init("penstock-dev-clickhouse", level, LOG_FORMAT_TEXT);
    struct err err = {.status = ST_OK};
    int signals = -1;
    enum status st = prepare_process(&options, &signals, &err);
    st = st == ST_OK ? serve(&options, &signals, &err) : st;
    if (st != ST_OK) {
        log_err(LOG_ERROR, "failed", &err, "data=%s", options.engine.directory);
    } else {
        log_event(LOG_INFO, "stopped", "data=%s", options.engine.directory);
    }
    /* Not exit: the engine's own exit handlers may crash (60 of 60 with an open connection). */
    _exit(st == ST_OK ? EXIT_SUCCESS : st == ST_NOT_FOUND ? EXIT_MISSING : EXIT_FAILURE);
}
