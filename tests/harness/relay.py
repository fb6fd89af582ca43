"""An HTTP relay in front of a server, with a hook before and after each exchange: for tests that stop
a client at one exact point.

    with Relay(clickhouse.port) as relay:
        relay.hook = lambda phase, text: ...    # phase "before" or "after"; text: URL and body
        penstock.create_service(relay.url)
"""
import urllib.parse

from tests.harness import http_front


class Relay(http_front.Front):
    """Forwards every request to 127.0.0.1:port. The hook runs in the exchange's own thread."""

    def __init__(self, port):
        self.hook = None
        relay = self

        class Handler(http_front.Handler):
            def do_POST(self):  # the name is http.server's
                body = self.body()
                text = urllib.parse.unquote_plus(self.path) + "\n" + body[:65536].decode("utf-8", "replace")
                relay.tell("before", text)
                status, headers, content = http_front.forward(port, self.path, self.headers, body)
                relay.tell("after", text)
                self.answer(status, content, headers)

            do_GET = do_POST

        super().__init__(Handler)

    def tell(self, phase, text):
        hook = self.hook
        if hook is not None:
            hook(phase, text)
