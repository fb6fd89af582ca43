/* Descriptor 3 without blocking, and the signalfd. */
#include "worker/replica/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/base/clock.h"

enum status control_open(struct control *ret_control, int spec_fd, struct err *err)
{
    sigset_t wanted;
    sigset_t blocked;
    (void)sigemptyset(&wanted);        /* these cannot fail on a real set */
    (void)sigaddset(&wanted, SIGTERM); /* likewise */
    (void)sigaddset(&wanted, SIGINT);  /* likewise */
    blocked = wanted;
    (void)sigaddset(&blocked, SIGPIPE); /* writes tell it by EPIPE */
    int failed = pthread_sigmask(SIG_BLOCK, &blocked, NULL);
    if (failed != 0) {
        return err_errno(err, ST_IO, failed, "cannot block signals");
    }
    int fd = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) {
        return err_errno(err, ST_IO, errno, "cannot make a signalfd");
    }
    *ret_control =
        (struct control){.spec_fd = spec_fd, .signal_fd = fd, .heard_ms = clock_monotonic_ms()};
    return ST_OK;
}

void control_close(struct control *control)
{
    closep(&control->signal_fd);
    control->signal_fd = -1;
}

enum status
control_read_spec(struct control *control, int64_t timeout_ms, char **ret_text, struct err *err)
{
    struct pollfd fd = {.fd = control->spec_fd, .events = POLLIN};
    int ready = poll(&fd, 1, (int)timeout_ms);
    if (ready <= 0) {
        return err_set(err, ST_TIMEOUT, "no spec within %lld ms", (long long)timeout_ms);
    }
    struct protocol_frame frame;
    char *text = NULL;
    enum status st =
        protocol_frame_read(control->spec_fd, PROTOCOL_SPEC_MAX_BYTES, &frame, &text, err);
    if (st != ST_OK) {
        return st;
    }
    if (frame.type != PROTOCOL_FRAME_SPEC) {
        free(text);
        return err_set(err, ST_INVALID, "the first frame is of type %d", (int)frame.type);
    }
    int flags = fcntl(control->spec_fd, F_GETFL);
    if (flags < 0 || fcntl(control->spec_fd, F_SETFL, flags | O_NONBLOCK) != 0) {
        free(text);
        return err_errno(err, ST_IO, errno, "cannot make descriptor 3 non-blocking");
    }
    control->heard_ms = clock_monotonic_ms();
    *ret_text = text;
    return ST_OK;
}

void control_take(struct control *control, int64_t now_ms)
{
    while (!control->is_closed) {
        uint8_t *to = (uint8_t *)&control->partial + control->partial_bytes;
        ssize_t got = read(control->spec_fd, to, sizeof(control->partial) - control->partial_bytes);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0 && errno == EAGAIN) {
            return;
        }
        if (got <= 0) {
            control->is_closed = true;
            return;
        }
        control->partial_bytes += (uint32_t)got;
        if (control->partial_bytes < sizeof(control->partial)) {
            continue;
        }
        control->partial_bytes = 0;
        if (control->partial.magic != PROTOCOL_MAGIC ||
            control->partial.type != PROTOCOL_FRAME_PERMISSION || control->partial.len_bytes != 0) {
            control->is_closed = true; /* what follows cannot be understood */
            return;
        }
        control->heard_ms = now_ms;
    }
}

bool control_take_signal(struct control *control)
{
    struct signalfd_siginfo info;
    return read(control->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info);
}
