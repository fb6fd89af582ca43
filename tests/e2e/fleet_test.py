"""Many idle pipes on one host (PENSTOCK_FLEET_PIPES, 60; `make test-thousand`: 1,000): all run, statements to PostgreSQL
do not grow with them, the supervisor costs a small part of what its replicas cost, a record reaches every pipe of
its topic, and the end is a clean one. With a thousand, and only then, times are asserted too: all run within 60 s, the
supervisor takes less than 2 % of a core, half of the lists of summaries come within 100 ms. bench/thousand.py prints
the same as numbers."""
import os
import pathlib
import resource
import statistics
import time

import pytest

from tests.harness import net
from tests.harness.children import children
from tests.harness.fleet import Fleet, Memory
from tests.harness.penstock import Penstock, kafka_pipe

PIPES = int(os.environ.get("PENSTOCK_FLEET_PIPES", "60"))
FEW = 10
TOPICS = ("fleet_0", "fleet_1", "fleet_2")
WINDOW_S = 10
WINDOWS_MAX = 4
RATE_MAX = 10  # statements a second
LISTS = 21
MB = 1024 * 1024
KAFKA_SLACK_NS = 2000000


@pytest.fixture(scope="module")
def penstock(database, clickhouse):
    env = {"PENSTOCK_LOG_LEVEL": "info", "PENSTOCK_WORKER_MEMORY_GB": "0", "PENSTOCK_WORKER_CPU_MILLICORES": "0"}
    with Penstock(database.url, env=env) as programs:
        programs.create_service(clickhouse.url)
        yield programs


def start_with_few_descriptors(penstock):
    """A worker under a soft limit that its replicas' pipes alone exceed, as a service manager may set: it raises it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(PIPES, soft), hard))
    try:
        return penstock.start_worker()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def slacks_ns(pids):
    """By how much librdkafka's threads may be woken late: what keeps it from spinning before its timers."""
    threads = [folder for pid in pids for folder in pathlib.Path(f"/proc/{pid}/task").iterdir()
               if (folder / "comm").read_text(encoding="ascii").startswith("rdk:")]
    assert len(threads) >= 3 * len(pids)
    return {int(pathlib.Path(f"/proc/{folder.name}/timerslack_ns").read_text(encoding="ascii")) for folder in threads}


def idle(fleet, worker):
    """What the fleet costs while nothing happens: events of its start may still come in the first windows."""
    for _ in range(WINDOWS_MAX):
        with fleet.window(worker.pid) as cost:
            time.sleep(WINDOW_S)  # the length of a measurement, not a wait for something
        if cost.statements / cost.seconds < RATE_MAX:
            break
    return cost


def list_median_s(penstock):
    """Of the list of summaries, while all replicas run beside it."""
    times = []
    for _ in range(LISTS):
        started = time.monotonic()
        assert penstock.request("GET", f"{penstock.pipes_path}/summary").status == 200
        times.append(time.monotonic() - started)
    return statistics.median(times)


def test_many_idle_pipes_cost_little(penstock, database, kafka, clickhouse):
    for topic in TOPICS:
        kafka.create_topic(topic)
    template = penstock.create_pipe(kafka_pipe("fleet", kafka.bootstrap, TOPICS[0], "fleet", {"id": "UInt64"}))["id"]
    penstock.command_pipe(template, "stop")
    worker = start_with_few_descriptors(penstock)
    fleet = Fleet(database, template)
    fleet.grow(FEW, TOPICS)
    fleet.wait_running(120)
    few = idle(fleet, worker)
    started = time.monotonic()
    fleet.grow(PIPES - FEW, TOPICS)
    fleet.wait_running(120 + PIPES)
    start_s = time.monotonic() - started
    many = idle(fleet, worker)
    pids = children(worker.pid)
    assert len(pids) == PIPES
    assert slacks_ns(pids) == {KAFKA_SLACK_NS}
    # Looks at what is wanted, leases, samples and two statements for all reports: by time, not by pipe.
    rate = many.statements / many.seconds
    assert rate < RATE_MAX, f"{rate:.1f} statements a second"
    assert rate < 2 * few.statements / few.seconds + 2
    assert many.supervisor_s < 0.2 * many.replicas_s + 0.05
    if PIPES >= 1000:
        assert start_s < 60
        assert many.supervisor_s / many.seconds < 0.02
        assert list_median_s(penstock) < 0.1
    # Nothing is set aside for records before there is one.
    assert Memory(pids).private_bytes / PIPES < 8 * MB
    assert len(penstock.result("GET", f"{penstock.pipes_path}/summary")) == PIPES + 1

    kafka.produce(TOPICS[1], [(None, b'{"id":7}')])
    expected = sum(1 for number in range(PIPES) if number % len(TOPICS) == 1)
    net.wait_until(
        lambda: int(clickhouse.query("SELECT count() FROM fleet WHERE id = 7")) == expected, 120,
        f"{expected} rows of one record")
    assert sorted(children(worker.pid)) == sorted(pids), "no replica was started again"

    assert worker.stop(120) == 0
    assert database.query("SELECT count(*) FROM pipe_replica WHERE owner IS NOT NULL") == "0"
