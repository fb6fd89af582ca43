#!/usr/bin/python3
"""Generated tables: our rows against ClickHouse's own JSONEachRow, cell by cell, same bytes. In `make test` a fixed set of
seeds; any other by hand, with every difference by seed, row, type and document:

    tests/oracle/generated_test.py --seed N [--cells N] [--columns N]      (needs the programs of `make test`)
"""
import argparse
import pathlib
import sys

import pytest

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from tests.harness.clickhouse import ClickHouseError, DevClickHouse  # noqa: E402
from tests.oracle import json_random, readers, rules  # noqa: E402

COLUMNS = 8
ROWS = 100
TABLES = 90
STEP = 10
WANTED_CELLS = 50_000
SHOWN = 300


@pytest.fixture(scope="module")
def clickhouse():
    with DevClickHouse() as server:
        yield server


def insert_alone(clickhouse, line):
    """True if ClickHouse takes the document by itself (it skips too much behind some broken ones)."""
    clickhouse.query("TRUNCATE TABLE theirs")
    try:
        clickhouse.query("INSERT INTO theirs FORMAT JSONEachRow", line, readers.READING)
    except ClickHouseError:
        return False
    return True


class Compared:
    """Both tables of one seed."""

    def __init__(self, clickhouse, seed, columns=COLUMNS, rows=ROWS):
        self.clickhouse = clickhouse
        self.table = json_random.Table(seed, columns)
        self.rows = [self.table.row(number) for number in range(rows)]
        self.lines = [line for _, _, line in self.rows]
        self.tables = readers.Tables(clickhouse)
        self.tables.create(self.table.columns())
        block, self.rejects = readers.encode(self.lines, self.table.columns())
        self.tables.insert_ours(block)
        self.tables.insert_theirs(self.lines)
        self.ours = self.tables.select("ours")
        self.theirs = self.tables.read("theirs", rows)
        self.cells = 0
        self.explained = {}

    def outcome(self, number, column, ours, theirs):
        texts = self.rows[number][1]
        message = self.rejects.get(number, ("", "", ""))[2]
        return rules.Outcome(self.table.types[column].name, texts.get(column, "null"), ours, message, theirs)

    def judge(self, number, column, ours, theirs):
        """A line for people if no rule allows the difference."""
        outcome = self.outcome(number, column, ours, theirs)
        rule = rules.find(outcome)
        if rule is not None:
            self.explained[rule] = self.explained.get(rule, 0) + 1
            return []
        return [f"seed {self.table.seed}, row {number}, c{column} {outcome.type_name[:SHOWN]}: {outcome.value[:SHOWN]}\n"
                f"    ours {str(ours)[:SHOWN]!r} {outcome.message}\n    theirs {str(theirs)[:SHOWN]!r}\n    {self.lines[number][:SHOWN]!r}"]

    def refused_by_one(self, number):
        ours, theirs = self.ours.get(number), self.theirs.get(number)
        if theirs is None:
            if insert_alone(self.clickhouse, self.lines[number]):
                theirs = self.tables.read("theirs", number + 1).get(number)
                if theirs is not None:
                    return self.both_taken(number, ours.split("\t"), theirs.split("\t"))
            return self.judge(number, self.rows[number][0], "taken", None)
        name = self.rejects[number][1]
        column = int(name[1:]) if name.startswith("c") else self.rows[number][0]
        return self.judge(number, column, None, "taken")

    def both_taken(self, number, left, right):
        lines = [] if len(left) == len(right) else [f"seed {self.table.seed}, row {number}: {left} and {right}"]
        for column, (one, other) in enumerate(zip(left, right)):
            if one != other:
                lines += self.judge(number, column, one, other)
        return lines

    def differences(self):
        assert set(self.ours) | set(self.rejects) == set(range(len(self.rows))), "a document is neither a row nor rejected"
        lines = []
        for number in range(len(self.rows)):
            ours, theirs = self.ours.get(number), self.theirs.get(number)
            self.cells += len(self.table.types)
            if ours is not None and theirs is not None:
                lines += self.both_taken(number, ours.split("\t"), theirs.split("\t"))
            elif ours is not None or theirs is not None:
                lines += self.refused_by_one(number)
        return lines

    def equal_rows(self):
        return sum(1 for number, text in self.ours.items() if self.theirs.get(number) == text)


def test_generated_tables_are_enough():
    assert TABLES * COLUMNS * ROWS >= WANTED_CELLS


@pytest.mark.parametrize("first", range(0, TABLES, STEP))
def test_generated_cells_are_what_clickhouse_stores(clickhouse, first):
    lines, equal, cells = [], 0, 0
    for seed in range(first, first + STEP):
        compared = Compared(clickhouse, seed)
        lines += compared.differences()
        equal += compared.equal_rows()
        cells += compared.cells
    assert not lines, f"{len(lines)} differences\n" + "\n".join(lines[:20])
    assert equal > STEP * ROWS / 4, "hardly a row is equal: the test is broken"
    assert cells == STEP * COLUMNS * ROWS


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--cells", type=int, default=COLUMNS * ROWS)
    parser.add_argument("--columns", type=int, default=COLUMNS)
    asked = parser.parse_args()
    cells = equal = found = 0
    explained = {}
    seed = asked.seed
    with DevClickHouse() as clickhouse:
        while cells < asked.cells:
            compared = Compared(clickhouse, seed, asked.columns)
            for line in compared.differences():
                print(line, flush=True)
                found += 1
            cells += compared.cells
            equal += compared.equal_rows()
            for rule, count in compared.explained.items():
                explained[rule] = explained.get(rule, 0) + count
            seed += 1
    print(f"seeds {asked.seed} to {seed - 1}: {cells} cells, {equal} rows equal, {found} differences without a rule")
    for rule, count in sorted(explained.items(), key=lambda item: -item[1]):
        print(f"    {count:6} by the rule \"{rule}\"")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
