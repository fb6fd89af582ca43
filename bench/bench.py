#!/usr/bin/python3
"""What Penstock costs, as ratios from interleaved runs: make bench, or bench/run [options].

For a small (about 170 B) and a large (about 1 kB) message, as JSON and as Avro:
  decode     JSON to columns against simdjson's DOM parse of the same bytes, also with shuffled keys,
             pretty-printed and with escapes; Avro to columns against avro-c's generic values
  move       CPU of the replica from the first message to the last row, against a program that only
             consumes the same topic with the same librdkafka settings, both on one core; CPU of
             replica and ClickHouse until merges rest; peak memory; a raw pipe against a parsed one
  forward    the replica against a program that posts the messages untouched as JSONEachRow
  prefetch   time per message of a replica of 0.5 GB against one of 8 GB (a stalled queue shows here)
  latency    produced to stored at 1,000 messages a second and a flush each 500 ms
Everything is measured now, on this machine; nothing is asserted. Each line
names its goal (P1 …).
"""
import argparse
import json
import os
import pathlib
import statistics
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.measure import CORE, OneSchemaRegistry, machine, say  # noqa: E402
from bench.moves import Moves, medians, program, shape_of  # noqa: E402
from tests.harness import paths  # noqa: E402
from tests.harness.clickhouse import DevClickHouse  # noqa: E402
from tests.harness.kafka import ApacheKafka  # noqa: E402
from tests.harness.penstock import Penstock  # noqa: E402
from tests.harness.postgres import PrivatePostgres  # noqa: E402

PARTS = ("decode", "move", "forward", "prefetch", "latency")
RAW = [{"name": "_raw_message", "type": "String"}]
SPREAD_MAX = 1.25


class Report:
    """Figures with their goals, printed as they come and once more at the end."""

    def __init__(self):
        self.rows = []

    def add(self, goal, what, value, must=None, unit=""):
        self.rows.append({"goal": goal, "what": what, "value": value, "must": must, "unit": unit})
        say("  " + self.line(self.rows[-1]))

    @staticmethod
    def line(row):
        value = f"{row['value']:.2f}{row['unit']}"
        if row["must"] is None:
            return f"{row['goal']:5}{row['what']:58}{value:>12}"
        is_met = row["value"] <= row["must"]
        return (f"{row['goal']:5}{row['what']:58}{value:>12}   goal ≤ {row['must']:g}"
                f"{'' if is_met else '   missed'}")


def decode(report):
    """The micro-benches of the decoders; only what could be built."""
    if not os.access(os.path.join(paths.build_dir(), "penstock-bench-decode"), os.X_OK):
        say("  left out: simdjson or avro-c was not found when the build was configured")
        return
    figures = program("penstock-bench-decode", "--json")
    for size, pretty, escapes in (("small", 1.25, 1.7), ("large", 1.25, 1.7)):
        row = figures[size]
        report.add("P7", f"{size} JSON: decode ÷ simdjson DOM ({row['decodeNs']:.0f} ns)",
                   row["decodeNs"] / row["simdjsonNs"], 1.0)
        report.add("P9", f"{size} JSON: shuffled keys ÷ ordered", row["shuffledRatio"], 3.3)
        report.add("P9", f"{size} JSON: pretty ÷ minified", row["prettyRatio"], pretty)
        report.add("P9", f"{size} JSON: escapes ÷ none", row["escapesRatio"], escapes)
        report.add("", f"{size} JSON: half of the columns ÷ all", row["halfRatio"])
        report.add("", f"{size} JSON: raw ÷ parsed", row["rawRatio"], 1 / 3)
        report.add("P10", f"{size} Avro: decode ÷ avro-c generic ({row['avroNs']:.0f} ns)",
                   row["avroNs"] / row["avroGenericNs"], 0.12)


def interleaved(moves, runs, topic, count, variants):
    """[(consume ns, {variant: figures of one move})], after a warm-up."""
    rows = []
    for number in range(runs + 1):
        floor = moves.consume(topic, count)
        moved = {name: moves.move(topic, count, **options) for name, options in variants.items()}
        word = "warm-up" if number == 0 else f"run {number}"
        say(f"  {word}: consume {floor:.0f} ns; " + "; ".join(
            f"{name} {run['ns']:.0f} ns, ClickHouse {run['serverS']:.2f} CPU-s/M, peak "
            f"{run['peakMb']:.0f} MB" for name, run in moved.items()))
        if number > 0:
            rows.append((floor, moved))
    spread = max(floor for floor, _ in rows) / min(floor for floor, _ in rows)
    if spread > SPREAD_MAX:
        say(f"  noisy: consume alone spread by {spread:.2f} over the runs")
    return rows


def ratio(rows, name, other=None):
    """Median over the runs of variant ÷ other variant (or ÷ consume)."""
    return statistics.median(
        moved[name]["ns"] / (moved[other]["ns"] if other else floor) for floor, moved in rows)


def move_json(report, moves, runs, size, count):
    topic = moves.fill(size, "json", count)
    variants = {
        "lz4": {"size": size},
        "none": {"size": size, "settings": {"penstock_compression": "none"}},
        "raw": {"size": size, "columns": RAW, "settings": {"penstock_compression": "none"}},
    }
    rows = interleaved(moves, runs, topic, count, variants)
    small = size == "small"
    lz4 = medians([moved["lz4"] for _, moved in rows])
    report.add("P1" if small else "P3", f"{size} JSON: worker ÷ consume", ratio(rows, "lz4"),
               2.3 if small else 3.8)
    report.add("P5", f"{size} JSON, no compression: worker ÷ consume", ratio(rows, "none"),
               2.0 if small else 2.7)
    report.add("", f"{size} JSON: raw pipe ÷ parsed pipe, no compression", ratio(rows, "raw", "none"))
    report.add("P15", f"{size} JSON: peak memory of the replica", max(
        moved["lz4"]["peakMb"] for _, moved in rows), 160 if small else 512, " MB")
    report.add("P19", f"{size} JSON: replica + ClickHouse, CPU-s per million",
               lz4["workerS"] + lz4["serverS"], 1.7 if small else 6, " s")


def move_avro(report, moves, runs, size, count):
    topic = moves.fill(size, "avro", count)
    with OneSchemaRegistry(shape_of(size)["avroSchema"]) as registry:
        rows = interleaved(moves, runs, topic, count, {"avro": {"size": size, "registry": registry}})
    small = size == "small"
    avro = medians([moved["avro"] for _, moved in rows])
    report.add("P2" if small else "P4", f"{size} Avro: worker ÷ consume", ratio(rows, "avro"),
               1.9 if small else 3.3)
    report.add("P15", f"{size} Avro: peak memory of the replica", max(
        moved["avro"]["peakMb"] for _, moved in rows), 160 if small else 512, " MB")
    report.add("P19", f"{size} Avro: replica + ClickHouse, CPU-s per million",
               avro["workerS"] + avro["serverS"], None, " s")


def forward(report, moves, runs, size, count):
    topic = moves.fill(size, "json", count)
    cost, wire = [], []
    for number in range(runs + 1):
        ours = moves.move(topic, count, size)
        theirs = moves.forward(size, topic, count)
        say(f"  run {number}: replica {ours['ns']:.0f} ns, {ours['wireBytes']:.0f} B; forwarder "
            f"{theirs['nsPerMessage']:.0f} ns, {theirs['wireBytesPerMessage']:.0f} B")
        if number > 0:
            cost.append(ours["ns"] / theirs["nsPerMessage"])
            wire.append(ours["wireBytes"] / theirs["wireBytesPerMessage"])
    report.add("P11", f"{size} JSON: CPU ÷ forwarding the lines", statistics.median(cost), 0.95)
    report.add("P11", f"{size} JSON: bytes sent ÷ forwarding the lines", statistics.median(wire),
               0.60 if size == "small" else 0.75)


def prefetch(report, moves, runs, count):
    topic = moves.fill("large", "json", count)
    ratios = []
    for number in range(runs + 1):
        little, much = (moves.stream(topic, count, "large", gb) for gb in (0.5, 8))
        say(f"  run {number}: 0.5 GB {little:.2f} µs per message, 8 GB {much:.2f}")
        if number > 0:
            ratios.append(little / much)
    report.add("P13", "large JSON: time with a small prefetch queue ÷ a large one",
               statistics.median(ratios), 1.10)


def main():
    parser = argparse.ArgumentParser(
        prog="bench/run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="counted runs of each pair (default 5)")
    parser.add_argument("--small", type=int, default=1000000, help="small messages a run")
    parser.add_argument("--large", type=int, default=1000000, help="large messages a run")
    parser.add_argument("--only", choices=PARTS, help="one part")
    parser.add_argument("--size", choices=["small", "large"], help="one message size")
    parser.add_argument("--seconds", type=int, default=20, help="how long the latency part runs")
    parser.add_argument("--json", help="also write the figures to this file")
    options = parser.parse_args()
    wanted = PARTS if options.only is None else (options.only,)
    sizes = [(size, count) for size, count in (("small", options.small), ("large", options.large))
             if options.size in (None, size)]
    report = Report()
    say(f"machine: {machine()}")
    if "decode" in wanted:
        say("decode:")
        decode(report)
    if set(wanted) - {"decode"}:
        os.environ["PENSTOCK_BUILD_DIR"] = paths.build_dir()
        with ApacheKafka() as kafka, DevClickHouse() as clickhouse, PrivatePostgres() as database, \
                Penstock(database.url, workers=1, env={"PENSTOCK_LOG_LEVEL": "info"}) as penstock:
            os.sched_setaffinity(penstock.workers[0].pid, CORE)
            penstock.create_service(clickhouse.url)
            moves = Moves(kafka, clickhouse, penstock)
            for size, count in sizes:
                if "move" in wanted:
                    say(f"move, {size}:")
                    move_json(report, moves, options.runs, size, count)
                    move_avro(report, moves, options.runs, size, count)
                if "forward" in wanted:
                    say(f"forward, {size}:")
                    forward(report, moves, options.runs, size, count)
            if "prefetch" in wanted:
                say("prefetch:")
                prefetch(report, moves, options.runs, options.large)
            if "latency" in wanted:
                say("latency:")
                told = moves.latency(options.seconds, 1000)
                report.add("P20", "p50 at 1,000 messages/s, flush 500 ms", told["p50"], 300, " ms")
                report.add("P20", "p99 at 1,000 messages/s, flush 500 ms", told["p99"], 600, " ms")
    say("")
    for row in report.rows:
        say(Report.line(row))
    if options.json:
        pathlib.Path(options.json).write_text(
            json.dumps({"machine": machine(), "figures": report.rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
