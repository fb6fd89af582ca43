/* Each case in a process of its own, which ends or does not. Nothing here waits for a timer. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "worker/replica/watchdog.h"

#include <cmocka.h>

enum {
    LONG_S = 3600,
    CODE = 7,
    OTHER_CODE = 8,
    SURVIVED = 42,
};

static void bark(void)
{
    (void)raise(SIGALRM);
}

/* The exit code of a child that runs fn; −1 if a signal ended it. */
static int end_of(void (*fn)(void))
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (watchdog_open(NULL) == ST_OK) {
            fn();
        }
        (void)alarm(0);
        _exit(SURVIVED);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void silent_loop(void)
{
    watchdog_feed(1000, LONG_S, CODE);
    bark();
    bark();
}

static void loop_that_comes_round(void)
{
    watchdog_feed(1000, LONG_S, CODE);
    bark();
    watchdog_feed(1001, LONG_S, CODE); /* the first since the warning counts however soon */
    bark();
    watchdog_feed(1002, LONG_S, CODE);
}

static void silent_drain(void)
{
    watchdog_feed(1000, LONG_S, CODE);
    watchdog_end(LONG_S, OTHER_CODE);
    bark();
}

static void drain_cannot_be_put_off(void)
{
    watchdog_end(LONG_S, CODE);
    watchdog_feed(9000, LONG_S, OTHER_CODE);
    unsigned left_s = alarm(LONG_S);
    watchdog_end(1, CODE);
    unsigned still_s = alarm(LONG_S);
    if (left_s > 0 && still_s > 1) {
        bark();
    }
}

static void timer_is_armed(void)
{
    watchdog_feed(1000, LONG_S, CODE);
    if (alarm(0) == 0) {
        return;
    }
    watchdog_feed(1500, LONG_S, CODE); /* once a second is enough */
    if (alarm(0) != 0) {
        return;
    }
    watchdog_feed(2500, LONG_S, CODE);
    _exit(alarm(0) > 0 ? CODE : SURVIVED);
}

static void full_pipe_for_last_words(void)
{
    int fds[2];
    char page[4096] = {0};
    if (pipe(fds) != 0 || dup2(fds[1], STDERR_FILENO) < 0) {
        return;
    }
    for (int i = 0; i < 16; i++) { /* 64 KiB is all that a pipe takes */
        if (write(fds[1], page, sizeof(page)) != (ssize_t)sizeof(page)) {
            return;
        }
    }
    watchdog_end(LONG_S, CODE);
    bark();
}

static void a_loop_that_stands_still_is_warned_then_ended(void **state)
{
    (void)state;
    assert_int_equal(end_of(silent_loop), CODE);
}

static void a_loop_that_comes_round_goes_on(void **state)
{
    (void)state;
    assert_int_equal(end_of(loop_that_comes_round), SURVIVED);
}

static void an_end_is_final(void **state)
{
    (void)state;
    assert_int_equal(end_of(silent_drain), OTHER_CODE);
    assert_int_equal(end_of(drain_cannot_be_put_off), CODE);
}

static void the_timer_is_set_once_a_second(void **state)
{
    (void)state;
    assert_int_equal(end_of(timer_is_armed), CODE);
}

static void nobody_reads_the_last_words(void **state)
{
    (void)state;
    assert_int_equal(end_of(full_pipe_for_last_words), CODE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loop_that_stands_still_is_warned_then_ended),
        cmocka_unit_test(a_loop_that_comes_round_goes_on),
        cmocka_unit_test(an_end_is_final),
        cmocka_unit_test(the_timer_is_set_once_a_second),
        cmocka_unit_test(nobody_reads_the_last_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
