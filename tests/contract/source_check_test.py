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


def test_without_a_worker_the_probes_say_so(penstock):
    reply = penstock.request("POST", f"{penstock.pipes_path}/schemaDiscovery", {"source": body_for("t")["source"]})
    assert reply.status == 503
    assert reply.error == "SERVICE_UNAVAILABLE: no worker runs that could do this: start one"


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
    assert reply.error == ("BAD_REQUEST: failed source validation: /source/kafka/brokers: SOURCE_UNREACHABLE: "
                           "127.0.0.1:9: connection refused")
    assert penstock.result("GET", penstock.pipes_path) == before
    assert clickhouse.value(f"EXISTS TABLE {table}") == "0"
    assert database.query("SELECT count(*) FROM probe_job") == "0"


BAD = {"ok": True, "result": {
    "source": {"ok": False, "code": "TOPIC_NOT_FOUND", "message": "no t1"},
    "registry": {"ok": False, "code": "REGISTRY_AUTHENTICATION", "message": "HTTP 401", "member": "schemaRegistry/credentials"},
    "destination": None}}
BAD_WORDS = ("BAD_REQUEST: failed source validation: /source/kafka/topics: TOPIC_NOT_FOUND: no t1; "
             "/source/kafka/schemaRegistry/credentials: REGISTRY_AUTHENTICATION: HTTP 401")


def test_all_problems_at_once(penstock, clickhouse, worker, table):
    """Of the source, of the registry and of the table."""
    clickhouse.query(f"CREATE TABLE {table} (id String) ENGINE = MergeTree ORDER BY id")
    worker(BAD)
    reply = penstock.request("POST", penstock.pipes_path, body_for(table, {"id": "UInt64", "z": "Int8"}))
    assert reply.status == 400
    assert reply.error == (f"{BAD_WORDS}; /destination/columns/0: column 'id' of the table is String, not UInt64; "
                           "/destination/columns/1: the table has no column 'z'")
    assert clickhouse.value(f"EXISTS TABLE {table}_clickpipes_error") == "0"


def stop(penstock, pipe):
    return penstock.command_pipe(pipe, "stop")


@pytest.mark.parametrize("path,body", [
    ("", {"source": {"kafka": {"credentials": {"username": "u", "password": "hunter2-new"}}}}),
    ("", {"source": {"kafka": {"caCertificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}},
          "name": "other"}),
    ("/source", {"kafka": {"topics": "t2"}}), ("/source", {"kafka": {"brokers": "127.0.0.1:10"}}),
    ("/source", {"kafka": {"consumerGroup": "g2"}})])
def test_a_change_of_the_source_is_checked(penstock, database, clickhouse, worker, table, path, body):
    worker({"ok": True})
    pipe = penstock.create_pipe(body_for(table))["id"]
    stop(penstock, pipe)
    before = penstock.pipe(pipe)
    stored = database.query(f"SELECT encode(secrets, 'hex') FROM pipe WHERE id = '{pipe}'")
    worker(BAD)
    reply = penstock.request("PATCH", f"{penstock.pipes_path}/{pipe}{path}", body)
    assert reply.status == 400 and reply.error == BAD_WORDS
    assert penstock.pipe(pipe) == before
    assert database.query(f"SELECT encode(secrets, 'hex') FROM pipe WHERE id = '{pipe}'") == stored
    worker({"ok": True})
    assert penstock.request("PATCH", f"{penstock.pipes_path}/{pipe}{path}", body).status == 200
    assert database.query("SELECT count(*) FROM probe_job") == "0"


def test_what_does_not_touch_the_source_asks_nobody(penstock, database, worker, table):
    worker({"ok": True})
    pipe = penstock.create_pipe(body_for(table))["id"]
    same = {"authentication": "PLAIN", "credentials": {"username": "u", "password": "hunter2-secret"}}
    path = f"{penstock.pipes_path}/{pipe}"
    for tail, method, body in (("", "PATCH", {"name": "x"}), ("", "PATCH", {"source": {"kafka": same}}), ("", "PATCH", {}),
                               ("/settings", "PUT", {"kafka_read_committed": True}), ("/scaling", "PATCH", {"replicas": 2})):
        assert penstock.request(method, f"{path}{tail}", body).status == 200, (tail, body)
    assert database.query("SELECT count(*) FROM probe_job") == "0"


def test_the_row_is_not_locked_meanwhile(penstock, worker, table):
    worker({"ok": True})
    pipe = penstock.create_pipe(body_for(table))["id"]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        change = pool.submit(penstock.request, "PATCH", f"{penstock.pipes_path}/{pipe}", {
            "source": {"kafka": {"credentials": {"username": "u", "password": "hunter2-new"}}}})
        assert penstock.request("PATCH", f"{penstock.pipes_path}/{pipe}", {"name": "meanwhile"}).status == 200
        assert not change.done()
        worker({"ok": True})
        assert change.result().status == 200 and change.result().result["name"] == "meanwhile"


def test_new_columns_are_compared_with_the_table(penstock, clickhouse, table):
    """Of a table that the pipe manages they may be missing still, of another not; wrong types never fit."""
    managed = penstock.create_pipe(body_for(table))["id"]
    clickhouse.query(f"ALTER TABLE {table} ADD COLUMN s String")

    def change(pipe, *columns):
        return penstock.request("PATCH", f"{penstock.pipes_path}/{pipe}", {
            "destination": {"columns": [{"name": name, "type": kind} for name, kind in columns]}})

    assert change(managed, ("id", "UInt64"), ("s", "String"), ("later", "Int8")).status == 200
    reply = change(managed, ("id", "UInt64"), ("s", "Int8"), ("even_later", "Int8"))
    assert reply.status == 400 and "/destination/columns/1: column 's' of the table is String" in reply.error
    assert "even_later" not in reply.error
    other = penstock.create_pipe(body_for(table, name="other", destination={"managedTable": False}))["id"]
    assert change(other, ("id", "UInt64"), ("s", "String")).status == 200
    reply = change(other, ("id", "UInt64"), ("later", "Int8"))
    assert reply.status == 400 and "/destination/columns/1: the table has no column 'later'" in reply.error


def test_a_changed_pipe_validates_samples(penstock, worker, table):
    worker({"ok": True})
    pipe = penstock.create_pipe(body_for(table))["id"]
    worker({"ok": True, "result": {"rows": [], "errors": [
        {"topic": "t1", "partition": 0, "offset": 7, "type": "TYPE_CONVERSION_ERROR", "message": "no number"}]}})
    reply = penstock.request("PATCH", f"{penstock.pipes_path}/{pipe}", {
        "source": {"validateSamples": True}, "destination": {"columns": [{"name": "id", "type": "UInt64"}]}})
    assert reply.status == 400 and "t1[0]@7: TYPE_CONVERSION_ERROR: no number" in reply.error


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
