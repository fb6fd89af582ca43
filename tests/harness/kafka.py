"""Kafka for tests: a real Apache Kafka (ApacheKafka) or the mock cluster (MockKafka).

Both have the same client calls, by python3-confluent-kafka: create_topic, produce, read, end_offsets,
committed. Records are tuples (key, value, headers, timestamp_ms, partition); trailing members may be
left out, None means none (a null value, the default partitioner, now).
"""
import hashlib
import contextlib
import json
import os
import shutil
import signal
import socket
import struct
import subprocess

from . import net, paths, proc

APACHE_KAFKA = os.path.join(paths.ROOT, "demo", "kafka", "apache-kafka")
FETCH_S = 600
NEWEST_VERSION = "4.3.1"
CREATE_ACLS, DELETE_ACLS = 30, 31
CLIENT_S = 30


def _client():
    """confluent_kafka, loaded only when used: the demo needs the brokers but not the client."""
    import confluent_kafka
    import confluent_kafka.admin

    return confluent_kafka


class KafkaError(RuntimeError):
    """The broker refused something a test relies on."""


class Produced(list):
    """[(partition, offset)] in the order of the records given."""


class _Client:
    """The client calls; `self.bootstrap` is all they need."""

    bootstrap = None

    def client_config(self, **more):
        """librdkafka settings to reach this cluster, for a test's own client."""
        return {"bootstrap.servers": self.bootstrap, **more}

    def topics(self):
        """{topic: number of partitions}."""
        admin = _client().admin.AdminClient(self.client_config())
        found = admin.list_topics(timeout=CLIENT_S).topics
        return {name: len(topic.partitions) for name, topic in found.items()}

    def produce(self, topic, records, **config):
        """Produce all, wait for every acknowledgement; KafkaError if one fails. Returns Produced."""
        kafka = _client()
        producer = kafka.Producer(self.client_config(
            **{"acks": "all", "linger.ms": 5, "message.max.bytes": 25000000,
               "queue.buffering.max.messages": 200000, **config}))
        acknowledged = Produced()
        failures = []

        def delivered(slot):
            def report(error, message):
                if error is not None:
                    failures.append(error)
                else:
                    acknowledged[slot] = (message.partition(), message.offset())

            return report

        for slot, record in enumerate(records):
            key, value, headers, timestamp_ms, partition = (tuple(record) + (None,) * 5)[:5]
            options = {"key": key, "value": value, "on_delivery": delivered(slot)}
            if headers is not None:
                options["headers"] = headers
            if timestamp_ms is not None:
                options["timestamp"] = timestamp_ms
            if partition is not None:
                options["partition"] = partition
            acknowledged.append(None)
            while True:
                try:
                    producer.produce(topic, **options)
                    break
                except BufferError:
                    producer.poll(0.1)
            producer.poll(0)
        left = producer.flush(CLIENT_S * 4)
        if left or failures:
            raise KafkaError(f"{topic}: {left} records unanswered, {len(failures)} failed: {failures[:1]}")
        return acknowledged

    @contextlib.contextmanager
    def consumer(self, group="penstock-test-reader", **config):
        """A consumer that is closed at the end; no automatic commits."""
        consumer = _client().Consumer(self.client_config(
            **{"group.id": group, "enable.auto.commit": False, "auto.offset.reset": "earliest",
               "fetch.wait.max.ms": 20, **config}))
        try:
            yield consumer
        finally:
            consumer.close()

    def partitions(self, topic):
        """Partition numbers of a topic; KafkaError if there is no such topic."""
        admin = _client().admin.AdminClient(self.client_config())
        found = admin.list_topics(topic, timeout=CLIENT_S).topics[topic]
        if found.error is not None:
            raise KafkaError(f"{topic}: {found.error}")
        return sorted(found.partitions)

    def _watermarks(self, topic):
        kafka = _client()
        partitions = self.partitions(topic)
        with self.consumer() as consumer:
            return {
                partition: consumer.get_watermark_offsets(
                    kafka.TopicPartition(topic, partition), timeout=CLIENT_S)
                for partition in partitions}

    def end_offsets(self, topic):
        """{partition: offset after the last record}."""
        return {partition: high for partition, (_, high) in self._watermarks(topic).items()}

    def begin_offsets(self, topic):
        """{partition: offset of the oldest record}."""
        return {partition: low for partition, (low, _) in self._watermarks(topic).items()}

    def committed(self, group, topic):
        """{partition: committed offset, None where there is none}."""
        kafka = _client()
        wanted = [kafka.TopicPartition(topic, partition) for partition in self.partitions(topic)]
        with self.consumer(group) as consumer:
            found = consumer.committed(wanted, timeout=CLIENT_S)
        return {at.partition: at.offset if at.offset >= 0 else None for at in found}

    def read(self, topic, timeout_s=CLIENT_S):
        """Every record now in the topic as confluent_kafka messages, by partition and offset."""
        kafka = _client()
        ends = self._watermarks(topic)
        wanted = sum(high - low for low, high in ends.values())
        messages = []
        with self.consumer() as consumer:
            consumer.assign([
                kafka.TopicPartition(topic, partition, low) for partition, (low, _) in ends.items()])

            def done():
                for message in consumer.consume(1000, timeout=0.2):
                    if message.error():
                        raise KafkaError(f"{topic}: {message.error()}")
                    messages.append(message)
                return len(messages) >= wanted

            if wanted:
                net.wait_until(done, timeout_s, f"{wanted} records of {topic}", interval_s=0)
        return sorted(messages, key=lambda message: (message.partition(), message.offset()))


class ApacheKafka(_Client):
    """One Apache Kafka broker in its own folder, with every listener of demo/kafka/apache-kafka.

    `listeners` maps PLAINTEXT, SASL_PLAINTEXT, SASL_SSL, SSL, MTLS, PROXIED to host:port; `users` and
    `certificates` say how to log in. The broker dies with this process.
    """

    def __init__(self, folder=None, version=None):
        """version: of Kafka, "4.3.1" say; None is what the script takes."""
        self._env = {"PENSTOCK_KAFKA_VERSION": version} if version else {}
        self._is_own_folder = folder is None
        self.folder = folder or paths.scratch("penstock-kafka-")
        self.listeners = {}
        self.users = {}
        self.certificates = {}
        self.proxied_advertises = None
        self.process = None

    def start(self, timeout_s=90):
        """Start (the first time: fetch, configure, format) and wait until it serves."""
        if self.process is None:
            done = subprocess.run(
                [APACHE_KAFKA, "prepare", self.folder], check=False, timeout=FETCH_S, env={**os.environ, **self._env},
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            if done.returncode != 0:
                raise KafkaError(done.stderr.decode("utf-8", "replace").strip())
            told = json.loads(done.stdout)
            self.bootstrap = told["bootstrap"]
            self.listeners = told["listeners"]
            self.users = told["users"]
            self.certificates = told["certificates"]
            self.proxied_advertises = told["proxiedAdvertises"]
            self.process = proc.Process(
                "Apache Kafka", [APACHE_KAFKA, "run", self.folder], told["log"], env=self._env)
        self.process.start()
        self.process.wait_ready(self._is_ready, timeout_s, 0.1)
        return self

    def _is_ready(self):
        done = subprocess.run(
            [APACHE_KAFKA, "status", self.folder], check=False, stdin=subprocess.DEVNULL, env={**os.environ, **self._env},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return done.returncode == 0

    @property
    def pid(self):
        return self.process.pid

    def create_topic(self, name, partitions=1, config=None):
        """Create a topic and wait until the broker serves it."""
        kafka = _client()
        admin = kafka.admin.AdminClient(self.client_config())
        topic = kafka.admin.NewTopic(
            name, num_partitions=partitions, replication_factor=1, config=config or {})
        try:
            admin.create_topics([topic], operation_timeout=CLIENT_S)[name].result(CLIENT_S)
        except kafka.KafkaException as problem:
            raise KafkaError(f"{name}: {problem}") from None
        net.wait_until(
            lambda: self.topics().get(name) == partitions, CLIENT_S, f"topic {name} visible")
        return name

    def delete_topic(self, name):
        """Delete a topic and wait until it is gone."""
        kafka = _client()
        admin = kafka.admin.AdminClient(self.client_config())
        try:
            admin.delete_topics([name], operation_timeout=CLIENT_S)[name].result(CLIENT_S)
        except kafka.KafkaException as problem:
            raise KafkaError(f"{name}: {problem}") from None
        net.wait_until(lambda: name not in self.topics(), CLIENT_S, f"topic {name} gone")

    def _ask_acl(self, api, kind, name, user, operation):
        """CreateAcls or DeleteAcls of Kafka's protocol (python3-confluent-kafka may be too old for them): in version 1
        the body of the one is the filter of the other."""

        def text(value):
            return struct.pack(">h", len(value)) + value.encode()

        kinds, operations = {"topic": 2, "group": 3}, {"READ": 3, "DESCRIBE": 8}
        literal, allowed = 3, 3
        body = (struct.pack(">hhi", api, 1, 1) + text("test") + struct.pack(">ib", 1, kinds[kind]) + text(name)
                + struct.pack(">b", literal) + text(f"User:{user}") + text("*")
                + struct.pack(">bb", operations[operation], allowed))
        host, port = self.listeners["PLAINTEXT"].rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=CLIENT_S) as peer, peer.makefile("rb") as answer:
            peer.sendall(struct.pack(">i", len(body)) + body)
            _, _, _, count, error = struct.unpack(">iiiih", answer.read(18))
        if count != 1 or error != 0:
            raise KafkaError(f"ACL on {kind} {name}: error {error}")

    def allow(self, kind, name, user, operation):
        """Add an ACL. kind: topic or group; operation: READ or DESCRIBE."""
        self._ask_acl(CREATE_ACLS, kind, name, user, operation)

    def disallow(self, kind, name, user, operation):
        """Take an ACL away that `allow` has added."""
        self._ask_acl(DELETE_ACLS, kind, name, user, operation)

    def set_scram_password(self, user, password, iterations=4096):
        """A new SCRAM-SHA-256 password, by AlterUserScramCredentials of Kafka's protocol. Connections that are
        logged in stay."""

        def data(value):  # compact bytes; all are shorter than 127
            return bytes([len(value) + 1]) + value

        salt = b"0123456789abcdef"
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
        scram_sha_256 = 1
        body = (struct.pack(">hhi", 51, 0, 1) + struct.pack(">h", 4) + b"test" + b"\0"
                + b"\1" + b"\2" + data(user.encode()) + struct.pack(">bi", scram_sha_256, iterations)
                + data(salt) + data(salted) + b"\0" + b"\0")
        host, port = self.listeners["PLAINTEXT"].rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=CLIENT_S) as peer, peer.makefile("rb") as answer:
            peer.sendall(struct.pack(">i", len(body)) + body)
            answer = answer.read(struct.unpack(">i", answer.read(4))[0])
        # Correlation, tags, throttle time, one result: its name, then the error.
        error = struct.unpack(">h", answer[11 + len(user):13 + len(user)])[0]
        if error != 0:
            raise KafkaError(f"password of {user}: error {error}")

    def kill9(self):
        """The broker as a crash leaves it; `restart` brings it back with its data and ports."""
        self.process.kill9()

    def freeze(self):
        """SIGSTOP: connections stay open and nobody answers."""
        self.process.signal(signal.SIGSTOP)

    def thaw(self):
        """Go on after `freeze`."""
        self.process.signal(signal.SIGCONT)

    def restart(self, timeout_s=90):
        """Start again on the same ports and data; ends it cleanly first if it runs."""
        if self.process is not None and self.process.is_alive():
            self.process.stop(30)
        return self.start(timeout_s)

    def stop(self):
        """End it and forget its data (unless the folder was given)."""
        if self.process is not None:
            self.process.stop(30)
        if self._is_own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *unused):
        self.stop()


class MockKafka(_Client):
    """penstock-dev-kafka: librdkafka's mock cluster in its own process, ready in milliseconds.

    No transactions, no offsets by time, no SASL or TLS, no DeleteTopics; 5 MiB per partition; records
    are gone when it ends, so `restart` gives an empty cluster on a new port.
    """

    def __init__(self, brokers=1, topics=None):
        self.folder = paths.scratch("penstock-mock-kafka-")
        self._port_file = os.path.join(self.folder, "port")
        argv = [paths.program("penstock-dev-kafka"), "--port-file", self._port_file, "--commands",
                "--brokers", str(brokers)]
        for name, partitions in (topics or {}).items():
            argv += ["--topic", f"{name}:{partitions}"]
        self.process = proc.Process(
            "penstock-dev-kafka", argv, os.path.join(self.folder, "log"), stdin_pipe=True,
            stdout_pipe=True)

    def start(self):
        """Start and wait until it listens."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._port_file)
        self.process.start()
        self.bootstrap = self.process.wait_for_file(self._port_file)
        return self

    @property
    def pid(self):
        return self.process.pid

    def command(self, line):
        """One command of `penstock-dev-kafka --help`, e.g. "down 1"; KafkaError if it is refused."""
        self.process.popen.stdin.write(line.encode("utf-8") + b"\n")
        self.process.popen.stdin.flush()
        answer = self.process.popen.stdout.readline().decode("utf-8", "replace").strip()
        if answer != "ok":
            raise KafkaError(answer or "penstock-dev-kafka has ended")

    def create_topic(self, name, partitions=1, config=None):
        """Create a topic. Topic settings do not exist here."""
        if config:
            raise KafkaError(f"{name}: the mock cluster has no topic settings")
        self.command(f"topic {name} {partitions}")
        return name

    def kill9(self):
        """The cluster ends at once; its records are gone."""
        self.process.kill9()

    def restart(self):
        """An empty cluster on a new port."""
        self.process.stop()
        return self.start()

    def stop(self):
        """End it."""
        self.process.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *unused):
        self.stop()
