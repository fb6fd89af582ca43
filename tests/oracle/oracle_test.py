"""The independent oracle: our rows against ClickHouse's own JSONEachRow, cell by cell, same bytes."""
import pytest

from tests.harness.clickhouse import DevClickHouse

from . import cases, readers, rules


@pytest.fixture(scope="module")
def clickhouse():
    with DevClickHouse() as server:
        yield server


def unexplained(outcomes):
    """Differences that no rule allows, as lines for people."""
    lines = []
    for o in outcomes:
        if o.ours != o.theirs and rules.find(o) is None:
            lines.append(f"{o.type_name}: {o.value[:80]} -> ours {str(o.ours)[:80]!r} ({o.message}), theirs {str(o.theirs)[:80]!r}")
    return lines


CASES = list(cases.all_cases())


@pytest.mark.parametrize("type_name,values", CASES, ids=[name for name, _ in CASES])
def test_cells_are_what_clickhouse_stores(clickhouse, type_name, values):
    outcomes = readers.compare(clickhouse, type_name, values)
    assert any(o.ours is not None and o.ours == o.theirs for o in outcomes), "nothing was equal: the test is broken"
    lines = unexplained(outcomes)
    assert not lines, "\n".join(lines)
