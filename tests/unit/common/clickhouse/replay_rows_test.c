/* RowBinary of records: whole, cut at every byte, with headers. */
#include <stdlib.h>
#include <string.h>

#include "common/clickhouse/replay_rows.h"

#include "tests/unit/unit.h"

/* "t", partition 1, offset 2, hash 3, time 4, key "k", value "vv", headers h=w. */
static const uint8_t ROW[] = {1, 't', 1, 0,   0, 0,   2,   0, 0, 0,   0, 0, 0,  0,
                              3, 0,   0, 0,   0, 0,   0,   0, 4, 0,   0, 0, 0,  0,
                              0, 0,   1, 'k', 2, 'v', 'v', 1, 1, 'h', 1, 1, 'w'};

static void a_row_is_read_and_the_end_is_told(void **state)
{
    (void)state;
    struct replay_row *row = calloc(1, sizeof(*row));
    assert_non_null(row);
    struct replay_reader reader = {ROW, ROW + sizeof(ROW)};
    struct err err = {.status = ST_OK};
    assert_int_equal(replay_rows_next(&reader, row, &err), ST_OK);
    assert_int_equal(row->topic.len_bytes, 1);
    assert_int_equal(row->partition, 1);
    assert_int_equal(row->offset, 2);
    assert_int_equal(row->hash, 3);
    assert_int_equal(row->timestamp_ms, 4);
    assert_memory_equal(row->key.bytes, "k", 1);
    assert_int_equal(row->value.len_bytes, 2);
    assert_int_equal(row->headers_count, 1);
    assert_memory_equal(row->values[0].bytes, "w", 1);
    assert_int_equal(replay_rows_next(&reader, row, &err), ST_NOT_FOUND);
    free(row);
}

static void a_row_cut_anywhere_is_refused(void **state)
{
    (void)state;
    struct replay_row *row = calloc(1, sizeof(*row));
    assert_non_null(row);
    for (size_t len = 1; len < sizeof(ROW); len++) {
        uint8_t *cut = malloc(len); /* so that a sanitizer sees a read behind it */
        assert_non_null(cut);
        memcpy(cut, ROW, len);
        struct replay_reader reader = {cut, cut + len};
        struct err err = {.status = ST_OK};
        assert_int_equal(replay_rows_next(&reader, row, &err), ST_INVALID);
        free(cut);
    }
    free(row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_read_and_the_end_is_told),
        cmocka_unit_test(a_row_cut_anywhere_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
