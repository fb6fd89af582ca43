/* Secrets compare whole and vanish when done. */
#include <string.h>

#include "common/base/secret.h"

#include "tests/unit/unit.h"

static void equality_needs_every_byte(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len_bytes;
        bool expected;
    } cases[] = {
        {"s3cret", 6, true}, {"s3creT", 6, false},  {"S3cret", 6, false},
        {"s3cre", 5, false}, {"s3cret!", 7, false}, {"", 0, false},
    };
    struct secret secret = {0};
    assert_false(secret_equals(&secret, "", 0));
    assert_int_equal(secret_set(&secret, "s3cret", 6), ST_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(
            secret_equals(&secret, cases[i].bytes, cases[i].len_bytes), cases[i].expected);
    }
    secret_done(&secret);
    assert_null(secret.bytes);
    secret_done(&secret);
}

static void an_empty_secret_is_set(void **state)
{
    (void)state;
    struct secret secret = {0};
    assert_int_equal(secret_set(&secret, NULL, 0), ST_OK);
    assert_true(secret_equals(&secret, "", 0));
    secret_done(&secret);
}

static void wipe_overwrites_memory(void **state)
{
    (void)state;
    char bytes[8] = "private";
    secret_wipe(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        assert_int_equal(bytes[i], 0);
    }
    secret_wipe(NULL, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equality_needs_every_byte),
        cmocka_unit_test(an_empty_secret_is_set),
        cmocka_unit_test(wipe_overwrites_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
