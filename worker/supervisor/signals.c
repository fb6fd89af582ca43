/* Signals read from a signalfd. */
#include "worker/supervisor/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum status signals_open(int *ret_fd, struct err *err)
{
    sigset_t wanted;
    (void)sigemptyset(&wanted); /* cannot fail */
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        (void)sigaddset(&wanted, numbers[i]); /* cannot fail for these */
    }
    int why = pthread_sigmask(SIG_BLOCK, &wanted, NULL);
    if (why != 0) {
        return err_errno(err, ST_IO, why, "cannot block signals");
    }
    int fd = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) {
        return err_errno(err, ST_IO, errno, "cannot open a signal descriptor");
    }
    *ret_fd = fd;
    return ST_OK;
}

static void note_signal(struct signals_seen *seen, uint32_t number)
{
    if (number == SIGCHLD) {
        seen->has_child = true;
    } else if (number == SIGHUP) {
        seen->has_reload = true;
    } else {
        seen->terminate_count++;
    }
}

enum status signals_take(int fd, struct signals_seen *ret_seen, struct err *err)
{
    struct signals_seen seen = {0};
    for (;;) {
        struct signalfd_siginfo info;
        ssize_t got = read(fd, &info, sizeof(info));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0 && errno == EAGAIN) {
            break;
        }
        if (got != (ssize_t)sizeof(info)) {
            return err_errno(err, ST_IO, got < 0 ? errno : EIO, "cannot read signals");
        }
        note_signal(&seen, info.ssi_signo);
    }
    *ret_seen = seen;
    return ST_OK;
}
