/* The buffer keeps its limit, and its contents on every refusal. */
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"

#include "tests/unit/unit.h"

static void text_is_always_terminated(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    assert_string_equal(buf_text(&b), "");
    assert_int_equal(buf_add_text(&b, "ab"), ST_OK);
    assert_int_equal(buf_add(&b, NULL, 0), ST_OK);
    assert_int_equal(buf_add_format(&b, "-%d", 42), ST_OK);
    assert_string_equal(buf_text(&b), "ab-42");
    assert_int_equal(b.len_bytes, 5);
    buf_reset(&b);
    assert_string_equal(buf_text(&b), "");
    buf_done(&b);
    buf_done(&b);
}

static void the_limit_holds_and_a_refusal_changes_nothing(void **state)
{
    (void)state;
    static const struct {
        size_t max_bytes;
        size_t first_bytes;
        size_t second_bytes;
        enum status expected;
    } cases[] = {
        {10, 9, 1, ST_OK},
        {10, 10, 0, ST_OK},
        {10, 10, 1, ST_TOO_LARGE},
        {0, 0, 0, ST_OK},
        {0, 0, 1, ST_TOO_LARGE},
        {1000, 64, 936, ST_OK},
        {1000, 64, 937, ST_TOO_LARGE},
        {10, 5, (size_t)-1, ST_TOO_LARGE},
    };
    char bytes[1000];
    memset(bytes, 'x', sizeof(bytes));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf b;
        buf_init(&b, cases[i].max_bytes);
        assert_int_equal(buf_add(&b, bytes, cases[i].first_bytes), ST_OK);
        assert_int_equal(buf_add(&b, bytes, cases[i].second_bytes), cases[i].expected);
        size_t expected_bytes =
            cases[i].first_bytes + (cases[i].expected == ST_OK ? cases[i].second_bytes : 0);
        assert_int_equal(b.len_bytes, expected_bytes);
        buf_done(&b);
    }
}

static void format_past_the_limit_is_refused_whole(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 4);
    assert_int_equal(buf_add_format(&b, "%s", "12345"), ST_TOO_LARGE);
    assert_int_equal(b.len_bytes, 0);
    assert_int_equal(buf_add_format(&b, "%s", "1234"), ST_OK);
    buf_done(&b);
}

static void take_hands_the_memory_over(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10);
    assert_null(buf_take_text(&b));
    assert_int_equal(buf_add_text(&b, "mine"), ST_OK);
    char *text = buf_take_text(&b);
    assert_string_equal(text, "mine");
    assert_int_equal(b.len_bytes, 0);
    assert_int_equal(buf_add_text(&b, "again"), ST_OK);
    free(text);
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_always_terminated),
        cmocka_unit_test(the_limit_holds_and_a_refusal_changes_nothing),
        cmocka_unit_test(format_past_the_limit_is_refused_whole),
        cmocka_unit_test(take_hands_the_memory_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
