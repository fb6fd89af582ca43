"""common/clickhouse against a real ClickHouse: a program of its own (tests/process/clickhouse), run
against the development server plainly and through TLS, or against CLICKHOUSE_URL (CLICKHOUSE_USER,
CLICKHOUSE_PASSWORD, CLICKHOUSE_CA with the PEM text)."""
import contextlib
import os
import socket
import ssl
import subprocess
import threading

import pytest

from tests.harness import paths
from tests.harness.clickhouse import DevClickHouse

TIMEOUT_S = 120
TESTS = 12
PREFLIGHT_TESTS = 7
USER = "penstock"
PASSWORD = "a:b c"


def run_program(environment, skipped, program="clickhouse_process_test", tests=TESTS):
    done = subprocess.run([paths.program(program)], env={**os.environ, **environment},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stdout
    assert f"[  PASSED  ] {tests - skipped} test(s)." in done.stdout, done.stdout


def copy(source, target):
    """Bytes from one connection to the other until one ends."""
    with contextlib.suppress(OSError):
        while True:
            data = source.recv(65536)
            if not data:
                break
            target.sendall(data)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def serve_one(plain, context, port):
    """One TLS connection, passed on to the port."""
    with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as client, \
            socket.create_connection(("127.0.0.1", port)) as server:
        back = threading.Thread(target=copy, args=(server, client))
        back.start()
        copy(client, server)
        back.join()


@contextlib.contextmanager
def tls_front(port, directory):
    """A TLS server before the port; yields its own port and its certificate in PEM form."""
    certificate, key = os.path.join(directory, "cert.pem"), os.path.join(directory, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=penstock",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))

    def accept():
        with contextlib.suppress(OSError):
            while True:
                plain, _ = listener.accept()
                threading.Thread(target=serve_one, args=(plain, context, port), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        with open(certificate, encoding="ascii") as pem:
            yield listener.getsockname()[1], pem.read()
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@pytest.fixture(scope="module")
def clickhouse():
    if os.environ.get("CLICKHOUSE_URL"):
        yield None
        return
    with DevClickHouse(user=USER, password=PASSWORD) as server:
        yield server


def test_against_a_real_server(clickhouse):
    if clickhouse is None:
        has_user, has_ca = "CLICKHOUSE_USER" in os.environ, "CLICKHOUSE_CA" in os.environ
        run_program({}, skipped=(not has_user) + (not has_ca))
        return
    run_program({"CLICKHOUSE_URL": clickhouse.url, "CLICKHOUSE_USER": USER, "CLICKHOUSE_PASSWORD": PASSWORD}, skipped=1)


def test_the_guarantee_of_tables(clickhouse):
    server = {} if clickhouse is None else {
        "CLICKHOUSE_URL": clickhouse.url, "CLICKHOUSE_USER": USER, "CLICKHOUSE_PASSWORD": PASSWORD}
    run_program(server, skipped=0, program="preflight_process_test", tests=PREFLIGHT_TESTS)


def test_through_tls(clickhouse, tmp_path):
    if clickhouse is None:
        pytest.skip("CLICKHOUSE_URL says how to connect")
    with tls_front(clickhouse.port, str(tmp_path)) as (port, certificate):
        run_program({"CLICKHOUSE_URL": f"https://127.0.0.1:{port}", "CLICKHOUSE_USER": USER,
                     "CLICKHOUSE_PASSWORD": PASSWORD, "CLICKHOUSE_CA": certificate}, skipped=0)
