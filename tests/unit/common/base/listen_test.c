/* PENSTOCK_LISTEN: addresses that work, texts that do not. */
#include <string.h>

#include "common/base/listen.h"

#include "tests/unit/unit.h"

static void loopback_and_port_zero(void **state)
{
    (void)state;
    struct listener listener = {.fd = -1};
    assert_int_equal(listen_open("127.0.0.1:0", &listener, NULL), ST_OK);
    assert_true(listener.is_loopback);
    assert_int_equal(strncmp(listener.address, "127.0.0.1:", 10), 0);
    assert_string_not_equal(listener.address, "127.0.0.1:0");
    /* The port is taken now. */
    struct listener second = {.fd = -1};
    struct err err = {0};
    assert_int_equal(listen_open(listener.address, &second, &err), ST_IO);
    assert_non_null(strstr(err.text, listener.address));
    listen_close(&listener);
    listen_close(&listener);
    assert_int_equal(listener.fd, -1);
}

static void public_address(void **state)
{
    (void)state;
    struct listener listener = {.fd = -1};
    assert_int_equal(listen_open("0.0.0.0:0", &listener, NULL), ST_OK);
    assert_false(listener.is_loopback);
    listen_close(&listener);
}

static void ipv6(void **state)
{
    (void)state;
    struct listener listener = {.fd = -1};
    if (listen_open("[::1]:0", &listener, NULL) == ST_IO) {
        skip(); /* a machine without IPv6 */
    }
    assert_true(listener.is_loopback);
    assert_int_equal(strncmp(listener.address, "[::1]:", 6), 0);
    listen_close(&listener);
}

static void texts_that_are_no_address(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "8088",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "127.0.0.1:x",
        ":8088",
        "::1:8088",
        "[]:8088",
        "[::1:8088",
        "host with blanks:1",
        "127.0.0.1.5:1",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct listener listener = {.fd = -1};
        struct err err = {0};
        assert_int_equal(listen_open(texts[i], &listener, &err), ST_INVALID);
        assert_non_null(strstr(err.text, "listen address"));
        assert_int_equal(listener.fd, -1);
        bool is_loopback = false;
        assert_int_equal(listen_check(texts[i], &is_loopback, NULL), ST_INVALID);
    }
}

static void checked_without_binding(void **state)
{
    (void)state;
    bool is_loopback = false;
    /* A port that a check would not get if it tried to bind. */
    struct listener listener = {.fd = -1};
    assert_int_equal(listen_open("127.0.0.1:0", &listener, NULL), ST_OK);
    assert_int_equal(listen_check(listener.address, &is_loopback, NULL), ST_OK);
    assert_true(is_loopback);
    listen_close(&listener);
    assert_int_equal(listen_check("0.0.0.0:8088", &is_loopback, NULL), ST_OK);
    assert_false(is_loopback);
    assert_int_equal(listen_check("[::1]:8088", &is_loopback, NULL), ST_OK);
    assert_true(is_loopback);
    assert_int_equal(listen_check("[::]:8088", &is_loopback, NULL), ST_OK);
    assert_false(is_loopback);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loopback_and_port_zero),
        cmocka_unit_test(public_address),
        cmocka_unit_test(ipv6),
        cmocka_unit_test(texts_that_are_no_address),
        cmocka_unit_test(checked_without_binding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
