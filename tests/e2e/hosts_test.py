"""Several hosts with real replicas under load: two hosts in two network namespaces, one cut off from PostgreSQL; a
frozen supervisor; an upgrade host by host. Every record is accounted for by (partition, offset) afterwards,
and since no replica is killed here, none may be there twice.
"""
import contextlib
import os
import signal
import struct
import time

import pytest

from tests.e2e.conftest import LEASE_S
from tests.e2e.orders import Feed, create_pipe, group_of, reconcile, wait_settled
from tests.harness import namespaces, net, paths, proc
from tests.harness.cable import Cable
from tests.harness.children import replica_pids
from tests.harness.penstock import Penstock

PARTITIONS = 4
HEARD_S = 5  # beyond the lease: the next poll, start, rebalance


@pytest.fixture(name="penstock")
def fixture_penstock(database, clickhouse):
    """Without a worker: tests start their own. A database of its own, so that no host of another test lives."""
    number = len(database.query("SELECT datname FROM pg_database").splitlines())
    url = database.create_database(f"hosts_{number}")
    with Penstock(url, env={"PENSTOCK_LEASE_S": LEASE_S}) as programs:
        programs.create_service(clickhouse.url)
        programs.database_name = f"hosts_{number}"
        yield programs


def start_worker(penstock, host, program="penstock-worker", prefix=(), **env):
    number = len(penstock.workers)
    worker = penstock._process(  # pylint: disable=protected-access
        program, "run", f"worker-{number}.log", {"PENSTOCK_HOST_ID": host, **env})
    worker.argv = [*prefix, *worker.argv]
    worker.start()
    penstock.workers.append(worker)
    return worker


def hosts_of(database, penstock, pipe_id):
    """{host: replicas} of the leases that are held now."""
    rows = database.query(
        "SELECT host, count(*) FROM pipe_replica WHERE owner IS NOT NULL AND expires_at > now() AND "
        f"pipe_id = '{pipe_id}' GROUP BY host", penstock.database_name).splitlines()
    return {host: int(count) for host, count in (row.split("|") for row in rows)}


def members(kafka, group):
    """[{(topic, partition), …}]: what each member of the group has, by the broker."""
    import confluent_kafka.admin  # pylint: disable=import-outside-toplevel
    admin = confluent_kafka.admin.AdminClient(kafka.client_config())
    found = []
    groups = admin.list_groups(group, timeout=30)  # none while the coordinator is still being made
    for member in groups[0].members if groups else []:
        data, at = member.assignment or b"", 6
        topics = struct.unpack_from(">i", data, 2)[0] if len(data) >= 6 else 0
        has = set()
        for _ in range(topics):
            size = struct.unpack_from(">h", data, at)[0]
            topic = data[at + 2:at + 2 + size].decode()
            count = struct.unpack_from(">i", data, at + 2 + size)[0]
            at += 2 + size + 4
            has |= {(topic, partition) for partition in struct.unpack_from(f">{count}i", data, at)}
            at += 4 * count
        found.append(has)
    return found


def assert_once(kafka, group):
    """No partition is given to two members. Returns how many members there are."""
    found = members(kafka, group)
    given = [partition for has in found for partition in has]
    assert len(given) == len(set(given)), found
    return len(found)


def finish(penstock, kafka, clickhouse, pipe_id, name, stream):
    acknowledged = stream.stop()
    wait_settled(kafka, penstock, clickhouse, pipe_id, name)
    outcome = reconcile(clickhouse, name, acknowledged)
    assert (outcome.duplicate_rows, outcome.duplicate_errors) == (0, 0)


def test_a_host_cut_off_from_postgresql(penstock, database, kafka, clickhouse, name):
    refused = namespaces.why_not()
    if refused:
        pytest.skip(f"two hosts cannot be made here: {refused}")
    kafka.create_topic(name, PARTITIONS)
    broker_port = int(kafka.bootstrap.rpartition(":")[2])
    with contextlib.ExitStack() as stack:
        hosts, workers = [], []
        for number in (1, 2):
            host = stack.enter_context(namespaces.Namespace(number))
            cable = stack.enter_context(Cable(database.port, host=host.gateway))
            for port in (broker_port, clickhouse.port):
                stack.enter_context(Cable(port, listener=host.listen(port)))
            url = penstock.database_url.replace(f"127.0.0.1:{database.port}", f"{cable.host}:{cable.port}")
            hosts.append(host)
            workers.append(start_worker(penstock, f"host-{number}", prefix=host.prefix, PENSTOCK_DATABASE_URL=url))
        stack.callback(lambda: [worker.kill9_group() for worker in workers])
        pipe_id = create_pipe(penstock, kafka, name, scaling={"replicas": 4})
        stream = Feed(kafka, name, rate=500).start()
        net.wait_until(lambda: hosts_of(database, penstock, pipe_id) == {"host-1": 2, "host-2": 2}, 30, "two each")
        group = group_of(penstock, pipe_id)
        net.wait_until(lambda: assert_once(kafka, group) == 4, 30, "four members", interval_s=0.2)
        old = replica_pids(workers[0], pipe_id)
        assert len(old) == 2
        hosts[0].unplug()
        cut_at = time.monotonic()
        net.wait_until(lambda: hosts_of(database, penstock, pipe_id) == {"host-2": 4}, LEASE_S + HEARD_S, "taken over")
        print(f"taken over {time.monotonic() - cut_at:.1f} s after the cut, lease {LEASE_S} s")
        # Old and new are members of one group, for longer than a lease, and share no partition.
        net.wait_until(lambda: assert_once(kafka, group) == 6, 30, "six members", interval_s=0.2)
        until = time.monotonic() + LEASE_S + 1
        while time.monotonic() < until:
            assert_once(kafka, group)
            assert set(replica_pids(workers[0], pipe_id)) == set(old)  # cut off is no reason to stop
            time.sleep(0.2)
        hosts[0].plug()
        net.wait_until(lambda: not any(proc.start_time(pid) for pid in old), 30, "the old replicas end")
        assert penstock.log("worker-0").count("lease_lost pipe=") == 2
        net.wait_until(lambda: assert_once(kafka, group) == 4, 30, "four members again", interval_s=0.2)
        net.wait_until(
            lambda: hosts_of(database, penstock, pipe_id) == {"host-1": 2, "host-2": 2}, LEASE_S + 30, "shared again")
        finish(penstock, kafka, clickhouse, pipe_id, name, stream)
        assert "signal 9" not in penstock.log("worker-0") + penstock.log("worker-1")
        for worker in workers:
            worker.stop(timeout_s=30)


def test_replicas_of_a_frozen_supervisor_end_by_themselves(penstock, database, kafka, clickhouse, name):
    kafka.create_topic(name, PARTITIONS)
    frozen = start_worker(penstock, "frozen")
    pipe_id = create_pipe(penstock, kafka, name)
    stream = Feed(kafka, name, rate=500).start()
    penstock.wait_summary(pipe_id, lambda s: s["records"]["sent"] > 0, what="first rows")
    pids = replica_pids(frozen, pipe_id)
    start_worker(penstock, "other")
    frozen.signal(signal.SIGSTOP)
    try:
        net.wait_until(lambda: not any(proc.start_time(pid) for pid in pids), LEASE_S + HEARD_S, "they end")
        net.wait_until(lambda: hosts_of(database, penstock, pipe_id) == {"other": 1}, LEASE_S + HEARD_S, "taken over")
        sent = penstock.summary(pipe_id)["records"]["sent"]
        penstock.wait_summary(pipe_id, lambda s: s["records"]["sent"] > sent + 500, what="rows go on")
    finally:
        frozen.signal(signal.SIGCONT)
    finish(penstock, kafka, clickhouse, pipe_id, name, stream)


def test_an_upgrade_host_by_host_loses_and_repeats_nothing(penstock, database, kafka, clickhouse, name):
    assert os.path.exists(paths.program("penstock-worker-next"))
    kafka.create_topic(name, PARTITIONS)
    old = [start_worker(penstock, f"host-{number}") for number in (1, 2)]
    pipe_id = create_pipe(penstock, kafka, name, scaling={"replicas": 4})
    stream = Feed(kafka, name, rate=500, bad_every=50).start()
    net.wait_until(lambda: hosts_of(database, penstock, pipe_id) == {"host-1": 2, "host-2": 2}, 30, "two each")
    penstock.wait_summary(pipe_id, lambda s: s["records"]["sent"] > 0, what="first rows")
    for number, worker in enumerate(old, start=1):
        start_worker(penstock, f"host-{number}-next", program="penstock-worker-next")
        worker.signal(signal.SIGTERM)

        def over(worker=worker, number=number):
            running = [pid for each in penstock.workers if each.is_alive() for pid in replica_pids(each, pipe_id)]
            assert running, "all replicas of the pipe are down at once"
            held = hosts_of(database, penstock, pipe_id)
            return not worker.is_alive() and sum(held.values()) == 4 and f"host-{number}" not in held

        net.wait_until(over, 60, f"host {number} handed over")
        assert worker.wait() == 0
    versions = database.query("SELECT DISTINCT version FROM worker", penstock.database_name)
    assert versions == "next"
    sent = penstock.summary(pipe_id)["records"]["sent"]
    penstock.wait_summary(pipe_id, lambda s: s["records"]["sent"] > sent, what="rows go on")
    finish(penstock, kafka, clickhouse, pipe_id, name, stream)
    logs = "".join(penstock.log(f"worker-{number}") for number in range(4))
    assert "signal 9" not in logs and "protocol_refused" not in logs
