/* Lanes: open batches, the queue in order, reuse, and the memory of all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include "worker/replica/block/column.h"
#include "worker/replica/lanes.h"

#include <cmocka.h>

struct fixture {
    struct ch_type *type;
    struct block_column column;
    struct lanes lanes;
};

static void fixture_init(struct fixture *fixture, size_t lanes, size_t keep_bytes)
{
    *fixture = (struct fixture){.type = NULL};
    assert_int_equal(ch_type_parse("String", &fixture->type, NULL), ST_OK);
    fixture->column = (struct block_column){.name = "a", .type = fixture->type};
    const struct lanes_params of_lanes = {
        .columns = &fixture->column,
        .columns_count = 1,
        .pipe_id = "pipe",
        .keep_bytes = keep_bytes,
    };
    assert_int_equal(lanes_init(&fixture->lanes, &of_lanes, lanes, NULL), ST_OK);
}

static void fixture_done(struct fixture *fixture)
{
    lanes_done(&fixture->lanes);
    lanes_done(&fixture->lanes);
    ch_type_free(fixture->type);
}

/* Rows of 100 bytes, one per message. */
static void add_rows(struct fixture *fixture, size_t lane, size_t count)
{
    static const uint8_t bytes[100] = {'x'};
    struct batch *batch = lanes_open(&fixture->lanes, lane);
    assert_non_null(batch);
    for (size_t i = 0; i < count; i++) {
        assert_true(column_add_text(block_column(batch->block, 0), bytes, sizeof(bytes)));
        block_row_commit(batch->block, sizeof(bytes));
        struct batch_row row = {.offset = (int64_t)i, .timestamp_ms = -1, .slot = (uint32_t)lane};
        assert_int_equal(batch_note_rows(batch, &row, 1), ST_OK);
        batch_note_message(batch, sizeof(bytes), 1);
    }
}

static void sealed_batches_queue_in_order(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, 3, 1 << 20);
    struct lanes *lanes = &fixture.lanes;
    assert_true(lanes_are_empty(lanes));
    assert_null(lanes_first(lanes));
    static const size_t order[] = {2, 0, 2, 1};
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        add_rows(&fixture, order[i], i + 1);
        lanes_seal(lanes, order[i], BATCH_ROWS);
    }
    assert_false(lanes_are_empty(lanes));
    assert_int_equal(lanes->queued, 4);
    assert_int_equal(lanes->sealed[2], 2);
    uint64_t records = 0;
    uint64_t bytes = 0;
    lanes_input(lanes, &records, &bytes);
    assert_int_equal(records, 1 + 2 + 3 + 4);
    assert_int_equal(bytes, 100 * records);
    struct batch *second = lanes_first(lanes)->next;
    assert_int_equal(second->lane, 0);
    lanes_take(lanes, second); /* out of the middle */
    uint64_t last_id = 0;
    static const size_t left[] = {2, 2, 1};
    for (size_t i = 0; i < ARRAY_LEN(left); i++) {
        struct batch *batch = lanes_first(lanes);
        assert_int_equal(batch->lane, left[i]);
        assert_int_equal(batch->sealed_by, BATCH_ROWS);
        assert_true(batch->id > last_id);
        last_id = batch->id;
        lanes_take(lanes, batch);
        lanes_give_back(lanes, batch);
    }
    assert_true(lanes_are_empty(lanes));
    assert_int_equal(lanes->sealed[0], 1); /* at the sink */
    lanes_give_back(lanes, second);
    assert_int_equal(lanes->sealed[0], 0);
    add_rows(&fixture, 1, 1); /* the last link is right again */
    lanes_seal(lanes, 1, BATCH_AGE);
    assert_non_null(lanes_first(lanes));
    fixture_done(&fixture);
}

static void an_emptied_batch_is_used_again_as_a_new_one(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, 1, 1 << 20);
    add_rows(&fixture, 0, 10);
    struct batch *first = lanes_open(&fixture.lanes, 0);
    assert_ptr_equal(first, lanes_open(&fixture.lanes, 0)); /* still open */
    uint64_t id = first->id;
    lanes_seal(&fixture.lanes, 0, BATCH_ROWS);
    lanes_take(&fixture.lanes, first);
    lanes_give_back(&fixture.lanes, first);
    struct batch *second = lanes_open(&fixture.lanes, 0);
    assert_ptr_equal(first, second);
    assert_true(batch_is_empty(second) && second->id > id && second->sealed_by == BATCH_OPEN);
    fixture_done(&fixture);
}

static void many_lanes_do_not_keep_what_they_once_needed(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, 64, 1 << 20);
    for (size_t lane = 0; lane < 64; lane++) {
        add_rows(&fixture, lane, 2000);
    }
    size_t full_bytes = lanes_memory_bytes(&fixture.lanes);
    assert_true(full_bytes > (size_t)64 * 2000 * 100);
    lanes_forget(&fixture.lanes);
    assert_true(lanes_are_empty(&fixture.lanes));
    assert_true(lanes_memory_bytes(&fixture.lanes) < 2 << 20);
    assert_true(fixture.lanes.free_count < 64);
    for (size_t lane = 0; lane < 64; lane++) {
        assert_int_equal(fixture.lanes.sealed[lane], 0);
    }
    fixture_done(&fixture);
}

static void one_lane_is_dropped_alone(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, 2, 1 << 20);
    add_rows(&fixture, 0, 3);
    add_rows(&fixture, 1, 4);
    lanes_drop_open(&fixture.lanes, 0);
    uint64_t records = 0;
    uint64_t bytes = 0;
    lanes_input(&fixture.lanes, &records, &bytes);
    assert_int_equal(records, 4);
    assert_true(batch_is_empty(lanes_open(&fixture.lanes, 0)));
    fixture.lanes.parked[1] = true;
    lanes_forget(&fixture.lanes);
    assert_false(fixture.lanes.parked[1]);
    fixture_done(&fixture);
}

static void other_lanes_go_on_numbering(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, 2, 1 << 20);
    add_rows(&fixture, 1, 1);
    uint64_t id = lanes_open(&fixture.lanes, 1)->id;
    assert_int_equal(lanes_assign(&fixture.lanes, 5, NULL), ST_OK);
    assert_true(lanes_are_empty(&fixture.lanes));
    assert_int_equal(lanes_reserve(&fixture.lanes, NULL), ST_OK);
    assert_int_equal(lanes_reserve(&fixture.lanes, NULL), ST_OK);
    assert_int_equal(fixture.lanes.free_count, 1);
    assert_true(lanes_open(&fixture.lanes, 4)->id > id);
    assert_int_equal(lanes_assign(&fixture.lanes, 0, NULL), ST_OK);
    fixture_done(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sealed_batches_queue_in_order),
        cmocka_unit_test(an_emptied_batch_is_used_again_as_a_new_one),
        cmocka_unit_test(many_lanes_do_not_keep_what_they_once_needed),
        cmocka_unit_test(one_lane_is_dropped_alone),
        cmocka_unit_test(other_lanes_go_on_numbering),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
