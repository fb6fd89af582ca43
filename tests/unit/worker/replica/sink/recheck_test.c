/* Which rows are missing. (The questions themselves: sink_once_test.c.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "worker/replica/sink/recheck.h"

#include <cmocka.h>

static void rows_that_are_not_stored_are_missing(void **state)
{
    (void)state;
    static const int64_t offsets[] = {5, 6, 8, 8, 8, 9, 7}; /* three rows of one record */
    static const struct {
        const char *name;
        struct clickhouse_stored_offset stored[8];
        size_t stored_count;
        size_t missing[8];
        size_t missing_count;
    } cases[] = {
        {"nothing stored", {{0}}, 0, {0, 1, 2, 3, 4, 5, 6}, 7},
        {"all stored", {{5, 1}, {6, 1}, {7, 1}, {8, 3}, {9, 1}}, 5, {0}, 0},
        {"stored twice", {{5, 2}, {6, 1}, {7, 9}, {8, 6}, {9, 1}}, 5, {0}, 0},
        {"a record in part", {{5, 1}, {6, 1}, {7, 1}, {8, 2}, {9, 1}}, 5, {2, 3, 4}, 3},
        {"ends missing", {{6, 1}, {8, 3}}, 2, {0, 5, 6}, 3},
        {"others stored", {{1, 1}, {10, 4}}, 2, {0, 1, 2, 3, 4, 5, 6}, 7},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t missing[ARRAY_LEN(offsets)];
        print_message("%s\n", cases[i].name);
        size_t count = recheck_missing(
            cases[i].stored, cases[i].stored_count, offsets, ARRAY_LEN(offsets), missing);
        assert_int_equal(count, cases[i].missing_count);
        assert_memory_equal(missing, cases[i].missing, count * sizeof(missing[0]));
    }
    size_t none = 0;
    assert_int_equal(recheck_missing(NULL, 0, offsets, 0, &none), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_that_are_not_stored_are_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
