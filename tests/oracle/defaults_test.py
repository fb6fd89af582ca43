"""penstock_defaults=server: what a record does not have takes the table's DEFAULT, as in JSONEachRow."""
import pytest

from tests.harness.clickhouse import DevClickHouse

from . import readers

# (type, DEFAULT expression, a value): every way a column can be sent.
COLUMNS = [
    ("UInt8", "i + 10", "5"), ("Int64", "-i", "5"), ("Float64", "i / 2", "1.5"), ("Bool", "i != 9", "false"), ("String", "concat('s', toString(i))", '"text"'),
    ("FixedString(3)", "'abc'", '"xy"'), ("UUID", "toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0')", '"ffffffff-ffff-ffff-ffff-ffffffffffff"'),
    ("Decimal(18, 4)", "1.25", "2.5"), ("Enum8('z' = 0, 'a' = 5, 'b' = 6)", "'b'", '"a"'), ("Date", "toDate('2024-01-02') + i", '"2020-02-03"'),
    ("DateTime", "toDateTime('2024-01-02 03:04:05')", '"2020-02-03 00:00:00"'), ("DateTime64(3)", "toDateTime64('2024-01-02 03:04:05.678', 3)", '"2020-02-03 00:00:00"'),
    ("LowCardinality(String)", "toString(i % 3)", '"text"'), ("LowCardinality(UInt16)", "i + 300", "7"), ("LowCardinality(Nullable(String))", "'none'", '"text"'),
    ("Nullable(Int32)", "i + 1", "9"), ("Nullable(String)", "'none'", '"text"'), ("Array(Int32)", "[i, i + 1]", "[7]"), ("Array(Nullable(String))", "['d', NULL]", '[null,"x"]'),
    ("Map(String, Int32)", "map('d', i)", '{"k":1}'), ("Tuple(a Int32, b Array(String))", "(i, ['d'])", '{"a":1}'), ("Variant(Int64, String)", "'d'", "3"),
    ("JSON", "'{\"d\":1}'", '{"k":2}'), ("Nullable(JSON)", "'{\"d\":1}'", '{"k":2}'), ("Nested(a Int8, b String)", "[(1, 'd')]", '[{"a":5}]'),
]
NULLABLE = ("Nullable", "LowCardinality(Nullable", "Variant")


@pytest.fixture(scope="module")
def clickhouse():
    with DevClickHouse() as server:
        yield server


def store(clickhouse, columns, lines, options=()):
    """Both readers on these lines; {i: cells} of each, and what we refuse."""
    tables = readers.Tables(clickhouse)
    tables.create(columns)
    data = [line.encode() for line in lines]
    block, rejects = readers.encode(data, columns, options)
    tables.insert_ours(block)
    clickhouse.query("INSERT INTO theirs FORMAT JSONEachRow", b"\n".join(data), readers.READING)
    return tables.select("ours"), tables.select("theirs"), rejects


@pytest.mark.parametrize("type_name,expression,value", COLUMNS, ids=[name for name, _, _ in COLUMNS])
def test_absent_takes_the_default(clickhouse, type_name, expression, value):
    columns = [("i", "Int64"), ("x", f"{type_name} DEFAULT {expression}"), ("y", "Int8 DEFAULT 3")]
    lines = ['{"i":%d}' % i if i in (1, 2, 5) else '{"i":%d,"x":%s,"y":4}' % (i, value) for i in range(7)]
    ours, theirs, rejects = store(clickhouse, columns, lines)
    assert not rejects and ours == theirs and len(ours) == 7
    assert ours[1] != ours[0] and ours[1].endswith("\t3")


@pytest.mark.parametrize("type_name,expression,value", COLUMNS, ids=[name for name, _, _ in COLUMNS])
def test_null_is_not_absent(clickhouse, type_name, expression, value):
    """penstock_null says what null becomes: zero (as without a DEFAULT), or an error."""
    columns = [("i", "Int64"), ("x", f"{type_name} DEFAULT {expression}")]
    plain = [("i", "Int64"), ("x", type_name)]
    lines = ['{"i":0,"x":null}', '{"i":1,"x":%s}' % value, '{"i":2}', '{"i":3,"x":null}']
    ours, _, rejects = store(clickhouse, columns, lines)
    zeros, _, _ = store(clickhouse, plain, lines)
    assert not rejects and ours[0] == ours[3] == zeros[0] and ours[2] != zeros[2]
    strict, _, rejects = store(clickhouse, columns, lines, ["--null", "error"])
    holds_null = type_name.startswith(NULLABLE)
    assert set(rejects) == (set() if holds_null else {0, 3}) and strict[2] == ours[2]


def test_expressions_read_other_columns_as_they_are_stored(clickhouse):
    columns = [("i", "Int64"), ("a", "Int32 DEFAULT i + 10"), ("b", "Array(Int32) DEFAULT [a]"), ("c", "Nullable(Int32) DEFAULT b[1] + 1")]
    lines = ['{"i":0}', '{"i":1,"a":1}', '{"i":2,"b":[7]}', '{"i":3,"c":null}', '{"i":4,"c":5,"a":2}', '{"i":5,"a":null,"b":null}']
    ours, theirs, _ = store(clickhouse, columns, lines)
    del theirs[5]
    assert ours.pop(5) == "0\t[]\t1" and ours == theirs


def test_rows_without_any_column(clickhouse):
    """Only containers, all of them absent: there is still something to send."""
    clickhouse.query("CREATE OR REPLACE TABLE empty (a Array(Int8) DEFAULT [1], b Nullable(Int8) DEFAULT a[1] + 1) ENGINE = MergeTree ORDER BY tuple()")
    block, rejects = readers.encode([b"{}", b'{"a":[5]}', b"{}", b"{}"], [("a", "Array(Int8) DEFAULT"), ("b", "Nullable(Int8) DEFAULT")])
    clickhouse.query("INSERT INTO empty (a, b) FORMAT Native", block)
    assert not rejects and clickhouse.query("SELECT * FROM empty FORMAT TSV") == "[1]\t2\n[5]\t6\n[1]\t2\n[1]\t2\n"


def test_many_runs(clickhouse):
    """The rows keep their order, however often the absence changes."""
    columns = [("i", "Int64"), ("s", "Nullable(String) DEFAULT 'd'"), ("v", "Variant(Int64, String) DEFAULT 'd'"), ("l", "Array(LowCardinality(String)) DEFAULT ['d']")]
    lines = []
    for i in range(20000):
        cells = [f'"i":{i}']
        cells += [f'"s":"{i}"'] if i % 2 else []
        cells += [f'"v":{i}'] if i % 3 else []
        cells += [f'"l":["{i % 50}"]'] if i % 5 else []
        lines.append("{" + ",".join(cells) + "}")
    ours, theirs, rejects = store(clickhouse, columns, lines)
    assert not rejects and ours == theirs and len(ours) == 20000
