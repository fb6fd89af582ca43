/* Rows of a try, whatever was left out before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/attr.h"

#include "worker/replica/sink/tries.h"

#include <cmocka.h>

enum {
    ROWS_MAX = 100
};

/* The rows of the present try. */
static size_t rows_of(const struct tries *tries, size_t rows[ROWS_MAX])
{
    struct tries_cursor cursor = {.at = 0};
    size_t from = 0;
    size_t count = 0;
    size_t rows_count = 0;
    while (tries_run(tries, &cursor, &from, &count)) {
        for (size_t i = 0; i < count; i++) {
            assert_true(rows_count < ROWS_MAX);
            rows[rows_count++] = from + i;
        }
    }
    assert_int_equal(rows_count, tries_rows(tries));
    return rows_count;
}

static size_t *list(const size_t *rows, size_t count)
{
    size_t *copy = calloc(count + 1, sizeof(*copy));
    assert_non_null(copy);
    memcpy(copy, rows, count * sizeof(*copy));
    return copy;
}

static void all_rows_are_the_whole(void **state)
{
    (void)state;
    size_t rows[ROWS_MAX];
    struct tries tries = {.only = NULL};
    tries_begin(&tries, 10);
    assert_true(tries_next(&tries));
    assert_true(tries_is_whole(&tries));
    assert_int_equal(rows_of(&tries, rows), 10);
    assert_int_equal(tries_first_row(&tries), 0);
    tries_accepted(&tries);
    assert_false(tries_next(&tries));
    tries_begin(&tries, 0);
    assert_false(tries_next(&tries));
    tries_done(&tries);
    tries_done(&tries);
}

static void some_rows_keep_their_numbers(void **state)
{
    (void)state;
    static const size_t some[] = {1, 2, 3, 7, 9, 10};
    size_t rows[ROWS_MAX];
    struct tries tries = {.only = NULL};
    tries_begin(&tries, 12);
    tries_only(&tries, list(some, ARRAY_LEN(some)), ARRAY_LEN(some));
    assert_true(tries_next(&tries));
    assert_false(tries_is_whole(&tries));
    assert_int_equal(rows_of(&tries, rows), ARRAY_LEN(some));
    assert_memory_equal(rows, some, sizeof(some));
    bool is_row = true;
    assert_int_equal(tries_refused(&tries, 0, &is_row), ST_OK); /* cut */
    assert_false(is_row);
    assert_true(tries_next(&tries));
    assert_int_equal(rows_of(&tries, rows), 3);
    assert_int_equal(rows[2], 3);
    tries_accepted(&tries);
    size_t left = 0;
    while (tries_next(&tries)) {
        left += rows_of(&tries, rows);
        assert_true(tries_first_row(&tries) >= 7);
        tries_accepted(&tries);
    }
    assert_int_equal(left, 3);
    tries_only(&tries, list(some, 0), 0);
    assert_false(tries_next(&tries)); /* none is left */
    tries_done(&tries);
}

static void a_hash_is_of_the_rows(void **state)
{
    (void)state;
    static const size_t a[] = {1, 2, 3};
    static const size_t b[] = {1, 2, 4};
    static const size_t c[] = {1, 3, 4};
    uint64_t hashes[4];
    struct tries tries = {.only = NULL};
    tries_only(&tries, list(a, 3), 3);
    assert_true(tries_next(&tries));
    hashes[0] = tries_hash(&tries);
    tries_only(&tries, list(b, 3), 3);
    assert_true(tries_next(&tries));
    hashes[1] = tries_hash(&tries);
    tries_only(&tries, list(c, 3), 3);
    assert_true(tries_next(&tries));
    hashes[2] = tries_hash(&tries);
    tries_begin(&tries, 3);
    assert_true(tries_next(&tries));
    hashes[3] = tries_hash(&tries);
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_true(hashes[i] != hashes[j]);
        }
    }
    tries_only(&tries, list(a, 3), 3);
    assert_true(tries_next(&tries));
    assert_true(tries_hash(&tries) == hashes[0]); /* in each life */
    tries_done(&tries);
}

static void halves_are_not_blamed(void **state)
{
    (void)state;
    size_t rows[ROWS_MAX];
    struct tries tries = {.only = NULL};
    tries_begin(&tries, 11);
    assert_true(tries_next(&tries));
    assert_true(tries_halve(&tries));
    assert_true(tries_next(&tries));
    assert_int_equal(rows_of(&tries, rows), 5);
    tries_accepted(&tries);
    assert_true(tries_next(&tries));
    assert_int_equal(rows_of(&tries, rows), 6); /* whole: nobody said that it is bad */
    tries_accepted(&tries);
    assert_false(tries_next(&tries));
    tries_begin(&tries, 1);
    assert_true(tries_next(&tries));
    assert_false(tries_halve(&tries));
    tries_done(&tries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_rows_are_the_whole),
        cmocka_unit_test(some_rows_keep_their_numbers),
        cmocka_unit_test(a_hash_is_of_the_rows),
        cmocka_unit_test(halves_are_not_blamed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
