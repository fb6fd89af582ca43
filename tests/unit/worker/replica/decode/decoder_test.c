/* Documents to rows: the rules of docs/type-mapping.md that do not need a ClickHouse to check. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/worker/replica/decode/fixture.h"

static void decoder_takes_keys_in_any_order_and_fills_what_is_missing(void **state)
{
    (void)state;
    static const struct fixture_column COLUMNS[] = {
        {"a", "Int32", NULL}, {"b", "String", NULL}, {"c", "UInt8", NULL}, {NULL, NULL, NULL}};
    struct fixture f;
    fixture_open(&f, COLUMNS, NULL);
    assert_int_equal(fixture_add(&f, "{\"a\":-5,\"b\":\"x\",\"c\":200}"), ST_OK);
    fixture_assert_u64(&f, 0, (uint64_t)-5);
    fixture_assert_u64(&f, 2, 200);
    assert_int_equal(fixture_add(&f, " { \"c\" : 7 ,\"z\":[1,{}],\n\"b\" : \"yz\" } "), ST_OK);
    fixture_assert_u64(&f, 0, 0);
    fixture_assert_text(&f, 1, "yz");
    fixture_assert_u64(&f, 2, 7);
    assert_int_equal(fixture_add(&f, "\xef\xbb\xbf{}"), ST_OK);
    assert_int_equal(block_rows(f.block), 3);
    fixture_close(&f);
}

static void decoder_rolls_back_a_rejected_row(void **state)
{
    (void)state;
    static const struct fixture_column COLUMNS[] = {
        {"s", "String", NULL},
        {"l", "Array(LowCardinality(String))", NULL},
        {"m", "Map(String, Array(Nullable(String)))", NULL},
        {"n", "Nullable(Int8)", NULL},
        {"a", "Int8", NULL},
        {NULL, NULL, NULL}};
    struct fixture f;
    fixture_open(&f, COLUMNS, NULL);
    const char *good =
        "{\"s\":\"one\",\"l\":[\"p\",\"q\"],\"m\":{\"k\":[null,\"v\"]},\"n\":null,\"a\":1}";
    const char *bad =
        "{\"s\":\"a much longer string than the others, so that it moves\",\"l\":[\"r\"],"
        "\"m\":{\"k\":[\"w\"],\"x\":[]},\"n\":3,\"a\":300}";
    size_t bytes = 0;
    for (int i = 0; i < 200; i++) {
        assert_int_equal(fixture_add(&f, good), ST_OK);
        bytes = block_column(f.block, 0)->data.len;
        assert_int_equal(fixture_add(&f, bad), ST_REJECTED);
        assert_int_equal(block_column(f.block, 0)->data.len, bytes);
        assert_int_equal(fixture_add(&f, "{\"s\":\"x\",\"m\":{\"a\":[\"b\""), ST_REJECTED);
    }
    assert_int_equal(f.reject.type, REJECT_DATA_PARSING);
    assert_int_equal(block_rows(f.block), 200);
    for (size_t i = 0; i < block_columns_count(f.block); i++) {
        assert_int_equal(column_items(block_column(f.block, i)), 200);
    }
    const struct block_piece *pieces = NULL;
    size_t count = 0;
    assert_int_equal(block_encode(f.block, &pieces, &count, NULL), ST_OK);
    assert_true(count > 5);
    fixture_close(&f);
}

/* penstock_defaults=server: absent is not null, and not zero. */
static void decoder_leaves_what_is_absent_to_the_server(void **state)
{
    (void)state;
    static char name[] = "t";
    static char separator[] = ".";
    struct pipe_column wanted[] = {
        {(char[]){"n"}, name}, {(char[]){"l"}, name}, {(char[]){"o"}, name}};
    const struct plan_column table[] = {
        {.name = "n", .type = "Int8", .has_default = true},
        {.name = "l", .type = "Array(Int8)", .has_default = true},
        {.name = "o", .type = "Int8"},
    };
    struct fixture f = {
        .spec = {
            .settings = {.defaults = PIPE_DEFAULTS_SERVER, .path_separator = separator},
            .destination = {.database = name, .table = name, .columns = wanted, .columns_count = 3},
        }};
    assert_int_equal(plan_new(&f.spec, table, 3, &f.plan, NULL), ST_OK);
    assert_int_equal(decoder_new(f.plan, NULL, &f.decoder, NULL), ST_OK);
    size_t count = 0;
    const struct block_column *columns = plan_columns(f.plan, &count);
    assert_int_equal(block_new(columns, count, 1 << 20, &f.block, NULL), ST_OK);
    static const char *const DOCUMENTS[] = {
        "{}", "{\"n\":null,\"l\":null,\"o\":null}", "{\"n\":5,\"l\":[1]}"};
    for (size_t i = 0; i < ARRAY_LEN(DOCUMENTS); i++) {
        assert_int_equal(fixture_add(&f, DOCUMENTS[i]), ST_OK);
    }
    const struct column *number = block_column(f.block, 0);
    assert_memory_equal(number->nulls.at, "\1", number->nulls.len);
    assert_memory_equal(number->data.at, "\0\0\5", 3);
    const struct column *list = block_column(f.block, 1);
    assert_true(column_is_absent(list, 0) && !column_is_absent(list, 1));
    assert_int_equal(block_column(f.block, 2)->is_nullable, false);
    fixture_close(&f);
}

static void decoder_collects_from_arrays_of_objects(void **state)
{
    (void)state;
    static const struct fixture_column COLUMNS[] = {
        {"n.a", "Array(Int16)", NULL},
        {"n.b", "Array(String)", NULL},
        {"first", "Int8", "n.0.a"},
        {"again", "Array(Int32)", "n.a"},
        {NULL, NULL, NULL}};
    struct fixture f;
    fixture_open(&f, COLUMNS, NULL);
    const struct column *numbers = block_column(f.block, 0);
    const struct column *texts = block_column(f.block, 1);
    const struct column *again = block_column(f.block, 3);
    const char *good = "{\"n\":[{\"a\":7,\"x\":[1]},{\"b\":\"s\"}, null ]}";
    static const char *const REFUSED[] = {
        "{\"n\":[{\"a\":7},{\"a\":70000}]}",
        "{\"n\":[{\"a\":7,\"a\":7}]}",
        "{\"n\":[{\"a\":7},8]}",
        "{\"n\":[{\"a\":7}",
        "{\"n\":[{\"a\":7}],\"n\":[]}",
        "{\"n\":[{\"a\":7]}",
    };
    for (size_t i = 1; i <= 3; i++) {
        assert_int_equal(fixture_add(&f, good), ST_OK);
        fixture_assert_u64(&f, 2, 7);
        for (size_t k = 0; k < ARRAY_LEN(REFUSED); k++) {
            assert_int_equal(fixture_add(&f, REFUSED[k]), ST_REJECTED);
        }
        assert_int_equal(column_items(numbers->children[0]), 3 * i);
        assert_int_equal(column_items(texts->children[0]), 3 * i);
        assert_int_equal(column_items(again->children[0]), 3 * i);
    }
    /* a literal key wins, wherever it stands */
    assert_int_equal(fixture_add(&f, "{\"n\":[{\"a\":7,\"b\":\"s\"}],\"n.a\":[1,2]}"), ST_OK);
    assert_int_equal(fixture_add(&f, "{\"n.a\":[1,2],\"n\":[{\"a\":7,\"b\":\"s\"}]}"), ST_OK);
    assert_int_equal(column_items(numbers->children[0]), 9 + 4);
    assert_int_equal(column_items(texts->children[0]), 9 + 2);
    assert_int_equal(column_items(numbers), 5);
    fixture_close(&f);
}

static void decoder_chooses_a_variant_by_kind(void **state)
{
    (void)state;
    enum {
        DATETIME,
        INT16,
        STRING,
        TYPES_COUNT
    };
    static const struct fixture_column COLUMNS[] = {
        {"v", "Variant(String, Int16, DateTime)", NULL}, {NULL, NULL, NULL}};
    static const struct {
        const char *text;
        uint8_t alternative;
    } CASES[] = {
        {"{\"v\":-7}", INT16},
        {"{\"v\":\"-7\"}", STRING},
        {"{\"v\":\"2024-01-02T03:04:05Z\"}", DATETIME},
        {"{\"v\":\"2024-01-02T03:04:65Z\"}", STRING},
        {"{\"v\":null}", COLUMN_NO_ALTERNATIVE},
        {"{}", COLUMN_NO_ALTERNATIVE},
        {"{\"v\":1e2}", INT16},
    };
    static const char *const REFUSED[] = {
        "{\"v\":true}", "{\"v\":70000}", "{\"v\":1.5}", "{\"v\":[]}", "{\"v\":{\"a\":1}}"};
    struct fixture f;
    fixture_open(&f, COLUMNS, NULL);
    const struct column *column = block_column(f.block, 0);
    size_t counts[TYPES_COUNT] = {0};
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        assert_int_equal(fixture_add(&f, CASES[i].text), ST_OK);
        assert_int_equal(column->data.at[i], CASES[i].alternative);
        if (CASES[i].alternative != COLUMN_NO_ALTERNATIVE) {
            counts[CASES[i].alternative]++;
        }
        for (size_t k = 0; k < ARRAY_LEN(REFUSED); k++) {
            assert_int_equal(fixture_add(&f, REFUSED[k]), ST_REJECTED);
        }
        for (size_t k = 0; k < TYPES_COUNT; k++) {
            assert_int_equal(column_items(column->children[k]), counts[k]);
        }
    }
    assert_non_null(strstr(f.reject.message, "no alternative of the Variant"));
    fixture_close(&f);
}

static void decoder_names_column_kind_and_type(void **state)
{
    (void)state;
    static const struct fixture_column COLUMNS[] = {
        {"price", "Nullable(Decimal(9, 2))", NULL}, {NULL, NULL, NULL}};
    struct fixture f;
    fixture_open(&f, COLUMNS, NULL);
    assert_int_equal(fixture_add(&f, "{\"price\":\"cheap\"}"), ST_REJECTED);
    assert_int_equal(f.reject.type, REJECT_TYPE_CONVERSION);
    assert_string_equal(f.reject.column, "price");
    assert_string_equal(
        f.reject.message, "column price: a string at byte 9 does not fit Nullable(Decimal(9, 2)): "
                          "the text is not a number");
    assert_int_equal(fixture_add(&f, "{\"price\":1.5"), ST_REJECTED);
    assert_int_equal(f.reject.type, REJECT_DATA_PARSING);
    assert_int_equal(fixture_add(&f, ""), ST_REJECTED);
    assert_string_equal(f.reject.message, "the value is empty");
    fixture_close(&f);
}

struct verdict {
    const char *document;
    enum status status;
};

static void
assert_verdicts(const struct fixture_column *columns, const struct verdict *verdicts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (int baseline = 0; baseline < 2; baseline++) {
            struct fixture f;
            fixture_open(&f, columns, NULL);
            if (baseline == 1) {
                decoder_use_baseline(f.decoder);
            }
            enum status st = fixture_add(&f, verdicts[i].document);
            if (st != verdicts[i].status) {
                fail_msg("%s: %s", verdicts[i].document, status_text(st));
            }
            fixture_close(&f);
        }
    }
}

static void decoder_is_strict(void **state)
{
    (void)state;
    static const struct fixture_column COLUMNS[] = {
        {"a", "Int64", NULL}, {"s", "String", NULL}, {NULL, NULL, NULL}};
    static const struct verdict VERDICTS[] = {
        {"{\"a\":1}", ST_OK},
        {"{\"a\":1.0}", ST_OK},
        {"{\"a\":1e2}", ST_OK},
        {"{\"a\":1e-2}", ST_REJECTED},
        {"{\"a\":9223372036854775807}", ST_OK},
        {"{\"a\":9223372036854775808}", ST_REJECTED},
        {"{\"a\":-9223372036854775808}", ST_OK},
        {"{\"a\":01}", ST_REJECTED},
        {"{\"a\":1.}", ST_REJECTED},
        {"{\"a\":-}", ST_REJECTED},
        {"{\"a\":\"\"}", ST_REJECTED},
        {"{\"a\":1,\"a\":2}", ST_REJECTED},
        {"{\"a\":1,\"b\":1,\"b\":2}", ST_OK},
        {"{\"a\":1}x", ST_REJECTED},
        {"{\"a\":1} \n\t\r ", ST_OK},
        {"{\"a\":1,}", ST_REJECTED},
        {"[1]", ST_REJECTED},
        {"{\"s\":\"\\ud83d\\ude00\"}", ST_OK},
        {"{\"s\":\"\\ud83d\"}", ST_REJECTED},
        {"{\"s\":\"\\ude00\"}", ST_REJECTED},
        {"{\"s\":\"\\u12g4\"}", ST_REJECTED},
        {"{\"s\":\"a\tb\"}", ST_REJECTED},
        {"{\"s\":\"\xc3\xa9\"}", ST_OK},
        {"{\"s\":\"\xc3\"}", ST_REJECTED},
        {"{\"s\":\"\xed\xa0\x80\"}", ST_REJECTED},
        {"{\"s\":\"\xc0\x80\"}", ST_REJECTED},
        {"{\"z\":\"\xff\"}", ST_REJECTED},
        {"{\"z\":tru}", ST_REJECTED},
        {"{\"z\":[1,2}", ST_REJECTED},
        {"{\"z\":{\"y\":[{}]}}", ST_OK},
        {"{\"\\u0061\":5,\"a\":6}", ST_REJECTED},
        {"{\"a\" :\n5}", ST_OK},
        {"{\"a\";5}", ST_REJECTED},
        {"{a:5}", ST_REJECTED},
    };
    assert_verdicts(COLUMNS, VERDICTS, ARRAY_LEN(VERDICTS));
}

static void decoder_limits_depth(void **state)
{
    (void)state;
    static const struct fixture_column COLUMNS[] = {{"a", "String", NULL}, {NULL, NULL, NULL}};
    struct fixture f;
    fixture_open(&f, COLUMNS, NULL);
    static char text[8192];
    for (size_t depth = 999; depth <= 1000; depth++) {
        size_t at = (size_t)snprintf(text, sizeof(text), "{\"z\":");
        memset(text + at, '[', depth);
        memset(text + at + depth, ']', depth);
        memcpy(text + at + 2 * depth, "}", 2);
        /* the object around is a level too */
        assert_int_equal(fixture_add(&f, text), depth == 999 ? ST_OK : ST_REJECTED);
    }
    fixture_close(&f);
}

static void decoder_follows_paths(void **state)
{
    (void)state;
    static const struct fixture_column COLUMNS[] = {
        {"x", "Int32", "o.x"},
        {"deep", "String", "o.p.q"},
        {"whole", "String", "o"},
        {"first", "Int32", "list.0"},
        {"far", "Int32", "list.2.v"},
        {"again", "String", "o.x"},
        {NULL, NULL, NULL}};
    struct fixture f;
    fixture_open(&f, COLUMNS, NULL);
    assert_int_equal(
        fixture_add(&f, "{\"list\":[7,8,{\"v\":9}],\"o\":{\"p\":{\"q\":\"w\"},\"x\":5}}"), ST_OK);
    fixture_assert_u64(&f, 0, 5);
    fixture_assert_text(&f, 1, "w");
    fixture_assert_text(&f, 2, "{\"p\":{\"q\":\"w\"},\"x\":5}");
    fixture_assert_u64(&f, 3, 7);
    fixture_assert_u64(&f, 4, 9);
    fixture_assert_text(&f, 5, "5");
    /* not an object: nothing inside */
    assert_int_equal(fixture_add(&f, "{\"o\":3,\"list\":null}"), ST_OK);
    fixture_assert_u64(&f, 0, 0);
    fixture_assert_text(&f, 2, "3");
    assert_int_equal(fixture_add(&f, "{\"o\":{\"x\":1},\"o\":{\"x\":2}}"), ST_REJECTED);
    assert_int_equal(fixture_add(&f, "{\"o\":{\"x\":1,\"x\":2}}"), ST_REJECTED);
    fixture_close(&f);
}

static void decoder_prefers_a_literal_key(void **state)
{
    (void)state;
    static const struct fixture_column COLUMNS[] = {{"v", "Int32", "a.b.c"}, {NULL, NULL, NULL}};
    static const char *const DOCUMENTS[] = {
        "{\"a.b.c\":1,\"a\":{\"b.c\":2,\"b\":{\"c\":3}}}",
        "{\"a\":{\"b.c\":2,\"b\":{\"c\":3}},\"a.b.c\":1}",
        "{\"a\":{\"b\":{\"c\":3},\"b.c\":2},\"a.b.c\":1}",
        "{\"a\":{\"b\":{\"c\":3},\"b.c\":2}}",
        "{\"a\":{\"b.c\":2,\"b\":{\"c\":3}}}",
        "{\"a\":{\"b\":{\"c\":3}}}",
    };
    static const uint64_t VALUES[] = {1, 1, 1, 2, 2, 3};
    struct fixture f;
    fixture_open(&f, COLUMNS, NULL);
    for (size_t i = 0; i < ARRAY_LEN(DOCUMENTS); i++) {
        assert_int_equal(fixture_add(&f, DOCUMENTS[i]), ST_OK);
        fixture_assert_u64(&f, 0, VALUES[i]);
    }
    assert_int_equal(fixture_add(&f, "{\"a.b.c\":1,\"a.b.c\":1}"), ST_REJECTED);
    assert_int_equal(block_rows(f.block), ARRAY_LEN(DOCUMENTS));
    fixture_close(&f);
}

static void decoder_honours_settings(void **state)
{
    (void)state;
    static const struct fixture_column COLUMNS[] = {
        {"a", "Int8", NULL}, {"t", "DateTime64(3)", NULL}, {NULL, NULL, NULL}};
    struct pipe_settings settings = {.overflow = PIPE_OVERFLOW_WRAP};
    struct fixture f;
    fixture_open(&f, COLUMNS, &settings);
    assert_int_equal(fixture_add(&f, "{\"a\":300}"), ST_OK);
    fixture_assert_u64(&f, 0, 44);
    fixture_close(&f);
    settings.overflow = PIPE_OVERFLOW_CLAMP;
    settings.timestamp_unit = PIPE_TIMESTAMP_MS;
    fixture_open(&f, COLUMNS, &settings);
    assert_int_equal(fixture_add(&f, "{\"a\":300,\"t\":5}"), ST_OK);
    fixture_assert_u64(&f, 0, 127);
    fixture_assert_u64(&f, 1, 5);
    assert_int_equal(fixture_add(&f, "{\"a\":-1e30}"), ST_OK);
    fixture_assert_u64(&f, 0, (uint64_t)-128);
    fixture_close(&f);
    settings = (struct pipe_settings){.null_mode = PIPE_NULL_ERROR};
    fixture_open(&f, COLUMNS, &settings);
    assert_int_equal(fixture_add(&f, "{\"a\":null}"), ST_REJECTED);
    assert_int_equal(fixture_add(&f, "{}"), ST_OK);
    fixture_close(&f);
}

static size_t
two_headers(const struct record *record, struct record_header *ret_headers, size_t headers_max)
{
    assert_true(headers_max >= 2);
    assert_non_null(record->source);
    ret_headers[0] = (struct record_header){"k", 1, (const uint8_t *)"v", 1};
    ret_headers[1] = (struct record_header){"k", 1, NULL, 0};
    return 2;
}

static void decoder_writes_virtual_columns(void **state)
{
    (void)state;
    static const struct fixture_column COLUMNS[] = {
        {"_key", "Nullable(String)", NULL},
        {"_timestamp", "DateTime64(6)", NULL},
        {"_partition", "Int32", NULL},
        {"_offset", "UInt64", NULL},
        {"topic_name", "LowCardinality(String)", "_topic"},
        {"_header_keys", "Array(String)", NULL},
        {"_header_values", "Array(Nullable(String))", NULL},
        {"_raw_message", "String", NULL},
        {"_timestamp_ms", "DateTime", NULL},
        {NULL, NULL, NULL}};
    struct fixture f;
    fixture_open(&f, COLUMNS, NULL);
    assert_true(plan_is_raw(f.plan));
    assert_true(plan_needs_headers(f.plan));
    struct record record = {
        .topic = "events",
        .topic_bytes = 6,
        .partition = 3,
        .offset = 42,
        .timestamp_ms = 1700000000123,
        .value = (const uint8_t *)"not json",
        .value_bytes = 8,
        .read_headers = two_headers,
        .source = &f,
    };
    struct err err = {0};
    assert_int_equal(decoder_add(f.decoder, &record, f.block, &f.outcome, &err), ST_OK);
    assert_int_equal(block_column(f.block, 0)->nulls.at[0], 1);
    fixture_assert_u64(&f, 1, 1700000000123000);
    fixture_assert_u64(&f, 2, 3);
    fixture_assert_u64(&f, 3, 42);
    assert_int_equal(column_items(block_column(f.block, 5)->children[0]), 2);
    assert_int_equal(block_column(f.block, 6)->children[0]->nulls.at[1], 1);
    fixture_assert_text(&f, 7, "not json");
    fixture_assert_u64(&f, 8, 1700000000);
    assert_int_equal(decoder_add_tombstone(f.decoder, &record, f.block, &f.outcome, &err), ST_OK);
    assert_int_equal(block_rows(f.block), 2);
    fixture_close(&f);
}

static void decoder_grows_long_strings(void **state)
{
    (void)state;
    static const struct fixture_column COLUMNS[] = {{"s", "String", NULL}, {NULL, NULL, NULL}};
    static char text[300000];
    struct fixture f;
    fixture_open(&f, COLUMNS, NULL);
    static const size_t LENGTHS[] = {0,   1,   31,   32,   33,   63,    64,    65,    126,
                                     127, 128, 1000, 1023, 1024, 16383, 16384, 16385, 250000};
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < ARRAY_LEN(LENGTHS); i++) {
            size_t at = (size_t)snprintf(text, sizeof(text), "{\"s\":\"");
            memset(text + at, 'x', LENGTHS[i]);
            if (round == 1 && LENGTHS[i] > 2) {
                memcpy(text + at + LENGTHS[i] / 2, "\\n", 2);
            }
            memcpy(text + at + LENGTHS[i], "\"}", 3);
            size_t before = block_column(f.block, 0)->data.len;
            assert_int_equal(fixture_add(&f, text), ST_OK);
            uint64_t len = 0;
            const uint8_t *bytes =
                bytes_read_varint(block_column(f.block, 0)->data.at + before, &len);
            assert_int_equal(len, LENGTHS[i] - (round == 1 && LENGTHS[i] > 2 ? 1 : 0));
            assert_true(len == 0 || bytes[0] == 'x' || bytes[0] == '\n');
        }
    }
    fixture_close(&f);
}

/* The reason stands at the end: a long type must not push it out. */
static void long_types_leave_room_for_the_reason(void **state)
{
    (void)state;
    static char type[2000];
    size_t len = 0;
    for (unsigned i = 0; i < 60; i++) {
        len += (size_t)snprintf(
            type + len, sizeof(type) - len, "%s`\xc3\xa9%u` Int8", i == 0 ? "Tuple(" : ", ", i);
    }
    (void)snprintf(type + len, sizeof(type) - len, ")");
    const struct fixture_column columns[] = {{"t", type, NULL}, {NULL, NULL, NULL}};
    struct fixture f;
    fixture_open(&f, columns, NULL);
    assert_int_equal(
        fixture_add(
            &f, "{\"t\":{\"\xc3\xa9"
                "7\":1000}}"),
        ST_REJECTED);
    assert_non_null(strstr(f.reject.message, "...: it is out of range"));
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoder_takes_keys_in_any_order_and_fills_what_is_missing),
        cmocka_unit_test(decoder_rolls_back_a_rejected_row),
        cmocka_unit_test(decoder_leaves_what_is_absent_to_the_server),
        cmocka_unit_test(decoder_collects_from_arrays_of_objects),
        cmocka_unit_test(decoder_chooses_a_variant_by_kind),
        cmocka_unit_test(decoder_names_column_kind_and_type),
        cmocka_unit_test(decoder_is_strict),
        cmocka_unit_test(decoder_limits_depth),
        cmocka_unit_test(decoder_follows_paths),
        cmocka_unit_test(decoder_prefers_a_literal_key),
        cmocka_unit_test(decoder_honours_settings),
        cmocka_unit_test(decoder_writes_virtual_columns),
        cmocka_unit_test(decoder_grows_long_strings),
        cmocka_unit_test(long_types_leave_room_for_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
