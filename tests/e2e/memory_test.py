"""Memory is bounded (docs/architecture.md, what always holds: 5): a replica of 0.5 GB that finds a backlog of 64
partitions with records of 10 to 15 MB among small ones never has more than 512 MB resident, at any moment of its
life, also while ClickHouse is away, and loses nothing of it. The size of the backlog is more than it may hold."""
import json
import random

import pytest

from tests.harness import net
from tests.harness.kafka import ApacheKafka
from tests.harness.penstock import kafka_pipe
from tests.harness.proc import start_time

MB = 1024 * 1024
LIMIT_BYTES = 512 * MB
PARTITIONS = 64
SMALL_PER_PARTITION = 100
HUGE_SIZES = [size * MB + size * 1000 for size in range(10, 16)]
HUGE_COUNT = 48
COLUMNS = {"id": "UInt64", "text": "String", "_partition": "Int32", "_offset": "Int64"}
MODES = ["at_least_once", "exactly_once"]


@pytest.fixture(scope="module")
def kafka():
    with ApacheKafka() as broker:
        yield broker


@pytest.fixture(scope="module")
def backlog(kafka):
    """Topic and bytes of all texts; the huge ones differ, so nothing compresses them away."""
    topic = "backlog"
    kafka.create_topic(topic, PARTITIONS, {"max.message.bytes": str(20 * MB)})
    noise = random.Random(7).randbytes(8 * MB).hex()
    records = []
    text_bytes = 0
    for partition in range(PARTITIONS):
        for number in range(SMALL_PER_PARTITION):
            text = f"small {number}"
            if partition < HUGE_COUNT and number == SMALL_PER_PARTITION // 2:
                size = HUGE_SIZES[partition % len(HUGE_SIZES)]
                text = noise[partition * 1000:partition * 1000 + size]
            text_bytes += len(text)
            value = json.dumps({"id": partition * SMALL_PER_PARTITION + number, "text": text}).encode()
            records.append((None, value, None, None, partition))
        kafka.produce(topic, records)
        records.clear()
    assert text_bytes > LIMIT_BYTES
    return topic, text_bytes


class Peak:
    """Of every replica process of a worker that was seen."""

    def __init__(self, worker):
        self.worker = worker
        self.bytes = {}

    def look(self):
        with open(f"/proc/{self.worker.pid}/task/{self.worker.pid}/children", encoding="ascii") as file:
            pids = [int(word) for word in file.read().split()]
        for pid in pids:
            try:
                with open(f"/proc/{pid}/status", encoding="ascii") as file:
                    peak = [int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM:")]
            except (FileNotFoundError, ProcessLookupError):
                continue
            if peak:
                self.bytes[(pid, start_time(pid))] = peak[0]


def wait_rows(clickhouse, table, peak, timeout_s=240):
    expected = PARTITIONS * SMALL_PER_PARTITION

    def there():
        peak.look()
        return int(clickhouse.query(f"SELECT uniqExact(id) FROM {table}")) == expected

    net.wait_until(there, timeout_s, f"{expected} records in {table}", 0.1)
    peak.look()


def check(clickhouse, table, text_bytes, peak):
    count = PARTITIONS * SMALL_PER_PARTITION
    rows = clickhouse.query(
        f"SELECT count(), uniqExact(_partition, _offset), sum(length(text)) FROM {table}").split()
    assert rows == [str(count), str(count), str(text_bytes)]
    assert clickhouse.query(f"SELECT count() FROM {table}_clickpipes_error") == "0\n"
    assert len(peak.bytes) == 1, "the replica was not started again"
    print(f"peak {max(peak.bytes.values()) / MB:.0f} MB")
    assert max(peak.bytes.values()) < LIMIT_BYTES


def create(penstock, kafka, topic, table, mode):
    return penstock.create_pipe(kafka_pipe(
        table, kafka.bootstrap, topic, table, COLUMNS, kafka={"exactlyOnce": mode == "exactly_once"},
        scaling={"replicas": 1, "replicaCpuMillicores": 125, "replicaMemoryGb": 0.5},
        settings={"streaming_max_insert_wait_ms": 1000}))["id"]


def drop(penstock, clickhouse, pipe_id, table):
    """The table lies in memory."""
    penstock.delete_pipe(pipe_id)
    clickhouse.query(f"DROP TABLE {table} SYNC")


@pytest.mark.parametrize("mode", MODES)
def test_a_backlog_of_huge_records_stays_within_the_memory(penstock, kafka, clickhouse, backlog, name, mode):
    peak = Peak(penstock.workers[0])
    pipe_id = create(penstock, kafka, backlog[0], name, mode)
    wait_rows(clickhouse, name, peak)
    check(clickhouse, name, backlog[1], peak)
    drop(penstock, clickhouse, pipe_id, name)


@pytest.mark.parametrize("mode", MODES)
def test_huge_records_stay_within_the_memory_while_clickhouse_is_away(
        penstock, kafka, clickhouse, backlog, name, mode):
    peak = Peak(penstock.workers[0])
    pipe_id = create(penstock, kafka, backlog[0], name, mode)
    net.wait_until(lambda: int(clickhouse.query(f"SELECT count() FROM {name}")) > 0, 60, "first rows", 0.02)
    clickhouse.kill9()
    waiting = penstock.wait_summary(
        pipe_id, lambda s: s["reason"] is not None and s["reason"]["code"] == "DESTINATION_UNREACHABLE", 60, "waiting")
    # It reads on until its memory is full, then rests.
    fetched = [waiting["records"]["fetched"], -1, -1]

    def rests():
        peak.look()
        fetched.insert(0, penstock.summary(pipe_id)["records"]["fetched"])
        return fetched[0] == fetched[1] == fetched[2]

    net.wait_until(rests, 60, "no more records fetched", 1.0)
    clickhouse.restart()
    wait_rows(clickhouse, name, peak)
    check(clickhouse, name, backlog[1], peak)
    drop(penstock, clickhouse, pipe_id, name)
