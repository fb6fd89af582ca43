"""One replica against the mock cluster and the development ClickHouse: what it does with records,
its counters and its ends. The crash tests with a real broker are in replica_test.py."""
import json

import pytest

from tests.harness import net
from tests.harness.clickhouse import DevClickHouse
from tests.harness.kafka import MockKafka
from tests.harness.replica import Replica, make_spec

COLUMNS = [("id", "UInt64"), ("name", "String"), ("_partition", "Int32"), ("_offset", "Int64")]
ERROR_COLUMNS = (
    "error_timestamp DateTime, error_type LowCardinality(String), error_msg String, "
    "record_key String, record_value String, record_timestamp DateTime64(3), "
    "record_partition Int32, record_offset Int64, record_topic LowCardinality(String), "
    "record_headers Map(String, String), schema_id Int32, pipe_id String, column_name String")


@pytest.fixture(scope="module", name="clickhouse")
def fixture_clickhouse():
    with DevClickHouse() as clickhouse:
        yield clickhouse


@pytest.fixture(scope="module", name="kafka")
def fixture_kafka():
    with MockKafka() as kafka:
        yield kafka


def make_tables(clickhouse, table, columns=None):
    parts = ", ".join(f"`{name}` {kind}" for name, kind in columns or COLUMNS)
    clickhouse.query(f"CREATE TABLE {table} ({parts}) ENGINE = MergeTree ORDER BY tuple()")
    clickhouse.query(
        f"CREATE TABLE {table}_clickpipes_error ({ERROR_COLUMNS}) ENGINE = MergeTree ORDER BY tuple()")


def documents(count, first=0):
    return [(str(i).encode(), json.dumps({"id": i, "name": f"n{i}"}).encode())
            for i in range(first, first + count)]


def rows_in(clickhouse, table):
    return int(clickhouse.value(f"SELECT count() FROM {table}"))


def wait_rows(replica, clickhouse, table, count, timeout_s=30):
    replica.wait(lambda _: rows_in(clickhouse, table) >= count, timeout_s, f"{count} rows in {table}")


FAST = {"streaming_max_insert_wait_ms": 500}


def test_rows_arrive_and_offsets_are_committed(kafka, clickhouse, tmp_path):
    topic = kafka.create_topic("arrive", 3)
    make_tables(clickhouse, "arrive")
    produced = kafka.produce(topic, documents(1000))
    spec = make_spec(kafka.bootstrap, topic, clickhouse, "arrive", COLUMNS, group="g-arrive", settings=FAST)
    with Replica(spec, str(tmp_path / "log")) as replica:
        replica.wait_running()
        wait_rows(replica, clickhouse, "arrive", 1000)
        kafka.produce(topic, documents(10, 1000))
        wait_rows(replica, clickhouse, "arrive", 1010)
        replica.wait(lambda r: r.unsettled == 0 and r.counters["fetched_records"] == 1010, 10, "settled")
        replica.wait(lambda r: sum(p[0] for p in r.partitions.values()) == 1010, 10, "committed")
        assert replica.counters["sent_records"] == 1010
        assert replica.counters["inserts"] >= 2
        assert replica.terminate() == 0
    found = {(row["p"], row["o"]) for row in clickhouse.rows(
        "SELECT _partition AS p, _offset AS o FROM arrive LIMIT 1000000")}
    assert found >= set(produced) and len(found) == 1010
    committed = kafka.committed("g-arrive", topic)
    assert committed == {p: end for p, end in kafka.end_offsets(topic).items()}


def test_rejected_skipped_and_sent_add_up(kafka, clickhouse, tmp_path):
    topic = kafka.create_topic("mixed", 2)
    make_tables(clickhouse, "mixed")
    records = documents(500)
    bad = {}
    for i in range(0, 500, 50):
        records[i] = (b"bad", b'{"id": 1, broken', [("h", b"1")])
    for i in range(1, 500, 100):
        records[i] = (b"gone", None)
    produced = kafka.produce(topic, records)
    for i in range(0, 500, 50):
        bad[produced[i]] = records[i][1].decode()
    spec = make_spec(kafka.bootstrap, topic, clickhouse, "mixed", COLUMNS, group="g-mixed", settings=FAST)
    with Replica(spec, str(tmp_path / "log")) as replica:
        replica.wait(lambda r: r.counters.get("fetched_records") == 500 and r.unsettled == 0, 30, "settled")
        assert (replica.counters["sent_records"], replica.counters["rejected_records"],
                replica.counters["skipped_records"]) == (485, 10, 5)
        assert replica.terminate() == 0
    errors = clickhouse.rows(
        "SELECT record_partition AS p, record_offset AS o, record_value AS v, error_type AS t, "
        "record_headers AS h, pipe_id FROM mixed_clickpipes_error")
    assert {(row["p"], row["o"]): row["v"] for row in errors} == bad
    assert {row["t"] for row in errors} == {"DATA_PARSING_ERROR"}
    assert all(row["h"] == {"h": "1"} and row["pipe_id"] == spec["pipeId"] for row in errors)
    assert rows_in(clickhouse, "mixed") == 485


def test_a_row_that_only_clickhouse_refuses_goes_to_the_error_table(kafka, clickhouse, tmp_path):
    topic = kafka.create_topic("refused", 2)
    make_tables(clickhouse, "refused")
    clickhouse.query("ALTER TABLE refused ADD CONSTRAINT c CHECK id != 77")
    produced = kafka.produce(topic, documents(300))
    spec = make_spec(kafka.bootstrap, topic, clickhouse, "refused", COLUMNS, group="g-refused", settings=FAST)
    with Replica(spec, str(tmp_path / "log")) as replica:
        replica.wait(lambda r: r.counters.get("fetched_records") == 300 and r.unsettled == 0, 60, "settled")
        assert replica.counters["sent_records"] == 299
        assert replica.counters["rejected_records"] == 1
        assert replica.terminate() == 0
    errors = clickhouse.rows(
        "SELECT record_partition AS p, record_offset AS o, record_value AS v, error_type AS t "
        "FROM refused_clickpipes_error")
    assert [(row["p"], row["o"]) for row in errors] == [produced[77]]
    assert errors[0]["t"] == "INSERT_REJECTED" and json.loads(errors[0]["v"])["id"] == 77
    assert rows_in(clickhouse, "refused") == 299


def test_many_refused_rows_are_found_in_few_inserts(kafka, clickhouse, tmp_path):
    """ClickHouse names the row that breaks a constraint; each is still refused alone before it is blamed."""
    topic = kafka.create_topic("many", 1)
    make_tables(clickhouse, "many")
    clickhouse.query("ALTER TABLE many ADD CONSTRAINT c CHECK id % 100 != 7")
    produced = kafka.produce(topic, documents(5000))
    spec = make_spec(kafka.bootstrap, topic, clickhouse, "many", COLUMNS, group="g-many", settings=FAST)
    with Replica(spec, str(tmp_path / "log")) as replica:
        replica.wait(lambda r: r.counters.get("fetched_records") == 5000 and r.unsettled == 0, 60, "settled")
        assert (replica.counters["sent_records"], replica.counters["rejected_records"]) == (4950, 50)
        assert replica.counters["inserts"] < 30
        assert replica.terminate() == 0
    found = {(row["p"], row["o"]) for row in clickhouse.rows(
        "SELECT record_partition AS p, record_offset AS o FROM many_clickpipes_error LIMIT 10000")}
    assert found == {produced[i] for i in range(7, 5000, 100)}
    assert rows_in(clickhouse, "many") == 4950


def test_a_message_with_a_refused_row_has_one_error_row(kafka, clickhouse, tmp_path):
    topic = kafka.create_topic("several", 1)
    make_tables(clickhouse, "several")
    clickhouse.query("ALTER TABLE several ADD CONSTRAINT c CHECK id % 10 != 7")
    lines = [[json.dumps({"id": 5 * message + i}) for i in range(5)] for message in range(20)]
    kafka.produce(topic, [(None, "\n".join(documents).encode()) for documents in lines] + [(None, b"\n\n")])
    spec = make_spec(
        kafka.bootstrap, topic, clickhouse, "several", COLUMNS, group="g-several",
        settings={**FAST, "penstock_multi_record": "lines"})
    with Replica(spec, str(tmp_path / "log")) as replica:
        replica.wait(lambda r: r.counters.get("fetched_records") == 21 and r.unsettled == 0, 60, "settled")
        counters = replica.counters
        assert [counters[f"{kind}_records"] for kind in ("sent", "rejected", "skipped")] == [10, 10, 1]
        assert replica.terminate() == 0
    assert rows_in(clickhouse, "several") == 90
    errors = clickhouse.rows(
        "SELECT record_offset AS o, record_value AS v, error_msg AS m FROM several_clickpipes_error ORDER BY o")
    assert [int(row["o"]) for row in errors] == list(range(1, 20, 2))
    for row in errors:
        assert row["v"] == "\n".join(lines[int(row["o"])])
        assert row["m"].startswith("row 3 of the message's 5 (1 refused, the others are stored): ")


def test_a_refused_row_stops_the_pipe_that_wants_it(kafka, clickhouse, tmp_path):
    topic = kafka.create_topic("stops", 1)
    make_tables(clickhouse, "stops")
    clickhouse.query("ALTER TABLE stops ADD CONSTRAINT c CHECK id != 3")
    kafka.produce(topic, documents(10))
    spec = make_spec(
        kafka.bootstrap, topic, clickhouse, "stops", COLUMNS, group="g-stops",
        settings={**FAST, "penstock_error_mode": "stop"})
    with Replica(spec, str(tmp_path / "log")) as replica:
        net.wait_until(lambda: replica.popen.poll() is not None, 60, "the end")
        failed = [event for event in replica.events if event[0] == "failed"]
        assert [event[1] for event in failed] == ["ERROR_LIMIT"]
        assert "offset 3" in failed[0][2]
    assert rows_in(clickhouse, "stops") == 9


def test_from_latest_keeps_its_place_without_any_record(kafka, clickhouse, tmp_path):
    topic = kafka.create_topic("latest", 1)
    make_tables(clickhouse, "latest")
    kafka.produce(topic, documents(50))
    spec = make_spec(
        kafka.bootstrap, topic, clickhouse, "latest", COLUMNS, group="g-latest", settings=FAST,
        source={"offset": {"strategy": "from_latest"}})
    with Replica(spec, str(tmp_path / "log")) as replica:
        replica.wait(lambda r: r.partitions.get((topic, 0), (None,))[0] == 50, 30, "start committed")
        replica.kill9()
    kafka.produce(topic, documents(5, 50))
    with Replica(spec, str(tmp_path / "log")) as replica:
        wait_rows(replica, clickhouse, "latest", 5)
        assert replica.terminate() == 0
    assert clickhouse.value("SELECT min(id), count() FROM latest") == "50\t5"


def test_a_stopped_pipe_continues_at_its_offset(kafka, clickhouse, tmp_path):
    topic = kafka.create_topic("again", 2)
    make_tables(clickhouse, "again")
    spec = make_spec(kafka.bootstrap, topic, clickhouse, "again", COLUMNS, group="g-again",
                     settings={"streaming_max_insert_wait_ms": 60000})
    kafka.produce(topic, documents(100))
    with Replica(spec, str(tmp_path / "log")) as replica:
        # The batch is far from due: SIGTERM must store it.
        replica.wait(lambda r: r.counters.get("fetched_records") == 100, 30, "fetched")
        assert rows_in(clickhouse, "again") == 0
        assert replica.terminate() == 0
        assert replica.counters["batches_drain"] == 1 and replica.unsettled == 0
    assert rows_in(clickhouse, "again") == 100
    kafka.produce(topic, documents(100, 100))
    with Replica(spec, str(tmp_path / "log")) as replica:
        replica.wait(lambda r: r.counters.get("fetched_records") == 100, 30, "fetched")
        assert replica.terminate() == 0
    assert clickhouse.value("SELECT count(), uniqExact(id) FROM again") == "200\t200"


def test_a_silent_supervisor_ends_the_replica(kafka, clickhouse, tmp_path):
    topic = kafka.create_topic("silent", 1)
    make_tables(clickhouse, "silent")
    spec = make_spec(kafka.bootstrap, topic, clickhouse, "silent", COLUMNS, group="g-silent", lease_ms=2000)
    kafka.produce(topic, documents(10))
    with Replica(spec, str(tmp_path / "log")) as replica:
        replica.wait(lambda r: r.counters.get("fetched_records") == 10, 30, "fetched")
        replica.is_permitted = False
        assert replica.wait_end(20) == 0
    assert rows_in(clickhouse, "silent") == 10


def test_a_missing_table_waits_and_goes_on_when_it_is_there(kafka, clickhouse, tmp_path):
    topic = kafka.create_topic("late", 1)
    kafka.produce(topic, documents(10))
    spec = make_spec(kafka.bootstrap, topic, clickhouse, "late", COLUMNS, group="g-late", settings=FAST)
    with Replica(spec, str(tmp_path / "log")) as replica:
        replica.wait(lambda r: r.state == "waiting" and r.reasons() == ["TABLE_NOT_FOUND"], 20, "waiting")
        make_tables(clickhouse, "late")
        wait_rows(replica, clickhouse, "late", 10)
        replica.wait(lambda r: r.reasons() == ["TABLE_NOT_FOUND", ""] and r.state == "running", 10, "well")
        assert replica.terminate() == 0


def test_an_altered_table_is_looked_at_again(kafka, clickhouse, tmp_path):
    topic = kafka.create_topic("altered", 1)
    make_tables(clickhouse, "altered")
    spec = make_spec(kafka.bootstrap, topic, clickhouse, "altered", COLUMNS, group="g-altered", settings=FAST)
    kafka.produce(topic, documents(10))
    with Replica(spec, str(tmp_path / "log")) as replica:
        wait_rows(replica, clickhouse, "altered", 10)
        clickhouse.query("ALTER TABLE altered DROP COLUMN name")
        kafka.produce(topic, documents(10, 10))
        replica.wait(lambda r: "TABLE_MISMATCH" in r.reasons(), 20, "mismatch told")
        clickhouse.query("ALTER TABLE altered ADD COLUMN name LowCardinality(String)")
        wait_rows(replica, clickhouse, "altered", 20)
        replica.wait(lambda r: r.unsettled == 0, 10, "settled")
        assert replica.counters["fetched_records"] == 20 == replica.counters["sent_records"]
        assert replica.terminate() == 0
    assert clickhouse.value("SELECT count(), uniqExact(id), max(name) FROM altered") == "20\t20\tn19"


def test_unreachable_brokers_are_told_and_end_in_failure(clickhouse, tmp_path):
    make_tables(clickhouse, "nobroker")
    spec = make_spec(f"127.0.0.1:{net.free_port()}", "t", clickhouse, "nobroker", COLUMNS,
                     settings={"penstock_source_timeout_s": 3})
    with Replica(spec, str(tmp_path / "log")) as replica:
        assert replica.wait_end(30) == 4
        assert replica.events[-1][:2] == ("failed", "SOURCE_UNREACHABLE")


def test_two_replicas_share_the_partitions(kafka, clickhouse, tmp_path):
    topic = kafka.create_topic("shared", 6)
    make_tables(clickhouse, "shared")

    def replica(index):
        return Replica(make_spec(
            kafka.bootstrap, topic, clickhouse, "shared", COLUMNS, group="g-shared", settings=FAST,
            index=index), str(tmp_path / f"log{index}"))

    with replica(0) as first:
        first.wait(lambda r: len(r.partitions) == 6, 30, "all partitions")
        kafka.produce(topic, documents(2000))
        with replica(1) as second:
            second.wait(lambda r: len(r.partitions) == 3, 60, "three partitions")
            kafka.produce(topic, documents(2000, 2000))
            net.wait_until(
                lambda: clickhouse.value("SELECT uniqExact(id) FROM shared") == "4000", 60, "all rows")
            assert second.counters["fetched_records"] > 0
            assert second.terminate() == 0
        first.wait(lambda r: r.unsettled == 0, 30, "settled")
        assert first.terminate() == 0
    # The mock refuses commits during a rebalance, so some records may be there twice; replica_test.py
    # asks a real broker for the exact number.
    assert rows_in(clickhouse, "shared") >= 4000
