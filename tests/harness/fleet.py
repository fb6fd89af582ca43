"""Many pipes at once: made by one statement from one that the api made, and what their replicas cost.

    template = penstock.create_pipe(kafka_pipe(...))["id"]
    penstock.command_pipe(template, "stop")
    fleet = Fleet(database, template)
    fleet.grow(1000)
    worker = penstock.start_worker()
    fleet.wait_running(60)
    with fleet.window(worker.pid) as cost:
        time.sleep(10)
    assert cost.supervisor_s < 0.2
"""
import os
import time

from . import net
from .children import children

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(pid):
    """User + system CPU seconds of a process (all threads) so far; 0 if it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def _lines(pid, name):
    """{key: first number} of a file of /proc with "Key:   number unit" lines."""
    try:
        with open(f"/proc/{pid}/{name}", encoding="utf-8", errors="replace") as file:
            pairs = (line.split(":", 1) for line in file if ":" in line)
            return {key: int(value.split()[0]) for key, value in pairs if value.split() and value.split()[0].isdigit()}
    except (FileNotFoundError, ProcessLookupError):
        return {}


def switches(pid):
    """Voluntary context switches of all threads so far: how often they woke."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(_lines(f"{pid}/task/{thread}", "status").get("voluntary_ctxt_switches", 0) for thread in threads)


class Memory:
    """Of some processes together: resident and proportional bytes, private ones, threads, descriptors."""

    def __init__(self, pids):
        status = [_lines(pid, "status") for pid in pids]
        rollup = [_lines(pid, "smaps_rollup") for pid in pids]
        self.count = len(pids)
        self.rss_bytes = sum(one.get("VmRSS", 0) for one in status) * 1024
        self.pss_bytes = sum(one.get("Pss", 0) for one in rollup) * 1024
        self.private_bytes = sum(one.get("Private_Dirty", 0) + one.get("Private_Clean", 0) for one in rollup) * 1024
        self.anonymous_bytes = sum(one.get("Anonymous", 0) for one in rollup) * 1024
        self.threads = sum(one.get("Threads", 0) for one in status)


class Cost:
    """CPU and statements of a stretch of time; complete after the `with` block."""

    def __init__(self, database, supervisor_pid, others):
        self._database = database
        self._supervisor_pid = supervisor_pid
        self._others = dict(others)
        self.seconds = 0.0
        self.supervisor_s = 0.0
        self.replicas_s = 0.0
        self.postgres_s = 0.0
        self.statements = 0
        self.switches = 0
        self.others_s = {}

    def _now(self):
        postgres = self._database.process.pid
        return {
            "at": time.monotonic(),
            "supervisor": cpu_s(self._supervisor_pid),
            "replicas": {pid: cpu_s(pid) for pid in children(self._supervisor_pid)},
            "postgres": {pid: cpu_s(pid) for pid in (postgres, *children(postgres))},
            "switches": {pid: switches(pid) for pid in children(self._supervisor_pid)},
            "others": {name: cpu_s(pid) for name, pid in self._others.items()},
            "statements": int(self._database.query(
                "SELECT sum(xact_commit + xact_rollback) FROM pg_stat_database")),
        }

    def __enter__(self):
        self._before = self._now()
        return self

    def __exit__(self, *unused):
        before, now = self._before, self._now()
        self.seconds = now["at"] - before["at"]
        self.supervisor_s = now["supervisor"] - before["supervisor"]
        self.replicas_s = sum(value - before["replicas"].get(pid, 0.0) for pid, value in now["replicas"].items())
        self.postgres_s = sum(value - before["postgres"].get(pid, 0.0) for pid, value in now["postgres"].items())
        self.statements = now["statements"] - before["statements"]
        self.switches = sum(value - before["switches"].get(pid, 0) for pid, value in now["switches"].items())
        self.others_s = {name: value - before["others"][name] for name, value in now["others"].items()}


class Fleet:
    """Pipes that differ in name, group and topic only. They share the template's table."""

    def __init__(self, database, template, others=None):
        """others: {name: pid} of more processes whose CPU a window tells."""
        self.database = database
        self.template = template
        self.others = others or {}
        self.count = 0

    def window(self, supervisor_pid):
        """A Cost, to be used in `with`."""
        return Cost(self.database, supervisor_pid, self.others)

    def grow(self, count, topics=("",)):
        """`count` more running pipes; the template's topic gives way to these in turn ("" = as it is)."""
        names = ",".join(f"'{topic}'" for topic in topics)
        self.database.query(
            "INSERT INTO pipe (id, service_id, name, definition, consumer_group, secrets, replicas, cpu_millicores, "
            "memory_gb) SELECT i.id, service_id, name || i.n, CASE WHEN i.topic = '' THEN definition ELSE "
            "jsonb_set(definition::jsonb, '{source,kafka,topics}', to_jsonb(i.topic))::text END, "
            "'fleet-' || i.id, NULL, 1, 125, 0.5 FROM pipe, (SELECT gen_random_uuid() AS id, n, "
            f"(ARRAY[{names}])[n % {len(topics)} + 1] AS topic FROM generate_series({self.count}, "
            f"{self.count + count - 1}) AS n) AS i WHERE pipe.id = '{self.template}'")
        self.count += count

    def running(self):
        """How many pipes have a replica that runs."""
        return int(self.database.query(
            "SELECT count(*) FROM pipe_replica r JOIN pipe p ON p.id = r.pipe_id WHERE r.state = 'running' AND "
            "p.ready_at IS NOT NULL AND p.desired = 'running'"))

    def wait_running(self, timeout_s):
        """Until all of them run."""
        net.wait_until(lambda: self.running() >= self.count, timeout_s, f"{self.count} pipes running", 0.25)
