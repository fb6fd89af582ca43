"""Exactly-once: a replica is killed, frozen and stopped at named steps between the intent, the insert and
the confirmation, with a real Apache Kafka and a real ClickHouse; the table must hold every record once."""
import contextlib
import copy
import json
import signal

import pytest

from tests.harness import net
from tests.harness.clickhouse import DevClickHouse
from tests.harness.kafka import ApacheKafka
from tests.harness.observe import steps
from tests.harness.observe.insert_relay import InsertRelay
from tests.harness.observe.kafka_relay import KafkaRelay
from tests.harness.observe.steps import Observer, Trap
from tests.harness.registry import SchemaRegistry, frame
from tests.harness.replica import Replica, make_spec
from tests.process.replica_mock_test import COLUMNS, ERROR_COLUMNS, documents
from tests.process.replica_test import Producing, settled, stored

WINDOW = "SETTINGS non_replicated_deduplication_window = 1000"
# Several batches for some thousand records.
SETTINGS = {"streaming_max_insert_wait_ms": 500, "penstock_batch_rows": 500}


@pytest.fixture(scope="module", name="kafka")
def fixture_kafka():
    with ApacheKafka() as kafka:
        yield kafka


@pytest.fixture(scope="module", name="clickhouse")
def fixture_clickhouse():
    with DevClickHouse() as clickhouse:
        yield clickhouse


@pytest.fixture(scope="module", name="observer")
def fixture_observer():
    with Observer() as observer:
        yield observer


@pytest.fixture(scope="module", name="relays")
def fixture_relays(observer, kafka, clickhouse):
    with KafkaRelay(observer, kafka) as commits, InsertRelay(observer, clickhouse.port) as inserts:
        yield commits, inserts


def make_tables(clickhouse, table, columns=None, options=""):
    parts = ", ".join(f"`{name}` {kind}" for name, kind in columns or COLUMNS)
    clickhouse.query(f"CREATE TABLE {table} ({parts}) ENGINE = MergeTree ORDER BY tuple() {options} {WINDOW}")
    clickhouse.query(
        f"CREATE TABLE {table}_clickpipes_error ({ERROR_COLUMNS}) ENGINE = MergeTree ORDER BY tuple() {WINDOW}")


def exact_spec(relays, clickhouse, table, topic=None, columns=None, **options):
    commits, inserts = relays
    options = {"group": f"g-{table}", "settings": SETTINGS, **options}
    source = {"exactlyOnce": True, **options.pop("source", {})}
    spec = make_spec(commits.bootstrap, topic or table, clickhouse, table, columns or COLUMNS, source=source, **options)
    spec["clickhouse"]["url"] = inserts.url
    return spec


def once_each(clickhouse, table, produced):
    """Every produced record is there, none twice, and nothing else."""
    counts = stored(clickhouse, table)
    missing = [record for record in produced if record not in counts]
    assert not missing, f"{len(missing)} of {len(produced)} lost, first {missing[:3]}"
    doubled = {record: times for record, times in counts.items() if times > 1}
    assert not doubled, f"{len(doubled)} of {len(produced)} doubled, first {list(doubled.items())[:3]}"
    assert len(counts) == len(set(produced)), "records that were never produced"


def wait_stored(clickhouse, table, produced, timeout_s=60):
    net.wait_until(lambda: len(stored(clickhouse, table)) >= len(produced), timeout_s, "all records", 0.3)


def is_intent(step):
    return any(step.known["ranges"].values())


def is_confirmation(step):
    """Nothing is promised, something was stored."""
    return not is_intent(step) and any(offset > 0 for offset in step.known["at_offsets"].values())


# Where a replica dies: the step, and which of its kind.
DEATHS = {
    "before the range is stored": (steps.COMMIT_ASKED, is_intent),
    "range stored, answer not read": (steps.COMMIT_DONE, is_intent),
    "before the insert arrives": (steps.INSERT_ASKED, None),
    "in the middle of the body": (steps.INSERT_HALF, None),
    "stored, answer not read": (steps.INSERT_DONE, None),
    "answer under way": (steps.INSERT_TOLD, None),
    "before the confirmation": (steps.COMMIT_ASKED, is_confirmation),
    "confirmed, answer not read": (steps.COMMIT_DONE, is_confirmation),
}


def test_killed_at_each_step(kafka, clickhouse, observer, relays, tmp_path):
    kafka.create_topic("killed", 3)
    make_tables(clickhouse, "killed")
    spec = exact_spec(relays, clickhouse, "killed")
    produced = []
    for at, (name, condition) in DEATHS.items():
        produced += kafka.produce("killed", documents(3000, len(produced)))
        with Replica(spec, str(tmp_path / "log")) as replica:
            trap = observer.arm(Trap(
                lambda step, name=name, condition=condition: step.name == name and (
                    condition is None or condition(step)),
                lambda step, replica=replica: replica.popen.kill(), verdict=steps.DROP))
            assert trap.fired.wait(60), f"never came to: {at}"
            assert trap.problem is None
            replica.popen.wait(10)
    with Replica(spec, str(tmp_path / "log")) as replica:
        wait_stored(clickhouse, "killed", produced)
        assert replica.terminate() == 0
    once_each(clickhouse, "killed", produced)
    assert kafka.committed("g-killed", "killed") == kafka.end_offsets("killed")


def test_killed_at_random_while_records_come(kafka, clickhouse, relays, tmp_path):
    kafka.create_topic("streamed", 6)
    make_tables(clickhouse, "streamed")
    spec = exact_spec(relays, clickhouse, "streamed")
    with Producing(kafka, "streamed") as producing:
        for life in range(3):
            with Replica(spec, str(tmp_path / "log")) as replica:
                replica.wait(lambda r, life=life: len(stored(clickhouse, "streamed")) > 5000 * (life + 1), 60, "rows")
                replica.kill9()
    with Replica(spec, str(tmp_path / "log")) as replica:
        wait_stored(clickhouse, "streamed", producing.produced)
        assert replica.terminate() == 0
    once_each(clickhouse, "streamed", producing.produced)


def test_a_rebalance_waits_for_the_insert_under_way(kafka, clickhouse, observer, relays, tmp_path):
    kafka.create_topic("joined", 4)
    make_tables(clickhouse, "joined")
    produced = kafka.produce("joined", documents(8000))
    specs = [exact_spec(relays, clickhouse, "joined", index=index) for index in range(2)]
    with Replica(specs[0], str(tmp_path / "log0")) as first:
        trap = observer.arm(Trap(
            lambda step: step.name == steps.INSERT_HALF and step.known["table"] == "joined", lambda step: None,
            verdict=None))
        assert trap.fired.wait(60)
        with Replica(specs[1], str(tmp_path / "log1")) as second:
            first.wait(lambda r: "rebalanced" in r.event_names(), 30, "asked to give its partitions up")
            assert "assigned" not in second.event_names()
            trap.release()
            second.wait(lambda r: len(r.partitions) == 2, 30, "its share")
            produced += kafka.produce("joined", documents(4000, 8000))
            wait_stored(clickhouse, "joined", produced)
            assert second.terminate() == 0
        assert first.terminate() == 0
    once_each(clickhouse, "joined", produced)


def test_a_frozen_replica_that_wakes_up_is_fenced(kafka, clickhouse, observer, relays, tmp_path):
    """It is stopped with an insert on its way and more ranges told; another one takes over meanwhile."""
    kafka.create_topic("frozen", 2)
    make_tables(clickhouse, "frozen")
    produced = kafka.produce("frozen", documents(6000))
    specs = [exact_spec(relays, clickhouse, "frozen", index=index) for index in range(2)]
    with Replica(specs[0], str(tmp_path / "log0")) as first, Replica(specs[1], str(tmp_path / "log1")) as second:
        trap = observer.arm(Trap(
            lambda step: step.name == steps.INSERT_ASKED and step.pid == first.pid,
            lambda step: first.popen.send_signal(signal.SIGSTOP)))
        assert trap.fired.wait(60)
        second.wait(lambda r: len(r.partitions) == 2, 60, "both partitions")
        wait_stored(clickhouse, "frozen", produced)
        first.popen.send_signal(signal.SIGCONT)
        produced += kafka.produce("frozen", documents(4000, 6000))
        wait_stored(clickhouse, "frozen", produced)
        first.wait(lambda r: r.unsettled == 0, 30, "nothing left of what it lost")
        assert first.terminate() == 0
        assert second.terminate() == 0
    once_each(clickhouse, "frozen", produced)


def test_a_clean_stop_reads_nothing_again(kafka, clickhouse, relays, tmp_path):
    kafka.create_topic("clean", 3)
    make_tables(clickhouse, "clean")
    spec = exact_spec(relays, clickhouse, "clean", settings={"streaming_max_insert_wait_ms": 60000})
    produced = kafka.produce("clean", documents(300))
    with Replica(spec, str(tmp_path / "log")) as replica:
        replica.wait(lambda r: r.counters.get("fetched_records") == 300, 30, "fetched")
        assert replica.terminate() == 0
        assert replica.unsettled == 0 and replica.counters["batches_drain"] == 3
    produced += kafka.produce("clean", documents(100, 300))
    with Replica(spec, str(tmp_path / "log")) as replica:
        replica.wait(lambda r: r.counters.get("fetched_records") == 100, 30, "only the new ones")
        assert replica.terminate() == 0
        assert replica.counters["sent_records"] == 100
    once_each(clickhouse, "clean", produced)


def test_every_end_is_bounded_without_a_broker_and_a_supervisor(kafka, clickhouse, tmp_path):
    """Records are taken and unsettled, a commit is under way, the broker answers no more, and nobody is there to kill."""
    tables = [f"ended_{index}" for index in range(3)]
    produced, replicas = {}, {}
    for index, table in enumerate(tables):
        kafka.create_topic(table, 3)
        make_tables(clickhouse, table)
        produced[table] = kafka.produce(table, documents(600))
        replicas[table] = Replica(make_spec(
            kafka.bootstrap, table, clickhouse, table, COLUMNS, group=f"g-{table}", source={"exactlyOnce": index > 0},
            settings={"streaming_max_insert_wait_ms": 60000, "penstock_batch_rows": 1000000}), str(tmp_path / table))
    with contextlib.ExitStack() as stack:
        for replica in replicas.values():
            stack.enter_context(replica)
        for replica in replicas.values():
            replica.wait(lambda r: r.counters.get("fetched_records") == 600, 60, "fetched")
        try:
            kafka.freeze()
            for replica in replicas.values():
                replica.is_permitted = False
                replica.popen.send_signal(signal.SIGTERM)
            ends = [replica.wait_end(25) for replica in replicas.values()]
        finally:
            kafka.thaw()
    assert ends == [0, 0, 0]
    for table, replica in replicas.items():
        with Replica(replica.spec, str(tmp_path / table)) as again:
            # A commit that a frozen broker finds when it goes on counts, too.
            again.wait(lambda r: r.counters.get("fetched_records") == 600 or sum(
                committed for committed, _, _ in r.partitions.values()) == 600, 60, "all is read again")
            assert again.terminate() == 0
        assert set(stored(clickhouse, table)) == set(produced[table])
    for table in tables[1:]:
        once_each(clickhouse, table, produced[table])


def rewind(kafka, group, topic):
    """As kafka-consumer-groups --reset-offsets does it: offsets without metadata."""
    import confluent_kafka

    at = [confluent_kafka.TopicPartition(topic, partition, 0) for partition in kafka.partitions(topic)]
    with kafka.consumer(group) as consumer:
        consumer.commit(offsets=at, asynchronous=False)


def test_a_rewind_by_another_tool_brings_the_rows_again(kafka, clickhouse, relays, tmp_path):
    kafka.create_topic("rewound", 2)
    make_tables(clickhouse, "rewound")
    spec = exact_spec(relays, clickhouse, "rewound")
    produced = kafka.produce("rewound", documents(1000))
    with Replica(spec, str(tmp_path / "log")) as replica:
        settled(replica, 1000)
        assert replica.terminate() == 0
        assert "offsets_reset" not in replica.event_names()
    once_each(clickhouse, "rewound", produced)
    rewind(kafka, "g-rewound", "rewound")
    with Replica(spec, str(tmp_path / "log")) as replica:
        settled(replica, 1000)
        assert replica.terminate() == 0
        told = [event for event in replica.events if event[0] == "offsets_reset"]
        assert len(told) == 1 and json.loads(told[0][3])["partitions"] == 2
    assert set(stored(clickhouse, "rewound").values()) == {2}


def killed_at(observer, spec, log, name, condition=None):
    """Start, and kill at the first such step."""
    with Replica(spec, log) as replica:
        trap = observer.arm(Trap(
            lambda step: step.name == name and (condition is None or condition(step)),
            lambda step: replica.popen.kill(), verdict=steps.DROP))
        assert trap.fired.wait(60)
        replica.popen.wait(10)


def test_a_new_epoch_forgets_the_ranges(kafka, clickhouse, observer, relays, tmp_path):
    """The rows of an insert that the server has are stored again: that is what a raised epoch means."""
    kafka.create_topic("epoch", 1)
    make_tables(clickhouse, "epoch")
    spec = exact_spec(relays, clickhouse, "epoch")
    kafka.produce("epoch", documents(100))
    killed_at(observer, spec, str(tmp_path / "log"), steps.INSERT_DONE)
    assert set(stored(clickhouse, "epoch").values()) == {1}
    with Replica({**spec, "epoch": 2}, str(tmp_path / "log")) as replica:
        settled(replica, 100)
        assert replica.terminate() == 0
    assert set(stored(clickhouse, "epoch").values()) == {2}


def test_a_stored_range_keeps_the_mapping_it_was_made_with(kafka, clickhouse, observer, relays, tmp_path):
    kafka.create_topic("mapped", 2)
    columns = COLUMNS + [("extra", "String")]
    make_tables(clickhouse, "mapped", columns)
    old = exact_spec(relays, clickhouse, "mapped")
    new = copy.deepcopy(old)
    new["definition"]["destination"]["columns"].append({"name": "extra", "type": "String"})
    new["definition"]["fieldMappings"] = [{"sourceField": "name", "destinationField": "extra"}]
    new["mappingVersion"] = 2
    new["olderMappings"] = [{"version": 1, "mapping": {
        "source": {"kafka": {"format": "JSONEachRow"}},
        "destination": {"columns": old["definition"]["destination"]["columns"]},
        "fieldMappings": [], "settings": {}}}]
    produced = kafka.produce("mapped", documents(1000))
    killed_at(observer, old, str(tmp_path / "log"), steps.INSERT_ASKED)
    ranges = [entry["ranges"] for entry in observer.journal.entries()
              if entry["what"] == steps.COMMIT_DONE and any(at.startswith("mapped/") for at in entry["ranges"])][-1]
    promised = {(int(at.split("/")[1]), offset) for at, pairs in ranges.items()
                for first, last in pairs for offset in range(first, last + 1)}
    assert promised
    produced += kafka.produce("mapped", documents(1000, 1000))
    with Replica(new, str(tmp_path / "log")) as replica:
        wait_stored(clickhouse, "mapped", produced)
        assert replica.terminate() == 0
    once_each(clickhouse, "mapped", produced)
    plain = {(row["p"], row["o"]) for row in clickhouse.rows(
        "SELECT _partition AS p, _offset AS o FROM mapped WHERE extra = '' LIMIT 100000")}
    assert plain == promised


def test_a_range_of_too_many_table_partitions_is_divided(kafka, clickhouse, relays, tmp_path):
    kafka.create_topic("divided", 2)
    make_tables(clickhouse, "divided", options="PARTITION BY id % 150")
    produced = kafka.produce("divided", documents(600))
    log = tmp_path / "log"
    with Replica(exact_spec(relays, clickhouse, "divided"), str(log)) as replica:
        wait_stored(clickhouse, "divided", produced)
        replica.wait(lambda r: r.unsettled == 0, 20, "settled")
        assert replica.terminate() == 0
    assert "range_divided" in log.read_text(encoding="utf-8")
    once_each(clickhouse, "divided", produced)


def test_a_dropped_table_forgets_the_ranges_of_the_old_one(kafka, clickhouse, observer, relays, tmp_path):
    kafka.create_topic("dropped", 1)
    make_tables(clickhouse, "dropped")
    spec = exact_spec(relays, clickhouse, "dropped")
    produced = kafka.produce("dropped", documents(100))
    killed_at(observer, spec, str(tmp_path / "log"), steps.INSERT_DONE)
    for table in ("dropped", "dropped_clickpipes_error"):
        clickhouse.query(f"DROP TABLE {table} SYNC")
    make_tables(clickhouse, "dropped")
    with Replica(spec, str(tmp_path / "log")) as replica:
        wait_stored(clickhouse, "dropped", produced)
        assert replica.terminate() == 0
    once_each(clickhouse, "dropped", produced)


class Peak:
    """The largest memory that a replica ever told."""

    def __init__(self):
        self.bytes = 0

    def see(self, replica):
        self.bytes = max(self.bytes, replica.resident_bytes)


def padded(count, padding):
    return [(str(i).encode(), json.dumps({"id": i, "name": f"{i}{'x' * padding}"}).encode()) for i in range(count)]


def test_many_partitions_stay_in_their_memory(kafka, clickhouse, relays, tmp_path):
    """64 lanes with more backlog than fits: the largest go first."""
    kafka.create_topic("wide", 64)
    make_tables(clickhouse, "wide")
    produced = kafka.produce("wide", padded(50000, 4000))
    spec = exact_spec(relays, clickhouse, "wide", memory_gb=0.25, settings={
        "streaming_max_insert_wait_ms": 60000, "penstock_batch_rows": 1000000})
    peak = Peak()
    with Replica(spec, str(tmp_path / "log")) as replica:
        def is_fetched(at):
            peak.see(at)
            return at.counters.get("fetched_records", 0) == len(produced)

        replica.wait(is_fetched, 120, "fetched")
        assert replica.counters["batches_bytes"] > 0 and replica.counters["batches_age"] == 0
        assert replica.terminate() == 0
        assert replica.unsettled == 0
    assert peak.bytes < 256 << 20, f"{peak.bytes >> 20} MB"
    once_each(clickhouse, "wide", produced)


def test_stored_ranges_of_a_larger_replica_fit_into_a_smaller_one(kafka, clickhouse, observer, relays, tmp_path):
    kafka.create_topic("heavy", 8)
    make_tables(clickhouse, "heavy")
    produced = kafka.produce("heavy", padded(60000, 4000))
    spec = exact_spec(relays, clickhouse, "heavy", memory_gb=1.0, settings={
        "streaming_max_insert_wait_ms": 15000, "penstock_batch_rows": 1000000})

    def promised():
        return {at for entry in observer.journal.entries() if entry["what"] == steps.COMMIT_DONE
                for at, ranges in entry["ranges"].items() if ranges and at.startswith("heavy/")}

    with Replica(spec, str(tmp_path / "log")) as replica:
        trap = observer.arm(Trap(
            lambda step: step.name == steps.INSERT_HALF and step.known["table"] == "heavy", lambda step: None,
            verdict=None))
        assert trap.fired.wait(120)
        replica.wait(lambda _: len(promised()) == 8, 60, "a range of each partition")
        replica.kill9()
        trap.release(steps.DROP)
    spec["scaling"]["replicaMemoryGb"] = 0.25
    peak = Peak()
    with Replica(spec, str(tmp_path / "log")) as replica:
        def is_settled(at):
            peak.see(at)
            return at.unsettled == 0 and at.counters.get("fetched_records", 0) >= len(produced)

        replica.wait(is_settled, 120, "settled")
        assert replica.terminate() == 0
    assert peak.bytes < 256 << 20, f"{peak.bytes >> 20} MB"
    assert "ranges_put_off" in (tmp_path / "log").read_text(encoding="utf-8")
    once_each(clickhouse, "heavy", produced)


def test_a_record_that_waits_for_its_schema_stops_its_partition_alone(kafka, clickhouse, relays, tmp_path):
    kafka.create_topic("schemas", 2)
    make_tables(clickhouse, "schemas")
    with SchemaRegistry(backend="memory") as registry:
        ids = [registry.register(f"schemas-{name}", {"type": "record", "name": name, "fields": [
            {"name": "id", "type": "long"}, {"name": "name", "type": "string"}]}) for name in ("A", "B")]
        registry.fail(503, path=f"/schemas/ids/{ids[1]}")

        def records(schema, partition, count):
            body = b"\x02\x02x"  # id 1, name "x"
            return [(None, frame(ids[schema], body), None, None, partition) for _ in range(count)]

        ahead = kafka.produce("schemas", records(0, 0, 500) + records(0, 1, 20))
        behind = kafka.produce("schemas", records(1, 1, 1) + records(0, 1, 300) + records(1, 1, 1) + records(0, 1, 5))
        spec = exact_spec(relays, clickhouse, "schemas", source={
            "format": "AvroConfluent", "schemaRegistry": registry.setting()})
        with Replica(spec, str(tmp_path / "log")) as replica:
            wait_stored(clickhouse, "schemas", ahead)
            ahead += kafka.produce("schemas", records(0, 0, 200))
            wait_stored(clickhouse, "schemas", ahead)
            once_each(clickhouse, "schemas", ahead)  # and nothing behind the one that waits
            registry.heal()
            wait_stored(clickhouse, "schemas", ahead + behind)
            replica.wait(lambda r: r.unsettled == 0, 20, "settled")
            assert replica.terminate() == 0
    once_each(clickhouse, "schemas", ahead + behind)
    assert kafka.committed("g-schemas", "schemas") == kafka.end_offsets("schemas")
