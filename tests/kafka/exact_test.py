"""Exactly-once where the group, the topic or the network changes while ranges are pending: they are stored with the group,
and nobody knows yet whether the table has them."""
import json

import pytest

from tests.harness import net
from tests.harness.fault_proxy import FaultProxy
from tests.harness.observe import steps
from tests.harness.observe.insert_relay import InsertRelay
from tests.harness.observe.steps import Observer, Trap
from tests.harness.replica import Replica
from tests.kafka.conftest import COLUMNS
from tests.kafka.group_test import KINDS, shares
from tests.kafka.records_test import offsets_left
from tests.kafka.topic_test import details
from tests.process.replica_mock_test import documents, make_tables, wait_rows
from tests.process.replica_test import stored

BY_TOKEN, BY_CHECK = "exactly-once-by-token", "exactly-once-by-check"
BATCHES = {"penstock_batch_rows": 300}


@pytest.fixture(scope="module", name="observer")
def fixture_observer():
    with Observer() as observer:
        yield observer


@pytest.fixture(scope="module", name="inserts")
def fixture_inserts(observer, clickhouse):
    with InsertRelay(observer, clickhouse.port) as inserts:
        yield inserts


@pytest.fixture(name="exact")
def fixture_exact(replica, inserts):
    """exact(**options): a replica that has promised exactly-once; its inserts can be held back."""

    def make(**options):
        options["settings"] = {**BATCHES, **options.get("settings", {})}
        options["source"] = {"exactlyOnce": True, **options.get("source", {})}
        one = replica(**options)
        one.spec["clickhouse"]["url"] = inserts.url
        return one

    return make


def give_window(clickhouse, name):
    for table in (name, f"{name}_clickpipes_error"):
        clickhouse.query(f"ALTER TABLE {table} MODIFY SETTING non_replicated_deduplication_window = 1000")


def promised(one):
    return [json.loads(text)["mode"] for event, _, _, text in one.events if event == "guarantee"][-1]


def once_each(clickhouse, name, wanted):
    """Exactly these (partition, offset), each once."""
    rows = stored(clickhouse, name)
    assert {place: times for place, times in rows.items() if times > 1} == {}
    assert set(rows) == set(wanted), (len(rows), len(set(wanted)))


def struck_at(observer, one, step, name, verdict=steps.DROP):
    """Kill the replica at the first such step of this table; its bytes go with it."""
    with one:
        trap = observer.arm(Trap(
            lambda at: at.name == step and at.known["table"] == name, lambda at: one.popen.kill(), verdict=verdict))
        assert trap.fired.wait(60) and trap.problem is None
        one.popen.wait(10)


@pytest.mark.parametrize("kind", [
    "range", pytest.param("cooperative-sticky", marks=[pytest.mark.newest, pytest.mark.short]),
    pytest.param("consumer", marks=pytest.mark.newest)])  # the broker waits 45 s for a dead member
def test_a_rebalance_with_ranges_pending(kafka, clickhouse, exact, observer, name, kind):
    """A member dies with an insert that the server has and ranges that it has not; two others share its partitions;
    one of them has an insert under way when a third comes."""
    kafka.create_topic(name, 6)
    give_window(clickhouse, name)
    settings = KINDS[kind]
    group = f"g-{name}"
    produced = kafka.produce(name, documents(4000))
    struck_at(observer, exact(settings=settings), steps.INSERT_DONE, name)
    with exact(index=1, settings=settings) as one, exact(index=2, settings=settings) as two:
        net.wait_until(lambda: shares(kafka, group) == [3, 3], 60, "three partitions each", 0.3)
        produced += kafka.produce(name, documents(4000, 4000))
        net.wait_until(lambda: len(stored(clickhouse, name)) == 8000, 60, "all records", 0.3)
        assert promised(one) == promised(two) == BY_TOKEN
        held = observer.arm(Trap(
            lambda at: at.name == steps.INSERT_ASKED and at.known["table"] == name, lambda at: None, verdict=None))
        produced += kafka.produce(name, documents(4000, 8000))
        assert held.fired.wait(60)
        with exact(index=3, settings=settings) as three:
            (one if held.step.pid == one.pid else two).wait(
                lambda r: r.event_names().count("rebalanced") > 0, 60, "asked for partitions")
            held.release()
            net.wait_until(lambda: shares(kafka, group) == [2, 2, 2], 60, "two partitions each", 0.3)
            net.wait_until(lambda: len(stored(clickhouse, name)) == 12000, 60, "all records", 0.3)
            assert three.terminate() == 0
        for each in (one, two):
            each.wait(lambda r: r.unsettled == 0, 30, "all is settled")
            assert each.terminate() == 0
    once_each(clickhouse, name, produced)
    assert kafka.committed(group, name) == kafka.end_offsets(name)


def test_compaction_inside_a_pending_range(kafka, clickhouse, exact, observer, name):
    """Not stored: what is left of the range is stored once. Stored: nothing more of it comes. Told in both cases."""
    pipes, before = {}, {}
    for at in (steps.INSERT_ASKED, steps.INSERT_DONE):
        topic = name + at.replace(" ", "_")
        kafka.create_topic(topic, 1, {
            "cleanup.policy": "compact", "segment.ms": "100", "min.cleanable.dirty.ratio": "0.01",
            "min.compaction.lag.ms": "0", "max.compaction.lag.ms": "500", "delete.retention.ms": "100"})
        make_tables(clickhouse, topic, COLUMNS)
        give_window(clickhouse, topic)
        kafka.produce(topic, [(str(n % 90).encode(), b'{"id": 1, "name": "n"}') for n in range(200)])
        pipes[topic] = exact(topic=topic, group=f"g-{topic}")
        pipes[topic].spec["definition"]["destination"]["table"] = topic
        struck_at(observer, pipes[topic], at, topic)
        before[topic] = {place for place, times in stored(clickhouse, topic).items() if times == 1}
        assert len(before[topic]) == (200 if at == steps.INSERT_DONE else 0)

    def is_compacted(topic):
        kafka.produce(topic, [(b"tick", b'{"id": 2, "name": "tick"}')])  # segments end when something is written
        return len([offset for offset in offsets_left(kafka, topic) if offset < 200]) <= 90

    net.wait_until(lambda: all([is_compacted(topic) for topic in pipes]), 60, "compaction", 0.5)
    for topic, killed in pipes.items():
        end = kafka.end_offsets(topic)[0]
        with Replica(killed.spec, killed.log) as one:
            one.wait(lambda _, topic=topic, end=end: kafka.committed(f"g-{topic}", topic) == {0: end}, 60, "all is committed")
            one.wait(lambda r: r.unsettled == 0, 30, "all is settled")
            assert one.terminate() == 0
        left = {(0, offset) for offset in offsets_left(kafka, topic)}
        rows = stored(clickhouse, topic)
        assert before[topic] | left <= set(rows) and set(rows.values()) == {1}
        of_the_range = {place for place in rows if place[1] < 200}
        assert of_the_range == (before[topic] or {place for place in left if place[1] < 200})
        (told,) = details(one, "offset_gap")
        assert told.pop("count") >= 110
        assert told == {"topic": topic, "partition": 0, "from": 0, "to": 200}


def test_a_topic_made_again_with_ranges_pending(kafka, clickhouse, exact, observer, name):
    """Killed when the server has the range; then the topic is another one, longer than the old. No record of it is taken
    for one of the old topic, which had the same offsets."""
    count = 500
    kafka.create_topic(name, 1)
    give_window(clickhouse, name)
    kafka.produce(name, documents(200))
    struck_at(observer, exact(), steps.INSERT_DONE, name)
    assert set(stored(clickhouse, name).values()) == {1}
    kafka.delete_topic(name)
    kafka.create_topic(name, 1)
    kafka.produce(name, documents(count, 1000))
    with exact() as one:
        one.wait(lambda _: kafka.committed(f"g-{name}", name) == {0: count}, 60, "all is committed")
        assert one.terminate() == 0
    rows = clickhouse.rows(f"SELECT id >= 1000 AS new, count() AS n, uniqExact(id) AS u FROM {name} GROUP BY new ORDER BY new")
    assert [(row["n"], row["u"]) for row in rows] == [(200, 200), (count, count)]


def test_a_topic_made_again_under_a_pending_range(kafka, clickhouse, exact, observer, name):
    """The same while the insert is under way: what was taken of the old topic is stored, then the new one."""
    kafka.create_topic(name, 1)
    give_window(clickhouse, name)
    kafka.produce(name, documents(200))
    with exact() as one:
        held = observer.arm(Trap(
            lambda at: at.name == steps.INSERT_ASKED and at.known["table"] == name, lambda at: None, verdict=None))
        assert held.fired.wait(60)
        kafka.delete_topic(name)
        kafka.create_topic(name, 1)
        kafka.produce(name, documents(100, 1000))
        held.release()
        one.wait(lambda _: kafka.committed(f"g-{name}", name) == {0: 100}, 60, "all is committed")
        one.wait(lambda r: "topic_recreated" in r.event_names(), 30, "the other topic is told")
        assert one.terminate() == 0
    rows = clickhouse.rows(f"SELECT id >= 1000 AS new, count() AS n, uniqExact(id) AS u FROM {name} GROUP BY new ORDER BY new")
    assert [(row["n"], row["u"]) for row in rows] == [(200, 200), (100, 100)]


def test_part_of_a_range_is_there(kafka, clickhouse, exact, observer, name):
    """By check, without a window: of a range that the server has, some table partitions and single rows are gone again.
    Only what is missing is inserted."""
    clickhouse.query(f"DROP TABLE {name} SYNC")
    clickhouse.query(f"CREATE TABLE {name} (id UInt64, name String, _topic String, _partition Int32, _offset Int64)"
                     " ENGINE = MergeTree PARTITION BY id % 3 ORDER BY tuple()")
    kafka.create_topic(name, 1)
    produced = kafka.produce(name, documents(300))
    struck_at(observer, exact(), steps.INSERT_DONE, name)
    assert len(stored(clickhouse, name)) == 300
    clickhouse.query(f"ALTER TABLE {name} DELETE WHERE id % 3 = 1 OR id BETWEEN 30 AND 39", settings={"mutations_sync": 2})
    left = len(stored(clickhouse, name))
    with exact() as one:
        wait_rows(one, clickhouse, name, 300)
        one.wait(lambda _: kafka.committed(f"g-{name}", name) == {0: 300}, 60, "all is committed")
        assert promised(one) == BY_CHECK and one.counters["sent_records"] == 300
        assert one.terminate() == 0
    once_each(clickhouse, name, produced)
    written = [entry["bytes"] for entry in observer.journal.entries()
               if entry["what"] == steps.INSERT_TOLD and entry["table"] == name]
    assert len(written) == 1 and left < 300, "one insert, of what was missing"


def test_the_network_is_cut_each_way(kafka, clickhouse, exact, observer, name):
    """Kafka, swallowed for longer than the group's session with an insert under way, and cut; ClickHouse, cut before the
    insert, in its body and before its answer."""
    kafka.create_topic(name, 3)
    give_window(clickhouse, name)
    produced = kafka.produce(name, documents(600))
    brokers = [int(place.rsplit(":", 1)[1]) for place in (kafka.proxied_advertises, kafka.listeners["PROXIED"])]
    with FaultProxy(*brokers) as proxy, exact(bootstrap=kafka.proxied_advertises) as one:
        wait_rows(one, clickhouse, name, 600)

        def at_insert(step, verdict):
            nonlocal produced
            trap = observer.arm(Trap(
                lambda at: at.name == step and at.known["table"] == name, lambda at: None, verdict=verdict))
            produced += kafka.produce(name, documents(1200, len(produced)))
            assert trap.fired.wait(60)
            return trap

        for fault in (proxy.swallow, proxy.cut):
            trap = at_insert(steps.INSERT_ASKED, None)
            fault()
            one.wait(lambda r: r.reasons()[-1:] == ["SOURCE_UNREACHABLE"], 90, "the brokers are away")
            trap.release()
            proxy.heal()
            one.wait(lambda r: r.reasons()[-1:] == [""], 90, "all well")
        for step in (steps.INSERT_ASKED, steps.INSERT_HALF, steps.INSERT_DONE):
            at_insert(step, steps.DROP)
        net.wait_until(lambda: len(stored(clickhouse, name)) >= len(produced), 60, "all records", 0.3)
        one.wait(lambda r: r.unsettled == 0, 30, "all is settled")
        assert one.terminate() == 0
    once_each(clickhouse, name, produced)
