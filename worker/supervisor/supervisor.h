#ifndef WORKER_SUPERVISOR_SUPERVISOR_H
#define WORKER_SUPERVISOR_SUPERVISOR_H

/*
 * The supervisor: makes what runs on this host equal to what PostgreSQL wants. One thread, one
 * loop (loop.c), which waits for signals, notices, children and time, and after each does the same
 * round: renew leases, claim, start and end children, report. This is the room's door.
 */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/store/store.h"

#include "worker/supervisor/capacity.h"
#include "worker/supervisor/limits.h"

struct supervisor_options {
    const char *database_url;
    const struct key_ring *keys; /* NULL = stored credentials cannot be opened */
    int database_timeout_ms;
    int lease_s;
    const char *host_id;
    const char *version;        /* of the program, told to the others */
    const char *metrics_listen; /* "" = serve no metrics */
    struct capacity capacity;
    struct limits_wanted limits; /* of replicas, to be enforced */
    char *const *environment;    /* of the children */
    /* Called on SIGHUP: read the log level again. May be NULL. */
    void (*reload)(void *context);
    void *reload_context;
};

/*
 * Run until SIGTERM or SIGINT, then drain every replica and end (a second signal kills them).
 * options: borrowed. ST_OK after a clean end, ST_INVALID for a database URL that can never work,
 * ST_IO if the kernel refuses what the loop needs, ST_NO_MEMORY.
 */
enum status supervisor_run(const struct supervisor_options *options, struct err *err) MUST_CHECK;

#endif
