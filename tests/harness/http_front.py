"""A small HTTP server in a thread of the test: what relays and played servers have in common.

    class Handler(http_front.Handler):
        def do_POST(self):
            self.answer(200, b"ok")

    with http_front.Front(Handler) as front:
        ... a client of front.url ...
"""
import http.client
import http.server
import threading


def forward(port, path, headers, body):
    """POST to 127.0.0.1:port; (status, headers, content)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    head = {name: value for name, value in headers.items() if name.lower() != "host"}
    try:
        connection.request("POST", path, body=body, headers=head)
        answer = connection.getresponse()
        return answer.status, answer.getheaders(), answer.read()
    finally:
        connection.close()


class Handler(http.server.BaseHTTPRequestHandler):
    """Says nothing on stderr; bodies have a Content-Length."""

    protocol_version = "HTTP/1.1"

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, status, content, headers=()):
        """headers: (name, value) pairs; those that belong to one connection are left out."""
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *unused):
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that went away, or was killed, is what such tests are about."""


class Front:
    """Serves with the handler on 127.0.0.1 (port 0: a free one) from start, or `with`, until stop."""

    def __init__(self, handler, port=0):
        self._server = _Server(("127.0.0.1", port), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def port(self):
        return self._server.server_port

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        self._thread.start()
        return self

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self):
        return self.start()

    def __exit__(self, *unused):
        self.stop()
