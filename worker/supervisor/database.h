#ifndef WORKER_SUPERVISOR_DATABASE_H
#define WORKER_SUPERVISOR_DATABASE_H

/*
 * The supervisor's one connection to PostgreSQL, which may be away for any time: then it is tried
 * again with backoff while the children run on. Every statement is bounded, so a server that hangs
 * costs the loop one timeout per try and not more.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/backoff.h"
#include "common/base/err.h"
#include "common/store/store.h"

enum {
    DATABASE_RETRY_FIRST_MS = 500,
    DATABASE_RETRY_MAX_MS = 5000, /* the 5 s more than PENSTOCK_LEASE_S */
    DATABASE_STEPS = 4,           /* of connecting: open, check the schema, listen twice */
    DATABASE_COMPLAIN_MS = 30000, /* one line of log per time while it is away */
};

struct database {
    const char *url; /* borrowed */
    const struct key_ring *keys;
    int timeout_ms;
    struct store *store; /* owned; NULL before the first connection */
    bool is_up;
    int step; /* of connecting that comes next; 0 = the first */
    struct backoff backoff;
    int64_t retry_at_ms;
    int64_t complained_at_ms; /* −1 = not since it was up */
};

/* Not connected yet. url, keys: borrowed, must outlive it. */
void database_init(
    struct database *database, const char *url, const struct key_ring *keys, int timeout_ms);
void database_done(struct database *database);

/* Take one step to connect if it is down and the time has come; step is not 0 while there are more.
 * *ret_is_new: it is up and was not. ST_OK also while it is too early. ST_INVALID: the URL can
 * never work. Other statuses: tried in vain. */
enum status database_tend(
    struct database *database, int64_t now_ms, bool *ret_is_new, struct err *err) MUST_CHECK;

/* A statement failed in a way that may pass: no more of them before the next try. */
void database_suspend(struct database *database, int64_t now_ms);

/* True if the log should hear of a failure now. */
bool database_should_complain(struct database *database, int64_t now_ms);

/* The socket to poll for notices, −1 while it is down. */
int database_socket(const struct database *database);

/* Take all notices that have arrived: which channels spoke. */
struct database_news {
    bool has_pipe;
    bool has_probe;
};
enum status database_take_news(
    struct database *database, struct database_news *ret_news, struct err *err) MUST_CHECK;

#endif
