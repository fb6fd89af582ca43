"""Several supervisors on one real PostgreSQL: replicas are spread, shared with hosts that join, handed over
by hosts that end, taken over from hosts that die. Replicas follow a script (scripted_replica.c).
"""
import collections
import signal
import time

from tests.harness import net
from tests.process.world import LEASE_S, gone, read

TICK_S = 1
POLL_S = 2
JOIN_S = 20  # a host that joins has its share: lease (it must have lived so long) + polls + drains


def hosts_of(world, *pipes):
    """How many replicas each host holds."""
    return collections.Counter(host for pipe in pipes for host, _ in world.leases(pipe).values())


def test_a_third_host_takes_its_share_and_nothing_else_moves(world):
    first, second = world.worker("a"), world.worker("b")
    pipes = [world.pipe({"drainMs": 200}, replicas=6), world.pipe({"drainMs": 200}, replicas=6)]
    for pipe in pipes:
        world.wait_replicas(pipe, range(6), 10)
    net.wait_until(lambda: hosts_of(world, *pipes) == {"a": 6, "b": 6}, 10, "two equal shares")
    before = {pid for pipe in pipes for pid in world.pids(pipe).values()}
    world.worker("c")
    net.wait_until(lambda: hosts_of(world, *pipes) == {"a": 4, "b": 4, "c": 4}, JOIN_S, "three equal shares")
    for pipe in pipes:
        world.wait_replicas(pipe, range(6), 5)
        assert hosts_of(world, pipe) == {"a": 2, "b": 2, "c": 2}  # each pipe on all hosts
    time.sleep(2 * POLL_S)  # balanced is balanced
    after = {pid for pipe in pipes for pid in world.pids(pipe).values()}
    assert len(before & after) == 8
    for worker in (first, second):
        assert read(worker.log).count("replica_given") == 2
        assert read(worker.log).count("why=balance") == 2


def test_a_full_host_gets_nothing_more(world):
    first = world.worker("a")
    pipe = world.pipe(replicas=6, memory_gb=0.5)
    world.wait_replicas(pipe, range(6), 6)
    world.worker("small", PENSTOCK_WORKER_MEMORY_GB="1")
    net.wait_until(lambda: hosts_of(world, pipe) == {"a": 4, "small": 2}, JOIN_S, "it is full")
    time.sleep(3 * POLL_S)
    assert hosts_of(world, pipe) == {"a": 4, "small": 2}
    assert read(first.log).count("replica_given") == 2


def test_forty_replicas_survive_the_death_of_a_host(world):
    workers = {host: world.worker(host) for host in ("a", "b", "c")}
    pipe = world.pipe(replicas=40)
    world.wait_replicas(pipe, range(40), 40)
    net.wait_until(lambda: sorted(hosts_of(world, pipe).values()) == [13, 13, 14], JOIN_S, "three equal shares")
    world.wait_replicas(pipe, range(40), 5)
    kept = {index: pid for index, pid in world.pids(pipe).items() if world.leases(pipe)[index][0] != "b"}
    killed_at = time.monotonic()
    workers["b"].kill9()
    net.wait_until(
        lambda: "b" not in hosts_of(world, pipe) and len(world.replicas(pipe)) == 40, LEASE_S + 5, "all run again")
    print(f"all run again after {time.monotonic() - killed_at:.1f} s, lease {LEASE_S} s")
    pids = world.pids(pipe)
    assert all(pids[index] == pid for index, pid in kept.items())  # the others were left alone
    net.wait_until(lambda: set(hosts_of(world, pipe).values()) == {20}, JOIN_S, "two equal shares")


def test_a_host_that_ends_hands_over_a_pipe_half_by_half(world):
    """Not all replicas of a pipe are down at once when another host is there to take them."""
    first = world.worker("a", PENSTOCK_LEASE_S=8)
    pipe = world.pipe({"drainMs": 300, "batch": 5}, replicas=4)
    single = world.pipe({"batch": 5})
    old = set(world.wait_replicas(pipe, range(4), 6).values())
    world.wait_replicas(single, [0])
    world.worker("b", PENSTOCK_LEASE_S=8)  # for 8 s it has not lived long enough to be given anything
    time.sleep(2 * POLL_S)
    assert hosts_of(world, pipe) == {"a": 4}
    first.signal(signal.SIGTERM)
    fewest = 4
    ended_at = time.monotonic() + 25
    while hosts_of(world, pipe, single) != {"b": 5} or len(world.replicas()) < 5:
        assert time.monotonic() < ended_at
        fewest = min(fewest, len(world.replicas(pipe)))
        time.sleep(0.02)
    assert fewest >= 2
    assert first.wait(5) == 0
    assert all(gone(pid) for pid in old)
    assert world.sql("SELECT string_agg(host, ',') FROM worker") == "b"
    log = read(first.log)
    assert log.count("lease_released") == 5 and "signal 9" not in log
    for each in (pipe, single):
        world.change(each, "desired = 'stopped'")
        world.wait_replicas(each, [], 5)
        world.wait_row(each, "fetched_records - sent_records", [["0"]])  # every drain was clean


def test_both_hosts_end_at_once(world):
    """The second half waits for nobody in vain."""
    workers = [world.worker(host) for host in ("a", "b")]
    pipe = world.pipe(replicas=8)
    world.wait_replicas(pipe, range(8), 6)
    for worker in workers:
        worker.signal(signal.SIGTERM)
    for worker in workers:
        assert worker.wait(15) == 0
    assert not world.replicas(pipe) and not world.leases(pipe)
