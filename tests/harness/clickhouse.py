"""The development ClickHouse (demo/clickhouse) for tests and the demo: started, asked, killed, ended.

    with DevClickHouse() as clickhouse:
        clickhouse.query("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
        clickhouse.query("INSERT INTO t FORMAT JSONEachRow", b'{"a":1}')
        assert clickhouse.query("SELECT a FROM t") == "1\\n"

The data lies on tmpfs where there is one: on ext4, mass file deletion makes later inserts ten times
slower for minutes. It survives `kill9` and `restart`; `stop` removes it unless a directory was given.
The port stays the same over restarts, as a client expects of a server that comes back.
"""
import http.client
import json
import os
import shutil
import subprocess
import urllib.parse

from . import net, paths
from .proc import Process

REPOSITORY = paths.ROOT
FETCH = os.path.join(paths.ROOT, "demo", "clickhouse", "fetch-libchdb")
START_TIMEOUT_S = 60
QUERY_TIMEOUT_S = 600


class ClickHouseError(RuntimeError):
    """The server's answer to a query that failed: `status` (HTTP), `code` (its own, 0 if none)."""

    def __init__(self, status, code, text):
        super().__init__(f"HTTP {status}, code {code}: {text.strip()}")
        self.status = status
        self.code = code
        self.text = text


class Answer:
    """One HTTP answer: status, headers (names in lower case), body."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def code(self):
        return int(self.headers.get("x-clickhouse-exception-code", 0))

    @property
    def summary(self):
        return {k: int(v) for k, v in json.loads(self.headers["x-clickhouse-summary"]).items()}


def library_path():
    """libchdb, fetched if it is not in the cache."""
    done = subprocess.run([FETCH], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip() or f"{FETCH} ended with {done.returncode}")
    return done.stdout.strip()


class DevClickHouse:
    """One server. Start it from the main thread (see proc.Process)."""

    def __init__(self, directory=None, user=None, password=None, config_file=None, port=None):
        self.directory = str(directory) if directory else None
        self.user = user
        self.password = password
        self.config_file = config_file
        self.port = port
        self.is_own_directory = directory is None
        self.process = None

    def start(self):
        """Start and wait until it answers."""
        if self.directory is None:
            self.directory = paths.scratch("penstock-clickhouse-")
        if self.port is None:
            self.port = net.free_port()
        port_file = os.path.join(self.directory, "port")
        argv = [
            paths.program("penstock-dev-clickhouse"),
            "--library", library_path(),
            "--data", os.path.join(self.directory, "data"),
            "--listen", f"127.0.0.1:{self.port}",
            "--port-file", port_file,
        ]
        if self.user is not None:
            password_file = os.path.join(self.directory, "password")
            with open(os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w",
                      encoding="utf-8") as file:
                file.write(self.password or "")
            argv += ["--user", self.user, "--password-file", password_file]
        if self.config_file is not None:
            argv += ["--config-file", str(self.config_file)]
        if os.path.exists(port_file):
            os.unlink(port_file)
        self.process = Process("dev-clickhouse", argv, os.path.join(self.directory, "log"))
        self.process.start()
        self.process.wait_for_file(port_file, START_TIMEOUT_S)
        return self

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self):
        return self.process.pid

    def request(self, method="POST", path="/", params=None, body=None, headers=None, auth=True):
        """One HTTP request on a connection of its own; never raises for a bad status."""
        head = dict(headers or {})
        if auth and self.user is not None:
            head.setdefault("X-ClickHouse-User", self.user)
            head.setdefault("X-ClickHouse-Key", self.password or "")
        target = path + ("?" + urllib.parse.urlencode(params) if params else "")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=QUERY_TIMEOUT_S)
        try:
            connection.request(method, target, body=body, headers=head,
                               encode_chunked=head.get("Transfer-Encoding") == "chunked")
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, names, response.read())
        finally:
            connection.close()

    def ask(self, sql, data=None, settings=None, headers=None):
        """Run a statement and return the Answer; ClickHouseError if it failed. With data (bytes, or an
        iterable of bytes: chunked), sql goes into the URL and data is the body."""
        params = {key: str(value) for key, value in (settings or {}).items()}
        head = dict(headers or {})
        if data is None:
            body = sql.encode()
        else:
            params["query"] = sql
            body = data
            if not isinstance(data, (bytes, bytearray)):
                head["Transfer-Encoding"] = "chunked"
        answer = self.request("POST", "/", params, body, head)
        if answer.status != 200 or answer.code:
            raise ClickHouseError(answer.status, answer.code, answer.body.decode("utf-8", "replace"))
        return answer

    def query(self, sql, data=None, settings=None):
        """Run a statement and return its text."""
        return self.ask(sql, data, settings).body.decode()

    def rows(self, sql, settings=None):
        """Run a SELECT and return its rows as dictionaries (64-bit numbers as int)."""
        wanted = {"output_format_json_quote_64bit_integers": 0, "default_format": "JSONEachRow"}
        wanted.update(settings or {})
        return [json.loads(line) for line in self.query(sql, settings=wanted).splitlines()]

    def value(self, sql, settings=None):
        """Run a SELECT of one cell and return its text."""
        return self.query(sql, settings=settings).rstrip("\n")

    def kill9(self):
        """SIGKILL, as a crash would."""
        self.process.kill9()

    def restart(self):
        """End it if it runs, and start it on the same data and port."""
        if self.process is not None:
            self.process.stop()
        return self.start()

    def stop(self):
        """End it; its own directory goes too. Returns the exit code."""
        code = self.process.stop() if self.process is not None else None
        if self.is_own_directory and self.directory is not None:
            shutil.rmtree(self.directory, ignore_errors=True)
            self.directory = None
        return code

    def __enter__(self):
        return self.start()

    def __exit__(self, *unused):
        self.stop()
