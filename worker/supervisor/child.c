/*
 * Processes and their two pipes. Between fork and exec only async-signal-safe calls are made. The
 * parent's ends of the pipes never block; the child's ends do, since each has a process to itself.
 */
#include "worker/supervisor/child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/secret.h"

enum {
    READ_CHUNK_BYTES = 8192,
    READ_ROUND_BYTES = 256 * 1024 /* per call, so that one child cannot keep the loop */
};

void child_init(struct child *child)
{
    *child = (struct child){.to_fd = -1, .from_fd = -1};
}

static void close_fd(int *fd)
{
    closep(fd);
    *fd = -1;
}

static void drop_out(struct child *child)
{
    if (child->out != NULL) {
        secret_wipe(child->out, child->out_bytes);
        free(child->out);
    }
    child->out = NULL;
    child->out_bytes = 0;
    child->out_sent_bytes = 0;
}

void child_done(struct child *child)
{
    drop_out(child);
    close_fd(&child->to_fd);
    close_fd(&child->from_fd);
    buf_done(&child->in);
    child->pid = 0;
}

/* A pipe whose ends are above every descriptor the child gets, so that moving them to 3 and 4
 * cannot step on one another. */
static enum status open_pipe(int ret_ends[2], struct err *err)
{
    int low[2];
    if (pipe2(low, O_CLOEXEC) != 0) {
        return err_errno(err, ST_IO, errno, "cannot open a pipe");
    }
    int high[2] = {
        fcntl(low[0], F_DUPFD_CLOEXEC, PROTOCOL_FD_REPORT + 1),
        fcntl(low[1], F_DUPFD_CLOEXEC, PROTOCOL_FD_REPORT + 1),
    };
    int why = errno;
    close_fd(&low[0]);
    close_fd(&low[1]);
    if (high[0] < 0 || high[1] < 0) {
        close_fd(&high[0]);
        close_fd(&high[1]);
        return err_errno(err, ST_IO, why, "cannot open a pipe");
    }
    ret_ends[0] = high[0];
    ret_ends[1] = high[1];
    return ST_OK;
}

static enum status set_nonblocking(int fd, struct err *err)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
        return err_errno(err, ST_IO, errno, "cannot make descriptor %d non-blocking", fd);
    }
    return ST_OK;
}

/* The child's half between fork and exec: async-signal-safe calls only, never returns. */
static _Noreturn void
become_child(const struct child_plan *plan, pid_t parent_pid, int spec_fd, int report_fd)
{
    /* Whoever forked may be gone before the death signal is set: then nobody would send it. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != parent_pid) {
        _exit(CHILD_EXIT_NO_EXEC);
    }
    if (plan->limits != NULL && !limits_group_join(plan->limits)) {
        _exit(CHILD_EXIT_NO_LIMIT);
    }
    const struct sigaction standard = {.sa_handler = SIG_DFL};
    sigset_t none;
    if (sigaction(SIGPIPE, &standard, NULL) != 0 || sigemptyset(&none) != 0 ||
        pthread_sigmask(SIG_SETMASK, &none, NULL) != 0) {
        _exit(CHILD_EXIT_NO_EXEC);
    }
    int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0 || dup2(spec_fd, PROTOCOL_FD_SPEC) < 0 ||
        dup2(report_fd, PROTOCOL_FD_REPORT) < 0 ||
        close_range(PROTOCOL_FD_REPORT + 1, ~0U, 0) != 0) {
        _exit(CHILD_EXIT_NO_EXEC);
    }
    const char *program = plan->program == NULL ? "/proc/self/exe" : plan->program;
    (void)execve(program, plan->arguments, plan->environment); /* returns only if it failed */
    _exit(CHILD_EXIT_NO_EXEC);
}

/* Fork with all signals blocked, so that none reaches the child before it is ready. */
static enum status fork_child(
    const struct child_plan *plan, int spec_fd, int report_fd, pid_t *ret_pid, struct err *err)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all); /* cannot fail */
    int why = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (why != 0) {
        return err_errno(err, ST_IO, why, "cannot block signals");
    }
    pid_t parent_pid = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        become_child(plan, parent_pid, spec_fd, report_fd);
    }
    why = errno;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL); /* the mask was valid a moment ago */
    if (pid < 0) {
        return err_errno(err, ST_IO, why, "cannot fork");
    }
    *ret_pid = pid;
    return ST_OK;
}

static enum status queue_spec(struct child *child, const struct child_plan *plan, struct err *err)
{
    if (plan->spec_bytes > PROTOCOL_SPEC_MAX_BYTES) {
        return err_set(
            err, ST_TOO_LARGE, "spec of %zu bytes, limit %d", plan->spec_bytes,
            PROTOCOL_SPEC_MAX_BYTES);
    }
    struct protocol_frame frame;
    protocol_frame_init(&frame, PROTOCOL_FRAME_SPEC, (uint32_t)plan->spec_bytes);
    child->out_bytes = sizeof(frame) + plan->spec_bytes;
    child->out = malloc(child->out_bytes);
    if (child->out == NULL) {
        return err_set(err, ST_NO_MEMORY, "spec of %zu bytes", plan->spec_bytes);
    }
    memcpy(child->out, &frame, sizeof(frame));
    memcpy(child->out + sizeof(frame), plan->spec, plan->spec_bytes);
    return ST_OK;
}

enum status child_spawn(const struct child_plan *plan, struct child *child, struct err *err)
{
    assert(!child_is_present(child) && child->to_fd < 0 && child->from_fd < 0);
    assert(plan->arguments[0] != NULL);
    CLEANUP(closep) int spec_fd = -1;
    CLEANUP(closep) int report_fd = -1;
    int ends[2] = {-1, -1};
    enum status st = open_pipe(ends, err);
    if (st != ST_OK) {
        return st;
    }
    spec_fd = ends[0];
    child->to_fd = ends[1];
    st = open_pipe(ends, err);
    if (st == ST_OK) {
        child->from_fd = ends[0];
        report_fd = ends[1];
        st = set_nonblocking(child->to_fd, err);
    }
    if (st == ST_OK) {
        st = set_nonblocking(child->from_fd, err);
    }
    if (st == ST_OK) {
        st = queue_spec(child, plan, err);
    }
    if (st == ST_OK) {
        st = fork_child(plan, spec_fd, report_fd, &child->pid, err);
    }
    if (st != ST_OK) {
        child_done(child);
        return st;
    }
    child->started_ms = clock_monotonic_ms();
    buf_init(&child->in, plan->in_max_bytes);
    child_write(child);
    return ST_OK;
}

bool child_is_present(const struct child *child)
{
    return child->pid > 0;
}

bool child_has_unsent(const struct child *child)
{
    return child->to_fd >= 0 && child->out != NULL;
}

void child_write(struct child *child)
{
    while (child_has_unsent(child)) {
        ssize_t wrote = write(
            child->to_fd, child->out + child->out_sent_bytes,
            child->out_bytes - child->out_sent_bytes);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote < 0 && errno == EAGAIN) {
            return;
        }
        if (wrote <= 0) {
            drop_out(child);
            close_fd(&child->to_fd); /* it closed its end; its exit says why */
            return;
        }
        child->out_sent_bytes += (size_t)wrote;
        if (child->out_sent_bytes == child->out_bytes) {
            drop_out(child);
        }
    }
}

void child_permit(struct child *child)
{
    if (child->to_fd < 0 || child->out != NULL) {
        return;
    }
    struct protocol_frame frame;
    protocol_frame_init(&frame, PROTOCOL_FRAME_PERMISSION, 0);
    ssize_t wrote = write(child->to_fd, &frame, sizeof(frame)); /* below PIPE_BUF: whole or not */
    if (wrote < 0 && errno != EAGAIN && errno != EINTR) {
        close_fd(&child->to_fd);
    }
}

/* Read one chunk into `in`. *ret_got_bytes 0 if there is nothing (now, or for ever), or no room. */
static enum status read_chunk(struct child *child, size_t *ret_got_bytes, struct err *err)
{
    uint8_t chunk[READ_CHUNK_BYTES];
    const size_t room_bytes = child->in.max_bytes - child->in.len_bytes;
    const size_t want_bytes = room_bytes < sizeof(chunk) ? room_bytes : sizeof(chunk);
    *ret_got_bytes = 0;
    if (want_bytes == 0) {
        return ST_OK;
    }
    ssize_t got = read(child->from_fd, chunk, want_bytes);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return ST_OK; /* poll tells when there is more */
    }
    if (got <= 0) {
        enum status st = got == 0 ? ST_OK : err_errno(err, ST_IO, errno, "reading from a child");
        close_fd(&child->from_fd);
        return st;
    }
    enum status st = buf_add(&child->in, chunk, (size_t)got);
    if (st != ST_OK) {
        return err_set(err, st, "no room for %zd bytes from a child", got);
    }
    *ret_got_bytes = (size_t)got;
    return ST_OK;
}

enum status child_read(struct child *child, struct err *err)
{
    size_t round_bytes = 0;
    while (child->from_fd >= 0 && round_bytes < READ_ROUND_BYTES) {
        size_t got_bytes = 0;
        enum status st = read_chunk(child, &got_bytes, err);
        if (st != ST_OK || got_bytes == 0) {
            return st;
        }
        round_bytes += got_bytes;
    }
    return ST_OK;
}

/* Drop the first bytes of `in`. */
static void consume(struct child *child, size_t len_bytes)
{
    assert(len_bytes <= child->in.len_bytes);
    child->in.len_bytes -= len_bytes;
    memmove(child->in.bytes, child->in.bytes + len_bytes, child->in.len_bytes);
}

enum status child_take_message(
    struct child *child, int64_t generation, bool *ret_has, union child_message *ret_message,
    struct err *err)
{
    struct protocol_header header;
    if (child->in.len_bytes < sizeof(header)) {
        *ret_has = false;
        return ST_OK;
    }
    memcpy(&header, child->in.bytes, sizeof(header));
    enum status st = protocol_header_check(&header, err);
    if (st != ST_OK) {
        return st;
    }
    if (child->in.len_bytes < header.len_bytes) {
        *ret_has = false;
        return ST_OK;
    }
    st = protocol_message_check(child->in.bytes, header.len_bytes, generation, err);
    if (st == ST_FENCED) {
        consume(child, header.len_bytes);
    }
    if (st != ST_OK) {
        return st;
    }
    assert(header.len_bytes <= sizeof(*ret_message));
    memcpy(ret_message, child->in.bytes, header.len_bytes);
    consume(child, header.len_bytes);
    *ret_has = true;
    return ST_OK;
}

enum status child_take_answer(struct child *child, bool *ret_has, char **ret_text, struct err *err)
{
    struct protocol_frame frame;
    if (child->in.len_bytes < sizeof(frame)) {
        *ret_has = false;
        return ST_OK;
    }
    memcpy(&frame, child->in.bytes, sizeof(frame));
    enum status st = protocol_frame_check(&frame, PROTOCOL_ANSWER_MAX_BYTES, err);
    if (st != ST_OK) {
        return st;
    }
    if (frame.type != PROTOCOL_FRAME_ANSWER) {
        return err_set(err, ST_INVALID, "frame of type %d is no answer", frame.type);
    }
    if (child->in.len_bytes - sizeof(frame) < frame.len_bytes) {
        *ret_has = false;
        return ST_OK;
    }
    char *text = malloc((size_t)frame.len_bytes + 1);
    if (text == NULL) {
        return err_set(err, ST_NO_MEMORY, "answer of %u bytes", frame.len_bytes);
    }
    memcpy(text, child->in.bytes + sizeof(frame), frame.len_bytes);
    text[frame.len_bytes] = '\0';
    consume(child, sizeof(frame) + frame.len_bytes);
    *ret_text = text;
    *ret_has = true;
    return ST_OK;
}

void child_terminate(const struct child *child)
{
    if (child_is_present(child)) {
        (void)kill(child->pid, SIGTERM); /* not reaped yet, so the pid is still its own */
    }
}

void child_kill(const struct child *child)
{
    if (child_is_present(child)) {
        (void)kill(child->pid, SIGKILL); /* as above */
    }
}

bool child_reap(struct child *child, struct child_end *ret_end)
{
    if (!child_is_present(child)) {
        return false;
    }
    int status = 0;
    pid_t pid = waitpid(child->pid, &status, WNOHANG);
    if (pid != child->pid) {
        return false;
    }
    *ret_end = (struct child_end){
        .pid = pid,
        .is_signalled = WIFSIGNALED(status),
        .code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
        .has_core = WIFSIGNALED(status) && WCOREDUMP(status),
        .ran_ms = clock_monotonic_ms() - child->started_ms,
    };
    child->pid = 0;
    drop_out(child);
    close_fd(&child->to_fd);
    return true;
}

void child_obituary(const struct child_end *end, char ret_text[CHILD_OBITUARY_BYTES])
{
    const long long ran_ms = (long long)end->ran_ms;
    if (end->is_signalled) {
        const char *name = sigabbrev_np(end->code);
        (void)snprintf(
            ret_text, CHILD_OBITUARY_BYTES,
            "pid %d was killed by signal %d (SIG%s)%s after %lld ms", (int)end->pid, end->code,
            name == NULL ? "?" : name, end->has_core ? ", core dumped" : "",
            ran_ms); /* always fits */
    } else if (end->code == CHILD_EXIT_NO_EXEC) {
        (void)snprintf(
            ret_text, CHILD_OBITUARY_BYTES, "pid %d could not execute its program",
            (int)end->pid); /* always fits */
    } else if (end->code == CHILD_EXIT_NO_LIMIT) {
        (void)snprintf(
            ret_text, CHILD_OBITUARY_BYTES, "pid %d could not be bounded in memory and CPU",
            (int)end->pid); /* always fits */
    } else {
        (void)snprintf(
            ret_text, CHILD_OBITUARY_BYTES, "pid %d ended with exit status %d after %lld ms",
            (int)end->pid, end->code, ran_ms); /* always fits */
    }
}
