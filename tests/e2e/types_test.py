"""Special types and DEFAULT expressions through a whole pipe, into the real engine."""
import json

import pytest

from tests.e2e.orders import create_pipe, wait_settled


def send(kafka, name, documents):
    kafka.produce(name, [(None, json.dumps(document).encode(), None, None, 0) for document in documents])


def into_existing(penstock, kafka, clickhouse, name, ddl, columns, **settings):
    """A pipe into a table that was there before."""
    clickhouse.query(f"CREATE TABLE {name} ({ddl}) ENGINE = MergeTree ORDER BY tuple()")
    return create_pipe(
        penstock, kafka, name, columns=columns, destination={"managedTable": False}, settings=settings,
        fieldMappings=[{"sourceField": column, "destinationField": column} for column, _ in columns])


def test_absent_columns_take_the_tables_defaults(penstock, kafka, clickhouse, name):
    kafka.create_topic(name, 1)
    columns = [("id", "UInt64"), ("n", "Int32"), ("tags", "Array(String)"), ("maybe", "Nullable(String)"), ("kind", "LowCardinality(String)")]
    pipe_id = into_existing(
        penstock, kafka, clickhouse, name,
        "id UInt64, n Int32 DEFAULT id * 2, tags Array(String) DEFAULT ['t', toString(n)], maybe Nullable(String) DEFAULT 'm',"
        " kind LowCardinality(String) DEFAULT 'k', twice Int64 MATERIALIZED n * 2, other String DEFAULT kind", columns,
        penstock_defaults="server")
    send(kafka, name, [{"id": 1}, {"id": 2, "n": 7}, {"id": 3, "tags": []}, {"id": 4, "maybe": None, "kind": "x"},
                       {"id": 5, "n": None, "tags": None, "kind": None}, {"id": 6, "n": "bad"}, {"id": 7, "n": 1, "tags": ["a"], "maybe": "b", "kind": "c"}])
    wait_settled(kafka, penstock, clickhouse, pipe_id, name)
    assert clickhouse.query(f"SELECT *, twice FROM {name} ORDER BY id FORMAT TSV").splitlines() == [
        "1\t2\t['t','2']\tm\tk\tk\t4", "2\t7\t['t','7']\tm\tk\tk\t14", "3\t6\t[]\tm\tk\tk\t12", "4\t8\t['t','8']\t\\N\tx\tx\t16",
        "5\t0\t[]\tm\t\t\t0", "7\t1\t['a']\tb\tc\tc\t2"]
    assert clickhouse.value(f"SELECT count(), any(column_name) FROM {name}_clickpipes_error") == "1\tn"
    penstock.delete_pipe(pipe_id)


def test_columns_that_take_no_values_are_refused_at_create(penstock, kafka, clickhouse, name):
    kafka.create_topic(name, 1)
    for kind in ("MATERIALIZED", "ALIAS"):
        clickhouse.query(f"DROP TABLE IF EXISTS {name}")
        with pytest.raises(Exception, match=kind):
            into_existing(penstock, kafka, clickhouse, name, f"id UInt64, x Int64 {kind} id + 1", [("id", "UInt64"), ("x", "Int64")],
                          penstock_defaults="server")


def test_special_types_and_a_column_that_changes_its_type(penstock, kafka, clickhouse, name):
    """A managed table of special types; then one column becomes another type mid-stream."""
    columns = [("id", "UInt64"), ("j", "JSON(a UInt32)"), ("v", "Variant(String, Int64)"), ("m", "Map(Int8, Array(Nullable(String)))")]
    kafka.create_topic(name, 1)
    pipe_id = create_pipe(penstock, kafka, name, columns=columns)
    document = {"j": {"a": 1, "b": ["x"]}, "v": 7, "m": {"5": [None, "y"]}}
    send(kafka, name, [{"id": 1, **document}, {"id": 2, "j": {"a": "no"}}, {"id": 3, "v": "text"}, {"id": 4, "v": [1]}, {"id": 5, "j": {"a": None}}])
    wait_settled(kafka, penstock, clickhouse, pipe_id, name)
    assert clickhouse.query(f"SELECT * FROM {name} ORDER BY id FORMAT TSV").splitlines() == [
        "1\t{\"a\":1,\"b\":[\"x\"]}\t7\t{5:[NULL,'y']}", '3\t{"a":0}\ttext\t{}', '5\t{"a":0}\t\\N\t{}']
    assert clickhouse.query(f"SELECT error_type, column_name FROM {name}_clickpipes_error ORDER BY record_offset FORMAT TSV").splitlines() == [
        "INSERT_REJECTED\t", "TYPE_CONVERSION_ERROR\tv"]
    clickhouse.query(f"ALTER TABLE {name} MODIFY COLUMN v Variant(Bool, Int64, String)")
    clickhouse.query(f"ALTER TABLE {name} MODIFY COLUMN m Map(Int16, Array(Nullable(String)))")
    send(kafka, name, [{"id": 6, "v": 8, "m": {"6": []}}])  # fits both; the insert tells of the change
    wait_settled(kafka, penstock, clickhouse, pipe_id, name)
    send(kafka, name, [{"id": 7, "v": True, "m": {"300": ["z"]}}])
    wait_settled(kafka, penstock, clickhouse, pipe_id, name)
    assert clickhouse.query(f"SELECT id, variantType(v), m FROM {name} WHERE id > 5 ORDER BY id FORMAT TSV").splitlines() == [
        "6\tInt64\t{6:[]}", "7\tBool\t{300:['z']}"]
    penstock.delete_pipe(pipe_id)


def test_nested_columns(penstock, kafka, clickhouse, name):
    """A managed table's Nested column, which ClickHouse makes into one column per element, filled from an
    array of objects; and the same table found by a second pipe."""
    columns = [("id", "UInt64"), ("n", "Nested(a Int8, b LowCardinality(UUID), c Array(Nullable(String)))")]
    kafka.create_topic(name, 1)
    pipe_id = create_pipe(penstock, kafka, name, columns=columns)
    send(kafka, name, [{"id": 1, "n": [{"a": 1, "c": ["x", None]}, {"a": 2, "b": "61f0c404-5cb3-11e7-907b-a6006ad3dba0"}]}, {"id": 2}, {"id": 3, "n": [{"a": "x"}]},
                       {"id": 4, "n.a": [1], "n.b": []}])
    wait_settled(kafka, penstock, clickhouse, pipe_id, name)
    zero = "00000000-0000-0000-0000-000000000000"
    assert clickhouse.query(f"SELECT * FROM {name} ORDER BY id FORMAT TSV").splitlines() == [
        f"1\t[1,2]\t['{zero}','61f0c404-5cb3-11e7-907b-a6006ad3dba0']\t[['x',NULL],[]]", "2\t[]\t[]\t[]"]
    assert clickhouse.query(f"SELECT error_type FROM {name}_clickpipes_error ORDER BY record_offset FORMAT TSV").split() == [
        "TYPE_CONVERSION_ERROR", "INSERT_REJECTED"]
    penstock.delete_pipe(pipe_id)
    again = create_pipe(penstock, kafka, name, columns=columns, destination={"managedTable": False},
                        fieldMappings=[{"sourceField": column, "destinationField": column} for column, _ in columns])
    penstock.delete_pipe(again)
