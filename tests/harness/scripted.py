"""A scripted ClickHouse: a real one behind a front that refuses, loses and forgets answers on demand,
for what an embedded engine cannot do.

    with ScriptedClickHouse(clickhouse) as scripted:
        scripted.rule = lambda exchange: Refuse(497, "Not enough privileges") if exchange.is_insert else None
        ... a client of scripted.url ...
        scripted.rule = None

A rule looks at each exchange and says what happens to it: None (it goes through), Refuse (an error, and
nothing is executed), Lose (the connection breaks, before or after it was executed), or Refuse with
executed=True (it was executed and the answer is the error). It runs in the exchange's own thread."""
import urllib.parse

from tests.harness import http_front


class Refuse:
    """An error of ClickHouse's form."""

    def __init__(self, code, text, name="SCRIPTED", status=500, executed=False):
        self.code, self.text, self.name, self.status, self.executed = code, text, name, status, executed


class Lose:
    """No answer: the connection breaks."""

    def __init__(self, executed):
        self.executed = executed


class Exchange:
    """One request: its URL parameters, SQL and body."""

    def __init__(self, path, headers, body):
        self.path, self.headers, self.body = path, headers, body
        self.parameters = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(path).query))
        self.sql = self.parameters.get("query") or body[:65536].decode("utf-8", "replace")

    @property
    def is_insert(self):
        return self.sql.startswith("INSERT")

    @property
    def is_rows(self):
        """An insert into a target, not into an error table."""
        return self.is_insert and "_clickpipes_error" not in self.sql

    @property
    def rows(self):
        """Rows of an insert in Native format without compression (its first block)."""
        assert self.is_insert and self.headers.get("Content-Encoding") is None
        return _varint(self.body, _varint(self.body, 0)[1])[0]


def _varint(data, at):
    value, shift = 0, 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


class ScriptedClickHouse(http_front.Front):
    """The front of a DevClickHouse."""

    def __init__(self, clickhouse):
        self.clickhouse = clickhouse
        self.user, self.password = clickhouse.user, clickhouse.password
        self.rule = None
        self.exchanges = []  # those that a rule was asked about
        front = self

        class Handler(http_front.Handler):
            def do_POST(self):  # the name is http.server's
                exchange = Exchange(self.path, self.headers, self.body())
                verdict = front.judge(exchange)
                answer = None
                if verdict is None or verdict.executed:
                    answer = http_front.forward(clickhouse.port, self.path, self.headers, exchange.body)
                if isinstance(verdict, Lose):
                    self.close_connection = True
                elif isinstance(verdict, Refuse):
                    text = f"Code: {verdict.code}. DB::Exception: {verdict.text} ({verdict.name})"
                    self.answer(verdict.status, text.encode(), [("X-ClickHouse-Exception-Code", str(verdict.code))])
                else:
                    status, headers, content = answer
                    self.answer(status, content, headers)

            do_GET = do_POST

        super().__init__(Handler)

    def judge(self, exchange):
        rule = self.rule
        if rule is None:
            return None
        self.exchanges.append(exchange)
        return rule(exchange)
