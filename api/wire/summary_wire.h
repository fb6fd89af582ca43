#ifndef API_WIRE_SUMMARY_WIRE_H
#define API_WIRE_SUMMARY_WIRE_H

/* The summary of a pipe. */

#include <stdbool.h>

#include "common/base/json_text.h"
#include "common/store/pipes.h"
#include "common/store/runtime.h"

/* Why the pipe does not run well, as the summary's "reason": a recorded failure first, else what a
 * replica waits for, else that no worker is there. code: PIPE_REASON_NONE = nothing is wrong;
 * message is borrowed from the row or static. */
struct summary_reason {
    enum pipe_reason code;
    const char *message;
};
struct summary_reason wire_summary_reason(const struct pipe_row *row);

/* One summary, as the next value. runtime: what the replicas said, NULL = nothing yet. is_whole:
 * with replicas and partitions. */
void wire_summary_write(
    struct json_text *json, const struct pipe_row *row, const struct runtime_summary *runtime,
    bool is_whole);

#endif
