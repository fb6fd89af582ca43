"""What one client can take from the others: nothing. A rate limit per key (off unless set), and clients that are slow
on purpose."""
import base64
import contextlib
import socket
import time

import pytest

from tests.harness.penstock import Penstock

SLOW = 200


@pytest.fixture
def limited(database, penstock):
    """A second api on the same database, with limits of its own. Call it with settings."""
    with contextlib.ExitStack() as stack:

        def start(**env):
            other = stack.enter_context(Penstock(database.url, env=env))
            other.service_id = penstock.service_id
            return other

        yield start


def test_there_is_no_limit_unless_set(penstock):
    for _ in range(30):
        reply = penstock.request("GET", penstock.pipes_path)
        assert reply.status == 200 and not [name for name in reply.headers if "ratelimit" in name]


def test_rate_limit(limited):
    """Three requests in three seconds for each key; the 429 tells how long to wait, and that is the truth."""
    api = limited(PENSTOCK_RATE_LIMIT_REQUESTS=3, PENSTOCK_RATE_LIMIT_WINDOW_S=3)
    other = api.create_key("reader")
    replies = []
    while not replies or replies[-1].status == 200:
        replies.append(api.request("GET", api.pipes_path))
        assert len(replies) < 100
    assert len(replies) > 3
    assert replies[0].headers["x-ratelimit-limit"] == "3" and replies[0].headers["x-ratelimit-remaining"] == "2"
    assert float(replies[0].headers["x-ratelimit-reset"]) == 0 and "retry-after" not in replies[0].headers
    refused = replies[-1]
    assert refused.status == 429 and refused.headers["x-ratelimit-remaining"] == "0"
    wait_s = float(refused.headers["x-ratelimit-reset"])
    assert 0 < wait_s <= 1 and refused.headers["retry-after"] == "1"
    assert refused.json["status"] == 429 and refused.error.startswith("TOO_MANY_REQUESTS: ")

    # Another key has tokens of its own; who is not known takes none, and paths without a key are not counted.
    assert api.request("GET", api.pipes_path, key=other).status == 200
    assert api.request("GET", api.pipes_path, key=(api.key_id, "wrong")).status == 401
    for _ in range(10):
        reply = api.request("GET", "/health/live", key=None)
        assert reply.status == 200 and "x-ratelimit-limit" not in reply.headers
    time.sleep(wait_s)
    assert api.request("GET", api.pipes_path).status == 200


def test_a_refused_call_changes_nothing(limited):
    api = limited(PENSTOCK_RATE_LIMIT_REQUESTS=1, PENSTOCK_RATE_LIMIT_WINDOW_S=3600)
    before = api.request("GET", f"{api.organization_path}/audit")
    assert before.status == 200
    reply = api.request("PATCH", api.service_path, {"name": "other"})
    assert reply.status == 429 and 3500 < float(reply.headers["x-ratelimit-reset"]) <= 3600
    free = limited()
    assert free.result("GET", free.service_path)["name"] != "other"


def halves(api):
    """Beginnings of requests that never end."""
    pair = base64.b64encode(f"{api.key_id}:{api.key_secret}".encode()).decode()
    head = f"{api.pipes_path} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {pair}\r\n"
    return [b"", b"G", f"GET {head}".encode(), f"POST {head}Content-Length: 1000\r\n\r\n{{".encode(),
            f"POST {head}Transfer-Encoding: chunked\r\n\r\n5\r\nab".encode(), f"GET {head}\r\n".encode()]


def test_slow_clients_starve_nobody(limited):
    """Six times as many as there are places, each with a beginning of a request, dripping on; one with a whole
    request is answered at once, and keeps its connection for the next."""
    api = limited(PENSTOCK_MAX_CONNECTIONS=32)
    starts = halves(api)
    slow = []
    try:
        for number in range(SLOW):
            slow.append(socket.create_connection(("127.0.0.1", api.port), timeout=10))
            slow[-1].sendall(starts[number % len(starts)])
        for _ in range(20):
            for connection in slow:
                with contextlib.suppress(OSError):
                    connection.send(b"x")
            assert api.request("GET", api.pipes_path).status == 200
        assert api.request("GET", "/health/live", key=None).status == 200
    finally:
        for connection in slow:
            connection.close()
    assert api.request("GET", api.pipes_path).status == 200


def test_those_who_do_not_read_starve_nobody(limited):
    """Clients that ask for the largest document again and again and never read it."""
    api = limited(PENSTOCK_MAX_CONNECTIONS=16)
    lazy = []
    try:
        for _ in range(64):
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", api.port))
            connection.sendall(b"GET /openapi.yaml HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
            lazy.append(connection)
        for _ in range(10):
            assert api.request("GET", api.pipes_path).status == 200
    finally:
        for connection in lazy:
            connection.close()
