#ifndef COMMON_STORE_PIPE_CHANGE_H
#define COMMON_STORE_PIPE_CHANGE_H

/* Changing the stored definition of a pipe: lock its row, read it (pipes.h), decide, store. */

#include <jansson.h>
#include <stdbool.h>

#include "common/store/store.h"

/* Hold the pipe's row until the end of the transaction, so that two changes do not lose one.
 * Inside store_begin. ST_NOT_FOUND, ST_UNAVAILABLE. */
enum status pipe_lock(
    struct store *store, const char *service_id, const char *pipe_id, struct err *err) MUST_CHECK;

struct pipe_change {
    const char *name;
    const json_t *definition;
    bool has_new_secrets;
    const json_t *secrets; /* with has_new_secrets; NULL = none any more */
    bool needs_restart;    /* running replicas must take it over: raises the revision */
};

/* Store a changed definition. ST_NOT_FOUND, ST_UNAVAILABLE, ST_INVALID (no key to seal with). */
enum status pipe_store_change(
    struct store *store, const char *service_id, const char *pipe_id,
    const struct pipe_change *change, struct err *err) MUST_CHECK;

#endif
