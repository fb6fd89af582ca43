"""Create asks Kafka through a worker. The worker is played here: a row that says it lives, and its answer."""
import concurrent.futures
import json
import threading
import time

import pytest

from .conftest import body_for


@pytest.fixture
def worker(database):
    """Call it with an answer (a dictionary): the next source check gets it."""
    database.query("INSERT INTO worker (owner, host, version) VALUES ('played', 'here', '0')")
    threads, done = [], threading.Event()

    def answer(verdict):
        text = json.dumps(verdict).replace("'", "''")

        def play():
            while not done.is_set():
                if database.query(f"UPDATE probe_job SET owner = 'played', answer = '{text}' WHERE answer IS NULL "
                                  "RETURNING id"):
                    return
                time.sleep(0.02)

        threads.append(threading.Thread(target=play))
        threads[-1].start()

    yield answer
    done.set()
    for thread in threads:
        thread.join()
    database.query("DELETE FROM worker WHERE owner = 'played'")


def test_a_source_that_works(penstock, database, worker, table):
    worker({"ok": True})
    assert penstock.create_pipe(body_for(table))["state"] == "Provisioning"
    assert database.query("SELECT count(*) FROM probe_job") == "0"


def test_a_source_that_does_not(penstock, database, clickhouse, worker, table):
    before = penstock.result("GET", penstock.pipes_path)
    worker({"ok": False, "status": "unavailable", "code": "SOURCE_UNREACHABLE",
            "message": "127.0.0.1:9: connection refused"})
    reply = penstock.request("POST", penstock.pipes_path, body_for(table))
    assert reply.status == 400
    assert reply.error == ("BAD_REQUEST: failed source validation: SOURCE_UNREACHABLE: "
                           "127.0.0.1:9: connection refused")
    assert penstock.result("GET", penstock.pipes_path) == before
    assert clickhouse.value(f"EXISTS TABLE {table}") == "0"
    assert database.query("SELECT count(*) FROM probe_job") == "0"


def test_shape_errors_come_before_the_check(penstock, database, worker, table):
    del worker  # alive, but not to be asked
    reply = penstock.request("POST", penstock.pipes_path, body_for(table, {"a": "Strin"}))
    assert reply.status == 400 and "/destination/columns/0/type" in reply.error
    assert database.query("SELECT count(*) FROM probe_job") == "0"


def test_the_check_is_stored_encrypted(penstock, database, worker, table):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        create = pool.submit(penstock.request, "POST", penstock.pipes_path, body_for(table))
        stored = ""
        while not stored:
            stored = database.query("SELECT encode(request, 'escape') FROM probe_job")
        worker({"ok": True})
        assert create.result().status == 200
    assert "hunter2" not in stored and "topics" not in stored


def test_nobody_else_waits_for_a_check(penstock, database, worker, table):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        create = pool.submit(penstock.request, "POST", penstock.pipes_path, body_for(table))
        while database.query("SELECT count(*) FROM probe_job") == "0":
            assert not create.done()
        started = time.monotonic()
        for _ in range(10):
            assert penstock.request("GET", penstock.pipes_path).status == 200
        assert time.monotonic() - started < 5 and not create.done()
        worker({"ok": True})
        assert create.result().status == 200


def test_parallel_apply(penstock, table):
    """What Terraform does for five pipes with for_each: create, scale, poll, all at once; and ten at a time."""

    def apply(number):
        pipe = penstock.create_pipe(body_for(f"{table}_{number}", name=f"p{number}"))
        scaled = penstock.scale_pipe(pipe["id"], replicas=number % 5 + 1)
        assert scaled["id"] == pipe["id"] and scaled["scaling"]["replicas"] == number % 5 + 1
        for _ in range(5):
            assert penstock.pipe(pipe["id"]) == scaled
        return pipe["id"]

    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        ids = list(pool.map(apply, range(10)))
    assert len(set(ids)) == 10
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        assert all(pool.map(lambda pipe: penstock.delete_pipe(pipe) is None, ids))


def test_parallel_creates_on_one_table(penstock, clickhouse, table):
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        replies = list(pool.map(lambda number: penstock.request(
            "POST", penstock.pipes_path, body_for(table, name=f"same {number}")), range(5)))
    assert [reply.status for reply in replies] == [200] * 5
    assert clickhouse.value(f"EXISTS TABLE {table}") == "1"


def test_parallel_changes_lose_none(penstock, make):
    pipe = make()["id"]
    path = f"{penstock.pipes_path}/{pipe}/settings"
    names = ["streaming_max_insert_wait_ms", "penstock_batch_rows", "penstock_error_limit", "penstock_source_timeout_s"]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda name: penstock.request("PUT", path, {name: 1000}), names))
    assert [reply.status for reply in replies] == [200] * 4
    assert penstock.pipe(pipe)["settings"] == {name: 1000 for name in names}
