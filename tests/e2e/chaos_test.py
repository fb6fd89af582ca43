"""Several things at once: replicas come, go and are killed while ClickHouse and Kafka are taken away and
frozen. Afterwards every record is accounted for by (partition, offset) and the counters agree."""
import os
import random
import signal
import time

from tests.e2e.delivery_test import replica_pids
from tests.e2e.orders import Feed, create_pipe, group_of, reconcile, wait_settled
from tests.harness import net

PARTITIONS = 6
SECONDS = int(os.environ.get("PENSTOCK_CHAOS_S", "15"))


def kill_one(penstock, pipe_id):
    pids = [pid for worker in penstock.workers for pid in replica_pids(worker, pipe_id)]
    if pids:
        os.kill(random.choice(pids), signal.SIGKILL)


def settle(kafka, penstock, clickhouse, pipe_id, table, acknowledged, topic=None, timeout_s=150):
    """Everything arrives, and the counters of the pipe at rest agree with it."""
    wait_settled(kafka, penstock, clickhouse, pipe_id, topic or table, timeout_s)
    outcome = reconcile(clickhouse, table, acknowledged)
    # The summary follows the committed offsets by a report of the replica. A record that is read again
    # after its batch was dropped counts once, so there are never fewer than were produced.
    summary = penstock.wait_summary(
        pipe_id, lambda s: s["lag"]["records"] == 0 and s["reason"] is None
        and s["records"]["fetched"] >= len(acknowledged)
        and s["records"]["fetched"] == sum(s["records"][kind] for kind in ("sent", "rejected", "skipped")),
        60, f"counters that agree and reach {len(acknowledged)}, no lag, no reason")
    print(summary["records"], "of", len(acknowledged))
    return outcome


def no_aborts(penstock):
    for number in range(len(penstock.workers)):
        log = penstock.log(f"worker-{number}")
        for word in ("SIGABRT", "signal=6", "optype", "Assertion", "SIGSEGV", "signal=11"):
            assert word not in log, [line for line in log.splitlines() if word in line][:5]


def test_rebalances_kills_and_outages_under_load(penstock, kafka, clickhouse, name):
    seed = int(os.environ.get("PENSTOCK_CHAOS_SEED", "0")) or random.randrange(1 << 30)
    print("seed", seed)
    random.seed(seed)
    kafka.create_topic(name, PARTITIONS)
    pipe_id = create_pipe(penstock, kafka, name)
    stream = Feed(kafka, name, rate=5000, bad_every=50).start()
    penstock.wait_summary(pipe_id, lambda s: s["records"]["sent"] > 0, what="first rows")
    end = time.monotonic() + SECONDS
    replicas = [3, 2, 1]
    step = 0
    while time.monotonic() < end:
        penstock.scale_pipe(pipe_id, replicas=replicas[step % 3])
        if step % 2 == 0:
            clickhouse.process.signal(signal.SIGSTOP)
            stream.wait_produced(len(stream.acknowledged) + 15000)
            clickhouse.process.signal(signal.SIGCONT)
        else:
            stream.wait_produced(len(stream.acknowledged) + 5000)
        kill_one(penstock, pipe_id)
        if step % 3 == 2:
            clickhouse.kill9()
            penstock.scale_pipe(pipe_id, replicas=2)
            stream.wait_produced(len(stream.acknowledged) + 15000)
            clickhouse.restart()
        step += 1
    print("steps", step, "seconds", SECONDS)
    penstock.scale_pipe(pipe_id, replicas=2)
    settle(kafka, penstock, clickhouse, pipe_id, name, stream.stop())
    no_aborts(penstock)
    penstock.delete_pipe(pipe_id)


def test_freezes_of_both_ends_and_two_groups(penstock, kafka, clickhouse, name):
    """Two pipes read one topic with groups of their own, neither disturbs the other."""
    kafka.create_topic(name, 3)
    pipes = {name: create_pipe(penstock, kafka, name), name + "_b": create_pipe(
        penstock, kafka, name, table=name + "_b", settings={"penstock_batch_rows": 500})}
    assert len({group_of(penstock, pipe_id) for pipe_id in pipes.values()}) == 2
    stream = Feed(kafka, name, rate=2000, bad_every=50).start()
    for pipe_id in pipes.values():
        penstock.wait_summary(pipe_id, lambda s: s["records"]["sent"] > 0, what="first rows")
    clickhouse.process.signal(signal.SIGSTOP)
    stream.wait_produced(len(stream.acknowledged) + 12000)
    clickhouse.process.signal(signal.SIGCONT)
    kafka.freeze()
    time.sleep(8)  # what is tried is time itself: longer than the group's session
    kafka.thaw()
    stream.wait_produced(len(stream.acknowledged) + 4000, 120)
    clickhouse.kill9()
    kafka.kill9()
    clickhouse.restart()
    kafka.restart()
    stream.wait_produced(len(stream.acknowledged) + 4000, 120)
    acknowledged = stream.stop()
    for table, pipe_id in pipes.items():
        settle(kafka, penstock, clickhouse, pipe_id, table, acknowledged, name)
        penstock.delete_pipe(pipe_id)
    no_aborts(penstock)


def test_a_backlog_when_clickhouse_dies(penstock, kafka, clickhouse, name):
    kafka.create_topic(name, PARTITIONS)
    stream = Feed(kafka, name, rate=30000, bad_every=50).start()
    stream.wait_produced(150000)
    acknowledged = stream.stop()
    pipe_id = create_pipe(penstock, kafka, name, settings={"penstock_batch_rows": 2000})
    for sent in (4000, 30000):
        penstock.wait_summary(pipe_id, lambda s: s["records"]["sent"] >= sent, what=f"{sent} sent")
        clickhouse.kill9()
        net.wait_until(lambda: penstock.summary(pipe_id)["reason"], 30, "a reason")
        clickhouse.restart()
    settle(kafka, penstock, clickhouse, pipe_id, name, acknowledged)
    no_aborts(penstock)
    penstock.delete_pipe(pipe_id)
