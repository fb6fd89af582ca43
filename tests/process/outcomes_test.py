"""What ClickHouse answers, and what becomes of the records: one replica against the mock cluster and a
real engine behind a scripted front. Every test reconciles by (partition, offset). The table of all
failure modes is docs/failure-modes.md."""
import itertools
import json
import threading

import pytest

from tests.harness import debian, net
from tests.harness.clickhouse import DevClickHouse
from tests.harness.kafka import MockKafka
from tests.harness.replica import Replica, make_spec
from tests.harness.scripted import Lose, Refuse, ScriptedClickHouse
from tests.process.replica_mock_test import COLUMNS, ERROR_COLUMNS, documents

WINDOW = " SETTINGS non_replicated_deduplication_window = 10000"
_numbers = itertools.count(1)


@pytest.fixture(scope="module", name="kafka")
def fixture_kafka():
    with MockKafka() as kafka:
        yield kafka


@pytest.fixture(scope="module", name="clickhouse")
def fixture_clickhouse():
    with DevClickHouse() as clickhouse:
        yield clickhouse


@pytest.fixture(name="scripted")
def fixture_scripted(clickhouse):
    with ScriptedClickHouse(clickhouse) as scripted:
        yield scripted


class World:
    """A topic, its tables and what was produced; replicas of it, one after the other."""

    def __init__(self, kafka, clickhouse, tmp_path, partitions=2, **options):
        self.kafka, self.clickhouse = kafka, clickhouse
        self.name = f"outcomes_{next(_numbers)}"
        self.topic = kafka.create_topic(self.name, partitions)
        self.log = str(tmp_path / "log")
        self.columns = options.pop("columns", COLUMNS)
        self.order = options.pop("order", "ORDER BY tuple()")
        self.make_table()
        clickhouse.query(
            f"CREATE TABLE {self.name}_clickpipes_error ({ERROR_COLUMNS})"
            f" ENGINE = MergeTree ORDER BY tuple(){WINDOW}")
        settings = {"streaming_max_insert_wait_ms": 500, "penstock_compression": "none"}
        settings.update(options.pop("settings", {}))
        self.options = {"group": f"g-{self.name}", "settings": settings, **options}
        self.produced = []

    def make_table(self):
        parts = ", ".join(f"`{name}` {kind}" for name, kind in self.columns)
        self.clickhouse.query(f"CREATE TABLE {self.name} ({parts}) ENGINE = MergeTree {self.order}{WINDOW}")

    def replica(self, endpoint):
        return Replica(
            make_spec(self.kafka.bootstrap, self.topic, endpoint, self.name, self.columns, **self.options), self.log)

    def produce(self, count):
        self.produced += self.kafka.produce(self.topic, documents(count, len(self.produced)))

    def stored(self):
        """{(partition, offset): times} of the target."""
        return {(row["p"], row["o"]): row["n"] for row in self.clickhouse.rows(
            f"SELECT _partition AS p, _offset AS o, count() AS n FROM {self.name} GROUP BY p, o")}

    def errors(self):
        return {(row["p"], row["o"]): row["n"] for row in self.clickhouse.rows(
            "SELECT record_partition AS p, record_offset AS o, count() AS n"
            f" FROM {self.name}_clickpipes_error GROUP BY p, o")}

    def wait_stored(self, replica, timeout_s=60):
        """Until everything that was produced is in a table."""
        wanted = set(self.produced)
        replica.wait(lambda _: self.stored().keys() | self.errors().keys() >= wanted, timeout_s,
                     f"{len(wanted)} records in {self.name}")

    def once(self):
        """Every record is stored once, none is rejected."""
        assert self.stored() == {at: 1 for at in self.produced}
        assert not self.errors()


def wait_reason(replica, reason, timeout_s=30):
    replica.wait(lambda r: r.reasons()[-1:] == [reason], timeout_s, f"reason {reason!r}")


def lost_answers():
    """A rule under which every second insert has no clear end, each time in another way."""
    ways = itertools.cycle([
        Lose(executed=True), Lose(executed=False), Refuse(159, "Timeout exceeded", executed=True),
        Refuse(319, "Unknown status of insert", executed=True), Refuse(210, "Connection reset", executed=False),
        Refuse(209, "Timeout exceeded while reading from socket", executed=True)])
    turn = itertools.count()
    lock = threading.Lock()

    def rule(exchange):
        with lock:
            return next(ways) if exchange.is_insert and next(turn) % 2 == 0 else None

    return rule


def produce_in_steps(world, replica, steps, count=300):
    for _ in range(steps):
        world.produce(count)
        world.wait_stored(replica)


@pytest.mark.parametrize("exactly_once", [False, True], ids=["at-least-once", "exactly-once"])
def test_inserts_without_a_clear_end(kafka, clickhouse, scripted, tmp_path, exactly_once):
    """Time-outs, broken connections and unknown states before and after the rows were stored: nothing is
    lost, and in exactly-once mode nothing is there twice."""
    world = World(kafka, clickhouse, tmp_path, source={"exactlyOnce": exactly_once})
    scripted.rule = lost_answers()
    with world.replica(scripted) as replica:
        replica.wait_running()
        produce_in_steps(world, replica, 6)
        scripted.rule = None
        assert replica.counters["insert_retries"] >= 4
        assert replica.terminate() == 0
    stored = world.stored()
    assert stored.keys() == set(world.produced) and not world.errors()
    kills = [exchange for exchange in scripted.exchanges if exchange.sql.startswith("KILL QUERY")]
    if exactly_once:
        assert set(stored.values()) == {1}
        assert kills, "no twin was looked for"
        tokens = [exchange.parameters["insert_deduplication_token"]
                  for exchange in scripted.exchanges if exchange.is_rows]
        assert len(set(tokens)) < len(tokens), "no try was repeated under its token"
    else:
        assert not kills


def test_a_twin_that_still_runs_is_ended(kafka, clickhouse, scripted, tmp_path):
    """Code 216: the query id is taken. KILL QUERY … SYNC names it, then the same insert comes again."""
    world = World(kafka, clickhouse, tmp_path, partitions=1, source={"exactlyOnce": True})
    busy = itertools.count()

    def rule(exchange):
        if exchange.is_rows and next(busy) == 0:
            return Refuse(216, "Query with id = x is already running", "QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING")
        return None

    scripted.rule = rule
    with world.replica(scripted) as replica:
        replica.wait_running()
        world.produce(100)
        world.wait_stored(replica)
        assert replica.terminate() == 0
    world.once()
    first, second = [exchange for exchange in scripted.exchanges if exchange.is_rows][:2]
    (kill,) = [exchange for exchange in scripted.exchanges if exchange.sql.startswith("KILL")]
    query_id = first.parameters["query_id"]
    assert second.parameters["query_id"] == query_id and query_id in kill.sql and kill.sql.endswith("SYNC")


def test_permission_errors_keep_the_data(kafka, clickhouse, scripted, tmp_path):
    """Refused for who we are or what we may: the inserts stop, the reason is told, no record is blamed,
    and the pipe goes on by itself after the grant. A table that is read-only passes by itself."""
    world = World(kafka, clickhouse, tmp_path)
    with world.replica(scripted) as replica:
        replica.wait_running()
        for code, name, reason in (
                (497, "ACCESS_DENIED", "DESTINATION_PERMISSION"),
                (164, "READONLY", "DESTINATION_PERMISSION"),
                (516, "AUTHENTICATION_FAILED", "DESTINATION_AUTHENTICATION"),
                (242, "TABLE_IS_READ_ONLY", "DESTINATION_BUSY")):
            scripted.rule = lambda exchange, code=code, name=name: Refuse(code, "not now", name)
            world.produce(100)
            wait_reason(replica, reason)
            assert any(f"{code} {name}" in text for _, _, text, _ in replica.events)
            scripted.rule = None
            wait_reason(replica, "")
            world.wait_stored(replica)
        assert replica.terminate() == 0
    world.once()


def test_a_full_disk_waits_longer_each_time(kafka, clickhouse, scripted, tmp_path):
    """Code 243: at least ten seconds between tries, the same bytes again, no record blamed."""
    world = World(kafka, clickhouse, tmp_path, partitions=1)
    full = itertools.count()
    scripted.rule = lambda exchange: (
        Refuse(243, "Cannot reserve 1.00 MiB, not enough space", "NOT_ENOUGH_SPACE")
        if exchange.is_rows and next(full) < 1 else None)
    with world.replica(scripted) as replica:
        replica.wait_running()
        world.produce(100)
        wait_reason(replica, "DESTINATION_BUSY")
        world.wait_stored(replica)
        assert replica.terminate() == 0
    world.once()
    first, second = [exchange for exchange in scripted.exchanges if exchange.is_rows]
    assert first.body == second.body


@pytest.mark.parametrize("exactly_once", [False, True], ids=["at-least-once", "exactly-once"])
def test_a_memory_limit_makes_later_batches_smaller(kafka, clickhouse, scripted, tmp_path, exactly_once):
    """Code 241 for every insert of more than 3,000 rows: what failed is cut only after several definite
    refusals, what comes later is small enough from the start."""
    world = World(kafka, clickhouse, tmp_path, partitions=1, source={"exactlyOnce": exactly_once},
                  settings={"penstock_batch_rows": 8000})
    scripted.rule = lambda exchange: (
        Refuse(241, "Memory limit (for query) exceeded", "MEMORY_LIMIT_EXCEEDED")
        if exchange.is_rows and exchange.rows > 3000 else None)
    world.produce(40000)
    with world.replica(scripted) as replica:
        world.wait_stored(replica, 90)
        assert replica.terminate() == 0
    world.once()
    refused = [exchange for exchange in scripted.exchanges if exchange.is_rows and exchange.rows > 3000]
    accepted = len([exchange for exchange in scripted.exchanges if exchange.is_rows]) - len(refused)
    print(f"memory limit: {len(refused)} refusals, {accepted} inserts of 40,000 rows")
    assert 4 <= len(refused) <= 20 and accepted <= 40


def test_too_many_parts_make_few_large_parts(kafka, clickhouse, tmp_path):
    """A real refusal (code 252) under a pipe of ten-row batches: the batches grow, no try leaves a part."""
    world = World(kafka, clickhouse, tmp_path, partitions=1, settings={"penstock_batch_rows": 10})
    name = world.name
    clickhouse.query(f"SYSTEM STOP MERGES {name}")
    clickhouse.query(
        f"ALTER TABLE {name} MODIFY SETTING parts_to_delay_insert = 5, parts_to_throw_insert = 5")
    with world.replica(clickhouse) as replica:
        world.produce(2000)
        wait_reason(replica, "TOO_MANY_PARTS")
        before = int(clickhouse.value(f"SELECT count() FROM system.parts WHERE table = '{name}' AND active"))
        replica.wait(lambda r: r.counters.get("insert_retries", 0) >= 4, 60, "four refusals")
        tries = replica.counters["insert_retries"]
        clickhouse.query(f"ALTER TABLE {name} RESET SETTING parts_to_delay_insert, parts_to_throw_insert")
        wait_reason(replica, "")
        world.wait_stored(replica)
        assert replica.terminate() == 0
    world.once()
    after = int(clickhouse.value(f"SELECT count() FROM system.parts WHERE table = '{name}' AND active"))
    print(f"too many parts: {before} parts, {tries} refusals, then {after - before} parts for the rest")
    # 1,950 rows in parts of ten would be 195; four refusals make batches sixteen times as large.
    assert after - before <= 30


def test_too_many_partitions_in_one_insert(kafka, clickhouse, tmp_path):
    """Code 252 in its other meaning, real: no retry helps, so exactly-once ranges are made smaller before
    they are sent again, and each record is stored once."""
    world = World(kafka, clickhouse, tmp_path, partitions=1, source={"exactlyOnce": True},
                  order="PARTITION BY id % 150 ORDER BY tuple()")
    with world.replica(clickhouse) as replica:
        world.produce(300)
        world.wait_stored(replica)
        assert replica.terminate() == 0
    world.once()


def test_a_table_made_again_under_exactly_once(kafka, clickhouse, tmp_path):
    """Dropped and created anew: the pipe waits, then stores in the new table what was not confirmed."""
    world = World(kafka, clickhouse, tmp_path, partitions=1, source={"exactlyOnce": True})
    with world.replica(clickhouse) as replica:
        world.produce(100)
        world.wait_stored(replica)
        replica.wait(lambda r: sum(p[0] for p in r.partitions.values()) == 100, 20, "the confirm")
        clickhouse.query(f"DROP TABLE {world.name} SYNC")
        confirmed = set(world.produced)
        world.produce(100)
        wait_reason(replica, "TABLE_NOT_FOUND")
        world.make_table()
        wait_reason(replica, "")
        world.produced = [at for at in world.produced if at not in confirmed]
        world.wait_stored(replica)
        assert replica.terminate() == 0
    world.once()


def test_a_slow_topic_beside_a_fast_one(kafka, clickhouse, tmp_path):
    """A few records of one topic do not wait for a large backlog of another in the same process."""
    world = World(kafka, clickhouse, tmp_path, partitions=1, columns=[*COLUMNS, ("_topic", "String")],
                  settings={"penstock_batch_rows": 500})
    slow = kafka.create_topic(f"{world.name}_slow", 1)
    fast_count = 60000  # the mock broker keeps five megabytes of a partition
    kafka.produce(world.topic, documents(fast_count))
    kafka.produce(slow, documents(20))
    world.topic = f"{world.topic},{slow}"

    def counts():
        rows = clickhouse.rows(f"SELECT _topic AS t, count() AS n, uniqExact(_offset) AS u FROM {world.name} GROUP BY t")
        assert all(row["n"] == row["u"] for row in rows)
        return {row["t"]: row["n"] for row in rows}

    with world.replica(clickhouse) as replica:
        seen = {}

        def slow_is_there(_):
            seen.update(counts())
            return seen.get(slow) == 20

        replica.wait(slow_is_there, 60, "the slow topic's records")
        print(f"slow topic stored beside {seen.get(world.name, 0)} of {fast_count} records of the fast one")
        assert seen.get(world.name, 0) < fast_count, "the slow topic came last"
        replica.wait(lambda _: counts() == {world.name: fast_count, slow: 20}, 60, "everything")
        assert replica.terminate() == 0


def test_compression_bombs_stay_within_the_memory(kafka, clickhouse, tmp_path):
    """Messages of 12 MB that are a few kilobytes on the wire."""
    world = World(kafka, clickhouse, tmp_path, partitions=1, memory_gb=0.5)
    value = json.dumps({"id": 7, "name": "a" * (12 << 20)}).encode()
    config = {"compression.type": "gzip", "message.max.bytes": 64 << 20, "linger.ms": 50, "batch.size": 60 << 20}
    world.produced += kafka.produce(world.topic, [(None, value)] * 20, **config)
    peak = 0
    with world.replica(clickhouse) as replica:
        net.wait_until(lambda: replica.heartbeats > 0, 30, "a heartbeat")

        def everything(r):
            nonlocal peak
            peak = max(peak, r.resident_bytes)
            return len(world.stored()) == 20

        replica.wait(everything, 120, "20 large records")
        assert replica.terminate() == 0
    print(f"240 MB of records, resident at most {peak >> 20} MB")
    assert peak < 512 << 20
    world.once()


def test_a_wall_clock_that_jumps(kafka, clickhouse, tmp_path):
    """Two days ahead, then four back, under a running replica: records go on without a reason to wait, and
    it drains in time. Only the wall clock is moved, as by an administrator."""
    library = debian.program("usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1", "libfaketime").path
    clock = tmp_path / "clock"
    clock.write_text("+0\n")
    world = World(kafka, clickhouse, tmp_path, source={"exactlyOnce": True})
    replica = world.replica(clickhouse)
    replica.argv_prefix = [
        "env", f"LD_PRELOAD={library}", f"FAKETIME_TIMESTAMP_FILE={clock}", "FAKETIME_NO_CACHE=1",
        "FAKETIME_DONT_FAKE_MONOTONIC=1"]
    with replica:
        replica.wait_running()
        for jump in ("+0", "+2d", "-2d", "+0"):
            clock.write_text(f"{jump}\n")
            world.produce(300)
            world.produced += kafka.produce(world.topic, [(None, b"no JSON")])  # its error row has a wall time
            world.wait_stored(replica)
        assert not [name for name in replica.reasons() if name], replica.events
        assert replica.terminate() == 0
    rows, errors = world.stored(), world.errors()
    assert len(errors) == 4 and set(errors.values()) == {1} and set(rows.values()) == {1}
    assert rows.keys() | errors.keys() == set(world.produced) and not rows.keys() & errors.keys()
    days = [int(day) for day in clickhouse.query(
        f"SELECT DISTINCT dateDiff('day', now(), error_timestamp) FROM {world.name}_clickpipes_error").split()]
    assert min(days) <= -1 and max(days) >= 1, "the clock of the replica was not moved"
