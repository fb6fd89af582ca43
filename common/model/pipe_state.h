#ifndef COMMON_MODEL_PIPE_STATE_H
#define COMMON_MODEL_PIPE_STATE_H

/*
 * The state a pipe shows, derived from facts and stored nowhere: what is wanted, whether it
 * failed, and what its replicas said last. State names: ClickHouse Cloud's.
 */

#include <stdbool.h>

#include "common/base/attr.h"
#include "common/base/status.h"

enum pipe_state {
    PIPE_STATE_PROVISIONING,
    PIPE_STATE_RUNNING,
    PIPE_STATE_STOPPING,
    PIPE_STATE_STOPPED,
    PIPE_STATE_FAILED,
};

/* Reason codes of the summary. */
/* clang-format off */
#define PIPE_REASON_TABLE(X) \
    X(SOURCE_UNREACHABLE) X(SOURCE_AUTHENTICATION) X(SOURCE_AUTHORIZATION) X(TOPIC_NOT_FOUND) \
    X(REGISTRY_UNREACHABLE) X(REGISTRY_AUTHENTICATION) X(DESTINATION_UNREACHABLE) \
    X(DESTINATION_AUTHENTICATION) X(DESTINATION_PERMISSION) X(TABLE_NOT_FOUND) X(TABLE_MISMATCH) \
    X(TOO_MANY_PARTS) X(DESTINATION_BUSY) X(VIEW_FAILED) X(ERROR_LIMIT) X(CRASH_LOOP) X(NO_WORKER) \
    X(INTERNAL)
/* clang-format on */
enum pipe_reason {
    PIPE_REASON_NONE,
#define X(name) PIPE_REASON_##name,
    PIPE_REASON_TABLE(X)
#undef X
};

struct pipe_facts {
    bool is_wanted;        /* desired running */
    bool has_failed;       /* a failure is recorded since the last start */
    bool was_ready;        /* a replica has been consuming since the last start */
    bool has_live_replica; /* a lease that has not run out */
    bool is_consuming;     /* a live replica reported itself running */
};

enum pipe_state pipe_state_derive(const struct pipe_facts *facts);

/* "Provisioning", "Running", … Static memory. */
const char *pipe_state_text(enum pipe_state state);

/* "SOURCE_UNREACHABLE", …; "" for none. Static memory. */
const char *pipe_reason_text(enum pipe_reason reason);

/* The reason with this text; PIPE_REASON_INTERNAL for an unknown one. */
enum pipe_reason pipe_reason_from_text(const char *text);

/* What a person can do about it, one sentence. Static memory. */
const char *pipe_reason_hint(enum pipe_reason reason);

/* Whether `start` answers "already running" in this state. */
bool pipe_state_refuses_start(enum pipe_state state);

#endif
