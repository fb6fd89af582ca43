/* Addresses: the shapes that are taken, and none behind or in front. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/base/attr.h"

#include "worker/replica/decode/ip_text.h"

#include <cmocka.h>

static void v4(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t address;
    } GOOD[] = {
        {"1.2.3.4", 0x01020304},
        {"0.0.0.0", 0},
        {"255.255.255.255", UINT32_MAX},
        {"001.02.3.004", 0x01020304},
    };
    static const char *const BAD[] = {"",          "1.2.3",   "1.2.3.4.",  "1.2.3.4.5",
                                      "256.1.1.1", "1..2.3",  ".1.2.3",    "1.2.3.4 ",
                                      " 1.2.3.4",  "a.b.c.d", "0001.2.3.4"};
    uint32_t address = 0;
    for (size_t i = 0; i < ARRAY_LEN(GOOD); i++) {
        assert_true(ip_read_v4((const uint8_t *)GOOD[i].text, strlen(GOOD[i].text), &address));
        assert_int_equal(address, GOOD[i].address);
    }
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        assert_false(ip_read_v4((const uint8_t *)BAD[i], strlen(BAD[i]), &address));
    }
    assert_false(ip_read_v4((const uint8_t *)"1.2.3.45", 6, &address));
}

static void v6(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint8_t bytes[IPV6_BYTES];
    } GOOD[] = {
        {"::", {0}},
        {"::1", {[15] = 1}},
        {"2001:DB8::ff", {0x20, 0x01, 0x0d, 0xb8, [15] = 0xff}},
        {"1.2.3.4", {[10] = 0xff, 0xff, 1, 2, 3, 4}},
        {"::ffff:1.2.3.4", {[10] = 0xff, 0xff, 1, 2, 3, 4}},
    };
    static const char *const BAD[] = {
        "",
        ":",
        ":::",
        "1::2::3",
        "fe80::1%eth0",
        "[::1]",
        "12345::",
        "::1 ",
        "01.2.3.4",
        "1:2",
        "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"};
    uint8_t bytes[IPV6_BYTES];
    for (size_t i = 0; i < ARRAY_LEN(GOOD); i++) {
        assert_true(ip_read_v6((const uint8_t *)GOOD[i].text, strlen(GOOD[i].text), bytes));
        assert_memory_equal(bytes, GOOD[i].bytes, sizeof(bytes));
    }
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        assert_false(ip_read_v6((const uint8_t *)BAD[i], strlen(BAD[i]), bytes));
    }
    assert_false(ip_read_v6((const uint8_t *)"::1\0 ", 5, bytes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v4),
        cmocka_unit_test(v6),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
