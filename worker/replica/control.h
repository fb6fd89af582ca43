#ifndef WORKER_REPLICA_CONTROL_H
#define WORKER_REPLICA_CONTROL_H

/*
 * What the supervisor says: the spec and permission frames on descriptor 3, SIGTERM. A replica
 * that hears no permission for a lease time must assume that the supervisor is frozen or gone.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

#include "worker/protocol/protocol.h"

struct control {
    int spec_fd;   /* borrowed: descriptor 3 */
    int signal_fd; /* owned; −1 = not open */
    int64_t heard_ms;
    bool is_closed; /* the parent's end is gone */
    struct protocol_frame partial;
    uint32_t partial_bytes;
};

/* Block the signals that are read and open the signalfd. Before any thread starts. ST_IO. */
enum status control_open(struct control *ret_control, int spec_fd, struct err *err) MUST_CHECK;
void control_close(struct control *control);

/* Wait up to timeout_ms for the spec frame. ret_text: owned, holds secrets. ST_TIMEOUT, statuses
 * of protocol_frame_read. */
enum status control_read_spec(
    struct control *control, int64_t timeout_ms, char **ret_text, struct err *err) MUST_CHECK;

/* Take what has come: permissions renew heard_ms. */
void control_take(struct control *control, int64_t now_ms);

/* True if SIGTERM or SIGINT has come. */
bool control_take_signal(struct control *control);

#endif
