"""An HTTP relay in front of a server, with a hook before and after each exchange: for tests that stop
a client at one exact point.

    with Relay(clickhouse.port) as relay:
        relay.hook = lambda phase, text: ...    # phase "before" or "after"; text: URL and body
        penstock.create_service(relay.url)
"""
import http.client
import http.server
import threading
import urllib.parse


class Relay:
    """Forwards every request to 127.0.0.1:port. The hook runs in the exchange's own thread."""

    def __init__(self, port):
        self.target_port = port
        self.hook = None
        relay = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # the name is http.server's
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                text = urllib.parse.unquote_plus(self.path) + "\n" + body[:65536].decode("utf-8", "replace")
                relay.tell("before", text)
                connection = http.client.HTTPConnection("127.0.0.1", relay.target_port, timeout=60)
                head = {name: value for name, value in self.headers.items() if name.lower() != "host"}
                try:
                    connection.request("POST", self.path, body=body, headers=head)
                    answer = connection.getresponse()
                    content = answer.read()
                finally:
                    connection.close()
                relay.tell("after", text)
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST

            def log_message(self, *unused):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                """A client that was killed is what this is for."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def tell(self, phase, text):
        hook = self.hook
        if hook is not None:
            hook(phase, text)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *unused):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
