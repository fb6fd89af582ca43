"""What an observer must read of Kafka's protocol: request heads and OffsetCommit, versions 2 to 9
(https://kafka.apache.org/protocol: OffsetCommitRequest, OffsetCommitResponse; flexible from 8).
"""
import struct

OFFSET_COMMIT = 8
FIRST_FLEXIBLE = 8
VERSIONS = range(2, 10)
REQUEST_HEAD_BYTES = 8


class WireError(ValueError):
    """Bytes that are not what the version says."""


class Reader:
    """Reads Kafka's basic types; `flexible` chooses compact strings and arrays."""

    def __init__(self, data, at=0, flexible=False):
        self.data = data
        self.at = at
        self.flexible = flexible

    def take(self, count):
        if count < 0 or self.at + count > len(self.data):
            raise WireError(f"{count} bytes at {self.at} of {len(self.data)}")
        piece = self.data[self.at:self.at + count]
        self.at += count
        return bytes(piece)

    def number(self, kind):
        """kind: struct's letter, e.g. h, i, q."""
        return struct.unpack(">" + kind, self.take(struct.calcsize(">" + kind)))[0]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
            if shift > 35:
                raise WireError(f"varint at {self.at}")

    def text(self, classic=False):
        """A nullable string."""
        length = self.varint() - 1 if self.flexible and not classic else self.number("h")
        return None if length < 0 else self.take(length).decode("utf-8", "replace")

    def count(self):
        return self.varint() - 1 if self.flexible else self.number("i")

    def tags(self):
        """Skip the tagged fields of a flexible version."""
        if self.flexible:
            for _ in range(self.varint()):
                self.varint()
                self.take(self.varint())


def request_head(frame):
    """(api key, version, correlation id) of a request without its length."""
    return struct.unpack(">hhi", frame[:REQUEST_HEAD_BYTES])


def offset_commit(frame):
    """An OffsetCommit request as {group, member, generation, at: {(topic, partition): (offset,
    metadata)}}; WireError for a version that is not known."""
    _, version, _ = request_head(frame)
    if version not in VERSIONS:
        raise WireError(f"OffsetCommit version {version}")
    reader = Reader(frame, REQUEST_HEAD_BYTES, version >= FIRST_FLEXIBLE)
    reader.text(classic=True)  # client id: never compact
    reader.tags()
    found = {"group": reader.text(), "generation": reader.number("i"), "member": reader.text(), "at": {}}
    if version >= 7:
        reader.text()  # group instance id
    if version <= 4:
        reader.number("q")  # retention time
    for _ in range(reader.count()):
        topic = reader.text()
        for _ in range(reader.count()):
            partition = reader.number("i")
            offset = reader.number("q")
            if version >= 6:
                reader.number("i")  # leader epoch
            found["at"][(topic, partition)] = (offset, reader.text())
            reader.tags()
        reader.tags()
    reader.tags()
    if reader.at != len(frame):
        raise WireError(f"OffsetCommit version {version}: {len(frame) - reader.at} bytes left")
    return found


def offset_commit_errors(frame, version):
    """{(topic, partition): error code} of the response, without its length; frame begins with the
    correlation id."""
    reader = Reader(frame, 4, version >= FIRST_FLEXIBLE)
    reader.tags()
    if version >= 3:
        reader.number("i")  # throttle time
    errors = {}
    for _ in range(reader.count()):
        topic = reader.text()
        for _ in range(reader.count()):
            partition = reader.number("i")
            errors[(topic, partition)] = reader.number("h")
            reader.tags()
        reader.tags()
    reader.tags()
    if reader.at != len(frame):
        raise WireError(f"answer to OffsetCommit {version}: {len(frame) - reader.at} bytes left")
    return errors
