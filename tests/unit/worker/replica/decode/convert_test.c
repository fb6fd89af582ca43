/* Typed values into cells: what a JSON document with the same value stores. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/worker/replica/decode/fixture.h"
#include "worker/replica/decode/convert.h"

struct target {
    struct ch_type *type;
    struct cell *cell;
    struct column *column;
    struct convert convert;
};

static void target_open(struct target *t, const char *type, const struct pipe_settings *settings)
{
    static const struct pipe_settings DEFAULTS = {0};
    *t = (struct target){0};
    struct err err = {0};
    uint32_t next_id = 0;
    assert_int_equal(ch_type_parse(type, &t->type, &err), ST_OK);
    assert_int_equal(
        cell_new(t->type, settings == NULL ? &DEFAULTS : settings, &next_id, &t->cell, &err),
        ST_OK);
    assert_int_equal(column_new(t->type, &t->column, &err), ST_OK);
}

static void target_close(struct target *t)
{
    convert_done(&t->convert);
    column_free(t->column);
    cell_free(t->cell);
    ch_type_free(t->type);
}

/* A value of one of the typed formats. */
enum form {
    TEXT,
    BYTES,
    BOOL,
    INTEGER,
    DOUBLE,
    FLOAT,
    DATE,
    INSTANT,
    TIME,
};

struct value {
    enum form form;
    int64_t number;
    unsigned scale;
    double real;
    const char *text;
};

static enum convert_end apply(struct target *t, const struct value *v)
{
    struct convert *c = &t->convert;
    uint8_t padded[256] = {0};
    size_t len = v->text == NULL ? 0 : strlen(v->text);
    assert_true(len + 128 <= sizeof(padded));
    if (len > 0) {
        memcpy(padded, v->text, len);
    }
    switch (v->form) {
    case TEXT:
        return convert_text(c, t->cell, t->column, padded, len);
    case BYTES:
        return convert_bytes(c, t->cell, t->column, padded, len);
    case BOOL:
        return convert_bool(c, t->cell, t->column, v->number != 0);
    case INTEGER:
        return convert_integer(c, t->cell, t->column, v->number);
    case DOUBLE:
        return convert_double(c, t->cell, t->column, v->real, false);
    case FLOAT:
        return convert_double(c, t->cell, t->column, v->real, true);
    case DATE:
        return convert_date(c, t->cell, t->column, v->number);
    case INSTANT:
        return convert_instant(c, t->cell, t->column, v->number, v->scale);
    case TIME:
        return convert_time(c, t->cell, t->column, v->number, v->scale);
    }
    return CONVERT_NO_MEMORY;
}

/* The value stores what the JSON source stores in a column of that type; NULL = it does not fit. */
static void assert_as_json(const char *type, const struct value *v, const char *json)
{
    struct target t;
    target_open(&t, type, NULL);
    enum convert_end end = apply(&t, v);
    if (json == NULL) {
        assert_int_equal(end, CONVERT_UNFIT);
        assert_non_null(t.convert.reason);
        assert_int_equal(column_items(t.column), 0);
        target_close(&t);
        return;
    }
    assert_int_equal(end, CONVERT_DONE);
    assert_int_equal(column_items(t.column), 1);
    char document[256];
    (void)snprintf(document, sizeof(document), "{\"x\":%s}", json); /* fits */
    struct fixture f;
    const struct fixture_column columns[] = {{"x", type, NULL}, {NULL, NULL, NULL}};
    fixture_open(&f, columns, NULL);
    assert_int_equal(fixture_add(&f, document), ST_OK);
    const struct column *wanted = block_column(f.block, 0);
    assert_int_equal(t.column->data.len, wanted->data.len);
    assert_memory_equal(t.column->data.at, wanted->data.at, wanted->data.len);
    if (wanted->kind == CH_LOW_CARDINALITY) {
        assert_int_equal(t.column->dictionary.keys.len, wanted->dictionary.keys.len);
        assert_memory_equal(
            t.column->dictionary.keys.at, wanted->dictionary.keys.at, wanted->dictionary.keys.len);
    }
    fixture_close(&f);
    target_close(&t);
}

struct conversion {
    const char *type;
    struct value value;
    const char *json;
};

static void assert_all(const struct conversion *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_as_json(cases[i].type, &cases[i].value, cases[i].json);
    }
}

static void texts(void **state)
{
    (void)state;
    static const struct conversion CASES[] = {
        {"String", {.form = TEXT, .text = "a\tb"}, "\"a\\tb\""},
        {"LowCardinality(String)", {.form = TEXT, .text = "ab"}, "\"ab\""},
        {"FixedString(3)", {.form = TEXT, .text = "ab"}, "\"ab\""},
        {"FixedString(3)", {.form = TEXT, .text = "abcd"}, NULL},
        {"Int32", {.form = TEXT, .text = "-12"}, "-12"},
        {"Int32", {.form = TEXT, .text = "x"}, NULL},
        {"UInt8", {.form = TEXT, .text = "256"}, NULL},
        {"Float64", {.form = TEXT, .text = "nan"}, "\"nan\""},
        {"Decimal(9, 2)", {.form = TEXT, .text = "1.25"}, "1.25"},
        {"Bool", {.form = TEXT, .text = "true"}, "true"},
        {"Bool", {.form = TEXT, .text = "yes"}, NULL},
        {"Date", {.form = TEXT, .text = "2024-01-02"}, "\"2024-01-02\""},
        {"DateTime64(3)",
         {.form = TEXT, .text = "2024-01-02T03:04:05.678+01:00"},
         "\"2024-01-02T03:04:05.678+01:00\""},
        {"UUID",
         {.form = TEXT, .text = "61f0c404-5cb3-11e7-907b-a6006ad3dba0"},
         "\"61f0c404-5cb3-11e7-907b-a6006ad3dba0\""},
        {"Enum8('a' = 1, 'b' = 2)", {.form = TEXT, .text = "b"}, "\"b\""},
        {"Enum8('a' = 1, 'b' = 2)", {.form = TEXT, .text = "c"}, NULL},
        {"Array(Int8)", {.form = TEXT, .text = "[]"}, NULL},
        {"Nullable(String)", {.form = TEXT, .text = ""}, "\"\""},
        {"LowCardinality(Date)", {.form = TEXT, .text = "2024-01-02"}, "\"2024-01-02\""},
        {"LowCardinality(Date)", {.form = TEXT, .text = "x"}, NULL},
        {"Int256",
         {.form = TEXT,
          .text = "-57896044618658097711785492504343953926634992332820282019728792003956564819968"},
         "-57896044618658097711785492504343953926634992332820282019728792003956564819968"},
        {"IPv4", {.form = TEXT, .text = "1.2.3.4"}, "\"1.2.3.4\""},
        {"IPv6", {.form = TEXT, .text = "1.2.3.4"}, "\"::ffff:1.2.3.4\""},
        {"Time", {.form = TEXT, .text = "-12:34:56"}, "\"-12:34:56\""},
        {"Time64(3)", {.form = TEXT, .text = "12:34:56.789"}, "45296789"},
        {"BFloat16", {.form = TEXT, .text = "3.14"}, "3.125"},
    };
    assert_all(CASES, ARRAY_LEN(CASES));
}

static void bytes_and_booleans(void **state)
{
    (void)state;
    static const struct conversion CASES[] = {
        {"String", {.form = BYTES, .text = "ab"}, "\"ab\""},
        {"FixedString(2)", {.form = BYTES, .text = "ab"}, "\"ab\""},
        {"FixedString(2)", {.form = BYTES, .text = "abc"}, NULL},
        {"UUID",
         {.form = BYTES, .text = "abcdefghijklmnop"},
         "\"61626364-6566-6768-696a-6b6c6d6e6f70\""},
        {"UUID", {.form = BYTES, .text = "abc"}, NULL},
        {"IPv6",
         {.form = BYTES, .text = "abcdefghijklmnop"},
         "\"6162:6364:6566:6768:696a:6b6c:6d6e:6f70\""},
        {"Int128",
         {.form = BYTES, .text = "abcdefghijklmnop"},
         "149452120213688298009235146691947225697"},
        {"LowCardinality(UUID)",
         {.form = BYTES, .text = "abcdefghijklmnop"},
         "\"61626364-6566-6768-696a-6b6c6d6e6f70\""},
        {"Int32", {.form = BYTES, .text = "12"}, NULL},
        {"Bool", {.form = BOOL, .number = 1}, "true"},
        {"Int8", {.form = BOOL, .number = 1}, "true"},
        {"Float32", {.form = BOOL, .number = 1}, "1"},
        {"String", {.form = BOOL, .number = 1}, "true"},
        {"LowCardinality(String)", {.form = BOOL, .number = 0}, "false"},
        {"Decimal(9, 2)", {.form = BOOL, .number = 1}, NULL},
        {"Date", {.form = BOOL, .number = 1}, NULL},
    };
    assert_all(CASES, ARRAY_LEN(CASES));
}

static void integers(void **state)
{
    (void)state;
    static const struct conversion CASES[] = {
        {"Int8", {.form = INTEGER, .number = -128}, "-128"},
        {"Int8", {.form = INTEGER, .number = 128}, NULL},
        {"UInt8", {.form = INTEGER, .number = -1}, NULL},
        {"UInt64", {.form = INTEGER, .number = INT64_MAX}, "9223372036854775807"},
        {"Int64", {.form = INTEGER, .number = INT64_MIN}, "-9223372036854775808"},
        {"Float32", {.form = INTEGER, .number = 16777217}, "16777217"},
        {"Float64", {.form = INTEGER, .number = 9007199254740993}, "9007199254740993"},
        {"Decimal(9, 2)", {.form = INTEGER, .number = -5}, "-5"},
        {"Decimal(9, 2)", {.form = INTEGER, .number = 10000000}, NULL},
        {"Bool", {.form = INTEGER, .number = 1}, "1"},
        {"Bool", {.form = INTEGER, .number = 2}, NULL},
        {"String", {.form = INTEGER, .number = INT64_MIN}, "-9223372036854775808"},
        {"LowCardinality(String)", {.form = INTEGER, .number = 7}, "7"},
        {"FixedString(3)", {.form = INTEGER, .number = 7}, NULL},
        {"Date", {.form = INTEGER, .number = 19000}, "19000"},
        {"Date32", {.form = INTEGER, .number = -25567}, "-25567"},
        {"Date32", {.form = INTEGER, .number = -25568}, NULL},
        {"DateTime", {.form = INTEGER, .number = 1700000000}, "1700000000"},
        {"DateTime64(6)", {.form = INTEGER, .number = 1700000000123}, "1700000000123"},
        {"Enum8('a' = 1, 'b' = 2)", {.form = INTEGER, .number = 2}, "2"},
        {"Enum8('a' = 1, 'b' = 2)", {.form = INTEGER, .number = 258}, NULL},
        {"UUID", {.form = INTEGER, .number = 1}, NULL},
        {"Int128", {.form = INTEGER, .number = INT64_MIN}, "-9223372036854775808"},
        {"UInt256", {.form = INTEGER, .number = -1}, NULL},
        {"LowCardinality(Int8)", {.form = INTEGER, .number = -5}, "-5"},
        {"LowCardinality(Int8)", {.form = INTEGER, .number = 128}, NULL},
        {"IPv4", {.form = INTEGER, .number = 16909060}, "\"1.2.3.4\""},
        {"IPv4", {.form = INTEGER, .number = -1}, NULL},
        {"Time", {.form = INTEGER, .number = -5}, "-5"},
        {"Time64(3)", {.form = INTEGER, .number = 3600000000}, NULL},
        {"BFloat16", {.form = INTEGER, .number = 257}, "256"},
        {"Array(Int8)", {.form = INTEGER, .number = 1}, NULL},
    };
    assert_all(CASES, ARRAY_LEN(CASES));
}

static void doubles(void **state)
{
    (void)state;
    static const struct conversion CASES[] = {
        {"Float64", {.form = DOUBLE, .real = 0.1}, "0.1"},
        {"Float64", {.form = DOUBLE, .real = (double)NAN}, "\"nan\""},
        {"Float32", {.form = DOUBLE, .real = -(double)INFINITY}, "\"-inf\""},
        {"Float32", {.form = DOUBLE, .real = 0.1}, "0.1"},
        {"Float32", {.form = DOUBLE, .real = 1e39}, NULL},
        {"Float32", {.form = FLOAT, .real = (double)0.1F}, "0.1"},
        {"Float64", {.form = FLOAT, .real = (double)0.1F}, "0.10000000149011612"},
        {"Int32", {.form = DOUBLE, .real = -3.0}, "-3"},
        {"Int32", {.form = DOUBLE, .real = 1.5}, NULL},
        {"Int32", {.form = DOUBLE, .real = 1e300}, NULL},
        {"Int32", {.form = DOUBLE, .real = (double)NAN}, NULL},
        {"UInt64", {.form = DOUBLE, .real = 0x1p63}, "9223372036854775808"},
        {"Decimal(9, 2)", {.form = FLOAT, .real = (double)0.1F}, "0.1"},
        {"Decimal(9, 2)", {.form = DOUBLE, .real = 0.125}, NULL},
        {"String", {.form = DOUBLE, .real = 0.1}, "0.1"},
        {"String", {.form = FLOAT, .real = (double)0.1F}, "0.1"},
        {"String", {.form = DOUBLE, .real = (double)NAN}, "\"nan\""},
        {"DateTime64(3)", {.form = DOUBLE, .real = 1700000000.25}, "1700000000.25"},
        {"Date", {.form = DOUBLE, .real = 19000.0}, "19000"},
        {"UUID", {.form = DOUBLE, .real = 1.0}, NULL},
        {"UInt128", {.form = DOUBLE, .real = 0x1p100}, "1267650600228229401496703205376"},
        {"BFloat16", {.form = DOUBLE, .real = 3.14}, "3.125"},
        {"BFloat16", {.form = FLOAT, .real = (double)INFINITY}, "\"inf\""},
        {"Time", {.form = DOUBLE, .real = 5.0}, "5"},
        {"LowCardinality(Float64)", {.form = DOUBLE, .real = 0.5}, "0.5"},
        {"UUID", {.form = DOUBLE, .real = (double)NAN}, NULL},
    };
    assert_all(CASES, ARRAY_LEN(CASES));
}

static void dates(void **state)
{
    (void)state;
    static const struct conversion CASES[] = {
        {"Date", {.form = DATE, .number = 65535}, "65535"},
        {"Date", {.form = DATE, .number = -1}, NULL},
        {"Date32", {.form = DATE, .number = -1}, "\"1969-12-31\""},
        {"DateTime", {.form = DATE, .number = 19724}, "\"2024-01-02\""},
        {"DateTime64(3)", {.form = DATE, .number = -1}, "\"1969-12-31\""},
        {"DateTime('Asia/Tokyo')", {.form = DATE, .number = 19724}, "\"2024-01-01T15:00:00Z\""},
        {"Int32", {.form = DATE, .number = 19724}, "19724"},
        {"String", {.form = DATE, .number = 19724}, "\"2024-01-02\""},
        {"String", {.form = DATE, .number = 11016}, "\"2000-02-29\""},
        {"String", {.form = DATE, .number = -719528}, "\"0000-01-01\""},
        {"String", {.form = DATE, .number = 2932896}, "\"9999-12-31\""},
        {"String", {.form = DATE, .number = 2932897}, NULL},
        {"String", {.form = DATE, .number = INT64_MIN}, NULL},
        {"UUID", {.form = DATE, .number = 1}, NULL},
    };
    assert_all(CASES, ARRAY_LEN(CASES));
}

static void instants_and_times(void **state)
{
    (void)state;
    static const struct conversion CASES[] = {
        {"DateTime",
         {.form = INSTANT, .number = 1704164645678, .scale = 3},
         "\"2024-01-02 03:04:05\""},
        {"DateTime", {.form = INSTANT, .number = -1, .scale = 0}, NULL},
        {"DateTime64(6)",
         {.form = INSTANT, .number = 1704164645678, .scale = 3},
         "\"2024-01-02 03:04:05.678\""},
        {"DateTime64(3)",
         {.form = INSTANT, .number = -1, .scale = 6},
         "\"1969-12-31 23:59:59.999999\""},
        {"DateTime64(9)",
         {.form = INSTANT, .number = INT64_MAX, .scale = 9},
         "\"2262-04-11 23:47:16.854775807\""},
        {"DateTime64(3)", {.form = INSTANT, .number = INT64_MAX, .scale = 3}, NULL},
        {"Date", {.form = INSTANT, .number = 1704164645678, .scale = 3}, "\"2024-01-02\""},
        {"Date32", {.form = INSTANT, .number = -1, .scale = 3}, "\"1969-12-31\""},
        {"Int64", {.form = INSTANT, .number = 1704164645678, .scale = 3}, "1704164645678"},
        {"Int32", {.form = INSTANT, .number = 1704164645678, .scale = 3}, NULL},
        {"String",
         {.form = INSTANT, .number = 1704164645678, .scale = 3},
         "\"2024-01-02 03:04:05.678\""},
        {"String", {.form = INSTANT, .number = -1, .scale = 0}, "\"1969-12-31 23:59:59\""},
        {"String",
         {.form = INSTANT, .number = -1, .scale = 9},
         "\"1969-12-31 23:59:59.999999999\""},
        {"String", {.form = INSTANT, .number = INT64_MIN, .scale = 0}, NULL},
        {"UUID", {.form = INSTANT, .number = 0, .scale = 3}, NULL},
        {"String", {.form = TIME, .number = 45296789, .scale = 3}, "\"12:34:56.789\""},
        {"String", {.form = TIME, .number = -1, .scale = 6}, "\"-00:00:00.000001\""},
        {"String", {.form = TIME, .number = 3599999, .scale = 0}, "\"999:59:59\""},
        {"String", {.form = TIME, .number = INT64_MIN, .scale = 9}, "\"-2562047:47:16.854775808\""},
        {"Int64", {.form = TIME, .number = 45296789, .scale = 3}, "45296789"},
        {"DateTime64(3, 'Asia/Tokyo')",
         {.form = INSTANT, .number = 1704164645678, .scale = 3},
         "\"2024-01-02T03:04:05.678Z\""},
        {"Date", {.form = TIME, .number = 1, .scale = 0}, NULL},
        {"Time", {.form = TIME, .number = 45296789, .scale = 3}, "\"12:34:56\""},
        {"Time64(6)", {.form = TIME, .number = -45296789, .scale = 3}, "\"-12:34:56.789\""},
        {"Time64(3)", {.form = TIME, .number = 3600000, .scale = 0}, NULL},
        {"DateTime", {.form = TIME, .number = 45296, .scale = 0}, NULL},
    };
    assert_all(CASES, ARRAY_LEN(CASES));
}

/* A decimal from its big-endian bytes; text NULL = it does not fit. */
static void
assert_decimal(const char *type, const char *bytes, size_t len, unsigned scale, const char *json)
{
    struct target t;
    target_open(&t, type, NULL);
    enum convert_end end =
        convert_decimal(&t.convert, t.cell, t.column, (const uint8_t *)bytes, len, scale);
    assert_int_equal(end, json == NULL ? CONVERT_UNFIT : CONVERT_DONE);
    if (json != NULL) {
        struct fixture f;
        char document[512];
        (void)snprintf(document, sizeof(document), "{\"x\":%s}", json); /* fits */
        const struct fixture_column columns[] = {{"x", type, NULL}, {NULL, NULL, NULL}};
        fixture_open(&f, columns, NULL);
        assert_int_equal(fixture_add(&f, document), ST_OK);
        const struct column *wanted = block_column(f.block, 0);
        assert_int_equal(t.column->data.len, wanted->data.len);
        assert_memory_equal(t.column->data.at, wanted->data.at, wanted->data.len);
        fixture_close(&f);
    }
    target_close(&t);
}

static void decimals(void **state)
{
    (void)state;
    assert_decimal("Decimal(9, 2)", "\x04\xd2", 2, 2, "12.34");
    assert_decimal("Decimal(9, 2)", "\xfb\x2e", 2, 2, "-12.34");
    assert_decimal("Decimal(9, 2)", "\x04\xd2", 2, 3, NULL); /* 1.234 */
    assert_decimal("Decimal(9, 2)", "\x04\xce", 2, 3, "1.23");
    assert_decimal("Decimal(9, 2)", "", 0, 2, "0");
    assert_decimal("Decimal(9, 2)", "\xff\xff\xff\xff\xff\xff\xff\xff\xff", 9, 2, "-0.01");
    assert_decimal(
        "Decimal(38, 10)", "\x7f\xff\xff\xff\xff\xff\xff\xff", 8, 0, "9223372036854775807");
    assert_decimal("String", "\x80", 1, 0, "\"-128\"");
    assert_decimal("String", "\x05", 1, 3, "\"0.005\"");
    assert_decimal("String", "\xfb", 1, 1, "\"-0.5\"");
    assert_decimal("String", "\x3b\x9a\xca\x00", 4, 0, "\"1000000000\"");
    assert_decimal("String", "\x3b\x9a\xca\x00", 4, 9, "\"1.000000000\"");
    assert_decimal(
        "String", "\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32, 0,
        "\"-57896044618658097711785492504343953926634992332820282019728792003956564819968\"");
    assert_decimal("Int32", "\x04\xd2", 2, 0, "1234");
    assert_decimal("Int32", "\x04\xd2", 2, 1, NULL);
    assert_decimal("Int32", "\x04\xce", 2, 1, "123");
    assert_decimal("Float64", "\x04\xd2", 2, 1, "123.4");
    assert_decimal(
        "Decimal(76, 0)", "\x40\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 31, 0,
        "113078212145816597093331040047546785012958969400039613319782796882727665664");
    assert_decimal("UUID", "\x04\xd2", 2, 1, NULL);
    assert_decimal("String", "", 65, 0, NULL);
    assert_decimal("String", "\x01", 1, 1025, NULL);
}

static void overflow_follows_the_setting(void **state)
{
    (void)state;
    struct pipe_settings settings = {.overflow = PIPE_OVERFLOW_CLAMP};
    struct target t;
    target_open(&t, "Int8", &settings);
    assert_int_equal(convert_integer(&t.convert, t.cell, t.column, 300), CONVERT_DONE);
    assert_int_equal(convert_double(&t.convert, t.cell, t.column, -1e300, false), CONVERT_DONE);
    assert_memory_equal(t.column->data.at, "\x7f\x80", 2);
    target_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),    cmocka_unit_test(bytes_and_booleans),
        cmocka_unit_test(integers), cmocka_unit_test(doubles),
        cmocka_unit_test(dates),    cmocka_unit_test(instants_and_times),
        cmocka_unit_test(decimals), cmocka_unit_test(overflow_follows_the_setting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
