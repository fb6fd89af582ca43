"""Edges: every Avro type with its extreme values, and the ClickHouse types that each is tried on."""
import struct

INT_MIN, INT_MAX = -(1 << 31), (1 << 31) - 1
LONG_MIN, LONG_MAX = -(1 << 63), (1 << 63) - 1
WHOLE = [0, 1, -1, 127, 128, -128, -129, 255, 256, 32767, 32768, 65535, 65536, INT_MAX, INT_MIN]
REAL = [0.0, -0.0, 1.0, -1.0, 1.5, 127.0, 300.0, 1e10, 1e19, 1e30, float("inf"), float("-inf"), float("nan")]
DAY = 86400
FIRST_S, LAST_S = -2208988800, 10413791999  # 1900-01-01, 2299-12-31 23:59:59
TEXTS = ["", "a", "1", "-1", "1.5", "abc", "true", "2024-02-29", "2024-02-30", "2024-02-29 12:34:56.789", "2024-02-29T12:34:56Z",
         "00112233-4455-6677-8899-aabbccddeeff", "A", "B", "{}", b"\xff\xfe", "x" * 40, "1.2.3.4"]

TYPES = [
    "Int8", "Int32", "Int64", "UInt8", "UInt64", "Float32", "Float64", "Bool", "String",
    "FixedString(4)", "Date", "Date32", "DateTime('UTC')",
    "DateTime64(3, 'UTC')", "DateTime64(9, 'UTC')", "Decimal(9, 2)", "Decimal(38, 10)",
    "UUID", "Enum8('A' = 1, 'B' = -5)", "Nullable(Int32)", "Array(Int32)",
    "Map(String, Int32)", "Tuple(a Int32, b String)",
]


def logical(kind, word, **more):
    return {"type": kind, "logicalType": word, **more}


def unscaled(values):
    return [value.to_bytes(max(1, (value.bit_length() + 8) // 8), "big", signed=True) for value in values]


def ticks(per_second):
    seconds = [0, 1, -1, DAY, FIRST_S, LAST_S, FIRST_S - 1, LAST_S + 1, 4294967295, 4294967296]
    return [second * per_second for second in seconds if abs(second * per_second) <= LONG_MAX] + [per_second - 1, -per_second + 1, LONG_MAX, LONG_MIN]


PAIR = {"type": "record", "name": "P", "fields": [{"name": "b", "type": "string"}, {"name": "a", "type": "int"}]}

# (name, schema, values)
ALL = [
    ("boolean", "boolean", [False, True]),
    ("int", "int", WHOLE),
    ("long", "long", WHOLE + [INT_MAX + 1, INT_MIN - 1, (1 << 32) - 1, 1 << 32, LONG_MAX, LONG_MIN]),
    ("float", "float", [struct.unpack("<f", struct.pack("<f", value))[0] for value in REAL]),
    ("double", "double", REAL + [0.1, 5e-324, 1.7976931348623157e308, 16777217.0]),
    ("string", "string", TEXTS),
    ("bytes", "bytes", [text if isinstance(text, bytes) else text.encode() for text in TEXTS]),
    ("fixed-4", {"type": "fixed", "name": "F", "size": 4}, [b"abcd", b"\0\0\0\0", b"\xff\xfe\xfd\xfc"]),
    ("fixed-2", {"type": "fixed", "name": "F", "size": 2}, [b"ab"]),
    ("fixed-16", {"type": "fixed", "name": "F", "size": 16}, [bytes(range(16))]),
    ("enum", {"type": "enum", "name": "E", "symbols": ["A", "B", "C"]}, [0, 1, 2]),
    ("array", {"type": "array", "items": "int"}, [[], [1, 2], [INT_MIN]]),
    ("map", {"type": "map", "values": "int"}, [{}, {"a": 1, "b": 2}]),
    ("record", PAIR, [{"a": 1, "b": "x"}, {"a": INT_MAX, "b": ""}]),
    ("null-int", ["null", "int"], [(0, None), (1, 7)]),
    ("int-null", ["int", "null"], [(1, None), (0, 7)]),
    ("null-string", ["null", "string"], [(0, None), (1, "x")]),
    ("null-array", ["null", {"type": "array", "items": "int"}], [(0, None), (1, [7])]),
    ("null-map", ["null", {"type": "map", "values": "int"}], [(0, None), (1, {"k": 7})]),
    ("null-record", ["null", PAIR], [(0, None), (1, {"a": 1, "b": "x"})]),
    ("union", ["int", "string"], [(0, 7), (1, "x")]),
    ("date", logical("int", "date"), [0, 1, -1, 65535, 65536, -25567, -25568, 120529, 120530, INT_MAX, INT_MIN]),
    ("time-millis", logical("int", "time-millis"), [0, 1, 1000, 86399999]),
    ("time-micros", logical("long", "time-micros"), [0, 1, 1000, 86399999999]),
    ("timestamp-millis", logical("long", "timestamp-millis"), ticks(1000)),
    ("timestamp-micros", logical("long", "timestamp-micros"), ticks(1000000)),
    ("timestamp-nanos", logical("long", "timestamp-nanos"), ticks(1000000000)),
    ("local-timestamp-millis", logical("long", "local-timestamp-millis"), ticks(1000)),
    ("local-timestamp-micros", logical("long", "local-timestamp-micros"), ticks(1000000)),
    ("decimal", logical("bytes", "decimal", precision=20, scale=2), unscaled([0, 1, -1, 255, -256, 10**9 - 1, 10**9, -(10**18), 10**20 - 1])),
    ("decimal-fixed", logical("fixed", "decimal", name="D", size=9, precision=20, scale=4),
     [value.to_bytes(9, "big", signed=True) for value in [0, 1, -1, 10**9, -(10**18), 10**20 - 1]]),
    ("uuid", logical("string", "uuid"), ["00112233-4455-6677-8899-aabbccddeeff", "00112233445566778899AABBCCDDEEFF", "nonsense"]),
    ("uuid-fixed", logical("fixed", "uuid", name="U", size=16), [bytes(range(16))]),
    ("duration", logical("fixed", "duration", name="U", size=12), [bytes(range(12))]),
]
