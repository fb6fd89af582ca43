/* Promised ranges: what the metadata says at an assignment, told before inserted, read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "worker/replica/ledger/pending.h"

#include <cmocka.h>

static const uint8_t PIPE[INTENT_UUID_BYTES] = {1, 2, 3};
static const uint8_t OTHER[INTENT_UUID_BYTES] = {9};

static struct intent_range range_of(int64_t first, int64_t last)
{
    return (struct intent_range){
        .first = first,
        .last = last,
        .count = (uint64_t)(last - first + 1),
        .first_ms = 1000 + first,
        .last_ms = 1000 + last,
        .mapping_version = 1,
    };
}

/* One slot, started with this metadata. */
static struct pending *started(const char *metadata, enum pending_found expected)
{
    struct pending *pending = NULL;
    enum pending_found found = PENDING_NONE;
    assert_int_equal(pending_new(PIPE, 7, &pending, NULL), ST_OK);
    const struct pending_start start = {.metadata = metadata, .nonce = 99};
    assert_int_equal(pending_assign(pending, &start, 1, &found, NULL), ST_OK);
    assert_int_equal(found, expected);
    return pending;
}

static void text_of(const struct pending *pending, struct buf *text)
{
    buf_reset(text);
    assert_int_equal(pending_write(pending, 0, text, NULL), ST_OK);
}

static void add(struct pending *pending, int64_t first, int64_t last, uint64_t batch)
{
    struct intent_range range = range_of(first, last);
    assert_null(pending_next(pending, 0));
    pending_add(pending, 0, &range, batch);
}

static bool is_told(const struct pending *pending, uint64_t batch)
{
    bool is_replay = true;
    return pending_is_told(pending, 0, batch, &is_replay);
}

static void a_range_is_told_only_when_its_commit_is_taken(void **state)
{
    (void)state;
    struct pending *pending = started(NULL, PENDING_NONE);
    assert_false(pending_has_news(pending, 0));
    add(pending, 10, 19, 1);
    assert_true(pending_has_news(pending, 0));
    pending_tell(pending, 0); /* of a commit that did not hold it */
    assert_false(is_told(pending, 1));
    pending_ask(pending, 0);
    assert_false(is_told(pending, 1));
    add(pending, 20, 29, 2); /* sealed while the commit is under way */
    pending_tell(pending, 0);
    bool is_replay = true;
    assert_true(pending_is_told(pending, 0, 1, &is_replay));
    assert_false(is_replay);
    assert_false(is_told(pending, 2));
    assert_true(pending_has_news(pending, 0));
    assert_int_equal(pending_first(pending, 0), 10);
    pending_settle(pending, 0, 1);
    pending_settle(pending, 0, 1); /* twice is nothing */
    assert_int_equal(pending_count(pending, 0), 1);
    assert_null(pending_of(pending, 0, 1));
    assert_int_equal(pending_of(pending, 0, 2)->first, 20);
    pending_free(pending);
}

static void stored_ranges_are_read_again_first(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 8192);
    struct pending *before = started(NULL, PENDING_NONE);
    add(before, 10, 19, 1);
    add(before, 25, 29, 2);
    text_of(before, &text);
    struct pending *after = started(buf_text(&text), PENDING_OURS);
    assert_int_equal(pending_nonce(after, 0), 99);
    assert_int_equal(pending_first(after, 0), 10);
    assert_false(pending_has_news(after, 0));
    assert_int_equal(pending_next(after, 0)->last, 19);
    pending_read(after, 0, 5);
    assert_int_equal(pending_next(after, 0)->first, 25);
    bool is_replay = false;
    assert_true(pending_is_told(after, 0, 5, &is_replay));
    assert_true(is_replay);
    pending_skip(after, 0); /* its records are gone */
    assert_null(pending_next(after, 0));
    assert_int_equal(pending_count(after, 0), 1);
    add(after, 30, 31, 6);
    pending_free(before);
    pending_free(after);
    buf_done(&text);
}

static void what_is_not_ours_is_not_repeated(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 8192);
    struct intent intent = {.epoch = 7, .nonce = 3, .ranges_count = 1, .ranges = {range_of(1, 2)}};
    static const struct {
        const uint8_t *pipe;
        uint64_t epoch;
        enum pending_found expected;
    } cases[] = {
        {PIPE, 7, PENDING_OURS},
        {PIPE, 6, PENDING_EPOCH},
        {PIPE, 8, PENDING_EPOCH},
        {OTHER, 7, PENDING_FOREIGN},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        memcpy(intent.pipe_uuid, cases[i].pipe, INTENT_UUID_BYTES);
        intent.epoch = cases[i].epoch;
        buf_reset(&text);
        assert_int_equal(intent_write(&intent, &text, NULL), ST_OK);
        struct pending *pending = started(buf_text(&text), cases[i].expected);
        bool is_ours = cases[i].expected == PENDING_OURS;
        assert_int_equal(pending_count(pending, 0), is_ours ? 1 : 0);
        assert_int_equal(pending_nonce(pending, 0), is_ours ? 3 : 99);
        pending_free(pending);
    }
    pending_free(started("", PENDING_NONE));
    pending_free(started("something else", PENDING_FOREIGN));
    pending_free(started("p2:AAAA", PENDING_TOO_YOUNG));
    buf_done(&text);
}

static void dropped_batches_leave_what_the_broker_may_have(void **state)
{
    (void)state;
    struct pending *pending = started(NULL, PENDING_NONE);
    add(pending, 0, 9, 1);
    pending_ask(pending, 0);
    pending_tell(pending, 0);
    add(pending, 10, 19, 2);
    pending_ask(pending, 0); /* under way */
    add(pending, 20, 29, 3);
    pending_forget(pending);
    assert_int_equal(pending_count(pending, 0), 1);
    assert_int_equal(pending_next(pending, 0)->last, 9);
    pending_tell(pending, 0); /* the answer comes late: its other ranges are no longer ours */
    pending_read(pending, 0, 4);
    bool is_replay = false;
    assert_true(pending_is_told(pending, 0, 4, &is_replay));
    assert_true(is_replay);
    add(pending, 10, 14, 5); /* other boundaries */
    assert_false(is_told(pending, 5));
    pending_free(pending);
}

static void a_divided_range_is_told_again_before_it_is_inserted(void **state)
{
    (void)state;
    struct pending *pending = started(NULL, PENDING_NONE);
    add(pending, 0, 99, 1);
    pending_ask(pending, 0);
    pending_tell(pending, 0);
    add(pending, 100, 199, 2);
    assert_false(pending_divide(pending, 0, 1, 0, 0)); /* an empty half */
    assert_false(pending_divide(pending, 0, 1, 100, 0));
    assert_false(pending_divide(pending, 0, 7, 50, 0));
    assert_true(pending_divide(pending, 0, 1, 50, 5555));
    assert_int_equal(pending_count(pending, 0), 2); /* the untold one is free again */
    const struct intent_range *half = pending_next(pending, 0);
    assert_int_equal(half->first, 0);
    assert_int_equal(half->last, 49);
    assert_int_equal(half->count, 50);
    assert_int_equal(half->flags, INTENT_DIVIDED);
    pending_forget(pending); /* they stay, though they are not told yet */
    pending_read(pending, 0, 3);
    assert_false(is_told(pending, 3));
    half = pending_next(pending, 0);
    assert_int_equal(half->first, 50);
    assert_int_equal(half->last, 99);
    assert_int_equal(half->first_ms, 5555);
    pending_ask(pending, 0);
    pending_tell(pending, 0);
    bool is_replay = true;
    assert_true(pending_is_told(pending, 0, 3, &is_replay));
    assert_false(is_replay);
    pending_free(pending);
}

static void a_slot_has_room_for_the_ranges_of_one_intent(void **state)
{
    (void)state;
    struct pending *pending = started(NULL, PENDING_NONE);
    for (int i = 0; i < INTENT_RANGES_MAX; i++) {
        assert_true(pending_has_room(pending, 0));
        add(pending, i * 10, i * 10 + 9, (uint64_t)i + 1);
    }
    assert_false(pending_has_room(pending, 0));
    assert_false(pending_divide(pending, 0, 1, 5, 0));
    struct buf text;
    buf_init(&text, INTENT_BYTES_MAX);
    text_of(pending, &text);
    buf_done(&text);
    pending_free(pending);
}

static void ranges_of_another_table_are_forgotten(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 8192);
    struct pending *before = started(NULL, PENDING_NONE);
    struct intent_range range = range_of(0, 9);
    pending_add(before, 0, &range, 1);
    range = range_of(10, 19);
    range.table_uuid[0] = 5;
    pending_add(before, 0, &range, 2);
    text_of(before, &text);
    struct pending *after = started(buf_text(&text), PENDING_OURS);
    assert_int_equal(pending_drop_tables(after, 0, range.table_uuid), 1);
    assert_int_equal(pending_next(after, 0)->first, 10);
    pending_reset(after, 0, 4);
    assert_int_equal(pending_count(after, 0), 0);
    assert_int_equal(pending_first(after, 0), -1);
    assert_int_equal(pending_nonce(after, 0), 4);
    pending_free(before);
    pending_freep(&after);
    pending_freep(&after);
    buf_done(&text);
}

static void ranges_of_older_mappings_come_first(void **state)
{
    (void)state;
    struct pending *pending = started(NULL, PENDING_NONE);
    assert_int_equal(pending_oldest_mapping(pending, 0), 0);
    for (uint64_t version = 3; version <= 5; version++) {
        struct intent_range range = range_of((int64_t)version * 10, (int64_t)version * 10 + 9);
        range.mapping_version = version;
        pending_add(pending, 0, &range, version);
    }
    assert_int_equal(pending_oldest_mapping(pending, 0), 3);
    assert_int_equal(pending_oldest_mapping(pending, 3), 4);
    assert_int_equal(pending_oldest_mapping(pending, 5), 0);
    assert_int_equal(pending_change_mapping(pending, 3, 5), 1);
    assert_int_equal(pending_change_mapping(pending, 3, 5), 0);
    assert_int_equal(pending_oldest_mapping(pending, 0), 4);
    pending_free(pending);
}

static void an_empty_assignment_has_no_slots(void **state)
{
    (void)state;
    struct pending *pending = started(NULL, PENDING_NONE);
    assert_int_equal(pending_slots_count(pending), 1);
    assert_int_equal(pending_assign(pending, NULL, 0, NULL, NULL), ST_OK);
    assert_int_equal(pending_slots_count(pending), 0);
    assert_int_equal(pending_epoch(pending), 7);
    pending_free(pending);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_range_is_told_only_when_its_commit_is_taken),
        cmocka_unit_test(stored_ranges_are_read_again_first),
        cmocka_unit_test(what_is_not_ours_is_not_repeated),
        cmocka_unit_test(dropped_batches_leave_what_the_broker_may_have),
        cmocka_unit_test(a_divided_range_is_told_again_before_it_is_inserted),
        cmocka_unit_test(a_slot_has_room_for_the_ranges_of_one_intent),
        cmocka_unit_test(ranges_of_another_table_are_forgotten),
        cmocka_unit_test(ranges_of_older_mappings_come_first),
        cmocka_unit_test(an_empty_assignment_has_no_slots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
