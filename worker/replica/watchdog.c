/* A timer of the kernel that the loop keeps from going off. */
#include "worker/replica/watchdog.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

enum {
    FEED_EVERY_MS = 1000,
    SECOND_S = 5, /* what is left after the first warning */
};

/* The handler reads these while the loop writes them. */
static atomic_int exit_code;
static atomic_bool is_ending;
static atomic_bool is_warned;
static int64_t fed_ms; /* the loop's own */

/* stderr may be a full pipe whose reader is frozen. */
static void last_words(const char *text, size_t bytes)
{
    struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&fd, 1, 0) == 1 && (fd.revents & POLLOUT) != 0) {
        ssize_t written = write(STDERR_FILENO, text, bytes);
        (void)written; /* nobody is left to be told */
    }
}

static void on_alarm(int number)
{
    static const char text[] = "penstock-worker: the replica did not end, or its loop did not come "
                               "round, in time: the process ends now\n";
    int error = errno;
    (void)number;
    if (!atomic_load(&is_ending) && !atomic_exchange(&is_warned, true)) {
        (void)alarm(SECOND_S);
        errno = error;
        return;
    }
    last_words(text, sizeof(text) - 1);
    _exit(atomic_load(&exit_code));
}

enum status watchdog_open(struct err *err)
{
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    sigset_t wanted;
    (void)sigemptyset(&action.sa_mask); /* these cannot fail on a real set */
    (void)sigemptyset(&wanted);         /* likewise */
    (void)sigaddset(&wanted, SIGALRM);  /* likewise */
    if (sigaction(SIGALRM, &action, NULL) != 0) {
        return err_errno(err, ST_IO, errno, "cannot take SIGALRM");
    }
    int failed = pthread_sigmask(SIG_UNBLOCK, &wanted, NULL);
    return failed == 0 ? ST_OK : err_errno(err, ST_IO, failed, "cannot unblock SIGALRM");
}

void watchdog_feed(int64_t now_ms, unsigned limit_s, int code)
{
    bool is_fresh = fed_ms != 0 && now_ms - fed_ms < FEED_EVERY_MS;
    if (atomic_load(&is_ending) || (is_fresh && !atomic_load(&is_warned))) {
        return;
    }
    fed_ms = now_ms;
    atomic_store(&exit_code, code);
    (void)alarm(limit_s);
    atomic_store(&is_warned, false); /* after the alarm: between the two it must stay a warning */
}

void watchdog_end(unsigned within_s, int code)
{
    atomic_store(&exit_code, code);
    if (!atomic_load(&is_ending)) {
        (void)alarm(within_s); /* first: an old one must not end a drain that just begins */
        atomic_store(&is_ending, true);
    }
}
