#ifndef COMMON_CLICKHOUSE_TYPE_DEF_H
#define COMMON_CLICKHOUSE_TYPE_DEF_H

/*
 * The one table of ClickHouse types. A row: enum constant, canonical name, argument form
 * (enum ch_arguments), bytes of one cell in the Native format (0 = not of one width or told by the
 * arguments), flags. Names are from the ClickHouse documentation, "Data Types".
 * A type without CH_CAN_WRITE is understood and answered with "not supported yet".
 */

/* clang-format off */
#define CH_TYPE_TABLE(X) \
    X(CH_INT8,            "Int8",            CH_ARGS_NONE,        1, CH_CAN_WRITE | CH_IN_NULLABLE | CH_IN_LOW_CARDINALITY) \
    X(CH_INT16,           "Int16",           CH_ARGS_NONE,        2, CH_CAN_WRITE | CH_IN_NULLABLE | CH_IN_LOW_CARDINALITY) \
    X(CH_INT32,           "Int32",           CH_ARGS_NONE,        4, CH_CAN_WRITE | CH_IN_NULLABLE | CH_IN_LOW_CARDINALITY) \
    X(CH_INT64,           "Int64",           CH_ARGS_NONE,        8, CH_CAN_WRITE | CH_IN_NULLABLE | CH_IN_LOW_CARDINALITY) \
    X(CH_UINT8,           "UInt8",           CH_ARGS_NONE,        1, CH_CAN_WRITE | CH_IN_NULLABLE | CH_IN_LOW_CARDINALITY) \
    X(CH_UINT16,          "UInt16",          CH_ARGS_NONE,        2, CH_CAN_WRITE | CH_IN_NULLABLE | CH_IN_LOW_CARDINALITY) \
    X(CH_UINT32,          "UInt32",          CH_ARGS_NONE,        4, CH_CAN_WRITE | CH_IN_NULLABLE | CH_IN_LOW_CARDINALITY) \
    X(CH_UINT64,          "UInt64",          CH_ARGS_NONE,        8, CH_CAN_WRITE | CH_IN_NULLABLE | CH_IN_LOW_CARDINALITY) \
    X(CH_FLOAT32,         "Float32",         CH_ARGS_NONE,        4, CH_CAN_WRITE | CH_IN_NULLABLE | CH_IN_LOW_CARDINALITY) \
    X(CH_FLOAT64,         "Float64",         CH_ARGS_NONE,        8, CH_CAN_WRITE | CH_IN_NULLABLE | CH_IN_LOW_CARDINALITY) \
    X(CH_BOOL,            "Bool",            CH_ARGS_NONE,        1, CH_CAN_WRITE | CH_IN_NULLABLE | CH_IN_LOW_CARDINALITY) \
    X(CH_STRING,          "String",          CH_ARGS_NONE,        0, CH_CAN_WRITE | CH_IN_NULLABLE | CH_IN_LOW_CARDINALITY) \
    X(CH_FIXED_STRING,    "FixedString",     CH_ARGS_LENGTH,      0, CH_CAN_WRITE | CH_IN_NULLABLE | CH_IN_LOW_CARDINALITY) \
    X(CH_DATE,            "Date",            CH_ARGS_NONE,        2, CH_CAN_WRITE | CH_IN_NULLABLE | CH_IN_LOW_CARDINALITY) \
    X(CH_DATE32,          "Date32",          CH_ARGS_NONE,        4, CH_CAN_WRITE | CH_IN_NULLABLE | CH_IN_LOW_CARDINALITY) \
    X(CH_DATETIME,        "DateTime",        CH_ARGS_ZONE,        4, CH_CAN_WRITE | CH_IN_NULLABLE | CH_IN_LOW_CARDINALITY) \
    X(CH_DATETIME64,      "DateTime64",      CH_ARGS_SCALE_ZONE,  8, CH_CAN_WRITE | CH_IN_NULLABLE) \
    X(CH_UUID,            "UUID",            CH_ARGS_NONE,       16, CH_CAN_WRITE | CH_IN_NULLABLE | CH_IN_LOW_CARDINALITY) \
    X(CH_ENUM8,           "Enum8",           CH_ARGS_ENUM,        1, CH_CAN_WRITE | CH_IN_NULLABLE) \
    X(CH_ENUM16,          "Enum16",          CH_ARGS_ENUM,        2, CH_CAN_WRITE | CH_IN_NULLABLE) \
    X(CH_DECIMAL32,       "Decimal32",       CH_ARGS_DECIMAL,     4, CH_CAN_WRITE | CH_IN_NULLABLE) \
    X(CH_DECIMAL64,       "Decimal64",       CH_ARGS_DECIMAL,     8, CH_CAN_WRITE | CH_IN_NULLABLE) \
    X(CH_DECIMAL128,      "Decimal128",      CH_ARGS_DECIMAL,    16, CH_CAN_WRITE | CH_IN_NULLABLE) \
    X(CH_NULLABLE,        "Nullable",        CH_ARGS_TYPE,        0, CH_CAN_WRITE | CH_IN_LOW_CARDINALITY) \
    X(CH_LOW_CARDINALITY, "LowCardinality",  CH_ARGS_TYPE,        0, CH_CAN_WRITE) \
    X(CH_ARRAY,           "Array",           CH_ARGS_TYPE,        0, CH_CAN_WRITE) \
    X(CH_MAP,             "Map",             CH_ARGS_MAP,         0, CH_CAN_WRITE) \
    X(CH_TUPLE,           "Tuple",           CH_ARGS_ELEMENTS,    0, CH_CAN_WRITE | CH_IN_NULLABLE) \
    X(CH_INT128,          "Int128",          CH_ARGS_NONE,       16, CH_CAN_WRITE | CH_IN_NULLABLE | CH_IN_LOW_CARDINALITY) \
    X(CH_INT256,          "Int256",          CH_ARGS_NONE,       32, CH_CAN_WRITE | CH_IN_NULLABLE | CH_IN_LOW_CARDINALITY) \
    X(CH_UINT128,         "UInt128",         CH_ARGS_NONE,       16, CH_CAN_WRITE | CH_IN_NULLABLE | CH_IN_LOW_CARDINALITY) \
    X(CH_UINT256,         "UInt256",         CH_ARGS_NONE,       32, CH_CAN_WRITE | CH_IN_NULLABLE | CH_IN_LOW_CARDINALITY) \
    X(CH_BFLOAT16,        "BFloat16",        CH_ARGS_NONE,        2, CH_CAN_WRITE | CH_IN_NULLABLE | CH_IN_LOW_CARDINALITY) \
    X(CH_DECIMAL256,      "Decimal256",      CH_ARGS_DECIMAL,    32, CH_CAN_WRITE | CH_IN_NULLABLE) \
    X(CH_IPV4,            "IPv4",            CH_ARGS_NONE,        4, CH_CAN_WRITE | CH_IN_NULLABLE | CH_IN_LOW_CARDINALITY) \
    X(CH_IPV6,            "IPv6",            CH_ARGS_NONE,       16, CH_CAN_WRITE | CH_IN_NULLABLE | CH_IN_LOW_CARDINALITY) \
    X(CH_TIME,            "Time",            CH_ARGS_NONE,        4, CH_CAN_WRITE | CH_IN_NULLABLE | CH_IN_LOW_CARDINALITY) \
    X(CH_TIME64,          "Time64",          CH_ARGS_SCALE_ZONE,  8, CH_CAN_WRITE | CH_IN_NULLABLE) \
    X(CH_VARIANT,         "Variant",         CH_ARGS_VARIANT,     0, CH_CAN_WRITE) \
    X(CH_DYNAMIC,         "Dynamic",         CH_ARGS_ANY,         0, 0) \
    X(CH_JSON,            "JSON",            CH_ARGS_ANY,         0, CH_CAN_WRITE | CH_IN_NULLABLE) \
    X(CH_NESTED,          "Nested",          CH_ARGS_NESTED,      0, CH_CAN_WRITE) \
    X(CH_AGGREGATE_FUNCTION, "AggregateFunction", CH_ARGS_ANY,    0, 0)

/* Names for structures of other types: X(name, structure). SimpleAggregateFunction(f, T) is such a
 * name for T too, see custom_text in type.h. */
#define CH_TYPE_CUSTOM_TABLE(X) \
    X("Point",           "Tuple(Float64, Float64)") \
    X("Ring",            "Array(Tuple(Float64, Float64))") \
    X("LineString",      "Array(Tuple(Float64, Float64))") \
    X("Polygon",         "Array(Array(Tuple(Float64, Float64)))") \
    X("MultiLineString", "Array(Array(Tuple(Float64, Float64)))") \
    X("MultiPolygon",    "Array(Array(Array(Tuple(Float64, Float64))))")

/* Other spellings of the same types (system.data_type_families, case-sensitive names that people
 * meet): X(alias, canonical name). Decimal(P,S) and Enum(…) are resolved by their arguments. */
#define CH_TYPE_ALIAS_TABLE(X) \
    X("TINYINT", "Int8")    X("SMALLINT", "Int16")  X("INT", "Int32")      X("INTEGER", "Int32") \
    X("BIGINT", "Int64")    X("FLOAT", "Float32")   X("DOUBLE", "Float64") X("bool", "Bool") \
    X("BOOL", "Bool")       X("BOOLEAN", "Bool")    X("boolean", "Bool")   X("TEXT", "String") \
    X("VARCHAR", "String")  X("CHAR", "String")     X("BLOB", "String")    X("BINARY", "FixedString") \
    X("TIMESTAMP", "DateTime") X("DEC", "Decimal")  X("DECIMAL", "Decimal") X("NUMERIC", "Decimal") \
    X("DATE", "Date")       X("DateTime32", "DateTime") X("ENUM", "Enum")  X("Json", "JSON")
/* clang-format on */

#endif
