"""docs/type-mapping.md says what happens, and whole documents and settings do what it says."""
import pytest

from tests.harness.clickhouse import DevClickHouse

from . import cases, readers, report

COLUMNS = [("i", "UInt64"), ("a", "Int32"), ("s", "String")]

# Documents that ClickHouse takes and we refuse, or the other way round: strictness and whole numbers.
DOCUMENTS_WE_REFUSE = {
    '{"a":1,}', '{"a":01}', '{"a":1}{"a":2}', '{"a":1} {"a":2}', '{"a":1},', '{"a":1,"unknown":[1,]}', '{"a":1,"unknown":01}',
    '{"a":1,"unknown":tru}', '{"a":1,"unknown":"\\ud800"}', '{"a":1,"unknown":"\\q"}', '{"a":1,"unknown":"\t"}', '{"a":1,"a":2}',
    '{"a":1,"unknown":' + "[" * 1000 + "]" * 1000 + "}", '{"a":1', '{"a":1}x', '{"a":1}}', '{,}', '{"a":1,"unknown":{"x"}}', '[]',
    '{"a":1}//c', '', '{"a":+1}',
}

# Its reader also finds columns by names in another case; our field mappings are exact.
DOCUMENTS_WE_READ_OTHERWISE = {'{"A":1}': "0\t"}


@pytest.fixture(scope="module")
def clickhouse():
    with DevClickHouse() as server:
        yield server


def test_page_says_what_happens(clickhouse):
    wanted = report.page(clickhouse)
    assert "UNEXPLAINED" not in wanted
    assert report.PAGE.read_text(encoding="utf-8") == wanted, "run tests/oracle/report.py --write"


def one_document(clickhouse, text):
    """(our cells or None, theirs) of one document for (a Int32, s String)."""
    tables = readers.Tables(clickhouse)
    columns = COLUMNS[1:]
    line = text.encode()
    tables.create([("i", "UInt64"), *columns])
    block, rejects = readers.encode([line], columns)
    if not rejects:
        clickhouse.query("INSERT INTO ours (a, s) FORMAT Native", block)
    try:
        clickhouse.query("INSERT INTO theirs (a, s) FORMAT JSONEachRow", line, readers.READING)
    except readers.ClickHouseError:
        pass  # refused
    return tables.select("ours").get(0), tables.select("theirs").get(0), clickhouse.value("SELECT count() FROM theirs")


@pytest.mark.parametrize("text", [d for d in cases.DOCUMENTS if "\n" not in d], ids=lambda d: d[:40] or "empty")
def test_documents(clickhouse, text):
    ours, theirs, count = one_document(clickhouse, text)
    if text in DOCUMENTS_WE_REFUSE:
        assert ours is None
    elif text in DOCUMENTS_WE_READ_OTHERWISE:
        assert ours == DOCUMENTS_WE_READ_OTHERWISE[text] != theirs
    else:
        assert ours == theirs and (count == "1") == (ours is not None)


def rows_of(clickhouse, columns, lines, options):
    tables = readers.Tables(clickhouse)
    tables.create(columns)
    block, rejects = readers.encode([line.encode() for line in lines], columns, options)
    tables.insert_ours(block)
    return tables.select("ours"), rejects


def test_overflow_wraps_as_clickhouse_does(clickhouse):
    values = ["300", "-200", "128", "99999999999", "-1", "1"]
    columns = [("i", "UInt64"), ("x", "Int8")]
    lines = ['{"i":%d,"x":%s}' % (i, value) for i, value in enumerate(values)]
    rows, rejects = rows_of(clickhouse, columns, lines, ["--overflow", "wrap"])
    assert not rejects
    clickhouse.query("INSERT INTO theirs FORMAT JSONEachRow", "\n".join(lines).encode())
    assert rows == readers.Tables(clickhouse).select("theirs")


@pytest.mark.parametrize("type_name", ["Int16", "UInt64", "Int128", "UInt128", "Int256", "UInt256", "Nullable(Int128)"])
def test_overflow_wraps_in_every_width(clickhouse, type_name):
    values = [str(value) for bits in (15, 16, 63, 64, 127, 128, 255, 256) for value in (2**bits - 1, 2**bits, 2**bits + 5)] + ["9" * 90]
    if "U" not in type_name:
        values += ["-" + value for value in values]
    columns = [("i", "UInt64"), ("x", type_name)]
    lines = ['{"i":%d,"x":%s}' % (i, value) for i, value in enumerate(values)]
    rows, rejects = rows_of(clickhouse, columns, lines, ["--overflow", "wrap"])
    assert not rejects
    clickhouse.query("INSERT INTO theirs FORMAT JSONEachRow", "\n".join(lines).encode())
    assert rows == readers.Tables(clickhouse).select("theirs")


@pytest.mark.parametrize("bits", [8, 32, 64, 128, 256])
def test_overflow_clamps_to_the_limits(clickhouse, bits):
    lines = ['{"i":0,"x":1e300,"y":1e300}', '{"i":1,"x":-1e300,"y":-5}', '{"i":2,"x":%d,"y":%d}' % (2**(bits - 1), 2**bits)]
    rows, rejects = rows_of(clickhouse, [("i", "UInt64"), ("x", f"Int{bits}"), ("y", f"UInt{bits}")], lines, ["--overflow", "clamp"])
    top = f"{2**(bits - 1) - 1}\t{2**bits - 1}"
    assert rows == {0: top, 1: f"{-2**(bits - 1)}\t0", 2: top} and not rejects


def test_overflow_clamps(clickhouse):
    lines = ['{"i":0,"x":300}', '{"i":1,"x":-1e30}', '{"i":2,"x":1.5}']
    rows, rejects = rows_of(clickhouse, [("i", "UInt64"), ("x", "Int8")], lines, ["--overflow", "clamp"])
    assert rows == {0: "127", 1: "-128"} and set(rejects) == {2}


def test_null_may_be_an_error(clickhouse):
    lines = ['{"i":0,"x":[null]}', '{"i":1}', '{"i":2,"x":null}']
    rows, rejects = rows_of(clickhouse, [("i", "UInt64"), ("x", "Array(Int8)")], lines, ["--null", "error"])
    assert rows == {1: "[]"} and set(rejects) == {0, 2}


@pytest.mark.parametrize("unit,wanted", [
    ("s", "1970-01-01 00:00:05.250"), ("ms", "1970-01-01 00:00:00.005"), ("us", "1970-01-01 00:00:00.000"), ("auto", "1970-01-01 00:00:05.250")])
def test_unit_of_bare_numbers(clickhouse, unit, wanted):
    rows, rejects = rows_of(clickhouse, [("i", "UInt64"), ("x", "DateTime64(3)")], ['{"i":0,"x":5.25}'], ["--unit", unit])
    assert rows == {0: wanted} and not rejects


@pytest.mark.parametrize("method", ["lz4", "zstd", "none"])
def test_clickhouse_reads_our_compression(clickhouse, method):
    columns = [("i", "UInt64"), ("x", "LowCardinality(String)")]
    tables = readers.Tables(clickhouse)
    tables.create(columns)
    lines = [b'{"i":%d,"x":"value %d"}' % (i, i % 7) for i in range(50000)]
    block, rejects = readers.encode(lines, columns, ["--compress", method])
    assert not rejects
    headers = {} if method == "none" else {"Content-Encoding": method}
    clickhouse.ask("INSERT INTO ours FORMAT Native", block, headers=headers)
    assert clickhouse.value("SELECT count(), uniqExact(x), sum(i) FROM ours") == "50000\t7\t1249975000"
