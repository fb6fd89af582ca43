"""The kernel holds replicas to their memory and CPU: by control groups where the supervisor may make them,
else by the weaker means of a process, which is said. Replicas follow a script (scripted_replica.c).
"""
import os
import shutil
import signal
import subprocess
import time

import pytest

from tests.harness import net
from tests.process.world import gone, read


@pytest.fixture(name="grouped")
def fixture_grouped(world):
    """A worker that makes control groups."""
    worker = world.worker()
    world.wait_log(worker, " limits")
    if " limits_weak " in read(worker.log):
        pytest.skip("no control group can be made here: it needs root or a delegated cgroup")
    return worker


def groups_of(pid):
    """Folders of the control groups named after a supervisor."""
    found = []
    for folder, folders, _ in os.walk("/sys/fs/cgroup"):
        found += [os.path.join(folder, name) for name in folders if name.startswith(f"penstock-{pid}-")]
    return found


def first_line(folder, *names):
    """The first of these files that is there."""
    for name in names:
        path = os.path.join(folder, name)
        if os.path.exists(path):
            return read(path).strip()
    return None


def test_each_replica_has_a_group_with_its_size(world, grouped):
    pipe = world.pipe(memory_gb=0.5, cpu_millicores=250)
    pid = world.wait_replicas(pipe, [0])[0]
    groups = groups_of(grouped.pid)
    memory = [first_line(group, "memory.max", "memory.limit_in_bytes") for group in groups]
    assert str(512 * 1024 * 1024) in memory
    cpu = [first_line(group, "cpu.max", "cpu.cfs_quota_us") for group in groups]
    assert "25000 100000" in cpu or "25000" in cpu
    for group in groups:
        assert read(os.path.join(group, "cgroup.procs")).split() == [str(pid)]
    world.change(pipe, "desired = 'stopped'")
    world.wait_replicas(pipe, [])
    net.wait_until(lambda: not groups_of(grouped.pid), 5, "the groups go with the replica")


def test_a_replica_over_its_memory_is_told_as_such(world, grouped):
    pipe = world.pipe({"allocateMb": 700, "afterMs": 300}, memory_gb=0.5, cpu_millicores=1000)
    world.wait_log(grouped, "memory_limit=1")
    world.wait_row(pipe, "count(*) > 0", [["t"]], table="pipe_event", key="type = 'limits' AND pipe_id")
    severity, message, details = world.row(
        pipe, "DISTINCT severity, message, details", "pipe_event", "type = 'limits' AND pipe_id")[0]
    assert severity == "critical"
    assert "replica 0 needed more than its memory limit of 0.5 GB" in message
    assert '"replicaMemoryGb":0.5' in details.replace(" ", "")
    restarted = world.row(pipe, "message", "pipe_event", "type = 'restarted' AND pipe_id")[0][0]
    assert "SIGKILL" in restarted and "it needed more than its memory limit of 0.5 GB" in restarted
    world.wait_row(pipe, "reason_code", [["CRASH_LOOP"]], 25)
    assert "memory limit" in world.row(pipe, "reason_message")[0][0]


def test_a_replica_gets_no_more_cpu_than_it_asked_for(world, grouped):
    pipe = world.pipe({"spin": True}, cpu_millicores=200)
    pid = world.wait_replicas(pipe, [0])[0]

    def cpu_s():
        fields = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    before, since = cpu_s(), time.monotonic()
    time.sleep(3)
    used = (cpu_s() - before) / (time.monotonic() - since)
    assert used < 0.27, f"{used:.2f} of a core, asked for 0.2"
    assert grouped.is_alive()


def test_groups_of_a_killed_supervisor_are_removed_by_the_next(world, grouped):
    pipe = world.pipe()
    pid = world.wait_replicas(pipe, [0])[0]
    grouped.kill9()
    net.wait_until(lambda: gone(pid), 2, "the replica is gone")
    assert groups_of(grouped.pid)

    def removed():
        world.worker("b")
        return not groups_of(grouped.pid)

    net.wait_until(removed, 10, "left groups are removed", interval_s=0.5)


def weak_worker(world):
    """A worker that sees no control groups: as an ordinary user, or with their file system hidden."""
    worker = world.worker()
    world.wait_log(worker, " limits")
    if " limits_weak " in read(worker.log):
        return worker
    worker.signal(signal.SIGTERM)
    worker.wait(5)
    hide = shutil.which("unshare") and subprocess.run(
        ["unshare", "-m", "true"], check=False, stderr=subprocess.DEVNULL).returncode == 0
    if not hide:
        pytest.skip("control groups can be made here and cannot be hidden (unshare -m is refused)")
    return world.worker(prefix=["unshare", "-m", "sh", "-c", 'mount -t tmpfs -o ro none /sys/fs/cgroup; exec "$@"', "sh"])


def test_without_groups_weaker_means_are_used_and_said(world):
    worker = weak_worker(world)
    pipe = world.pipe({"allocateMb": 900, "afterMs": 3000}, replicas=2, memory_gb=0.5)
    pids = world.wait_replicas(pipe, [0, 1])
    for pid in pids.values():
        data = [line for line in read(f"/proc/{pid}/limits").splitlines() if line.startswith("Max data size")]
        assert data[0].split()[3] == str((512 + 256) * 1024 * 1024)
        assert os.getpriority(os.PRIO_PROCESS, pid) == 10
    assert read(worker.log).count(" limits_weak ") == 1
    world.wait_row(pipe, "severity", [["warning"], ["warning"]], table="pipe_event", key="type = 'limits' AND pipe_id")
    # More than the bound is refused by the kernel: malloc fails, the replica ends and comes again.
    world.wait_row(pipe, "count(*) >= 2", [["t"]], 10, table="pipe_event", key="type = 'restarted' AND pipe_id")
    world.wait_row(pipe, "count(*)", [["2"]], table="pipe_event", key="type = 'limits' AND pipe_id")  # said once
    assert os.getpriority(os.PRIO_PROCESS, worker.pid) == 0


def test_limits_can_be_left_out(world):
    worker = world.worker(PENSTOCK_WORKER_LIMITS="off")
    world.wait_log(worker, "memory=off cpu=off")
    pipe = world.pipe({"spin": True}, cpu_millicores=125)
    pid = world.wait_replicas(pipe, [0])[0]
    assert not groups_of(worker.pid)
    assert os.getpriority(os.PRIO_PROCESS, pid) == 0
