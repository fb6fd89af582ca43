"""What lies in a topic beside ordinary records: aborted and open transactions, markers, compacted offsets, old timestamps,
20 MB at once."""
import json

import confluent_kafka
import pytest

from tests.harness import net
from tests.process.replica_mock_test import documents, rows_in, wait_rows
from tests.process.replica_test import settled, stored

DAY_MS = 86400 * 1000
EPOCH_MS = 1760000000000


def ids(clickhouse, table):
    return json.loads(clickhouse.value(
        f"SELECT groupArray(id) FROM (SELECT id FROM {table} ORDER BY _partition, _offset)"))


def transactional(kafka, name):
    producer = confluent_kafka.Producer(kafka.client_config(**{"transactional.id": name}))
    producer.init_transactions(30)
    return producer


def write(producer, topic, first):
    for key, value in documents(10, first):
        producer.produce(topic, key=key, value=value, partition=0)
    assert producer.flush(30) == 0


def offsets_left(kafka, topic):
    """Offsets that the only partition still has; `ApacheKafka.read` counts on there being no holes."""
    left = []
    with kafka.consumer(**{"enable.partition.eof": True}) as consumer:
        consumer.assign([confluent_kafka.TopicPartition(topic, 0, confluent_kafka.OFFSET_BEGINNING)])
        while True:
            message = consumer.poll(30)
            assert message is not None
            if message.error():
                assert message.error().code() == confluent_kafka.KafkaError._PARTITION_EOF
                return left
            left.append(message.offset())


@pytest.mark.short
def test_transactions(kafka, clickhouse, replica, name):
    """read_committed: aborted records are no rows, an open transaction holds the reader back without any lag that it could
    work off, and the lag is 0 at the end although the last offset is a marker."""
    kafka.create_topic(name, 1)
    producer, hanging = transactional(kafka, name), transactional(kafka, name + "-hanging")
    for first, is_kept in ((0, True), (10, False), (20, True)):
        producer.begin_transaction()
        write(producer, name, first)
        (producer.commit_transaction if is_kept else producer.abort_transaction)(30)
    with replica(settings={"kafka_read_committed": True}) as one:
        wait_rows(one, clickhouse, name, 20)
        one.wait(lambda r: r.partitions.get((name, 0), ())[:2] == (33, 33), 20, "no lag")
        hanging.begin_transaction()
        write(hanging, name, 100)  # offsets 33 to 42, open
        producer.begin_transaction()
        write(producer, name, 30)  # offsets 43 to 52
        producer.commit_transaction(30)
        heartbeats = one.heartbeats
        one.wait(lambda r: r.heartbeats > heartbeats + 3, 20, "some time")
        assert rows_in(clickhouse, name) == 20 and one.reasons() in ([], [""])
        assert kafka.committed(f"g-{name}", name) == {0: 33}
        hanging.abort_transaction(30)
        wait_rows(one, clickhouse, name, 30)
        end = kafka.end_offsets(name)[0]
        one.wait(lambda r: r.partitions[(name, 0)][:2] == (end, end), 20, "no lag at the end")
        assert one.terminate() == 0
    assert ids(clickhouse, name) == [*range(10), *range(20, 40)]
    assert kafka.committed(f"g-{name}", name) == {0: end}


def test_read_uncommitted_takes_all(kafka, clickhouse, replica, name):
    kafka.create_topic(name, 1)
    producer = transactional(kafka, name)
    for first, is_kept in ((0, True), (10, False)):
        producer.begin_transaction()
        write(producer, name, first)
        (producer.commit_transaction if is_kept else producer.abort_transaction)(30)
    producer.begin_transaction()
    write(producer, name, 20)
    with replica() as one:
        wait_rows(one, clickhouse, name, 30)
        assert one.terminate() == 0
    producer.abort_transaction(30)
    assert ids(clickhouse, name) == list(range(30))


def test_a_compacted_topic(kafka, clickhouse, replica, name):
    """Mode 18: most offsets are gone; what is left is stored, and the lag is 0."""
    kafka.create_topic(name, 1, {
        "cleanup.policy": "compact", "segment.ms": "100", "min.cleanable.dirty.ratio": "0.01", "min.compaction.lag.ms": "0",
        "max.compaction.lag.ms": "500", "delete.retention.ms": "100"})
    records = [(str(n % 10).encode(), json.dumps({"id": n, "name": "n"}).encode()) for n in range(1000)]
    kafka.produce(name, records)

    def is_compacted():
        kafka.produce(name, [(b"tick", b'{"id": 5000, "name": "tick"}')])  # segments end when something is written
        return len(offsets_left(kafka, name)) < 200

    net.wait_until(is_compacted, 60, "compaction", 0.5)
    with replica() as one:
        end = kafka.end_offsets(name)[0]
        one.wait(lambda r: r.partitions.get((name, 0), ())[:2] == (end, end), 30, "no lag at the end")
        assert "offset_gap" not in one.event_names(), one.events
        assert one.terminate() == 0
    rows = stored(clickhouse, name)
    assert {(0, at) for at in offsets_left(kafka, name)} <= rows.keys() and set(rows.values()) == {1}
    assert set(range(990, 1000)) <= set(ids(clickhouse, name)) and len(rows) < 300
    assert kafka.committed(f"g-{name}", name) == {0: end}


def test_offsets_by_timestamp(kafka, clickhouse, replica, name):
    """The first record of that time or later, in each partition by itself; with none, the end."""
    kafka.create_topic(name, 3)
    records = []
    for partition, ages in enumerate(((0, 1, 2, 3), (5, 6, 7, 8), (1, 1, 1, 1))):
        for step, age in enumerate(ages):
            number = 10 * partition + step
            records.append((None, json.dumps({"id": number, "name": "n"}).encode(), None, EPOCH_MS + age * DAY_MS, partition))
    kafka.produce(name, records)
    # Two days after the first, cut to the minute as the API takes it.
    source = {"offset": {"strategy": "from_timestamp", "timestamp": "2025-10-11T08:53"}}
    with replica(source=source) as one:
        wait_rows(one, clickhouse, name, 6)
        kafka.produce(name, [(None, b'{"id": 29, "name": "n"}', None, EPOCH_MS, 2)])
        wait_rows(one, clickhouse, name, 7)
        one.wait(lambda _: kafka.committed(f"g-{name}", name) == {0: 4, 1: 4, 2: 5}, 30, "all is committed")
        assert one.terminate() == 0
    assert ids(clickhouse, name) == [2, 3, 10, 11, 12, 13, 29]


def test_records_of_20_mb(kafka, clickhouse, replica, name):
    """Whole where the replica's memory allows 32 MB records, whatever the fetch limits."""
    kafka.create_topic(name, 1, {"max.message.bytes": "25000000"})
    size = 20 << 20
    large = [json.dumps({"id": n, "name": chr(97 + n) * size}).encode() for n in range(3)]
    kafka.produce(name, [(None, value) for value in large[:2]] + documents(5, 10) + [(None, large[2])])
    with replica(memory_gb=2) as one:
        settled(one, 8)
        assert one.terminate() == 0
    assert clickhouse.query(f"SELECT id, length(name), substr(name, -1) FROM {name} WHERE id < 3 ORDER BY id") == "".join(
        f"{n}\t{size}\t{chr(97 + n)}\n" for n in range(3))
    assert set(stored(clickhouse, name).values()) == {1} and rows_in(clickhouse, name) == 8
