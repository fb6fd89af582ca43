/* Type texts: canonical form, aliases, spacing, and what is refused with which reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clickhouse/type.h"

#include <cmocka.h>

static void type_writes_its_canonical_text(void **state)
{
    (void)state;
    static const char *const TEXTS[][2] = {
        {"Int32", "Int32"},
        {" UInt64 ", "UInt64"},
        {"BIGINT", "Int64"},
        {"BOOLEAN", "Bool"},
        {"FixedString( 16 )", "FixedString(16)"},
        {"DateTime", "DateTime"},
        {"DateTime()", "DateTime"},
        {"DateTime( 'Asia/Tokyo')", "DateTime('Asia/Tokyo')"},
        {"DateTime64", "DateTime64(3)"},
        {"DateTime64(6,'UTC')", "DateTime64(6, 'UTC')"},
        {"Decimal(18,4)", "Decimal(18, 4)"},
        {"Decimal(5)", "Decimal(5, 0)"},
        {"Decimal", "Decimal(10, 0)"},
        {"DECIMAL(38,38)", "Decimal(38, 38)"},
        {"Decimal32(3)", "Decimal(9, 3)"},
        {"Decimal128(10)", "Decimal(38, 10)"},
        {"Enum8('b'=2,'a'=1)", "Enum8('a' = 1, 'b' = 2)"},
        {"Enum('x','y')", "Enum8('x' = 1, 'y' = 2)"},
        {"Enum('x'=1000)", "Enum16('x' = 1000)"},
        {"Enum8('it\\'s'=1,'q''q'=2)", "Enum8('it\\'s' = 1, 'q\\'q' = 2)"},
        {"Decimal(76, 10)", "Decimal(76, 10)"},
        {"Decimal256(2)", "Decimal(76, 2)"},
        {"Time64(6)", "Time64(6)"},
        {"Array( Point)", "Array(Point)"},
        {"SimpleAggregateFunction( sum,UInt64)", "SimpleAggregateFunction(sum, UInt64)"},
        {"SimpleAggregateFunction(groupArrayArray(10, 'a,b'),Array( Int8))",
         "SimpleAggregateFunction(groupArrayArray(10, 'a,b'), Array(Int8))"},
        {"Nullable(String)", "Nullable(String)"},
        {"LowCardinality(Nullable(String))", "LowCardinality(Nullable(String))"},
        {"Array(Array(Nullable(UInt8)))", "Array(Array(Nullable(UInt8)))"},
        {"Map(String,Array(Int8))", "Map(String, Array(Int8))"},
        {"Tuple(a Int8,`b c` String)", "Tuple(a Int8, `b c` String)"},
        {"Tuple(Int8,String)", "Tuple(Int8, String)"},
        {"Nested(a Int8,b Array( String))", "Nested(a Int8, b Array(String))"},
        {"Array(Nested(a Int8))", "Array(Nested(a Int8))"},
        {"Nullable(Tuple(Int8))", "Nullable(Tuple(Int8))"},
        {"Variant(String,UInt8, DateTime)", "Variant(DateTime, String, UInt8)"},
        {"Variant(UInt8, String, UInt8)", "Variant(String, UInt8)"},
        {"Map(LowCardinality(UInt8), Map(Date, JSON))",
         "Map(LowCardinality(UInt8), Map(Date, JSON))"},
        {"JSON", "JSON"},
        {"JSON(max_dynamic_paths=2, a.b UInt32, SKIP REGEXP 'x)')",
         "JSON(max_dynamic_paths=2, a.b UInt32, SKIP REGEXP 'x)')"},
    };
    for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++) {
        struct ch_type *type = NULL;
        struct err err = {0};
        if (ch_type_parse(TEXTS[i][0], &type, &err) != ST_OK) {
            fail_msg("%s: %s", TEXTS[i][0], err.text);
        }
        char *text = ch_type_text(type);
        assert_string_equal(text, TEXTS[i][1]);
        struct ch_type *again = NULL;
        assert_int_equal(ch_type_parse(text, &again, &err), ST_OK);
        assert_true(ch_type_equals(type, again));
        free(text);
        ch_type_free(type);
        ch_type_free(again);
    }
}

static void type_refuses_with_a_reason(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum status status;
        const char *reason;
    } CASES[] = {
        {"", ST_INVALID, "a type name is expected at position 0"},
        {"Strin", ST_INVALID, "unknown type 'Strin'"},
        {"Int32x", ST_INVALID, "unknown type 'Int32x'"},
        {"Int32)", ST_INVALID, "nothing more is expected at position 5"},
        {"Array(Int32", ST_INVALID, "')' is expected at position 11"},
        {"Array()", ST_INVALID, "arguments are expected"},
        {"Array", ST_INVALID, "'(' is expected"},
        {"FixedString(0)", ST_INVALID, "number out of range"},
        {"FixedString(99999999999999999999)", ST_INVALID, "number out of range"},
        {"DateTime64(10)", ST_INVALID, "number out of range"},
        {"Decimal(10, 11)", ST_INVALID, "number out of range"},
        {"Decimal(77, 1)", ST_INVALID, "number out of range"},
        {"Decimal(0, 0)", ST_INVALID, "number out of range"},
        {"Enum8('a'=1,'a'=2)", ST_INVALID, "twice"},
        {"Enum8('a'=128)", ST_INVALID, "out of range"},
        {"Enum8('a=1)", ST_INVALID, "no end"},
        {"Enum8(a=1)", ST_INVALID, "in quotes"},
        {"Nullable(Array(Int8))", ST_INVALID, "Array cannot be inside Nullable"},
        {"LowCardinality(Decimal(9,2))", ST_INVALID, "cannot be inside LowCardinality"},
        {"Tuple(a Int8, String)", ST_INVALID, "either all tuple elements have names or none"},
        {"Tuple(a Int8, a Int8)", ST_INVALID, "one name"},
        {"Map(String)", ST_INVALID, "a map needs a key and a value"},
        {"Int32(5)", ST_INVALID, "takes no arguments"},
        {"AggregateFunction(sum, Int8)", ST_UNSUPPORTED,
         "type AggregateFunction(sum, Int8) is not supported yet"},
        {"SimpleAggregateFunction", ST_INVALID, "'(' is expected"},
        {"SimpleAggregateFunction(sum)", ST_INVALID, "an aggregate function needs a type"},
        {"SimpleAggregateFunction(, Int8)", ST_INVALID, "an aggregate function is expected"},
        {"SimpleAggregateFunction(sum, Int8", ST_INVALID, "')' is expected"},
        {"SimpleAggregateFunction(any, Dynamic)", ST_UNSUPPORTED, "is not supported yet"},
        {"Nullable(Point2)", ST_INVALID, "unknown type 'Point2'"},
        {"Array(Dynamic)", ST_UNSUPPORTED, "type Dynamic is not supported yet"},
        {"Map(Array(Int8), Int8)", ST_UNSUPPORTED, "must be single values, not Array(Int8)"},
        {"Map(JSON, Int8)", ST_UNSUPPORTED, "must be single values, not JSON"},
        {"Map(Nullable(String), Int8)", ST_UNSUPPORTED, "must be single values, not Nullable"},
        {"Map(LowCardinality(Nullable(String)), Int8)", ST_UNSUPPORTED, "must be single values"},
        {"Nested(Int8)", ST_INVALID, "the elements of Nested need names"},
        {"Variant(Nullable(String), Int8)", ST_INVALID, "cannot be inside Variant"},
        {"Variant(LowCardinality(Nullable(String)))", ST_INVALID, "cannot be inside Variant"},
        {"Variant(Int8, Variant(String))", ST_INVALID, "cannot be inside Variant"},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct ch_type *type = NULL;
        struct err err = {0};
        assert_int_equal(ch_type_parse(CASES[i].text, &type, &err), CASES[i].status);
        assert_null(type);
        if (strstr(err.text, CASES[i].reason) == NULL) {
            fail_msg("%s: %s", CASES[i].text, err.text);
        }
    }
}

static void type_says_what_json_can_fill(void **state)
{
    (void)state;
    static const char *const CASES[][2] = {
        {"Array(Variant(String, Int64, Float64, Bool, DateTime))", NULL},
        {"Variant(UUID, LowCardinality(String), Date)", NULL},
        {"Map(String, Variant(Int64, UInt32))", "only one integer type, not both Int64 and UInt32"},
        {"Variant(Date, DateTime64(3))", "only one date or date-time type"},
        {"Variant(Float32, Decimal(9, 2))", "only one float or Decimal type"},
        {"Variant(FixedString(3), LowCardinality(String))", "only one text type"},
        {"Variant(String, Array(Int8))", "takes single values only, not Array(Int8)"},
        {"Variant(JSON, Int8)", "takes single values only, not JSON"},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct ch_type *type = NULL;
        struct err err = {0};
        assert_int_equal(ch_type_parse(CASES[i][0], &type, &err), ST_OK);
        enum status wanted = CASES[i][1] == NULL ? ST_OK : ST_UNSUPPORTED;
        assert_int_equal(ch_type_check_json(type, &err), wanted);
        if (CASES[i][1] != NULL && strstr(err.text, CASES[i][1]) == NULL) {
            fail_msg("%s: %s", CASES[i][0], err.text);
        }
        ch_type_free(type);
    }
}

static void type_limits_nesting(void **state)
{
    (void)state;
    char text[2048] = "";
    for (int depth = 31; depth <= 32; depth++) {
        text[0] = '\0';
        size_t at = 0;
        for (int i = 0; i < depth; i++) {
            at += (size_t)snprintf(text + at, sizeof(text) - at, "Array(");
        }
        at += (size_t)snprintf(text + at, sizeof(text) - at, "Int8");
        memset(text + at, ')', (size_t)depth);
        text[at + (size_t)depth] = '\0';
        struct ch_type *type = NULL;
        assert_int_equal(
            ch_type_parse(text, &type, NULL), depth < CH_TYPE_DEPTH_MAX ? ST_OK : ST_INVALID);
        ch_type_free(type);
    }
}

static void type_says_which_zone_is_missing(void **state)
{
    (void)state;
    static const char *const GOOD[] = {
        "DateTime", "DateTime('UTC')", "Array(Nullable(DateTime64(3, 'Europe/Berlin')))", "Int8"};
    static const char *const BAD[] = {
        "DateTime('Nowhere/Town')", "Tuple(a Int8, b DateTime64(3, '../../etc/passwd'))"};
    for (size_t i = 0; i < ARRAY_LEN(GOOD) + ARRAY_LEN(BAD); i++) {
        bool is_good = i < ARRAY_LEN(GOOD);
        struct ch_type *type = NULL;
        struct err err = {0};
        const char *text = is_good ? GOOD[i] : BAD[i - ARRAY_LEN(GOOD)];
        assert_int_equal(ch_type_parse(text, &type, &err), ST_OK);
        assert_int_equal(ch_type_check_zones(type, &err), is_good ? ST_OK : ST_UNSUPPORTED);
        assert_int_equal(is_good, strstr(err.text, "time zone '") == NULL);
        ch_type_free(type);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(type_writes_its_canonical_text),
        cmocka_unit_test(type_refuses_with_a_reason),
        cmocka_unit_test(type_says_which_zone_is_missing),
        cmocka_unit_test(type_says_what_json_can_fill),
        cmocka_unit_test(type_limits_nesting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
