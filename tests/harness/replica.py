"""One replica (`penstock-worker --replica`) without its supervisor: spec on descriptor 3, permission
frames for as long as it should live, its messages read from descriptor 4 and kept.

    with Replica(spec) as replica:
        replica.wait_running()
        ...
        assert replica.terminate() == 0
"""
import json
import os
import select
import signal
import struct
import subprocess
import threading
import time

from . import net, paths

MAGIC = 0x50535430
FRAME = struct.Struct("=IHHII")
HEADER = struct.Struct("=IHHIIq")
COUNTERS = (
    "fetched_records sent_records rejected_records skipped_records fetched_bytes fetched_wire_bytes "
    "sent_bytes sent_wire_bytes inserts insert_retries batches_rows batches_bytes batches_age "
    "batches_drain rebalances").split()
INSERT_NUMBERS = 19
HEARTBEAT = struct.Struct("=IIQQQQ" + "Q" * (len(COUNTERS) + INSERT_NUMBERS))
PARTITION = struct.Struct("=256siiqqq")
STATES = ("starting", "running", "waiting", "draining")
PARTITIONS_PER_MESSAGE = 8


def worker_path():
    """The built worker."""
    return paths.program("penstock-worker")


def make_spec(bootstrap, topics, clickhouse, table, columns, **options):
    """A replica's spec. options: group, index, generation, settings, source (merged), mappings,
    memory_gb, secrets, lease_ms, database."""
    source = {
        "type": "kafka", "format": "JSONEachRow", "brokers": bootstrap, "topics": topics,
        "offset": {"strategy": "from_beginning"}}
    source.update(options.get("source", {}))
    definition = {
        "name": "test",
        "source": {"kafka": source},
        "destination": {
            "database": options.get("database", "default"), "table": table, "managedTable": True,
            "tableDefinition": {"engine": {"type": "MergeTree"}, "sortingKey": [columns[0][0]]},
            "columns": [{"name": name, "type": kind} for name, kind in columns]},
        "fieldMappings": options.get("mappings", []),
        "settings": options.get("settings", {}),
    }
    return {
        "kind": "replica", "pipeId": options.get("pipe_id", "11111111-2222-4333-8444-555555555555"),
        "serviceId": "99999999-2222-4333-8444-555555555555",
        "replicaIndex": options.get("index", 0), "generation": options.get("generation", 7),
        "leaseMs": options.get("lease_ms", 15000),
        "consumerGroup": options.get("group", "penstock-test"),
        "definition": definition, "secrets": options.get("secrets", {}),
        "scaling": {"replicas": 1, "replicaCpuMillicores": 250,
                    "replicaMemoryGb": options.get("memory_gb", 0.5)},
        "clickhouse": {"url": clickhouse.url, "username": clickhouse.user,
                       "password": clickhouse.password, "caCertificate": None},
    }


class Replica:
    """One child process. Its heartbeats, partitions and events are kept as they come."""

    def __init__(self, spec, log=None, argv_prefix=()):
        self.spec = spec
        self.log = log
        self.argv_prefix = list(argv_prefix)
        self.env = {}  # added to ours
        self.popen = None
        self.heartbeats = 0
        self.state = None
        self.counters = {}
        self.unsettled = 0
        self.resident_bytes = 0
        self.cpu_us = 0
        self.partitions = {}
        self.events = []
        self.latency_max_ms = 0
        self.is_permitted = True
        self._threads = []

    def start(self):
        spec_read, self._spec_write = os.pipe()
        self._report_read, report_write = os.pipe()

        def prepare():
            # Both ends may already be 3 or 4: move them out of the way first.
            high_spec, high_report = os.dup(spec_read), os.dup(report_write)
            while high_spec < 10 or high_report < 10:
                high_spec, high_report = os.dup(high_spec), os.dup(high_report)
            os.dup2(high_spec, 3, inheritable=True)
            os.dup2(high_report, 4, inheritable=True)

        with open(self.log or os.devnull, "ab") as log:
            self.popen = subprocess.Popen(  # pylint: disable=subprocess-popen-preexec-fn
                self.argv_prefix + [worker_path(), "--replica", "test", "0"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log if self.log else None,
                pass_fds=(3, 4), preexec_fn=prepare, env={**os.environ, **self.env})
        os.close(spec_read)
        os.close(report_write)
        text = json.dumps(self.spec).encode()
        os.write(self._spec_write, FRAME.pack(MAGIC, 1, 1, len(text), 0) + text)
        self._threads = [
            threading.Thread(target=self._permit, daemon=True),
            threading.Thread(target=self._read, daemon=True)]
        for thread in self._threads:
            thread.start()
        return self

    def _permit(self):
        while self.popen.poll() is None:
            if self.is_permitted:
                try:
                    os.write(self._spec_write, FRAME.pack(MAGIC, 1, 2, 0, 0))
                except OSError:
                    return
            time.sleep(0.3)

    def _read(self):
        waiting = b""
        while True:
            try:
                select.select([self._report_read], [], [])
                more = os.read(self._report_read, 65536)
            except OSError:
                return
            if not more:
                return
            waiting += more
            while len(waiting) >= HEADER.size:
                length = HEADER.unpack_from(waiting)[3]
                if len(waiting) < length:
                    break
                self._take(waiting[:length])
                waiting = waiting[length:]

    def _take(self, message):
        magic, version, kind, _, _, generation = HEADER.unpack_from(message)
        assert (magic, version, generation) == (MAGIC, 1, self.spec["generation"])
        body = message[HEADER.size:]
        if kind == 1:
            fields = HEARTBEAT.unpack_from(body)
            self.state = STATES[fields[0]]
            self.resident_bytes, self.cpu_us, self.unsettled = fields[2], fields[3], fields[4]
            self.counters = dict(zip(COUNTERS, fields[6:]))
            self.heartbeats += 1
        elif kind == 2:
            count = struct.unpack_from("=I", body)[0]
            for index in range(count):
                topic, partition, _, committed, end, position = PARTITION.unpack_from(
                    body, 8 + index * PARTITION.size)
                self.partitions[(topic.rstrip(b"\0").decode(), partition)] = (committed, end, position)
        elif kind == 3:
            self.latency_max_ms = struct.unpack_from("=q", body)[0]
        elif kind == 4:
            texts = [part.split(b"\0")[0].decode() for part in
                     (body[:32], body[32:64], body[64:1088], body[1088:2112])]
            self.events.append(tuple(texts))

    @property
    def pid(self):
        return self.popen.pid

    def reasons(self):
        """Names of the reason events so far, "" for all well."""
        return [name for event, name, _, _ in self.events if event == "reason"]

    def event_names(self):
        return [event for event, _, _, _ in self.events]

    def wait(self, condition, timeout_s, what):
        """Wait until condition(self) is true; fails at once if the process ends."""

        def check():
            if condition(self):
                return True
            if self.popen.poll() is not None:
                raise AssertionError(f"replica ended with {self.popen.returncode} before: {what}")
            return False

        return net.wait_until(check, timeout_s, what)

    def wait_running(self, timeout_s=30):
        return self.wait(lambda r: r.state == "running", timeout_s, "replica running")

    def terminate(self, timeout_s=25):
        """SIGTERM and the exit code."""
        self.popen.send_signal(signal.SIGTERM)
        return self.wait_end(timeout_s)

    def wait_end(self, timeout_s=25):
        code = self.popen.wait(timeout_s)
        self._threads[1].join(5)
        return code

    def kill9(self):
        self.popen.kill()
        self.popen.wait()
        self._threads[1].join(5)

    def __enter__(self):
        return self.start()

    def __exit__(self, *unused):
        if self.popen is not None and self.popen.poll() is None:
            self.popen.kill()
            self.popen.wait()
        for fd in (self._spec_write, self._report_read):
            try:
                os.close(fd)
            except OSError:
                pass
