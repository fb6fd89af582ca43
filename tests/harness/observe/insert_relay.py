"""A relay in front of ClickHouse's HTTP port, which sees every INSERT that has its statement in the URL.

    with Observer() as observer, InsertRelay(observer, clickhouse.port) as relay:
        penstock.create_service(relay.url)

Requests of other kinds pass as they come. A body must have a Content-Length.
"""
import asyncio
import re
import urllib.parse

from .relay import Dropped, Relay, Talk, unless_ended
from .steps import INSERT_ASKED, INSERT_DONE, INSERT_HALF, INSERT_TOLD

TABLE = re.compile(r"INSERT INTO (?:`?(?P<database>\w+)`?\.)?`?(?P<table>\w+)`?", re.IGNORECASE)


class Head:
    """The head of one request or answer."""

    def __init__(self, raw):
        self.raw = raw
        lines = raw.decode("latin-1").split("\r\n")
        self.words = lines[0].split(" ", 2)
        self.fields = {}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if colon:
                self.fields[name.strip().lower()] = value.strip()

    @property
    def length(self):
        return int(self.fields.get("content-length", 0))

    @property
    def status(self):
        return int(self.words[1])

    def without(self, name):
        """The bytes without one field."""
        lines = self.raw.split(b"\r\n")
        wanted = name.lower().encode() + b":"
        return b"\r\n".join(line for line in lines if not line.lower().startswith(wanted))


def insert_of(target):
    """What a URL says of its INSERT: {database, table, token, query, bytes}; None if it is no INSERT."""
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(target).query)
    found = TABLE.match(query.get("query", [""])[0])
    if found is None:
        return None
    return {"table": found["table"], "token": query.get("insert_deduplication_token", [None])[0],
            "query": query.get("query_id", [None])[0]}


class InsertTalk(Talk):
    """Steps: INSERT_ASKED, INSERT_HALF, INSERT_DONE and INSERT_TOLD {table, token, query, bytes}, the last
    two with {status, code}. A client that dies ends its request at the server at once, as without a
    relay; one whose bytes are held back by a trap leaves them to arrive."""

    async def run(self):
        while True:
            try:
                head = Head(await unless_ended(self.client.reader.readuntil(b"\r\n\r\n"), self.server))
            except asyncio.LimitOverrunError:
                raise Dropped() from None
            if "transfer-encoding" in head.fields:
                raise Dropped()
            insert = insert_of(head.words[1])
            if insert is None:
                await self.plain(head)
            else:
                await self.insert(head, {**insert, "bytes": head.length})

    async def plain(self, head):
        await self._send_head(head)
        await self.client.copy(self.server, head.length)
        _, answer = await self._answer()
        await self.tell_client(answer)

    async def insert(self, head, known):
        await self.step(INSERT_ASKED, known)
        await self._send_head(head)
        first = head.length // 2
        await self.client.copy(self.server, first)
        await self.step(INSERT_HALF, known)
        await self.client.copy(self.server, head.length - first)
        status, answer = await self._answer()
        known = {**known, "status": status.status,
                 "code": int(status.fields.get("x-clickhouse-exception-code", 0))}
        await self.step(INSERT_DONE, known)
        await self.step(INSERT_TOLD, known)
        await self.tell_client(answer)

    async def _send_head(self, head):
        """A client that asks first whether its body is welcome hears yes from the relay."""
        if "expect" in head.fields:
            await self.client.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await self.server.send(head.without("expect"))

    async def _answer(self):
        """(Head, all bytes) of the answer. If the client goes away first, so do we, unless its bytes
        were held back: then they are on their way whatever becomes of it."""
        if self.is_held:
            return await self._read_answer()
        return await unless_ended(self._read_answer(), self.client)

    async def _read_answer(self):
        reader = self.server.reader
        raw = await reader.readuntil(b"\r\n\r\n")
        head = Head(raw)
        while head.status == 100:
            raw = await reader.readuntil(b"\r\n\r\n")
            head = Head(raw)
        if head.fields.get("transfer-encoding", "").lower() != "chunked":
            return head, raw + await reader.readexactly(head.length)
        parts = [raw]
        while True:
            line = await reader.readuntil(b"\r\n")
            size = int(line.split(b";")[0], 16)
            parts += [line, await reader.readexactly(size + 2)]
            if size == 0:
                return head, b"".join(parts)


class InsertRelay(Relay):
    """InsertTalk for each client."""

    talk = InsertTalk

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"
