"""Hostile requests: huge and slow bodies, thousands of headers, tricks in paths, SQL in every name. Answers are clear
4xx, memory stays bounded, nothing is executed, and the api answers the next request as before."""
import base64
import contextlib
import gzip
import os
import socket
import time
import urllib.parse

import pytest

from tests.harness import net

from .conftest import TERRAFORM, body_for

CHUNK = b"x" * (1 << 16)
SQL = ["'; DROP TABLE pipe; --", "`; DROP TABLE victim; --", "\"; DROP TABLE victim; --", "\\", "a\\'b", "$1", "{x:String}",
       "%s%n", "../../etc/passwd", "a\0b", "'" * 300, "\x1b[31m", "x`) ENGINE = MergeTree ORDER BY tuple(); DROP TABLE victim; --", "\u202egro.", "a\nb\rc"]


def resident_bytes(penstock):
    """Of penstock-api (env before it has replaced itself by it)."""
    with open(f"/proc/{penstock.api.pid}/comm", encoding="ascii") as file:
        assert file.read().startswith("penstock-api")
    with open(f"/proc/{penstock.api.pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def head(penstock, method, path, *lines):
    pair = base64.b64encode(f"{penstock.key_id}:{penstock.key_secret}".encode()).decode()
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", f"Authorization: Basic {pair}", *lines, "", ""]).encode()


def status_of(connection):
    connection.settimeout(60)
    data = b""
    with contextlib.suppress(OSError):
        while b"\r\n" not in data:
            more = connection.recv(4096)
            if not more:
                break
            data += more
    return int(data.split()[1]) if data else None


def is_well(penstock):
    return penstock.request("GET", penstock.pipes_path).status == 200


def test_a_gigabyte_is_refused_without_being_kept(penstock):
    assert is_well(penstock)
    before = resident_bytes(penstock)
    with socket.create_connection(("127.0.0.1", penstock.port), timeout=60) as connection:
        connection.sendall(head(penstock, "POST", penstock.pipes_path, f"Content-Length: {1 << 30}"))
        peak, sent = 0, 0
        with contextlib.suppress(OSError):  # the server may hang up as soon as it knows
            while sent < 1 << 30:
                connection.sendall(CHUNK)
                sent += len(CHUNK)
                if sent % (64 << 20) == 0:
                    peak = max(peak, resident_bytes(penstock))
        assert status_of(connection) in (413, None)
    assert max(peak, resident_bytes(penstock)) - before < 64 << 20
    assert is_well(penstock)


def test_chunks_without_end_are_refused(penstock):
    assert is_well(penstock)
    before = resident_bytes(penstock)
    with socket.create_connection(("127.0.0.1", penstock.port), timeout=60) as connection:
        connection.sendall(head(penstock, "POST", penstock.pipes_path, "Transfer-Encoding: chunked"))
        with contextlib.suppress(OSError):
            for _ in range(2048):
                connection.sendall(b"10000\r\n" + CHUNK + b"\r\n")
            connection.sendall(b"0\r\n\r\n")
        assert status_of(connection) in (413, None)
    assert resident_bytes(penstock) - before < 64 << 20
    assert is_well(penstock)


def test_many_slow_bodies_keep_nobody_waiting(penstock):
    slow = []
    try:
        for _ in range(50):
            connection = socket.create_connection(("127.0.0.1", penstock.port), timeout=10)
            connection.sendall(head(penstock, "POST", penstock.pipes_path, "Content-Length: 1000") + b"{")
            slow.append(connection)
        started = time.monotonic()
        assert all(is_well(penstock) for _ in range(10))
        assert time.monotonic() - started < 10
    finally:
        for connection in slow:
            connection.close()
    assert is_well(penstock)


def test_many_large_bodies_that_never_end(penstock):
    """Whoever sends them need not even log in: all together they get a bounded room; the next in need of it waits."""
    assert is_well(penstock)
    before, held = resident_bytes(penstock), []
    size = (4 << 20) - 1
    try:
        for _ in range(60):
            connection = socket.create_connection(("127.0.0.1", penstock.port), timeout=30)
            connection.sendall(head(penstock, "POST", penstock.pipes_path, f"Content-Length: {size}"))
            connection.sendall(CHUNK * (size // len(CHUNK)))  # 3.9 MB of it
            held.append(connection)
        assert resident_bytes(penstock) - before < 200 << 20
        assert is_well(penstock)
        last = held[-1]
        last.sendall(b"x" * (size % len(CHUNK)))
        assert status_of(last) == 503
    finally:
        for connection in held:
            connection.close()
    net.wait_until(lambda: penstock.request("POST", penstock.pipes_path, b'{"name":"' + b"x" * 1_000_000 + b'"}').status == 400,
                   30, "room again")


@pytest.mark.parametrize("body, words", [
    (b"\xef\xbb\xbf{}", "malformed JSON"), ('{"name":"a"}'.encode("utf-16"), "unable to decode"), (b'{"name":"\xc0\x80"}', "unable to decode"),
    (b'{"name":"\\ud800"}', "invalid Unicode"), (b'{"\\udc00":1}', "invalid Unicode"), (b'{"name":"a\\u0000b"}', "u0000"),
    (b'{"na\\u0000me":"b"}', "NUL byte"), (b'{"x":99999999999999999999999}', "too big integer"), (b'{"x":1e400}', "overflow"),
    (b'{"x":NaN}', "malformed JSON"), (b"[" * 2_000_000, "depth"), (b'{"source":{"kafka":{"a":1,"a":2}}}', "duplicate"),
    (gzip.compress(b'{"name":"a"}'), "malformed JSON")], ids=map(str, range(13)))
def test_wrong_encodings_and_numbers(penstock, make, body, words):
    pipe = make()
    path = f"{penstock.pipes_path}/{pipe['id']}"
    reply = penstock.request("PATCH", path, body)
    assert reply.status == 400 and words in reply.error, reply.text
    assert penstock.pipe(pipe["id"]) == pipe


def test_a_compressed_body_is_told_as_such(penstock, make):
    path = f"{penstock.pipes_path}/{make()['id']}"
    reply = penstock.request("PATCH", path, gzip.compress(b'{"name":"a"}'), headers={"Content-Encoding": "gzip"})
    assert reply.status == 400 and "Content-Encoding 'gzip'" in reply.error
    assert penstock.request("PATCH", path, b'{"name":"a"}', headers={"Content-Encoding": "identity"}).status == 200


@pytest.mark.parametrize("lines", [
    [f"X-{number}: y" for number in range(10000)], ["X-Long: " + "y" * (1 << 20)], ["X: y" for _ in range(2000)],
    ["User-Agent: " + "terraform-provider-clickhouse/" * 5000]])
def test_too_many_headers_are_431(penstock, lines):
    with socket.create_connection(("127.0.0.1", penstock.port), timeout=60) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(head(penstock, "GET", penstock.pipes_path, *lines))
        assert status_of(connection) in (400, 413, 431, None)
    assert is_well(penstock)


@pytest.mark.parametrize("line", [
    "GET  HTTP/1.1", "GET /v1\x00/x HTTP/1.1", "G\x01T / HTTP/1.1", "GET / HTTP/9.9", "POST / HTTP/1.1\r\nContent-Length: -1",
    "POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6", "\r\n\r\n\r\n", "GET /" + "a" * 200000 + " HTTP/1.1"])
def test_broken_requests(penstock, line):
    with socket.create_connection(("127.0.0.1", penstock.port), timeout=30) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(line.encode("latin-1") + b"\r\nHost: x\r\nConnection: close\r\n\r\n")
            connection.shutdown(socket.SHUT_WR)
        status = status_of(connection)
        assert status is None or 400 <= status < 600 and status != 500, status
    assert is_well(penstock)


@pytest.mark.parametrize("tail", [
    "/../../../etc/passwd", "/%2e%2e/%2e%2e", "/..%2f..%2f", "/%00", "/%0d%0aX-Injected:%20y", "/;x=y", "/%ff%fe", "/.", "/..",
    "/%27%20OR%201=1--", "?limit=1%27;DROP", "?" + "&".join(f"a{n}=b" for n in range(100)), "/" + "a/" * 500, "//..//"])
def test_tricks_in_paths(penstock, tail):
    reply = penstock.request("GET", penstock.pipes_path + tail)
    assert reply.status in (200, 400, 404), (tail, reply.status)
    assert "x-injected" not in reply.headers and "root:" not in reply.text


@pytest.mark.parametrize("text", SQL)
def test_sql_in_every_name(penstock, database, clickhouse, table, text):
    """Quoted, so it is a strange name, or refused; never a statement."""
    clickhouse.query("CREATE TABLE IF NOT EXISTS victim (x Int8) ENGINE = MergeTree ORDER BY x")
    pipes = database.query("SELECT count(*) FROM pipe")
    for body in (body_for(table, name=text), body_for(text), body_for(table, [(text, "String")]),
                 body_for(table, [("a", text)]), body_for(table, destination={"database": text}),
                 body_for(table, [("a", "UInt8")], destination={"tableDefinition": {
                     "engine": {"type": "SummingMergeTree", "columnIds": [text]}, "sortingKey": [text]}}),
                 body_for(table, fieldMappings=[{"sourceField": text, "destinationField": "id"}]),
                 body_for(table, kafka={"topics": text}), body_for(table, kafka={"consumerGroup": text}),
                 body_for(table, destination={"roles": [text]})):
        reply = penstock.request("POST", penstock.pipes_path, body)
        assert reply.status in (200, 400), reply.text
        if reply.status == 200:
            assert penstock.pipe(reply.result["id"]) == reply.result
            clickhouse.query(f"DROP TABLE IF EXISTS {table}")
            penstock.delete_pipe(reply.result["id"])
    made = penstock.request("POST", f"{penstock.organization_path}/services", {
        "name": text, "endpoint": {"url": clickhouse.url, "username": "default", "password": ""}})
    assert made.status == (400 if "\0" in text or len(text) > 255 else 200), made.text
    if made.status == 200:
        assert made.result["name"] == text
        assert penstock.request("DELETE", f"{penstock.organization_path}/services/{made.result['id']}").status == 200
    for query in ("type", "cursor", "from"):
        reply = penstock.request("GET", f"{penstock.organization_path}/audit?{query}={urllib.parse.quote(text)}")
        assert reply.status in (200, 400)
    assert clickhouse.value("EXISTS TABLE victim") == "1" and database.query("SELECT count(*) FROM pipe") == pipes


def test_partition_by_cannot_hold_another_statement(penstock, clickhouse, table):
    """Expressions are the user's own SQL, but one expression, in one statement."""
    clickhouse.query("CREATE TABLE IF NOT EXISTS victim (x Int8) ENGINE = MergeTree ORDER BY x")
    for expression in ("id; DROP TABLE victim", "id) ; DROP TABLE victim; --", "tuple() ORDER BY id; DROP TABLE victim"):
        for name in ("partitionBy", "primaryKey", "ttl"):
            reply = penstock.request("POST", penstock.pipes_path, body_for(table, destination={
                "tableDefinition": {"engine": {"type": "MergeTree"}, "sortingKey": ["id"], name: expression}}))
            assert reply.status == 400, (name, expression, reply.text)
    assert clickhouse.value("EXISTS TABLE victim") == "1" and clickhouse.value(f"EXISTS TABLE {table}") == "0"


def test_header_injection(penstock, make):
    pipe = make(name="a\r\nX-Injected: y")
    reply = penstock.request("GET", f"{penstock.pipes_path}/{pipe['id']}", headers=TERRAFORM)
    assert reply.result["name"] == "a\r\nX-Injected: y" and "x-injected" not in reply.headers
    reply = penstock.request("GET", f"{penstock.service_path}/prometheus")
    assert "\nX-Injected" not in reply.text


def test_more_connections_than_there_are_places(penstock):
    """Those beyond the limit are refused; everybody is served again when they are gone."""
    idle = [socket.create_connection(("127.0.0.1", penstock.port), timeout=10) for _ in range(600)]
    for connection in idle:
        connection.close()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if is_well(penstock):
                return
    pytest.fail("not served any more")
