"""The supervisor as a process, on a real PostgreSQL: start, stop, scale, delete, crashes, leases.

The program is penstock-worker with a replica that follows a script (scripted_replica.c), so that
children crash, hang and drain on demand; what the supervisor itself does is all real. Rows are
written by SQL, as the api would.
"""
import json
import os
import signal
import subprocess
import time

import pytest

from tests.harness import net, paths, proc
from tests.harness.postgres import PrivatePostgres
from tests.process.world import LEASE_S, PROMPT_S, World, gone, read


def test_start_stop_scale_and_delete_take_effect_at_once(world):
    world.worker()
    pipe = world.pipe()
    first = world.wait_replicas(pipe, [0])
    world.change(pipe, "replicas = 3")
    third = world.wait_replicas(pipe, [0, 1, 2])
    assert third[0] == first[0]
    world.change(pipe, "replicas = 2")
    second = world.wait_replicas(pipe, [0, 1])
    assert second == {0: third[0], 1: third[1]}
    world.change(pipe, "desired = 'stopped'")
    world.wait_replicas(pipe, [])
    net.wait_until(lambda: not world.leases(pipe), PROMPT_S, "leases given back")
    world.change(pipe, "desired = 'running'")
    again = world.wait_replicas(pipe, [0, 1])
    assert set(again.values()).isdisjoint(second.values())
    world.sql(f"DELETE FROM pipe WHERE id = '{pipe}'")
    world.wait_replicas(pipe, [])


def test_heartbeats_become_rows(world):
    world.worker()
    pipe = world.pipe({"batch": 10})
    world.wait_row(pipe, "state, pid > 0, memory_bytes, restarts", [["running", "t", "10485760", "0"]],
                   table="pipe_replica", key="pipe_id")
    assert world.row(pipe, "ready_at IS NOT NULL, reason_code") == [["t", ""]]
    world.wait_row(pipe, "topic, partition, committed, end_offset", [["scripted", "0", "42", "50"]],
                   table="pipe_partition", key="pipe_id")
    world.wait_row(pipe, "type, severity", [["assigned", "info"]], table="pipe_event", key="type = 'assigned' AND pipe_id")
    world.wait_row(pipe, "message", [["Provisioning to Running: a replica consumes"]], table="pipe_event",
                   key="type = 'state' AND pipe_id")
    world.wait_row(pipe, "latency_max_ms, array_length(latency_counts, 1)", [["77", "13"]],
                   table="pipe_replica", key="pipe_id")
    net.wait_until(lambda: int(world.row(pipe, "sent_records")[0][0]) >= 50, 10, "records are counted")
    rows = world.row(
        pipe, "cpu_millicores BETWEEN 50 AND 150, records_per_second BETWEEN 20 AND 80, "
        "unsettled_records", "pipe_replica", "pipe_id")
    assert rows == [["t", "t", "10"]]
    fetched, sent, inserts = world.row(pipe, "fetched_records, sent_records, inserts")[0]
    assert int(fetched) == int(sent) + 10 and int(inserts) * 10 == int(sent)
    world.change(pipe, "desired = 'stopped'")
    world.wait_replicas(pipe, [])
    # At rest everything that was fetched is accounted for.
    world.wait_row(pipe, "fetched_records - sent_records, fetched_bytes > 0", [["0", "t"]])


def test_counters_survive_the_death_of_a_replica(world):
    world.worker()
    pipe = world.pipe({"batch": 10})
    pid = world.wait_replicas(pipe, [0])[0]
    net.wait_until(lambda: int(world.row(pipe, "sent_records")[0][0]) >= 30, 10, "records are counted")
    os.kill(pid, signal.SIGKILL)
    before = int(world.row(pipe, "sent_records")[0][0])
    net.wait_until(lambda: gone(pid), PROMPT_S, "the killed replica is gone")
    net.wait_until(lambda: int(world.row(pipe, "sent_records")[0][0]) > before + 30, 20, "it counts on")
    world.change(pipe, "desired = 'stopped'")
    world.wait_replicas(pipe, [])
    # What the killed one had not settled was taken back: once, not twice.
    world.wait_row(pipe, "fetched_records - sent_records, fetched_bytes - 100 * fetched_records",
                   [["0", "0"]])


def test_a_killed_replica_is_started_again(world):
    worker = world.worker()
    pipe = world.pipe()
    pid = world.wait_replicas(pipe, [0])[0]
    os.kill(pid, signal.SIGKILL)
    net.wait_until(lambda: world.pids(pipe).get(0) not in (None, pid), 3, "another process")
    world.wait_log(worker, f"pid {pid} was killed by signal 9 (SIGKILL)")
    world.wait_row(pipe, "count(*)", [["1"]], table="pipe_event", key="type = 'restarted' AND pipe_id")
    message = world.row(pipe, "message, severity", "pipe_event", "type = 'restarted' AND pipe_id")[0]
    assert f"pid {pid} was killed by signal 9" in message[0] and message[1] == "warning"
    world.wait_row(pipe, "restarts, generation", [["1", "1"]], table="pipe_replica", key="pipe_id")


def test_a_crash_loop_is_throttled_and_said(world):
    worker = world.worker()
    pipe = world.pipe({"signal": int(signal.SIGUSR2)})
    world.wait_row(pipe, "reason_code", [["CRASH_LOOP"]], 25)
    message = world.row(pipe, "reason_message, last_error_type")[0]
    assert "ended 5 times" in message[0] and "signal 12 (SIGUSR2)" in message[0]
    assert world.row(pipe, "failed_at IS NULL") == [["t"]]
    assert read(worker.log).count("replica_started") == 5
    assert "wait_ms=30000 crash_loop=1" in read(worker.log)


def test_a_replica_that_is_done_although_wanted_comes_back(world):
    worker = world.worker()
    pipe = world.pipe({"exit": 0, "afterMs": 300})
    net.wait_until(lambda: read(worker.log).count("replica_started") >= 3, 10, "started three times")
    assert world.row(pipe, "DISTINCT severity", "pipe_event", "type = 'restarted' AND pipe_id") == [["info"]]


def test_a_failure_stops_all_replicas_until_somebody_starts_the_pipe(world):
    worker = world.worker()
    pipe = world.pipe({"failed": "TABLE_NOT_FOUND", "afterMs": 600}, replicas=2)
    world.wait_row(pipe, "failure_code, failure_message, failed_at IS NOT NULL",
                   [["TABLE_NOT_FOUND", "as the script says", "t"]])
    world.wait_replicas(pipe, [])
    started = read(worker.log).count("replica_started")
    assert started == 2
    time.sleep(2.5)  # the next slow poll must not start it either
    assert read(worker.log).count("replica_started") == started
    world.change(pipe, "failed_at = NULL, failure_code = NULL, definition = '{}'")
    world.wait_replicas(pipe, [0, 1])


@pytest.mark.parametrize("script, code", [({"exit": 2}, "does not understand"), ({"exit": 4}, "without saying why")])
def test_exit_codes_that_need_a_person_fail_the_pipe(world, script, code):
    world.worker()
    pipe = world.pipe(script)
    world.wait_row(pipe, "failure_code", [["INTERNAL"]])
    assert code in world.row(pipe, "failure_message")[0][0]
    world.wait_replicas(pipe, [])


def test_reasons_come_and_go(world):
    world.worker()
    pipe = world.pipe({"reason": "SOURCE_UNREACHABLE", "waiting": True})
    world.wait_row(pipe, "reason_code, reason_message, ready_at IS NULL",
                   [["SOURCE_UNREACHABLE", "as the script says", "t"]])
    # A new revision whose process runs well leaves no reason behind.
    world.change(pipe, "definition = '{}', revision = revision + 1")
    world.wait_row(pipe, "reason_code, ready_at IS NULL", [["", "f"]])


def test_a_new_revision_replaces_the_process(world):
    worker = world.worker()
    pipe = world.pipe()
    pid = world.wait_replicas(pipe, [0])[0]
    world.change(pipe, "revision = revision + 1")
    net.wait_until(lambda: world.pids(pipe).get(0) not in (None, pid), PROMPT_S, "another process")
    world.wait_row(pipe, "revision, generation, restarts", [["2", "1", "0"]], table="pipe_replica", key="pipe_id")
    assert "why=revision" in read(worker.log)


def test_a_replica_that_sends_garbage_is_replaced(world):
    worker = world.worker()
    pipe = world.pipe({"garbage": True, "afterMs": 300})
    world.wait_log(worker, "replica_refused")
    net.wait_until(lambda: read(worker.log).count("replica_started") >= 2, 5, "started again")
    assert world.replicas(pipe) is not None


def test_children_see_no_setting_and_no_secret(world):
    world.worker()
    pipe = world.pipe()
    pid = world.wait_replicas(pipe, [0])[0]
    world.wait_row(pipe, "ready_at IS NOT NULL", [["t"]])  # it has named itself by then
    with open(f"/proc/{pid}/environ", "rb") as file:
        names = {item.split(b"=")[0] for item in file.read().split(b"\0") if item}
    assert {name for name in names if name.startswith(b"PENSTOCK_")} == {
        b"PENSTOCK_LOG_LEVEL", b"PENSTOCK_LOG_FORMAT"}
    with open(f"/proc/{pid}/comm", encoding="ascii") as file:
        assert file.read().strip() == "penstock-worker"[:15]
    assert world.postgres.password not in read(f"/proc/{pid}/cmdline")


def test_replicas_die_with_a_killed_supervisor_and_another_takes_over(world):
    first = world.worker("a")
    pipe = world.pipe(replicas=2)
    pids = world.wait_replicas(pipe, [0, 1])
    killed_at = time.monotonic()
    first.kill9()
    net.wait_until(lambda: all(gone(pid) for pid in pids.values()), 1, "its replicas are gone")
    second = world.worker("b")
    world.wait_replicas(pipe, [0, 1], LEASE_S + 5)
    assert time.monotonic() - killed_at >= LEASE_S - 1.5  # not before the lease ran out
    assert set(world.leases(pipe).values()) == {("b", 2)}
    assert second.is_alive()


def test_two_supervisors_share_and_never_run_one_twice(world):
    world.worker("a")
    world.worker("b")
    pipe = world.pipe(replicas=10)
    world.wait_replicas(pipe, range(10), 6)
    hosts = [host for host, _ in world.leases(pipe).values()]
    assert sorted(hosts) == ["a"] * 5 + ["b"] * 5
    # Under changes, too: pids() fails when one runs twice.
    for replicas in (3, 12, 1, 8):
        world.change(pipe, f"replicas = {replicas}")
        world.wait_replicas(pipe, range(replicas), 8)
        assert len(world.pids(pipe)) == replicas


def test_what_one_host_leaves_the_other_takes(world):
    world.worker("small", PENSTOCK_WORKER_MEMORY_GB="1")
    world.worker("large")
    pipe = world.pipe(replicas=8, memory_gb=0.5)
    world.wait_replicas(pipe, range(8), 20)
    hosts = [host for host, _ in world.leases(pipe).values()]
    assert hosts.count("small") == 2 and hosts.count("large") == 6


def test_a_host_takes_no_more_than_it_has(world):
    worker = world.worker(PENSTOCK_WORKER_CPU_MILLICORES="600")
    pipe = world.pipe(replicas=3, cpu_millicores=250)
    world.wait_replicas(pipe, [0, 1])
    time.sleep(4.5)  # two slow polls more
    assert len(world.pids(pipe)) == 2
    assert "capacity_short replicas_missing=1 " in read(worker.log)


def test_replicas_survive_an_absent_database(world):
    server = PrivatePostgres()
    with server:
        away = World(server)
        try:
            worker = away.worker()
            pipe = away.pipe({"batch": 10}, replicas=2)
            doomed = away.pipe({"batch": 1})
            pids = away.wait_replicas(pipe, [0, 1])
            dead = away.wait_replicas(doomed, [0])[0]
            net.wait_until(lambda: int(away.row(pipe, "sent_records")[0][0]) >= 40, 10, "counted")
            server.kill9()
            away.wait_database_lost(worker)
            os.kill(dead, signal.SIGKILL)  # restarted without the database, from the spec it had
            net.wait_until(lambda: away.pids(doomed).get(0) not in (None, dead), 5, "another process")
            time.sleep(2 * LEASE_S)  # longer than any lease and any permission
            assert away.pids(pipe) == pids
            server.start()
            away.wait_log(worker, "database_connected")
            before = int(away.row(pipe, "sent_records")[0][0])
            net.wait_until(lambda: int(away.row(pipe, "sent_records")[0][0]) > before, 10, "counted on")
            # What was counted meanwhile has arrived: two replicas, ten records five times a second.
            assert int(away.row(pipe, "sent_records")[0][0]) > 2 * LEASE_S * 50
            assert away.pids(pipe) == pids
            assert set(away.leases(pipe).values()) == {("a", 1)}
            for each in (pipe, doomed):
                away.change(each, "desired = 'stopped'")
                away.wait_replicas(each, [], 5)
                away.wait_row(each, "fetched_records - sent_records", [["0"]])
        finally:
            away.close()


def test_replicas_survive_a_database_that_hangs(world):
    """Nothing answers and nothing is refused: each try costs a timeout, children must not notice."""
    worker = world.worker()
    pipe = world.pipe(replicas=2)
    pids = world.wait_replicas(pipe, [0, 1])
    sessions = world.sql("SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
                         "AND pid <> pg_backend_pid()").splitlines()
    frozen = [world.postgres.pid, *map(int, sessions)]
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    try:
        world.wait_database_lost(worker)
        time.sleep(2 * LEASE_S)
        assert world.pids(pipe) == pids
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
    net.wait_until(lambda: read(worker.log).count("database_connected") == 2, 15, "connected again")
    assert world.pids(pipe) == pids
    world.change(pipe, "replicas = 1")
    world.wait_replicas(pipe, [0])


def test_an_idle_supervisor_needs_next_to_no_cpu(world):
    worker = world.worker()
    pipe = world.pipe(replicas=3)
    stuck = world.pipe({"exit": 1})  # a restart that waits must not keep the loop busy
    world.wait_replicas(pipe, [0, 1, 2])
    before = worker.cpu_s()
    time.sleep(4)
    assert worker.cpu_s() - before < 0.4
    assert world.row(stuck, "failed_at IS NULL") == [["t"]]


def test_a_supervisor_that_lost_its_leases_lets_go(world):
    worker = world.worker("a")
    pipe = world.pipe()
    pid = world.wait_replicas(pipe, [0])[0]
    world.sql("UPDATE pipe_replica SET owner = 'somebody', generation = generation + 1, "
              "expires_at = now() + interval '1 hour'")
    net.wait_until(lambda: gone(pid), 3, "the replica is gone")
    assert "why=lease_lost" in read(worker.log)
    time.sleep(2.5)
    assert not world.replicas(pipe)
    assert world.leases(pipe) == {0: ("a", 2)}  # untouched: the host is the last claim's


def test_replicas_of_a_frozen_supervisor_end_by_themselves(world):
    worker = world.worker()
    pipe = world.pipe()
    pid = world.wait_replicas(pipe, [0])[0]
    os.kill(worker.pid, signal.SIGSTOP)
    try:
        # A zombie counts as gone: its parent cannot reap it.
        net.wait_until(lambda: gone(pid), LEASE_S + 3, "the replica is gone")
        other = world.worker("b")
        net.wait_until(lambda: world.leases(pipe).get(0, ("", 0))[0] == "b", LEASE_S + 5, "taken over")
    finally:
        os.kill(worker.pid, signal.SIGCONT)
    world.wait_log(worker, "lease_lost")
    net.wait_until(lambda: len(world.pids(pipe)) == 1, 3, "it runs once")
    assert other.is_alive() and worker.is_alive()


def test_sigterm_drains_in_parallel_and_gives_leases_back(world):
    worker = world.worker()
    pipe = world.pipe({"drainMs": 1500, "batch": 5}, replicas=4)
    pids = world.wait_replicas(pipe, range(4))
    net.wait_until(lambda: int(world.row(pipe, "sent_records")[0][0]) > 0, 10, "counted")
    since = time.monotonic()
    worker.signal(signal.SIGTERM)
    assert worker.wait(10) == 0
    assert 1.3 < time.monotonic() - since < 4  # four drains of 1.5 s, not one after the other
    assert all(gone(pid) for pid in pids.values())
    assert world.leases(pipe) == {}
    assert world.sql("SELECT count(*) FROM worker") == "0"
    assert world.row(pipe, "fetched_records - sent_records") == [["0"]]
    assert "signal 9" not in read(worker.log)


def test_a_second_sigterm_kills(world):
    worker = world.worker()
    pipe = world.pipe({"ignoreTerm": True})
    pid = world.wait_replicas(pipe, [0])[0]
    net.wait_until(lambda: world.row(pipe, "ready_at IS NOT NULL") == [["t"]], 5, "runs")
    worker.signal(signal.SIGTERM)
    world.wait_log(worker, "replica_draining")
    assert not gone(pid)
    worker.signal(signal.SIGTERM)
    assert worker.wait(5) == 0
    assert gone(pid)


def test_sighup_reads_the_log_level_again(world):
    config = os.path.join(world.folder, "config")
    with open(config, "w", encoding="ascii") as file:
        file.write("PENSTOCK_HOST_ID=from-file\n")
    worker = world.worker()
    worker.signal(signal.SIGHUP)
    world.wait_log(worker, "settings_reloaded")
    assert worker.is_alive()


def test_the_real_replica_and_its_supervisor_understand_each_other(world):
    worker = world.worker(program="penstock-worker")
    definition = {
        "name": "p",
        "source": {"kafka": {"type": "kafka", "format": "JSONEachRow", "topics": "t",
                             "brokers": f"127.0.0.1:{net.free_port()}"}},
        "destination": {"database": "default", "table": "t", "managedTable": True,
                        "tableDefinition": {"engine": {"type": "MergeTree"}, "sortingKey": []},
                        "columns": [{"name": "a", "type": "UInt64"}]},
    }
    pipe = world.pipe(definition=json.dumps(definition))
    pid = world.wait_replicas(pipe, [0])[0]
    # Neither Kafka nor ClickHouse are there: it waits, says for what, and stays the same process.
    net.wait_until(lambda: world.row(pipe, "id, reason_code")[0][1].endswith("_UNREACHABLE"), 30, "a reason")
    world.wait_row(pipe, "state, pid", [["waiting", str(pid)]], table="pipe_replica", key="pipe_id")
    assert world.row(pipe, "failed_at IS NULL") == [["t"]]
    os.kill(pid, signal.SIGKILL)
    net.wait_until(lambda: world.pids(pipe).get(0) not in (None, pid), 3, "another process")
    world.change(pipe, "desired = 'stopped'")
    world.wait_replicas(pipe, [], 5)
    world.change(pipe, "desired = 'running'")
    world.wait_replicas(pipe, [0])
    worker.signal(signal.SIGTERM)
    assert worker.wait(10) == 0
    assert not world.replicas(pipe)


def ask(world, question):
    done = subprocess.run(
        [paths.program("test-migrate"), world.url, world.key_file, json.dumps(question)],
        check=True, timeout=60, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def test_probes_are_answered_at_once(world):
    world.worker()
    question = {"kind": "connection", "definition": {"a": "ž" * 1000}, "deadlineMs": 5000}
    since = time.monotonic()
    assert ask(world, question) == {"ok": True, "asked": question}
    assert time.monotonic() - since < PROMPT_S


def test_probes_that_fail_are_answered_too(world):
    worker = world.worker()
    crashed = ask(world, {"kind": "connection", "definition": {"script": {"exit": 3}}})
    assert crashed["ok"] is False and "exit status 3" in crashed["message"]
    late = ask(world, {"kind": "connection", "definition": {"script": {"hang": True}}, "deadlineMs": 700})
    assert late == {"ok": False, "status": "timeout", "code": "SOURCE_UNREACHABLE",
                    "message": "no answer within 700 ms"}
    assert worker.is_alive()


def test_the_worker_waits_for_a_database_that_is_not_there(world):
    port = net.free_port()
    log = os.path.join(world.folder, "early.log")
    worker = proc.Process("worker", [paths.program("scripted-worker")], log, env={
        "PENSTOCK_DATABASE_URL": f"postgresql://u@127.0.0.1:{port}/d", "PENSTOCK_LOG_FORMAT": "text"})
    worker.start()
    world.workers.append(worker)
    world.wait_log(worker, "database_away")
    time.sleep(2)
    assert worker.is_alive() and read(log).count("database_away") == 1
    assert worker.stop() == 0


def run(*arguments, **env):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
    inherited.update(env)
    return subprocess.run(
        [paths.program("scripted-worker"), *arguments], env=inherited, check=False, timeout=20,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_command_line():
    assert run("--version").stdout.startswith("penstock-worker ")
    assert "Usage:" in run("--help").stdout
    for words in (["--frobnicate"], ["run", "run"], ["--config"], ["--replica"], ["--replica", "x"]):
        done = run(*words)
        assert done.returncode == 2 and "see --help" in done.stderr
    assert run("--check-config").returncode == 2
    good = {"PENSTOCK_DATABASE_URL": "postgresql://u:hidden-word@h/d"}
    assert run("--check-config", **good).returncode == 0
    assert run("--check-config", PENSTOCK_SECRET_KEY_FILE="/nonexistent", **good).returncode == 2
    printed = run("--print-config", **good).stdout
    assert "PENSTOCK_LEASE_S=15" in printed and "hidden-word" not in printed
    assert run("run", PENSTOCK_DATABASE_URL="this is no url").returncode == 2
