/*
 * Signals are blocked here and read from a descriptor by this one thread; requests run on the HTTP
 * server's threads. SIGHUP starts a second server on the same listening socket with the new
 * certificate before the old one drains, so that no connection is refused.
 */
#include "api/serve.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/base/listen.h"
#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/pg/pg.h"

#include "api/background.h"
#include "api/certificate_watch.h"
#include "api/context.h"
#include "api/dispatch.h"
#include "api/event_copier.h"
#include "api/handlers/take_back.h"
#include "api/http/rate_limit.h"
#include "api/http/server.h"
#include "api/http/stats.h"
#include "api/routes.h"
#include "api/store_pool.h"

enum {
    DEFAULT_STORES = 8,
    DEFAULT_DATABASE_TIMEOUT_MS = 10000,
    DRAIN_TIMEOUT_MS = 20000,
    RETIRE_TIMEOUT_MS = 5000, /* idle connections to a replaced server end after this */
    PEM_MAX_BYTES = 1024 * 1024,
};

struct serve {
    const struct serve_options *options;
    struct api_context context;
    struct listener listener;
    struct server *server;
    struct background *background; /* NULL = none */
    char *cert_pem;                /* NULL = plain HTTP */
    char *key_pem;
};

/* A whole text file. ret_text: owned. */
static enum status read_file(const char *path, char **ret_text, struct err *err)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return err_errno(err, ST_INVALID, errno, "cannot open %s", path);
    }
    char *text = calloc(1, PEM_MAX_BYTES + 1);
    size_t len = text == NULL ? 0 : fread(text, 1, PEM_MAX_BYTES, file);
    bool is_whole = text != NULL && feof(file) != 0 && len > 0;
    (void)fclose(file); /* only read */
    if (!is_whole) {
        free(text);
        return err_set(
            err, ST_INVALID, "%s: empty, unreadable or larger than %d bytes", path, PEM_MAX_BYTES);
    }
    *ret_text = text;
    return ST_OK;
}

static void wipe_pem(char *pem)
{
    if (pem != NULL) {
        secret_wipe(pem, strlen(pem));
    }
    free(pem);
}

static bool has_tls(const struct serve_options *options)
{
    return options->tls_cert_file != NULL && options->tls_cert_file[0] != '\0';
}

/* Start a server with the certificate files as they are now; on success it replaces what is in
 * serve. */
static enum status start_server(struct serve *serve, struct err *err)
{
    char *cert_pem = NULL;
    char *key_pem = NULL;
    enum status status = ST_OK;
    if (has_tls(serve->options)) {
        status = read_file(serve->options->tls_cert_file, &cert_pem, err);
        if (status == ST_OK) {
            status = read_file(serve->options->tls_key_file, &key_pem, err);
        }
    }
    struct server_options options = {
        .listen_fd = serve->listener.fd,
        .cert_pem = cert_pem,
        .key_pem = key_pem,
        .connections_max = serve->options->connections_max,
        .max_body_bytes = serve->options->max_body_bytes,
        .trusts_proxy = serve->options->trusts_proxy,
        .handle = dispatch,
        .context = &serve->context,
    };
    struct server *server = NULL;
    if (status == ST_OK) {
        status = server_open(&options, &server, err);
    }
    if (status != ST_OK) {
        free(cert_pem);
        wipe_pem(key_pem);
        return status;
    }
    struct server *old = serve->server;
    char *old_cert = serve->cert_pem;
    char *old_key = serve->key_pem;
    serve->server = server;
    serve->cert_pem = cert_pem;
    serve->key_pem = key_pem;
    if (old != NULL) {
        server_retire(old, RETIRE_TIMEOUT_MS);
        server_drain(old, DRAIN_TIMEOUT_MS);
        server_close(old);
    }
    free(old_cert);
    wipe_pem(old_key);
    return ST_OK;
}

static enum status check_files(const struct serve_options *options, struct err *err)
{
    bool has_key = options->tls_key_file != NULL && options->tls_key_file[0] != '\0';
    if (has_tls(options) != has_key) {
        return err_set(
            err, ST_INVALID, "PENSTOCK_TLS_CERT_FILE and PENSTOCK_TLS_KEY_FILE go together");
    }
    const char *const paths[] = {options->tls_cert_file, options->tls_key_file};
    for (size_t i = 0; has_key && i < ARRAY_LEN(paths); i++) {
        char *pem = NULL;
        enum status status = read_file(paths[i], &pem, err);
        if (status != ST_OK) {
            return status;
        }
        wipe_pem(pem);
    }
    return ST_OK;
}

enum status serve_check(const struct serve_options *options, struct err *err)
{
    bool is_loopback = false;
    enum status status = check_files(options, err);
    if (status == ST_OK) {
        status = listen_check(options->listen, &is_loopback, err);
    }
    if (status == ST_OK && !has_tls(options) && !options->allow_plain_http && !is_loopback) {
        return err_set(
            err, ST_INVALID,
            "plain HTTP on %s would send keys and passwords in clear: set PENSTOCK_TLS_CERT_FILE "
            "and PENSTOCK_TLS_KEY_FILE, or PENSTOCK_ALLOW_PLAIN_HTTP=1 behind a proxy that ends "
            "TLS",
            options->listen);
    }
    return status == ST_OK ? pg_url_check(options->database_url, err) : status;
}

static enum status open_all(struct serve *serve, struct err *err)
{
    const struct serve_options *options = serve->options;
    enum status status = serve_check(options, err);
    if (status == ST_OK) {
        status = listen_open(options->listen, &serve->listener, err);
    }
    if (status != ST_OK) {
        return status;
    }
    serve->context.routes = &api_routes;
    serve->context.stats = request_stats_new(&api_routes);
    if (serve->context.stats == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for the request counters");
    }
    if (options->rate_limit_requests > 0) {
        serve->context.rate_limit =
            rate_limit_new(options->rate_limit_requests, options->rate_limit_window_s);
        if (serve->context.rate_limit == NULL) {
            return err_set(err, ST_NO_MEMORY, "no memory for the rate limit");
        }
    }
    const struct store_pool_options pool = {
        .database_url = options->database_url,
        .keys = options->keys,
        .stores_max = options->stores_max == 0 ? DEFAULT_STORES : options->stores_max,
        .timeout_ms = options->database_timeout_ms == 0 ? DEFAULT_DATABASE_TIMEOUT_MS
                                                        : options->database_timeout_ms,
    };
    status = store_pool_new(&pool, &serve->context.stores, err);
    if (status == ST_OK) {
        static background_chore *const chores[] = {
            take_back_next, certificate_watch_next, event_copier_next};
        status = background_start(
            serve->context.stores, chores, ARRAY_LEN(chores) - (options->copies_events ? 0 : 1),
            &serve->background, err);
    }
    return status == ST_OK ? start_server(serve, err) : status;
}

static void close_all(struct serve *serve)
{
    background_stop(serve->background);
    if (serve->server != NULL) {
        server_drain(serve->server, DRAIN_TIMEOUT_MS);
        server_close(serve->server);
    }
    listen_close(&serve->listener);
    store_pool_free(serve->context.stores);
    request_stats_free(serve->context.stats);
    rate_limit_free(serve->context.rate_limit);
    free(serve->cert_pem);
    wipe_pem(serve->key_pem);
}

static void reload(struct serve *serve)
{
    struct err err = {.status = ST_OK};
    if (serve->options->reload != NULL) {
        serve->options->reload(serve->options->reload_context);
    }
    if (has_tls(serve->options) && start_server(serve, &err) != ST_OK) {
        log_err(
            LOG_ERROR, "certificate_not_reloaded", &err, "file=%s", serve->options->tls_cert_file);
        return;
    }
    log_event(LOG_INFO, "settings_reloaded", "address=%s", serve->listener.address);
}

/* Read signals until one says to end. */
static enum status wait_for_end(struct serve *serve, int signal_fd, struct err *err)
{
    for (;;) {
        struct signalfd_siginfo info;
        ssize_t got = read(signal_fd, &info, sizeof(info));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got != (ssize_t)sizeof(info)) {
            return err_errno(err, ST_IO, errno, "read signals");
        }
        if (info.ssi_signo == SIGHUP) {
            reload(serve);
            continue;
        }
        log_event(LOG_INFO, "api_draining", "signal=%u", info.ssi_signo);
        return ST_OK;
    }
}

enum status serve_run(const struct serve_options *options, struct err *err)
{
    assert(options->listen != NULL && options->database_url != NULL);
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGHUP);
    sigset_t blocked = signals;
    (void)sigaddset(&blocked, SIGPIPE); /* a client that went away is an error of its write */
    (void)pthread_sigmask(SIG_BLOCK, &blocked, NULL);
    int signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
    if (signal_fd < 0) {
        return err_errno(err, ST_IO, errno, "signalfd");
    }
    struct serve serve = {.options = options, .listener = {.fd = -1}};
    enum status status = open_all(&serve, err);
    if (status == ST_OK) {
        log_event(
            LOG_INFO, "api_listening", "address=%s tls=%s version=%s", serve.listener.address,
            has_tls(options) ? "yes" : "no", PENSTOCK_VERSION);
        status = wait_for_end(&serve, signal_fd, err);
    }
    close_all(&serve);
    closep(&signal_fd);
    if (status == ST_OK) {
        log_event(LOG_INFO, "api_stopped", "code=0");
    }
    return status;
}

void serve_print_routes(FILE *file)
{
    for (size_t i = 0; i < api_routes.count; i++) {
        (void)fprintf(
            file, "%s %s\n", http_method_text(api_routes.routes[i].method),
            api_routes.routes[i].pattern); /* a full stdout shows in the reader */
    }
}
