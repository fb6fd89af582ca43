"""What both relays have in common: a loopback port, a connection to the server for each client's, and
the end of both when one ends."""
import asyncio
import socket

from tests.harness import net

from .steps import DROP, LATE, Link

PIECE_BYTES = 1 << 18
HEAD_MAX_BYTES = 1 << 20


class Dropped(Exception):
    """A trap cut this connection."""


GONE = (asyncio.IncompleteReadError, ConnectionError, Dropped)


class Side:
    """One end of a relayed connection."""

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer

    async def send(self, data):
        self.writer.write(data)
        await self.writer.drain()

    async def copy(self, to, count):
        """Pass on so many bytes as they come."""
        while count > 0:
            piece = await self.reader.read(min(count, PIECE_BYTES))
            if not piece:
                raise asyncio.IncompleteReadError(b"", count)
            count -= len(piece)
            await to.send(piece)

    def close(self):
        self.writer.close()


class Talk:
    """One relayed connection. `run` returns or raises one of GONE when it is over."""

    def __init__(self, observer, client, server, link):
        self.observer = observer
        self.client = client
        self.server = server
        self.link = link
        self.is_held = False

    async def step(self, name, known):
        """Pass a step. Bytes that a trap held back are on their way: from then on `is_held`, and the end
        of the client no longer takes them back."""
        was_held, self.is_held = self.is_held, True
        verdict = await self.observer.pass_step(name, self.link, known)
        if verdict == DROP:
            raise Dropped()
        self.is_held = was_held or verdict == LATE

    async def tell_client(self, data):
        try:
            await self.client.send(data)
        except ConnectionError:
            if not self.is_held:
                raise

    async def run(self):
        raise NotImplementedError


class Relay:
    """Listens on a loopback port of its own and connects on to 127.0.0.1:target_port for each client; a
    Talk of the subclass's kind does the rest."""

    talk = Talk

    def __init__(self, observer, target_port, port=None):
        self.observer = observer
        self.target_port = target_port
        self.port = port or net.free_port()
        self._server = None

    def start(self):
        self.observer.run(self._listen())
        return self

    def stop(self):
        """Accept no more; connections end with the observer."""
        if self._server is not None:
            self.observer.run(self._close())
            self._server = None

    async def _listen(self):
        self._server = await asyncio.start_server(
            self._accepted, "127.0.0.1", self.port, limit=HEAD_MAX_BYTES)

    async def _close(self):
        self._server.close()

    async def _accepted(self, reader, writer):
        client = Side(reader, writer)
        link = Link(writer.get_extra_info("peername")[1], self.port)
        server = None
        try:
            writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server = Side(*await asyncio.open_connection(
                "127.0.0.1", self.target_port, limit=HEAD_MAX_BYTES))
            await self.talk(self.observer, client, server, link).run()
        except GONE:
            pass
        except OSError as problem:  # the server is away
            self.observer.journal.add("server away", relay=self.port, problem=str(problem))
        finally:
            link.is_over = True
            client.close()
            if server is not None:
                server.close()

    def __enter__(self):
        return self.start()

    def __exit__(self, *unused):
        self.stop()


async def first_to_end(*coroutines):
    """Run them together until one returns or raises; the others are cancelled. Raises what it raised."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def unless_ended(coroutine, side):
    """What the coroutine returns; Dropped if the side, which has nothing to say now, ends first."""
    reading = asyncio.ensure_future(coroutine)
    leaving = asyncio.ensure_future(side.reader.read(1))
    try:
        await asyncio.wait((reading, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not reading.done():
            raise Dropped()
        return reading.result()
    finally:
        for task in (reading, leaving):
            task.cancel()
        await asyncio.gather(reading, leaving, return_exceptions=True)
