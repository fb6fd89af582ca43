"""The observing relays of the crash harness: each step is seen once and in order, and a trap acts
between what was before it and what comes after. The servers are scripts of this file, so that it is
known what has reached them."""
import base64
import hashlib
import http.client
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import types

import pytest

from tests.harness import http_front, net
from tests.harness.observe import intent, kafka_wire, steps
from tests.harness.observe.insert_relay import InsertRelay, insert_of
from tests.harness.observe.kafka_relay import KafkaRelay
from tests.harness.observe.steps import Observer, Trap

WAIT_S = 10
INSERT = "/?query=INSERT+INTO+%60default%60.%60t%60+%28a%29+FORMAT+Native&insert_deduplication_token=tok&query_id=q1"


def text(value):
    return struct.pack(">h", len(value)) + value.encode()


def compact(value):
    return bytes([len(value) + 1]) + value.encode()


def commit_request(version, number, offset=7, metadata=""):
    """An OffsetCommit as librdkafka sends it, without its length."""
    head = struct.pack(">hhi", 8, version, number) + text("rdkafka")
    if version >= 8:
        at = struct.pack(">iq", 2, offset) + struct.pack(">i", -1) + compact(metadata) + b"\0"
        return (head + b"\0" + compact("g") + struct.pack(">i", 5) + compact("m") + b"\0"
                + b"\x02" + compact("t") + b"\x02" + at + b"\0" + b"\0")
    body = text("g") + struct.pack(">i", 5) + text("m")
    if version >= 7:
        body += struct.pack(">h", -1)
    if version <= 4:
        body += struct.pack(">q", -1)
    at = struct.pack(">iq", 2, offset) + (struct.pack(">i", -1) if version >= 6 else b"") + text(metadata)
    return head + body + struct.pack(">i", 1) + text("t") + struct.pack(">i", 1) + at


def commit_answer(version, number, error=0):
    if version >= 8:
        return struct.pack(">iBi", number, 0, 0) + b"\x02" + compact("t") + b"\x02" + struct.pack(
            ">ih", 2, error) + b"\0\0\0"
    throttle = struct.pack(">i", 0) if version >= 3 else b""
    return struct.pack(">i", number) + throttle + struct.pack(">i", 1) + text("t") + struct.pack(
        ">iih", 1, 2, error)


def intent_text(ranges):
    """The intent of one table, as worker/replica/ledger/intent.h describes it."""
    def number(value):
        out = bytearray()
        while value >= 0x80:
            out.append(value & 0x7F | 0x80)
            value >>= 7
        return bytes(out) + bytes([value])

    body = bytes(16) + number(3) + (99).to_bytes(8, "little") + number(len(ranges))
    end = 0
    for first, last in ranges:
        body += number(first - end) + number(last - first) + number(last - first + 1)
        body += number(0) + number(0) + number(1) + b"\0"
        end = last + 1
    return "p1:" + base64.b64encode(body + hashlib.sha256(body).digest()[:8]).decode()


class FakeBroker:
    """Answers every OffsetCommit; `asked` holds what has reached it."""

    def __init__(self, error=0):
        self.error = error
        self.asked = []
        self.ended = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.listeners = {"PROXIED": f"127.0.0.1:{self._server.getsockname()[1]}"}
        self.proxied_advertises = f"127.0.0.1:{net.free_port()}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                peer, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        with peer, peer.makefile("rb") as stream:
            while True:
                head = stream.read(4)
                if len(head) < 4:
                    self.ended.set()
                    return
                frame = stream.read(struct.unpack(">i", head)[0])
                _, version, number = kafka_wire.request_head(frame)
                self.asked.append(frame)
                answer = commit_answer(version, number, self.error)
                peer.sendall(struct.pack(">i", len(answer)) + answer)

    def close(self):
        self._server.close()


class FakeClickHouse(http_front.Front):
    """Counts what arrived of each request."""

    def __init__(self):
        self.bodies = []
        fake = self

        class Handler(http_front.Handler):
            def do_POST(self):  # the name is http.server's
                body = self.body()
                fake.bodies.append(body)
                if len(body) == int(self.headers["Content-Length"]):
                    self.answer(200, b"ok")

        super().__init__(Handler)


@pytest.fixture
def observer():
    with Observer() as running:
        yield running


@pytest.fixture
def broker():
    fake = FakeBroker()
    yield fake
    fake.close()


@pytest.fixture
def clickhouse():
    with FakeClickHouse() as fake:
        yield fake


def seen(observer):
    return [entry["what"] for entry in observer.journal.entries()]


def send_frame(sock, frame):
    sock.sendall(struct.pack(">i", len(frame)) + frame)


def read_frame(sock):
    with sock.makefile("rb") as stream:
        return stream.read(struct.unpack(">i", stream.read(4))[0])


# What is read of the protocol

@pytest.mark.parametrize("version", kafka_wire.VERSIONS)
def test_offset_commit_of_every_version_is_read(version):
    found = kafka_wire.offset_commit(commit_request(version, 1, 42, "meta"))
    assert found == {"group": "g", "member": "m", "generation": 5, "at": {("t", 2): (42, "meta")}}
    assert kafka_wire.offset_commit_errors(commit_answer(version, 1, 22), version) == {("t", 2): 22}


def test_a_commit_with_bytes_left_is_an_error():
    with pytest.raises(kafka_wire.WireError):
        kafka_wire.offset_commit(commit_request(7, 1) + b"x")
    with pytest.raises(kafka_wire.WireError):
        kafka_wire.offset_commit(commit_request(7, 1)[:-1])


def test_an_intent_is_read_and_a_damaged_one_is_not():
    whole = intent_text([(10, 19), (25, 30)])
    found = intent.read(whole)
    assert (found.epoch, found.nonce) == (3, 99)
    assert [(r.first, r.last, r.count) for r in found.ranges] == [(10, 19, 10), (25, 30, 6)]
    assert intent.read(whole[:20] + ("A" if whole[20] != "A" else "B") + whole[21:]) is None
    assert intent.read("") is None and intent.read(None) is None and intent.read("other tool") is None


def test_only_inserts_are_inserts():
    assert insert_of(INSERT) == {"table": "t", "token": "tok", "query": "q1"}
    assert insert_of("/?query=SELECT+1") is None
    assert insert_of("/ping") is None


# The broker's relay

@pytest.mark.parametrize("version", [7, 9])
def test_commits_pass_and_are_written_down(observer, broker, version):
    with KafkaRelay(observer, broker) as relay, socket.create_connection(("127.0.0.1", relay.port)) as client:
        request = commit_request(version, 3, 20, intent_text([(10, 19)]))
        send_frame(client, request)
        assert read_frame(client) == commit_answer(version, 3)
        assert broker.asked == [request]
    asked, done = observer.journal.entries()
    assert (asked["what"], done["what"]) == (steps.COMMIT_ASKED, steps.COMMIT_DONE)
    assert asked["at_offsets"] == {"t/2": 20} and done["ranges"] == {"t/2": [[10, 19]]} and done["errors"] == {}


def test_a_commit_that_is_dropped_never_reaches_the_broker(observer, broker):
    with KafkaRelay(observer, broker) as relay, socket.create_connection(("127.0.0.1", relay.port)) as client:
        trap = observer.arm(Trap(lambda step: step.name == steps.COMMIT_ASKED, lambda step: None, steps.DROP))
        send_frame(client, commit_request(7, 3))
        assert client.recv(1) == b""
        assert trap.fired.wait(WAIT_S) and trap.step.known["group"] == "g"
        assert broker.ended.wait(WAIT_S) and broker.asked == []


def test_an_answer_that_is_dropped_has_been_given(observer, broker):
    with KafkaRelay(observer, broker) as relay, socket.create_connection(("127.0.0.1", relay.port)) as client:
        observer.arm(Trap(lambda step: step.name == steps.COMMIT_DONE, lambda step: None, steps.DROP))
        send_frame(client, commit_request(7, 3))
        assert client.recv(1) == b""
        assert len(broker.asked) == 1


def test_a_commit_held_back_arrives_although_its_client_is_gone(observer, broker):
    with KafkaRelay(observer, broker) as relay:
        trap = observer.arm(Trap(lambda step: step.name == steps.COMMIT_ASKED, lambda step: None, None))
        with socket.create_connection(("127.0.0.1", relay.port)) as client:
            send_frame(client, commit_request(7, 3))
            assert trap.fired.wait(WAIT_S)
        assert broker.asked == []
        trap.release()
        net.wait_until(lambda: len(broker.asked) == 1, WAIT_S, "the late commit")
        net.wait_until(lambda: steps.COMMIT_DONE in seen(observer), WAIT_S, "its answer")


# The relay before ClickHouse

CLIENT = """
import http.client, sys
peer = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=20)
peer.request("POST", sys.argv[2], body=b"x" * int(sys.argv[3]))
print(peer.getresponse().status, flush=True)
"""


def start_client(relay, size=1000):
    return subprocess.Popen(
        [sys.executable, "-c", CLIENT, str(relay.port), INSERT, str(size)], stdout=subprocess.PIPE)


def kill(step):
    os.kill(step.pid, signal.SIGKILL)


def test_every_step_of_an_insert_is_seen_once_and_in_order(observer, clickhouse):
    with InsertRelay(observer, clickhouse.port) as relay:
        peer = http.client.HTTPConnection("127.0.0.1", relay.port, timeout=WAIT_S)
        for _ in range(2):  # on one connection
            peer.request("POST", INSERT, body=b"x" * 300000)
            assert peer.getresponse().read() == b"ok"
        peer.request("POST", "/?query=SELECT+1", body=b"")
        assert peer.getresponse().read() == b"ok"
        peer.close()
    assert seen(observer) == [
        steps.INSERT_ASKED, steps.INSERT_HALF, steps.INSERT_DONE, steps.INSERT_TOLD] * 2
    assert [len(body) for body in clickhouse.bodies] == [300000, 300000, 0]
    assert observer.journal.entries()[2]["status"] == 200


@pytest.mark.parametrize("step,arrived", [
    (steps.INSERT_ASKED, []), (steps.INSERT_HALF, [500]), (steps.INSERT_DONE, [1000]),
    (steps.INSERT_TOLD, [1000])])
def test_a_client_killed_at_a_step_has_done_just_so_much(observer, clickhouse, step, arrived):
    with InsertRelay(observer, clickhouse.port) as relay:
        trap = observer.arm(Trap(lambda seen_step: seen_step.name == step, kill, steps.DROP))
        with start_client(relay) as client:
            assert client.wait(WAIT_S) == -signal.SIGKILL
            assert trap.fired.wait(WAIT_S) and trap.problem is None
            assert client.stdout.read() == b""
        net.wait_until(lambda: [len(body) for body in clickhouse.bodies] == arrived, WAIT_S,
                       f"{arrived} bytes at the server")


def test_a_body_held_back_arrives_although_its_client_was_killed(observer, clickhouse):
    with InsertRelay(observer, clickhouse.port) as relay:
        trap = observer.arm(Trap(lambda step: step.name == steps.INSERT_HALF, kill, None))
        with start_client(relay) as client:
            assert client.wait(WAIT_S) == -signal.SIGKILL
        assert trap.fired.wait(WAIT_S) and clickhouse.bodies == []
        trap.release()
        net.wait_until(lambda: [len(body) for body in clickhouse.bodies] == [1000], WAIT_S, "the whole body")
        net.wait_until(lambda: steps.INSERT_DONE in seen(observer), WAIT_S, "the server's answer")


def test_a_client_killed_without_a_trap_takes_its_request_with_it(observer):
    """The server must see the end of the connection, as it does without a relay."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        with InsertRelay(observer, server.getsockname()[1]) as relay, start_client(relay) as client:
            peer, _ = server.accept()
            with peer:
                peer.settimeout(WAIT_S)
                while not peer.recv(65536).endswith(b"x"):
                    pass
                client.kill()
                while peer.recv(65536):
                    pass


def test_a_trap_that_fails_says_so(observer, clickhouse):
    def fail(_):
        raise ProcessLookupError("nobody")

    with InsertRelay(observer, clickhouse.port) as relay:
        trap = observer.arm(Trap(lambda step: True, fail))
        with start_client(relay) as client:
            assert client.wait(WAIT_S) == 0
        assert trap.fired.is_set() and isinstance(trap.problem, ProcessLookupError)


def test_the_owner_of_a_connection_is_found(observer, clickhouse):
    with InsertRelay(observer, clickhouse.port) as relay:
        found = types.SimpleNamespace(pid=None)
        observer.arm(Trap(lambda step: step.name == steps.INSERT_ASKED,
                          lambda step: setattr(found, "pid", step.pid)))
        with start_client(relay) as client:
            assert client.wait(WAIT_S) == 0
        assert found.pid == client.pid
    assert steps.owner_of(1, 1) is None
