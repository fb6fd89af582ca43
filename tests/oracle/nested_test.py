"""Nested columns as ClickHouse has them: n.a, n.b (flatten_nested=1) or one column of tuples (0)."""
import pytest

from tests.harness.clickhouse import ClickHouseError, DevClickHouse

from . import readers

FLAT = [("n.a", "Array(Int8)"), ("n.b", "Array(LowCardinality(String))")]

# Document, and what it becomes in both kinds of table; None = refused.
DOCUMENTS = [
    ('{"n":[{"a":1,"b":"x"},{"a":2}]}', "[1,2]\t['x','']"),
    ('{"n":[{"b":"x","z":[{}]},{},{"b":"y","a":3}]}', "[0,0,3]\t['x','','y']"),
    ('{"n":[]}', "[]\t[]"), ("{}", "[]\t[]"), ('{"n":null}', "[]\t[]"),
    ('{"n":[null,{"a":null}]}', "[0,0]\t['','']"),
    ('{"n":[{"a":1,"a":2}]}', None), ('{"n":[{"a":300}]}', None), ('{"n":[1]}', None), ('{"n":[{"a":1},]}', None), ('{"n":[{"a":1}', None),
]


@pytest.fixture(scope="module")
def clickhouse():
    with DevClickHouse() as server:
        yield server


def one(clickhouse, columns, document, names):
    """The row that a document becomes in table `nested`, None if it is refused."""
    clickhouse.query("TRUNCATE TABLE nested")
    block, rejects = readers.encode([document.encode()], columns)
    if rejects:
        return None
    clickhouse.query(f"INSERT INTO nested ({names}) FORMAT Native", block)
    return clickhouse.value("SELECT `n.a`, `n.b` FROM nested FORMAT TSV")


@pytest.mark.parametrize("flatten", [1, 0])
@pytest.mark.parametrize("document,wanted", DOCUMENTS, ids=[document for document, _ in DOCUMENTS])
def test_arrays_of_objects(clickhouse, flatten, document, wanted):
    clickhouse.query("CREATE OR REPLACE TABLE nested (n Nested(a Int8, b LowCardinality(String))) ENGINE = MergeTree ORDER BY tuple()",
                     settings={"flatten_nested": flatten})
    columns = FLAT if flatten else [("n", "Nested(a Int8, b LowCardinality(String))")]
    names = "`n.a`, `n.b`" if flatten else "n"
    assert one(clickhouse, columns, document, names) == (wanted if flatten or document != "{}" else "[]\t[]")


@pytest.mark.parametrize("document,wanted", [
    ('{"n.a":[1,2],"n.b":["x","y"]}', "[1,2]\t['x','y']"),
    ('{"n":[{"a":9,"b":"z"}],"n.a":[1,2],"n.b":["x","y"]}', "[1,2]\t['x','y']"),
    ('{"n.a":[1,2],"n":[{"a":9,"b":"z"},{"b":"w"}]}', "[1,2]\t['z','w']"),
    ('{"n":{"a":[1,2],"b":["x","y"]}}', "[1,2]\t['x','y']"),
])
def test_other_ways_to_flattened_columns(clickhouse, document, wanted):
    """As JSONEachRow reads them: literal keys, and objects of arrays with input_format_import_nested_json=1."""
    clickhouse.query("CREATE OR REPLACE TABLE nested (n Nested(a Int8, b LowCardinality(String))) ENGINE = MergeTree ORDER BY tuple()")
    assert one(clickhouse, FLAT, document, "`n.a`, `n.b`") == wanted
    if '"n":[' not in document:
        clickhouse.query("TRUNCATE TABLE nested")
        clickhouse.query("INSERT INTO nested FORMAT JSONEachRow", document.encode(), {"input_format_import_nested_json": 1})
        assert clickhouse.value("SELECT * FROM nested FORMAT TSV") == wanted


def test_arrays_of_different_lengths_are_refused_by_clickhouse(clickhouse):
    clickhouse.query("CREATE OR REPLACE TABLE nested (n Nested(a Int8, b LowCardinality(String))) ENGINE = MergeTree ORDER BY tuple()")
    with pytest.raises(ClickHouseError, match="SIZES_OF_ARRAYS_DONT_MATCH"):
        one(clickhouse, FLAT, '{"n.a":[1,2],"n.b":["x"]}', "`n.a`, `n.b`")
