"""Nothing holds the supervisor up: not a PostgreSQL that is slow, cut off or gone, not forty children that
die at once, not a child that writes too much, not one that speaks another version of the protocol.
Replicas follow a script (scripted_replica.c).
"""
import http.client
import os
import re
import signal
import socket
import subprocess
import time

import pytest

from tests.harness import debian, net
from tests.harness.cable import Cable
from tests.process.supervisor_test import run
from tests.process.world import LEASE_S, PROMPT_S, gone, read


@pytest.fixture(name="cable")
def fixture_cable(postgres):
    with Cable(postgres.port) as cable:
        yield cable


def cabled_worker(world, cable, **env):
    url = world.url.replace(f":{world.postgres.port}/", f":{cable.port}/")
    return world.worker(PENSTOCK_DATABASE_URL=url, **env)


def test_a_slow_database_costs_no_lease_and_no_replica(world, cable):
    lease_s = 2 * LEASE_S
    worker = cabled_worker(world, cable, PENSTOCK_LEASE_S=lease_s)
    pipe = world.pipe({"batch": 5}, replicas=40)
    pids = world.wait_replicas(pipe, range(40), 40)
    cable.delay_s = 0.2  # 0.4 s for each statement: far more than a tick for the reports of 40 replicas
    until = time.monotonic() + 2 * lease_s
    while time.monotonic() < until:
        assert len(world.leases(pipe)) == 40
        time.sleep(0.5)
    assert world.pids(pipe) == pids
    before = int(world.row(pipe, "sent_records")[0][0])
    net.wait_until(lambda: int(world.row(pipe, "sent_records")[0][0]) > before, 20, "reports arrive all the same")
    # What is new is found all the same.
    late = world.pipe()
    world.wait_replicas(late, [0], 15)
    worker.signal(signal.SIGTERM)
    net.wait_until(lambda: not world.replicas(), 10, "replicas drain at once")
    cable.delay_s = 0.0
    assert worker.wait(20) == 0
    assert not world.leases(pipe) and not world.leases(late)
    log = read(worker.log)
    assert "lease_lost" not in log and "signal 9" not in log


def test_a_cut_off_database_stops_nothing(world, cable):
    worker = cabled_worker(world, cable)
    pipe = world.pipe({"batch": 5}, replicas=4)
    pids = world.wait_replicas(pipe, range(4), 6)
    cable.cut()
    world.wait_database_lost(worker)
    os.kill(pids[0], signal.SIGKILL)  # restarted from the spec it had
    net.wait_until(lambda: world.pids(pipe).get(0) not in (None, pids[0]), 8, "another process")
    time.sleep(2 * LEASE_S)  # longer than any permission
    assert {index: pid for index, pid in world.pids(pipe).items() if index} == {
        index: pid for index, pid in pids.items() if index}
    cable.mend()
    net.wait_until(lambda: read(worker.log).count("database_connected") >= 2, 15, "connected again")
    world.change(pipe, "replicas = 1")
    world.wait_replicas(pipe, [0], 10)


def test_a_supervisor_ends_while_its_database_is_cut_off(world, cable):
    worker = cabled_worker(world, cable)
    pipe = world.pipe({"drainMs": 300}, replicas=4)
    pids = world.wait_replicas(pipe, range(4), 6)
    cable.cut()
    world.wait_database_lost(worker)
    worker.signal(signal.SIGTERM)
    assert worker.wait(10) == 0
    assert all(gone(pid) for pid in pids.values())
    assert "signal 9" not in read(worker.log)


def test_forty_children_die_at_once(world):
    worker = world.worker()
    pipe = world.pipe({"batch": 5}, replicas=40)
    other = world.pipe()
    pids = world.wait_replicas(pipe, range(40), 40)
    kept = world.wait_replicas(other, [0])
    net.wait_until(lambda: int(world.row(pipe, "sent_records")[0][0]) > 0, 10, "counted")
    for pid in pids.values():
        os.kill(pid, signal.SIGKILL)
    net.wait_until(
        lambda: len(world.replicas(pipe)) == 40 and set(world.pids(pipe).values()).isdisjoint(pids.values()),
        30, "forty others")
    assert world.pids(other) == kept
    assert read(worker.log).count("was killed by signal 9 (SIGKILL)") == 40
    world.wait_row(pipe, "count(*)", [["40"]], 10, table="pipe_event", key="type = 'restarted' AND pipe_id")
    world.change(pipe, "desired = 'stopped'")
    world.wait_replicas(pipe, [], 10)
    # What the killed ones had not settled was taken back, once.
    world.wait_row(pipe, "fetched_records - sent_records", [["0"]], 10)


def test_a_child_that_writes_without_end_is_held_back(world):
    worker = world.worker(PENSTOCK_WORKER_LIMITS="off")
    pipe = world.pipe({"flood": True})
    pid = world.wait_replicas(pipe, [0])[0]
    before, since = worker.cpu_s(), time.monotonic()
    time.sleep(3)
    assert (worker.cpu_s() - before) / (time.monotonic() - since) < 0.3
    other = world.pipe()
    world.wait_replicas(other, [0])  # promptly
    assert world.pids(pipe) == {0: pid}
    events = int(world.row(pipe, "count(*)", "pipe_event", "type = 'assigned' AND pipe_id")[0][0])
    assert 1 <= events <= 70  # what one child may report
    world.change(pipe, "desired = 'stopped'")
    world.wait_replicas(pipe, [], PROMPT_S + 3)


def test_another_version_of_the_protocol_is_refused_once(world):
    worker = world.worker("a")
    good = world.pipe()
    kept = world.wait_replicas(good, [0])
    bad = world.pipe({"version": 9})
    world.wait_log(worker, "protocol_refused")
    net.wait_until(lambda: not world.leases(bad) and not world.replicas(bad), 5, "the lease is given back")
    world.pipe()
    time.sleep(5)  # two slow polls more
    log = read(worker.log)
    assert log.count("protocol_refused") == 1 and log.count("replica_started") == 2
    line = next(line for line in log.splitlines() if "protocol_refused" in line)
    assert "the other side speaks version 9 of the protocol, this one 1" in line and "install one version" in line
    assert world.row(bad, "failed_at IS NULL") == [["t"]]  # the host is at fault, not the pipe
    assert world.sql("SELECT count(*) FROM worker") == "0" and worker.is_alive()
    assert world.pids(good) == kept
    # Another host takes what this one does not.
    world.sql(f"DELETE FROM pipe WHERE id = '{bad}'")
    world.worker("b")
    net.wait_until(lambda: len(world.replicas()) == 2, 6, "the new pipe runs there")
    worker.signal(signal.SIGTERM)
    assert worker.wait(10) == 0
    net.wait_until(lambda: world.leases(good).get(0, ("", 0))[0] == "b", 6, "taken over")


def scrape(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
    connection.request("GET", "/metrics")
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    assert answer.status == 200 and answer.getheader("Content-Type").startswith("text/plain; version=0.0.4")
    return text


def test_prometheus_reads_this_hosts_replicas(world, cable):
    worker = cabled_worker(world, cable, PENSTOCK_WORKER_METRICS_LISTEN="127.0.0.1:0")
    port = int(re.search(r"metrics_served address=127\.0\.0\.1:(\d+)", read(worker.log))[1])
    pipe = world.pipe({"batch": 10}, replicas=2)
    world.wait_replicas(pipe, [0, 1])

    def value(name, labels=""):
        found = re.search(rf"^{name}{re.escape(labels)} (\S+)$", scrape(port), re.MULTILINE)
        return float(found[1]) if found else None

    first = f'{{clickpipe_id="{pipe}",replica="0"}}'
    net.wait_until(lambda: (value("penstock_replica_sent_records_total", first) or 0) > 20, 10, "it counts")
    promtool = debian.program("usr/bin/promtool", "prometheus")
    done = subprocess.run([promtool.path, "check", "metrics"], input=scrape(port), text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert (done.returncode, done.stdout) == (0, "")
    assert value("penstock_replica_running", first) == 1
    assert value("penstock_replica_resident_bytes", first) == 10 * 1024 * 1024
    lag = f'{{clickpipe_id="{pipe}",replica="1",topic="scripted",partition="1"}}'
    assert value("penstock_replica_lag_records", lag) == 8
    assert value("penstock_worker_replicas") == 2 and value("penstock_worker_database_up") == 1
    # Those who connect and say nothing, or nonsense, keep nobody out for long.
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(8)]
    for number, peer in enumerate(idle):
        peer.sendall(b"\x16\x03\x01" * number)
    net.wait_until(lambda: value("penstock_worker_replicas") == 2, 20, "scraped beside them")
    for peer in idle:
        peer.close()
    # It is there while the database is not.
    cable.cut()
    net.wait_until(lambda: value("penstock_worker_database_up") == 0, 10, "the database is away")
    before = value("penstock_replica_sent_records_total", first)
    net.wait_until(lambda: value("penstock_replica_sent_records_total", first) > before, 10, "it counts on")


def test_metrics_stay_on_the_host_unless_allowed():
    settings = {"PENSTOCK_DATABASE_URL": "postgresql://u@h/d", "PENSTOCK_WORKER_METRICS_LISTEN": "0.0.0.0:9000"}
    refused = run("--check-config", **settings)
    assert refused.returncode == 2 and "PENSTOCK_ALLOW_PLAIN_HTTP=1" in refused.stderr
    assert run("--check-config", PENSTOCK_ALLOW_PLAIN_HTTP="1", **settings).returncode == 0
    settings["PENSTOCK_WORKER_METRICS_LISTEN"] = "everywhere"
    assert run("--check-config", **settings).returncode == 2
