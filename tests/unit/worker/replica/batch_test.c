/* When a batch is closed: rows, encoded bytes, age, each at its limit and one below. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include "common/base/clock.h"

#include "worker/replica/batch.h"
#include "worker/replica/block/column.h"

#include <cmocka.h>

static struct ch_type *text_type(void)
{
    struct ch_type *type = NULL;
    assert_int_equal(ch_type_parse("String", &type, NULL), ST_OK);
    return type;
}

struct fixture {
    struct ch_type *type;
    struct block_column column;
    struct batch batch;
};

static void fixture_init(struct fixture *fixture)
{
    fixture->type = text_type();
    fixture->column = (struct block_column){.name = "a", .type = fixture->type};
    const struct batch_params params_of_batch = {
        .columns = &fixture->column, .columns_count = 1, .pipe_id = "pipe", .keep_bytes = 1 << 20};
    assert_int_equal(batch_init(&fixture->batch, &params_of_batch, NULL), ST_OK);
    batch_reset(&fixture->batch, 1);
}

static void fixture_done(struct fixture *fixture)
{
    batch_done(&fixture->batch);
    batch_done(&fixture->batch);
    ch_type_free(fixture->type);
}

static void fixture_add_row(struct fixture *fixture, int64_t offset)
{
    static const uint8_t bytes[100] = {'x'};
    assert_true(column_add_text(block_column(fixture->batch.block, 0), bytes, sizeof(bytes)));
    block_row_commit(fixture->batch.block, sizeof(bytes));
    struct batch_row row = {.offset = offset, .timestamp_ms = -1, .slot = 3};
    assert_int_equal(batch_note_rows(&fixture->batch, &row, 1), ST_OK);
    batch_note_message(&fixture->batch, sizeof(bytes), clock_monotonic_ms());
}

static void batch_is_due_when_a_limit_is_reached(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int rows;
        int64_t age_ms;
        struct batch_limits limits;
        enum batch_seal expected;
    } cases[] = {
        {"empty is never due", 0, 99999, {1, 1, 1}, BATCH_OPEN},
        {"one row below", 9, 0, {10, 1 << 20, 5000}, BATCH_OPEN},
        {"rows reached", 10, 0, {10, 1 << 20, 5000}, BATCH_ROWS},
        {"age one below", 1, 4999, {10, 1 << 20, 5000}, BATCH_OPEN},
        {"age reached", 1, 5000, {10, 1 << 20, 5000}, BATCH_AGE},
        {"rows win over age", 10, 5000, {10, 1 << 20, 5000}, BATCH_ROWS},
        {"bytes reached", 2000, 0, {100000, 100000, 5000}, BATCH_BYTES},
        {"bytes below", 500, 0, {100000, 100000, 5000}, BATCH_OPEN},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture fixture;
        clock_fake_start(1000);
        fixture_init(&fixture);
        for (int row = 0; row < cases[i].rows; row++) {
            fixture_add_row(&fixture, row);
        }
        clock_fake_advance_ms(cases[i].age_ms);
        print_message("%s\n", cases[i].name);
        assert_int_equal(
            batch_due(&fixture.batch, &cases[i].limits, clock_monotonic_ms()), cases[i].expected);
        if (cases[i].rows == 0) { /* else the intake would never open */
            assert_int_equal(batch_full(&fixture.batch, &cases[i].limits), BATCH_OPEN);
        }
        fixture_done(&fixture);
        clock_fake_stop();
    }
}

static void batch_knows_where_rows_came_from(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    for (int64_t row = 0; row < 10000; row++) {
        fixture_add_row(&fixture, row * 2);
    }
    for (size_t row = 0; row < 10000; row++) {
        assert_int_equal(fixture.batch.rows[row].offset, row * 2);
        assert_int_equal(fixture.batch.rows[row].slot, 3);
    }
    assert_int_equal(batch_rows_count(&fixture.batch), 10000);
    assert_int_equal(fixture.batch.messages_count, 10000);
    assert_int_equal(fixture.batch.input_bytes, 1000000);
    assert_true(batch_memory_bytes(&fixture.batch) >= 1000000);
    batch_reset(&fixture.batch, 2);
    assert_true(batch_is_empty(&fixture.batch));
    assert_int_equal(fixture.batch.id, 2);
    assert_int_equal(batch_rows_count(&fixture.batch), 0);
    fixture_done(&fixture);
}

static void age_counts_from_the_first_message(void **state)
{
    (void)state;
    struct fixture fixture;
    const struct batch_limits limits = {.rows = 100, .bytes = 1 << 20, .age_ms = 100};
    clock_fake_start(5000);
    fixture_init(&fixture);
    /* A skipped message is no row, but its offset must be settled in time as well. */
    batch_note_message(&fixture.batch, 10, clock_monotonic_ms());
    clock_fake_advance_ms(60);
    batch_note_message(&fixture.batch, 10, clock_monotonic_ms());
    clock_fake_advance_ms(39);
    assert_int_equal(batch_due(&fixture.batch, &limits, clock_monotonic_ms()), BATCH_OPEN);
    clock_fake_advance_ms(1);
    assert_int_equal(batch_due(&fixture.batch, &limits, clock_monotonic_ms()), BATCH_AGE);
    clock_fake_stop();
    fixture_done(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batch_is_due_when_a_limit_is_reached),
        cmocka_unit_test(batch_knows_where_rows_came_from),
        cmocka_unit_test(age_counts_from_the_first_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
