/* Column memory over the sizes where the heap, a mapping and a larger mapping hold it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "worker/replica/block/bytes.h"

#include <cmocka.h>

enum {
    STEP_BYTES = 1000,
    TOTAL_BYTES = 3 * 1000 * 1000,
    MAPPED_BYTES = 256 * 1024,
};

static uint8_t pattern(size_t at)
{
    return (uint8_t)(at * 31 + at / 251);
}

static void fill(struct bytes *b, size_t total)
{
    uint8_t part[STEP_BYTES];
    while (b->len < total) {
        for (size_t i = 0; i < sizeof(part); i++) {
            part[i] = pattern(b->len + i);
        }
        assert_true(bytes_add(b, part, sizeof(part)));
        memset(b->at + b->len, 0xee, BYTES_SLACK); /* the slack is writable at any size */
    }
}

static void assert_filled(const struct bytes *b, size_t total)
{
    assert_int_equal(b->len, total);
    for (size_t i = 0; i < total; i++) {
        if (b->at[i] != pattern(i)) {
            fail_msg("byte %zu of %zu is lost", i, total);
        }
    }
}

static void bytes_keeps_contents_while_growing(void **state)
{
    (void)state;
    struct bytes b = {0};
    fill(&b, TOTAL_BYTES);
    assert_filled(&b, TOTAL_BYTES);
    assert_true(b.capacity < TOTAL_BYTES + TOTAL_BYTES / 3); /* no doubling at this size */
    bytes_done(&b);
    assert_null(b.at);
    bytes_done(&b); /* safe twice */
}

static void bytes_grows_by_any_step(void **state)
{
    (void)state;
    static const size_t STEPS[] = {
        1, 1023, 1024, 1025, MAPPED_BYTES - 1, MAPPED_BYTES, MAPPED_BYTES + 1, 16 * MAPPED_BYTES};
    for (size_t first = 0; first < ARRAY_LEN(STEPS); first++) {
        for (size_t then = 0; then < ARRAY_LEN(STEPS); then++) {
            struct bytes b = {0};
            size_t both = STEPS[first] + STEPS[then];
            assert_true(bytes_add_zeros(&b, STEPS[first]));
            memset(b.at, 0x5a, b.len);
            assert_true(bytes_add_zeros(&b, STEPS[then]));
            assert_int_equal(b.len, both);
            assert_true(b.capacity >= both);
            assert_int_equal(b.at[0], 0x5a);
            assert_int_equal(b.at[STEPS[first] - 1], 0x5a);
            assert_int_equal(b.at[STEPS[first]], 0);
            assert_int_equal(b.at[both - 1], 0);
            memset(b.at + b.capacity, 1, BYTES_SLACK);
            bytes_done(&b);
        }
    }
}

static void bytes_refuses_more_than_its_limit(void **state)
{
    (void)state;
    struct bytes b = {0};
    fill(&b, 2 * STEP_BYTES);
    size_t capacity = b.capacity;
    assert_false(bytes_grow(&b, BYTES_MAX));
    assert_false(bytes_grow(&b, SIZE_MAX));
    assert_int_equal(b.capacity, capacity);
    assert_filled(&b, 2 * STEP_BYTES);
    bytes_done(&b);
}

static void bytes_reset_gives_back_above_the_limit(void **state)
{
    (void)state;
    struct bytes b = {0};
    fill(&b, TOTAL_BYTES);
    size_t capacity = b.capacity;
    bytes_reset(&b, capacity);
    assert_int_equal(b.len, 0);
    assert_int_equal(b.capacity, capacity);
    fill(&b, TOTAL_BYTES);
    assert_filled(&b, TOTAL_BYTES);
    bytes_reset(&b, capacity - 1);
    assert_int_equal(b.capacity, 0);
    assert_null(b.at);
    fill(&b, TOTAL_BYTES);
    assert_filled(&b, TOTAL_BYTES);
    bytes_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_keeps_contents_while_growing),
        cmocka_unit_test(bytes_grows_by_any_step),
        cmocka_unit_test(bytes_refuses_more_than_its_limit),
        cmocka_unit_test(bytes_reset_gives_back_above_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
