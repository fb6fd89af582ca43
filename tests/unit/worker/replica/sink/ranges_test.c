/* Refused rows are found exactly, whoever hints, and in how many tries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/attr.h"

#include "worker/replica/sink/ranges.h"

#include <cmocka.h>

enum {
    ROWS_MAX = 100000
};

enum hints {
    HINTS_NONE,
    HINTS_FIRST, /* the first bad row that is tried */
    HINTS_LAST,
    HINTS_WRONG, /* a good row */
    HINTS_WILD,  /* any number */
};

struct outcome {
    size_t tries;
    size_t stored; /* inserts that passed */
    size_t sent_rows;
};

static bool is_bad[ROWS_MAX];
static uint8_t fate[ROWS_MAX]; /* 1 = stored, 2 = refused */

static size_t next_random(void)
{
    static uint64_t state = 88172645463325252U;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)(state >> 11);
}

static size_t
hint_of(enum hints hints, size_t tried, size_t first_bad, size_t last_bad, size_t good)
{
    switch (hints) {
    case HINTS_NONE:
        return 0;
    case HINTS_FIRST:
        return first_bad;
    case HINTS_LAST:
        return last_bad;
    case HINTS_WRONG:
        return good;
    case HINTS_WILD:
        return next_random() % (2 * tried);
    }
    return 0;
}

static struct outcome run(size_t rows, enum hints hints)
{
    struct ranges ranges;
    struct outcome outcome = {.tries = 0};
    memset(&ranges, 0, sizeof(ranges));
    memset(fate, 0, sizeof(fate));
    ranges_begin(&ranges, rows);
    const struct range *range = NULL;
    while ((range = ranges_next(&ranges)) != NULL) {
        assert_ptr_equal(range, ranges_next(&ranges));
        size_t at = 0;
        size_t from = 0;
        size_t count = 0;
        size_t tried = 0;
        size_t first_bad = 0;
        size_t last_bad = 0;
        size_t good = 0;
        static size_t touched[ROWS_MAX];
        while (ranges_run(&ranges, range, &at, &from, &count)) {
            for (size_t row = from; row < from + count; row++) {
                assert_true(row < rows && fate[row] == 0);
                touched[tried++] = row;
                good = is_bad[row] ? good : tried;
                first_bad = is_bad[row] && first_bad == 0 ? tried : first_bad;
                last_bad = is_bad[row] ? tried : last_bad;
            }
        }
        assert_true(tried > 0);
        assert_int_equal(tried, ranges_tried(&ranges, range));
        outcome.tries++;
        outcome.sent_rows += tried;
        assert_true(outcome.tries < 20 * ROWS_MAX);
        if (first_bad == 0) {
            for (size_t i = 0; i < tried; i++) {
                fate[touched[i]] = 1;
            }
            outcome.stored++;
            ranges_accepted(&ranges);
            continue;
        }
        bool is_row = false;
        size_t row = 0;
        assert_int_equal(
            ranges_refused(
                &ranges, hint_of(hints, tried, first_bad, last_bad, good), &is_row, &row),
            ST_OK);
        assert_int_equal(is_row, tried == 1);
        if (is_row) {
            assert_int_equal(row, touched[0]);
            fate[row] = 2;
        }
    }
    for (size_t row = 0; row < rows; row++) {
        assert_int_equal(fate[row], is_bad[row] ? 2 : 1);
    }
    ranges_done(&ranges);
    return outcome;
}

static void set_bad(size_t rows, size_t one_in)
{
    memset(is_bad, 0, sizeof(is_bad));
    for (size_t row = 0; row < rows; row++) {
        is_bad[row] = one_in > 0 && next_random() % one_in == 0;
    }
}

static void every_row_is_stored_or_refused_once(void **state)
{
    (void)state;
    static const size_t ROWS[] = {0, 1, 2, 3, 7, 64, 1000};
    static const size_t ONE_IN[] = {0, 1, 2, 10, 300};
    for (size_t r = 0; r < ARRAY_LEN(ROWS); r++) {
        for (size_t o = 0; o < ARRAY_LEN(ONE_IN); o++) {
            for (int round = 0; round < 20; round++) {
                set_bad(ROWS[r], ONE_IN[o]);
                for (enum hints hints = HINTS_NONE; hints <= HINTS_WILD; hints++) {
                    (void)run(ROWS[r], hints);
                }
            }
        }
    }
}

static void few_refused_rows_cost_few_tries(void **state)
{
    (void)state;
    memset(is_bad, 0, sizeof(is_bad));
    is_bad[70000] = true;
    assert_in_range(run(ROWS_MAX, HINTS_NONE).tries, 2, 40);
    assert_in_range(run(ROWS_MAX, HINTS_FIRST).tries, 2, 6);
    set_bad(ROWS_MAX, 200);
    struct outcome halved = run(ROWS_MAX, HINTS_NONE);
    struct outcome hinted = run(ROWS_MAX, HINTS_FIRST);
    struct outcome misled = run(ROWS_MAX, HINTS_WRONG);
    print_message(
        "one of 200: halved %zu tries, %zu stored, %zu rows; hinted %zu, %zu, %zu; misled %zu\n",
        halved.tries, halved.stored, halved.sent_rows, hinted.tries, hinted.stored,
        hinted.sent_rows, misled.tries);
    assert_true(halved.tries < 7000);
    assert_true(hinted.tries < 1300);
    assert_true(hinted.stored < 150);
    assert_true(misled.tries < halved.tries + 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_stored_or_refused_once),
        cmocka_unit_test(few_refused_rows_cost_few_tries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
