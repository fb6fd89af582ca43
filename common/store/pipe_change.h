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
    const json_t *secrets;      /* with has_new_secrets; NULL = none any more */
    const char *consumer_group; /* NULL = as it is */
    bool forgets_offsets;       /* the mirrored offsets are of other partitions or another group */
    bool needs_restart;         /* running replicas must take it over: raises the revision */
    bool raises_epoch;          /* ranges that were sent and not confirmed are to be forgotten */
    const json_t *old_mapping;  /* of the definition before (pipe_mapping.h): kept for ranges that
                                 * were sent with it; NULL = the mapping stays */
};

/* Store a changed definition. ST_NOT_FOUND, ST_UNAVAILABLE, ST_INVALID (no key to seal with). */
enum status pipe_store_change(
    struct store *store, const char *service_id, const char *pipe_id,
    const struct pipe_change *change, struct err *err) MUST_CHECK;

/* Let running replicas start anew: raises the revision. ST_NOT_FOUND, ST_UNAVAILABLE. */
enum status pipe_restart(
    struct store *store, const char *service_id, const char *pipe_id, struct err *err) MUST_CHECK;

/* Begin another epoch: what was sent and not confirmed before is forgotten. Raises the revision, so
 * that no replica starts with the old one. ST_NOT_FOUND, ST_UNAVAILABLE. */
enum status pipe_raise_epoch(struct store *store, const char *pipe_id, struct err *err) MUST_CHECK;

struct pipe_offset {
    const char *topic;
    int partition;
    int64_t committed;
    int64_t end_offset;
};

/* What Kafka said of the group replaces what was mirrored. ST_NOT_FOUND, ST_INVALID (a topic that
 * is no UTF-8), ST_UNAVAILABLE. */
enum status pipe_store_offsets(
    struct store *store, const char *pipe_id, const struct pipe_offset *offsets, size_t count,
    struct err *err) MUST_CHECK;

#endif
