"""What the user chose, from the environment (make passes DEMO_X=… on)."""
import hashlib
import os
import shlex
import urllib.parse

from demo.driver.console import DemoError
from tests.harness import paths

HELP = """make demo: Kafka -> Penstock -> ClickHouse on this machine, nothing prepared.

Installs packages by name (apt; npm for the ClickHouse engine), builds, starts PostgreSQL, ClickHouse,
Kafka, penstock-api and penstock-worker on free loopback ports, creates a pipe by REST, produces
orders and shows the rows arriving; then compares what was produced with what was stored.

  demo/demo [--down | --help]
  make demo [NAME=value ...]
  make demo-down                end what a killed demo left behind

  DEMO_EVENTS=200000            orders to produce
  DEMO_RATE=20000               orders per second; 0 = as fast as it goes
  DEMO_MALFORMED_PERCENT=1      mean share of malformed records, 0 to 50
  DEMO_SEED=1                   the same seed gives the same orders
  DEMO_EXIT=1                   end after the comparison; without it everything keeps running
  DEMO_KAFKA=mock|apache        librdkafka's mock cluster (default), or a real Apache Kafka
  DEMO_PARTITIONS=N             partitions of the topic (mock: 32 or more, apache: 6)
  DEMO_FOLDER=.demo             where everything lies; one demo at a time in each. Not given, a second
                                demo takes .demo-2, and so on

Your own parts instead of the embedded ones:
  CLICKHOUSE_URL=http://host:8123 [CLICKHOUSE_USER=default CLICKHOUSE_PASSWORD=...]
  KAFKA_BROKERS=host:9092[,...]   plaintext, without login
  DATABASE_URL=postgresql://user:password@host/database

Logs are in .demo/logs; ClickHouse's data is on tmpfs where there is one with 1 GB free.
.demo/env has addresses, ids and the key, for `. .demo/env`.
Exit: 0 every record accounted for, 1 failed, 2 usage, 130 interrupted before the comparison."""

DEMOS_MAX = 9  # at once in one checkout
MOCK_PARTITION_BYTES = 4 << 20  # it keeps 5 MiB
STORED_BYTES_PER_EVENT = 450  # compressed; generous
MOCK_PARTITIONS_MIN = 32
MOCK_PARTITIONS_MAX = 256
APACHE_PARTITIONS = 6


def _whole(name, default, low, high):
    text = os.environ.get(name) or str(default)
    try:
        value = int(text.replace("_", ""))
    except ValueError:
        value = None
    if value is None or not low <= value <= high:
        raise DemoError(f"{name}={text}: must be a whole number from {low} to {high}", code=2)
    return value


def _percent(name, default):
    text = os.environ.get(name) or str(default)
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 50:
        raise DemoError(f"{name}={text}: must be a number from 0 to 50", code=2)
    return value


def read_env_file(path):
    """NAME='value' lines as a dictionary; empty if there is no file."""
    try:
        with open(path, encoding="utf-8") as lines:
            pairs = (line.strip().partition("=") for line in lines if "=" in line)
            return {name: "".join(shlex.split(value)) for name, _, value in pairs}
    except (FileNotFoundError, ValueError):
        return {}


class Settings:
    """Choices and places."""

    def __init__(self, number=1):
        """number: 2 for the folder of a second demo at the same time, and so on."""
        given = os.environ.get("DEMO_FOLDER")
        self.is_folder_given = bool(given)
        own = ".demo" if number == 1 else f".demo-{number}"
        self.folder = os.path.abspath(given or os.path.join(paths.ROOT, own))
        self.env_file = os.path.join(self.folder, "env")
        digest = hashlib.sha256(self.folder.encode()).hexdigest()[:12]
        self.has_tmpfs = paths.has_tmpfs()
        # Either may hold data of a demo that was killed.
        self.outside_folders = [f"{base}/penstock-demo-{digest}" for base in (paths.TMPFS, "/var/tmp")]
        self.tmpfs_folder = self.outside_folders[0 if self.has_tmpfs else 1]
        self.events = _whole("DEMO_EVENTS", 200000, 1, 10**12)
        self.rate = _whole("DEMO_RATE", 20000, 0, 10**9)
        self.seed = _whole("DEMO_SEED", 1, 0, 2**63 - 1)
        self.malformed_percent = _percent("DEMO_MALFORMED_PERCENT", 1)
        self.exits = (os.environ.get("DEMO_EXIT") or "0").lower() not in ("0", "no", "false", "off")
        self.kafka = os.environ.get("DEMO_KAFKA") or "mock"
        if self.kafka not in ("mock", "apache"):
            raise DemoError(f"DEMO_KAFKA={self.kafka}: must be mock or apache", code=2)
        self.kafka_brokers = self._own("KAFKA_BROKERS")
        self.database_url = self._own("DATABASE_URL")
        self.clickhouse_user = os.environ.get("CLICKHOUSE_USER") or "default"
        self.clickhouse_password = os.environ.get("CLICKHOUSE_PASSWORD") or ""
        self.clickhouse_url = self._clickhouse_url()
        self.partitions = self._partitions()

    def _own(self, name):
        """The user's own part, unless the value only comes from an embedded part of an earlier demo
        (somebody exported .demo/env)."""
        value = os.environ.get(name) or None
        earlier = read_env_file(self.env_file)
        if value and value == earlier.get(name) and name in earlier.get("DEMO_EMBEDDED", "").split():
            return None
        return value

    def _clickhouse_url(self):
        url = self._own("CLICKHOUSE_URL")
        if url is None:
            return None
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise DemoError(f"CLICKHOUSE_URL={url}: must be http://host:port or https://host:port", code=2)
        if parts.username:
            self.clickhouse_user = urllib.parse.unquote(parts.username)
            self.clickhouse_password = urllib.parse.unquote(parts.password or "")
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{host}{port}"

    def _partitions(self):
        default = APACHE_PARTITIONS
        if self.kafka == "mock" and self.kafka_brokers is None:
            needed = -(-self.events * STORED_BYTES_PER_EVENT // MOCK_PARTITION_BYTES)
            default = min(max(needed, MOCK_PARTITIONS_MIN), MOCK_PARTITIONS_MAX)
        return _whole("DEMO_PARTITIONS", default, 1, 1024)

    def log(self, name):
        """Path of a log file."""
        return os.path.join(self.folder, "logs", f"{name}.log")

    def program(self, name):
        """Path of a built program."""
        return os.path.join(paths.build_dir(), name)
