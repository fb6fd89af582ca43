/* Rows as transactions, and the Native layout byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/replica/block/block.h"
#include "worker/replica/block/column.h"

#include <cmocka.h>

enum {
    COLUMNS_MAX = 8,
    ENCODED_MAX_BYTES = 4096,
};

struct made {
    struct block *block;
    struct ch_type *types[COLUMNS_MAX];
    size_t count;
};

static struct made make(const char *const *types, size_t count)
{
    static const char *const NAMES[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    struct made m = {.count = count};
    struct block_column columns[COLUMNS_MAX];
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(ch_type_parse(types[i], &m.types[i], NULL), ST_OK);
        columns[i] = (struct block_column){.name = NAMES[i], .type = m.types[i]};
    }
    assert_int_equal(block_new(columns, count, 1 << 20, &m.block, NULL), ST_OK);
    return m;
}

static void drop(struct made *m)
{
    block_free(m->block);
    for (size_t i = 0; i < m->count; i++) {
        ch_type_free(m->types[i]);
    }
}

static size_t encode(struct block *block, uint8_t *out)
{
    const struct block_piece *pieces = NULL;
    size_t count = 0;
    size_t len = 0;
    assert_int_equal(block_encode(block, &pieces, &count, NULL), ST_OK);
    for (size_t i = 0; i < count; i++) {
        assert_true(len + pieces[i].len_bytes <= ENCODED_MAX_BYTES);
        memcpy(out + len, pieces[i].bytes, pieces[i].len_bytes);
        len += pieces[i].len_bytes;
    }
    return len;
}

static void assert_encoded(struct block *block, const char *wanted, size_t wanted_len)
{
    uint8_t out[ENCODED_MAX_BYTES];
    size_t len = encode(block, out);
    assert_int_equal(len, wanted_len);
    assert_memory_equal(out, wanted, len);
}

#define ASSERT_ENCODED(block, text) assert_encoded(block, text, sizeof(text) - 1)

static void block_encodes_plain_columns(void **state)
{
    (void)state;
    static const char *const TYPES[] = {"Int16", "String", "Nullable(UInt8)"};
    struct made m = make(TYPES, 3);
    ASSERT_ENCODED(m.block, "\3\0\1a\5Int16\1b\6String\1c\17Nullable(UInt8)");
    for (unsigned i = 0; i < 2; i++) {
        assert_true(column_add_u64(block_column(m.block, 0), i + 1));
        assert_true(column_add_text(block_column(m.block, 1), "xy", i));
        assert_true(
            i == 0 ? column_add_null(block_column(m.block, 2))
                   : column_add_u64(block_column(m.block, 2), 9));
        block_row_commit(m.block, 10);
    }
    ASSERT_ENCODED(m.block, "\3\2\1a\5Int16\1\0\2\0\1b\6String\0\1x\1c\17Nullable(UInt8)\1\0\0\11");
    block_reset(m.block);
    assert_int_equal(block_rows(m.block), 0);
    ASSERT_ENCODED(m.block, "\3\0\1a\5Int16\1b\6String\1c\17Nullable(UInt8)");
    drop(&m);
}

static void block_encodes_dictionaries(void **state)
{
    (void)state;
    static const char *const TYPES[] = {"LowCardinality(String)"};
    struct made m = make(TYPES, 1);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(column_add_text(block_column(m.block, 0), i == 1 ? "q" : "p", 1));
        block_row_commit(m.block, 1);
    }
    ASSERT_ENCODED(
        m.block, "\1\3\1a\26LowCardinality(String)\1\0\0\0\0\0\0\0\0\6\0\0\0\0\0\0\3\0\0\0\0\0\0\0"
                 "\0\1p\1q\3\0\0\0\0\0\0\0\1\2\1");
    drop(&m);
}

static void block_encodes_special_types(void **state)
{
    (void)state;
    static const char *const TYPES[] = {
        "Variant(UInt8, String)", "LowCardinality(UInt16)", "JSON", "Nested(a UInt8)"};
    struct made m = make(TYPES, 4);
    for (unsigned i = 0; i < 3; i++) {
        struct column *variant = block_column(m.block, 0);
        if (i == 1) {
            assert_true(column_add_default(variant));
        } else {
            struct column *values = column_variant(variant, i / 2);
            assert_true(i == 0 ? column_add_text(values, "x", 1) : column_add_u64(values, 7));
            assert_true(column_variant_close(variant, i / 2));
        }
        struct column *keys = block_column(m.block, 1);
        assert_true(
            i == 1 ? column_add_default(keys)
                   : column_add_u64(keys->key, 0x102) && column_add_key(keys));
        struct column *object = block_column(m.block, 2);
        assert_true(i == 1 ? column_add_default(object) : column_add_text(object, "{\"a\":1}", 7));
        struct column *list = block_column(m.block, 3);
        assert_true(i != 2 || column_add_u64(list->children[0]->children[0], 9));
        assert_true(column_add_offset(list, column_items(list->children[0])));
        block_row_commit(m.block, 1);
    }
    ASSERT_ENCODED(
        m.block, "\4\3\1a\26Variant(String, UInt8)\0\0\0\0\0\0\0\0\0\377\1\1x\7"
                 "\1b\26LowCardinality(UInt16)\1\0\0\0\0\0\0\0\0\6\0\0\0\0\0\0\2\0\0\0\0\0\0\0"
                 "\0\0\2\1\3\0\0\0\0\0\0\0\1\0\1"
                 "\1c\4JSON\1\0\0\0\0\0\0\0\7{\"a\":1}\2{}\7{\"a\":1}"
                 "\1d\17Nested(a UInt8)\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\11");
    drop(&m);
}

/* A String takes NULL for absent, an Array is left out of the rows that do not have it. */
static void block_leaves_out_what_is_absent(void **state)
{
    (void)state;
    static const char *const TYPES[] = {"String", "Array(UInt8)", "LowCardinality(String)"};
    struct made m = make(TYPES, 3);
    block_free(m.block);
    const struct block_column columns[] = {
        {.name = "a", .type = m.types[0], .has_default = true},
        {.name = "b", .type = m.types[1], .has_default = true},
    };
    assert_int_equal(block_new(columns, 2, 1 << 20, &m.block, NULL), ST_OK);
    struct column *text = block_column(m.block, 0);
    struct column *list = block_column(m.block, 1);
    assert_false(column_takes_null(text) || column_takes_null(list));
    for (unsigned i = 0; i < 4; i++) {
        assert_true(i == 0 ? column_add_absent(text) : column_add_default(text));
        assert_true(i == 1 || i == 2 ? column_add_absent(list) : column_add_default(list));
        if (i == 3) {
            block_row_rollback(m.block);
            break;
        }
        block_row_commit(m.block, 1);
    }
    ASSERT_ENCODED(
        m.block, "\2\1\1a\20Nullable(String)\1\0\1b\14Array(UInt8)\0\0\0\0\0\0\0\0"
                 "\1\2\1a\20Nullable(String)\0\0\0\0");
    block_reset(m.block);
    assert_true(column_add_absent(text) && column_add_absent(list));
    block_row_commit(m.block, 1);
    ASSERT_ENCODED(m.block, "\1\1\1a\20Nullable(String)\1\0");
    block_free(m.block);
    const struct block_column containers[] = {
        {.name = "b", .type = m.types[1], .has_default = true}};
    assert_int_equal(block_new(containers, 1, 1 << 20, &m.block, NULL), ST_OK);
    assert_true(column_add_absent(block_column(m.block, 0)));
    block_row_commit(m.block, 1);
    ASSERT_ENCODED(m.block, "\1\1\20_penstock_filler\5UInt8\0");
    block_free(m.block);
    const struct block_column keys[] = {{.name = "c", .type = m.types[2], .has_default = true}};
    assert_int_equal(block_new(keys, 1, 1 << 20, &m.block, NULL), ST_OK);
    assert_true(column_add_absent(block_column(m.block, 0)));
    block_row_commit(m.block, 1);
    assert_true(column_add_default(block_column(m.block, 0)));
    block_row_commit(m.block, 1);
    ASSERT_ENCODED(
        m.block, "\1\2\1c\40LowCardinality(Nullable(String))\1\0\0\0\0\0\0\0\0\6\0\0\0\0\0\0"
                 "\2\0\0\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\0\1");
    drop(&m);
}

static void block_widens_indexes(void **state)
{
    (void)state;
    static const char *const TYPES[] = {"LowCardinality(String)"};
    struct made m = make(TYPES, 1);
    struct column *column = block_column(m.block, 0);
    for (uint32_t i = 0; i < 70000; i++) {
        char key[16];
        int len = snprintf(key, sizeof(key), "%u", i);
        assert_true(column_add_text(column, key, (size_t)len));
        block_row_commit(m.block, 1);
        assert_int_equal(column->index_bytes, i + 1 > UINT16_MAX ? 4 : i + 1 > UINT8_MAX ? 2 : 1);
    }
    assert_int_equal(column_items(column), 70000);
    uint32_t index = 0;
    memcpy(&index, column->data.at + 4 * 12345, 4);
    assert_int_equal(index, 12346);
    drop(&m);
}

/* Fill one row of every shape; i makes it differ. */
static void add_row(struct block *block, unsigned i)
{
    char text[64];
    int len = snprintf(text, sizeof(text), "row %u %0*u", i, (int)(i % 40), i);
    assert_true(column_add_text(block_column(block, 0), text, (size_t)len));
    struct column *list = block_column(block, 1);
    for (unsigned k = 0; k < i % 4; k++) {
        assert_true(
            k == 1 ? column_add_null(list->children[0])
                   : column_add_text(list->children[0], text, (size_t)len));
    }
    assert_true(column_add_offset(list, column_items(list->children[0])));
    struct column *map = block_column(block, 2);
    assert_true(column_add_text(map->children[0], "k", 1));
    assert_true(column_add_text(map->children[1], text, i % 5));
    assert_true(column_add_offset(map, column_items(map->children[0])));
    struct column *tuple = block_column(block, 3);
    assert_true(column_add_u64(tuple->children[0], i));
    assert_true(
        i % 3 == 0 ? column_add_null(tuple->children[1]) : column_add_u64(tuple->children[1], i));
    struct column *variant = block_column(block, 4);
    if (i % 4 == 3) {
        assert_true(column_add_null(variant));
    } else {
        struct column *values = column_variant(variant, i % 2);
        assert_true(
            i % 2 == 0 ? column_add_text(values, text, (size_t)len) : column_add_u64(values, i));
        assert_true(column_variant_close(variant, i % 2));
    }
    struct column *keys = block_column(block, 5);
    if (i % 5 == 0) {
        assert_true(column_add_null(keys));
    } else {
        assert_true(column_add_u64(keys->key, i % 7) && column_add_key(keys));
    }
    assert_true(column_add_text(block_column(block, 6), "{}", 2));
    block_row_commit(block, 100);
}

static const char *const SHAPES[] = {
    "String",
    "Array(Nullable(String))",
    "Map(String, LowCardinality(String))",
    "Tuple(x UInt32, y Nullable(Int64))",
    "Variant(String, UInt32)",
    "LowCardinality(Nullable(UInt16))",
    "JSON"};
enum {
    SHAPES_COUNT = ARRAY_LEN(SHAPES)
};

static void block_copies_rows(void **state)
{
    (void)state;
    struct made source = make(SHAPES, SHAPES_COUNT);
    for (unsigned i = 0; i < 20; i++) {
        add_row(source.block, i);
    }
    for (size_t from = 0; from < 20; from += 3) {
        struct made copy = make(SHAPES, SHAPES_COUNT);
        struct made wanted = make(SHAPES, SHAPES_COUNT);
        size_t count = 20 - from < 7 ? 20 - from : 7;
        assert_int_equal(block_copy_rows(copy.block, source.block, from, count, NULL), ST_OK);
        for (size_t i = from; i < from + count; i++) {
            add_row(wanted.block, (unsigned)i);
        }
        uint8_t left[ENCODED_MAX_BYTES];
        uint8_t right[ENCODED_MAX_BYTES];
        size_t len = encode(copy.block, left);
        assert_int_equal(len, encode(wanted.block, right));
        assert_memory_equal(left, right, len);
        drop(&copy);
        drop(&wanted);
    }
    drop(&source);
}

static void block_rolls_back_half_a_row(void **state)
{
    (void)state;
    struct made m = make(SHAPES, SHAPES_COUNT);
    struct made wanted = make(SHAPES, SHAPES_COUNT);
    for (unsigned i = 0; i < 15; i++) {
        add_row(m.block, i);
        add_row(wanted.block, i);
        struct column *list = block_column(m.block, 1);
        assert_true(column_add_text(block_column(m.block, 0), "lost", 4));
        assert_true(column_add_null(list->children[0]));
        assert_true(column_add_text(list->children[0], "lost", 4));
        assert_true(column_add_u64(block_column(m.block, 3)->children[0], 1));
        struct column *variant = block_column(m.block, 4);
        if (i % 2 == 0) {
            assert_true(column_add_text(column_variant(variant, 0), "lost", 4));
            assert_true(column_variant_close(variant, 0));
        }
        assert_true(column_add_u64(column_variant(variant, 1), 1)); /* and not closed */
        assert_true(column_add_u64(block_column(m.block, 5)->key, 1));
        assert_true(column_add_text(block_column(m.block, 6), "{\"lost\":1}", 10));
        block_row_rollback(m.block);
    }
    uint8_t left[ENCODED_MAX_BYTES];
    uint8_t right[ENCODED_MAX_BYTES];
    size_t len = encode(m.block, left);
    assert_int_equal(len, encode(wanted.block, right));
    assert_memory_equal(left, right, len);
    drop(&m);
    drop(&wanted);
}

static void block_knows_its_size(void **state)
{
    (void)state;
    struct made m = make(SHAPES, SHAPES_COUNT);
    for (unsigned i = 0; i < 64; i++) {
        add_row(m.block, i);
    }
    const struct block_piece *pieces = NULL;
    size_t count = 0;
    size_t len = 0;
    assert_int_equal(block_encode(m.block, &pieces, &count, NULL), ST_OK);
    for (size_t i = 0; i < count; i++) {
        len += pieces[i].len_bytes;
    }
    assert_in_range(block_encoded_bytes(m.block), len, len + 1024);
    assert_true(block_memory_bytes(m.block) >= len / 2);
    drop(&m);
}

static void add_texts(struct block *block, size_t rows)
{
    char text[1000];
    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < rows; i++) {
        assert_true(column_add_text(block_column(block, 0), text, sizeof(text)));
        assert_true(column_add_u64(block_column(block, 1), i));
        block_row_commit(block, sizeof(text));
    }
}

/* The limit counts for all columns together: one may hold nearly all of it. */
static void block_keeps_memory_up_to_its_limit(void **state)
{
    (void)state;
    enum {
        ROWS = 2000,
        KEEP_BYTES = 3 * 1000 * 1000
    };
    static const char *const TYPES[] = {"String", "UInt64"};
    struct made m = make(TYPES, 2);
    block_free(m.block);
    const struct block_column columns[] = {
        {.name = "a", .type = m.types[0]}, {.name = "b", .type = m.types[1]}};
    assert_int_equal(block_new(columns, 2, KEEP_BYTES, &m.block, NULL), ST_OK);
    add_texts(m.block, ROWS);
    size_t kept = block_memory_bytes(m.block);
    assert_in_range(kept, ROWS * 1000, KEEP_BYTES);
    block_reset(m.block);
    assert_int_equal(block_memory_bytes(m.block), kept);
    add_texts(m.block, 2 * ROWS);
    assert_true(block_memory_bytes(m.block) > KEEP_BYTES);
    block_reset(m.block);
    assert_true(block_memory_bytes(m.block) <= KEEP_BYTES);
    assert_true(block_memory_bytes(m.block) < kept);
    drop(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(block_encodes_plain_columns),
        cmocka_unit_test(block_encodes_dictionaries),
        cmocka_unit_test(block_encodes_special_types),
        cmocka_unit_test(block_leaves_out_what_is_absent),
        cmocka_unit_test(block_widens_indexes),
        cmocka_unit_test(block_copies_rows),
        cmocka_unit_test(block_rolls_back_half_a_row),
        cmocka_unit_test(block_knows_its_size),
        cmocka_unit_test(block_keeps_memory_up_to_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
