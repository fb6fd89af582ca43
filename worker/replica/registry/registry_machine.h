#ifndef WORKER_REPLICA_REGISTRY_REGISTRY_MACHINE_H
#define WORKER_REPLICA_REGISTRY_REGISTRY_MACHINE_H

/*
 * Inside of the registry: its state, shared by registry.c (questions and requests),
 * registry_settle.c (what answers lead to) and registry_check.c (one look, for a person who waits).
 * Only these include it.
 */

#include "common/base/secret.h"
#include "common/model/registry_url.h"

#include "worker/replica/registry/registry.h"
#include "worker/replica/registry/registry_cache.h"

enum {
    REGISTRY_URL_MAX_BYTES = 16 * 1024,
    REGISTRY_LATEST_EVERY_MS = 30000, /* how often a subject is asked for a newer version */
};

struct registry {
    struct http_client *client; /* borrowed */
    struct registry_url url;
    char *ca_certificate; /* owned; NULL = the system's */
    char *username;
    struct secret password;
    struct schema_source source;
    struct registry_cache cache;
    struct registry_entry *pinned;  /* the pinned schema, known; NULL = not yet */
    struct registry_entry *pinning; /* the one that becomes it; NULL = none under way */
    bool was_pinned_used;           /* since it was last asked for */
    int64_t latest_due_ms;
    struct registry_entry *last; /* known, of the last question by id */
    size_t calls_count;
    bool is_proven;    /* an answer came that only a registry gives */
    int64_t paused_ms; /* until then no requests: the server asked for it */
    int races_lost;    /* unknown ids since the last known one */
    uint64_t version;
    int64_t now_ms;
};

/* A request with the memory that it borrows. */
struct registry_request {
    struct http_request http;
    struct buf url;
};

/* Ask for a path behind the root. registry: borrowed by the request. ret_request:
 * registry_request_done, also after a failure. ST_TOO_LARGE, ST_NO_MEMORY. */
enum status registry_request_init(
    const struct registry *registry, const char *path, struct registry_request *ret_request,
    struct err *err) MUST_CHECK;
void registry_request_done(struct registry_request *request);

/* Take what an answer says. finding->document is taken when it is used. */
void registry_take(
    struct registry *registry, struct registry_entry *entry, struct registry_finding *finding);

/* Fetched schemas become known when all they refer to is; settled entries leave the active list. */
void registry_settle(struct registry *registry);

#endif
