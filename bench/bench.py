#!/usr/bin/python3
"""What Penstock costs, as ratios from interleaved runs: make bench, or bench/run [options].

For a small (about 170 B) and a large (about 1 kB) JSON message:
  worker / consume   CPU of the replica, from the first message to the last row, against a program that
                     only consumes the same topic with the same librdkafka settings; both on one core
  end to end         CPU seconds of replica + ClickHouse per million messages, until merges rest
  peak RSS           of the replica
  decode / simdjson  JSON to columns against simdjson's DOM parse of the same bytes
Everything is measured now, on this machine; nothing is asserted.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.harness import net, paths  # noqa: E402
from tests.harness.clickhouse import DevClickHouse  # noqa: E402
from tests.harness.kafka import ApacheKafka  # noqa: E402
from tests.harness.penstock import Penstock, kafka_pipe  # noqa: E402
from tests.harness.postgres import PrivatePostgres  # noqa: E402

PARTITIONS = 6
TICKS = os.sysconf("SC_CLK_TCK")
CORE = {max(os.sched_getaffinity(0))}


def say(text):
    print(text, flush=True)


def cpu_s(pid):
    """User + system CPU seconds of a process (all threads) so far."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_rss_mb(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


class Bench:
    """The servers and what was measured on them."""

    def __init__(self, options, kafka, clickhouse, penstock):
        self.options = options
        self.kafka = kafka
        self.clickhouse = clickhouse
        self.penstock = penstock
        self.runs = 0

    def fill(self, workload, count):
        topic = f"bench_{workload}"
        self.kafka.create_topic(topic, PARTITIONS)
        told = json.loads(subprocess.run(
            [paths.program("penstock-bench-produce"), "--workload", workload, "--brokers",
             self.kafka.bootstrap, "--topic", topic, "--partitions", str(PARTITIONS), "--count",
             str(count)], check=True, stdout=subprocess.PIPE).stdout)
        say(f"  topic {topic}: {count} messages of {told['bytes'] / count:.0f} B mean")
        return topic

    def consume(self, topic, count):
        """ns of CPU per message of the program that only consumes."""
        done = subprocess.run(
            [paths.program("penstock-bench-consume"), self.kafka.bootstrap, topic, str(count)],
            check=True, stdout=subprocess.PIPE, preexec_fn=lambda: os.sched_setaffinity(0, CORE))
        return json.loads(done.stdout)["nsPerMessage"]

    def move(self, workload, topic, count):
        """One pipe from the topic's beginning to its end: what the replica and ClickHouse used."""
        self.runs += 1
        table = f"{topic}_{self.runs}"
        shape = json.loads(subprocess.run(
            [paths.program("penstock-bench-produce"), "--workload", workload, "--columns"],
            check=True, stdout=subprocess.PIPE).stdout)
        body = kafka_pipe(table, self.kafka.bootstrap, topic, table, {})
        body["destination"]["columns"] = shape["columns"]
        body["fieldMappings"] = shape["fieldMappings"]
        worker = self.penstock.workers[0]
        server_before = cpu_s(self.clickhouse.pid)
        began = time.monotonic()
        pipe_id = self.penstock.create_pipe(body)["id"]
        pid = net.wait_until(lambda: children(worker.pid), 30, "a replica")[-1]
        self.penstock.wait_summary(
            pipe_id, lambda s: s["records"]["sent"] >= count, 300, f"{count} records moved")
        wall_s = time.monotonic() - began
        used = cpu_s(pid)
        peak_mb = peak_rss_mb(pid)
        rows = int(self.clickhouse.value(f"SELECT count() FROM {table}"))
        if rows != count:
            raise RuntimeError(f"{table}: {rows} rows of {count}")
        parts = int(self.clickhouse.value(
            f"SELECT max(rows) FROM system.parts WHERE table = '{table}' AND level = 0") or 0)
        self.penstock.delete_pipe(pipe_id)
        server_s = self.rest() - server_before
        self.clickhouse.query(f"DROP TABLE {table}")
        return {"ns": used * 1e9 / count, "server_s": server_s * 1e6 / count,
                "worker_s": used * 1e6 / count, "peak_mb": peak_mb, "wall_s": wall_s,
                "largest_part": parts}

    def rest(self):
        """Wait until merges are done; ClickHouse's CPU seconds then."""

        def quiet():
            if self.clickhouse.value("SELECT count() FROM system.merges") != "0":
                return False
            before = cpu_s(self.clickhouse.pid)
            time.sleep(1.0)
            return cpu_s(self.clickhouse.pid) - before < 0.1

        net.wait_until(quiet, 120, "merges at rest", interval_s=0.5)
        return cpu_s(self.clickhouse.pid)

    def workload(self, workload, count):
        topic = self.fill(workload, count)
        floor, moved = [], []
        for number in range(self.options.runs + 1):
            ns = self.consume(topic, count)
            run = self.move(workload, topic, count)
            word = "warm-up" if number == 0 else f"run {number}"
            say(f"  {word}: consume {ns:.0f} ns, worker {run['ns']:.0f} ns, ClickHouse "
                f"{run['server_s']:.2f} CPU-s/M, peak {run['peak_mb']:.0f} MB, wall {run['wall_s']:.1f} s")
            if number > 0:
                floor.append(ns)
                moved.append(run)
        median = lambda name: statistics.median(run[name] for run in moved)
        spread = max(floor) / min(floor)
        return {
            "workload": workload, "messages": count, "runs": len(moved),
            "consumeNs": statistics.median(floor), "consumeSpread": spread,
            "workerNs": median("ns"),
            "workerToConsume": statistics.median(
                run["ns"] / ns for run, ns in zip(moved, floor)),
            "endToEndCpuSecondsPerMillion": statistics.median(
                run["worker_s"] + run["server_s"] for run in moved),
            "clickhouseCpuSecondsPerMillion": median("server_s"),
            "peakRssMb": max(run["peak_mb"] for run in moved),
            "wallSeconds": median("wall_s"), "rowsInLargestPart": max(
                run["largest_part"] for run in moved),
        }


def decode():
    """The micro-bench of the decoder; None where it could not be built."""
    program = os.path.join(paths.build_dir(), "penstock-bench-decode")
    if not os.access(program, os.X_OK):
        return None
    done = subprocess.run([program, "--json"], check=True, stdout=subprocess.PIPE,
                          preexec_fn=lambda: os.sched_setaffinity(0, CORE))
    return json.loads(done.stdout)


def machine():
    model = "unknown CPU"
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return f"{model}, {os.cpu_count()} cores; pinned to core {min(CORE)}"


def main():
    parser = argparse.ArgumentParser(
        prog="bench/run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="counted runs of each pair (default 5)")
    parser.add_argument("--small", type=int, default=1000000, help="small messages a run")
    parser.add_argument("--large", type=int, default=1000000, help="large messages a run")
    parser.add_argument("--only", choices=["decode", "small", "large"], help="one part")
    parser.add_argument("--json", help="also write the figures to this file")
    options = parser.parse_args()
    say(f"machine: {machine()}")
    figures = {"machine": machine(), "decode": None, "workloads": []}
    if options.only in (None, "decode"):
        figures["decode"] = decode()
        say(f"decode: {json.dumps(figures['decode'])}")
    if options.only != "decode":
        os.environ["PENSTOCK_BUILD_DIR"] = paths.build_dir()
        with ApacheKafka() as kafka, DevClickHouse() as clickhouse, PrivatePostgres() as database, \
                Penstock(database.url, workers=1, env={"PENSTOCK_LOG_LEVEL": "info"}) as penstock:
            os.sched_setaffinity(penstock.workers[0].pid, CORE)
            penstock.create_service(clickhouse.url)
            bench = Bench(options, kafka, clickhouse, penstock)
            for workload, count in (("small", options.small), ("large", options.large)):
                if options.only in (None, workload):
                    say(f"{workload}:")
                    figures["workloads"].append(bench.workload(workload, count))
    say("")
    say(f"{'':8}{'worker/consume':>16}{'consume ns':>12}{'worker ns':>11}{'end to end CPU-s/M':>20}"
        f"{'of it ClickHouse':>18}{'peak RSS MB':>13}{'rows/part':>11}")
    for row in figures["workloads"]:
        say(f"{row['workload']:8}{row['workerToConsume']:16.2f}{row['consumeNs']:12.0f}"
            f"{row['workerNs']:11.0f}{row['endToEndCpuSecondsPerMillion']:20.2f}"
            f"{row['clickhouseCpuSecondsPerMillion']:18.2f}{row['peakRssMb']:13.0f}"
            f"{row['rowsInLargestPart']:11d}")
        if row["consumeSpread"] > 1.25:
            say(f"  noisy: consume alone spread by {row['consumeSpread']:.2f} over the runs")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
