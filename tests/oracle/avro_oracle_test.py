"""The independent oracle of Avro: our rows against ClickHouse's own reader, cell by cell, same bytes.

Random tables: fixed seeds here; any other by hand:
    PENSTOCK_ORACLE_SEEDS=5000:6000 python3 -m pytest tests/oracle/avro_oracle_test.py -k random
"""
import os

import pytest

from tests.harness.clickhouse import DevClickHouse

from . import avro_bytes, avro_cases, avro_random, avro_readers, avro_rules

COLUMNS = 10
ROWS = 100
FIRST_SEED, LAST_SEED = (int(part) for part in os.environ.get("PENSTOCK_ORACLE_SEEDS", "0:110").split(":"))
STEP = 10
WANTED_CELLS = 100_000


@pytest.fixture(scope="module")
def clickhouse():
    with DevClickHouse() as server:
        yield server


def differences(ours, theirs, columns):
    lines = []
    for number in sorted(set(ours) | set(theirs)):
        left, right = ours.get(number, "").split("\t"), theirs.get(number, "").split("\t")
        if len(left) != len(right):
            lines.append(f"record {number}: ours {left[:3]}, theirs {right[:3]}")
            continue
        for (name, type_name), one, other in zip(columns[1:], left, right):
            if one != other:
                lines.append(f"record {number}, column {name} {type_name[:200]}: ours {one[:200]!r}, theirs {other[:200]!r}")
    return lines


def test_random_tables_are_enough():
    if "PENSTOCK_ORACLE_SEEDS" not in os.environ:
        assert (LAST_SEED - FIRST_SEED) * COLUMNS * ROWS >= WANTED_CELLS


@pytest.mark.parametrize("first", range(FIRST_SEED, LAST_SEED, STEP))
def test_random_tables_are_what_clickhouse_stores(clickhouse, first):
    for seed in range(first, min(first + STEP, LAST_SEED)):
        schema, columns, make = avro_random.Maker(seed).table(COLUMNS)
        bodies = [avro_bytes.body(schema, make(number), negative=seed % 2 == 0) for number in range(ROWS)]
        ours, rejects, theirs, refused = avro_readers.compare(clickhouse, schema, bodies, columns)
        assert not rejects and not refused, f"seed {seed}: {rejects or refused}"
        assert len(ours) == len(theirs) == ROWS
        lines = differences(ours, theirs, columns)
        assert not lines, f"seed {seed}:\n" + "\n".join(lines[:20])


@pytest.mark.parametrize("name,schema,values", avro_cases.ALL, ids=[name for name, _, _ in avro_cases.ALL])
def test_edges_are_what_clickhouse_stores(clickhouse, name, schema, values):
    """Every value of the schema into every type that could take it."""
    record = {"type": "record", "name": "Row", "fields": [{"name": "i", "type": "long"}, {"name": "x", "type": schema}]}
    bodies = [avro_bytes.body(record, {"i": number, "x": value}) for number, value in enumerate(values)]
    lines, equal = [], 0
    for type_name in avro_cases.TYPES:
        columns = [("i", "UInt64"), ("x", type_name)]
        ours, rejects, theirs, refused = avro_readers.compare(clickhouse, record, bodies, columns)
        for number, value in enumerate(values):
            outcome = avro_rules.Outcome(
                name, schema, type_name, value, ours.get(number), rejects.get(number, ("", "", ""))[2],
                theirs.get(number), refused.get(number, ""))
            equal += outcome.ours == outcome.theirs
            if outcome.ours != outcome.theirs and avro_rules.find(outcome) is None:
                lines.append(outcome.text())
    assert equal > 0, "nothing was equal: the test is broken"
    assert not lines, "\n".join(lines)
