/* signalfd and the parent-death signal, with the race check that the latter needs. */

#include "demo/support/child.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum status child_signals_open(int *ret_fd, struct err *err)
{
    assert(ret_fd != NULL);
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGHUP);
    int code = pthread_sigmask(SIG_BLOCK, &wanted, NULL);
    if (code != 0) {
        return err_errno(err, ST_IO, code, "cannot block signals");
    }
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    if (sigaction(SIGPIPE, &ignore, NULL) != 0) {
        return err_errno(err, ST_IO, errno, "cannot ignore SIGPIPE");
    }
    int fd = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) {
        return err_errno(err, ST_IO, errno, "cannot open a signal descriptor");
    }
    *ret_fd = fd;
    return ST_OK;
}

enum status child_die_with_parent(struct err *err)
{
    pid_t parent = getppid();
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0) {
        return err_errno(err, ST_IO, errno, "cannot follow the parent's end");
    }
    /* 1: the parent ended before the request and init took us over. */
    if (parent == 1 || getppid() != parent) {
        return err_set(err, ST_STOP, "the parent has already ended");
    }
    return ST_OK;
}
