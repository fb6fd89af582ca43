"""penstock-demo-events: what it says it produced is what the topic holds."""
import json
import os
import signal
import subprocess
import time

import pytest

from tests.harness import net, paths, proc
from tests.harness.kafka import ApacheKafka, MockKafka


@pytest.fixture(scope="module")
def mock():
    with MockKafka() as kafka:
        yield kafka


@pytest.fixture
def folder():
    path = paths.scratch("penstock-events-")
    yield path
    subprocess.run(["rm", "-rf", path], check=True)


def run(kafka, topic, folder, *arguments):
    """Run to the end; the statistics."""
    stats = os.path.join(folder, "stats")
    done = subprocess.run(
        [paths.program("penstock-demo-events"), "--brokers", kafka.bootstrap, "--topic", topic,
         "--stats-file", stats, *arguments], check=False, timeout=120, stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr.decode()
    with open(stats, encoding="utf-8") as text:
        return json.load(text)


def is_json_object(value):
    def refuse(word):
        raise ValueError(word)

    try:
        return isinstance(json.loads(value.decode("utf-8"), parse_constant=refuse), dict)
    except ValueError:
        return False


def test_statistics_are_what_the_topic_holds(mock, folder):
    mock.create_topic("counted", 8)
    stats = run(mock, "counted", folder, "--count", "20000", "--malformed-percent", "2")
    messages = mock.read("counted")
    assert stats["done"] and stats["failed"] == 0
    assert stats["produced"] == len(messages) == 20000
    assert stats["bytes"] == sum(len(message.value()) for message in messages)
    assert stats["partitions"] == [mock.end_offsets("counted")[n] for n in range(8)]
    broken = sum(not is_json_object(message.value()) for message in messages)
    # The rest of the malformed ones are JSON of the wrong type.
    assert 0 < broken < stats["malformed"] < 20000 * 0.05


def test_records_carry_key_headers_and_no_null_value(mock, folder):
    mock.create_topic("carried", 4)
    run(mock, "carried", folder, "--count", "2000", "--malformed-percent", "50")
    messages = mock.read("carried")
    assert all(message.value() is not None for message in messages)
    assert any(message.value() == b"" for message in messages)
    for message in messages:
        headers = dict(message.headers())
        assert headers["source"].decode().isascii() and len(headers["trace-id"]) == 32
        if is_json_object(message.value()):
            customer = json.loads(message.value())["customer"]
            assert customer == "guest" or int(message.key()) == customer["id"]


def without_times(value):
    order = json.loads(value)
    return {name: order[name] for name in order if name not in ("created_at", "deliver_on")}


def test_the_same_seed_gives_the_same_records(mock, folder):
    values = []
    for topic, seed in (("seeded1", "7"), ("seeded2", "7"), ("seeded3", "8")):
        mock.create_topic(topic, 1)
        run(mock, topic, folder, "--count", "500", "--malformed-percent", "0", "--seed", seed)
        values.append([without_times(message.value()) for message in mock.read(topic)])
    assert values[0] == values[1] != values[2]


def test_first_continues_where_an_earlier_run_ended(mock, folder):
    mock.create_topic("continued", 1)
    run(mock, "continued", folder, "--count", "10", "--malformed-percent", "0")
    run(mock, "continued", folder, "--count", "10", "--malformed-percent", "0", "--first", "10")
    numbers = [json.loads(message.value())["number"] for message in mock.read("continued")]
    assert numbers == [1000000 + n for n in range(20)]


def test_rate_is_kept_and_sigterm_flushes(mock, folder):
    mock.create_topic("paced", 4)
    stats_file = os.path.join(folder, "stats")
    child = proc.Process(
        "penstock-demo-events",
        [paths.program("penstock-demo-events"), "--brokers", mock.bootstrap, "--topic", "paced", "--rate",
         "2000", "--stats-file", stats_file, "--die-with-parent"], os.path.join(folder, "log"))
    child.start()

    def produced():
        try:
            with open(stats_file, encoding="utf-8") as text:
                return json.load(text)["produced"] >= 2000
        except FileNotFoundError:
            return False

    started = time.monotonic()
    child.wait_ready(produced, 30)
    assert time.monotonic() - started > 0.5, "2,000 records at 2,000 per second take about a second"
    child.signal(signal.SIGTERM)
    assert child.wait(20) == 0
    with open(stats_file, encoding="utf-8") as text:
        stats = json.load(text)
    assert stats["done"] and stats["failed"] == 0
    assert stats["produced"] == sum(mock.end_offsets("paced").values())
    assert stats["produced"] <= 2000 * (stats["elapsedMs"] / 1000 + 1)


def test_a_missing_topic_is_created_on_a_real_broker(folder):
    with ApacheKafka() as kafka:
        run(kafka, "made", folder, "--partitions", "5", "--count", "100", "--compression", "zstd")
        assert kafka.topics()["made"] == 5
        assert len(kafka.read("made")) == 100
        done = subprocess.run(
            [paths.program("penstock-demo-events"), "--brokers", kafka.bootstrap, "--topic", "only-made",
             "--partitions", "2", "--create-only"], check=False, timeout=60)
        assert done.returncode == 0
        assert kafka.topics()["only-made"] == 2 and kafka.read("only-made") == []


@pytest.mark.parametrize("arguments, code", [
    (["--help"], 0), (["--version"], 0), ([], 2), (["--brokers", "x:1"], 2),
    (["--brokers", "x:1", "--topic", "t", "--rate", "-1"], 2),
    (["--brokers", "x:1", "--topic", "t", "--malformed-percent", "51"], 2),
    (["--brokers", "x:1", "--topic", "t", "--partitions", "0"], 2),
    (["--brokers", "x:1", "--topic", "t", "--compression", "rar"], 2),
    (["--brokers", "x:1", "--topic", "t", "extra"], 2), (["--nosuch"], 2),
    (["--brokers", f"127.0.0.1:{net.free_port()}", "--topic", "t"], 3),
])
def test_exit_codes(arguments, code):
    done = subprocess.run(
        [paths.program("penstock-demo-events"), *arguments], check=False, timeout=60,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == code
    assert done.stdout or done.stderr
