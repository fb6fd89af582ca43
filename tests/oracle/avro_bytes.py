"""Avro by hand: binary encoding of a value of a schema, and object container files.

Small on purpose, and nobody's library: golden_avro_test.py checks it against fastavro, byte by byte.
Values are what stands in the binary: numbers for logical types, bytes for bytes and fixed; a value of a
union is (branch, value), of an enum the symbol's number.
"""
import json
import struct

SYNC = bytes(range(16))


def number(value):
    """A long: zigzag, seven bits a byte."""
    value = (value << 1) ^ (value >> 63)
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def sized(data):
    return number(len(data)) + data


def items(values, encode, negative):
    """An array's or map's items: one block, with its length in bytes when `negative`."""
    if not values:
        return number(0)
    body = b"".join(encode(value) for value in values)
    head = number(-len(values)) + number(len(body)) if negative else number(len(values))
    return head + body + number(0)


PLAIN = {
    "null": lambda value: b"",
    "boolean": lambda value: bytes([value]),
    "int": number,
    "long": number,
    "float": lambda value: struct.pack("<f", value),
    "double": lambda value: struct.pack("<d", value),
    "bytes": sized,
    "string": lambda value: sized(value if isinstance(value, bytes) else value.encode()),
}


def body(schema, value, negative=False):
    """The bytes of one value. negative: blocks of lists tell their length."""
    if isinstance(schema, list):
        branch, inner = value
        return number(branch) + body(schema[branch], inner, negative)
    kind = schema if isinstance(schema, str) else schema["type"]
    if kind in PLAIN:
        return PLAIN[kind](value)
    if kind == "fixed":
        assert len(value) == schema["size"]
        return value
    if kind == "enum":
        return number(value)
    if kind == "array":
        return items(value, lambda item: body(schema["items"], item, negative), negative)
    if kind == "map":
        return items(list(value.items()), lambda item: sized(item[0].encode()) + body(schema["values"], item[1], negative),
                     negative)
    assert kind == "record", kind
    return b"".join(body(field["type"], value[field["name"]], negative) for field in schema["fields"])


def container(schema, bodies):
    """An object container file of these records."""
    head = {b"avro.schema": json.dumps(schema).encode(), b"avro.codec": b"null"}
    out = b"Obj\x01" + items(list(head.items()), lambda item: sized(item[0]) + sized(item[1]), False) + SYNC
    data = b"".join(bodies)
    return out + number(len(bodies)) + number(len(data)) + data + SYNC if bodies else out
