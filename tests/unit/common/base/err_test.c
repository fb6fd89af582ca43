/* Error texts compose from the inside out and never overflow. */
#include <errno.h>
#include <string.h>

#include "common/base/err.h"

#include "tests/unit/unit.h"

static void set_returns_the_status_and_keeps_the_text(void **state)
{
    (void)state;
    struct err err = {0};
    assert_int_equal(err_set(&err, ST_NOT_FOUND, "topic %s", "orders"), ST_NOT_FOUND);
    assert_int_equal(err.status, ST_NOT_FOUND);
    assert_string_equal(err.text, "topic orders");
    assert_int_equal(err_set(NULL, ST_IO, "nobody listens"), ST_IO);
}

static void errno_text_follows_the_message(void **state)
{
    (void)state;
    struct err err = {0};
    assert_int_equal(err_errno(&err, ST_IO, ENOENT, "open %s", "key"), ST_IO);
    assert_string_equal(err.text, "open key: No such file or directory");
    assert_int_equal(err_errno(NULL, ST_IO, ENOENT, "x"), ST_IO);
}

static void wrap_puts_context_in_front(void **state)
{
    (void)state;
    struct err err = {0};
    (void)err_set(&err, ST_TIMEOUT, "no answer in 5 s");
    assert_int_equal(err_wrap(&err, "pipe %d", 7), ST_TIMEOUT);
    assert_string_equal(err.text, "pipe 7: no answer in 5 s");
    assert_int_equal(err_wrap(NULL, "x"), ST_INTERNAL);
}

static void long_texts_are_cut_and_say_so(void **state)
{
    (void)state;
    char big[ERR_TEXT_BYTES + 100];
    memset(big, 'a', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    struct err err = {0};
    (void)err_set(&err, ST_IO, "%s", big);
    assert_int_equal(strlen(err.text), ERR_TEXT_BYTES - 1);
    assert_string_equal(err.text + ERR_TEXT_BYTES - 4, "...");
    (void)err_wrap(&err, "context");
    assert_int_equal(strlen(err.text), ERR_TEXT_BYTES - 1);
    assert_memory_equal(err.text, "context: aaa", 12);
    assert_string_equal(err.text + ERR_TEXT_BYTES - 4, "...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_returns_the_status_and_keeps_the_text),
        cmocka_unit_test(errno_text_follows_the_message),
        cmocka_unit_test(wrap_puts_context_in_front),
        cmocka_unit_test(long_texts_are_cut_and_say_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
