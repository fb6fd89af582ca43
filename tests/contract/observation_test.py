"""Summary, errors, events, Prometheus: what is shown of facts that a worker would have written."""
import base64
import re

import pytest


@pytest.fixture
def busy(penstock, database, make):
    """A pipe with two replicas' worth of facts in the database, as a supervisor would report them."""
    pipe = make(name='busy "pipe"\n')["id"]
    database.query(
        "UPDATE pipe SET ready_at = now(), fetched_records = 100, sent_records = 90, rejected_records = 7, "
        "skipped_records = 3, fetched_bytes = 1000, fetched_wire_bytes = 500, sent_bytes = 800, sent_wire_bytes = 200, "
        "inserts = 12, insert_retries = 2, insert_numbers = '{1500,0,12,0,0,0,0,0,0,0,1,0,0,0,0,0,1}', "
        " batches_rows = 1, batches_bytes = 2, batches_age = 8, batches_drain = 1, "
        f"rebalances = 4 WHERE id = '{pipe}'")
    for index in (0, 1):
        database.query(
            "INSERT INTO pipe_replica (pipe_id, replica_index, owner, host, expires_at, state, pid, started_at, restarts, "
            "memory_bytes, cpu_millicores, records_per_second, bytes_per_second, latency_counts, latency_max_ms) VALUES "
            f"('{pipe}', {index}, 'o', 'h{index}', now() + interval '1 hour', 'running', {100 + index}, now(), {index}, "
            "1000, 50, 10.5, 100, ARRAY[0, 0, 5]::bigint[], 3)")
    database.query("INSERT INTO pipe_partition (pipe_id, topic, partition, committed, end_offset) VALUES "
                   f"('{pipe}', 't1', 0, 10, 15), ('{pipe}', 't1', 1, -1, 4)")
    return pipe


def test_summary(penstock, busy):
    summary = penstock.summary(busy)
    assert summary["id"] == busy and summary["state"] == "Running" and summary["desired"] == "running"
    assert summary["reason"] is None and summary["lastError"] is None and summary["since"]
    assert summary["records"] == {"fetched": 100, "sent": 90, "rejected": 7, "skipped": 3}
    assert summary["bytes"] == {"fetched": 1000, "fetchedCompressed": 500, "sent": 800, "sentCompressed": 200}
    assert summary["rates"] == {"recordsPerSecond": 21, "bytesPerSecond": 200}
    assert summary["lag"] == {"records": 9, "partitions": [
        {"topic": "t1", "partition": 0, "committed": 10, "end": 15, "lag": 5},
        {"topic": "t1", "partition": 1, "committed": -1, "end": 4, "lag": 4}]}
    assert summary["latencyMs"] == {"p50": 3, "p95": 3, "p99": 3, "max": 3}
    assert summary["batches"] == {"inserts": 12, "retries": 2,
                                  "byReason": {"rows": 1, "bytes": 2, "age": 8, "drain": 1}}
    assert summary["guarantee"]["mode"] == "at-least-once" and summary["guarantee"]["protects"] is None
    assert [replica["pid"] for replica in summary["replicas"]] == [100, 101]
    assert sorted(summary["replicas"][0]) == ["cpuMillicores", "host", "index", "memoryBytes", "pid", "restarts",
                                              "startedAt", "state"]


def test_summary_of_all(penstock, busy):
    listed = {one["id"]: one for one in penstock.result("GET", f"{penstock.pipes_path}/summary")}
    assert set(listed) == {pipe["id"] for pipe in penstock.result("GET", penstock.pipes_path)}
    single = penstock.summary(busy)
    del single["replicas"], single["lag"]["partitions"]
    assert listed[busy] == single


def test_summary_without_a_worker(penstock, make):
    pipe = make()["id"]
    summary = penstock.summary(pipe)
    assert summary["reason"]["code"] == "NO_WORKER" and summary["reason"]["hint"]
    assert summary["state"] == "Provisioning" and summary["replicas"] == []
    penstock.command_pipe(pipe, "stop")
    assert penstock.summary(pipe)["reason"] is None


def test_summary_says_what_it_waits_for(penstock, database, make):
    pipe = make()["id"]
    database.query("UPDATE pipe SET ready_at = now(), reason_code = 'DESTINATION_UNREACHABLE', reason_message = 'refused', "
                   "last_error_type = 'DESTINATION_UNREACHABLE', last_error_message = 'refused', last_error_at = now() "
                   f"WHERE id = '{pipe}'")
    summary = penstock.summary(pipe)
    assert summary["state"] == "Running"
    assert summary["reason"]["code"] == "DESTINATION_UNREACHABLE" and summary["reason"]["message"] == "refused"
    assert summary["lastError"]["type"] == "DESTINATION_UNREACHABLE"


def series(text, name):
    """{labels: value} of one metric."""
    found = re.findall(rf"^{name}{{(.*)}} (\S+)$", text, re.M)
    return {labels: float(value) for labels, value in found}


def test_prometheus(penstock, busy):
    texts = []
    for path in (f"{penstock.service_path}/prometheus", f"{penstock.organization_path}/prometheus",
                 f"{penstock.service_path}/prometheus?filtered_metrics=true"):
        reply = penstock.request("GET", path)
        assert reply.status == 200 and reply.headers["content-type"].startswith("text/plain; version=0.0.4")
        texts.append(reply.text)
    for text in texts:
        info = {labels: value for labels, value in series(text, "ClickPipes_Info").items() if busy in labels}
        assert list(info.values()) == [1]
        labels = next(iter(info))
        for part in (f'clickhouse_org="{penstock.organization_id}"', f'clickhouse_service="{penstock.service_id}"',
                     'clickhouse_service_name="test"', f'clickpipe_id="{busy}"', 'clickpipe_name="busy \\"pipe\\"\\n"',
                     'clickpipe_source="confluent"', 'clickpipe_state="Running"'):
            assert part in labels
        for name, value in (("ClickPipes_FetchedEvents_Total", 100), ("ClickPipes_SentEvents_Total", 90),
                            ("ClickPipes_FetchedBytes_Total", 1000), ("ClickPipes_FetchedBytesCompressed_Total", 500),
                            ("ClickPipes_SentBytes_Total", 800), ("ClickPipes_SentBytesCompressed_Total", 200),
                            ("ClickPipes_Errors_Total", 7), ("ClickPipes_Latency", 3),
                            ("ClickPipes_Replica_CPUUsage", 50), ("ClickPipes_Replica_CPULimit", 125),
                            ("ClickPipes_Replica_MemoryUsage", 1000), ("ClickPipes_Replica_MemoryLimit", 2 ** 29),
                            ("penstock_rebalances_total", 4), ("penstock_insert_duration_seconds_count", 12),
                            ("penstock_insert_duration_seconds_sum", 1.5)):
            assert [number for key, number in series(text, name).items() if busy in key] == [value], name
        retries = {re.search('code="(.*?)"', key)[1]: number for key, number in
                   series(text, "penstock_insert_retries_total").items() if busy in key}
        assert retries.pop("none") == 1 and retries.pop("252") == 1 and set(retries.values()) == {0}
    # each family once, each sample under its family
    families = re.findall(r"^# TYPE (\S+) (gauge|counter|histogram)$", texts[0], re.M)
    assert len({name for name, _ in families}) == len(families)
    current = None
    for line in texts[0].removesuffix("\n").split("\n"):  # a name may hold what Python takes for a line's end
        if line.startswith("# TYPE"):
            current = line.split()[2]
        elif not line.startswith("#"):
            name = re.match(r"[a-zA-Z_:]+", line)[0]
            assert name in (current, f"{current}_bucket", f"{current}_sum", f"{current}_count"), line


def insert_errors(clickhouse, table, pipe, count):
    rows = ", ".join(
        f"(now() - {count - number}, '{'DATA_PARSING_ERROR' if number % 2 else 'TYPE_CONVERSION_ERROR'}', 'why {number}', "
        f"'k{number}', 'v{number}', now64(3), {number % 3}, {number}, 't1', map('h', 'x'), 0, '{pipe}', 'c')"
        for number in range(count))
    clickhouse.query(f"INSERT INTO {table}_clickpipes_error VALUES {rows}")


def test_errors(penstock, clickhouse, table, make):
    pipe = make()["id"]
    assert penstock.errors(pipe) == {"errors": [], "next": None}
    insert_errors(clickhouse, table, pipe, 10)
    insert_errors(clickhouse, table, "another pipe", 3)
    page = penstock.errors(pipe)
    assert page["next"] is None
    assert [error["offset"] for error in page["errors"]] == list(range(9, -1, -1))  # newest first
    newest = page["errors"][0]
    assert newest["type"] == "DATA_PARSING_ERROR" and newest["message"] == "why 9" and newest["column"] == "c"
    assert (newest["topic"], newest["partition"], newest["key"], newest["value"]) == ("t1", 0, "k9", "v9")
    assert newest["encoding"] == "utf8" and newest["headers"] == {"h": "x"} and newest["schemaId"] == 0
    for query, offsets in (
            ("?type=DATA_PARSING_ERROR", [9, 7, 5, 3, 1]), ("?topic=nope", []), ("?topic=t1&partition=1", [7, 4, 1]),
            ("?offset_from=3&offset_to=5", [5, 4, 3]), ("?limit=2", [9, 8]), ("?from=2999-01-01T00:00:00Z", []),
            ("?to=2000-01-01T00:00:00Z", []), (f"?from={page['errors'][2]['timestamp']}", [9, 8, 7])):
        assert [error["offset"] for error in penstock.errors(pipe, query)["errors"]] == offsets, query
    seen, cursor = [], ""
    for _ in range(20):
        page = penstock.errors(pipe, f"?limit=3{cursor}")
        seen += [error["offset"] for error in page["errors"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == list(range(9, -1, -1))
    for bad in ("limit=0", "limit=1001", "limit=x", "partition=-1", "from=yesterday", "offset_from=1.5", "cursor=%%%"):
        reply = penstock.request("GET", f"{penstock.pipes_path}/{pipe}/errors?{bad}")
        assert reply.status == 400, bad


def test_errors_keep_their_bytes(penstock, clickhouse, table, make):
    pipe = make()["id"]
    clickhouse.query(f"INSERT INTO {table}_clickpipes_error VALUES (now(), 'DATA_PARSING_ERROR', '', unhex('FF00'), "
                     f"unhex('00FE7B'), now64(3), 0, 1, 't1', map(), 0, '{pipe}', '')")
    error = penstock.errors(pipe)["errors"][0]
    assert error["encoding"] == "base64"
    assert base64.b64decode(error["key"]) == b"\xff\x00" and base64.b64decode(error["value"]) == b"\x00\xfe{"


def test_errors_without_the_table_are_empty(penstock, clickhouse, table, make):
    pipe = make()["id"]
    clickhouse.query(f"DROP TABLE {table}_clickpipes_error")
    assert penstock.errors(pipe) == {"errors": [], "next": None}


def test_events(penstock, database, make):
    pipe = make()["id"]
    path = f"{penstock.pipes_path}/{pipe}/events"
    created = penstock.result("GET", path)
    assert [event["type"] for event in created["events"]] == ["created"] and created["next"] is None
    assert sorted(created["events"][0]) == ["details", "message", "severity", "time", "type"]
    database.query("INSERT INTO pipe_event (pipe_id, time, type, severity, message, details) SELECT "
                   f"'{pipe}', now() + n * interval '1 minute', 'state', 'warning', 'm' || n, '{{\"n\": 1}}' "
                   "FROM generate_series(1, 5) AS n")
    newest = penstock.result("GET", path)["events"]
    assert [event["message"] for event in newest][:5] == ["m5", "m4", "m3", "m2", "m1"] and len(newest) == 6
    assert newest[0]["details"] == {"n": 1} and newest[0]["severity"] == "warning"
    page = penstock.result("GET", f"{path}?limit=4")
    assert len(page["events"]) == 4
    rest = penstock.result("GET", f"{path}?limit=4&cursor={page['next']}")
    assert page["events"] + rest["events"] == newest and rest["next"] is None
    assert len(penstock.result("GET", f"{path}?type=state")["events"]) == 5
    time = newest[1]["time"]
    assert [event["message"] for event in penstock.result("GET", f"{path}?from={time}")["events"]] == ["m5", "m4"]
    assert len(penstock.result("GET", f"{path}?to={time}")["events"]) == 4
    for bad in ("limit=0", "cursor=x", "from=x"):
        assert penstock.request("GET", f"{path}?{bad}").status == 400


def test_state_changes_are_events(penstock, database, make):
    pipe = make()["id"]
    path = f"{penstock.pipes_path}/{pipe}/events?type=state"
    database.query(f"UPDATE pipe SET ready_at = now() WHERE id = '{pipe}'")
    database.query(f"UPDATE pipe SET ready_at = now() WHERE id = '{pipe}'")
    database.query(f"UPDATE pipe SET failed_at = now(), failure_code = 'TABLE_NOT_FOUND', failure_message = 'no t' WHERE id = '{pipe}'")
    penstock.command_pipe(pipe, "start")
    penstock.command_pipe(pipe, "stop")
    penstock.command_pipe(pipe, "stop")
    penstock.result("PATCH", f"{penstock.pipes_path}/{pipe}", {"name": "other"})
    events = penstock.result("GET", path)["events"]
    assert [(event["details"]["from"], event["details"]["to"]) for event in reversed(events)] == [
        ("Provisioning", "Running"), ("Running", "Failed"), ("Failed", "Provisioning"), ("Provisioning", "Stopped")]
    assert events[2]["severity"] == "critical" and events[2]["details"]["code"] == "TABLE_NOT_FOUND"
    assert events[2]["message"] == "Running to Failed: TABLE_NOT_FOUND: no t" and events[0]["severity"] == "info"


def test_an_outage_is_an_event_when_it_is_over(penstock, database, make):
    pipe = make()["id"]
    path = f"{penstock.pipes_path}/{pipe}/events?type=outage"
    for code in ("'SOURCE_UNREACHABLE'", "'SOURCE_UNREACHABLE'", "'DESTINATION_UNREACHABLE'", "NULL", "NULL"):
        database.query(f"UPDATE pipe SET reason_code = {code}, reason_message = 'gone' WHERE id = '{pipe}'")
    events = penstock.result("GET", path)["events"]
    assert [event["details"]["what"] for event in reversed(events)] == ["SOURCE_UNREACHABLE", "DESTINATION_UNREACHABLE"]
    for event in events:
        assert event["details"]["from"] < event["details"]["to"] == event["time"] and event["severity"] == "warning"
        assert event["message"] == f"{event['details']['what']}: gone"


@pytest.mark.parametrize("tail,query,words", [
    ("/events", "type=staet", "query parameter type: must be one of created, state, restarted"),
    ("/errors", "type=TYPE", "query parameter type: must be one of DATA_PARSING_ERROR, TYPE_CONVERSION_ERROR"),
    ("/events", "form=2026-01-01T00:00:00Z", "query parameter form: this path takes type from to limit cursor"),
    ("/errors", "limit=1&limit=2", "query parameter limit: given twice"), ("", "x", "query parameter x: this path takes none"),
    ("/summary", "a=1", "this path takes none")])
def test_queries_that_are_typing_errors(penstock, make, tail, query, words):
    reply = penstock.request("GET", f"{penstock.pipes_path}/{make()['id']}{tail}?{query}")
    assert reply.status == 400 and words in reply.error, reply.text


def test_queries_that_clients_send(penstock):
    """The provider's data source filters services more than once; probes of a load balancer may send anything."""
    path = f"{penstock.organization_path}/services?filter=tag:a%3Db&filter=tag:c"
    assert penstock.request("GET", path).status == 200
    for scrape in (penstock.service_path, penstock.organization_path):
        assert penstock.request("GET", f"{scrape}/prometheus?filtered_metrics=true").status == 200
    assert penstock.request("GET", "/health/live?x=1&x=2", key=None).status == 200


def test_every_type_of_event_can_be_asked_for(penstock, make):
    path = f"{penstock.pipes_path}/{make()['id']}/events"
    types = ["created", "state", "restarted", "rebalanced", "assigned", "outage", "schema", "table_changed", "credentials",
             "offsets_reset", "offset_gap", "topic_recreated", "replayed", "guarantee", "limits"]
    assert {kind: len(penstock.result("GET", f"{path}?type={kind}")["events"]) for kind in types} == {
        kind: 1 if kind == "created" else 0 for kind in types}
