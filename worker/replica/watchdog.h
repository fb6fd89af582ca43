#ifndef WORKER_REPLICA_WATCHDOG_H
#define WORKER_REPLICA_WATCHDOG_H

/*
 * The end of the process, whoever hangs: a timer of the kernel (alarm) whose signal ends it. Nobody
 * else may be there to do that: the supervisor can be frozen, and calls into the Kafka library wait
 * for threads of its own without a limit. The signal is the process's, so any thread that has it
 * not blocked serves; the handler uses nothing but poll, write and _exit.
 */

#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

/* Take SIGALRM over. Nothing else in the process may use alarm. ST_IO. */
enum status watchdog_open(struct err *err) MUST_CHECK;

/* The loop has come round at now_ms (monotonic). When it does not come round again for limit_s
 * (1 to 3600) seconds, and another 5 after that, the process ends with code: a process that was
 * stopped (SIGSTOP, a suspended machine) gets the 5 to come round. Cheap: once a second it is one
 * system call. Does nothing after watchdog_end. */
void watchdog_feed(int64_t now_ms, unsigned limit_s, int code);

/* From now on the process has within_s (1 to 3600) seconds left, then it ends with code. The first
 * call counts, except that the code may be changed by a later one. */
void watchdog_end(unsigned within_s, int code);

#endif
