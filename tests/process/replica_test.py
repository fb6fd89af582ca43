"""One replica, or two, against a real Apache Kafka and a real ClickHouse: crashes, outages, large
and broken records. Each test reconciles by (topic, partition, offset)."""
import json
import os
import signal
import struct
import threading
import time

import pytest

from tests.harness import net
from tests.harness.clickhouse import DevClickHouse
from tests.harness.kafka import ApacheKafka
from tests.harness.replica import FRAME, MAGIC, Replica, make_spec, worker_path
from tests.process.replica_mock_test import COLUMNS, FAST, documents, make_tables, wait_rows

BIG_BATCHES = {"streaming_max_insert_wait_ms": 500, "penstock_batch_rows": 20000}


@pytest.fixture(scope="module", name="kafka")
def fixture_kafka():
    with ApacheKafka() as kafka:
        yield kafka


@pytest.fixture(name="clickhouse")
def fixture_clickhouse(kafka):
    if not kafka.process.is_alive():  # a test that failed left it dead
        kafka.restart()
    with DevClickHouse() as clickhouse:
        yield clickhouse


def stored(clickhouse, table):
    """{(partition, offset): times} of the target and of the error table."""
    counts = {}
    for sql in (
            f"SELECT _partition AS p, _offset AS o, count() AS n FROM {table} GROUP BY p, o",
            f"SELECT record_partition AS p, record_offset AS o, count() AS n "
            f"FROM {table}_clickpipes_error GROUP BY p, o"):
        for row in clickhouse.rows(sql):
            key = (row["p"], row["o"])
            counts[key] = counts.get(key, 0) + row["n"]
    return counts


def reconcile(clickhouse, table, produced):
    """Every produced record is stored; returns how many were stored more than once."""
    counts = stored(clickhouse, table)
    missing = [record for record in produced if record not in counts]
    assert not missing, f"{len(missing)} of {len(produced)} lost, first {missing[:3]}"
    assert len(counts) == len(set(produced)), "records that were never produced"
    return sum(times - 1 for times in counts.values())


class Producing:
    """Produces in a thread of its own until it is stopped."""

    def __init__(self, kafka, topic, step=2000, pause_s=0.02):
        self.kafka, self.topic, self.step, self.pause_s = kafka, topic, step, pause_s
        self.produced = []
        self.failure = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        try:
            while not self._stop.is_set():
                self.produced += self.kafka.produce(
                    self.topic, documents(self.step, len(self.produced)))
                time.sleep(self.pause_s)
        except Exception as problem:  # pylint: disable=broad-except
            self.failure = problem

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *unused):
        self._stop.set()
        self._thread.join(180)
        assert self.failure is None, self.failure


def settled(replica, count, timeout_s=60):
    replica.wait(
        lambda r: r.unsettled == 0 and r.counters.get("fetched_records", 0) >= count, timeout_s,
        f"{count} settled")


def test_kill9_mid_stream_loses_nothing(kafka, clickhouse, tmp_path):
    topic = kafka.create_topic("kill9", 6)
    make_tables(clickhouse, "kill9")
    spec = make_spec(kafka.bootstrap, topic, clickhouse, "kill9", COLUMNS, group="g-kill9", settings=BIG_BATCHES)
    with Producing(kafka, topic) as producing:
        for life in range(3):
            with Replica(spec, str(tmp_path / "log")) as replica:
                wait_rows(replica, clickhouse, "kill9", 5000 * (life + 1), 60)
                replica.wait(lambda r: r.unsettled > 0, 20, "something under way")
                replica.kill9()
    started = time.monotonic()
    with Replica(spec, str(tmp_path / "log")) as replica:
        wanted = len(producing.produced)
        net.wait_until(lambda: len(stored(clickhouse, "kill9")) >= wanted, 60, "all records", 0.3)
        back_s = time.monotonic() - started
        assert replica.terminate() == 0
    doubled = reconcile(clickhouse, "kill9", producing.produced)
    print(f"kill -9 three times: {wanted} records, {doubled} doubled, last back after {back_s:.1f} s")
    assert doubled <= 3 * 2 * 20000


def test_clickhouse_away_no_rebalance_no_loss(kafka, clickhouse, tmp_path):
    topic = kafka.create_topic("away", 3)
    make_tables(clickhouse, "away")
    spec = make_spec(kafka.bootstrap, topic, clickhouse, "away", COLUMNS, group="g-away", settings=BIG_BATCHES)
    with Replica(spec, str(tmp_path / "log")) as replica:
        with Producing(kafka, topic) as producing:
            wait_rows(replica, clickhouse, "away", 5000)
            clickhouse.kill9()
            replica.wait(lambda r: r.state == "waiting", 20, "waiting told")
            assert replica.reasons()[-1] == "DESTINATION_UNREACHABLE"
            time.sleep(10)
            assert replica.state == "waiting" and replica.resident_bytes < 512 << 20
            clickhouse.restart()
            replica.wait(lambda r: r.state == "running" and r.reasons()[-1] == "", 40, "well again")
        settled(replica, len(producing.produced))
        assert replica.counters["rebalances"] == 1
        assert replica.counters["insert_retries"] > 0
        assert replica.terminate() == 0
    print("ClickHouse away: doubled", reconcile(clickhouse, "away", producing.produced))


def test_broker_killed_mid_stream(kafka, clickhouse, tmp_path):
    topic = kafka.create_topic("broker", 3)
    make_tables(clickhouse, "broker")
    spec = make_spec(kafka.bootstrap, topic, clickhouse, "broker", COLUMNS, group="g-broker", settings=BIG_BATCHES)
    with Replica(spec, str(tmp_path / "log")) as replica:
        with Producing(kafka, topic) as producing:
            wait_rows(replica, clickhouse, "broker", 5000)
            kafka.kill9()
            replica.wait(lambda r: r.reasons()[-1:] == ["SOURCE_UNREACHABLE"], 30, "outage told")
            kafka.restart()
            replica.wait(lambda r: r.reasons()[-1] == "" and r.state == "running", 60, "well again")
        wanted = len(producing.produced)
        net.wait_until(lambda: len(stored(clickhouse, "broker")) >= wanted, 60, "all records", 0.3)
        assert replica.terminate() == 0
    # The producer may have written some records twice when the broker died: those have offsets of
    # their own, which the test never heard of.
    counts = stored(clickhouse, "broker")
    assert set(producing.produced) <= set(counts)
    ends = kafka.end_offsets(topic)
    assert set(counts) == {(p, o) for p, end in ends.items() for o in range(end)}
    print("broker killed: doubled", sum(counts.values()) - len(counts))


def test_sigterm_while_the_broker_is_away(kafka, clickhouse, tmp_path):
    topic = kafka.create_topic("gone", 1)
    make_tables(clickhouse, "gone")
    spec = make_spec(kafka.bootstrap, topic, clickhouse, "gone", COLUMNS, group="g-gone", settings=FAST)
    with Replica(spec, str(tmp_path / "log")) as replica:
        replica.wait_running()
        kafka.kill9()
        try:
            replica.wait(lambda r: r.state == "waiting", 30, "outage told")
            assert replica.terminate(19) == 0
        finally:
            kafka.restart()


def test_malformed_records_land_in_the_error_table(kafka, clickhouse, tmp_path):
    topic = kafka.create_topic("malformed", 3)
    make_tables(clickhouse, "malformed")
    broken = [b'{"id": 1', b"plain text", b"", b'{"id": "x"}', b'{"id": -1}', b"\xff\xfe", b"[1]"]
    records = documents(20000)
    for i in range(0, 20000, 100):
        records[i] = (b"k", broken[i // 100 % len(broken)])
    produced = kafka.produce(topic, records)
    bad = {produced[i]: records[i][1] for i in range(0, 20000, 100)}
    spec = make_spec(kafka.bootstrap, topic, clickhouse, "malformed", COLUMNS, group="g-malformed", settings=FAST)
    with Replica(spec, str(tmp_path / "log")) as replica:
        settled(replica, 20000)
        assert replica.counters["rejected_records"] == 200
        assert replica.counters["sent_records"] == 19800
        assert replica.terminate() == 0
    found = clickhouse.rows(
        "SELECT record_partition AS p, record_offset AS o, hex(record_value) AS v, record_topic AS t "
        "FROM malformed_clickpipes_error")
    assert {(row["p"], row["o"]): bytes.fromhex(row["v"]) for row in found} == bad
    assert {row["t"] for row in found} == {topic}
    assert reconcile(clickhouse, "malformed", produced) == 0


def test_two_replicas_share_six_partitions(kafka, clickhouse, tmp_path):
    topic = kafka.create_topic("six", 6)
    make_tables(clickhouse, "six")

    def replica(index):
        return Replica(make_spec(
            kafka.bootstrap, topic, clickhouse, "six", COLUMNS, group="g-six", settings=FAST,
            index=index), str(tmp_path / f"log{index}"))

    with replica(0) as first, Producing(kafka, topic, 500) as producing:
        wait_rows(first, clickhouse, "six", 1000)
        with replica(1) as second:
            second.wait(lambda r: len(r.partitions) == 3, 60, "three partitions")
            second.wait(lambda r: r.counters["fetched_records"] > 2000, 60, "the second reads")
            assert second.terminate() == 0
        before = first.counters["fetched_records"]
        first.wait(lambda r: r.counters["fetched_records"] > before + 3000, 60, "the first goes on")
        producing.__exit__()
        wanted = len(producing.produced)
        net.wait_until(lambda: len(stored(clickhouse, "six")) >= wanted, 60, "all records", 0.3)
        assert first.terminate() == 0
    # Both joins and leaves were drained, so nothing is doubled either.
    assert reconcile(clickhouse, "six", producing.produced) == 0


def test_a_17_mb_message_and_its_neighbours(kafka, clickhouse, tmp_path):
    topic = kafka.create_topic("large", 1, {"max.message.bytes": "25000000"})
    make_tables(clickhouse, "large")
    fits = json.dumps({"id": 1, "name": "a" * (15 << 20)}).encode()
    large = json.dumps({"id": 2, "name": "b" * (17 << 20)}).encode()
    records = [(b"1", fits), (b"2", large), (b"3", b'{"id": 3, "name": "c"}')]
    produced = kafka.produce(topic, records)
    spec = make_spec(kafka.bootstrap, topic, clickhouse, "large", COLUMNS, group="g-large", settings=FAST)
    with Replica(spec, str(tmp_path / "log")) as replica:
        settled(replica, 3)
        assert replica.resident_bytes < 512 << 20
        assert replica.terminate() == 0
    assert clickhouse.query("SELECT id, length(name) FROM large ORDER BY id") == f"1\t{15 << 20}\n3\t1\n"
    error = clickhouse.rows(
        "SELECT error_type, error_msg, record_offset, length(record_value) AS n "
        "FROM large_clickpipes_error")
    assert [(row["error_type"], row["record_offset"], row["n"]) for row in error] == [
        ("RECORD_TOO_LARGE", produced[1][1], 65536)]
    assert str(len(large)) in error[0]["error_msg"]


def test_deleted_records_are_a_visible_gap(kafka, clickhouse, tmp_path):
    topic = kafka.create_topic("gap", 1, {"retention.ms": "5000", "segment.ms": "1000"})
    make_tables(clickhouse, "gap")
    spec = make_spec(kafka.bootstrap, topic, clickhouse, "gap", COLUMNS, group="g-gap", settings=FAST)
    kafka.produce(topic, documents(100))
    with Replica(spec, str(tmp_path / "log")) as replica:
        settled(replica, 100)
        assert replica.terminate() == 0
    kafka.produce(topic, documents(50, 100))
    net.wait_until(lambda: kafka.begin_offsets(topic)[0] == 150, 60, "retention", 0.3)
    kafka.produce(topic, documents(50, 150))
    with Replica(spec, str(tmp_path / "log")) as replica:
        replica.wait(lambda r: "offset_gap" in r.event_names(), 30, "gap told")
        details = json.loads([event for event in replica.events if event[0] == "offset_gap"][0][3])
        assert details == {"topic": topic, "partition": 0, "from": 100, "to": 150, "count": 50}
        settled(replica, 50)
        assert replica.terminate() == 0
    assert clickhouse.value("SELECT count(), min(id), max(id) FROM gap WHERE id >= 100") == "50\t150\t199"


def test_a_topic_made_again_is_followed(kafka, clickhouse, tmp_path):
    topic = kafka.create_topic("remade", 1)
    make_tables(clickhouse, "remade")
    spec = make_spec(kafka.bootstrap, topic, clickhouse, "remade", COLUMNS, group="g-remade", settings=FAST)
    kafka.produce(topic, documents(100))
    with Replica(spec, str(tmp_path / "log")) as replica:
        settled(replica, 100)
        kafka.delete_topic(topic)
        kafka.create_topic("remade", 1)
        kafka.produce(topic, documents(30, 1000))
        wait_rows(replica, clickhouse, "remade", 130, 60)
        assert "topic_recreated" in replica.event_names()
        assert replica.terminate() == 0
    assert kafka.committed("g-remade", topic) == {0: 30}


def test_transaction_markers_are_stepped_over(kafka, clickhouse, tmp_path):
    import confluent_kafka

    topic = kafka.create_topic("transactions", 1)
    make_tables(clickhouse, "transactions")
    producer = confluent_kafka.Producer(kafka.client_config(**{"transactional.id": "t"}))
    producer.init_transactions(30)
    for number, is_kept in enumerate((True, False, True)):
        producer.begin_transaction()
        for key, value in documents(10, number * 10):
            producer.produce(topic, key=key, value=value)
        producer.flush(30)
        (producer.commit_transaction if is_kept else producer.abort_transaction)(30)
    spec = make_spec(
        kafka.bootstrap, topic, clickhouse, "transactions", COLUMNS, group="g-transactions",
        settings={"kafka_read_committed": True, **FAST})
    with Replica(spec, str(tmp_path / "log")) as replica:
        wait_rows(replica, clickhouse, "transactions", 20)
        replica.wait(lambda r: r.partitions[(topic, 0)][:2] == (33, 33), 20, "no lag left")
        assert replica.terminate() == 0
    assert clickhouse.value("SELECT groupArray(id) = arrayConcat(range(10), range(20, 30)) "
                            "FROM (SELECT id FROM transactions ORDER BY id)") == "1"


def test_an_unknown_topic_is_waited_for(kafka, clickhouse, tmp_path):
    make_tables(clickhouse, "notopic")
    spec = make_spec(kafka.bootstrap, "not-there", clickhouse, "notopic", COLUMNS, group="g-notopic",
                     settings={"penstock_source_timeout_s": 4})
    with Replica(spec, str(tmp_path / "log")) as replica:
        replica.wait(lambda r: "TOPIC_NOT_FOUND" in r.reasons(), 20, "topic missed")
        assert replica.wait_end(30) == 4
        assert ("failed", "TOPIC_NOT_FOUND") in [event[:2] for event in replica.events]


def sasl_spec(kafka, clickhouse, password, **options):
    user = kafka.users["plain"]
    return make_spec(
        "SASL_PLAINTEXT://" + kafka.listeners["SASL_PLAINTEXT"], "login", clickhouse, "login", COLUMNS,
        group="g-login", settings=FAST, source={"authentication": "PLAIN"},
        secrets={"kafka": {"username": user["username"], "password": password}}, **options)


def test_logins(kafka, clickhouse, tmp_path):
    kafka.create_topic("login", 1)
    make_tables(clickhouse, "login")
    kafka.produce("login", documents(10))
    with Replica(sasl_spec(kafka, clickhouse, "wrong"), str(tmp_path / "log")) as replica:
        assert replica.wait_end(40) == 4
        assert replica.events[-1][:2] == ("failed", "SOURCE_AUTHENTICATION")
    with Replica(sasl_spec(kafka, clickhouse, kafka.users["plain"]["password"]),
                 str(tmp_path / "log")) as replica:
        settled(replica, 10)
        assert replica.terminate() == 0


def probe(definition, secrets, deadline_ms=8000):
    """Ask `penstock-worker --probe`; returns the answer and the seconds it took."""
    question = json.dumps({"kind": "connection", "definition": definition, "secrets": secrets,
                           "deadlineMs": deadline_ms}).encode()
    spec_read, spec_write = os.pipe()
    answer_read, answer_write = os.pipe()
    os.write(spec_write, FRAME.pack(MAGIC, 1, 1, len(question), 0) + question)
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        high = [os.dup(fd) for fd in (spec_read, answer_write)]
        while min(high) < 10:
            high = [os.dup(fd) for fd in high]
        os.dup2(high[0], 3, inheritable=True)
        os.dup2(high[1], 4, inheritable=True)
        signal.alarm(60)
        os.execv(worker_path(), [worker_path(), "--probe"])
    os.close(spec_read)
    os.close(answer_write)
    answer = b""
    while True:
        more = os.read(answer_read, 65536)
        if not more:
            break
        answer += more
    took_s = time.monotonic() - started
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(spec_write)
    os.close(answer_read)
    magic, version, kind, length, _ = FRAME.unpack_from(answer)
    assert (magic, version, kind, length) == (MAGIC, 1, 3, len(answer) - FRAME.size)
    return json.loads(answer[FRAME.size:]), took_s


def test_probe_tells_why(kafka, clickhouse):
    kafka.create_topic("probed", 1)

    def ask(brokers, topics="probed", source=None, secrets=None):
        spec = make_spec(brokers, topics, clickhouse, "t", COLUMNS, source=source or {},
                         secrets=secrets or {})
        return probe(spec["definition"], spec["secrets"])

    plain = {"authentication": "PLAIN"}
    user = kafka.users["plain"]
    bob = kafka.users["scramSha256"]
    sasl = "SASL_PLAINTEXT://" + kafka.listeners["SASL_PLAINTEXT"]
    right = {"kafka": {"username": user["username"], "password": user["password"]}}
    wrong = {"kafka": {"username": user["username"], "password": "wrong"}}
    assert ask(kafka.bootstrap)[0]["ok"] is True
    assert ask(sasl, source=plain, secrets=right)[0]["ok"] is True
    cases = [
        (ask(kafka.bootstrap, "not-there"), "TOPIC_NOT_FOUND", "not-there"),
        (ask(f"127.0.0.1:{net.free_port()}"), "SOURCE_UNREACHABLE", "refused"),
        (ask(sasl, source=plain, secrets=wrong), "SOURCE_AUTHENTICATION", ""),
        (ask(sasl, source={"authentication": "SCRAM-SHA-256"}, secrets={
            "kafka": {"username": bob["username"], "password": "wrong"}}),
         "SOURCE_AUTHENTICATION", "2.6.1"),
        (ask("SSL://" + kafka.listeners["SSL"]), "SOURCE_UNREACHABLE", "certificate"),
    ]
    for (answer, took_s), code, part in cases:
        assert answer["ok"] is False and answer["code"] == code, answer
        assert part in answer["message"].lower(), answer
        assert took_s < 8, (code, took_s)


def test_frames_are_what_protocol_h_says():
    assert FRAME.size == 16 and struct.calcsize("=IHHIIq") == 24
