"""The development brokers and their harness: what the other tests rely on, tried by itself."""
import os
import signal
import subprocess

import confluent_kafka
import pytest

from tests.harness import net, paths, proc
from tests.harness.kafka import APACHE_KAFKA, ApacheKafka, KafkaError, MockKafka

RECORDS = [
    (b"k1", b'{"a":1}', [("h", b"1"), ("h", None), ("empty", b"")], 1700000000123, 0),
    (None, b"", None, 1700000000456, 1),
    (b"", None, None, 1700000000789, 1),
    (b"k2", "žluťoučký".encode(), None, None, None),
]


@pytest.fixture(scope="module")
def apache():
    with ApacheKafka() as kafka:
        yield kafka


@pytest.fixture(scope="module")
def mock():
    with MockKafka() as kafka:
        yield kafka


@pytest.fixture(params=["mock", "apache"])
def broker(request):
    return request.getfixturevalue(request.param)


def test_records_come_back_as_produced(broker):
    topic = broker.create_topic("roundtrip", 3)
    at = broker.produce(topic, RECORDS)
    assert at[:3] == [(0, 0), (1, 0), (1, 1)]
    messages = {(m.partition(), m.offset()): m for m in broker.read(topic)}
    assert sorted(messages) == sorted(at)
    first, empty, null, text = (messages[where] for where in at)
    assert (first.key(), first.value()) == (b"k1", b'{"a":1}')
    assert first.headers() == [("h", b"1"), ("h", None), ("empty", b"")]
    assert first.timestamp() == (confluent_kafka.TIMESTAMP_CREATE_TIME, 1700000000123)
    assert (empty.key(), empty.value()) == (None, b"")
    assert (null.key(), null.value()) == (b"", None)
    assert text.value().decode() == "žluťoučký"


def test_commit_is_kept_for_the_group(broker):
    topic = broker.create_topic("commits", 2)
    broker.produce(topic, [(None, b"x", None, None, n % 2) for n in range(20)])
    assert broker.end_offsets(topic) == {0: 10, 1: 10}
    assert broker.begin_offsets(topic) == {0: 0, 1: 0}
    assert broker.committed("committers", topic) == {0: None, 1: None}
    with broker.consumer("committers") as consumer:
        consumer.subscribe([topic])
        seen = []

        def all_seen():
            seen.extend(m for m in consumer.consume(20, timeout=0.2) if not m.error())
            return len(seen) == 20

        net.wait_until(all_seen, 30, "20 records")
        consumer.commit(
            offsets=[confluent_kafka.TopicPartition(topic, 0, 10),
                     confluent_kafka.TopicPartition(topic, 1, 7)], asynchronous=False)
    assert broker.committed("committers", topic) == {0: 10, 1: 7}


def test_an_existing_topic_is_refused(broker):
    broker.create_topic("twice", 1)
    with pytest.raises(KafkaError):
        broker.create_topic("twice", 1)


def test_apache_keeps_acknowledged_records_over_kill9(apache):
    topic = apache.create_topic("survivor", 1)
    apache.produce(topic, [(b"k", b"%d" % n) for n in range(5000)])
    before, pid = apache.bootstrap, apache.pid
    apache.kill9()
    assert not net.accepts(int(before.split(":")[1]))
    apache.restart()
    assert apache.bootstrap == before and apache.pid != pid
    assert [m.value() for m in apache.read(topic)] == [b"%d" % n for n in range(5000)]


def test_apache_expires_records_only_where_a_topic_says_so(apache):
    old = [(None, b"old", None, 1700000000000, 0)]
    kept = apache.create_topic("kept", 1)
    expiring = apache.create_topic("expiring", 1, {"retention.ms": "1000", "segment.ms": "1000"})
    apache.produce(kept, old)
    apache.produce(expiring, old)
    net.wait_until(lambda: apache.begin_offsets(expiring) == {0: 1}, 30, "retention", 0.2)
    assert apache.begin_offsets(kept) == {0: 0} and len(apache.read(kept)) == 1


@pytest.mark.parametrize("listener, config", [
    ("SASL_PLAINTEXT", {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN",
                        "user": "plain"}),
    ("SASL_PLAINTEXT", {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "SCRAM-SHA-256",
                        "user": "scramSha256"}),
    ("SASL_SSL", {"security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-512",
                  "user": "scramSha512"}),
    ("SSL", {"security.protocol": "SSL"}),
    ("MTLS", {"security.protocol": "SSL", "cert": "client"}),
])
def test_apache_logins(apache, listener, config):
    settings = dict(config, **{"bootstrap.servers": apache.listeners[listener]})
    user = apache.users.get(settings.pop("user", None))
    if user:
        settings.update({"sasl.username": user["username"], "sasl.password": user["password"]})
    cert = settings.pop("cert", None)
    if cert:
        settings.update({"ssl.certificate.location": apache.certificates[cert],
                         "ssl.key.location": apache.certificates[cert + "Key"]})
    if "SSL" in settings["security.protocol"]:
        settings["ssl.ca.location"] = apache.certificates["ca"]
    cluster = confluent_kafka.admin.AdminClient(settings).list_topics(timeout=20)
    assert len(cluster.brokers) == 1


def test_apache_wrong_password_is_refused(apache):
    errors = []
    settings = {"bootstrap.servers": apache.listeners["SASL_PLAINTEXT"],
                "security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN",
                "sasl.username": "alice", "sasl.password": "wrong", "error_cb": errors.append}
    with pytest.raises(confluent_kafka.KafkaException):
        confluent_kafka.admin.AdminClient(settings).list_topics(timeout=3)


def test_apache_script_starts_in_the_background_once():
    folder = paths.scratch("penstock-script-")
    try:
        starts = [subprocess.Popen([APACHE_KAFKA, "start", folder], stdout=subprocess.PIPE)
                  for _ in range(2)]
        told = [start.communicate(timeout=120)[0] for start in starts]
        assert [start.returncode for start in starts] == [0, 0]
        assert told[0] == told[1], "two callers at once must share one broker"
        assert subprocess.run([APACHE_KAFKA, "status", folder], check=False).returncode == 0
        assert subprocess.run([APACHE_KAFKA, "run", folder], check=False).returncode == 1
    finally:
        assert subprocess.run([APACHE_KAFKA, "kill9", folder], check=False).returncode == 0
        assert subprocess.run([APACHE_KAFKA, "status", folder], check=False).returncode == 1
        subprocess.run(["rm", "-rf", folder], check=True)


def test_mock_broker_goes_down_and_comes_up(mock):
    topic = mock.create_topic("updown", 1)
    mock.produce(topic, [(None, b"1")])
    with pytest.raises(KafkaError, match="refused"):
        mock.command(f"leader {topic} 9 1")
    mock.command("down 1")
    with pytest.raises(KafkaError):
        mock.produce(topic, [(None, b"2")], **{"message.timeout.ms": 500})
    mock.command("up 1")
    mock.produce(topic, [(None, b"3")])
    assert mock.read(topic)[-1].value() == b"3"


@pytest.mark.parametrize("line, reason", [
    ("", "empty line"), ("nonsense", "unknown command"), ("topic a", "takes 2 words"),
    ("topic a 0", "must be 1 to"), ("topic a/b 1", "not a topic name"), ("topic a x", "not a number"),
    ("down 2", "no broker 2"), ("delay 1 600001", "must be 0 to"), ("leader a 0 2", "no broker 2"),
    ("fail 0 7 1001", "must be 1 to"), ("fail 40000 7 1", "above"), ("a b c d e f", "unknown command"),
])
def test_mock_refuses_bad_commands(mock, line, reason):
    with pytest.raises(KafkaError, match=reason):
        mock.command(line)


def test_mock_ends_on_sigterm_and_with_its_parent():
    with MockKafka() as kafka:
        kafka.process.signal(signal.SIGTERM)
        assert kafka.process.wait(10) == 0
    program = paths.program("penstock-dev-kafka")
    folder = paths.scratch("penstock-orphan-")
    port_file = os.path.join(folder, "port")
    try:
        # A shell that starts the cluster, says its pid and waits; then the shell is killed.
        script = f'"{program}" --die-with-parent --port-file "{port_file}" & echo $!; wait'
        with subprocess.Popen(["/bin/sh", "-c", script], stdout=subprocess.PIPE) as shell:
            who = proc.identity(int(shell.stdout.readline()))
            net.wait_until(lambda: os.path.exists(port_file), 10, "port file")
            shell.kill()
        assert proc.wait_gone(who, 10)
    finally:
        subprocess.run(["rm", "-rf", folder], check=True)


@pytest.mark.parametrize("arguments, code", [
    (["--help"], 0), (["--version"], 0), (["--brokers", "0"], 2), (["--topic", "a"], 2),
    (["--nosuch"], 2), (["extra"], 2), (["--port-file", "/nonexistent/port"], 1),
])
def test_mock_exit_codes(arguments, code):
    done = subprocess.run(
        [paths.program("penstock-dev-kafka"), *arguments], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=20)
    assert done.returncode == code
    assert done.stdout or done.stderr
