"""Nothing is lost: every program on the way is killed mid-stream, and every record is accounted for by
(partition, offset) afterwards. Duplicates are what at-least-once allows; they are counted and printed,
and where nothing was killed there must be none."""
import os
import signal

from tests.e2e.conftest import LEASE_S
from tests.e2e.orders import Feed, create_pipe, group_of, reconcile, wait_settled
from tests.harness import net, proc
from tests.harness.children import replica_pids

PARTITIONS = 3


def start_stream(penstock, kafka, name, **feed):
    """Topic, pipe and a running feed, once rows have begun to arrive."""
    kafka.create_topic(name, PARTITIONS)
    pipe_id = create_pipe(penstock, kafka, name)
    penstock.wait_state(pipe_id, "Running")
    stream = Feed(kafka, name, **feed).start()
    penstock.wait_summary(pipe_id, lambda s: s["records"]["sent"] > 0, what="first rows")
    return pipe_id, stream


def finish(penstock, kafka, clickhouse, pipe_id, name, stream):
    acknowledged = stream.stop()
    wait_settled(kafka, penstock, clickhouse, pipe_id, name)
    outcome = reconcile(clickhouse, name, acknowledged)
    penstock.delete_pipe(pipe_id)
    return acknowledged, outcome


def test_undisturbed_stream_arrives_once(penstock, kafka, clickhouse, name):
    pipe_id, stream = start_stream(penstock, kafka, name, bad_every=100)
    stream.wait_produced(6000)
    acknowledged = stream.stop()
    wait_settled(kafka, penstock, clickhouse, pipe_id, name)
    outcome = reconcile(clickhouse, name, acknowledged)
    assert (outcome.duplicate_rows, outcome.duplicate_errors) == (0, 0)
    assert outcome.rejected == sum(acknowledged.values()) > 0
    summary = penstock.wait_summary(
        pipe_id, lambda s: s["records"]["sent"] + s["records"]["rejected"] == len(acknowledged)
        and s["lag"]["records"] == 0, what="counters equal to what was produced, no lag")
    records = summary["records"]
    assert records["fetched"] == records["sent"] + records["rejected"] + records["skipped"]
    assert records["rejected"] == outcome.rejected
    page = penstock.errors(pipe_id, "?limit=10")["errors"]
    assert len(page) == 10
    for error in page:
        assert acknowledged[(error["partition"], error["offset"])] is True
        assert error["type"] in ("DATA_PARSING_ERROR", "TYPE_CONVERSION_ERROR")
        assert error["value"] and error["message"]
    penstock.delete_pipe(pipe_id)


def test_replica_killed(penstock, kafka, clickhouse, name):
    pipe_id, stream = start_stream(penstock, kafka, name, bad_every=50)
    worker = penstock.workers[0]
    for _ in range(3):
        before = stream.produced
        (pid,) = net.wait_until(lambda: replica_pids(worker, pipe_id), 20, "a replica")
        os.kill(pid, signal.SIGKILL)
        net.wait_until(lambda: replica_pids(worker, pipe_id) not in ([], [pid]), 20, "a new replica")
        stream.wait_produced(before + 3000)
    finish(penstock, kafka, clickhouse, pipe_id, name, stream)


def test_supervisor_killed(penstock, kafka, clickhouse, name):
    """Its replicas die with it at once; another worker takes the lease over within lease + 5 s."""
    pipe_id, stream = start_stream(penstock, kafka, name, bad_every=50)
    old = penstock.workers[0]
    (pid,) = replica_pids(old, pipe_id)
    who = proc.identity(pid)
    new = penstock.start_worker()
    old.kill9()
    assert proc.wait_gone(who, 2), "the replica outlived its supervisor"
    net.wait_until(lambda: replica_pids(new, pipe_id), LEASE_S + 5, "the other worker's replica")
    stream.wait_produced(stream.produced + 2000)
    finish(penstock, kafka, clickhouse, pipe_id, name, stream)
    penstock.workers.remove(old)
    penstock.workers.sort(key=lambda worker: worker is not new)


def test_clickhouse_killed(penstock, kafka, clickhouse, name):
    pipe_id, stream = start_stream(penstock, kafka, name, bad_every=50)
    for _ in range(2):
        clickhouse.kill9()
        penstock.wait_summary(
            pipe_id, lambda s: s["reason"] and s["reason"]["code"] == "DESTINATION_UNREACHABLE",
            what="the reason the pipe waits for")
        assert penstock.pipe(pipe_id)["state"] == "Running"
        clickhouse.restart()
        penstock.wait_summary(pipe_id, lambda s: s["reason"] is None, 60, what="no reason any more")
    finish(penstock, kafka, clickhouse, pipe_id, name, stream)


def test_broker_killed(penstock, kafka, clickhouse, name):
    pipe_id, stream = start_stream(penstock, kafka, name, bad_every=50)
    kafka.kill9()
    penstock.wait_summary(
        pipe_id, lambda s: s["reason"] and s["reason"]["code"] == "SOURCE_UNREACHABLE",
        what="the reason the pipe waits for")
    kafka.restart()
    stream.wait_produced(len(stream.acknowledged) + 2000, 120)
    finish(penstock, kafka, clickhouse, pipe_id, name, stream)


def test_clickhouse_away_for_a_minute(penstock, kafka, clickhouse, database, name):
    """No rebalance, no loss, no duplicate row: the block that waits is sent again unchanged."""
    pipe_id, stream = start_stream(penstock, kafka, name, rate=500)
    count = f"SELECT rebalances FROM pipe WHERE id = '{pipe_id}'"
    stream.wait_produced(1000)
    before = database.query(count)
    clickhouse.kill9()
    away = net.wait_until(
        lambda: penstock.summary(pipe_id)["reason"], 20, "the reason the pipe waits for")
    assert away["code"] == "DESTINATION_UNREACHABLE"
    stream.wait_produced(len(stream.acknowledged) + 60 * 500, 120)
    clickhouse.restart()
    finish_count = len(stream.stop())
    wait_settled(kafka, penstock, clickhouse, pipe_id, name)
    reconcile(clickhouse, name, stream.acknowledged)
    assert finish_count > 30000
    assert database.query(count) == before
    penstock.delete_pipe(pipe_id)


def test_stop_and_start_continue_at_the_offset(penstock, kafka, clickhouse, name):
    kafka.create_topic(name, PARTITIONS)
    pipe_id = create_pipe(penstock, kafka, name)
    penstock.wait_state(pipe_id, "Running")
    stream = Feed(kafka, name).start()
    for _ in range(2):
        stream.wait_produced(stream.produced + 1500)
        penstock.command_pipe(pipe_id, "stop")
        penstock.wait_state(pipe_id, "Stopped")
        stream.wait_produced(stream.produced + 500)
        penstock.command_pipe(pipe_id, "start")
        penstock.wait_state(pipe_id, "Running")
    _, outcome = finish(penstock, kafka, clickhouse, pipe_id, name, stream)
    assert outcome.duplicate_rows == 0


def test_two_replicas_share_six_partitions(penstock, kafka, clickhouse, database, name):
    kafka.create_topic(name, 6)
    pipe_id = create_pipe(penstock, kafka, name)
    penstock.scale_pipe(pipe_id, replicas=2)
    worker = penstock.workers[0]
    net.wait_until(lambda: len(replica_pids(worker, pipe_id)) == 2, 20, "two replicas")
    stream = Feed(kafka, name).start()
    group = group_of(penstock, pipe_id)

    def members():
        """Partitions per member as the broker's group coordinator has them."""
        import confluent_kafka.admin
        admin = confluent_kafka.admin.AdminClient(kafka.client_config())
        found = admin.list_groups(group, timeout=10)  # none before the first member has joined
        return found[0].members if found else []

    net.wait_until(lambda: len(members()) == 2, 30, "two members of the group")
    stream.wait_produced(stream.produced + 4000)
    both = f"SELECT count(*) FROM pipe_replica WHERE pipe_id = '{pipe_id}' AND records_per_second > 0"
    net.wait_until(lambda: database.query(both) == "2", 20, "both replicas read records")
    penstock.scale_pipe(pipe_id, replicas=1)
    net.wait_until(lambda: len(replica_pids(worker, pipe_id)) == 1, 20, "one replica")
    stream.wait_produced(stream.produced + 2000)
    finish(penstock, kafka, clickhouse, pipe_id, name, stream)
