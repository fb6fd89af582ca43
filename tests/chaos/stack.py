"""Everything a pipe needs, for real, with the two observing relays in between: Apache Kafka, ClickHouse's
engine, PostgreSQL, penstock-api and worker hosts. The broker is reached by the pipe only through
KafkaRelay, ClickHouse only through InsertRelay; the harness itself goes to both directly.
"""
import contextlib
import os
import shutil

import confluent_kafka

from tests.e2e.orders import COLUMNS
from tests.harness import net
from tests.harness.children import replica_pids
from tests.harness.clickhouse import DevClickHouse
from tests.harness.kafka import ApacheKafka
from tests.harness.observe.insert_relay import InsertRelay
from tests.harness.observe.kafka_relay import KafkaRelay
from tests.harness.observe.steps import Journal, Observer
from tests.harness.penstock import Penstock, kafka_pipe
from tests.harness.postgres import PrivatePostgres

from .feed import QUIET
from .schedule import AT_LEAST, CHECK, EXACTLY

TOPICS = ("chaos_a", "chaos_b")
PARTITIONS = 3
HOSTS = 2
REPLICAS = 2
LEASE_S = 4
WAIT_MS = 500  # the least a pipe takes
BATCH_ROWS = 1500
COMMITTED_S = 10
# What each mode's pipe must say of itself.
PROMISES = {
    EXACTLY: "exactly-once-by-token", AT_LEAST: "at-least-once", CHECK: "exactly-once-by-check"}
WINDOW = "non_replicated_deduplication_window = "
PARTITION_BY = "kind"  # three parts for each insert, which ClickHouse commits one by one


class Pipe:
    """One pipe of a mode."""

    def __init__(self, mode, pipe_id, table, group):
        self.mode = mode
        self.id = pipe_id
        self.table = table
        self.group = group


class Stack:
    """Started by `with`; `folder` receives the journal and every log."""

    def __init__(self, folder):
        self.folder = folder
        self.journal = None
        self.observer = None
        self.kafka = ApacheKafka()
        self.clickhouse = DevClickHouse()
        self.database = PrivatePostgres()
        self.penstock = None
        self.inserts = None
        self.commits = None
        self.pipes = {}
        self._readers = {}
        self._ending = contextlib.ExitStack()

    def __enter__(self):
        os.makedirs(self.folder, exist_ok=True)
        try:
            self._start()
        except BaseException:
            self._ending.close()
            raise
        return self

    def _start(self):
        keep = self._ending.enter_context
        self._ending.callback(self._keep_logs)
        self.journal = Journal(os.path.join(self.folder, "journal.jsonl"))
        self._ending.callback(self.journal.close)
        keep(self.kafka)
        keep(self.clickhouse)
        keep(self.database)
        self.observer = keep(Observer(self.journal))
        self.commits = keep(KafkaRelay(self.observer, self.kafka))
        self.inserts = keep(InsertRelay(self.observer, self.clickhouse.port))
        self.penstock = keep(Penstock(
            self.database.url, workers=HOSTS, folder=self.folder, env={"PENSTOCK_LEASE_S": LEASE_S}))
        self.penstock.create_service(self.inserts.url)
        for topic in TOPICS:
            self.kafka.create_topic(topic, PARTITIONS)

    def _keep_logs(self):
        """The servers' logs lie in folders that go with them."""
        for name, path in (("broker", os.path.join(self.kafka.folder, "broker.log")),
                           ("clickhouse", os.path.join(self.clickhouse.directory or "", "log"))):
            if os.path.exists(path):
                shutil.copy(path, os.path.join(self.folder, f"{name}.log"))

    def create_pipe(self, mode):
        """A pipe of this mode, from both topics into a table of its own."""
        table = "orders_" + mode.replace("-", "_")
        destination = {"tableDefinition": {
            "engine": {"type": "MergeTree"}, "sortingKey": [], "partitionBy": PARTITION_BY}}
        if mode == CHECK:  # as most tables are that Penstock did not make: without a window
            listed = ", ".join(f"`{column}` {kind}" for column, kind in COLUMNS)
            self.clickhouse.query(f"CREATE TABLE {table} ({listed}) ENGINE = MergeTree"
                                  f" PARTITION BY {PARTITION_BY} ORDER BY tuple()")
            destination = {"managedTable": False}
        body = kafka_pipe(
            table, self.commits.bootstrap, ",".join(TOPICS), table, COLUMNS,
            kafka={"exactlyOnce": True} if mode != AT_LEAST else {}, destination=destination,
            settings={"streaming_max_insert_wait_ms": WAIT_MS, "penstock_batch_rows": BATCH_ROWS})
        pipe_id = self.penstock.create_pipe(body)["id"]
        self.penstock.scale_pipe(pipe_id, replicas=REPLICAS)
        group = self.penstock.pipe(pipe_id)["source"]["kafka"]["consumerGroup"]
        self.pipes[mode] = Pipe(mode, pipe_id, table, group)
        return self.pipes[mode]

    def replica_pids(self, pipe):
        """Pids of the pipe's replicas on every host."""
        return sorted(pid for worker in self.penstock.workers if worker.is_alive()
                      for pid in replica_pids(worker, pipe.id))

    def committed(self, pipe, places):
        """{(topic, partition): committed offset, 0 where there is none}; None while the broker or its
        coordinator does not answer."""
        reader = self._readers.get(pipe.group)
        if reader is None:
            reader = confluent_kafka.Consumer(self.kafka.client_config(**{
                "group.id": pipe.group, "enable.auto.commit": False, "log_level": QUIET}))
            self._readers[pipe.group] = reader
            self._ending.callback(reader.close)
        wanted = [confluent_kafka.TopicPartition(*place) for place in places]
        try:
            found = reader.committed(wanted, timeout=COMMITTED_S)
        except confluent_kafka.KafkaException:
            return None
        if any(at.error is not None for at in found):
            return None
        return {(at.topic, at.partition): max(at.offset, 0) for at in found}

    def wait_flowing(self, pipe):
        """Until both replicas run, rows have come, and the promise of the mode is in force."""
        summary = self.penstock.wait_summary(
            pipe.id, lambda s: s["records"]["sent"] > 0 and s["guarantee"]["mode"] == PROMISES[pipe.mode], 60,
            f"first rows of {pipe.table}, {PROMISES[pipe.mode]}")
        net.wait_until(lambda: len(self.replica_pids(pipe)) == REPLICAS, 30, f"replicas of {pipe.table}")
        if pipe.mode == EXACTLY:
            for table in (pipe.table, f"{pipe.table}_clickpipes_error"):
                if WINDOW not in self.clickhouse.value(f"SELECT engine_full FROM system.tables WHERE name = '{table}'"):
                    raise RuntimeError(f"{table} has no deduplication window: Penstock makes it with one")
        return summary

    def __exit__(self, *unused):
        self._ending.close()
