"""The table under a running pipe is altered, renamed, dropped, constrained, starved and frozen: the pipe
waits for what a person has to put right, blames only guilty rows, and loses nothing."""
import json

from tests.e2e.orders import Feed, create_pipe, good, reconcile, stored, wait_settled

OFFSETS = [("_partition", "Int32"), ("_offset", "Int64")]
PLAIN = [("id", "UInt64"), ("note", "String"), *OFFSETS]


def record(number, **more):
    return (None, json.dumps({"id": number, "note": f"note {number}", **more}).encode(), None, None, 0)


def start(penstock, kafka, name, columns=None, records=10, **more):
    """A pipe of one partition whose first records are in the table; returns its id."""
    kafka.create_topic(name, 1)
    kafka.produce(name, [record(number) for number in range(records)])
    pipe_id = create_pipe(penstock, kafka, name, columns=columns or PLAIN, **more)
    penstock.wait_summary(pipe_id, lambda s: s["records"]["sent"] == records, what="the first records")
    return pipe_id


def wait_reason(penstock, pipe_id, code, timeout_s=60):
    """Until the pipe waits for this; it stays Running."""
    summary = penstock.wait_summary(
        pipe_id, lambda s: (s["reason"] or {}).get("code") == code, timeout_s, f"reason {code}")
    assert summary["state"] == "Running"
    return summary["reason"]


def wait_well(penstock, pipe_id, timeout_s=60):
    return penstock.wait_summary(pipe_id, lambda s: s["reason"] is None, timeout_s, "no reason any more")


def ids(clickhouse, table):
    return [row["id"] for row in clickhouse.rows(f"SELECT id FROM {table} ORDER BY _offset")]


def counters_agree(penstock, pipe_id, fetched):
    records = penstock.wait_summary(
        pipe_id, lambda s: s["records"]["fetched"] == fetched and s["lag"]["records"] == 0
        and s["records"]["sent"] + s["records"]["rejected"] + s["records"]["skipped"] == fetched,
        what=f"counters equal to {fetched}")["records"]
    return records


def test_rows_that_only_clickhouse_refuses(penstock, kafka, clickhouse, name):
    """Only the guilty rows go to the error table, each with its own record; the others are stored."""
    pipe_id = start(penstock, kafka, name)
    clickhouse.query(f"ALTER TABLE {name} ADD CONSTRAINT small CHECK id % 500 != 77")
    kafka.produce(name, [record(number) for number in range(10, 2000)])
    wait_settled(kafka, penstock, clickhouse, pipe_id, name)
    guilty = [number for number in range(10, 2000) if number % 500 == 77]
    found = clickhouse.rows(f"SELECT * FROM {name}_clickpipes_error ORDER BY record_offset")
    assert [row["record_offset"] for row in found] == guilty
    assert {row["error_type"] for row in found} == {"INSERT_REJECTED"}
    assert all("469" in row["error_msg"] or "small" in row["error_msg"] for row in found)
    assert [json.loads(row["record_value"])["id"] for row in found] == guilty
    assert ids(clickhouse, name) == [number for number in range(2000) if number not in guilty]
    assert counters_agree(penstock, pipe_id, 2000)["rejected"] == len(guilty)
    assert penstock.pipe(pipe_id)["state"] == "Running"
    penstock.delete_pipe(pipe_id)


def test_a_view_that_throws(penstock, kafka, clickhouse, name):
    """The view is named, no record is blamed, and the pipe goes on when the view is gone."""
    pipe_id = start(penstock, kafka, name)
    clickhouse.query(f"CREATE TABLE {name}_target (id UInt64) ENGINE = MergeTree ORDER BY id")
    clickhouse.query(
        f"CREATE MATERIALIZED VIEW {name}_view TO {name}_target AS"
        f" SELECT throwIf(id = 15, 'no fifteen') + id AS id FROM {name}")
    kafka.produce(name, [record(number) for number in range(10, 20)])
    reason = wait_reason(penstock, pipe_id, "VIEW_FAILED")
    assert f"{name}_view" in reason["message"]
    tries = penstock.wait_summary(
        pipe_id, lambda s: s["batches"]["retries"] > 0, what="a failed try")["batches"]["retries"]
    assert clickhouse.value(f"SELECT count() FROM {name}_clickpipes_error") == "0"
    clickhouse.query(f"DROP TABLE {name}_view")
    wait_settled(kafka, penstock, clickhouse, pipe_id, name)
    rows, errors = stored(clickhouse, name)
    assert sorted(at for _, at in rows) == list(range(20)) and not errors
    # ClickHouse keeps the table's rows of a failed try: no more copies than tries.
    assert max(rows.values()) <= tries + 2
    assert {rows[(0, at)] for at in range(10)} == {1}
    wait_well(penstock, pipe_id)
    penstock.delete_pipe(pipe_id)


def test_identical_batches_are_not_taken_for_repeats(penstock, kafka, clickhouse, name):
    """A table that deduplicates inserts by their content must not swallow honest repeats."""
    clickhouse.query(
        f"CREATE TABLE {name} (id UInt64, note String) ENGINE = MergeTree ORDER BY id"
        " SETTINGS non_replicated_deduplication_window = 1000")
    kafka.create_topic(name, 1)
    pipe_id = create_pipe(
        penstock, kafka, name, columns=[("id", "UInt64"), ("note", "String")],
        destination={"managedTable": False}, settings={"penstock_batch_rows": 10},
        fieldMappings=[{"sourceField": "id", "destinationField": "id"},
                       {"sourceField": "note", "destinationField": "note"}])
    kafka.produce(name, [record(7)] * 200)
    wait_settled(kafka, penstock, clickhouse, pipe_id, name)
    assert clickhouse.value(f"SELECT count() FROM {name}") == "200"
    penstock.command_pipe(pipe_id, "stop")
    penstock.wait_state(pipe_id, "Stopped")
    kafka.produce(name, [record(7)] * 200)
    penstock.command_pipe(pipe_id, "start")
    wait_settled(kafka, penstock, clickhouse, pipe_id, name)
    assert clickhouse.value(f"SELECT count() FROM {name}") == "400"
    penstock.delete_pipe(pipe_id)


def test_a_view_that_throws_behind_a_table_with_a_window(penstock, kafka, clickhouse, name):
    """With a deduplication window the tries leave one copy, and the mended view gets its rows."""
    pipe_id = start(penstock, kafka, name)
    clickhouse.query(f"ALTER TABLE {name} MODIFY SETTING non_replicated_deduplication_window = 100")
    clickhouse.query(f"CREATE TABLE {name}_target (id UInt64) ENGINE = MergeTree ORDER BY id")
    clickhouse.query(f"CREATE TABLE {name}_bad (id UInt64) ENGINE = MergeTree ORDER BY id")
    clickhouse.query(f"INSERT INTO {name}_bad VALUES (15)")
    clickhouse.query(
        f"CREATE MATERIALIZED VIEW {name}_view TO {name}_target AS"
        f" SELECT id + throwIf(id IN (SELECT id FROM {name}_bad)) AS id FROM {name}")
    kafka.produce(name, [record(number) for number in range(10, 20)])
    wait_reason(penstock, pipe_id, "VIEW_FAILED")
    clickhouse.query(f"TRUNCATE TABLE {name}_bad")
    wait_settled(kafka, penstock, clickhouse, pipe_id, name)
    assert stored(clickhouse, name)[0] == {(0, at): 1 for at in range(20)}
    assert clickhouse.query(f"SELECT id FROM {name}_target ORDER BY id").split() == [
        str(number) for number in range(10, 20)]
    wait_well(penstock, pipe_id)
    penstock.delete_pipe(pipe_id)


def test_a_column_is_added(penstock, kafka, clickhouse, name):
    pipe_id = start(penstock, kafka, name)
    clickhouse.query(f"ALTER TABLE {name} ADD COLUMN extra String DEFAULT concat('d', toString(id))")
    kafka.produce(name, [record(number) for number in range(10, 20)])
    wait_settled(kafka, penstock, clickhouse, pipe_id, name)
    assert [row["extra"] for row in clickhouse.rows(f"SELECT extra FROM {name} ORDER BY _offset")] == [
        f"d{number}" for number in range(20)]
    penstock.delete_pipe(pipe_id)


def test_a_column_changes_its_type(penstock, kafka, clickhouse, name):
    """What arrives after is decoded for the type that the table has then, by the rules of that type:
    nothing is cast in silence from the type that it had."""
    pipe_id = start(penstock, kafka, name)
    clickhouse.query(f"ALTER TABLE {name} MODIFY COLUMN note Nullable(String)")
    kafka.produce(name, [record(10), (None, b'{"id":11,"note":null}', None, None, 0)])
    wait_settled(kafka, penstock, clickhouse, pipe_id, name)
    notes = clickhouse.rows(f"SELECT note FROM {name} WHERE id IN (10, 11) ORDER BY _offset")
    assert notes == [{"note": "note 10"}, {"note": None}]
    # A number that fits UInt64 but not UInt8: an error row, not 300 % 256.
    clickhouse.query(f"ALTER TABLE {name} MODIFY COLUMN id UInt8")
    kafka.produce(name, [record(12), record(300), record(14)])
    wait_settled(kafka, penstock, clickhouse, pipe_id, name)
    rows, errors = stored(clickhouse, name)
    assert (0, 13) in errors and (0, 13) not in rows
    assert ids(clickhouse, name)[-3:] == [11, 12, 14]
    clickhouse.query(f"ALTER TABLE {name} MODIFY COLUMN id String")
    kafka.produce(name, [record(15), (None, b'{"id":"x16","note":"n"}', None, None, 0)])
    wait_settled(kafka, penstock, clickhouse, pipe_id, name)
    assert ids(clickhouse, name)[-2:] == ["15", "x16"]
    assert len(stored(clickhouse, name)[0]) == 16
    counters_agree(penstock, pipe_id, 17)
    events = penstock.result("GET", f"{penstock.pipes_path}/{pipe_id}/events?type=table_changed")["events"]
    assert 1 <= len(events) <= 3 and all("not as it was: " in event["message"] for event in events), events
    assert any(event["details"]["change"] in ("column id is UInt8, was UInt64", "column id is String, was UInt8")
               for event in events), events
    penstock.delete_pipe(pipe_id)


def test_a_mapped_column_is_dropped(penstock, kafka, clickhouse, name):
    pipe_id = start(penstock, kafka, name)
    clickhouse.query(f"ALTER TABLE {name} DROP COLUMN note")
    kafka.produce(name, [record(number) for number in range(10, 20)])
    reason = wait_reason(penstock, pipe_id, "TABLE_MISMATCH")
    assert "note" in reason["message"]
    clickhouse.query(f"ALTER TABLE {name} ADD COLUMN note String")
    wait_settled(kafka, penstock, clickhouse, pipe_id, name)
    assert ids(clickhouse, name) == list(range(20))
    assert clickhouse.rows(f"SELECT note FROM {name} WHERE id = 19") == [{"note": "note 19"}]
    wait_well(penstock, pipe_id)
    counters_agree(penstock, pipe_id, 20)
    penstock.delete_pipe(pipe_id)


def test_the_table_goes_and_comes_back(penstock, kafka, clickhouse, name):
    """Renamed away and back under load, then dropped and made again."""
    kafka.create_topic(name, 3)
    pipe_id = create_pipe(penstock, kafka, name)
    stream = Feed(kafka, name, rate=1000, bad_every=50).start()
    penstock.wait_summary(pipe_id, lambda s: s["records"]["sent"] > 0, what="first rows")
    clickhouse.query(f"RENAME TABLE {name} TO {name}_aside")
    wait_reason(penstock, pipe_id, "TABLE_NOT_FOUND")
    stream.wait_produced(len(stream.acknowledged) + 2000)
    clickhouse.query(f"RENAME TABLE {name}_aside TO {name}")
    wait_well(penstock, pipe_id)
    ddl = clickhouse.rows(f"SHOW CREATE TABLE {name}")[0]["statement"]
    acknowledged = stream.stop()
    wait_settled(kafka, penstock, clickhouse, pipe_id, name)
    outcome = reconcile(clickhouse, name, acknowledged)
    assert (outcome.duplicate_rows, outcome.duplicate_errors) == (0, 0)
    counters_agree(penstock, pipe_id, len(acknowledged))
    clickhouse.query(f"DROP TABLE {name} SYNC")
    more = kafka.produce(name, [(None, good(number)) for number in range(1000)])
    wait_reason(penstock, pipe_id, "TABLE_NOT_FOUND")
    clickhouse.query(ddl)
    wait_settled(kafka, penstock, clickhouse, pipe_id, name)
    assert stored(clickhouse, name)[0] == {at: 1 for at in more}
    penstock.delete_pipe(pipe_id)


def test_too_many_parts(penstock, kafka, clickhouse, name):
    pipe_id = start(penstock, kafka, name, settings={"penstock_batch_rows": 10})
    clickhouse.query(f"SYSTEM STOP MERGES {name}")
    clickhouse.query(
        f"ALTER TABLE {name} MODIFY SETTING parts_to_delay_insert = 5, parts_to_throw_insert = 5")
    kafka.produce(name, [record(number) for number in range(10, 200)])
    reason = wait_reason(penstock, pipe_id, "TOO_MANY_PARTS")
    assert "252" in reason["message"]
    clickhouse.query(f"SYSTEM START MERGES {name}")
    clickhouse.query(f"OPTIMIZE TABLE {name} FINAL")
    clickhouse.query(f"ALTER TABLE {name} RESET SETTING parts_to_delay_insert, parts_to_throw_insert")
    wait_settled(kafka, penstock, clickhouse, pipe_id, name)
    assert ids(clickhouse, name) == list(range(200))
    wait_well(penstock, pipe_id)
    penstock.delete_pipe(pipe_id)


def test_the_error_table_is_dropped(penstock, kafka, clickhouse, name):
    """Rejected records wait for it, with a reason that names it; nothing is stored twice meanwhile."""
    pipe_id = start(penstock, kafka, name)
    ddl = clickhouse.rows(f"SHOW CREATE TABLE {name}_clickpipes_error")[0]["statement"]
    clickhouse.query(f"DROP TABLE {name}_clickpipes_error SYNC")
    kafka.produce(name, [record(10), (None, b"nonsense", None, None, 0), record(12)])
    reason = wait_reason(penstock, pipe_id, "TABLE_NOT_FOUND")
    assert f"{name}_clickpipes_error" in reason["message"]
    clickhouse.query(ddl)
    wait_settled(kafka, penstock, clickhouse, pipe_id, name)
    rows, errors = stored(clickhouse, name)
    assert rows == {(0, at): 1 for at in range(13) if at != 11} and errors == {(0, 11): 1}
    wait_well(penstock, pipe_id)
    counters_agree(penstock, pipe_id, 13)
    penstock.delete_pipe(pipe_id)
