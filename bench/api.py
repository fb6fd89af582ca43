#!/usr/bin/python3
"""What the REST api costs: make bench-api, or bench/api.py [--seconds N] [--pipes N] [--connections N].

wrk (from Debian, unpacked into the cache) asks over connections that stay open: one pipe, the list of all pipes, their
summaries; a few clients create pipes with their tables. Printed: requests per second, per CPU-second of the api and
per CPU-second of api and PostgreSQL together, median and p99. Nothing is asserted.
"""
import argparse
import base64
import concurrent.futures
import http.client
import json
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.measure import children, cpu_s, machine, say  # noqa: E402
from tests.harness import debian  # noqa: E402
from tests.harness.clickhouse import DevClickHouse  # noqa: E402
from tests.harness.penstock import Penstock, kafka_pipe  # noqa: E402
from tests.harness.postgres import PrivatePostgres  # noqa: E402

LATENCY_UNITS_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}
CREATE_CLIENTS = 4
BROKERS = "127.0.0.1:9"  # nothing listens there; without a worker no connection is tried


class Cpu:
    """CPU seconds of the api and of all PostgreSQL processes since it was made."""

    def __init__(self, penstock, database):
        self.api_pid, self.postgres_pid = penstock.api.pid, database.process.pid
        self.before = self._now()

    def _now(self):
        servers = {pid: cpu_s(pid) for pid in (self.postgres_pid, *children(self.postgres_pid))}
        return cpu_s(self.api_pid), servers

    def used(self):
        api, servers = self._now()
        return api - self.before[0], sum(value - self.before[1].get(pid, 0.0) for pid, value in servers.items())


def report(what, count, seconds, cpu, median_ms, p99_ms):
    api, database = cpu
    say(f"{what:28}{count / seconds:10.0f}{count / max(api, 0.01):14.0f}{count / max(api + database, 0.01):18.0f}"
        f"{median_ms:11.2f}{p99_ms:10.2f}")


def latency_ms(text, percentile):
    found = re.search(rf"^\s+{percentile}%\s+([\d.]+)(us|ms|s)\s*$", text, re.M)
    if found is None:
        raise SystemExit(f"bench-api: no latency in wrk's answer:\n{text}")
    value, unit = found.groups()
    return float(value) * LATENCY_UNITS_MS[unit]


def ask(options, penstock, database, wrk, what, path):
    """wrk on one path; every answer must be a 200."""
    pair = base64.b64encode(f"{penstock.key_id}:{penstock.key_secret}".encode()).decode()
    cpu = Cpu(penstock, database)
    done = subprocess.run(
        [wrk.path, "-t1", f"-c{options.connections}", f"-d{options.seconds}s", "--latency", "--timeout", "30s", "-H", f"Authorization: Basic {pair}",
         f"http://127.0.0.1:{penstock.port}{path}"],
        env=wrk.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)
    if "Non-2xx" in done.stdout:
        raise SystemExit(f"bench-api: {what}: not every answer was a 200\n{done.stdout}")
    count, seconds = re.search(r"(\d+) requests in ([\d.]+)s", done.stdout).groups()
    report(what, int(count), float(seconds), cpu.used(), latency_ms(done.stdout, 50), latency_ms(done.stdout, 99))


def create(options, penstock, database):
    """Pipes with two tables each, over connections that stay open."""
    pair = base64.b64encode(f"{penstock.key_id}:{penstock.key_secret}".encode()).decode()
    headers = {"Authorization": f"Basic {pair}", "Content-Type": "application/json; charset=utf-8"}
    deadline = time.monotonic() + options.seconds

    def client(number):
        connection = http.client.HTTPConnection("127.0.0.1", penstock.port, timeout=60)
        times = []
        while time.monotonic() < deadline:
            body = kafka_pipe("bench", BROKERS, "t", f"made_{number}_{len(times)}", {"id": "UInt64"})
            started = time.monotonic()
            connection.request("POST", penstock.pipes_path, json.dumps(body), headers)
            response = connection.getresponse()
            text = response.read()
            if response.status != 200:
                raise SystemExit(f"bench-api: create: HTTP {response.status}: {text[:500]!r}")
            times.append((time.monotonic() - started) * 1000)
        connection.close()
        return times

    cpu, started = Cpu(penstock, database), time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(CREATE_CLIENTS) as pool:
        times = sorted(value for part in pool.map(client, range(CREATE_CLIENTS)) for value in part)
    report("create (with two tables)", len(times), time.monotonic() - started, cpu.used(), times[len(times) // 2],
           times[len(times) * 99 // 100])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5, help="for each figure (5)")
    parser.add_argument("--pipes", type=int, default=1000, help="how many pipes are listed (1000)")
    parser.add_argument("--connections", type=int, default=4, help="of wrk (4)")
    options = parser.parse_args()
    wrk = debian.program("usr/bin/wrk", "wrk", "libluajit-5.1-2", "libluajit-5.1-common")
    say(machine().partition(";")[0])
    with PrivatePostgres() as database, DevClickHouse() as clickhouse, \
            Penstock(database.url, env={"PENSTOCK_LOG_LEVEL": "warn"}) as penstock:
        penstock.create_service(clickhouse.url)
        pipe = penstock.create_pipe(kafka_pipe("bench", BROKERS, "t", "bench", {"id": "UInt64", "name": "String"}))["id"]
        database.query(
            "INSERT INTO pipe (id, service_id, name, definition, consumer_group, replicas, cpu_millicores, memory_gb) SELECT "
            "gen_random_uuid(), service_id, name || n, definition, consumer_group, 1, 125, 0.5 FROM pipe, "
            f"generate_series(2, {options.pipes}) AS n WHERE id = '{pipe}'")
        database.query("INSERT INTO pipe_replica (pipe_id, replica_index) SELECT id, 0 FROM pipe")
        database.query("INSERT INTO pipe_partition SELECT id, 't', 0, 1, 2 FROM pipe")
        database.query("ANALYZE")
        say(f"{'':28}{'requests/s':>10}{'/api CPU-s':>14}{'/api+pg CPU-s':>18}{'p50 ms':>11}{'p99 ms':>10}")
        for what, path in (("GET /version", "/version"), ("GET one pipe", f"{penstock.pipes_path}/{pipe}"),
                           ("GET one summary", f"{penstock.pipes_path}/{pipe}/summary"),
                           (f"list of {options.pipes} pipes", penstock.pipes_path),
                           (f"summaries of {options.pipes}", f"{penstock.pipes_path}/summary"),
                           ("Prometheus text", f"{penstock.service_path}/prometheus")):
            ask(options, penstock, database, wrk, what, path)
        create(options, penstock, database)


if __name__ == "__main__":
    main()
