/* Durations and retries find their places; the bounds ascend. */
#include "common/metrics/inserts.h"

#include "tests/unit/unit.h"

static void durations_fall_into_their_buckets(void **state)
{
    (void)state;
    uint64_t numbers[INSERT_NUMBERS] = {0};
    static const int64_t durations_ms[] = {-5, 0, 10, 11, 30, 30001, 1000000};
    for (size_t i = 0; i < ARRAY_LEN(durations_ms); i++) {
        insert_count_duration(numbers, durations_ms[i]);
    }
    assert_int_equal(numbers[INSERT_SUM_MS], 10 + 11 + 30 + 30001 + 1000000);
    assert_int_equal(numbers[INSERT_FIRST_BUCKET], 3);
    assert_int_equal(numbers[INSERT_FIRST_BUCKET + 1], 2);
    assert_int_equal(numbers[INSERT_FIRST_BUCKET + INSERT_BUCKETS - 1], 2);
    for (unsigned i = 1; i < INSERT_BUCKETS; i++) {
        assert_true(insert_bound_ms(i) > insert_bound_ms(i - 1));
    }
    assert_true(insert_bound_ms(INSERT_BUCKETS - 1) == INT64_MAX);
}

static void retries_are_counted_by_their_code(void **state)
{
    (void)state;
    static const struct {
        int code;
        const char *text;
    } cases[] = {{0, "none"}, {252, "252"}, {319, "319"}, {999, "other"}, {-1, "other"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t numbers[INSERT_NUMBERS] = {0};
        insert_count_retry(numbers, cases[i].code);
        unsigned place = 0;
        while (numbers[INSERT_FIRST_CODE + place] == 0) {
            place++;
        }
        assert_true(place < INSERT_CODES);
        assert_string_equal(insert_code_text(place), cases[i].text);
    }
}

static void latencies_fall_into_their_buckets(void **state)
{
    (void)state;
    uint64_t numbers[INSERT_NUMBERS] = {0};
    insert_count_latency(numbers, -1, 1);
    insert_count_latency(numbers, 1, 2);
    insert_count_latency(numbers, 3, 16);
    insert_count_latency(numbers, latency_bound_ms(INSERT_LATENCIES - 2), 4);
    insert_count_latency(numbers, latency_bound_ms(INSERT_LATENCIES - 2) + 1, 5);
    insert_count_latency(numbers, INT64_MAX / 100, 1);
    assert_int_equal(numbers[INSERT_FIRST_LATENCY], 3);
    assert_int_equal(numbers[INSERT_FIRST_LATENCY + 2], 16);
    assert_int_equal(numbers[INSERT_FIRST_LATENCY + INSERT_LATENCIES - 2], 4);
    assert_int_equal(numbers[INSERT_FIRST_LATENCY + INSERT_LATENCIES - 1], 6);
    assert_int_equal(
        numbers[INSERT_LATENCY_SUM_MS],
        2 + 48 + 9 * latency_bound_ms(INSERT_LATENCIES - 2) + 5 + INT64_MAX / 100);
    for (unsigned i = 0; i < INSERT_FIRST_LATENCY; i++) {
        assert_int_equal(numbers[i], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_fall_into_their_buckets),
        cmocka_unit_test(retries_are_counted_by_their_code),
        cmocka_unit_test(latencies_fall_into_their_buckets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
