"""Events are copied into clickpipes_log beside the pipe's destination, and nothing waits for it."""
import concurrent.futures
import json
import socket

import pytest

from tests.harness import net
from tests.harness.penstock import Penstock
from tests.harness.postgres import PrivatePostgres

from .conftest import body_for

COLUMNS = "log_level, error_type, message, details"


def logged(clickhouse, pipe, database="default"):
    if clickhouse.value(f"EXISTS TABLE {database}.clickpipes_log") != "1":
        return []
    text = clickhouse.value(f"SELECT {COLUMNS} FROM {database}.clickpipes_log WHERE clickpipe_id = '{pipe}' "
                            "ORDER BY event_id FORMAT JSONCompactEachRow")
    return [json.loads(line) for line in text.splitlines()]


def test_events_are_copied(penstock, database, clickhouse, make):
    pipe = make(name="it's a \\ pipe")["id"]
    database.query("INSERT INTO pipe_event (pipe_id, type, severity, message, details) VALUES "
                   f"('{pipe}', 'schema', 'warning', 'it''s \\ \"new\"', '{{\"id\": 7}}')")
    database.query(f"UPDATE pipe SET failed_at = now(), failure_code = 'INTERNAL', failure_message = 'x' WHERE id = '{pipe}'")
    net.wait_until(lambda: len(logged(clickhouse, pipe)) == 3, 30, "three events in ClickHouse")
    rows = logged(clickhouse, pipe)
    assert rows[0] == ["Info", "created", "the pipe was created", "{}"]
    assert rows[1] == ["Warning", "schema", "it's \\ \"new\"", '{"id":7}']
    assert rows[2][:2] == ["Error", "state"]
    shown = penstock.result("GET", f"{penstock.pipes_path}/{pipe}/events")["events"]
    assert [event["message"] for event in reversed(shown)] == [row[2] for row in rows]
    times = clickhouse.value("SELECT formatDateTime(event_time, '%Y-%m-%dT%H:%i:%S') FROM clickpipes_log WHERE "
                             f"clickpipe_id = '{pipe}' ORDER BY event_id").split()
    assert times == [event["time"][:19] for event in reversed(shown)]


def test_where_the_table_is_refused_nothing_waits(penstock, database, clickhouse, make):
    """A database that is not there (any more): the events stay where they were, the pipe is as it was."""
    pipe = make()["id"]
    database.query("UPDATE pipe SET definition = replace(definition, '\"database\":\"default\"', '\"database\":\"gone\"') "
                   f"WHERE id = '{pipe}'")
    database.query(f"INSERT INTO pipe_event (pipe_id, type, severity, message) VALUES ('{pipe}', 'limits', 'info', 'x')")
    net.wait_until(lambda: database.query(f"SELECT log_retry_at > now() + interval '5 minutes' FROM pipe WHERE id = '{pipe}'") == "t",
                   30, "another try in some minutes")
    assert penstock.result("GET", f"{penstock.pipes_path}/{pipe}/events?type=limits")["events"]
    assert "events_not_copied" in penstock.log()
    database.query(f"UPDATE pipe SET definition = replace(definition, 'gone', 'default'), log_retry_at = now() WHERE id = '{pipe}'")
    net.wait_until(lambda: "limits" in [row[1] for row in logged(clickhouse, pipe)], 30, "the events after all")


def test_equal_creates_at_once_make_one_pipe(penstock, table):
    """A client that hung up and sends again must not get two; afterwards the same body is a new wish."""
    body = body_for(table)
    before = len(penstock.result("GET", penstock.pipes_path))
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        replies = list(pool.map(lambda _: penstock.request("POST", penstock.pipes_path, body), range(6)))
    assert [reply.status for reply in replies] == [200] * 6
    rounds = len({reply.result["id"] for reply in replies})
    assert len(penstock.result("GET", penstock.pipes_path)) == before + rounds
    assert rounds < 6
    assert penstock.create_pipe(body)["id"] not in {reply.result["id"] for reply in replies}


@pytest.mark.parametrize("answered,same", [("NULL", True), ("clock_timestamp() + interval '1 hour'", True), ("clock_timestamp()", False)])
def test_who_began_before_the_answer_gets_the_same(penstock, database, table, answered, same):
    first = penstock.create_pipe(body_for(table))["id"]
    database.query(f"UPDATE pipe SET is_answered = {answered} IS NOT NULL, answered_at = {answered} WHERE id = '{first}'")
    assert (penstock.create_pipe(body_for(table))["id"] == first) is same


def test_the_end_does_not_wait_for_a_statement(clickhouse, table):
    """The api is told to end while a ClickHouse keeps it waiting for the answer to a copy: it hangs up."""
    with PrivatePostgres() as database, Penstock(database.url, env={"PENSTOCK_CLICKHOUSE_LOG": 1}) as own, \
            socket.create_server(("127.0.0.1", 0)) as silent:
        own.create_service(clickhouse.url)
        pipe = own.create_pipe(body_for(table))["id"]
        database.query(f"UPDATE service SET url = 'http://127.0.0.1:{silent.getsockname()[1]}'")
        database.query(f"INSERT INTO pipe_event (pipe_id, type, severity, message) VALUES ('{pipe}', 'limits', 'info', 'x')")
        silent.settimeout(60)
        with silent.accept()[0] as held:
            asked = b""
            while b"clickpipes_log" not in asked:
                asked += held.recv(65536)
            own.api.stop(timeout_s=20)  # a statement may take a minute
            assert own.api.returncode == 0, own.api.log_tail()
        assert "events_not_copied" not in own.log()
