"""A short run of `make chaos`: each named step and each kind of kill once, under load, with a
reconciliation by (topic, partition, offset) after every round. And the harness itself: it must see a
lost, a doubled, a changed and an invented row, or its silence would mean nothing."""
import os
import random

import pytest

from tests.chaos import schedule
from tests.chaos.account import Mismatch
from tests.chaos.harness import Chaos, ChaosFailure
from tests.chaos.schedule import AT_LEAST, CHECK, EXACTLY, Card
from tests.harness import paths

REPLICA, CLICKHOUSE, CONNECTION = schedule.REPLICA, schedule.CLICKHOUSE, schedule.CONNECTION
KILL, LATE = schedule.KILL, schedule.LATE
RATE = 300  # records a second: it shares the machine with other tests
# Each line is a round: the pipe that a fault strikes, and the fault; the servers' faults strike both.
PLAN = [
    [(EXACTLY, Card(REPLICA, KILL, schedule.BEFORE_RANGE)), (AT_LEAST, Card(REPLICA, KILL, schedule.BEFORE_INSERT)),
     (CHECK, Card(CONNECTION, schedule.CUT, schedule.BEFORE_ANSWER)), (AT_LEAST, Card(schedule.API, KILL))],
    [(EXACTLY, Card(REPLICA, KILL, schedule.AFTER_RANGE)), (AT_LEAST, Card(REPLICA, KILL, schedule.BEFORE_ANSWER)),
     (CHECK, Card(REPLICA, KILL, schedule.BEFORE_ANSWER)), (AT_LEAST, Card(schedule.POSTGRES, KILL))],
    [(EXACTLY, Card(REPLICA, KILL, schedule.BEFORE_INSERT)), (EXACTLY, Card(schedule.PIPE, schedule.SCALE)),
     (AT_LEAST, Card(schedule.SUPERVISOR, KILL))],
    [(EXACTLY, Card(REPLICA, KILL, schedule.MID_BODY, LATE)), (EXACTLY, Card(CLICKHOUSE, KILL, schedule.TOKEN_ONLY)),
     (AT_LEAST, Card(CONNECTION, schedule.CUT, schedule.MID_BODY))],
    [(EXACTLY, Card(REPLICA, KILL, schedule.BEFORE_ANSWER)), (AT_LEAST, Card(schedule.BROKER, KILL))],
    [(EXACTLY, Card(REPLICA, KILL, schedule.BEFORE_CONFIRM)),
     (AT_LEAST, Card(REPLICA, schedule.FREEZE, schedule.BEFORE_CONFIRM))],
]


@pytest.fixture(scope="module")
def seed():
    return int(os.environ.get("PENSTOCK_CHAOS_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)


@pytest.fixture(scope="module")
def chaos(seed, tmp_path_factory):
    folder = os.path.join(paths.build_dir(), "chaos", f"test-{seed}")
    with Chaos(schedule.ALL_MODES, seed, folder, RATE) as running:
        yield running


def test_each_step_and_each_kill_once(chaos, seed):
    print("PENSTOCK_CHAOS_SEED", seed)
    chance = random.Random(seed)
    for faults in PLAN:
        line = chaos.round([schedule.fault(card, mode, chance) for mode, card in faults])
        print(line)
    report = chaos.finish()
    print(report)
    for account in chaos.accounts.values():
        assert account.totals.rows > 0 and account.totals.errors > 0
    # An insert that was stored and not told must have been repeated: else the step was not what it says.
    twice = chaos.accounts[AT_LEAST].totals
    assert twice.duplicate_rows + twice.duplicate_errors > 0


# What follows works on the tables of the run above, at rest.

def place_of(clickhouse, table):
    return clickhouse.rows(
        f"SELECT _topic AS t, _partition AS p, _offset AS o FROM {table} ORDER BY o DESC LIMIT 1")[0]


def where(row):
    return f"_topic = '{row['t']}' AND _partition = {row['p']} AND _offset = {row['o']}"


def set_back(chaos, mode):
    """Everything counts as not yet looked at."""
    account = chaos.accounts[mode]
    account.checked = {place: 0 for place in account.checked}
    account.bad_below = {place: 0 for place in account.checked}
    return account


@pytest.fixture
def tampered(chaos):
    """(account, name of its table as it is, a row's place) for a test that changes the table; afterwards it is as before."""
    account = set_back(chaos, AT_LEAST)
    clickhouse = chaos.stack.clickhouse
    clickhouse.query(f"CREATE TABLE kept AS {account.table}")
    clickhouse.query(f"INSERT INTO kept SELECT * FROM {account.table}")
    yield account, clickhouse, place_of(clickhouse, account.table)
    account.allows_duplicates = True
    clickhouse.query(f"EXCHANGE TABLES kept AND {account.table}")
    clickhouse.query("DROP TABLE kept SYNC")


def test_a_table_as_it_was_is_right(chaos):
    set_back(chaos, AT_LEAST).check(chaos.feed.marks(), is_final=True)


def test_a_lost_row_is_reported_with_its_history(chaos, tampered):
    account, clickhouse, row = tampered
    clickhouse.query(f"ALTER TABLE {account.table} DELETE WHERE {where(row)}", settings={"mutations_sync": 2})
    with pytest.raises(ChaosFailure) as caught:
        chaos.finish()
    text = str(caught.value)
    assert "1 lost, 0 double, 0 that must not be there" in text
    assert f"history of {row['t']}/{row['p']}/{row['o']}" in text and "commit asked" in text
    assert f"seed {chaos.seed}" in text and os.path.exists(os.path.join(chaos.folder, "failure.txt"))


def test_a_lost_error_row_is_reported(chaos, tampered):
    account, clickhouse, _ = tampered
    clickhouse.query(f"CREATE TABLE kept_errors AS {account.table}_clickpipes_error")
    clickhouse.query(f"INSERT INTO kept_errors SELECT * FROM {account.table}_clickpipes_error")
    clickhouse.query(f"ALTER TABLE {account.table}_clickpipes_error DELETE WHERE (record_topic, record_partition,"
                     f" record_offset) IN (SELECT record_topic, record_partition, record_offset"
                     " FROM kept_errors LIMIT 1)", settings={"mutations_sync": 2})
    with pytest.raises(Mismatch, match="_clickpipes_error: 1 lost, 0 double"):
        account.check(chaos.feed.marks())
    clickhouse.query(f"EXCHANGE TABLES kept_errors AND {account.table}_clickpipes_error")
    clickhouse.query("DROP TABLE kept_errors SYNC")


def test_a_double_row_is_reported_where_none_is_allowed(chaos, tampered):
    account, clickhouse, row = tampered
    before = account.check(chaos.feed.marks()).duplicate_rows
    clickhouse.query(f"INSERT INTO {account.table} SELECT * FROM kept WHERE {where(row)} LIMIT 1")
    assert set_back(chaos, AT_LEAST).check(chaos.feed.marks()).duplicate_rows == before + 1
    account.allows_duplicates = False
    with pytest.raises(Mismatch, match=rf"0 lost, {before + 1} double") as caught:
        set_back(chaos, AT_LEAST).check(chaos.feed.marks())
    assert caught.value.places


def test_a_changed_row_is_reported(chaos, tampered):
    account, clickhouse, row = tampered
    clickhouse.query(f"ALTER TABLE {account.table} UPDATE amount = amount + 1 WHERE {where(row)}",
                     settings={"mutations_sync": 2})
    with pytest.raises(Mismatch, match="1 rows with another content") as caught:
        account.check(chaos.feed.marks())
    assert caught.value.places == [(row["t"], row["p"], row["o"])]


def test_a_row_that_nobody_produced_is_reported(chaos, tampered):
    account, clickhouse, row = tampered
    clickhouse.query(f"INSERT INTO {account.table} SELECT * REPLACE (_offset + 1000000 AS _offset)"
                     f" FROM (SELECT * FROM kept WHERE {where(row)} LIMIT 1)")
    account.check(chaos.feed.marks())
    with pytest.raises(Mismatch, match="nobody produced"):
        account.check(chaos.feed.marks(), is_final=True)


def test_without_a_window_a_late_insert_is_seen_twice(chaos, seed):
    """What keeps exactly-once from a body that arrives after its range was repeated is the table's window; the
    harness must notice when it is gone."""
    pipe = chaos.stack.pipes[EXACTLY]
    chaos.stack.clickhouse.query(f"ALTER TABLE {pipe.table} MODIFY SETTING non_replicated_deduplication_window = 0")
    chaos.feed.start()
    late = Card(REPLICA, KILL, schedule.BEFORE_INSERT, LATE)
    with pytest.raises(ChaosFailure, match=rf"{pipe.table}: 0 lost, [1-9]\d* double, 0 that") as caught:
        chaos.round([schedule.fault(late, EXACTLY, random.Random(seed))._replace(in_errors=False)])
    assert "history of" in str(caught.value) and "insert done" in str(caught.value)
