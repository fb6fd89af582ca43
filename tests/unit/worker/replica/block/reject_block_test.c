/* Error rows: thirteen columns of one record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "worker/replica/block/column.h"
#include "worker/replica/block/reject_block.h"

#include <cmocka.h>

static size_t
one_header(const struct record *record, struct record_header *ret_headers, size_t headers_max)
{
    (void)record;
    assert_true(headers_max > 0);
    ret_headers[0] = (struct record_header){"trace", 5, (const uint8_t *)"\xff", 1};
    return 1;
}

static void reject_block_keeps_the_record(void **state)
{
    (void)state;
    struct reject_block *block = NULL;
    assert_int_equal(reject_block_new("pipe-id", 1 << 20, &block, NULL), ST_OK);
    static uint8_t large[REJECT_LARGE_VALUE_BYTES + 1];
    struct record record = {
        .topic = "t",
        .topic_bytes = 1,
        .partition = -1,
        .offset = 77,
        .timestamp_ms = -1,
        .value = large,
        .value_bytes = sizeof(large),
        .read_headers = one_header,
    };
    struct reject reject;
    reject_set(&reject, REJECT_RECORD_TOO_LARGE, NULL, "the value has %zu bytes", sizeof(large));
    struct reject_row row = {.record = &record, .reject = &reject, .now_ms = 1700000000999};
    assert_int_equal(reject_block_add(block, &row, NULL), ST_OK);
    reject_set(&reject, REJECT_TYPE_CONVERSION, "price", "%s", "bad");
    assert_int_equal(reject_block_add(block, &row, NULL), ST_OK);
    struct block *rows = reject_block_rows(block);
    assert_int_equal(block_rows(rows), 2);
    assert_int_equal(block_columns_count(rows), 13);
    uint32_t now_s = 0;
    memcpy(&now_s, block_column(rows, 0)->data.at, sizeof(now_s));
    assert_int_equal(now_s, 1700000000);
    const struct column *value = block_column(rows, 4);
    uint64_t len = 0;
    const uint8_t *at = bytes_read_varint(value->data.at, &len);
    assert_int_equal(len, REJECT_LARGE_VALUE_BYTES);
    (void)bytes_read_varint(at + len, &len);
    assert_int_equal(len, sizeof(large)); /* only RECORD_TOO_LARGE cuts */
    int64_t offset = 0;
    memcpy(&offset, block_column(rows, 7)->data.at, sizeof(offset));
    assert_int_equal(offset, 77);
    assert_int_equal(column_items(block_column(rows, 9)->children[0]), 2);
    const struct column *column_name = block_column(rows, 12);
    assert_memory_equal(column_name->data.at, "\0\5price", 7);
    reject_block_free(block);
}

static void reject_texts_are_cut(void **state)
{
    (void)state;
    struct reject reject;
    reject_set(&reject, REJECT_DATA_PARSING, NULL, "%0*d", REJECT_MESSAGE_BYTES + 5, 1);
    assert_int_equal(strlen(reject.message), REJECT_MESSAGE_BYTES - 1);
    assert_string_equal(reject.message + REJECT_MESSAGE_BYTES - 4, "...");
    assert_string_equal(reject.column, "");
    assert_string_equal(reject_type_text(REJECT_INSERT), "INSERT_REJECTED");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reject_block_keeps_the_record),
        cmocka_unit_test(reject_texts_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
