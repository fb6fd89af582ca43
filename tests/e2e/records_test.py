"""Records that are out of the ordinary each end where the rules say, with their coordinates."""
import base64
import json

from tests.e2e.orders import create_pipe, good, wait_settled

MIB = 1024 * 1024


def arrive(penstock, kafka, clickhouse, name, records, columns, **more):
    """Produce the records into a new one-partition topic, run a pipe over it to the end."""
    kafka.create_topic(name, 1, {"max.message.bytes": str(25 * MIB)})
    kafka.produce(name, records)
    pipe_id = create_pipe(penstock, kafka, name, columns=columns, **more)
    wait_settled(kafka, penstock, clickhouse, pipe_id, name)
    return pipe_id


def rows(clickhouse, name, columns):
    names = ", ".join(column for column, _ in columns)
    return clickhouse.rows(f"SELECT {names} FROM {name} ORDER BY _offset")


def rejected(clickhouse, name):
    """Rows of the error table; record_value is bytes."""
    found = clickhouse.rows(
        "SELECT * EXCEPT record_value, base64Encode(record_value) AS record_value"
        f" FROM {name}_clickpipes_error ORDER BY record_offset, error_timestamp")
    return [dict(row, record_value=base64.b64decode(row["record_value"])) for row in found]


OFFSET = ("_offset", "Int64")


def test_null_into_a_column_that_cannot_hold_it(penstock, kafka, clickhouse, name):
    """By default the zero value; with penstock_null=error an error row."""
    columns = [("id", "UInt64"), ("label", "String"), OFFSET]
    values = [b'{"id":null,"label":"a"}', b'{"id":2,"label":null}', b'{"id":3}']
    records = [(None, value) for value in values]
    zero = arrive(penstock, kafka, clickhouse, name, records, columns)
    assert rows(clickhouse, name, columns) == [
        {"id": 0, "label": "a", "_offset": 0}, {"id": 2, "label": "", "_offset": 1},
        {"id": 3, "label": "", "_offset": 2}]
    strict = name + "_strict"
    error = arrive(penstock, kafka, clickhouse, strict, records, columns,
                   settings={"penstock_null": "error"})
    assert rows(clickhouse, strict, columns) == [{"id": 3, "label": "", "_offset": 2}]
    found = rejected(clickhouse, strict)
    assert [row["record_offset"] for row in found] == [0, 1]
    assert [row["column_name"] for row in found] == ["id", "label"]
    for pipe_id in (zero, error):
        penstock.delete_pipe(pipe_id)


def test_a_message_of_17_mb_is_rejected_and_the_next_ones_arrive(penstock, kafka, clickhouse, name):
    columns = [("id", "UInt64"), ("text", "String"), OFFSET]
    big = json.dumps({"id": 2, "text": "x" * (17 * 1000 * 1000)}).encode()
    allowed = json.dumps({"id": 3, "text": "y" * (15 * 1000 * 1000)}).encode()
    records = [(None, b'{"id":1,"text":"a"}'), (b"key", big), (None, allowed),
               (None, b'{"id":4,"text":"d"}')]
    pipe_id = arrive(penstock, kafka, clickhouse, name, records, columns)
    assert clickhouse.rows(f"SELECT id, length(text) AS n FROM {name} ORDER BY _offset") == [
        {"id": 1, "n": 1}, {"id": 3, "n": 15000000}, {"id": 4, "n": 1}]
    (error,) = rejected(clickhouse, name)
    assert error["error_type"] == "RECORD_TOO_LARGE"
    assert (error["record_offset"], error["record_partition"], error["record_topic"]) == (1, 0, name)
    assert error["record_key"] == "key"
    assert big.startswith(error["record_value"]) and len(error["record_value"]) == 65536
    penstock.delete_pipe(pipe_id)


def test_every_malformed_record_has_its_row_in_the_error_table(penstock, kafka, clickhouse, name):
    """One in a hundred, each found again whole, with key, headers, timestamp and coordinates."""
    columns = [("id", "UInt64"), ("kind", "Enum8('created' = 1, 'paid' = 2)"), ("at", "DateTime64(3)"),
               ("_topic", "String"), ("_partition", "Int32"), OFFSET]
    kinds = [b'{"id":1', b"hello", b'{"id":-1,"kind":"paid"}', b'{"id":1,"kind":"lost"}',
             b'{"id":1,"at":"2026-02-30T00:00:00Z"}', b'{"id":1,"id":2}', b"\xff\xfe", b""]
    records = []
    for number in range(2000):
        if number % 100 == 57:
            value = kinds[number // 100 % len(kinds)]
            headers = [("trace", str(number).encode()), ("empty", b"")]
            records.append((f"k{number}".encode(), value, headers, 1750000000000 + number, 0))
        else:
            records.append((None, json.dumps({"id": number, "kind": "paid"}).encode(), None, None, 0))
    pipe_id = arrive(penstock, kafka, clickhouse, name, records, columns)
    wrong = [at for at in range(2000) if at % 100 == 57]
    found = rejected(clickhouse, name)
    assert [row["record_offset"] for row in found] == wrong
    for row in found:
        at = row["record_offset"]
        assert row["record_value"] == records[at][1]
        assert row["record_key"] == f"k{at}" and row["record_topic"] == name
        assert row["record_headers"] == {"trace": str(at), "empty": ""}
        assert row["error_msg"] and row["pipe_id"] == pipe_id
        assert row["error_type"] in ("DATA_PARSING_ERROR", "TYPE_CONVERSION_ERROR")
    assert clickhouse.value(f"SELECT count() FROM {name}") == str(2000 - len(wrong))
    pages = []
    cursor = ""
    while cursor is not None:
        page = penstock.errors(pipe_id, f"?limit=7{cursor and '&cursor=' + cursor}")
        pages += page["errors"]
        cursor = page["next"]
    assert sorted(error["offset"] for error in pages) == wrong
    binary = next(error for error in pages if error["offset"] == 657)
    assert (binary["encoding"], binary["value"]) == ("base64", "//4=")
    penstock.delete_pipe(pipe_id)


def test_tombstones_and_virtual_columns(penstock, kafka, clickhouse, name):
    columns = [("id", "UInt64"), ("_key", "String"), ("_timestamp", "DateTime64(3)"),
               ("_partition", "Int32"), OFFSET, ("_topic", "String"), ("_header_keys", "Array(String)"),
               ("_header_values", "Array(String)"), ("_raw_message", "String")]
    value = b'{"id": 7}'
    records = [(b"k", value, [("a", b"1"), ("a", b"2"), ("n", None)], 1750000000123),
               (b"gone", None), (None, value, None, 1750000000124)]
    pipe_id = arrive(penstock, kafka, clickhouse, name, records, columns)
    found = rows(clickhouse, name, columns)
    assert found == [
        {"id": 7, "_key": "k", "_timestamp": "2025-06-15 15:06:40.123", "_partition": 0, "_offset": 0,
         "_topic": name, "_header_keys": ["a", "a", "n"], "_header_values": ["1", "2", ""],
         "_raw_message": '{"id": 7}'},
        {"id": 7, "_key": "", "_timestamp": "2025-06-15 15:06:40.124", "_partition": 0, "_offset": 2,
         "_topic": name, "_header_keys": [], "_header_values": [], "_raw_message": '{"id": 7}'}]
    penstock.wait_summary(pipe_id, lambda s: s["records"]["skipped"] == 1, what="the tombstone counted")
    penstock.delete_pipe(pipe_id)


def test_a_pipe_starts_where_it_was_told(penstock, kafka, clickhouse, name):
    """from_latest skips what is there; from_timestamp begins at the first record at or after it."""
    kafka.create_topic(name, 1)
    old = [(None, good(n), None, 1735689600000 + n * 60000, 0) for n in range(100)]  # 2025-01-01T00:00
    kafka.produce(name, old)
    columns = [("id", "UInt64"), OFFSET]
    latest = create_pipe(penstock, kafka, name, columns=columns,
                         kafka={"offset": {"strategy": "from_latest"}},
                         table=name + "_latest")
    timed = create_pipe(penstock, kafka, name, columns=columns,
                        kafka={"offset": {"strategy": "from_timestamp", "timestamp": "2025-01-01T01:00"}},
                        table=name + "_timed")
    penstock.wait_summary(timed, lambda s: s["records"]["sent"] == 40, what="40 records from 01:00 on")
    penstock.wait_summary(
        latest, lambda s: s["lag"]["partitions"], what="the latest pipe has its partition")
    kafka.produce(name, [(None, good(1000), None, None, 0)])
    for pipe_id, table, expected in ((latest, "_latest", ["1000"]), (timed, "_timed", ["60", "1000"])):
        penstock.wait_summary(
            pipe_id, lambda s: s["records"]["sent"] in (1, 41) and s["lag"]["records"] == 0,
            what="the new record")
        ids = clickhouse.query(f"SELECT id FROM {name}{table} ORDER BY _offset").split()
        assert [ids[0], ids[-1]] == [expected[0], expected[-1]]
        penstock.delete_pipe(pipe_id)
