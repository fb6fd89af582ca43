"""Three Kafka nodes, each broker and controller, for what one broker cannot show: a leader that fails over.

    with KafkaCluster() as kafka:
        kafka.create_topic("t", 3)              # three replicas, two must have a record
        kafka.kill9(kafka.leader("t", 0))
        kafka.revive(1)
"""
import os
import shutil
import subprocess

from . import kafka, net, paths, proc

NODES = 3
HEAP_MB = 160
READY_S = 120
CLUSTER_ID = "penstockThreeNodes0000"

PROPERTIES = """process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={folder}/data
auto.create.topics.enable=false
default.replication.factor=3
min.insync.replicas=2
offsets.topic.replication.factor=3
offsets.topic.num.partitions=2
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
controller.quorum.election.timeout.ms=500
controller.quorum.fetch.timeout.ms=1000
log.cleaner.dedupe.buffer.size=2097152
"""


class KafkaCluster(kafka._Client):  # pylint: disable=protected-access
    """NODES nodes in one folder of their own, numbered from 1."""

    def __init__(self, version=None):
        self.version = version
        self.folder = paths.scratch("penstock-kafka-cluster-")
        self.nodes = {}

    def _jars(self):
        env = {**os.environ, **({"PENSTOCK_KAFKA_VERSION": self.version} if self.version else {})}
        done = subprocess.run(
            [kafka.APACHE_KAFKA, "fetch"], check=False, env=env, timeout=kafka.FETCH_S, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise kafka.KafkaError(done.stderr.strip())
        return os.path.join(done.stdout.strip(), "*")

    def _prepare(self, jars):
        ports = net.free_ports(2 * NODES)
        own, controllers = ports[:NODES], ports[NODES:]
        voters = ",".join(f"{node + 1}@127.0.0.1:{port}" for node, port in enumerate(controllers))
        java = ["java", f"-Xmx{HEAP_MB}m", f"-Xms{HEAP_MB}m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                "-XX:+ExitOnOutOfMemoryError", "-cp", jars]
        formats = []
        for node, (port, controller) in enumerate(zip(own, controllers), 1):
            folder = os.path.join(self.folder, f"node-{node}")
            os.makedirs(folder)
            properties = os.path.join(folder, "server.properties")
            with open(properties, "w", encoding="ascii") as text:
                text.write(PROPERTIES.format(
                    node=node, voters=voters, port=port, controller=controller, folder=folder))
            log = os.path.join(folder, "log")
            formats.append(proc.Process(
                f"format of node {node}",
                [*java, "kafka.tools.StorageTool", "format", "-c", properties, "-t", CLUSTER_ID], log).start())
            self.nodes[node] = proc.Process(f"Kafka node {node}", [*java, "kafka.Kafka", properties], log)
        self.bootstrap = ",".join(f"127.0.0.1:{port}" for port in own)
        for one in formats:
            if one.wait(READY_S) != 0:
                raise kafka.KafkaError(f"{one.name}: {one.log_tail()}")

    def start(self):
        """Start all and wait until they are one cluster."""
        self._prepare(self._jars())
        for node in self.nodes.values():
            node.start()
        self.wait_for(NODES)
        return self

    def wait_for(self, count, timeout_s=READY_S):
        """Until so many nodes serve."""
        admin = kafka._client().admin.AdminClient(self.client_config())  # pylint: disable=protected-access

        def brokers():
            try:
                return len(admin.list_topics(timeout=2).brokers)
            except kafka._client().KafkaException:  # pylint: disable=protected-access
                return 0

        net.wait_until(lambda: brokers() >= count, timeout_s, f"{count} nodes", 0.2)

    def create_topic(self, name, partitions=1, config=None):
        """Create a topic with a replica on every node and wait until each partition has a leader."""
        client = kafka._client()  # pylint: disable=protected-access
        admin = client.admin.AdminClient(self.client_config())
        topic = client.admin.NewTopic(name, num_partitions=partitions, replication_factor=NODES, config=config or {})
        admin.create_topics([topic], operation_timeout=kafka.CLIENT_S)[name].result(kafka.CLIENT_S)
        net.wait_until(
            lambda: self.topics().get(name) == partitions
            and all(self.leader(name, partition) in self.nodes for partition in range(partitions)),
            kafka.CLIENT_S, f"topic {name} with leaders")
        return name

    def leader(self, topic, partition):
        """Number of the node that leads the partition; −1 if none does."""
        admin = kafka._client().admin.AdminClient(self.client_config())  # pylint: disable=protected-access
        found = admin.list_topics(topic, timeout=kafka.CLIENT_S).topics[topic].partitions
        return found[partition].leader if partition in found else -1

    def kill9(self, node):
        """One node, as a crash leaves it."""
        self.nodes[node].kill9()

    def revive(self, node):
        """Start a node again on its ports and data."""
        self.nodes[node].start()
        self.wait_for(NODES)

    def stop(self):
        """End all and forget their data."""
        for node in self.nodes.values():
            node.kill9()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *unused):
        self.stop()
