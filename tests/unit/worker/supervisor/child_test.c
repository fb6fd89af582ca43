/* Real processes: what a child gets, what is believed of what it says, and how it ends. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "worker/supervisor/child.h"

enum {
    PATIENCE_MS = 20000,
    GENERATION = 7
};

static char fake_path[] = FAKE_CHILD_PATH;

static void spawn_with(struct child *child, const char *behaviour, const char *spec, size_t bytes)
{
    char name[] = "fake";
    char how[32];
    (void)snprintf(how, sizeof(how), "%s", behaviour);
    char variable[] = "FAKE_VARIABLE=given";
    /* The sanitizers' runtime reads these; without them a child says things of its own. */
    char options[] = "ASAN_OPTIONS=detect_leaks=0";
    char *const arguments[] = {name, how, NULL};
    char *const environment[] = {variable, options, NULL};
    const struct child_plan plan = {
        .program = fake_path,
        .arguments = arguments,
        .environment = environment,
        .spec = spec,
        .spec_bytes = bytes,
        .in_max_bytes = strcmp(behaviour, "answer") == 0 ? 1024 * 1024 : CHILD_MESSAGES_MAX_BYTES,
    };
    child_init(child);
    struct err err = {.status = ST_OK};
    if (child_spawn(&plan, child, &err) != ST_OK) {
        fail_msg("spawn: %s", err.text);
    }
    assert_true(child_is_present(child));
}

static void spawn(struct child *child, const char *behaviour)
{
    spawn_with(child, behaviour, "{}", 2);
}

/* Wait until the child wants to be read or written, and do it. */
static void serve(struct child *child)
{
    struct pollfd fds[2] = {{.fd = child->from_fd, .events = POLLIN}, {.fd = -1}};
    if (child_has_unsent(child)) {
        fds[1] = (struct pollfd){.fd = child->to_fd, .events = POLLOUT};
    }
    assert_true(poll(fds, 2, PATIENCE_MS) > 0);
    if (fds[1].revents != 0) {
        child_write(child);
    }
    if (fds[0].revents != 0) {
        assert_int_equal(child_read(child, NULL), ST_OK);
    }
}

/* The next message, whatever it takes. */
static enum status next_message(struct child *child, union child_message *ret_message)
{
    for (;;) {
        bool has = false;
        enum status st = child_take_message(child, GENERATION, &has, ret_message, NULL);
        if (st != ST_OK || has) {
            return st;
        }
        assert_true(child->from_fd >= 0);
        serve(child);
    }
}

static void expect_said(struct child *child, const char *text)
{
    union child_message message;
    assert_int_equal(next_message(child, &message), ST_OK);
    assert_int_equal(message.header.type, PROTOCOL_MESSAGE_EVENT);
    assert_string_equal(message.event.text, text);
}

/* Wait for the end without reaping, then reap. */
static struct child_end end_of(struct child *child)
{
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOWAIT), 0);
    struct child_end end;
    assert_true(child_reap(child, &end));
    assert_false(child_is_present(child));
    struct child_end again;
    assert_false(child_reap(child, &again));
    return end;
}

static void a_large_spec_arrives_whole(void **state)
{
    (void)state;
    const size_t len_bytes = 2 * 1024 * 1024 + 5;
    char *spec = malloc(len_bytes);
    assert_non_null(spec);
    unsigned long sum = 0;
    for (size_t i = 0; i < len_bytes; i++) {
        spec[i] = (char)('A' + i % 37);
        sum = sum * 31 + (unsigned char)spec[i];
    }
    struct child child;
    spawn_with(&child, "spec", spec, len_bytes);
    free(spec); /* it was copied */
    assert_true(child_has_unsent(&child));
    char expected[64];
    (void)snprintf(expected, sizeof(expected), "%zu %lu", len_bytes, sum);
    expect_said(&child, expected);
    assert_false(child_has_unsent(&child));
    assert_null(child.out);
    struct child_end end = end_of(&child);
    assert_false(end.is_signalled);
    assert_int_equal(end.code, 0);
    child_done(&child);
    child_done(&child); /* twice is fine */
}

static void a_spec_past_the_limit_is_refused(void **state)
{
    (void)state;
    char name[] = "fake";
    char *const arguments[] = {name, NULL};
    const struct child_plan plan = {
        .program = fake_path,
        .arguments = arguments,
        .environment = arguments + 1,
        .spec = "",
        .spec_bytes = PROTOCOL_SPEC_MAX_BYTES + 1,
        .in_max_bytes = 100,
    };
    struct child child;
    child_init(&child);
    assert_int_equal(child_spawn(&plan, &child, NULL), ST_TOO_LARGE);
    assert_false(child_is_present(&child));
    assert_int_equal(child.to_fd, -1);
    assert_int_equal(child.from_fd, -1);
}

static void a_child_inherits_what_it_should_and_nothing_else(void **state)
{
    (void)state;
    /* Descriptors that leak on purpose, a blocked and an ignored signal. */
    int leaks[2];
    assert_int_equal(pipe(leaks), 0);
    int high = fcntl(leaks[0], F_DUPFD, 200);
    assert_true(high >= 200);
    sigset_t hup;
    (void)sigemptyset(&hup);
    (void)sigaddset(&hup, SIGHUP);
    assert_int_equal(sigprocmask(SIG_BLOCK, &hup, NULL), 0);
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction before;
    assert_int_equal(sigaction(SIGPIPE, &ignore, &before), 0);
    struct child child;
    spawn(&child, "inherited");
    expect_said(&child, "0 1 2 3 4 in=/dev/null blocked=0 pipe=default variable=given");
    assert_int_equal(end_of(&child).code, 0);
    child_done(&child);
    assert_int_equal(sigaction(SIGPIPE, &before, NULL), 0);
    sigset_t now;
    assert_int_equal(sigprocmask(SIG_UNBLOCK, &hup, &now), 0);
    assert_int_equal(sigismember(&now, SIGHUP), 1); /* our own mask is as it was */
    (void)close(leaks[0]);
    (void)close(leaks[1]);
    (void)close(high);
}

static void a_message_in_two_halves_is_one_message(void **state)
{
    (void)state;
    struct child child;
    spawn(&child, "halves");
    while (child.in.len_bytes < 100) {
        serve(&child);
    }
    bool has = true;
    union child_message message;
    assert_int_equal(child_take_message(&child, GENERATION, &has, &message, NULL), ST_OK);
    assert_false(has);
    child_permit(&child);
    expect_said(&child, "in two halves");
    assert_int_equal(end_of(&child).code, 0);
    child_done(&child);
}

static void messages_of_another_generation_are_dropped(void **state)
{
    (void)state;
    struct child child;
    spawn(&child, "generations");
    union child_message message;
    assert_int_equal(next_message(&child, &message), ST_FENCED);
    expect_said(&child, "from a living one");
    assert_int_equal(end_of(&child).code, 0);
    child_done(&child);
}

static void garbage_ends_the_conversation(void **state)
{
    (void)state;
    struct child child;
    spawn(&child, "garbage");
    expect_said(&child, "before the garbage");
    union child_message message;
    assert_int_equal(next_message(&child, &message), ST_INVALID);
    assert_int_equal(next_message(&child, &message), ST_INVALID); /* and stays so */
    child_kill(&child);
    struct child_end end = end_of(&child);
    assert_true(end.is_signalled);
    assert_int_equal(end.code, SIGKILL);
    child_done(&child);
}

static void many_messages_come_in_order(void **state)
{
    (void)state;
    struct child child;
    spawn(&child, "flood");
    for (int i = 0; i < 500; i++) {
        char expected[16];
        (void)snprintf(expected, sizeof(expected), "%d", i);
        expect_said(&child, expected);
    }
    assert_int_equal(end_of(&child).code, 0);
    child_done(&child);
}

static void what_a_dead_child_wrote_can_still_be_read(void **state)
{
    (void)state;
    struct child child;
    spawn(&child, "generations");
    assert_int_equal(end_of(&child).code, 0);
    union child_message message;
    assert_int_equal(next_message(&child, &message), ST_FENCED);
    expect_said(&child, "from a living one");
    assert_int_equal(child_read(&child, NULL), ST_OK);
    assert_int_equal(child.from_fd, -1); /* the end of the stream */
    child_done(&child);
}

static void a_long_answer_of_a_probe_arrives_whole(void **state)
{
    (void)state;
    struct child child;
    spawn(&child, "answer");
    CLEANUP(freep) char *answer = NULL;
    bool has = false;
    while (!has) {
        serve(&child);
        assert_int_equal(child_take_answer(&child, &has, &answer, NULL), ST_OK);
    }
    assert_int_equal(strlen(answer), 300 * 1024);
    assert_int_equal(end_of(&child).code, 0);
    child_done(&child);
}

static void a_message_is_no_answer(void **state)
{
    (void)state;
    struct child child;
    spawn(&child, "wait");
    while (child.in.len_bytes < sizeof(struct protocol_event)) {
        serve(&child);
    }
    char *answer = NULL;
    bool has = false;
    assert_int_not_equal(child_take_answer(&child, &has, &answer, NULL), ST_OK);
    assert_null(answer);
    child_kill(&child);
    (void)end_of(&child);
    child_done(&child);
}

static void term_ends_a_child_and_kill_ends_a_deaf_one(void **state)
{
    (void)state;
    struct child child;
    spawn(&child, "wait");
    expect_said(&child, "here");
    child_terminate(&child);
    struct child_end end = end_of(&child);
    assert_true(end.is_signalled);
    assert_int_equal(end.code, SIGTERM);
    assert_true(end.ran_ms >= 0 && end.ran_ms < PATIENCE_MS);
    child_done(&child);

    spawn(&child, "stubborn");
    expect_said(&child, "deaf");
    child_terminate(&child);
    struct child_end none;
    assert_false(child_reap(&child, &none));
    child_kill(&child);
    assert_int_equal(end_of(&child).code, SIGKILL);
    child_done(&child);
    child_terminate(&child); /* nobody there: nothing happens */
    child_kill(&child);
}

static void a_full_pipe_takes_no_more_permissions(void **state)
{
    (void)state;
    struct child child;
    spawn(&child, "wait"); /* it never reads */
    expect_said(&child, "here");
    for (int i = 0; i < 100000; i++) {
        child_permit(&child); /* must not block */
    }
    assert_true(child.to_fd >= 0);
    child_kill(&child);
    (void)end_of(&child);
    assert_int_equal(child.to_fd, -1);
    child_permit(&child);
    child_done(&child);
}

static void ends_are_told_in_one_sentence(void **state)
{
    (void)state;
    static const struct {
        const char *behaviour;
        bool is_signalled;
        int code;
        const char *part;
    } cases[] = {
        {"0", false, 0, "ended with exit status 0 after "},
        {"4", false, 4, "ended with exit status 4 after "},
        {"signal", true, SIGUSR2, "was killed by signal 12 (SIGUSR2) after "},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct child child;
        spawn(&child, cases[i].behaviour);
        struct child_end end = end_of(&child);
        assert_int_equal(end.is_signalled, cases[i].is_signalled);
        assert_int_equal(end.code, cases[i].code);
        char obituary[CHILD_OBITUARY_BYTES];
        child_obituary(&end, obituary);
        assert_non_null(strstr(obituary, cases[i].part));
        child_done(&child);
    }
}

static void a_program_that_cannot_run_is_told(void **state)
{
    (void)state;
    char name[] = "none";
    char *const arguments[] = {name, NULL};
    const struct child_plan plan = {
        .program = "/nonexistent/program",
        .arguments = arguments,
        .environment = arguments + 1,
        .spec = "{}",
        .spec_bytes = 2,
        .in_max_bytes = 100,
    };
    struct child child;
    child_init(&child);
    assert_int_equal(child_spawn(&plan, &child, NULL), ST_OK);
    struct child_end end = end_of(&child);
    assert_int_equal(end.code, CHILD_EXIT_NO_EXEC);
    char obituary[CHILD_OBITUARY_BYTES];
    child_obituary(&end, obituary);
    assert_non_null(strstr(obituary, "could not execute"));
    child_done(&child);
}

/* A parent that spawns a child and then is killed: the child must go, too. Its standard error is a
 * pipe that only those two hold, so its end tells that both are gone. */
static void a_child_dies_with_its_parent(void **state)
{
    (void)state;
    int alive[2];
    assert_int_equal(pipe2(alive, O_CLOEXEC), 0);
    pid_t parent = fork();
    assert_true(parent >= 0);
    if (parent == 0) {
        (void)dup2(alive[1], STDERR_FILENO);
        (void)close(alive[0]);
        (void)close(alive[1]);
        struct child child;
        spawn(&child, "wait");
        expect_said(&child, "here");
        (void)!write(STDERR_FILENO, "r", 1);
        for (;;) {
            (void)pause();
        }
    }
    (void)close(alive[1]);
    char byte = 0;
    assert_int_equal(read(alive[0], &byte, 1), 1);
    assert_int_equal(byte, 'r');
    struct pollfd fd = {.fd = alive[0], .events = POLLIN};
    assert_int_equal(poll(&fd, 1, 0), 0); /* both alive */
    assert_int_equal(kill(parent, SIGKILL), 0);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    assert_int_equal(poll(&fd, 1, PATIENCE_MS), 1);
    assert_int_equal(read(alive[0], &byte, 1), 0);
    (void)close(alive[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_spec_arrives_whole),
        cmocka_unit_test(a_spec_past_the_limit_is_refused),
        cmocka_unit_test(a_child_inherits_what_it_should_and_nothing_else),
        cmocka_unit_test(a_message_in_two_halves_is_one_message),
        cmocka_unit_test(messages_of_another_generation_are_dropped),
        cmocka_unit_test(garbage_ends_the_conversation),
        cmocka_unit_test(many_messages_come_in_order),
        cmocka_unit_test(what_a_dead_child_wrote_can_still_be_read),
        cmocka_unit_test(a_long_answer_of_a_probe_arrives_whole),
        cmocka_unit_test(a_message_is_no_answer),
        cmocka_unit_test(term_ends_a_child_and_kill_ends_a_deaf_one),
        cmocka_unit_test(a_full_pipe_takes_no_more_permissions),
        cmocka_unit_test(ends_are_told_in_one_sentence),
        cmocka_unit_test(a_program_that_cannot_run_is_told),
        cmocka_unit_test(a_child_dies_with_its_parent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
