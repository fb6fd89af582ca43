#ifndef WORKER_SUPERVISOR_CHILD_H
#define WORKER_SUPERVISOR_CHILD_H

/*
 * One child process: fork, exec, its spec on descriptor 3, its messages on descriptor 4, its end.
 * A child gets descriptors 0 to 4 and nothing else, an environment without the supervisor's
 * settings, and dies when its parent dies. Nothing here waits: the loop polls to_fd and from_fd.
 * What to start, when to stop it and what its messages mean is decided elsewhere.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"

#include "worker/protocol/protocol.h"
#include "worker/supervisor/limits.h"

enum {
    CHILD_EXIT_NO_LIMIT = 126, /* the process could not be bounded */
    CHILD_EXIT_NO_EXEC = 127,  /* the program could not be executed */
    CHILD_MESSAGES_MAX_BYTES = 65536,
    CHILD_OBITUARY_BYTES = 128,
};

struct child {
    pid_t pid;   /* 0 = there is none */
    int to_fd;   /* the parent's end of descriptor 3, -1 = closed */
    int from_fd; /* the parent's end of descriptor 4, -1 = closed */
    int64_t started_ms;
    uint8_t *out; /* owned, holds secrets: the spec frame while it is being written */
    size_t out_bytes;
    size_t out_sent_bytes;
    struct buf in; /* bytes from descriptor 4 that nobody took yet */
    bool has_news; /* poll() told of one of its descriptors since they were looked at */
};

struct child_plan {
    const char *program;      /* path to execute; NULL = this program, /proc/self/exe */
    char *const *arguments;   /* NULL at the end; no secret: everybody on the host can read it */
    char *const *environment; /* NULL at the end */
    const char *spec;         /* JSON text with secrets, copied */
    size_t spec_bytes;
    const struct limits_group *limits; /* borrowed; NULL = not bounded */
    size_t in_max_bytes; /* of `in`: CHILD_MESSAGES_MAX_BYTES, or a whole answer for a probe */
};

/* How a child ended. */
struct child_end {
    pid_t pid;
    bool is_signalled;
    int code; /* exit status, or the signal's number */
    bool has_core;
    int64_t ran_ms;
};

/* One message of descriptor 4; look at header.type first. */
union child_message {
    struct protocol_header header;
    struct protocol_heartbeat heartbeat;
    struct protocol_partitions partitions;
    struct protocol_latency latency;
    struct protocol_event event;
};

/* No child. */
void child_init(struct child *child);

/* Close the descriptors, wipe and free the memory; the process itself is not touched. Safe twice.
 */
void child_done(struct child *child);

/* Start one. child must be init or done. The spec begins to go out at once; child_write goes on.
 * ST_TOO_LARGE for the spec, ST_NO_MEMORY, ST_IO if the kernel gives no pipe or process. */
enum status
child_spawn(const struct child_plan *plan, struct child *child, struct err *err) MUST_CHECK;

bool child_is_present(const struct child *child);

/* True while a part of the spec waits for room in the pipe: poll to_fd for POLLOUT. */
bool child_has_unsent(const struct child *child);

/* Write what fits now. A child that closed its end gets nothing more. */
void child_write(struct child *child);

/* Renew the permission to run. Skipped while the spec is still going out or the pipe is full (the
 * child has enough to read then). */
void child_permit(struct child *child);

/* Read what is there now into `in`, as much as fits. ST_IO if the descriptor is broken (it is
 * closed then), ST_NO_MEMORY. At the end of the stream from_fd is closed: ST_OK. */
enum status child_read(struct child *child, struct err *err) MUST_CHECK;

/* Take the next whole message out of `in`; *ret_has false if none is complete. ST_INVALID: the
 * stream is broken, nothing more can be taken. ST_FENCED: a message of another generation was
 * dropped, the next call goes on. */
enum status child_take_message(
    struct child *child, int64_t generation, bool *ret_has, union child_message *ret_message,
    struct err *err) MUST_CHECK;

/* Take the one frame of a probe's answer out of `in`, once it is whole. ret_text: owned,
 * zero-terminated. *ret_has false while it is not. ST_INVALID, ST_TOO_LARGE, ST_NO_MEMORY. */
enum status
child_take_answer(struct child *child, bool *ret_has, char **ret_text, struct err *err) MUST_CHECK;

/* Ask it to drain (SIGTERM), end it (SIGKILL). Nothing happens if there is none. */
void child_terminate(const struct child *child);
void child_kill(const struct child *child);

/* True if the child has ended: fills ret_end, and pid is 0 from now on; what it wrote can still be
 * read. Does not wait. */
bool child_reap(struct child *child, struct child_end *ret_end);

/* One sentence about an end: pid, status or signal, core, life. */
void child_obituary(const struct child_end *end, char ret_text[CHILD_OBITUARY_BYTES]);

#endif
