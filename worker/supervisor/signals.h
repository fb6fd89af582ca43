#ifndef WORKER_SUPERVISOR_SIGNALS_H
#define WORKER_SUPERVISOR_SIGNALS_H

/*
 * The supervisor's signals as a descriptor: TERM, INT, HUP and CHLD are blocked and read, never
 * handled. SIGPIPE is main's to ignore.
 */

#include <stdbool.h>

#include "common/base/attr.h"
#include "common/base/err.h"

struct signals_seen {
    int terminate_count; /* TERM and INT */
    bool has_reload;     /* HUP */
    bool has_child;      /* CHLD: some child ended */
};

/* Block the signals and open the descriptor (owned, close()). ST_IO. */
enum status signals_open(int *ret_fd, struct err *err) MUST_CHECK;

/* Take all that are pending, without waiting. ST_IO. */
enum status signals_take(int fd, struct signals_seen *ret_seen, struct err *err) MUST_CHECK;

#endif
