"""What the supervisor's suites run on: workers with scripted replicas on a database of a real PostgreSQL."""
import base64
import json
import os
import secrets
import shutil
import subprocess
import uuid

from tests.harness import net, paths, proc

LEASE_S = 3
PROMPT_S = 2.0  # start, stop, scale and delete take effect within this
ORGANIZATION = "00000000-0000-4000-8000-000000000001"
SERVICE = "00000000-0000-4000-8000-000000000002"


class World:
    def __init__(self, postgres):
        migrate = paths.program("test-migrate")
        self.postgres = postgres
        self.name = "w" + secrets.token_hex(6)
        self.url = postgres.create_database(self.name)
        subprocess.run([migrate, self.url], check=True, timeout=60)
        self.folder = paths.scratch("penstock-supervisor-")
        self.key_file = os.path.join(self.folder, "key")
        with open(self.key_file, "w", encoding="ascii") as file:
            file.write(base64.b64encode(secrets.token_bytes(32)).decode() + "\n")
        self.workers = []
        self.sql(f"INSERT INTO organization (id, name) VALUES ('{ORGANIZATION}', 'o')")
        self.sql("INSERT INTO service (id, organization_id, name, url, username) VALUES "
                 f"('{SERVICE}', '{ORGANIZATION}', 's', 'http://127.0.0.1:1', 'u')")

    def close(self):
        for worker in self.workers:
            worker.kill9()
        shutil.rmtree(self.folder, ignore_errors=True)

    def sql(self, text):
        return self.postgres.query(text, self.name)

    def worker(self, host="a", program="scripted-worker", prefix=(), **env):
        """Start one more supervisor; prefix: words in front of its command."""
        settings = {
            "PENSTOCK_DATABASE_URL": self.url, "PENSTOCK_SECRET_KEY_FILE": self.key_file,
            "PENSTOCK_HOST_ID": host, "PENSTOCK_LEASE_S": LEASE_S, "PENSTOCK_LOG_FORMAT": "text",
            "PENSTOCK_LOG_LEVEL": "debug", "PENSTOCK_WORKER_MEMORY_GB": "0",
            "PENSTOCK_WORKER_CPU_MILLICORES": "0",
        }
        settings.update(env)
        log = os.path.join(self.folder, f"worker-{len(self.workers)}.log")
        worker = proc.Process("worker", [*prefix, paths.program(program), "run"], log, env=settings)
        worker.start()
        self.workers.append(worker)
        worker.wait_ready(lambda: "database_connected" in read(log), 20)
        return worker

    def pipe(self, script=None, replicas=1, **columns):
        """Insert a pipe that is wanted; returns its id."""
        pipe_id = str(uuid.uuid4())
        row = {
            "id": pipe_id, "service_id": SERVICE, "name": "p", "consumer_group": "g",
            "definition": json.dumps({"script": script or {}}), "replicas": replicas,
            "cpu_millicores": 125, "memory_gb": 0.5,
        }
        row.update(columns)
        names = ", ".join(row)
        values = ", ".join("'" + str(value).replace("'", "''") + "'" for value in row.values())
        self.sql(f"INSERT INTO pipe ({names}) VALUES ({values})")
        return pipe_id

    def change(self, pipe_id, assignments):
        self.sql(f"UPDATE pipe SET {assignments} WHERE id = '{pipe_id}'")

    def row(self, pipe_id, columns, table="pipe", key="id"):
        answer = self.sql(f"SELECT {columns} FROM {table} WHERE {key} = '{pipe_id}' ORDER BY 1")
        return [line.split("|") for line in answer.splitlines()]

    def leases(self, pipe_id):
        """{index: (host, generation)} of the leases somebody holds now."""
        rows = self.row(
            f"{pipe_id}' AND owner IS NOT NULL AND expires_at > now() AND '1' = '1",
            "replica_index, host, generation", "pipe_replica", "pipe_id")
        return {int(index): (host, int(generation)) for index, host, generation in rows}

    def replicas(self, pipe_id=None):
        """{(pipe id, index): [pid, …]} of the replica processes of our workers that run now."""
        found = {}
        ours = {worker.pid for worker in self.workers}
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or proc.start_time(int(entry)) is None:
                continue
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    words = file.read().decode().split("\0")
                with open(f"/proc/{entry}/stat", encoding="utf-8") as file:
                    parent = int(file.read().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if len(words) > 3 and words[1] == "--replica" and (parent in ours or words[2] == pipe_id):
                if pipe_id in (None, words[2]):
                    found.setdefault((words[2], int(words[3])), []).append(int(entry))
        # One may have ended and its successor begun while we looked: only what runs now counts.
        running = {key: [pid for pid in pids if not gone(pid)] for key, pids in found.items()}
        return {key: pids for key, pids in running.items() if pids}

    def pids(self, pipe_id):
        """{index: pid}, each replica once."""
        found = self.replicas(pipe_id)
        for key, pids in found.items():
            assert len(pids) == 1, f"{key} runs {len(pids)} times"
        return {index: pids[0] for (_, index), pids in found.items()}

    def wait_replicas(self, pipe_id, indexes, timeout_s=PROMPT_S):
        wanted = set(indexes)
        net.wait_until(
            lambda: {index for _, index in self.replicas(pipe_id)} == wanted, timeout_s,
            f"replicas {sorted(wanted)} of {pipe_id}")
        return self.pids(pipe_id)

    def wait_row(self, pipe_id, columns, expected, timeout_s=5.0, **where):
        try:
            net.wait_until(lambda: self.row(pipe_id, columns, **where) == expected, timeout_s, columns)
        except TimeoutError:
            assert self.row(pipe_id, columns, **where) == expected

    def wait_log(self, worker, text, timeout_s=10.0):
        net.wait_until(lambda: text in read(worker.log), timeout_s, f"'{text}' in the log")

    def wait_database_lost(self, worker, timeout_s=10.0):
        """Whoever notices first says it: a statement that fails, or the next try to connect."""
        net.wait_until(
            lambda: any(word in read(worker.log) for word in ("database_away", "database_failed")), timeout_s,
            "a lost database in the log")


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def gone(pid):
    return proc.start_time(pid) is None
