/*
 * What child_test starts in place of a replica: the first argument says how to behave. Talks the
 * protocol on descriptors 3 and 4 and nothing else.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/parse.h"

#include "worker/protocol/protocol.h"

enum {
    GENERATION = 7,
    WAIT_FOR_EVER = -1 /* instead of an exit status */
};

static void send_bytes(const void *bytes, size_t len_bytes)
{
    const char *from = bytes;
    while (len_bytes > 0) {
        ssize_t wrote = write(PROTOCOL_FD_REPORT, from, len_bytes);
        if (wrote <= 0) {
            _exit(90);
        }
        from += wrote;
        len_bytes -= (size_t)wrote;
    }
}

static struct protocol_event event(int64_t generation, const char *text)
{
    struct protocol_event message = {.event = "said"};
    protocol_header_init(&message.header, PROTOCOL_MESSAGE_EVENT, sizeof(message), generation);
    (void)snprintf(message.text, sizeof(message.text), "%s", text); /* cut is fine */
    return message;
}

static void say(const char *text)
{
    struct protocol_event message = event(GENERATION, text);
    send_bytes(&message, sizeof(message));
}

/* Wait for one frame and forget it. */
static void wait_frame(void)
{
    struct protocol_frame frame;
    char *bytes = NULL;
    if (protocol_frame_read(PROTOCOL_FD_SPEC, PROTOCOL_SPEC_MAX_BYTES, &frame, &bytes, NULL) !=
        ST_OK) {
        _exit(91);
    }
    free(bytes);
}

/* Length and sum of the spec's bytes. */
static int do_spec(void)
{
    struct protocol_frame frame;
    char *bytes = NULL;
    if (protocol_frame_read(PROTOCOL_FD_SPEC, PROTOCOL_SPEC_MAX_BYTES, &frame, &bytes, NULL) !=
        ST_OK) {
        return 91;
    }
    unsigned long sum = 0;
    for (uint32_t i = 0; i < frame.len_bytes; i++) {
        sum = sum * 31 + (unsigned char)bytes[i];
    }
    free(bytes);
    char text[64];
    (void)snprintf(text, sizeof(text), "%u %lu", frame.len_bytes, sum);
    say(text);
    return 0;
}

/* The open descriptors, the standard input, and what is blocked or ignored. */
static int do_inherited(void)
{
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, 512);
    bool is_told = true;
    for (int fd = 0; fd < 1024; fd++) {
        if (fcntl(fd, F_GETFD) >= 0) {
            is_told = is_told && buf_add_format(&text, "%d ", fd) == ST_OK;
        }
    }
    char input[64] = "";
    is_told = is_told && readlink("/proc/self/fd/0", input, sizeof(input) - 1) > 0;
    sigset_t blocked;
    struct sigaction pipe_action;
    if (!is_told || sigprocmask(SIG_SETMASK, NULL, &blocked) != 0 ||
        sigaction(SIGPIPE, NULL, &pipe_action) != 0) {
        return 92;
    }
    int blocked_count = 0;
    for (int number = 1; number < 32; number++) {
        blocked_count += sigismember(&blocked, number) == 1;
    }
    const char *variable = getenv("FAKE_VARIABLE");
    if (buf_add_format(
            &text, "in=%s blocked=%d pipe=%s variable=%s", input, blocked_count,
            pipe_action.sa_handler == SIG_DFL ? "default" : "other",
            variable == NULL ? "none" : variable) != ST_OK) {
        return 92;
    }
    say(buf_text(&text));
    return 0;
}

static int do_halves(void)
{
    wait_frame();
    struct protocol_event message = event(GENERATION, "in two halves");
    send_bytes(&message, 100);
    wait_frame(); /* a permission: the parent has read the first half */
    send_bytes((const char *)&message + 100, sizeof(message) - 100);
    return 0;
}

static int do_generations(void)
{
    struct protocol_event message = event(GENERATION - 1, "from a dead one");
    send_bytes(&message, sizeof(message));
    say("from a living one");
    return 0;
}

static int do_garbage(void)
{
    say("before the garbage");
    char garbage[300];
    memset(garbage, 'g', sizeof(garbage));
    send_bytes(garbage, sizeof(garbage));
    return WAIT_FOR_EVER;
}

static int do_flood(void)
{
    for (int i = 0; i < 500; i++) {
        char text[16];
        (void)snprintf(text, sizeof(text), "%d", i);
        say(text);
    }
    return 0;
}

static int do_answer(void)
{
    enum {
        ANSWER_BYTES = 300 * 1024
    };
    char *answer = malloc(ANSWER_BYTES);
    if (answer == NULL) {
        return 93;
    }
    memset(answer, 'a', ANSWER_BYTES);
    wait_frame();
    enum status st =
        protocol_frame_write(PROTOCOL_FD_REPORT, PROTOCOL_FRAME_ANSWER, answer, ANSWER_BYTES, NULL);
    free(answer);
    return st == ST_OK ? 0 : 94;
}

static int do_stubborn(void)
{
    sigset_t term;
    (void)sigemptyset(&term);
    (void)sigaddset(&term, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &term, NULL) != 0) {
        return 92;
    }
    say("deaf");
    return WAIT_FOR_EVER;
}

static int do_wait(void)
{
    say("here");
    return WAIT_FOR_EVER;
}

static int do_abort(void)
{
    return raise(SIGUSR2);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(void);
    } table[] = {
        {"spec", do_spec},       {"inherited", do_inherited},
        {"halves", do_halves},   {"generations", do_generations},
        {"garbage", do_garbage}, {"flood", do_flood},
        {"answer", do_answer},   {"stubborn", do_stubborn},
        {"wait", do_wait},       {"signal", do_abort},
    };
    for (size_t i = 0; argc > 1 && i < ARRAY_LEN(table); i++) {
        if (strcmp(argv[1], table[i].name) == 0) {
            int code = table[i].run();
            while (code == WAIT_FOR_EVER) {
                (void)pause(); /* returns only after a signal */
            }
            return code;
        }
    }
    int64_t code = 99;
    if (argc > 1 && parse_i64(argv[1], 0, 255, &code) != ST_OK) {
        return 99;
    }
    return (int)code;
}
