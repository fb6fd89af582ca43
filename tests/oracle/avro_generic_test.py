"""Our Avro against avro-c's generic reader: whole records as JSON text, and records that are damaged.

The record goes into one String column, so every type is read and written out; avro-c writes the same
value as JSON. Damaged records (a byte changed, cut, or added) must be refused by both or read alike.
"""
import json
import os
import random
import subprocess
import tempfile

import pytest

from tests.harness import paths

from . import avro_bytes, avro_random, avro_readers
from .avro_golden_test import plain

SEEDS = range(100, 140)
ROWS = 40
RECORD_S = 2
SUBNORMAL = 1.2e-38  # floats below have fewer digits


def run(name, bodies):
    data = b"".join(len(body).to_bytes(4, "little") + body for body in bodies)
    try:
        done = subprocess.run([paths.program("penstock-avro-generic"), name], input=data, capture_output=True, check=False,
                              timeout=RECORD_S * len(bodies))
    except subprocess.TimeoutExpired:
        return None
    return [line.decode("utf-8", "surrogateescape") for line in done.stdout.split(b"\n")[:-1]] if done.returncode == 0 else None


def generic(schema, bodies):
    """avro-c's lines. Some damaged records make it crash: then one by one, a crash is a refusal."""
    with tempfile.TemporaryDirectory() as folder:
        name = os.path.join(folder, "schema")
        with open(name, "w", encoding="utf-8") as file:
            json.dump(schema, file)
        return run(name, bodies) or [(run(name, [body]) or ["refused"])[0] for body in bodies]


def bare(schema, value):
    """avro-c's JSON value as ours: a union is its value, not {"type": value}."""
    if isinstance(schema, list):
        if value is None:
            return None
        (word, inner), = value.items()
        names = [branch if isinstance(branch, str) else branch.get("name", branch["type"]) for branch in schema]
        return bare(schema[names.index(word)], inner)
    kind = schema if isinstance(schema, str) else schema["type"]
    if kind == "array":
        return [bare(schema["items"], item) for item in value]
    if kind == "map":
        return {key: bare(schema["values"], item) for key, item in value.items()}
    if kind == "record":
        return {field["name"]: bare(field["type"], value[field["name"]]) for field in schema["fields"]}
    return value


def until_zero(text):
    """avro-c's JSON texts end at a zero byte."""
    return text.split("\0")[0]


def same(schema, ours, theirs):
    """Equal, with floats as the schema's width has them."""
    if isinstance(ours, float) or isinstance(theirs, float):
        return abs(ours - theirs) <= 1e-6 * max(abs(ours), abs(theirs)) or max(abs(ours), abs(theirs)) < SUBNORMAL
    if isinstance(ours, list):
        return isinstance(theirs, list) and len(ours) == len(theirs) and all(same(schema, a, b) for a, b in zip(ours, theirs))
    if isinstance(ours, dict):
        ours = {until_zero(key): item for key, item in ours.items()}
        return isinstance(theirs, dict) and list(ours) == list(theirs) and all(same(schema, ours[key], theirs[key]) for key in ours)
    return (until_zero(ours) if isinstance(ours, str) else ours) == theirs


def texts(block, count):
    """The strings of a Native block of one String column."""
    at, values = 0, []

    def length():
        nonlocal at
        value, shift = 0, 0
        while True:
            byte = block[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value
    assert length() == 1 and length() == count
    for _ in range(2):  # name, type
        size = length()
        at += size
    for _ in range(count):
        size = length()
        values.append(block[at:at + size])
        at += size
    assert at == len(block)
    return values


def both(schema, bodies):
    """[(our JSON or None, our message, avro-c's line)]"""
    wrapped = {"type": "record", "name": "Wrap", "fields": [{"name": "x", "type": schema}]}
    block, rejects = avro_readers.encode(wrapped, bodies, [("x", "String")])
    rows = iter(texts(block, len(bodies) - len(rejects)) if len(rejects) < len(bodies) else [])
    lines = generic(schema, bodies)
    assert len(lines) == len(bodies)
    return [(None, rejects[i][2], lines[i]) if i in rejects else (next(rows), "", lines[i]) for i in range(len(bodies))]


def check(schema, pair, compared):
    ours, message, line = pair
    if ours is None:
        # avro-c does not look at UTF-8, at a block's length in bytes, at more than 64 bits, at booleans, and
        # not always at an enum's number
        allowed = ("is not UTF-8", "an enum has no such symbol", "a block of a list is past", "items of no bytes", "a number is too long", "neither 0 nor 1")
        return line == "refused" or any(text in message for text in allowed)
    if line == "-":
        return True  # inf, which avro-c has no JSON for
    if line == "refused":
        return False
    compared.append(1)
    return same(schema, json.loads(ours), bare(schema, json.loads(line)))


@pytest.mark.parametrize("damage", ["none", "bytes"])
def test_records_are_what_avro_c_reads(damage):
    compared = []
    for seed in SEEDS:
        schema, _, make = avro_random.Maker(seed).table(6)
        schema = plain(schema)
        dice = random.Random(seed)
        bodies = [avro_bytes.body(schema, make(number), seed % 2 == 0) for number in range(ROWS)]
        if damage == "bytes":
            bodies = [spoil(dice, body) for body in bodies]
        for number, pair in enumerate(both(schema, bodies)):
            if damage == "none":
                assert pair[0] is not None, f"seed {seed}, record {number}: {pair[1]}"
            assert check(schema, pair, compared), f"seed {seed}, record {number}: {str(pair)[:1500]}"
    assert len(compared) >= (len(SEEDS) * ROWS // 3 if damage == "none" else 50)


def spoil(dice, body):
    """Cut it, add to it, or change a byte."""
    place = dice.randrange(len(body))
    way = dice.randrange(4)
    if way == 0:
        return body[:place]
    if way == 1:
        return body + b"\0"
    return body[:place] + bytes([dice.randrange(256)]) + body[place + 1:]
