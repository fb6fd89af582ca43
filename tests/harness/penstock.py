"""penstock-api and penstock-worker for tests and the demo: started, bootstrapped, asked, killed, ended.

    with PrivatePostgres() as database, DevClickHouse() as clickhouse:
        with Penstock(database.url, workers=1) as penstock:
            penstock.create_service(clickhouse.url)
            pipe = penstock.create_pipe(kafka_pipe("orders", brokers, "topic", "table", columns))
            penstock.wait_state(pipe["id"], "Running")
            assert penstock.summary(pipe["id"])["records"]["rejected"] == 0

Programs come from $PENSTOCK_BUILD_DIR or build/. The api listens on a free port that it keeps over
restarts. Keys and logs lie in a private folder that goes with `stop`.
"""
import base64
import http.client
import json
import os
import secrets
import shutil
import subprocess
import time

from . import net, paths, proc

START_TIMEOUT_S = 30
COMMAND_TIMEOUT_S = 60
REQUEST_TIMEOUT_S = 120


class ApiError(RuntimeError):
    """An answer that a helper did not expect."""

    def __init__(self, what, reply):
        super().__init__(f"{what}: HTTP {reply.status}: {reply.text[:2000]}")
        self.reply = reply
        self.status = reply.status


class Reply:
    """One answer: status, headers (names in lower case), body bytes."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def result(self):
        """The envelope's result; ApiError unless the answer is 200."""
        if self.status != 200:
            raise ApiError("request", self)
        return self.json.get("result")

    @property
    def error(self):
        return self.json["error"]


def kafka_pipe(name, brokers, topics, table, columns, **more):
    """A create body for JSON from Kafka into a managed table. columns: {name: type} or list of pairs.

    Members of `more` go into the body; `kafka` and `destination` are merged into theirs."""
    pairs = columns.items() if isinstance(columns, dict) else columns
    kafka = {"type": "kafka", "format": "JSONEachRow", "brokers": brokers, "topics": topics}
    kafka.update(more.pop("kafka", {}))
    destination = {
        "database": "default", "table": table, "managedTable": True,
        "tableDefinition": {"engine": {"type": "MergeTree"}, "sortingKey": []},
        "columns": [{"name": column, "type": kind} for column, kind in pairs],
    }
    destination.update(more.pop("destination", {}))
    if not destination["managedTable"]:
        destination.pop("tableDefinition", None)
    return {"name": name, "source": {"kafka": kafka}, "destination": destination, **more}


class Penstock:
    """One control plane and any number of workers on one PostgreSQL. Start from the main thread."""

    def __init__(self, database_url, workers=0, folder=None, env=None):
        """env: more settings (PENSTOCK_…) for all programs."""
        self.database_url = database_url
        self.workers_count = workers
        self._is_own_folder = folder is None
        self.folder = folder
        self.env = dict(env or {})
        self.port = None
        self.api = None
        self.workers = []
        self.organization_id = None
        self.key_id = None
        self.key_secret = None
        self.service_id = None

    # Programs

    def start(self):
        """Bootstrap, start the api and the workers, wait until the api answers."""
        if self.folder is None:
            self.folder = paths.scratch("penstock-")
        self._write_key_file()
        if self.port is None:
            self.port = net.free_port()
        if self.key_id is None:
            self.bootstrap()
        self.start_api()
        while len(self.workers) < self.workers_count:
            self.start_worker()
        return self

    def settings(self):
        """The environment of all programs: only what is given here, not the caller's PENSTOCK_…."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
        inherited.update({
            "PENSTOCK_DATABASE_URL": self.database_url,
            "PENSTOCK_SECRET_KEY_FILE": self._key_file,
            "PENSTOCK_LISTEN": f"127.0.0.1:{self.port}",
            "PENSTOCK_LOG_FORMAT": "text",
            "PENSTOCK_LOG_LEVEL": "debug",
            "PENSTOCK_CLICKHOUSE_LOG": "0",  # tests count what reaches a ClickHouse; contract/event_log has it on
        })
        inherited.update({name: str(value) for name, value in self.env.items()})
        return inherited

    def command(self, *arguments, program="penstock-api", check=True):
        """Run a sub-command to its end; returns the completed process (text)."""
        done = subprocess.run(
            [paths.program(program), *arguments], env=self.settings(), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=COMMAND_TIMEOUT_S, check=False)
        if check and done.returncode != 0:
            raise RuntimeError(f"{program} {' '.join(arguments)}: exit code {done.returncode}\n{done.stderr}")
        return done

    def bootstrap(self):
        """Migrate, make the first organization and an admin's key."""
        self.command("migrate")
        answer = json.loads(self.command("bootstrap", "--new-key").stdout)
        self.organization_id = answer["organizationId"]
        self.key_id = answer["keyId"]
        self.key_secret = answer["keySecret"]

    def create_key(self, role, name="test"):
        """(key id, secret) of a new key; role: admin or reader."""
        answer = json.loads(self.command("key", "create", "--role", role, "--name", name).stdout)
        return answer["keyId"], answer["keySecret"]

    def start_api(self):
        """Start the api (again)."""
        self.api = self._process("penstock-api", "serve", "api.log")
        self.api.start()
        self.api.wait_ready(lambda: net.accepts(self.port), START_TIMEOUT_S)
        return self.api

    def start_worker(self, **env):
        """Start one more worker; returns its Process."""
        number = len(self.workers)
        own = {"PENSTOCK_HOST_ID": f"host-{number}"}
        own.update(env)
        worker = self._process("penstock-worker", "run", f"worker-{number}.log", own)
        worker.start()
        self.workers.append(worker)
        return worker

    def stop(self):
        """End everything; the private folder goes too. Returns the api's exit code."""
        for worker in self.workers:
            worker.signal(worker.stop_signal)
        for worker in self.workers:
            worker.stop(timeout_s=40)
        code = self.api.stop(timeout_s=40) if self.api is not None else None
        if self._is_own_folder and self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None
        return code

    def log(self, name="api"):
        """The whole log of "api" or "worker-N"."""
        with open(os.path.join(self.folder, f"{name}.log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    # Requests

    @property
    def url(self):
        """What PENSTOCK_URL and Terraform's api_url take."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def organization_path(self):
        return f"/v1/organizations/{self.organization_id}"

    @property
    def service_path(self):
        return f"{self.organization_path}/services/{self.service_id}"

    @property
    def pipes_path(self):
        return f"{self.service_path}/clickpipes"

    def request(self, method, path, body=None, headers=None, key=()):
        """One request on a connection of its own. path: from /. body: object (sent as JSON) or bytes.
        key: (id, secret); None = without authentication; left out = the admin's. Never raises for a code."""
        head = dict(headers or {})
        if key == ():
            key = (self.key_id, self.key_secret)
        if key is not None:
            pair = base64.b64encode(f"{key[0]}:{key[1]}".encode()).decode()
            head.setdefault("Authorization", f"Basic {pair}")
        if body is not None and not isinstance(body, (bytes, bytearray)):
            body = json.dumps(body).encode() + b"\n"
            head.setdefault("Content-Type", "application/json; charset=utf-8")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=REQUEST_TIMEOUT_S)
        try:
            connection.request(method, path, body=body, headers=head)
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, names, response.read())
        finally:
            connection.close()

    def result(self, method, path, body=None):
        """The result of a request that must succeed; ApiError otherwise."""
        reply = self.request(method, path, body)
        if reply.status != 200:
            raise ApiError(f"{method} {path}", reply)
        return reply.json.get("result")

    # Shorthands

    def create_service(self, clickhouse_url, username="default", password="", name="test", **endpoint):
        """Register a ClickHouse; it becomes the service of the shorthands below."""
        body = {"name": name,
                "endpoint": {"url": clickhouse_url, "username": username, "password": password, **endpoint}}
        service = self.result("POST", f"{self.organization_path}/services", body)
        self.service_id = service["id"]
        return service

    def create_pipe(self, body):
        return self.result("POST", self.pipes_path, body)

    def pipe(self, pipe_id):
        return self.result("GET", f"{self.pipes_path}/{pipe_id}")

    def delete_pipe(self, pipe_id):
        return self.result("DELETE", f"{self.pipes_path}/{pipe_id}")

    def command_pipe(self, pipe_id, command):
        """start or stop."""
        return self.result("PATCH", f"{self.pipes_path}/{pipe_id}/state", {"command": command})

    def scale_pipe(self, pipe_id, **scaling):
        return self.result("PATCH", f"{self.pipes_path}/{pipe_id}/scaling", scaling)

    def summary(self, pipe_id):
        return self.result("GET", f"{self.pipes_path}/{pipe_id}/summary")

    def errors(self, pipe_id, query=""):
        """One page: {"errors": […], "next"}."""
        return self.result("GET", f"{self.pipes_path}/{pipe_id}/errors{query}")

    def wait_state(self, pipe_id, states, timeout_s=30.0):
        """Wait until the pipe shows one of the states; returns the pipe. A Failed that was not asked for
        ends the wait at once, with the summary's reason."""
        wanted = (states,) if isinstance(states, str) else tuple(states)

        def there():
            pipe = self.pipe(pipe_id)
            if pipe["state"] in wanted:
                return pipe
            if pipe["state"] == "Failed":
                raise RuntimeError(f"pipe {pipe_id} failed: {self.summary(pipe_id)['reason']}")
            return None

        return net.wait_until(there, timeout_s, f"pipe {pipe_id} in {' or '.join(wanted)}", interval_s=0.05)

    def wait_summary(self, pipe_id, condition, timeout_s=30.0, what="summary"):
        """Wait until condition(summary) is true; returns the summary; the last one is in the error."""
        last = None
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            last = self.summary(pipe_id)
            if condition(last):
                return last
            time.sleep(0.1)
        raise TimeoutError(f"{what}: not within {timeout_s:g} s; last: {json.dumps(last)}")

    # Inside

    @property
    def _key_file(self):
        return os.path.join(self.folder, "secret.key")

    def _write_key_file(self):
        if os.path.exists(self._key_file):
            return
        with open(os.open(self._key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w",
                  encoding="ascii") as file:
            file.write(base64.b64encode(secrets.token_bytes(32)).decode() + "\n")

    def _process(self, program, argument, log, env=None):
        settings = self.settings()
        settings.update(env or {})
        # proc.Process adds to our environment; settings of the caller must not reach the program.
        hidden = [name for name in os.environ if name.startswith("PENSTOCK_") and name not in settings]
        argv = ["/usr/bin/env", *[f"--unset={name}" for name in hidden], paths.program(program), argument]
        if not hidden:
            argv = argv[1:]
        return proc.Process(program, argv, os.path.join(self.folder, log), env=settings)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *unused):
        self.stop()
