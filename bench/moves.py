"""One topic moved to its end, by the pipe that is measured or by what it is compared with."""
import json
import statistics
import subprocess
import threading
import time
import urllib.parse

import confluent_kafka

from bench.measure import CORE, children, cpu_s, peak_rss_mb, pin, say
from tests.harness import net, paths
from tests.harness.penstock import kafka_pipe
from tests.harness.replica import Replica, make_spec

PARTITIONS = 6
SCHEMA_ID = 1


def program(name, *arguments):
    """JSON that a bench program printed; it ran on the measured core."""
    done = subprocess.run(
        [paths.program(name), *[str(word) for word in arguments]], check=True,
        stdout=subprocess.PIPE, preexec_fn=pin)
    return json.loads(done.stdout)


def shape_of(size):
    """{"columns", "fieldMappings", "avroSchema"} of a workload."""
    return program("penstock-bench-produce", "--workload", size, "--columns")


class Moves:
    """Topics, pipes and figures on one set of servers."""

    def __init__(self, kafka, clickhouse, penstock):
        self.kafka = kafka
        self.clickhouse = clickhouse
        self.penstock = penstock
        self.topics = set()
        self.runs = 0

    def fill(self, size, form, count):
        """A topic with `count` messages of the workload in the format; its name."""
        topic = f"bench_{size}_{form}"
        if topic in self.topics:
            return topic
        self.topics.add(topic)
        self.kafka.create_topic(topic, PARTITIONS)
        told = program(
            "penstock-bench-produce", "--workload", size, "--format", form, "--schema-id", SCHEMA_ID,
            "--brokers", self.kafka.bootstrap, "--topic", topic, "--partitions", PARTITIONS,
            "--count", count)
        say(f"  topic {topic}: {count} messages of {told['bytes'] / count:.0f} B mean")
        return topic

    def consume(self, topic, count):
        """ns of CPU per message of the program that only consumes."""
        return program("penstock-bench-consume", self.kafka.bootstrap, topic, count)["nsPerMessage"]

    def forward(self, size, topic, count):
        """The messages posted as they are: CPU ns and wire bytes per message. Into the Null engine:
        what the mover costs is the question."""
        table = f"forward_{topic}"
        columns = ", ".join(f"`{c['name']}` {c['type']}" for c in shape_of(size)["columns"])
        self.clickhouse.query(f"CREATE TABLE IF NOT EXISTS {table} ({columns}) ENGINE = Null")
        query = urllib.parse.urlencode({
            "query": f"INSERT INTO {table} FORMAT JSONEachRow", "async_insert": 0,
            "input_format_skip_unknown_fields": 1, "date_time_input_format": "best_effort"})
        return program(
            "penstock-bench-forward", self.kafka.bootstrap, topic, count,
            f"{self.clickhouse.url}/?{query}")

    def body(self, name, topic, size, registry=None, columns=None, settings=None):
        """The pipe from the topic's beginning to table `name`."""
        shape = shape_of(size)
        body = kafka_pipe(name, self.kafka.bootstrap, topic, name, {}, settings=settings or {})
        body["destination"]["columns"] = columns or shape["columns"]
        body["fieldMappings"] = [] if columns else shape["fieldMappings"]
        if registry is not None:
            body["source"]["kafka"]["format"] = "AvroConfluent"
            body["source"]["kafka"]["schemaRegistry"] = {"url": registry.url}
        return body

    def move(self, topic, count, size, **options):
        """What the replica and ClickHouse used to move the whole topic."""
        self.runs += 1
        table = f"{topic}_{self.runs}"
        body = self.body(table, topic, size, **options)
        worker = self.penstock.workers[0]
        server_before = cpu_s(self.clickhouse.pid)
        pipe_id = self.penstock.create_pipe(body)["id"]
        pid = net.wait_until(lambda: children(worker.pid), 30, "a replica")[-1]
        summary = self.penstock.wait_summary(
            pipe_id, lambda s: s["records"]["sent"] >= count, 300, f"{count} records moved")
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
        return {"ns": used * 1e9 / count, "serverS": server_s * 1e6 / count,
                "workerS": used * 1e6 / count, "peakMb": peak_mb, "rowsInLargestPart": parts,
                "wireBytes": summary["bytes"]["sentCompressed"] / count}

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

    def stream(self, topic, count, size, memory_gb):
        """Seconds a replica of that memory needs from its first report with records to its last, per
        million: with a small prefetch queue it must not stand still."""
        self.runs += 1
        table = f"stream_{topic}_{self.runs}"
        shape = shape_of(size)
        columns = [(c["name"], c["type"]) for c in shape["columns"]]
        ddl = ", ".join(f"`{name}` {kind}" for name, kind in columns)
        self.clickhouse.query(f"CREATE TABLE {table} ({ddl}) ENGINE = Null")
        self.clickhouse.query(
            f"CREATE TABLE {table}_clickpipes_error (error_timestamp DateTime) ENGINE = Null")
        spec = make_spec(
            self.kafka.bootstrap, topic, self.clickhouse, table, columns, group=table,
            mappings=shape["fieldMappings"], memory_gb=memory_gb,
            settings={"penstock_batch_rows": 20000})
        with Replica(spec, argv_prefix=["taskset", "-c", str(min(CORE))]) as replica:
            replica.wait(lambda r: r.counters.get("sent_records", 0) > 0, 60, "first rows")
            began, before = time.monotonic(), replica.counters["sent_records"]
            while replica.counters["sent_records"] < count:
                if time.monotonic() - began > 300:
                    raise RuntimeError(f"{replica.counters['sent_records']} of {count} in 300 s")
                time.sleep(0.005)
            wall_s = time.monotonic() - began
            replica.terminate()
        self.clickhouse.query(f"DROP TABLE {table}")
        self.clickhouse.query(f"DROP TABLE {table}_clickpipes_error")
        return wall_s * 1e6 / (count - before)

    def latency(self, seconds, rate):
        """Quantiles of produced-to-stored at `rate` messages a second and a flush each 500 ms."""
        topic = "bench_latency"
        self.kafka.create_topic(topic, PARTITIONS)
        body = self.body(topic, topic, "small", settings={"streaming_max_insert_wait_ms": 500},
                         columns=[{"name": "id", "type": "Int64"}])
        pipe_id = self.penstock.create_pipe(body)["id"]
        producer = confluent_kafka.Producer(self.kafka.client_config(**{"linger.ms": 0}))
        ending = threading.Event()
        # The pipe runs before the clock does: joining the group takes seconds.
        producer.produce(topic, b'{"id":0}', partition=0)
        producer.flush(30)
        self.penstock.wait_summary(pipe_id, lambda s: s["records"]["sent"] >= 1, what="a first row")
        sent = [1]

        def produce():
            began = time.monotonic()
            while not ending.wait(0.001):
                while sent[0] < 1 + (time.monotonic() - began) * rate:
                    producer.produce(topic, b'{"id":%d}' % sent[0], partition=sent[0] % PARTITIONS)
                    sent[0] += 1
                producer.poll(0)

        thread = threading.Thread(target=produce, daemon=True)
        thread.start()
        time.sleep(seconds)
        summary = self.penstock.summary(pipe_id)
        ending.set()
        thread.join()
        producer.flush(30)
        self.penstock.wait_summary(
            pipe_id, lambda s: s["records"]["sent"] >= sent[0], 60, "the last records")
        self.penstock.delete_pipe(pipe_id)
        return {"rate": rate, **summary["latencyMs"]}


def medians(runs):
    """{figure: median over the runs}."""
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}
