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
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/base/log.h"

#include "demo/clickhouse/http_server.h"

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
    pid_t parent = getppid();
    if (options->dies_with_parent && prctl(PR_SET_PDEATHSIG, SIGTERM) != 0) {
        return err_errno(err, ST_IO, errno, "cannot ask for a signal at the parent's end");
    }
    if (options->dies_with_parent && getppid() != parent) {
        return err_set(err, ST_CANCELLED, "the parent process ended");
    }
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
        return err_errno(err, ST_IO, errno, "cannot set up stdin and stdout");
    }
    (void)close(nothing); /* a copy of it is stdin */
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t set;
    (void)sigemptyset(&set);        /* cannot fail */
    (void)sigaddset(&set, SIGTERM); /* cannot fail */
    (void)sigaddset(&set, SIGINT);  /* cannot fail */
    int code = pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (code != 0 || sigaction(SIGPIPE, &ignore, NULL) != 0) {
        return err_errno(err, ST_IO, code != 0 ? code : errno, "cannot set up signals");
    }
    *ret_signals = signalfd(-1, &set, SFD_CLOEXEC);
    if (*ret_signals < 0) {
        return err_errno(err, ST_IO, errno, "cannot set up signals");
    }
    return ST_OK;
}

/* A relative name is meant from where the program was started, not from the engine's directory. */
static enum status
write_port_file(int start_directory, const char *path, uint16_t port, struct err *err)
{
    char fresh[4096];
    if (path == NULL) {
        return ST_OK;
    }
    if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh)) {
        return err_set(err, ST_INVALID, "the path of the port file is too long");
    }
    int fd = openat(start_directory, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        return err_errno(err, ST_IO, errno, "cannot write %s", fresh);
    }
    bool is_written = dprintf(fd, "%u\n", (unsigned)port) > 0;
    if (close(fd) != 0 || !is_written ||
        renameat(start_directory, fresh, start_directory, path) != 0) {
        return err_errno(err, ST_IO, errno, "cannot write %s", path);
    }
    return ST_OK;
}

static void wait_for_signal(int signals)
{
    struct signalfd_siginfo info;
    ssize_t got = 0;
    do {
        got = read(signals, &info, sizeof(info));
    } while (got < 0 && errno == EINTR);
}

/* Runs while the server stops: a second signal or the deadline ends the process. */
static void *watch_stop(void *signals)
{
    struct pollfd poll_fd = {.fd = *(const int *)signals, .events = POLLIN};
    while (poll(&poll_fd, 1, STOP_MS) < 0 && errno == EINTR) {
    }
    log_event(LOG_WARN, "stop_forced", "reason=\"requests did not end\"");
    _exit(EXIT_FAILURE);
}

static enum status serve(const struct options *options, int signals, struct err *err)
{
    struct request_server server = {
        .auth = {.user = options->user == NULL ? "default" : options->user}};
    struct http_server *http = NULL;
    int start_directory = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum status st = start_directory < 0
                         ? err_errno(err, ST_IO, errno, "cannot open the working directory")
                         : read_password(options, &server.auth.password, err);
    /* The engine goes to a directory of its own: the name must not depend on ours. */
    CLEANUP(freep) char *config_file = NULL;
    struct engine_options engine = options->engine;
    if (st == ST_OK && engine.config_file != NULL) {
        config_file = realpath(engine.config_file, NULL);
        st = config_file != NULL
                 ? ST_OK
                 : err_errno(err, ST_IO, errno, "cannot find %s", engine.config_file);
        engine.config_file = config_file;
    }
    st = st == ST_OK ? engine_open(&engine, &server.engine, err) : st;
    st = st == ST_OK ? http_server_start(&server, options->listen, &http, err) : st;
    if (st == ST_OK) {
        st = write_port_file(start_directory, options->port_file, http_server_port(http), err);
    }
    if (st == ST_OK) {
        log_event(
            LOG_INFO, "listening", "port=%u clickhouse=%s", (unsigned)http_server_port(http),
            engine_version(server.engine));
        wait_for_signal(signals);
        pthread_t watcher;
        if (pthread_create(&watcher, NULL, watch_stop, &signals) != 0) {
            log_event(LOG_WARN, "stop_unwatched", "reason=\"no thread\"");
        }
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
    st = st == ST_OK ? serve(&options, signals, &err) : st;
    if (st != ST_OK) {
        log_err(LOG_ERROR, "failed", &err, "data=%s", options.engine.directory);
    } else {
        log_event(LOG_INFO, "stopped", "data=%s", options.engine.directory);
    }
    /* Not exit: the engine's own exit handlers may crash (60 of 60 with an open connection). */
    _exit(st == ST_OK ? EXIT_SUCCESS : st == ST_NOT_FOUND ? EXIT_MISSING : EXIT_FAILURE);
}
