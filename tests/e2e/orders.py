"""Records of the delivery tests, a feed that produces them while things are being killed, and the
reconciliation by (partition, offset) that says what became of each."""
import collections
import json
import threading

import confluent_kafka

from tests.harness import net
from tests.harness.penstock import kafka_pipe

COLUMNS = [
    ("id", "UInt64"), ("kind", "LowCardinality(String)"), ("amount", "Decimal(18, 2)"),
    ("at", "DateTime64(3)"), ("note", "Nullable(String)"),
    ("_topic", "String"), ("_partition", "Int32"), ("_offset", "Int64"),
]
KINDS = ("created", "paid", "shipped")
ROW_WAIT_MS = 500


def good(number):
    """Value of a record that every column takes."""
    return json.dumps({
        "id": number, "kind": KINDS[number % 3], "amount": f"{number % 1000}.25",
        "at": f"2026-03-0{number % 9 + 1}T10:20:30.{number % 1000:03d}Z",
        "note": None if number % 4 == 0 else f"note {number}"}).encode()


def bad(number):
    """Value of a record that must be rejected, in one of four ways."""
    return (
        b'{"id":' + str(number).encode() + b',"kind":"created","amount":"1.25"',
        b"plain text " + str(number).encode(),
        b'{"id":"many","kind":"paid","amount":"1.25","at":"2026-03-01T00:00:00Z"}',
        b"[" + str(number).encode() + b"]",
    )[number % 4]


def create_pipe(penstock, broker, name, **more):
    """A pipe from topic `name` to table `name`, batching every half second; returns its id. `more` is
    what kafka_pipe takes."""
    settings = {"streaming_max_insert_wait_ms": ROW_WAIT_MS}
    settings.update(more.pop("settings", {}))
    body = kafka_pipe(name, broker.bootstrap, name, more.pop("table", name), more.pop("columns", COLUMNS),
                      settings=settings, **more)
    return penstock.create_pipe(body)["id"]


class Feed:
    """Produces orders in a thread of its own, about `rate` a second, every `bad_every`-th malformed,
    until `stop`. `acknowledged` is {(partition, offset): True if malformed}."""

    def __init__(self, kafka, topic, rate=2000, bad_every=0):
        self.topic = topic
        self.rate = rate
        self.bad_every = bad_every
        self.acknowledged = {}
        self.failures = []
        self.produced = 0
        self._ending = threading.Event()
        self._producer = confluent_kafka.Producer(kafka.client_config(**{
            "enable.idempotence": True, "linger.ms": 5, "message.timeout.ms": 180000,
            "queue.buffering.max.messages": 500000}))
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)

    def start(self):
        self._thread.start()
        return self

    def wait_produced(self, count, timeout_s=60):
        """Until so many are acknowledged."""
        net.wait_until(lambda: len(self.acknowledged) >= count, timeout_s, f"{count} records produced")

    def stop(self):
        """End, wait for every acknowledgement; returns `acknowledged`."""
        self._ending.set()
        self._thread.join()
        left = self._producer.flush(180)
        assert left == 0 and not self.failures, (left, self.failures[:3])
        return self.acknowledged

    def _run(self):
        tick_s = 0.01
        while not self._ending.wait(tick_s):
            for _ in range(max(1, int(self.rate * tick_s))):
                self._one(self.produced)
                self.produced += 1
            self._producer.poll(0)

    def _one(self, number):
        is_bad = self.bad_every > 0 and number % self.bad_every == self.bad_every - 1

        def delivered(error, message):
            if error is not None:
                self.failures.append(error)
            else:
                self.acknowledged[(message.partition(), message.offset())] = is_bad

        value = bad(number) if is_bad else good(number)
        while True:
            try:
                self._producer.produce(self.topic, value, key=str(number % 100), on_delivery=delivered)
                return
            except BufferError:
                self._producer.poll(0.1)


Outcome = collections.namedtuple("Outcome", "rows rejected duplicate_rows duplicate_errors")


def stored(clickhouse, table):
    """({(partition, offset): times} in the table, the same in its error table)."""
    rows = clickhouse.rows(
        f"SELECT _partition AS p, _offset AS o, count() AS n FROM {table} GROUP BY p, o")
    errors = clickhouse.rows(
        "SELECT record_partition AS p, record_offset AS o, count() AS n"
        f" FROM {table}_clickpipes_error GROUP BY p, o")
    return ({(row["p"], row["o"]): row["n"] for row in rows},
            {(row["p"], row["o"]): row["n"] for row in errors})


def group_of(penstock, pipe_id):
    """The pipe's consumer group."""
    return penstock.pipe(pipe_id)["source"]["kafka"]["consumerGroup"]


def wait_settled(kafka, penstock, clickhouse, pipe_id, topic, timeout_s=90):
    """Until the group's committed offsets reach the ends of the topic."""
    group = group_of(penstock, pipe_id)
    ends = kafka.end_offsets(topic)

    def settled():
        try:
            committed = kafka.committed(group, topic)
        except confluent_kafka.KafkaException as problem:
            # The broker's first group: its coordinator is still being made.
            if problem.args[0].code() != confluent_kafka.KafkaError.NOT_COORDINATOR:
                raise
            return False
        return all((committed.get(p) or 0) >= end for p, end in ends.items())

    try:
        net.wait_until(settled, timeout_s, f"{topic} settled", interval_s=0.3)
    except TimeoutError as problem:
        rows, errors = stored(clickhouse, topic)
        raise TimeoutError(
            f"{problem}: ends {ends}, committed {kafka.committed(group, topic)}, {len(rows)} rows, "
            f"{len(errors)} rejected, summary {json.dumps(penstock.summary(pipe_id))}") from None


def reconcile(clickhouse, table, acknowledged):
    """Every acknowledged record is a row if it is good and an error if it is not: nothing lost, nothing
    invented, nothing in the wrong place. Returns the Outcome; duplicates are counted, not forgiven
    silently: they are printed."""
    rows, errors = stored(clickhouse, table)
    wanted_rows = {at for at, is_bad in acknowledged.items() if not is_bad}
    wanted_errors = {at for at, is_bad in acknowledged.items() if is_bad}
    lost = sorted((wanted_rows - rows.keys()) | (wanted_errors - errors.keys()))
    assert not lost, f"{len(lost)} of {len(acknowledged)} lost, first {lost[:5]}"
    surplus = sorted((rows.keys() - wanted_rows) | (errors.keys() - wanted_errors))
    assert not surplus, f"{len(surplus)} that nobody produced or in the wrong table, first {surplus[:5]}"
    outcome = Outcome(
        len(rows), len(errors), sum(rows.values()) - len(rows), sum(errors.values()) - len(errors))
    print(f"{table}: produced {len(acknowledged)} = rows {outcome.rows} + rejected {outcome.rejected}; "
          f"duplicates: {outcome.duplicate_rows} rows, {outcome.duplicate_errors} errors")
    return outcome
