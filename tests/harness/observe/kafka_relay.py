"""A relay in front of a broker's PROXIED listener, which sees every OffsetCommit and its answer.

    with Observer() as observer, KafkaRelay(observer, broker) as relay:
        consumer = confluent_kafka.Consumer({"bootstrap.servers": relay.bootstrap, …})

Everything else passes as it comes.
"""
import asyncio
import struct

from . import intent, kafka_wire
from .relay import PIECE_BYTES, Dropped, Relay, Talk, first_to_end
from .steps import COMMIT_ASKED, COMMIT_DONE

FRAME_MAX_BYTES = 1 << 27


class CommitTalk(Talk):
    """Steps: COMMIT_ASKED {group, member, generation, at_offsets, ranges}, COMMIT_DONE the same and `errors`.
    `at_offsets` is {"topic/partition": offset}; `ranges` {"topic/partition": [[first, last]…]} of the
    intents, None where the metadata holds no intent."""

    def __init__(self, *ends):
        super().__init__(*ends)
        self._asked = {}  # correlation id → (version, what is known)
        self._answered = asyncio.Event()

    async def run(self):
        await first_to_end(self._requests(), self._responses())

    async def _requests(self):
        while True:
            head = await self.client.reader.readexactly(4)
            (length,) = struct.unpack(">i", head)
            if not 0 < length <= FRAME_MAX_BYTES:
                raise Dropped()
            frame = await self.client.reader.readexactly(length)
            key, version, number = kafka_wire.request_head(frame)
            if key == kafka_wire.OFFSET_COMMIT:
                known = describe(kafka_wire.offset_commit(frame))
                self._asked[number] = (version, known)
                await self.step(COMMIT_ASKED, known)
                self._answered.clear()
            await self.server.send(head + frame)
            if key == kafka_wire.OFFSET_COMMIT and self.is_held:
                # The end of a client that is gone must not overtake its request.
                await self._answered.wait()

    async def _responses(self):
        while True:
            head = await self.server.reader.readexactly(8)
            length, number = struct.unpack(">ii", head)
            if number not in self._asked:
                await self._pass_on(head, length - 4)
                continue
            rest = await self.server.reader.readexactly(length - 4)
            version, known = self._asked.pop(number)
            errors = kafka_wire.offset_commit_errors(head[4:] + rest, version)
            known = {**known, "errors": {f"{t}/{p}": code for (t, p), code in errors.items() if code}}
            await self.step(COMMIT_DONE, known)
            self._answered.set()
            await self.tell_client(head + rest)

    async def _pass_on(self, head, count):
        """The rest of an answer, as it comes; read to its end even if the client is gone."""
        await self.tell_client(head)
        while count > 0:
            piece = await self.server.reader.read(min(count, PIECE_BYTES))
            if not piece:
                raise asyncio.IncompleteReadError(b"", count)
            count -= len(piece)
            await self.tell_client(piece)


class KafkaRelay(Relay):
    """CommitTalk for each client; listens where the broker's PROXIED listener advertises."""

    talk = CommitTalk

    def __init__(self, observer, broker):
        super().__init__(observer, int(broker.listeners["PROXIED"].rpartition(":")[2]),
                         int(broker.proxied_advertises.rpartition(":")[2]))

    @property
    def bootstrap(self):
        """What a client's bootstrap.servers takes."""
        return f"127.0.0.1:{self.port}"


def describe(commit):
    """What the journal and the traps know of an OffsetCommit."""
    ranges = {}
    for (topic, partition), (_, metadata) in commit["at"].items():
        found = intent.read(metadata)
        ranges[f"{topic}/{partition}"] = found and [[r.first, r.last] for r in found.ranges]
    return {
        "group": commit["group"], "member": commit["member"], "generation": commit["generation"],
        "at_offsets": {f"{topic}/{partition}": offset for (topic, partition), (offset, _) in commit["at"].items()},
        "ranges": ranges}
