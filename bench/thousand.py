#!/usr/bin/python3
"""What many idle pipes cost: make bench-thousand, or bench/thousand.py [--pipes N] [--seconds N] [--topics N].

One Apache Kafka, ClickHouse engine, PostgreSQL, api and worker on this machine; N pipes of one replica each on a few
empty topics. Printed: how long and how much CPU the start took, memory and threads of the replicas, CPU of supervisor,
replicas, PostgreSQL and Kafka while nothing happens, statements per second, the api's list of summaries, the time from
a record's write to its row in one of them, and the end. Nothing is asserted. A thousand replicas need about 8 GB.
"""
import argparse
import base64
import http.client
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.measure import machine, say  # noqa: E402
from tests.harness import librdkafka, net  # noqa: E402
from tests.harness.clickhouse import DevClickHouse  # noqa: E402
from tests.harness.children import children  # noqa: E402
from tests.harness.fleet import Fleet, Memory  # noqa: E402
from tests.harness.kafka import ApacheKafka, MockKafka  # noqa: E402
from tests.harness.penstock import Penstock, kafka_pipe  # noqa: E402
from tests.harness.postgres import PrivatePostgres  # noqa: E402

MB = 1024 * 1024
LEAST_FREE_BYTES = 5 * 1024 * MB
SUMMARY_REQUESTS = 100


def free_bytes():
    with open("/proc/meminfo", encoding="ascii") as file:
        for line in file:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return 0


def line(what, value, unit="", note=""):
    say(f"{what:44}{value:>12} {unit:8}{note}")


def grown(fleet, options, topics, worker):
    """All pipes in steps, so that a machine without the memory for them is not driven into the wall."""
    started = time.monotonic()
    with fleet.window(worker.pid) as cost:
        fleet.grow(options.pipes, topics)
        deadline = started + options.start_timeout

        def there():
            if free_bytes() < LEAST_FREE_BYTES:
                raise SystemExit(f"bench-thousand: less than 5 GB left after {fleet.running()} pipes: stopped")
            if time.monotonic() > deadline:
                say(f"only {fleet.running()} of {options.pipes} pipes run after {options.start_timeout} s")
                return True
            return fleet.running() >= fleet.count

        net.wait_until(there, options.start_timeout + 60, "all pipes running", 0.25)
    line("start of all", f"{time.monotonic() - started:.1f}", "s", "goal 60")
    report_cost("start: CPU of", cost, 1.0, "CPU s")


def report_cost(what, cost, divide_s, unit):
    for name, value in (("supervisor", cost.supervisor_s), ("all replicas", cost.replicas_s),
                        ("PostgreSQL", cost.postgres_s), *cost.others_s.items()):
        line(f"{what} {name}", f"{value / divide_s:.2f}", unit)


def summaries(penstock):
    pair = base64.b64encode(f"{penstock.key_id}:{penstock.key_secret}".encode()).decode()
    connection = http.client.HTTPConnection("127.0.0.1", penstock.port, timeout=60)
    times = []
    for _ in range(SUMMARY_REQUESTS):
        started = time.monotonic()
        connection.request("GET", f"{penstock.pipes_path}/summary", headers={"Authorization": f"Basic {pair}"})
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise SystemExit(f"bench-thousand: summaries: HTTP {response.status}: {body[:300]!r}")
        times.append((time.monotonic() - started) * 1000)
    connection.close()
    times.sort()
    line("list of summaries, p50", f"{times[len(times) // 2]:.1f}", "ms")
    line("list of summaries, p99", f"{times[len(times) * 99 // 100]:.1f}", "ms", "goal 100")


def measure(options, broker, database, clickhouse, penstock):
    topics = [f"idle_{number}" for number in range(options.topics)]
    for topic in topics:
        broker.create_topic(topic, options.partitions)
    service = penstock.create_service(clickhouse.url)
    template = penstock.create_pipe(kafka_pipe(
        "idle", broker.bootstrap, topics[0], "idle",
        {"id": "UInt64", "name": "String", "at": "DateTime64(3)", "tags": "Array(String)"}))["id"]
    penstock.command_pipe(template, "stop")
    worker = penstock.start_worker()
    others = {"Kafka": broker.pid, "ClickHouse": clickhouse.process.pid, "api": penstock.api.pid}
    fleet = Fleet(database, template, others)
    line("memory available before", f"{free_bytes() / MB:.0f}", "MB")
    grown(fleet, options, topics, worker)
    time.sleep(options.settle)
    memory = Memory(children(worker.pid))
    line("memory available after", f"{free_bytes() / MB:.0f}", "MB")
    line("replica: resident", f"{memory.rss_bytes / memory.count / MB:.2f}", "MB")
    line("replica: proportional (PSS)", f"{memory.pss_bytes / memory.count / MB:.2f}", "MB")
    line("replica: private", f"{memory.private_bytes / memory.count / MB:.2f}", "MB")
    line("replica: threads", f"{memory.threads / memory.count:.1f}")
    line("supervisor: resident", f"{Memory([worker.pid]).rss_bytes / MB:.1f}", "MB")
    with fleet.window(worker.pid) as cost:
        time.sleep(options.seconds)
    report_cost("idle: CPU of", cost, cost.seconds / 100, "% core")
    line("idle: CPU of one replica", f"{cost.replicas_s / cost.seconds / memory.count * 1e6:.0f}", "us/s")
    line("idle: PostgreSQL transactions", f"{cost.statements / cost.seconds:.1f}", "1/s")
    line("idle: wake-ups of one replica", f"{cost.switches / cost.seconds / memory.count:.1f}", "1/s")
    summaries(penstock)
    started = time.monotonic()
    before = int(clickhouse.query("SELECT count() FROM idle"))
    broker.produce(topics[0], [(None, b'{"id":1,"name":"a","at":"2026-01-01 00:00:00.000","tags":["x"]}')])
    expected = sum(1 for number in range(fleet.count) if number % len(topics) == 0)
    net.wait_until(lambda: int(clickhouse.query("SELECT count() FROM idle")) >= before + expected, 120,
                   f"{expected} rows", 0.2)
    line(f"one record to all {expected} pipes of its topic", f"{time.monotonic() - started:.1f}", "s")
    memory = Memory(children(worker.pid))
    line("replica after its first record: private", f"{memory.private_bytes / memory.count / MB:.2f}", "MB")
    started = time.monotonic()
    worker.stop(120)
    line("drain and end of all", f"{time.monotonic() - started:.1f}", "s")
    return service


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pipes", type=int, default=1000, help="how many (1000)")
    parser.add_argument("--seconds", type=int, default=30, help="idle time that is measured (30)")
    parser.add_argument("--settle", type=int, default=15, help="idle time before it (15)")
    parser.add_argument("--topics", type=int, default=4, help="over which the pipes are spread (4)")
    parser.add_argument("--partitions", type=int, default=1, help="of each topic (1)")
    parser.add_argument("--start-timeout", type=int, default=300, help="seconds (300)")
    parser.add_argument("--librdkafka", choices=("system", "newest"), default="system", help="that replicas run on")
    parser.add_argument("--kafka", choices=("apache", "mock"), default="apache")
    options = parser.parse_args()
    say(machine().partition(";")[0])
    kafka = ApacheKafka() if options.kafka == "apache" else MockKafka()
    env = {"PENSTOCK_LOG_LEVEL": "info", "PENSTOCK_WORKER_MEMORY_GB": "0", "PENSTOCK_WORKER_CPU_MILLICORES": "0",
           **librdkafka.environment(options.librdkafka)}
    with PrivatePostgres() as database, DevClickHouse() as clickhouse, kafka as broker, \
            Penstock(database.url, env=env) as penstock:
        measure(options, broker, database, clickhouse, penstock)


if __name__ == "__main__":
    main()
