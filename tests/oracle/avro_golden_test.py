"""Golden messages: every Avro type and logical type as fastavro writes it.

fastavro is what confluent-kafka's AvroSerializer writes bodies with. Expected cells stand here by hand, in
ClickHouse's own text; the blocks go through ClickHouse, so its types are what shows them.
"""
import datetime
import decimal
import uuid

import pytest

from tests.harness import serializers
from tests.harness.clickhouse import DevClickHouse

from . import avro_bytes, avro_random, avro_readers, avro_report
from .readers import Tables

UTC = datetime.timezone.utc
MOMENT = datetime.datetime(2024, 2, 29, 12, 34, 56, 789000, tzinfo=UTC)
LOCAL = MOMENT.replace(tzinfo=None)
FINE = MOMENT.replace(microsecond=789012)
ID = uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")


def logical(kind, word, **more):
    return {"type": kind, "logicalType": word, **more}


PAIR = {"type": "record", "name": "Pair", "namespace": "golden", "fields": [{"name": "a", "type": "int"}, {"name": "b", "type": "string"}]}

# (field, schema, value for the serializer, [(ClickHouse type, its text)])
GOLDEN = [
    ("boolean", "boolean", True, [("Bool", "true"), ("UInt8", "1"), ("String", "true")]),
    ("int_min", "int", -2**31, [("Int32", "-2147483648"), ("Int64", "-2147483648"), ("String", "-2147483648")]),
    ("int_max", "int", 2**31 - 1, [("Int32", "2147483647"), ("UInt32", "2147483647"), ("Float64", "2147483647"), ("Int256", "2147483647"), ("IPv4", "127.255.255.255"), ("LowCardinality(Int32)", "2147483647")]),
    ("long_min", "long", -2**63, [("Int64", "-9223372036854775808"), ("String", "-9223372036854775808")]),
    ("long_max", "long", 2**63 - 1, [("Int64", "9223372036854775807"), ("UInt64", "9223372036854775807")]),
    ("zero", "long", 0, [("Int8", "0"), ("Decimal(9, 2)", "0"), ("Bool", "false")]),
    ("float", "float", 1.5, [("Float32", "1.5"), ("Float64", "1.5"), ("String", "1.5")]),
    ("double", "double", -0.1, [("Float64", "-0.1"), ("Float32", "-0.1"), ("String", "-0.1")]),
    ("bytes", "bytes", b"\x00\xffA", [("String", "\\0\\xffA"), ("FixedString(4)", "\\0\\xffA\\0")]),
    ("string", "string", "grüße\n", [("String", "grüße\\n"), ("LowCardinality(String)", "grüße\\n")]),
    ("number_text", "string", "42", [("Int32", "42"), ("Decimal(9, 2)", "42"), ("String", "42")]),
    ("fixed", {"type": "fixed", "name": "Four", "size": 4}, b"abcd", [("FixedString(4)", "abcd"), ("String", "abcd")]),
    ("sixteen", {"type": "fixed", "name": "Sixteen", "size": 16}, b"\x01" + bytes(15), [("Int128", "1"), ("UInt128", "1"), ("IPv6", "100::")]),
    ("thirty_two", {"type": "fixed", "name": "ThirtyTwo", "size": 32}, b"\x02" + bytes(31), [("Int256", "2"), ("UInt256", "2")]),
    ("address", "string", "10.1.2.3", [("IPv4", "10.1.2.3"), ("LowCardinality(FixedString(9))", "10.1.2.3\\0")]),
    ("enum", {"type": "enum", "name": "Suit", "symbols": ["HEARTS", "SPADES"]}, "SPADES",
     [("Enum8('SPADES' = 7, 'HEARTS' = -1)", "SPADES"), ("Enum16('SPADES' = 700, 'HEARTS' = 1)", "SPADES"), ("String", "SPADES"), ("LowCardinality(String)", "SPADES")]),
    ("array", {"type": "array", "items": "int"}, [1, 2, 3], [("Array(Int32)", "[1,2,3]"), ("Array(String)", "['1','2','3']"), ("String", "[1,2,3]")]),
    ("empty_array", {"type": "array", "items": "string"}, [], [("Array(String)", "[]"), ("String", "[]")]),
    ("map", {"type": "map", "values": "long"}, {"k": 7}, [("Map(String, Int64)", "{'k':7}"), ("String", '{"k":7}')]),
    ("record", PAIR, {"a": 1, "b": "x"}, [("Tuple(a Int32, b String)", "(1,'x')"), ("Tuple(b String, c Int8)", "('x',0)"), ("Tuple(Int64, String)", "(1,'x')"), ("String", '{"a":1,"b":"x"}'), ("JSON", '{"a":1,"b":"x"}')]),
    ("pairs", {"type": "array", "items": "golden.Pair"}, [{"a": 1, "b": "x"}, {"a": 2, "b": ""}],
     [("Array(Tuple(a Int32, b String))", "[(1,'x'),(2,'')]"), ("String", '[{"a":1,"b":"x"},{"a":2,"b":""}]')]),
    ("null_int", ["null", "int"], None, [("Nullable(Int32)", "\\N"), ("Int32", "0"), ("String", "")]),
    ("int_null", ["int", "null"], 5, [("Nullable(Int32)", "5"), ("Int32", "5"), ("String", "5")]),
    ("null_array", ["null", {"type": "array", "items": "int"}], None, [("Array(Int32)", "[]")]),
    ("null_map", ["null", {"type": "map", "values": "int"}], None, [("Map(String, Int32)", "{}")]),
    ("null_record", ["null", "golden.Pair"], None, [("Tuple(a Int32, b String)", "(0,'')")]),
    ("union", ["int", "string", "null"], "x", [("String", "x"), ("Nullable(String)", "x"), ("Variant(Int32, String)", "x"), ("Variant(Int64, UUID, String)", "x")]),
    ("union_int", ["int", "string", "null"], 7, [("Variant(Int32, String)", "7"), ("Int64", "7"), ("Variant(String, UUID)", "7"), ("Variant(Array(Int8), Int128, Bool)", "7")]),
    ("union_null", ["int", "string", "null"], None, [("Variant(Int32, String)", "\\N")]),
    ("union_record", ["null", {"type": "array", "items": "int"}, "golden.Pair", {"type": "map", "values": "int"}], {"a": 1, "b": "x"},
     [("Variant(Array(Int32), Map(String, Int32), Tuple(a Int32, b String))", "(1,'x')"), ("Variant(Int64, String)", '{"a":1,"b":"x"}')]),
    ("document", "string", '{"a": {"b": 1}}', [("JSON", '{"a":{"b":1}}')]),
    ("date", logical("int", "date"), datetime.date(2024, 2, 29), [("Date32", "2024-02-29"), ("Date", "2024-02-29"), ("String", "2024-02-29"), ("Int32", "19782")]),
    ("time_millis", logical("int", "time-millis"), datetime.time(12, 34, 56, 789000), [("Int32", "45296789"), ("String", "12:34:56.789"), ("Time64(3)", "12:34:56.789"), ("Time", "12:34:56")]),
    ("time_micros", logical("long", "time-micros"), datetime.time(12, 34, 56, 789012), [("Int64", "45296789012"), ("String", "12:34:56.789012"), ("Time64(6)", "12:34:56.789012")]),
    ("timestamp_millis", logical("long", "timestamp-millis"), MOMENT,
     [("DateTime64(3, 'UTC')", "2024-02-29 12:34:56.789"), ("DateTime64(6, 'UTC')", "2024-02-29 12:34:56.789000"), ("DateTime('UTC')", "2024-02-29 12:34:56"),
      ("Date", "2024-02-29"), ("DateTime64(3, 'Asia/Tokyo')", "2024-02-29 21:34:56.789"), ("Int64", "1709210096789")]),
    ("timestamp_micros", logical("long", "timestamp-micros"), FINE, [("DateTime64(6, 'UTC')", "2024-02-29 12:34:56.789012"), ("DateTime64(3, 'UTC')", "2024-02-29 12:34:56.789")]),
    ("local_millis", logical("long", "local-timestamp-millis"), LOCAL, [("DateTime64(3, 'UTC')", "2024-02-29 12:34:56.789"), ("String", "2024-02-29 12:34:56.789")]),
    ("local_micros", logical("long", "local-timestamp-micros"), FINE.replace(tzinfo=None), [("DateTime64(6, 'UTC')", "2024-02-29 12:34:56.789012")]),
    ("decimal", logical("bytes", "decimal", precision=30, scale=2), decimal.Decimal("-12345678901234567890.12"),
     [("Decimal(38, 2)", "-12345678901234567890.12"), ("Decimal(38, 4)", "-12345678901234567890.12"), ("String", "-12345678901234567890.12")]),
    ("decimal_fixed", logical("fixed", "decimal", name="Money", size=8, precision=12, scale=3), decimal.Decimal("1234.500"), [("Decimal(18, 3)", "1234.5"), ("Float64", "1234.5"), ("String", "1234.500")]),
    ("uuid", logical("string", "uuid"), ID, [("UUID", str(ID)), ("String", str(ID))]),
    ("uuid_fixed", logical("fixed", "uuid", name="Id", size=16), ID.bytes, [("UUID", str(ID)), ("String", str(ID))]),
    ("duration", logical("fixed", "duration", name="Span", size=12), (1).to_bytes(4, "little") + (2).to_bytes(4, "little") + (2**32 - 1).to_bytes(4, "little"),
     [("FixedString(12)", "\\x01\\0\\0\\0\\x02\\0\\0\\0\\xff\\xff\\xff\\xff"), ("String", '{"months":1,"days":2,"millis":4294967295}')]),
]
SCHEMA = {"type": "record", "name": "Golden", "fields": [{"name": name, "type": schema} for name, schema, _, _ in GOLDEN]}


@pytest.fixture(scope="module")
def clickhouse():
    with DevClickHouse() as server:
        yield server


def shown(text):
    """ClickHouse's TSV text with bytes that are no UTF-8 as \\xNN, as `escape` below writes them."""
    return "".join(c if 32 <= ord(c) else f"\\x{ord(c):02x}" for c in text)


@pytest.mark.parametrize("turn", range(max(len(cells) for _, _, _, cells in GOLDEN)))
def test_golden_messages(clickhouse, turn):
    """One message with everything; in each turn every field goes to its next type."""
    body = serializers.avro_body(SCHEMA, {name: value for name, _, value, _ in GOLDEN})
    wanted = [(name, *cells[turn]) for name, _, _, cells in GOLDEN if turn < len(cells)]
    columns = [(name, type_name) for name, type_name, _ in wanted]
    block, rejects = avro_readers.encode(SCHEMA, [body], columns)
    assert not rejects
    Tables(clickhouse).create(columns)
    clickhouse.query("INSERT INTO ours FORMAT Native", block)
    line = clickhouse.ask("SELECT * FROM ours FORMAT TSV").body.rstrip(b"\n").decode("utf-8", "backslashreplace")
    found = [shown(text) for text in line.split("\t")]
    assert dict(zip([name for name, _ in columns], found)) == {name: text for name, _, text in wanted}


def test_our_bytes_are_fastavros():
    """avro_bytes.py, which makes the oracle's records, against fastavro's writer."""
    for seed in range(10):
        schema, _, make = avro_random.Maker(seed).table(10)
        for number in range(20):
            value = make(number)
            assert avro_bytes.body(schema, value) == serializers.avro_body(plain(schema), friendly(schema, value))


def plain(schema):
    """The schema without logical types: fastavro then takes the numbers as they stand."""
    if isinstance(schema, list):
        return [plain(branch) for branch in schema]
    if isinstance(schema, dict):
        return {key: plain(value) for key, value in schema.items() if key != "logicalType"}
    return schema


def friendly(schema, value):
    """Our way of values as fastavro's."""
    if isinstance(schema, list):
        branch, inner = value
        return friendly(schema[branch], inner)
    kind = schema if isinstance(schema, str) else schema["type"]
    if kind == "enum":
        return schema["symbols"][value]
    if kind == "array":
        return [friendly(schema["items"], item) for item in value]
    if kind == "map":
        return {key: friendly(schema["values"], item) for key, item in value.items()}
    if kind == "record":
        return {field["name"]: friendly(field["type"], value[field["name"]]) for field in schema["fields"]}
    return value


def test_the_page_says_what_is_proven():
    """docs/avro.md: the tables are those of GOLDEN and avro_rules; write them with avro_report."""
    assert avro_report.page().split(avro_report.MARK)[1] == "\n" + avro_report.tables(GOLDEN)
