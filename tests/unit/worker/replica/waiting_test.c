/* The waiting room: copies in order, and a limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "worker/replica/waiting.h"

#include <cmocka.h>

static size_t
two_headers(const struct record *record, struct record_header *ret_headers, size_t headers_max)
{
    (void)record;
    assert_true(headers_max >= 2);
    ret_headers[0] = (struct record_header){
        .name = "first", .name_bytes = 5, .value = (const uint8_t *)"one", .value_bytes = 3};
    ret_headers[1] = (struct record_header){.name = "second", .name_bytes = 6};
    return 2;
}

static void add(struct waiting *waiting, int64_t offset, const char *value)
{
    char *copy = strdup(value); /* gone when the record is */
    struct record record = {
        .topic = "topic",
        .topic_bytes = 5,
        .offset = offset,
        .timestamp_ms = 7,
        .value = (const uint8_t *)copy,
        .value_bytes = strlen(copy),
        .read_headers = offset == 1 ? two_headers : NULL,
    };
    assert_int_equal(waiting_add(waiting, 3, &record), ST_OK);
    free(copy);
}

static void records_are_copied_whole(void **state)
{
    (void)state;
    struct waiting *waiting = NULL;
    assert_int_equal(waiting_new(1000000, &waiting, NULL), ST_OK);
    assert_null(waiting_present(waiting));
    add(waiting, 1, "value");
    const struct waiting_record *kept = waiting_present(waiting);
    assert_non_null(kept);
    assert_int_equal(kept->slot, 3);
    assert_string_equal(kept->record.topic, "topic");
    assert_int_equal(kept->record.offset, 1);
    assert_int_equal(kept->record.timestamp_ms, 7);
    assert_memory_equal(kept->record.value, "value", 5);
    assert_null(kept->record.key);
    struct record_header headers[1];
    assert_int_equal(kept->record.read_headers(&kept->record, headers, 1), 2);
    assert_int_equal(headers[0].name_bytes, 5);
    assert_memory_equal(headers[0].name, "first", 5);
    assert_memory_equal(headers[0].value, "one", 3);
    assert_null(kept->headers[1].value);
    assert_memory_equal(kept->headers[1].name, "second", 6);
    waiting_free(waiting);
    waiting_free(NULL);
}

static void removing_keeps_the_order(void **state)
{
    (void)state;
    struct waiting *waiting = NULL;
    assert_int_equal(waiting_new(1000000, &waiting, NULL), ST_OK);
    for (int64_t offset = 10; offset < 15; offset++) {
        add(waiting, offset, "1234");
    }
    assert_int_equal(waiting_input_bytes(waiting), 20);
    waiting_rewind(waiting);
    waiting_skip(waiting);   /* 10 stays */
    waiting_remove(waiting); /* 11 */
    waiting_skip(waiting);   /* 12 stays */
    waiting_remove(waiting); /* 13 */
    waiting_remove(waiting); /* 14, the last one */
    assert_null(waiting_present(waiting));
    add(waiting, 15, "");
    assert_int_equal(waiting_present(waiting)->record.offset, 15);
    assert_int_equal(waiting_count(waiting), 3);
    static const int64_t LEFT[] = {10, 12, 15};
    waiting_rewind(waiting);
    for (size_t i = 0; i < ARRAY_LEN(LEFT); i++) {
        assert_int_equal(waiting_present(waiting)->record.offset, LEFT[i]);
        waiting_skip(waiting);
    }
    assert_null(waiting_present(waiting));
    waiting_clear(waiting);
    assert_int_equal(waiting_count(waiting), 0);
    assert_int_equal(waiting_input_bytes(waiting), 0);
    assert_int_equal(waiting_memory_bytes(waiting), 0);
    add(waiting, 20, "x");
    waiting_rewind(waiting);
    assert_int_equal(waiting_present(waiting)->record.offset, 20);
    waiting_free(waiting);
}

static void the_room_is_full_at_its_limit(void **state)
{
    (void)state;
    static char large[10000];
    memset(large, 'x', sizeof(large) - 1);
    struct waiting *waiting = NULL;
    assert_int_equal(waiting_new(15000, &waiting, NULL), ST_OK);
    add(waiting, 10, large);
    assert_false(waiting_is_full(waiting));
    add(waiting, 11, large);
    assert_true(waiting_is_full(waiting));
    assert_true(waiting_memory_bytes(waiting) > 19998);
    waiting_rewind(waiting);
    waiting_remove(waiting);
    assert_false(waiting_is_full(waiting));
    waiting_free(waiting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_copied_whole),
        cmocka_unit_test(removing_keeps_the_order),
        cmocka_unit_test(the_room_is_full_at_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
