#ifndef API_SERVE_H
#define API_SERVE_H

/*
 * The api's serving life: pool of stores, HTTP server, signals, drain. main.c reads the settings,
 * loads the keys, migrates, and calls serve_run; everything else of the api hangs below it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/base/attr.h"
#include "common/base/err.h"

struct key_ring;

/* All texts are borrowed for the time of serve_run. */
struct serve_options {
    const char *listen;        /* PENSTOCK_LISTEN, e.g. "127.0.0.1:8088", "[::1]:0" */
    const char *tls_cert_file; /* NULL or "" = plain HTTP */
    const char *tls_key_file;
    bool allow_plain_http; /* plain HTTP on a non-loopback address is allowed */
    const char *database_url;
    const struct key_ring *keys; /* NULL = credentials cannot be stored */
    size_t max_body_bytes;
    unsigned connections_max;    /* each has a thread */
    int64_t rate_limit_requests; /* of one key in rate_limit_window_s; 0 = any number */
    int64_t rate_limit_window_s;
    bool trusts_proxy;       /* X-Forwarded-Proto and -Host are believed */
    bool copies_events;      /* into clickpipes_log */
    unsigned stores_max;     /* PostgreSQL connections, 0 = 8 */
    int database_timeout_ms; /* to connect and for a statement, 0 = 10000 */
    /* SIGHUP, beside reloading the certificates: re-read the log level. May be NULL. */
    void (*reload)(void *context);
    void *reload_context;
};

/*
 * Serve until SIGTERM or SIGINT, then let running requests end (at most 20 s). Blocks these signals
 * and SIGHUP in the calling thread; call it from the main thread before others exist. Logs
 * `api_listening address=…` with the bound port. ST_INVALID: a listen address or certificate that
 * cannot be used, or plain HTTP on a public address; ST_IO; ST_NO_MEMORY.
 */
enum status serve_run(const struct serve_options *options, struct err *err) MUST_CHECK;

/* What serve_run would refuse of these options without a port, a database or a certificate's
 * content: an address of no use, half of the TLS files or unreadable ones, plain HTTP on a public
 * address, a database URL of no form. ST_INVALID. */
enum status serve_check(const struct serve_options *options, struct err *err) MUST_CHECK;

/* One line per route, "METHOD /path", for the check against openapi/penstock.yaml
 * (`penstock-api --print-routes`). */
void serve_print_routes(FILE *file);

#endif
