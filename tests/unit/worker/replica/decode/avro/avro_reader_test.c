/* Messages made by hand: every type into its columns, paths, and bytes that are no message. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/worker/replica/decode/fixture.h"
#include "worker/replica/decode/avro/avro_reader.h"

enum {
    PADDING_BYTES = 128
};

#define BYTES(literal) (literal), sizeof(literal) - 1
#define COLUMNS(...) ((const struct fixture_column[]){__VA_ARGS__, {NULL, NULL, NULL}})

struct avro {
    struct fixture f;
    struct avro_reader *reader;
};

static void avro_open_with(
    struct avro *a, const char *schema_text, const struct fixture_column *columns,
    const struct pipe_settings *settings)
{
    fixture_open(&a->f, columns, settings);
    struct schema schema = {.id = 7, .text = schema_text, .text_bytes = strlen(schema_text)};
    struct err err = {0};
    if (avro_record_reader_new(&schema, a->f.plan, &a->reader, &err) != ST_OK) {
        fail_msg("%s: %s", schema_text, err.text);
    }
}

static void avro_open(struct avro *a, const char *schema, const struct fixture_column *columns)
{
    avro_open_with(a, schema, columns, NULL);
}

static void avro_close(struct avro *a)
{
    avro_record_reader_free(a->reader);
    fixture_close(&a->f);
}

static enum status avro_add(struct avro *a, const char *bytes, size_t len)
{
    uint8_t *copy = calloc(1, len + PADDING_BYTES);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    memset(copy + len, 0xa5, PADDING_BYTES); /* what lies behind must not matter */
    enum status st = avro_record_reader_row(a->reader, copy, len, a->f.block, &a->f.reject);
    free(copy);
    if (st == ST_OK) {
        block_row_commit(a->f.block, len);
    } else {
        block_row_rollback(a->f.block);
    }
    return st;
}

static void avro_good(struct avro *a, const char *bytes, size_t len)
{
    if (avro_add(a, bytes, len) != ST_OK) {
        fail_msg("%s", a->f.reject.message);
    }
}

static void avro_refused(
    struct avro *a, const char *bytes, size_t len, enum reject_type type, const char *reason)
{
    size_t before = block_rows(a->f.block);
    assert_int_equal(avro_add(a, bytes, len), ST_REJECTED);
    assert_int_equal(block_rows(a->f.block), before);
    assert_int_equal(a->f.reject.schema_id, 7);
    if (a->f.reject.type != type || strstr(a->f.reject.message, reason) == NULL) {
        fail_msg("%s", a->f.reject.message);
    }
}

/* A record of the one field x. */
static const char *of_field(const char *type)
{
    static char text[2048];
    (void)snprintf(
        text, sizeof(text),
        "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"x\",\"type\":%s}]}", type);
    return text;
}

static void numbers_go_into_their_columns(void **state)
{
    (void)state;
    static const struct {
        const char *avro;
        const char *column;
        const char *bytes;
        size_t len;
        uint64_t value;
    } CASES[] = {
        {"\"int\"", "Int32", BYTES("\x00"), 0},
        {"\"int\"", "Int32", BYTES("\x01"), UINT64_MAX},
        {"\"int\"", "Int32", BYTES("\xfe\xff\xff\xff\x0f"), INT32_MAX},
        {"\"int\"", "Int32", BYTES("\xff\xff\xff\xff\x0f"), (uint64_t)INT32_MIN},
        {"\"int\"", "Int64", BYTES("\xff\xff\xff\xff\x0f"), (uint64_t)INT32_MIN},
        {"\"int\"", "Int8", BYTES("\xfe\x01"), 127},
        {"\"int\"", "Int8", BYTES("\xff\x01"), (uint64_t)-128},
        {"\"int\"", "UInt8", BYTES("\xfe\x03"), 255},
        {"\"int\"", "UInt16", BYTES("\x80\x01"), 64},
        {"\"int\"", "Bool", BYTES("\x02"), 1},
        {"\"int\"", "Float64", BYTES("\x02"), 0x3ff0000000000000},
        {"\"long\"", "Int64", BYTES("\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"), INT64_MAX},
        {"\"long\"", "Int64", BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
         (uint64_t)INT64_MIN},
        {"\"long\"", "UInt64", BYTES("\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"), INT64_MAX},
        {"\"long\"", "Int32", BYTES("\x80\x80\x01"), 8192},
        {"\"long\"", "Int64", BYTES("\x80\x80\x80\x80\x80\x80\x80\x01"), 1LL << 48},
        {"\"long\"", "Int64", BYTES("\x80\x80\x80\x80\x80\x80\x80\x80\x01"), 1LL << 55},
        {"\"long\"", "Int64", BYTES("\xc2\xc4\x88\x92\xb4\xf0\x02"), 0},
        {"\"boolean\"", "Bool", BYTES("\x01"), 1},
        {"\"boolean\"", "Bool", BYTES("\x00"), 0},
        {"\"boolean\"", "UInt8", BYTES("\x01"), 1},
        {"\"boolean\"", "Int64", BYTES("\x01"), 1},
        {"\"float\"", "Float32", BYTES("\x00\x00\xc0\x3f"), 0x3fc00000},
        {"\"float\"", "Float64", BYTES("\x00\x00\xc0\x3f"), 0x3ff8000000000000},
        {"\"float\"", "Int32", BYTES("\x00\x00\x40\x40"), 3},
        {"\"double\"", "Float64", BYTES("\x00\x00\x00\x00\x00\x00\xf8\x3f"), 0x3ff8000000000000},
        {"\"double\"", "Float64", BYTES("\x00\x00\x00\x00\x00\x00\xf0\x7f"), 0x7ff0000000000000},
        {"\"double\"", "Float32", BYTES("\x00\x00\x00\x00\x00\x00\xf8\x3f"), 0x3fc00000},
        {"\"double\"", "Decimal(9, 2)", BYTES("\x00\x00\x00\x00\x00\x00\xf8\x3f"), 150},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct avro a = {0};
        avro_open(&a, of_field(CASES[i].avro), COLUMNS({"x", CASES[i].column, NULL}));
        avro_good(&a, CASES[i].bytes, CASES[i].len);
        uint64_t value = CASES[i].value;
        if (CASES[i].len == 7 && value == 0) { /* by another way: the sum of the groups */
            for (unsigned k = 0; k < 7; k++) {
                value |= (uint64_t)((uint8_t)CASES[i].bytes[k] & 0x7f) << (7 * k);
            }
            value >>= 1;
        }
        fixture_assert_u64(&a.f, 0, value);
        avro_close(&a);
    }
}

static void logical_types_go_by_their_meaning(void **state)
{
    (void)state;
#define LOGICAL(type, name) "{\"type\":\"" type "\",\"logicalType\":\"" name "\"}"
#define DECIMAL(kind, more)                                                                        \
    "{\"type\":\"" kind "\"," more "\"logicalType\":\"decimal\",\"precision\":30,\"scale\":2}"
    static const struct {
        const char *avro;
        const char *column;
        const char *bytes;
        size_t len;
        uint64_t value;
    } CASES[] = {
        {LOGICAL("int", "date"), "Date32", BYTES("\x01"), UINT64_MAX},
        {LOGICAL("int", "date"), "Date", BYTES("\x80\x01"), 64},
        {LOGICAL("int", "date"), "Int32", BYTES("\x80\x01"), 64},
        {LOGICAL("int", "date"), "DateTime", BYTES("\x02"), 86400},
        {LOGICAL("int", "time-millis"), "Int32", BYTES("\x80\x01"), 64},
        {LOGICAL("long", "timestamp-millis"), "DateTime64(3)", BYTES("\xd0\x0f"), 1000},
        {LOGICAL("long", "timestamp-millis"), "DateTime64(6)", BYTES("\xd0\x0f"), 1000000},
        {LOGICAL("long", "timestamp-millis"), "DateTime64(0)", BYTES("\xd0\x0f"), 1},
        {LOGICAL("long", "timestamp-millis"), "DateTime", BYTES("\xd0\x0f"), 1},
        {LOGICAL("long", "timestamp-millis"), "DateTime64(3, 'Asia/Tokyo')", BYTES("\xd0\x0f"),
         1000},
        {LOGICAL("long", "timestamp-millis"), "Date", BYTES("\xd0\x0f"), 0},
        {LOGICAL("long", "timestamp-millis"), "Int64", BYTES("\xd0\x0f"), 1000},
        {LOGICAL("long", "timestamp-micros"), "DateTime64(3)", BYTES("\xd0\x0f"), 1},
        {LOGICAL("long", "timestamp-micros"), "DateTime64(6)", BYTES("\xcf\x0f"), (uint64_t)-1000},
        {LOGICAL("long", "timestamp-nanos"), "DateTime64(9)", BYTES("\xd0\x0f"), 1000},
        {LOGICAL("long", "local-timestamp-millis"), "DateTime64(3)", BYTES("\xd0\x0f"), 1000},
        {LOGICAL("long", "local-timestamp-micros"), "DateTime64(6)", BYTES("\xd0\x0f"), 1000},
        {LOGICAL("long", "local-timestamp-nanos"), "DateTime64(9)", BYTES("\xd0\x0f"), 1000},
        {DECIMAL("bytes", ""), "Decimal(9, 2)", BYTES("\x04\x01\x00"), 256},
        {DECIMAL("bytes", ""), "Decimal(18, 2)", BYTES("\x02\xff"), UINT64_MAX},
        {DECIMAL("bytes", ""), "Decimal(18, 4)", BYTES("\x04\x01\x00"), 25600},
        {DECIMAL("bytes", ""), "Decimal(18, 2)",
         BYTES("\x18\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00"), 256},
        {DECIMAL("fixed", "\"name\":\"f\",\"size\":3,"), "Decimal(9, 2)", BYTES("\xff\xff\x00"),
         (uint64_t)-256},
        {DECIMAL("bytes", ""), "Int32", BYTES("\x02\x64"), 1},
        {"{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\",\"B\"]}", "Enum8('B' = 5, 'A' = -3)",
         BYTES("\x02"), 5},
        {"{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\",\"B\"]}",
         "Enum16('B' = 5, 'A' = -300)", BYTES("\x00"), (uint64_t)-300},
        {"\"string\"", "Enum8('B' = 5, 'A' = -3)",
         BYTES("\x02"
               "B"),
         5},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct avro a = {0};
        avro_open(&a, of_field(CASES[i].avro), COLUMNS({"x", CASES[i].column, NULL}));
        avro_good(&a, CASES[i].bytes, CASES[i].len);
        fixture_assert_u64(&a.f, 0, CASES[i].value);
        avro_close(&a);
    }
}

static const char PARTS[] =
    "{\"type\":\"record\",\"name\":\"P\",\"fields\":[{\"name\":\"a\",\"type\":\"int\"},"
    "{\"name\":\"b\",\"type\":[\"null\",\"string\"]},{\"name\":\"c\",\"type\":\"bytes\"},"
    "{\"name\":\"d\",\"type\":{\"type\":\"int\",\"logicalType\":\"date\"}},"
    "{\"name\":\"e\",\"type\":{\"type\":\"map\",\"values\":\"boolean\"}},"
    "{\"name\":\"f\",\"type\":\"double\"}]}";
static const struct {
    const char *avro;
    const char *bytes;
    size_t len;
    const char *text;
} TEXTS[] = {
    {"\"string\"",
     BYTES("\x06"
           "abc"),
     "abc"},
    {"\"string\"", BYTES("\x00"), ""},
    {"\"string\"",
     BYTES("\x50"
           "0123456789012345678901234567890123456789"),
     "0123456789012345678901234567890123456789"},
    {"\"bytes\"", BYTES("\x04\xff\x80"), "\xff\x80"},
    {"\"int\"", BYTES("\x01"), "-1"},
    {"\"boolean\"", BYTES("\x01"), "true"},
    {"\"double\"", BYTES("\x00\x00\x00\x00\x00\x00\xf8\x3f"), "1.5"},
    {"\"float\"", BYTES("\xcd\xcc\xcc\x3d"), "0.1"},
    {"[\"null\",\"string\"]", BYTES("\x00"), ""},
    {"[\"string\",\"int\",\"boolean\"]", BYTES("\x02\x0e"), "7"},
    {"[\"string\",\"int\",\"boolean\"]", BYTES("\x00\x02z"), "z"},
    {LOGICAL("int", "date"), BYTES("\x02"), "1970-01-02"},
    {LOGICAL("int", "time-millis"), BYTES("\xd0\x0f"), "00:00:01.000"},
    {LOGICAL("long", "timestamp-millis"), BYTES("\xd0\x0f"), "1970-01-01 00:00:01.000"},
    {DECIMAL("bytes", ""), BYTES("\x04\xff\x00"), "-2.56"},
    {"{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\",\"Bc\"]}", BYTES("\x02"), "Bc"},
    {"{\"type\":\"fixed\",\"name\":\"f\",\"size\":2}", BYTES("\x01\xfe"), "\x01\xfe"},
    {"{\"type\":\"fixed\",\"name\":\"u\",\"size\":16,\"logicalType\":\"uuid\"}",
     BYTES("\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff"),
     "00112233-4455-6677-8899-aabbccddeeff"},
    {"{\"type\":\"fixed\",\"name\":\"d\",\"size\":12,\"logicalType\":\"duration\"}",
     BYTES("\x01\x00\x00\x00\x02\x00\x00\x00\xff\xff\xff\xff"),
     "{\"months\":1,\"days\":2,\"millis\":4294967295}"},
    {"{\"type\":\"array\",\"items\":\"int\"}", BYTES("\x04\x02\x04\x02\x06\x00"), "[1,2,3]"},
    {"{\"type\":\"array\",\"items\":\"int\"}", BYTES("\x03\x04\x02\x04\x00"), "[1,2]"},
    {"{\"type\":\"array\",\"items\":\"int\"}", BYTES("\x00"), "[]"},
    {"{\"type\":\"map\",\"values\":\"string\"}", BYTES("\x02\x04k\"\x04\n\xc3\x00"), NULL},
    {"{\"type\":\"map\",\"values\":\"string\"}", BYTES("\x02\x04k\"\x06\n\xc3\xa9\x00"),
     "{\"k\\\"\":\"\\n\xc3\xa9\"}"},
    {PARTS,
     BYTES("\x01\x02\x04hi\x04\x41\xe9\x00\x02\x02k\x01\x00"
           "\x00\x00\x00\x00\x00\x00\xf8\x7f"),
     "{\"a\":-1,\"b\":\"hi\",\"c\":\"A\xc3\xa9\",\"d\":\"1970-01-01\",\"e\":{\"k\":true},"
     "\"f\":\"nan\"}"},
};

static void values_become_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++) {
        struct avro a = {0};
        avro_open(&a, of_field(TEXTS[i].avro), COLUMNS({"x", "String", NULL}));
        if (TEXTS[i].text == NULL) {
            avro_refused(&a, TEXTS[i].bytes, TEXTS[i].len, REJECT_DATA_PARSING, "is not UTF-8");
        } else {
            avro_good(&a, TEXTS[i].bytes, TEXTS[i].len);
            fixture_assert_text(&a.f, 0, TEXTS[i].text);
        }
        avro_close(&a);
    }
}

static const char NESTED[] =
    "{\"type\":\"record\",\"name\":\"R\",\"fields\":["
    "{\"name\":\"id\",\"type\":\"long\"},"
    "{\"name\":\"user\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"U\",\"fields\":["
    "{\"name\":\"name\",\"aliases\":[\"nick\"],\"type\":\"string\"},"
    "{\"name\":\"age\",\"type\":\"int\"}]}]},"
    "{\"name\":\"tags\",\"type\":{\"type\":\"array\",\"items\":\"string\"}},"
    "{\"name\":\"points\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\","
    "\"name\":\"P\",\"fields\":[{\"name\":\"x\",\"type\":\"int\"},"
    "{\"name\":\"y\",\"type\":\"string\"}]}}},"
    "{\"name\":\"counts\",\"type\":{\"type\":\"map\",\"values\":\"int\"}},"
    "{\"name\":\"last\",\"type\":\"int\"}]}";

/* id 1, user (ann, 30), tags [a, bc], points [(1, p), (2, q)], counts {u: 5, v: 6}, last 9 */
#define NESTED_FULL                                                                                \
    "\x02\x02\x06"                                                                                 \
    "ann\x3c\x04\x02"                                                                              \
    "a\x04"                                                                                        \
    "bc\x00\x04\x02\x02p\x04\x02q\x00\x04\x02u\x0a\x02v\x0c\x00\x12"
/* id 1, no user, nothing in the lists, last 9 */
#define NESTED_EMPTY "\x02\x00\x00\x00\x00\x12"

static void paths_lead_into_records_lists_and_maps(void **state)
{
    (void)state;
    struct avro a = {0};
    avro_open(
        &a, NESTED,
        COLUMNS(
            {"last", "Int32", NULL}, {"age", "UInt8", "user.age"}, {"name", "String", "user.nick"},
            {"tag", "String", "tags.1"}, {"x0", "Int32", "points.0.x"},
            {"y1", "String", "points.1.y"}, {"v", "Int32", "counts.v"},
            {"none", "Nullable(String)", "user.none"}, {"json", "String", "user"},
            {"again", "Int64", "id"}, {"id", "Int64", NULL}, {"deep", "Int32", "id.x.y"},
            {"xs", "Array(Int32)", "points.x"}));
    avro_good(&a, BYTES(NESTED_FULL));
    fixture_assert_u64(&a.f, 0, 9);
    fixture_assert_u64(&a.f, 1, 30);
    fixture_assert_text(&a.f, 2, "ann");
    fixture_assert_text(&a.f, 3, "bc");
    fixture_assert_u64(&a.f, 4, 1);
    fixture_assert_text(&a.f, 5, "q");
    fixture_assert_u64(&a.f, 6, 6);
    assert_int_equal(block_column(a.f.block, 7)->nulls.len, 1);
    fixture_assert_text(&a.f, 8, "{\"name\":\"ann\",\"age\":30}");
    fixture_assert_u64(&a.f, 9, 1);
    fixture_assert_u64(&a.f, 10, 1);
    fixture_assert_u64(&a.f, 11, 0);
    const struct column *xs = block_column(a.f.block, 12);
    assert_int_equal(column_items(xs->children[0]), 2);
    avro_good(&a, BYTES(NESTED_EMPTY));
    fixture_assert_u64(&a.f, 0, 9);
    fixture_assert_u64(&a.f, 1, 0);
    fixture_assert_u64(&a.f, 4, 0);
    fixture_assert_u64(&a.f, 6, 0);
    assert_int_equal(column_items(xs->children[0]), 2);
    assert_int_equal(block_rows(a.f.block), 2);
    avro_close(&a);
}

static void containers_go_into_theirs(void **state)
{
    (void)state;
    struct avro a = {0};
    avro_open(
        &a, NESTED,
        COLUMNS(
            {"user", "Tuple(age Int64, more String, nick String)", NULL},
            {"tags", "Array(LowCardinality(String))", NULL},
            {"points", "Array(Tuple(Int32, String))", NULL},
            {"counts", "Map(String, UInt8)", NULL}));
    avro_good(&a, BYTES(NESTED_FULL));
    avro_good(&a, BYTES(NESTED_EMPTY));
    avro_good(&a, BYTES(NESTED_FULL));
    struct column *const *columns = block_columns(a.f.block);
    assert_int_equal(column_items(columns[0]->children[1]), 3);
    uint64_t ages[3];
    memcpy(ages, columns[0]->children[0]->data.at, sizeof(ages));
    assert_int_equal(ages[0], 30);
    assert_int_equal(ages[1], 0);
    assert_int_equal(ages[2], 30);
    uint64_t ends[3];
    memcpy(ends, columns[1]->offsets.at, sizeof(ends));
    assert_int_equal(ends[0], 2);
    assert_int_equal(ends[1], 2);
    assert_int_equal(ends[2], 4);
    assert_memory_equal(columns[1]->children[0]->data.at, "\x01\x02\x01\x02", 4);
    assert_memory_equal(columns[2]->children[0]->children[1]->data.at, "\x01p\x01q\x01p\x01q", 8);
    assert_memory_equal(columns[3]->children[0]->data.at, "\x01u\x01v\x01u\x01v", 8);
    assert_memory_equal(columns[3]->children[1]->data.at, "\x05\x06\x05\x06", 4);
    avro_close(&a);
}

static void nulls_follow_the_setting(void **state)
{
    (void)state;
    struct pipe_settings strict = {.null_mode = PIPE_NULL_ERROR};
    static const char *const ORDERS[] = {"[\"null\",\"int\"]", "[\"int\",\"null\"]"};
    for (unsigned i = 0; i < 2; i++) {
        const char *null = i == 0 ? "\x00" : "\x02";
        struct avro a = {0};
        avro_open(
            &a, of_field(ORDERS[i]),
            COLUMNS({"n", "Nullable(Int32)", "x"}, {"x", "Int32", NULL}, {"s", "String", "x"}));
        avro_good(&a, null, 1);
        assert_int_equal(block_column(a.f.block, 0)->nulls.len, 1);
        fixture_assert_u64(&a.f, 1, 0);
        avro_good(&a, i == 0 ? "\x02\x0a" : "\x00\x0a", 2);
        fixture_assert_u64(&a.f, 0, 5);
        fixture_assert_text(&a.f, 2, "5");
        avro_refused(&a, BYTES("\x04"), REJECT_DATA_PARSING, "a union has no such branch");
        avro_refused(&a, BYTES("\x01"), REJECT_DATA_PARSING, "a union has no such branch");
        avro_refused(&a, BYTES(""), REJECT_DATA_PARSING, "ends too early");
        avro_close(&a);
        avro_open_with(&a, of_field(ORDERS[i]), COLUMNS({"x", "Int32", NULL}), &strict);
        avro_refused(&a, null, 1, REJECT_TYPE_CONVERSION, "penstock_null is error");
        avro_close(&a);
    }
}

static void overflow_follows_the_setting(void **state)
{
    (void)state;
    struct pipe_settings wrap = {.overflow = PIPE_OVERFLOW_WRAP};
    struct pipe_settings clamp = {.overflow = PIPE_OVERFLOW_CLAMP};
    struct avro a = {0};
    avro_open(&a, of_field("\"int\""), COLUMNS({"x", "UInt8", NULL}));
    avro_refused(
        &a, BYTES("\x80\x04"), REJECT_TYPE_CONVERSION,
        "column x: Avro int at byte 0 does not fit UInt8: ");
    assert_string_equal(a.f.reject.column, "x");
    avro_refused(&a, BYTES("\x01"), REJECT_TYPE_CONVERSION, "does not fit UInt8");
    avro_close(&a);
    avro_open_with(&a, of_field("\"int\""), COLUMNS({"x", "UInt8", NULL}), &wrap);
    avro_good(&a, BYTES("\x82\x04"));
    fixture_assert_u64(&a.f, 0, 1);
    avro_close(&a);
    avro_open_with(&a, of_field("\"int\""), COLUMNS({"x", "UInt8", NULL}), &clamp);
    avro_good(&a, BYTES("\x82\x04"));
    fixture_assert_u64(&a.f, 0, 255);
    avro_close(&a);
}

static void a_column_that_cannot_be_filled_refuses_the_records(void **state)
{
    (void)state;
    static const struct {
        const char *column;
        const char *source;
        const char *message;
    } CASES[] = {
        {"Int32", "user", "column c: Avro record U at byte 2 does not fit Int32: "},
        {"Array(Int32)", "id", "column c: Avro long at byte 0 does not fit Array(Int32): "},
        {"Int32", "tags", "column c: Avro array at byte 7 does not fit Int32: "},
        {"Array(Int32)", "tags", "column c: Avro string at byte 8 does not fit Array(Int32): "},
        {"Map(String, Int32)", "user", "column c: Avro record U at byte 2 does not fit Map"},
        {"Tuple(Int32)", "user", "an unnamed Tuple takes a record of as many fields"},
        {"Date", "counts", "column c: Avro map at byte 22 does not fit Date: "},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct avro a = {0};
        avro_open(&a, NESTED, COLUMNS({"c", CASES[i].column, CASES[i].source}));
        avro_refused(&a, BYTES(NESTED_FULL), REJECT_TYPE_CONVERSION, CASES[i].message);
        avro_close(&a);
    }
    struct avro a = {0}; /* a null never meets the pair */
    avro_open(&a, NESTED, COLUMNS({"c", "Int32", "user"}));
    avro_good(&a, BYTES(NESTED_EMPTY));
    avro_close(&a);
}

static void a_schema_without_fields_is_refused(void **state)
{
    (void)state;
    static const char *const SCHEMAS[] = {"\"long\"", "[\"null\",\"string\"]", "nonsense"};
    for (size_t i = 0; i < ARRAY_LEN(SCHEMAS); i++) {
        struct fixture f;
        fixture_open(&f, COLUMNS({"x", "Int32", NULL}), NULL);
        struct schema schema = {.text = SCHEMAS[i], .text_bytes = strlen(SCHEMAS[i])};
        struct avro_reader *reader = NULL;
        struct err err = {0};
        assert_int_equal(avro_record_reader_new(&schema, f.plan, &reader, &err), ST_INVALID);
        fixture_close(&f);
    }
}

/* Every message cut short anywhere is refused, and so is one with a byte behind it. */
static void cut_and_long_messages_are_refused(void **state)
{
    (void)state;
    static const char FULL[] = NESTED_FULL;
    const struct fixture_column *ways[] = {
        COLUMNS({"last", "Int32", NULL}),
        COLUMNS({"user", "String", NULL}, {"points", "String", NULL}, {"counts", "String", NULL}),
        COLUMNS(
            {"user", "Tuple(name String)", NULL}, {"counts", "Map(String, Int32)", NULL},
            {"points", "Array(Tuple(x Int8, y String))", NULL}),
        COLUMNS({"a", "String", "points.1.y"}, {"b", "Int8", "counts.v"}),
    };
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        struct avro a = {0};
        avro_open(&a, NESTED, ways[i]);
        avro_good(&a, BYTES(FULL));
        for (size_t len = 0; len < sizeof(FULL) - 1; len++) {
            avro_refused(&a, FULL, len, REJECT_DATA_PARSING, "malformed Avro at byte ");
        }
        avro_refused(&a, FULL, sizeof(FULL), REJECT_DATA_PARSING, "bytes are left behind");
        avro_close(&a);
    }
}

static void hostile_lengths_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *avro;
        const char *bytes;
        size_t len;
        const char *reason;
    } CASES[] = {
        {"\"string\"",
         BYTES("\x04"
               "a"),
         "a length is past"},
        {"\"string\"", BYTES("\x01"), "a length is past"},
        {"\"string\"", BYTES("\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "a length is past"},
        {"\"string\"", BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "a length is past"},
        {"\"long\"", BYTES("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02"), "a number is too long"},
        {"\"long\"", BYTES("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"), "a number is too long"},
        {"\"int\"", BYTES("\x80\x80\x80\x80\x10"), "more than 32 bits"},
        {"\"boolean\"", BYTES("\x02"), "neither 0 nor 1"},
        {"{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\"]}", BYTES("\x02"), "no such symbol"},
        {"{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\"]}", BYTES("\x01"), "no such symbol"},
        {"{\"type\":\"array\",\"items\":\"int\"}", BYTES("\xfe\xff\xff\xff\x0f\x00"),
         "more items than"},
        {"{\"type\":\"array\",\"items\":\"int\"}",
         BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00"), "more items than"},
        {"{\"type\":\"array\",\"items\":\"int\"}", BYTES("\x01\x80\x01\x00"), "a block of a list"},
        {"{\"type\":\"array\",\"items\":\"int\"}", BYTES("\x01\x01\x00"), "a block of a list"},
        {"{\"type\":\"array\",\"items\":\"null\"}", BYTES("\xfe\xff\xff\xff\x0f\x00"),
         "65536 items of no bytes"},
        {"{\"type\":\"array\",\"items\":{\"type\":\"array\",\"items\":\"null\"}}",
         BYTES("\x04\x80\x80\x06\x00\x80\x80\x06\x00\x00"), "65536 items of no bytes"},
        {"{\"type\":\"map\",\"values\":\"null\"}", BYTES("\xfe\xff\xff\xff\x0f\x00"),
         "more items than"},
    };
    static const char *const WAYS[] = {"x", "x.a.b", "nothing"};
    for (size_t i = 0; i < ARRAY_LEN(CASES) * ARRAY_LEN(WAYS); i++) {
        struct avro a = {0};
        size_t number = i / ARRAY_LEN(WAYS);
        const char *way = WAYS[i % ARRAY_LEN(WAYS)];
        bool is_read = strcmp(way, "x") == 0;
        bool is_value =
            CASES[number].reason[0] == 'n' || strstr(CASES[number].reason, "32 bits") != NULL;
        if (is_value && !is_read) {
            continue; /* what is skipped is not looked at so closely */
        }
        avro_open(&a, of_field(CASES[number].avro), COLUMNS({"c", "String", way}));
        avro_refused(
            &a, CASES[number].bytes, CASES[number].len, REJECT_DATA_PARSING, CASES[number].reason);
        avro_close(&a);
    }
}

static void a_key_twice_in_a_map_refuses_only_its_path(void **state)
{
    (void)state;
    struct avro a = {0};
    avro_open(
        &a, of_field("{\"type\":\"map\",\"values\":\"int\"}"),
        COLUMNS({"c", "Int32", "x.a"}, {"m", "Map(String, Int32)", "x"}));
    avro_refused(
        &a,
        BYTES("\x04\x02"
              "a\x02\x02"
              "a\x04\x00"),
        REJECT_DATA_PARSING, "a mapped key is twice");
    avro_good(
        &a, BYTES("\x04\x02"
                  "b\x02\x02"
                  "b\x04\x00"));
    avro_close(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_go_into_their_columns),
        cmocka_unit_test(logical_types_go_by_their_meaning),
        cmocka_unit_test(values_become_texts),
        cmocka_unit_test(paths_lead_into_records_lists_and_maps),
        cmocka_unit_test(containers_go_into_theirs),
        cmocka_unit_test(nulls_follow_the_setting),
        cmocka_unit_test(overflow_follows_the_setting),
        cmocka_unit_test(a_column_that_cannot_be_filled_refuses_the_records),
        cmocka_unit_test(a_schema_without_fields_is_refused),
        cmocka_unit_test(cut_and_long_messages_are_refused),
        cmocka_unit_test(hostile_lengths_are_refused),
        cmocka_unit_test(a_key_twice_in_a_map_refuses_only_its_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
