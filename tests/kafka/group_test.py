"""Members come, go, fall silent and wake up: every record is stored, and nothing twice where nothing was killed."""
import contextlib
import json
import os
import signal

import pytest

from tests.harness import kafka_admin, net
from tests.harness.kafka import ApacheKafka
from tests.harness.relay import Relay
from tests.kafka.conftest import KAFKA, LIBRARY
from tests.process.replica_mock_test import documents, rows_in, wait_rows
from tests.process.replica_test import Producing, probe, reconcile, stored

PARTITIONS = 6
COOPERATIVE = {"penstock_assignor": "cooperative-sticky"}
CONSUMER = {"penstock_group_protocol": "consumer"}
KINDS = {
    "range": {},
    "roundrobin": {"penstock_assignor": "roundrobin"},
    "cooperative-sticky": COOPERATIVE,
    "consumer": CONSUMER,
}
OLD_KAFKA = "3.9.2"
NEEDS_NEWEST = ("cooperative-sticky", "consumer")


def kinds():
    return [pytest.param(kind, marks=[pytest.mark.newest, pytest.mark.short] if kind in NEEDS_NEWEST else [])
            for kind in KINDS]


def shares(kafka, group):
    """Partitions of each member, the largest share first."""
    return sorted((len(member["partitions"]) for member in kafka_admin.group(kafka.bootstrap, group)["members"]),
                  reverse=True)


def reads(member, count):
    """The member has `count` partitions and has been told where they end."""
    member.wait(lambda r: len(r.partitions) >= count, 60, f"{count} partitions")


@pytest.mark.parametrize("kind", kinds())
def test_three_members_come_and_go(kafka, clickhouse, replica, name, kind):
    kafka.create_topic(name, PARTITIONS)
    group = f"g-{name}"

    def member(index):
        return replica(index=index, settings=KINDS[kind])

    with member(0) as first, Producing(kafka, name, 300) as producing:
        wait_rows(first, clickhouse, name, 300)
        with member(1) as second, member(2) as third:
            net.wait_until(lambda: shares(kafka, group) == [2, 2, 2], 60, "two partitions each", 0.3)
            told = kafka_admin.group(kafka.bootstrap, group)
            assert told["type"] == ("CONSUMER" if kind == "consumer" else "CLASSIC"), told
            for one in (second, third):
                reads(one, 2)
                one.wait(lambda r: r.counters["fetched_records"] > 300, 60, "it reads")
            assert third.terminate() == 0
            net.wait_until(lambda: shares(kafka, group) == [3, 3], 60, "three partitions each", 0.3)
            assert second.terminate() == 0
        before = first.counters["fetched_records"]
        first.wait(lambda r: r.counters["fetched_records"] > before + 1000, 60, "the first reads all")
        producing.__exit__()
        wanted = len(producing.produced)
        net.wait_until(lambda: len(stored(clickhouse, name)) >= wanted, 60, "all records", 0.3)
        first.wait(lambda r: r.unsettled == 0, 30, "all is settled")
        if kind in NEEDS_NEWEST:
            # Its own share changed four times at most; it was not stopped for the others' sake.
            assert first.counters["rebalances"] <= 5
        assert first.terminate() == 0
    # Every join and leave was drained, so nothing is doubled.
    assert reconcile(clickhouse, name, producing.produced) == 0
    assert kafka.committed(group, name) == kafka.end_offsets(name)


@pytest.mark.newest
@pytest.mark.short
def test_a_cooperative_member_whose_share_stays_is_left_alone(kafka, clickhouse, replica, name):
    """Two members with one partition each; a third gets none and takes none from them."""
    kafka.create_topic(name, 2)
    group = f"g-{name}"
    with replica(settings=COOPERATIVE) as first, replica(index=1, settings=COOPERATIVE) as second:
        net.wait_until(lambda: shares(kafka, group) == [1, 1], 60, "one partition each", 0.3)
        kafka.produce(name, documents(200))
        wait_rows(first, clickhouse, name, 200)
        before = [one.counters["rebalances"] for one in (first, second)]
        with replica(index=2, settings=COOPERATIVE) as third:
            net.wait_until(lambda: shares(kafka, group) == [1, 1, 0], 60, "a member without a partition", 0.3)
            kafka.produce(name, documents(200, 200))
            wait_rows(first, clickhouse, name, 400)
            assert third.terminate() == 0
        for one in (first, second):
            one.wait(lambda r: r.unsettled == 0, 30, "all is settled")
        assert [one.counters["rebalances"] for one in (first, second)] == before
        assert first.terminate() == 0 and second.terminate() == 0
    assert set(stored(clickhouse, name).values()) == {1}


def test_settings_that_this_library_cannot_do_are_refused(kafka, clickhouse, replica, name):
    """At create (the probe) and at start, with what is needed and what there is."""
    if LIBRARY != "system":
        pytest.skip("the newest library can do all")
    kafka.create_topic(name, 1)
    for settings, least in ((CONSUMER, "2.12.0"), (COOPERATIVE, "2.10.0")):
        one = replica(settings=settings)
        (setting, value), = settings.items()
        words = f"{setting}={value} needs librdkafka {least} or newer"
        answer, _ = probe(one.spec["definition"], {})
        assert not answer["ok"] and words in answer["message"], answer
        with one:
            assert one.wait_end(20) == 4
        failed = [text for event, _, text, _ in one.events if event == "failed"]
        assert len(failed) == 1 and words in failed[0] and "this worker runs on 2.0.2" in failed[0], one.events


@pytest.mark.short
@pytest.mark.skipif(LIBRARY == "system", reason="the system's library does not speak it either")
def test_a_broker_without_the_new_group_protocol(kafka, replica, name):
    """Kafka 3.9: the library asks again for ever without a word; the pipe says what it waits for, and keeps saying it."""
    with contextlib.ExitStack() as stack:
        old = kafka if KAFKA == OLD_KAFKA else stack.enter_context(ApacheKafka(version=OLD_KAFKA))
        old.create_topic(name, 1)
        with replica(bootstrap=old.bootstrap, settings=CONSUMER) as one:
            one.wait(lambda r: "SOURCE_UNREACHABLE" in r.reasons(), 20, "the reason")
            text = [text for event, _, text, _ in one.events if event == "reason"][-1]
            assert "penstock_group_protocol=consumer needs Kafka 4.0 or newer" in text, one.events
            heard = one.heartbeats
            one.wait(lambda r: r.heartbeats > heard, 30, "time goes by")
            assert one.reasons() == ["SOURCE_UNREACHABLE"], one.events
            assert one.terminate() == 0


@pytest.mark.short
def test_a_static_member_comes_back_to_its_partitions(kafka, clickhouse, replica, name):
    """Its restart is no rebalance for the others, and nobody reads its partitions meanwhile."""
    kafka.create_topic(name, 4)
    group, settings = f"g-{name}", {"penstock_static_membership": True}
    with replica(settings=settings) as first:
        with replica(index=1, settings=settings) as second:
            net.wait_until(lambda: shares(kafka, group) == [2, 2], 60, "two partitions each", 0.3)
            members = {one["instance"]: one["partitions"] for one in kafka_admin.group(kafka.bootstrap, group)["members"]}
            assert all(instance.startswith("penstock-") and instance[-2:] in ("-0", "-1") for instance in members)
            kafka.produce(name, documents(400))
            wait_rows(first, clickhouse, name, 400)
            for one in (first, second):
                one.wait(lambda r: r.unsettled == 0, 30, "all is settled")
            before = first.counters["rebalances"]
            assert second.terminate() == 0
        with replica(index=1, settings=settings) as second:
            reads(second, 2)
            kafka.produce(name, documents(400, 400))
            wait_rows(first, clickhouse, name, 800)
            after = {one["instance"]: one["partitions"] for one in kafka_admin.group(kafka.bootstrap, group)["members"]}
            assert after == members
            assert first.counters["rebalances"] == before
            assert second.terminate() == 0
        assert first.terminate() == 0
    assert set(stored(clickhouse, name).values()) == {1}


@pytest.mark.short
def test_a_static_member_is_fenced_by_its_successor(kafka, clickhouse, replica, name):
    """The same replica started again elsewhere: the older one ends by itself and commits nothing more."""
    kafka.create_topic(name, 2)
    settings = {"penstock_static_membership": True}
    with replica(settings=settings) as older:
        kafka.produce(name, documents(100))
        wait_rows(older, clickhouse, name, 100)
        with replica(settings=settings) as newer:
            assert older.wait_end(30) == 1, "not Failed: whoever leases it now reads on"
            assert "failed" not in older.event_names(), older.events
            kafka.produce(name, documents(100, 100))
            wait_rows(newer, clickhouse, name, 200)
            assert newer.terminate() == 0
    assert len(stored(clickhouse, name)) == 200
    assert kafka.committed(f"g-{name}", name) == kafka.end_offsets(name)


def test_a_frozen_member_wakes_up_after_its_session(kafka, clickhouse, replica, name):
    """Mode 17: meanwhile the other has its partitions; what it still holds is refused by the coordinator and read by
    the other, so nothing is lost, and it goes on as a member like any other."""
    kafka.create_topic(name, PARTITIONS)
    group = f"g-{name}"
    with replica() as zombie, replica(index=1) as other, Producing(kafka, name, 200) as producing:
        net.wait_until(lambda: shares(kafka, group) == [3, 3], 60, "three partitions each", 0.3)
        zombie.wait(lambda r: r.unsettled > 0, 30, "something under way")
        os.kill(zombie.pid, signal.SIGSTOP)
        net.wait_until(lambda: shares(kafka, group) == [PARTITIONS], 60, "the other has all", 0.3)
        before = other.counters["fetched_records"]
        other.wait(lambda r: r.counters["fetched_records"] > before + 1000, 60, "the other reads all")
        os.kill(zombie.pid, signal.SIGCONT)
        zombie.wait(lambda r: [event for event in r.event_names() if event == "assigned"][1:], 60, "it is back")
        net.wait_until(lambda: shares(kafka, group) == [3, 3], 60, "three partitions each again", 0.3)
        producing.__exit__()
        wanted = len(producing.produced)
        net.wait_until(lambda: len(stored(clickhouse, name)) >= wanted, 60, "all records", 0.3)
        net.wait_until(
            lambda: kafka.committed(group, name) == kafka.end_offsets(name), 60, "all is committed", 0.5)
        for one in (zombie, other):
            assert one.terminate() == 0
    doubled = reconcile(clickhouse, name, producing.produced)
    print(f"frozen past its session: {wanted} records, {doubled} doubled")
    lost = [json.loads(details) for event, _, text, details in zombie.events
            if event == "rebalanced" and "after a silence" in text]
    assert len(lost) == 1 and lost[0]["partitions"] == 3, zombie.events
    assert kafka.committed(group, name) == kafka.end_offsets(name)


def test_a_rebalance_during_an_insert(kafka, clickhouse, replica, name):
    """Mode 1: the insert is under way when the partitions are asked for: it is finished and committed first."""
    kafka.create_topic(name, 4)
    group = f"g-{name}"
    with Relay(clickhouse.port) as relay:
        held, go = [], []

        def hold(phase, text):
            if phase == "before" and f"INSERT INTO `default`.`{name}`" in text and not go:
                held.append(text)
                net.wait_until(lambda: go, 60, "the insert may go on")

        one = replica()
        one.spec["clickhouse"]["url"] = relay.url
        with one:
            one.wait(lambda r: r.partitions or r.state == "running", 30, "running")
            kafka.produce(name, documents(400))
            wait_rows(one, clickhouse, name, 400)
            relay.hook = hold
            kafka.produce(name, documents(400, 400))
            net.wait_until(lambda: held, 30, "an insert under way")
            with replica(index=1) as two:
                one.wait(lambda r: "rebalanced" in r.event_names(), 30, "the group wants its partitions")
                heartbeats = one.heartbeats
                one.wait(lambda r: r.heartbeats > heartbeats + 3, 30, "it waits for its insert")
                assert "assigned" not in two.event_names(), "the other must wait for the insert"
                go.append(True)
                two.wait(lambda r: "assigned" in r.event_names(), 30, "the partitions are given up")
                kafka.produce(name, documents(400, 800))
                wait_rows(two, clickhouse, name, 1200)
                for each in (one, two):
                    each.wait(lambda r: r.unsettled == 0, 30, "all is settled")
                assert two.terminate() == 0
            assert one.terminate() == 0
    assert rows_in(clickhouse, name) == 1200 and set(stored(clickhouse, name).values()) == {1}
    assert kafka.committed(group, name) == kafka.end_offsets(name)
