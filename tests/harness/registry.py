"""A schema registry for tests: a real one (Apicurio) or one in memory, behind a front that logs in,
speaks TLS, counts what was asked, and fails on command.

    with SchemaRegistry() as registry:
        schema_id = registry.register("orders-value", {"type": "record", ...})
        kafka = {"format": "AvroConfluent", "schemaRegistry": registry.setting()}
        registry.fail(503, times=2); registry.users = {"key": "new secret"}; registry.asked("/schemas")

The front is a thread of this process; `down` and `up` close and open its port.
"""
import base64
import contextlib
import http.server
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import urllib.parse

from . import net, paths
from .registry_servers import JSON_TYPE, Apicurio, MemoryRegistry

HOLD_MAX_S = 120


class RegistryError(RuntimeError):
    """The registry refused something a test relies on."""


class Certificates:
    """A CA, a certificate for localhost and 127.0.0.1 signed by it, and one that nobody signed."""

    def __init__(self, folder):
        self.folder = folder
        self.ca = self._path("ca.crt")
        self._openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=Registry test CA", "-keyout", self._path("ca.key"), "-out", self.ca)
        with open(self._path("server.ext"), "w", encoding="ascii") as extensions:
            extensions.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        self._openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost",
            "-keyout", self._path("server.key"), "-out", self._path("server.csr"))
        self._openssl(
            "x509", "-req", "-in", self._path("server.csr"), "-CA", self.ca, "-CAkey", self._path("ca.key"),
            "-CAcreateserial", "-days", "2", "-extfile", self._path("server.ext"), "-out",
            self._path("server.crt"))

    def _path(self, name):
        return os.path.join(self.folder, name)

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)

    @property
    def ca_pem(self):
        with open(self.ca, encoding="ascii") as text:
            return text.read()

    def context(self):
        """For a server."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._path("server.crt"), self._path("server.key"))
        return context


class Fault:
    """An answer instead of the registry's own, for requests whose path matches."""

    def __init__(self, pattern, status, headers, body, times):
        self.pattern = re.compile(pattern)
        self.status = status
        self.headers = headers
        self.body = body
        self.times = times  # None = until healed


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    front = None  # set by the subclass each front makes

    def _serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, headers, answer = self.front.answer(self.command, self.path, body, self.headers)
        if status is None:
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_PUT = do_DELETE = _serve

    def handle(self):
        with contextlib.suppress(ConnectionError, socket.timeout, ssl.SSLError):
            super().handle()

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address, handler, context):
        self.connections = set()
        self.context = context
        super().__init__(address, handler)

    def process_request_thread(self, request, client_address):
        self.connections.add(request)
        try:
            if self.context is not None:
                request.settimeout(10)
                request = self.context.wrap_socket(request, server_side=True)
                request.settimeout(None)
            super().process_request_thread(request, client_address)
        except OSError:
            self.shutdown_request(request)  # no TLS: a scan, or the CA is not trusted
        finally:
            self.connections.discard(request)

    def drop(self):
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class SchemaRegistry:
    """A registry and its front. `backend`: "apicurio", "memory", or a running server to share."""

    def __init__(self, backend="apicurio", users=None, tls=False, prefix=""):
        """users: {name: password}, None = open to all; prefix: a path before the API's, as "/registry"."""
        self.users = users
        self.prefix = prefix
        self._owns_backend = isinstance(backend, str)
        if self._owns_backend:
            backend = {"apicurio": Apicurio, "memory": MemoryRegistry}[backend]()
        self.backend = backend
        self.folder = paths.scratch("penstock-registry-front-")
        self.certificates = Certificates(self.folder) if tls else None
        self.port = net.free_port()
        self.requests = []  # (method, path, status) as they were answered, after the prefix
        self.faults = []
        self._released = threading.Event()
        self._lock = threading.Lock()
        self._server = None

    # Life

    def start(self):
        if self._owns_backend:
            self.backend.start()
        self.up()
        return self

    def up(self):
        """Open the port (again)."""
        handler = type("Handler", (_Handler,), {"front": self})
        context = self.certificates.context() if self.certificates else None
        self._server = _Server(("127.0.0.1", self.port), handler, context)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def down(self):
        """Close the port and cut every connection."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.drop()
            self._server = None

    def stop(self):
        self._released.set()
        self.down()
        if self._owns_backend:
            self.backend.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *unused):
        self.stop()

    # What clients are told

    @property
    def url(self):
        scheme = "https" if self.certificates else "http"
        return f"{scheme}://localhost:{self.port}{self.prefix}"

    def setting(self, path="", user=None):
        """A pipe's source.kafka.schemaRegistry. path: "" or as "/schemas/ids/1"; user: whom to log in
        (default: the only one there is)."""
        setting = {"url": self.url + path, "authentication": "PLAIN"}
        if user is None and self.users:
            user = next(iter(self.users))
        if user is not None:
            setting["credentials"] = {"username": user, "password": self.users[user]}
        if self.certificates:
            setting["caCertificate"] = self.certificates.ca_pem
        return setting

    # Faults and counts

    def fail(self, status, times=None, path="", headers=None, body=None):
        """Answer requests whose path matches the pattern with this status, `times` times or until
        `heal`. status None: the connection is cut; "hold": no answer until `heal`."""
        if body is None:
            body = {"error_code": status, "message": "told to fail"}
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self._released.clear()
        with self._lock:
            self.faults.append(Fault(path, status, headers or {}, body, times))

    def heal(self):
        with self._lock:
            self.faults.clear()
        self._released.set()

    def asked(self, path="", status=None):
        """How many requests matched the pattern (and were answered with that status)."""
        return sum(
            1 for _, asked, answered in list(self.requests)
            if re.search(path, asked) and status in (None, answered))

    def wait_asked(self, path="", times=1, status=None, timeout_s=30):
        """Wait until so many requests matched."""
        net.wait_until(
            lambda: self.asked(path, status) >= times, timeout_s, f"{times} requests {path} at the registry")

    def _fault(self, path):
        with self._lock:
            for fault in self.faults:
                if fault.pattern.search(path):
                    if fault.times is not None:
                        fault.times -= 1
                        if fault.times == 0:
                            self.faults.remove(fault)
                    return fault
        return None

    def _is_allowed(self, headers):
        if self.users is None:
            return True
        kind, _, text = (headers.get("Authorization") or "").partition(" ")
        try:
            name, _, password = base64.b64decode(text).decode().partition(":")
        except ValueError:
            return False
        return kind == "Basic" and self.users.get(name) == password

    def answer(self, method, path, body, headers):
        """(status, headers, body) for a request; called by the front's threads."""
        inner = path[len(self.prefix):] if path.startswith(self.prefix) else None
        status, answer_headers, answer = self._decide(method, inner, body, headers)
        self.requests.append((method, inner or path, status))
        return status, answer_headers, answer

    def _decide(self, method, path, body, headers):
        if path is None:
            return 404, {}, b"no such prefix"
        fault = self._fault(path)
        if fault is not None:
            if fault.status == "hold":
                self._released.wait(HOLD_MAX_S)
                return None, {}, b""
            return fault.status, {"Content-Type": JSON_TYPE, **fault.headers}, fault.body
        if not self._is_allowed(headers):
            return 401, {"Content-Type": JSON_TYPE, "WWW-Authenticate": "Basic"}, \
                b'{"error_code":401,"message":"Unauthorized"}'
        try:
            return self.backend(method, path, body)
        except OSError as problem:
            return 502, {}, str(problem).encode()

    # Schemas (straight to the server behind the front: no login, no faults, not counted)

    def call(self, method, path, given=None):
        """One call of the API; RegistryError unless it succeeds."""
        body = b"" if given is None else json.dumps(given).encode()
        status, _, answer = self.backend(method, path, body)
        if status != 200:
            raise RegistryError(f"{method} {path}: HTTP {status}: {answer[:500].decode('utf-8', 'replace')}")
        return json.loads(answer)

    def register(self, subject, schema, kind="AVRO", references=()):
        """Register and return the id. schema: text, or a value whose JSON is the schema; references:
        [(name, subject, version)]."""
        text = schema if isinstance(schema, str) else json.dumps(schema)
        given = {"schema": text}
        if kind != "AVRO":
            given["schemaType"] = kind
        if references:
            given["references"] = [
                {"name": name, "subject": of, "version": version} for name, of, version in references]
        return self.call("POST", f"/subjects/{urllib.parse.quote(subject, safe='')}/versions", given)["id"]

    def version(self, subject, version="latest"):
        """{subject, version, id, schema, …}."""
        return self.call("GET", f"/subjects/{urllib.parse.quote(subject, safe='')}/versions/{version}")

    def allow_any_change(self, subject):
        """No compatibility check for the subject's next versions."""
        if isinstance(self.backend, Apicurio):
            self.call("PUT", f"/config/{urllib.parse.quote(subject, safe='')}", {"compatibility": "NONE"})


def frame(schema_id, body):
    """Confluent's framing: a zero byte, the id in four bytes, the body."""
    return b"\0" + schema_id.to_bytes(4, "big") + body
