"""Three brokers: the leader of a partition and the group's coordinator are killed under a running replica."""
import json

import pytest

from tests.harness import net
from tests.harness.kafka_cluster import KafkaCluster
from tests.kafka.conftest import KAFKA
from tests.process.replica_mock_test import wait_rows
from tests.process.replica_test import Producing, reconcile, stored


@pytest.fixture(scope="module", name="cluster")
def fixture_cluster():
    with KafkaCluster(KAFKA) as cluster:
        yield cluster


def test_leaders_fail_over(cluster, clickhouse, replica, name):
    """Each node dies once: every partition's leader and the coordinator were on one of them. With two of three nodes up
    nothing is waited for, and no acknowledged record is lost."""
    cluster.create_topic(name, 3)
    with replica(bootstrap=cluster.bootstrap) as one, Producing(cluster, name, 200) as producing:
        wait_rows(one, clickhouse, name, 1000)
        for node in sorted(cluster.nodes):
            led = [partition for partition in range(3) if cluster.leader(name, partition) == node]
            cluster.kill9(node)
            net.wait_until(
                lambda gone=node: all(cluster.leader(name, p) not in (gone, -1) for p in range(3)), 60, "other leaders")
            before = dict(one.partitions)
            one.wait(
                lambda r, last=before: all(r.partitions[(name, p)][0] > last[(name, p)][0] for p in range(3)), 60,
                f"commits go on in all partitions without node {node}, which led {json.dumps(led)}")
            cluster.revive(node)
        producing.__exit__()
        # A leader that dies may keep a record it has not acknowledged, which the producer then sends again: what counts is
        # what the topic has.
        ends = cluster.end_offsets(name)
        wanted = {(partition, at) for partition, end in ends.items() for at in range(end)}
        assert set(producing.produced) <= wanted
        net.wait_until(lambda: len(stored(clickhouse, name)) >= len(wanted), 60, "all records", 0.3)
        one.wait(lambda r: r.unsettled == 0 and (r.reasons() or [""])[-1] == "", 60, "all well")
        assert "failed" not in one.event_names() and one.terminate() == 0
    doubled = reconcile(clickhouse, name, sorted(wanted))
    print(f"three nodes killed one after the other: {len(wanted)} records, {doubled} doubled")
    assert cluster.committed(f"g-{name}", name) == ends
