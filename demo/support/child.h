#ifndef DEMO_SUPPORT_CHILD_H
#define DEMO_SUPPORT_CHILD_H

/* Living and ending as somebody's child: the signals a development program listens to, as a
 * descriptor, and the promise to end with the parent. */

#include "common/base/attr.h"
#include "common/base/err.h"

/* Block SIGTERM, SIGINT and SIGHUP for this thread and those started later, ignore SIGPIPE, and
 * return a signalfd (close-on-exec, non-blocking) that reads them. Call before any library starts
 * a thread. ST_IO. */
enum status child_signals_open(int *ret_fd, struct err *err) MUST_CHECK;

/* Ask the kernel for SIGTERM when the parent ends. Call first in main: a parent that was already
 * gone by then is noticed as ST_STOP. ST_IO if the kernel refuses. */
enum status child_die_with_parent(struct err *err) MUST_CHECK;

#endif
