"""Topics that are shortened or made again under a running replica: told with the exact numbers, never guessed."""
import json

import confluent_kafka.admin
import pytest

from tests.harness import kafka_admin, net
from tests.process.replica_mock_test import documents, rows_in, wait_rows
from tests.process.replica_test import stored


def configure(kafka, topic, **settings):
    named = {key.replace("_", "."): value for key, value in settings.items()}
    resource = confluent_kafka.admin.ConfigResource("topic", topic, set_config=named)
    admin = confluent_kafka.admin.AdminClient(kafka.client_config())
    admin.alter_configs([resource])[resource].result(30)


def details(replica, kind):
    return [json.loads(text) for event, _, _, text in replica.events if event == kind]


@pytest.mark.short
def test_retention_passes_a_running_reader(kafka, clickhouse, replica, name):
    """Mode 11: ClickHouse was away for longer than the topic keeps its records: one incident with the exact gap, and what
    was taken before it is stored."""
    kafka.create_topic(name, 1, {"segment.ms": "100", "retention.ms": "-1"})
    # Each record is 300 kB, so that the reader's queue holds only some of them while the table is away.
    values = [json.dumps({"id": n, "name": "x" * 300000}).encode() for n in range(400)]
    with replica(settings={"penstock_batch_bytes": 2000000}) as one:
        kafka.produce(name, [(None, value) for value in values[:10]])
        wait_rows(one, clickhouse, name, 10)
        one.wait(lambda r: r.unsettled == 0, 30, "all is settled")
        clickhouse.kill9()
        kafka.produce(name, [(None, value) for value in values[10:]])
        one.wait(lambda r: r.reasons()[-1:] == ["DESTINATION_UNREACHABLE"], 30, "ClickHouse is away")
        configure(kafka, name, retention_ms="500", segment_ms="100")

        def has_forgotten():
            kafka.produce(name, documents(1, 1000))
            return kafka.begin_offsets(name)[0] >= 400

        net.wait_until(has_forgotten, 60, "retention at work", 0.5)
        configure(kafka, name, retention_ms="-1")
        clickhouse.restart()
        one.wait(lambda r: "offset_gap" in r.event_names(), 60, "the gap is told")
        begin, end = kafka.begin_offsets(name)[0], kafka.end_offsets(name)[0]
        one.wait(lambda _: kafka.committed(f"g-{name}", name) == {0: end}, 60, "all is committed")
        assert one.terminate() == 0
    (gap,) = details(one, "offset_gap")
    assert gap["topic"] == name and gap["to"] == begin and gap["count"] == begin - gap["from"] > 0
    rows = stored(clickhouse, name)
    # Every record outside the gap is there once, and none inside it.
    assert sorted(rows) == [(0, at) for at in [*range(gap["from"]), *range(begin, end)]]
    assert set(rows.values()) == {1}


@pytest.mark.short
@pytest.mark.parametrize("length", ["shorter", "longer"])
def test_a_topic_is_made_again_under_a_running_reader(kafka, clickhouse, replica, name, length):
    """Mode 10: at once and full again, so that the old offset lies behind the new end or before it. All of the new topic is
    stored and no old offset is committed into it; what was taken of it before that showed is stored twice."""
    kafka.create_topic(name, 1)
    kafka.produce(name, documents(100))
    count = 30 if length == "shorter" else 250
    with replica() as one:
        wait_rows(one, clickhouse, name, 100)
        one.wait(lambda r: r.unsettled == 0, 30, "all is settled")
        before = kafka_admin.topic_id(kafka.bootstrap, name)
        kafka.delete_topic(name)
        kafka.create_topic(name, 1)
        kafka.produce(name, documents(count, 1000))
        assert kafka_admin.topic_id(kafka.bootstrap, name) != before
        one.wait(lambda _: kafka.committed(f"g-{name}", name) == {0: count}, 60, "all is committed")
        (told,) = details(one, "topic_recreated")
        assert told.pop("from") in (100, count) and told == {"topic": name, "partition": 0, "to": 0, "count": 0}
        assert "offset_gap" not in one.event_names()
        assert one.terminate() == 0
    assert rows_in(clickhouse, name) <= 100 + count + max(0, count - 100)
    assert clickhouse.value(f"SELECT count(DISTINCT id) FROM {name}") == str(100 + count)
