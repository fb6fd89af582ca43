"""What the api says while PostgreSQL or ClickHouse is away, and how it starts and ends."""
import concurrent.futures
import http.client
import os
import signal
import socket
import ssl
import subprocess
import threading
import time
import warnings

import pytest

from tests.harness import net, paths, proc
from tests.harness.clickhouse import DevClickHouse
from tests.harness.penstock import Penstock
from tests.harness.postgres import PrivatePostgres, bin_folder

from .conftest import body_for
from .users_test import Scripted


@pytest.fixture(scope="module")
def own_clickhouse():
    with DevClickHouse() as server:
        yield server


@pytest.fixture(scope="module")
def own_database():
    with PrivatePostgres() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def own(own_database, own_clickhouse):
    with Penstock(own_database.url, env={"PENSTOCK_DATABASE_TIMEOUT_MS": 2000}) as programs:
        programs.create_service(own_clickhouse.url)
        yield programs


def test_database_away_is_503_and_comes_back(own, own_database, table):
    pipe = own.create_pipe(body_for(table))
    path = f"{own.pipes_path}/{pipe['id']}"
    own_database.kill9()
    for method, where, body in (("GET", path, None), ("GET", own.pipes_path, None), ("DELETE", path, None),
                                ("POST", own.pipes_path, body_for("never")), ("PATCH", f"{path}/scaling", {})):
        reply = own.request(method, where, body)
        assert reply.status == 503 and reply.error.startswith("SERVICE_UNAVAILABLE: "), reply.text
    # never told as a wrong secret, nor as a missing pipe
    assert own.request("GET", path, key=(own.key_id, "wrong")).status == 503
    assert own.request("GET", "/health/ready", key=None).status == 503
    assert own.request("GET", "/health/live", key=None).status == 200
    own_database.restart()
    net.wait_until(lambda: own.request("GET", "/health/ready", key=None).status == 200, 20, "ready again")
    for _ in range(20):  # no connection of the pool is left behind broken
        assert own.request("GET", path).status == 200
    assert own.pipe(pipe["id"]) == pipe
    assert [one["id"] for one in own.result("GET", own.pipes_path)] == [pipe["id"]]


def test_database_restarted_between_requests(own, own_database):
    assert own.request("GET", own.pipes_path).status == 200
    own_database.restart()
    time.sleep(0.6)  # longer than a connection is trusted unasked
    assert own.request("GET", own.pipes_path).status == 200


def test_clickhouse_away_at_create_is_400_and_leaves_nothing(own, own_clickhouse, table):
    before = own.result("GET", own.pipes_path)
    own_clickhouse.kill9()
    reply = own.request("POST", own.pipes_path, body_for(table))
    assert reply.status == 400 and "ClickHouse" in reply.error and str(own_clickhouse.port) in reply.error
    assert own.result("GET", own.pipes_path) == before
    if before:
        assert own.request("GET", f"{own.pipes_path}/{before[0]['id']}").status == 200
        assert own.request("GET", f"{own.pipes_path}/{before[0]['id']}/errors").status == 503
    own_clickhouse.restart()
    assert own.request("POST", own.pipes_path, body_for(table)).status == 200


def test_a_failed_insert_takes_the_tables_back(own, own_database, own_clickhouse, table):
    own_database.query("ALTER TABLE pipe ADD CONSTRAINT refuse CHECK (name <> 'refused')")
    try:
        reply = own.request("POST", own.pipes_path, body_for(table, name="refused"))
    finally:
        own_database.query("ALTER TABLE pipe DROP CONSTRAINT refuse")
    assert reply.status >= 400
    assert own_clickhouse.value(f"EXISTS TABLE {table}") == "0"
    assert own_clickhouse.value(f"EXISTS TABLE {table}_clickpipes_error") == "0"
    assert own.request("POST", own.pipes_path, body_for(table, name="refused")).status == 200


def hold_rows(own_database, table):
    """Statements that make a row of the table wait, for ever: returns the psql that holds the lock."""
    own_database.query("CREATE OR REPLACE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS "
                       "$$ BEGIN PERFORM pg_advisory_xact_lock(77); RETURN NEW; END $$")
    own_database.query(f"CREATE TRIGGER hold BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION hold()")
    holder = subprocess.Popen([os.path.join(bin_folder(), "psql"), "-qAt", own_database.url], stdin=subprocess.PIPE,
                              stdout=subprocess.DEVNULL, text=True)
    holder.stdin.write("SELECT pg_advisory_lock(77);\n")
    holder.stdin.flush()
    net.wait_until(lambda: own_database.query("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted"), 10, "the lock")
    return holder


@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_a_create_without_an_answer_is_one_pipe_when_it_comes_again(own, own_database, own_clickhouse, table, how):
    """A trigger holds the statement after the INSERT of the row (the event "created"): there the api is killed, or
    PostgreSQL answers no more. The row is stored, the client was not answered."""
    body = body_for(table, name=f"again {how}")
    stored = lambda: own_database.query(f"SELECT id FROM pipe WHERE name = 'again {how}'")
    holder = hold_rows(own_database, "pipe_event")
    answers = []

    def ask():
        try:
            answers.append(own.request("POST", own.pipes_path + "/", body).status)
        except (OSError, http.client.HTTPException):
            answers.append(None)

    try:
        thread = threading.Thread(target=ask)
        thread.start()
        first = net.wait_until(stored, 20, "the row")
        if how == "killed":
            own.api.signal(signal.SIGKILL)
            own.api.wait(20)
        else:
            own_database.kill9()
        thread.join(60)
    finally:
        holder.kill()
        holder.wait()
    if how == "killed":
        own.start_api()
    else:
        own_database.restart()
    own_database.query("DROP TRIGGER hold ON pipe_event")
    assert answers in ([None], [503])
    again = net.wait_until(lambda: [reply for reply in [own.request("POST", own.pipes_path + "/", body)] if reply.status == 200],
                           20, "a 200")[0].result
    assert again["id"] == first and stored() == first
    for name in (table, f"{table}_clickpipes_error"):
        assert own_clickhouse.value(f"EXISTS TABLE {name}") == "1"
    assert own.create_pipe(body)["id"] != first  # answered now: the same again is another pipe


@pytest.mark.parametrize("is_swept", [False, True], ids=["retried", "swept"])
@pytest.mark.parametrize("step", ["CREATE USER", "_clickpipes_error", "the row"])
def test_postgresql_is_killed_in_the_middle_of_a_create(own, own_database, own_clickhouse, table, step, is_swept):
    """By kill -9, while the user is made, while it gets its grants, and while the row is inserted. Nothing is stored and
    503 is said. The same create again makes one pipe, whose tables stay; or nobody asks again and everything goes."""
    front = Scripted(own_clickhouse.port)
    both = (table, f"{table}_clickpipes_error")
    holder = None
    try:
        service = own.result("POST", f"{own.organization_path}/services", {
            "name": "front", "provisionUsers": True, "endpoint": {"url": f"http://127.0.0.1:{front.port}"}})["id"]
        pipes = f"{own.organization_path}/services/{service}/clickpipes"
        front.before = lambda text: own_database.kill9() if step in text else None
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            if step == "the row":
                holder = hold_rows(own_database, "pipe")
            create = pool.submit(own.request, "POST", f"{pipes}/", body_for(table))
            if step == "the row":
                net.wait_until(lambda: own_database.query(
                    "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 77 AND NOT granted"), 20, "the row")
                own_database.kill9()
            assert create.result().status == 503
        front.before = None
        own_database.restart()
        own_database.query("DROP TRIGGER IF EXISTS hold ON pipe")
        net.wait_until(lambda: own.request("GET", "/health/ready", key=None).status == 200, 20, "ready again")
        assert own.result("GET", pipes) == []
        if not is_swept:
            made = own.result("POST", f"{pipes}/", body_for(table))
        own_database.query("UPDATE leftover SET retry_at = now()")  # as if ten minutes had gone by
        net.wait_until(lambda: not own_database.query("SELECT 1 FROM leftover"), 30, "the leftovers to go")
        assert own.result("GET", pipes) == ([] if is_swept else [made])
        assert [own_clickhouse.value(f"EXISTS TABLE {name}") for name in both] == ["0" if is_swept else "1"] * 2
        users = [text for text in front.statements if text.startswith("CREATE USER")]
        dropped = [text for text in front.statements if text.startswith("DROP USER")]
        assert len(users) == (1 if is_swept else 2) and users[0].split()[2] in dropped[0]
    finally:
        front.close()
        if holder:
            holder.kill()
            holder.wait()


def start(own, folder, **env):
    """Another api on the same database; returns its Process. The log file is fresh."""
    settings = own.settings()
    settings["PENSTOCK_LISTEN"] = "127.0.0.1:0"
    settings.update({name: str(value) for name, value in env.items()})
    argv = ["/usr/bin/env", "-i", *[f"{name}={value}" for name, value in settings.items()],
            paths.program("penstock-api"), "serve"]
    return proc.Process("penstock-api", argv, os.path.join(folder, "log")).start()


def bound_address(process):
    """The address in the api_listening event."""

    def found():
        with open(process.log, encoding="utf-8") as log:
            for line in log:
                if "api_listening" in line:
                    return line.split("address=")[1].split()[0]
        return None

    return process.wait_ready(found)


def test_port_zero_tells_the_bound_port(own, tmp_path):
    with start(own, tmp_path, PENSTOCK_LISTEN="127.0.0.1:0") as process:
        address = bound_address(process)
        assert not address.endswith(":0") and net.accepts(int(address.rpartition(":")[2]))
        process.signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_ipv6(own, tmp_path):
    if not os.path.exists("/proc/net/if_inet6"):
        pytest.skip("this machine has no IPv6")
    with start(own, tmp_path, PENSTOCK_LISTEN="[::1]:0") as process:
        address = bound_address(process)
        assert address.startswith("[::1]:")
        connection = http.client.HTTPConnection("::1", int(address.rpartition(":")[2]), timeout=10)
        connection.request("GET", "/health/live")
        assert connection.getresponse().status == 200
        connection.close()


@pytest.mark.parametrize("env, word", [
    ({"PENSTOCK_LISTEN": "0.0.0.0:0"}, "PENSTOCK_ALLOW_PLAIN_HTTP"),
    ({"PENSTOCK_LISTEN": "nonsense"}, "nonsense"),
    ({"PENSTOCK_TLS_CERT_FILE": "/nowhere.pem", "PENSTOCK_TLS_KEY_FILE": "/nowhere.key"}, "/nowhere.pem"),
    ({"PENSTOCK_TLS_CERT_FILE": "/nowhere.pem"}, "go together"),
])
def test_refuses_to_start_with_a_reason(own, tmp_path, env, word):
    process = start(own, tmp_path, **env)
    code = process.wait(20)
    log = process.log_tail()
    assert code in (1, 2), log
    assert word in log


def test_plain_http_on_a_public_address_when_allowed(own, tmp_path):
    with start(own, tmp_path, PENSTOCK_LISTEN="0.0.0.0:0", PENSTOCK_ALLOW_PLAIN_HTTP="1") as process:
        assert bound_address(process).startswith("0.0.0.0:")


def make_certificate(folder, name):
    key, cert = folder / f"{name}.key", folder / f"{name}.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", str(key), "-out", str(cert), "-days", "2", "-subj", f"/CN={name}",
                    "-addext", "subjectAltName=IP:127.0.0.1"], check=True, stderr=subprocess.DEVNULL)
    return cert, key


def common_name(port):
    """Subject of the certificate that the server shows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=context)
    connection.connect()
    shown = ssl.DER_cert_to_PEM_cert(connection.sock.getpeercert(binary_form=True))
    connection.request("GET", "/health/live")
    assert connection.getresponse().status == 200
    connection.close()
    done = subprocess.run(["openssl", "x509", "-noout", "-subject"], input=shown, text=True, check=True,
                          stdout=subprocess.PIPE)
    return done.stdout.strip().rpartition("= ")[2].rpartition("=")[2].strip()


def test_tls_and_reload_of_the_certificate(own, tmp_path):
    cert, key = make_certificate(tmp_path, "first")
    with start(own, tmp_path, PENSTOCK_LISTEN="127.0.0.1:0", PENSTOCK_TLS_CERT_FILE=cert,
               PENSTOCK_TLS_KEY_FILE=key) as process:
        port = int(bound_address(process).rpartition(":")[2])
        assert common_name(port) == "first"
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        old.set_ciphers("DEFAULT@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with socket.create_connection(("127.0.0.1", port), timeout=10) as plain, pytest.raises(ssl.SSLError):
            old.wrap_socket(plain)
        new_cert, new_key = make_certificate(tmp_path, "second")
        new_cert.replace(cert)
        new_key.replace(key)
        process.signal(signal.SIGHUP)
        net.wait_until(lambda: common_name(port) == "second", 20, "the new certificate")
        cert.write_text("broken")
        process.signal(signal.SIGHUP)
        process.wait_ready(lambda: "certificate_not_reloaded" in process.log_tail())
        assert common_name(port) == "second"
        process.signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_sigterm_lets_running_requests_end(own, tmp_path, own_clickhouse, table):
    """A create that waits for ClickHouse is answered although the api was told to end meanwhile."""
    answers = []
    address = own.port
    own_clickhouse.process.signal(signal.SIGSTOP)
    try:
        with start(own, tmp_path, PENSTOCK_LISTEN="127.0.0.1:0") as process:
            own.port = int(bound_address(process).rpartition(":")[2])
            thread = threading.Thread(
                target=lambda: answers.append(own.request("POST", own.pipes_path, body_for(table))))
            thread.start()
            time.sleep(0.5)
            process.signal(signal.SIGTERM)
            process.wait_ready(lambda: "api_draining" in process.log_tail())
            assert process.is_alive()
            own_clickhouse.process.signal(signal.SIGCONT)
            thread.join(20)
            assert process.wait(20) == 0
    finally:
        own.port = address
        own_clickhouse.process.signal(signal.SIGCONT)
    assert answers and answers[0].status == 200, answers and answers[0].text
