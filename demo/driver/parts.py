"""The parts a pipe needs: PostgreSQL, ClickHouse, Kafka, the api and the worker, each its own process."""
import base64
import json
import os
import secrets
import subprocess

from demo.driver import install
from demo.driver.console import DemoError, step
from demo.driver.stack import write_private
from tests.harness import net, paths, proc
from tests.harness.postgres import PostgresError, PrivatePostgres

READY_S = 60
APACHE_READY_S = 120


class _Postgres(PrivatePostgres):
    """The cluster with its log beside the others."""

    def __init__(self, folder, log):
        super().__init__(folder, is_durable=True)
        self._log = log

    @property
    def log(self):
        return self._log


def _postgres_folder(stack):
    """Under .demo/ if the user it will run as can reach it, else outside of it."""
    path = stack.settings.folder
    # PostgreSQL refuses root: root runs it as another user.
    while os.geteuid() == 0 and path != "/":
        if not os.stat(path).st_mode & 0o001:
            return stack.data_folder("postgres", is_reachable=True)
        path = os.path.dirname(path)
    return os.path.join(stack.settings.folder, "postgres")


def start_postgres(stack):
    """A private cluster; returns its connection URI."""
    settings = stack.settings
    if settings.database_url is not None:
        step("PostgreSQL: yours (DATABASE_URL)")
        return settings.database_url
    step("PostgreSQL: a private cluster")
    log = settings.log("postgres")
    try:
        database = _Postgres(_postgres_folder(stack), log)
        database.start()
    except (PostgresError, proc.ProcessDied, TimeoutError, OSError) as problem:
        raise DemoError(f"PostgreSQL did not start: {' '.join(str(problem).split())[-400:]}", log) from None
    stack.adopt(database.process)
    return database.url


def _quiet(argv):
    return subprocess.run(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        check=False).returncode == 0


def start_clickhouse(stack):
    """The development ClickHouse; returns its URL."""
    settings = stack.settings
    if settings.clickhouse_url is not None:
        step(f"ClickHouse: yours, {settings.clickhouse_url}")
        return settings.clickhouse_url
    step("ClickHouse: libchdb behind our own HTTP front (fetched once, 178 MB)")
    library = install.clickhouse_library(settings)
    port = net.free_port()
    port_file = os.path.join(stack.run_folder, "clickhouse-port")
    child = stack.start(
        "clickhouse",
        [settings.program("penstock-dev-clickhouse"), "--library", library, "--data",
         stack.data_folder("clickhouse"), "--listen", f"127.0.0.1:{port}", "--port-file", port_file])
    stack.wait_ready(child, lambda: os.path.exists(port_file), READY_S)
    return f"http://127.0.0.1:{port}"


def start_kafka(stack, topic):
    """A Kafka with the topic in it (the generator makes it where we cannot); returns its brokers."""
    settings = stack.settings
    if settings.kafka_brokers is not None:
        step(f"Kafka: yours, {settings.kafka_brokers}")
        return settings.kafka_brokers
    if settings.kafka == "apache":
        return _start_apache_kafka(stack)
    step(f"Kafka: librdkafka's mock cluster, topic {topic} with {settings.partitions} partitions")
    port_file = os.path.join(stack.run_folder, "kafka-port")
    child = stack.start(
        "kafka",
        [settings.program("penstock-dev-kafka"), "--port-file", port_file, "--topic",
         f"{topic}:{settings.partitions}"])
    stack.wait_ready(child, lambda: os.path.exists(port_file), READY_S)
    with open(port_file, encoding="ascii") as ready:
        return ready.read().strip()


def _start_apache_kafka(stack):
    step("Kafka: Apache Kafka 3.9.2 (fetched once from Maven Central, 46 MB)")
    script = os.path.join(paths.ROOT, "demo", "kafka", "apache-kafka")
    folder = os.path.join(stack.settings.folder, "kafka")
    log = stack.settings.log("kafka")
    with open(log, "ab") as out:
        start = out.tell()
        done = subprocess.run(
            [script, "prepare", folder], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=out,
            check=False)
    if done.returncode != 0:
        raise DemoError(
            f"Apache Kafka: {install.last_line(log, start)} (Maven Central must be reachable, or leave "
            "DEMO_KAFKA out)", log)
    child = stack.start("kafka", [script, "run", folder])
    stack.wait_ready(child, lambda: _quiet([script, "status", folder]), APACHE_READY_S)
    return json.loads(done.stdout)["bootstrap"]


def penstock_env(stack, database_url):
    """Settings of both programs; makes the secret key once (a database of yours may hold secrets)."""
    key_file = os.path.join(stack.settings.folder, "secret-key")
    if not os.path.exists(key_file):
        write_private(key_file, base64.b64encode(secrets.token_bytes(32)).decode() + "\n")
    # Text: a person reads these logs.
    return {"PENSTOCK_DATABASE_URL": database_url, "PENSTOCK_SECRET_KEY_FILE": key_file,
            "PENSTOCK_LOG_FORMAT": "text"}


def start_api(stack, env):
    """penstock-api, ready; returns its address without /v1."""
    port = net.free_port()
    step(f"penstock-api: http://127.0.0.1:{port}")
    child = stack.start(
        "penstock-api", [stack.settings.program("penstock-api"), "serve"],
        env=dict(env, PENSTOCK_LISTEN=f"127.0.0.1:{port}"))
    stack.wait_ready(child, lambda: net.accepts(port), READY_S)
    return f"http://127.0.0.1:{port}"


def start_worker(stack, env):
    """penstock-worker: the supervisor, which starts a process for each replica."""
    step("penstock-worker: the supervisor")
    return stack.start("penstock-worker", [stack.settings.program("penstock-worker"), "run"], env=env)


def bootstrap(stack, env):
    """First organization and an admin key: {"organizationId", "keyId", "keySecret"}."""
    step("penstock-api bootstrap: an organization and an API key")
    done = subprocess.run(
        [stack.settings.program("penstock-api"), "bootstrap", "--new-key"],
        env=dict(os.environ, **env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, check=False)
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    if done.returncode != 0:
        raise DemoError(
            f"penstock-api bootstrap ended with {proc.describe_exit(done.returncode)}: "
            f"{said[-1] if said else 'it said nothing'}")
    try:
        key = json.loads(done.stdout)
        return {name: key[name] for name in ("organizationId", "keyId", "keySecret")}
    except (ValueError, KeyError, TypeError):
        raise DemoError("penstock-api bootstrap did not print a key") from None
