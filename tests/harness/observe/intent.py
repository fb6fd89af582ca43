"""Reads the intent that a replica commits beside an offset (worker/replica/ledger/intent.h): an
independent reader, so that an observer says which offsets were announced.
"""
import base64
import binascii
import collections
import hashlib

PREFIX = "p1:"
CHECK_BYTES = 8
UUID_BYTES = 16
WITH_TABLE = 0x80

Range = collections.namedtuple("Range", "first last count mapping flags")
Intent = collections.namedtuple("Intent", "epoch nonce ranges")


def read(text):
    """The Intent in a text; None if there is none or it is not one."""
    if not text or not text.startswith(PREFIX):
        return None
    try:
        whole = base64.b64decode(text[len(PREFIX):], validate=True)
    except binascii.Error:
        return None
    body, check = whole[:-CHECK_BYTES], whole[-CHECK_BYTES:]
    if hashlib.sha256(body).digest()[:CHECK_BYTES] != check:
        return None
    return _Body(body).intent()


class _Body:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, count):
        piece = self.data[self.at:self.at + count]
        if len(piece) != count:
            raise ValueError("an intent with a good checksum ends early")
        self.at += count
        return piece

    def number(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def intent(self):
        self.take(UUID_BYTES)
        epoch = self.number()
        nonce = int.from_bytes(self.take(8), "little")
        ranges = []
        end = 0
        for _ in range(self.number()):
            first = end + self.number()
            last = first + self.number()
            count = self.number()
            self.number()  # times, as differences
            self.number()
            mapping = self.number()
            flags = self.take(1)[0]
            if flags & WITH_TABLE:
                self.take(UUID_BYTES)
            ranges.append(Range(first, last, count, mapping, flags & ~WITH_TABLE))
            end = last + 1
        if self.at != len(self.data):
            raise ValueError("an intent with a good checksum and bytes left")
        return Intent(epoch, nonce, ranges)
