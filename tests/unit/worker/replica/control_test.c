/* Descriptor 3: the spec, permissions in any pieces, and the end of the parent. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"

#include "worker/replica/control.h"

#include <cmocka.h>

struct fixture {
    int to_fd;
    int from_fd;
    struct control control;
};

static void fixture_init(struct fixture *fixture)
{
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    fixture->from_fd = fds[0];
    fixture->to_fd = fds[1];
    clock_fake_start(1000);
    assert_int_equal(control_open(&fixture->control, fixture->from_fd, NULL), ST_OK);
}

static void fixture_done(struct fixture *fixture)
{
    control_close(&fixture->control);
    control_close(&fixture->control);
    closep(&fixture->from_fd);
    closep(&fixture->to_fd);
    clock_fake_stop();
}

static void fixture_send_spec(struct fixture *fixture)
{
    char *text = NULL;
    assert_int_equal(
        protocol_frame_write(fixture->to_fd, PROTOCOL_FRAME_SPEC, "{}", 2, NULL), ST_OK);
    assert_int_equal(control_read_spec(&fixture->control, 1000, &text, NULL), ST_OK);
    assert_string_equal(text, "{}");
    free(text);
}

static void permissions_renew_the_time(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    fixture_send_spec(&fixture);
    control_take(&fixture.control, 5000); /* nothing came, and it does not wait */
    assert_int_equal(fixture.control.heard_ms, 1000);
    const struct protocol_frame frame = {
        .magic = PROTOCOL_MAGIC, .version = PROTOCOL_VERSION, .type = PROTOCOL_FRAME_PERMISSION};
    assert_int_equal(write(fixture.to_fd, &frame, 5), 5);
    control_take(&fixture.control, 6000);
    assert_int_equal(fixture.control.heard_ms, 1000);
    assert_int_equal(
        write(fixture.to_fd, (const char *)&frame + 5, sizeof(frame) - 5), sizeof(frame) - 5);
    control_take(&fixture.control, 7000);
    assert_int_equal(fixture.control.heard_ms, 7000);
    assert_false(fixture.control.is_closed);
    fixture_done(&fixture);
}

static void the_parents_end_and_garbage_close_it(void **state)
{
    (void)state;
    for (int is_garbage = 0; is_garbage < 2; is_garbage++) {
        struct fixture fixture;
        fixture_init(&fixture);
        fixture_send_spec(&fixture);
        if (is_garbage) {
            char garbage[sizeof(struct protocol_frame)] = "no frame at all";
            assert_int_equal(write(fixture.to_fd, garbage, sizeof(garbage)), sizeof(garbage));
        } else {
            closep(&fixture.to_fd);
            fixture.to_fd = -1;
        }
        control_take(&fixture.control, 2000);
        assert_true(fixture.control.is_closed);
        fixture_done(&fixture);
    }
}

static void a_spec_must_come_first_and_in_time(void **state)
{
    (void)state;
    struct fixture fixture;
    char *text = NULL;
    fixture_init(&fixture);
    assert_int_equal(control_read_spec(&fixture.control, 0, &text, NULL), ST_TIMEOUT);
    assert_int_equal(
        protocol_frame_write(fixture.to_fd, PROTOCOL_FRAME_PERMISSION, NULL, 0, NULL), ST_OK);
    assert_int_equal(control_read_spec(&fixture.control, 1000, &text, NULL), ST_INVALID);
    assert_null(text);
    fixture_done(&fixture);
}

static void sigterm_is_read_not_suffered(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    assert_false(control_take_signal(&fixture.control));
    assert_int_equal(raise(SIGTERM), 0);
    assert_true(control_take_signal(&fixture.control));
    assert_false(control_take_signal(&fixture.control));
    fixture_done(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(permissions_renew_the_time),
        cmocka_unit_test(the_parents_end_and_garbage_close_it),
        cmocka_unit_test(a_spec_must_come_first_and_in_time),
        cmocka_unit_test(sigterm_is_read_not_suffered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
