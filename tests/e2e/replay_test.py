"""Rejected records are replayed through the present mapping, each exactly once: also when the probe is
killed at any step, when two replays run at once, and when a record has several error rows."""
import json
import os
import re
import signal
import threading
import time

import pytest

from tests.e2e.orders import wait_settled
from tests.harness import net, serializers
from tests.harness.penstock import kafka_pipe
from tests.harness.registry import SchemaRegistry, frame
from tests.harness.relay import Relay

WHERE = [("_topic", "String"), ("_partition", "Int32"), ("_offset", "Int64")]
TOPIC_SQL = "record_topic, record_partition, record_offset"


@pytest.fixture(scope="module")
def relay(clickhouse, penstock):
    """A second service on the same ClickHouse, behind a relay."""
    with Relay(clickhouse.port) as middle:
        direct = penstock.service_id
        penstock.create_service(middle.url, name="relayed")
        middle.service_id, penstock.service_id = penstock.service_id, direct
        yield middle


@pytest.fixture
def relayed(relay, penstock):
    """The shorthands of penstock, on the service behind the relay."""
    direct, penstock.service_id = penstock.service_id, relay.service_id
    yield penstock
    relay.hook = None
    penstock.service_id = direct


def make_pipe(penstock, kafka, clickhouse, name, columns, engine_settings=""):
    """A paused pipe into a table whose column n is narrower than its records."""
    names = ", ".join(f"{column} {kind}" for column, kind in columns)
    clickhouse.query(f"CREATE TABLE {name} ({names}) ENGINE = MergeTree ORDER BY tuple() {engine_settings}")
    kafka.create_topic(name, 1)
    body = kafka_pipe(name, kafka.bootstrap, name, name, columns, startPaused=True,
                      destination={"managedTable": False})
    return penstock.create_pipe(body)["id"]


def add_errors(clickhouse, pipe_id, name, values, times=1, kind="TYPE_CONVERSION_ERROR"):
    """Error rows as a replica writes them; times: how often each (a batch that was retried)."""
    for _ in range(times):
        lines = [json.dumps({
            "error_timestamp": int(time.time()), "error_type": kind, "error_msg": "does not fit",
            "record_key": f"k{number}", "record_value": value, "record_timestamp": "2026-01-02 03:04:05.678",
            "record_partition": 0, "record_offset": number, "record_topic": name,
            "record_headers": {"h": "v"}, "schema_id": 0, "pipe_id": pipe_id, "column_name": "n"})
            for number, value in enumerate(values)]
        clickhouse.query(f"INSERT INTO {name}_clickpipes_error FORMAT JSONEachRow", "\n".join(lines).encode())


def replay(penstock, pipe_id, **body):
    return penstock.request("POST", f"{penstock.pipes_path}/{pipe_id}/errors/replay", body)


def counts(reply):
    return tuple(reply.result[name] for name in ("matched", "replayed", "stillFailing"))


def numbers(clickhouse, name):
    return [int(row) for row in clickhouse.query(f"SELECT n FROM {name} ORDER BY n").split()]


def test_bad_rows_of_a_running_pipe_fit_after_the_table_is_changed(penstock, kafka, clickhouse, name):
    clickhouse.query(f"CREATE TABLE {name} (n UInt8, label String, _key String) ENGINE = MergeTree"
                     " ORDER BY tuple()")
    kafka.create_topic(name, 1)
    kafka.produce(name, [(b"k%d" % n, b'{"n":%d,"label":"l%d"}' % (n, n)) for n in range(250, 260)]
                  + [(None, b"no json")])
    columns = [("n", "UInt8"), ("label", "String"), ("_key", "String")]
    pipe_id = penstock.create_pipe(kafka_pipe(
        name, kafka.bootstrap, name, name, columns, destination={"managedTable": False}))["id"]
    penstock.wait_summary(pipe_id, lambda s: s["records"]["rejected"] == 5 and s["records"]["sent"] == 6)
    assert counts(replay(penstock, pipe_id, dryRun=True)) == (5, 0, 5)
    clickhouse.query(f"ALTER TABLE {name} MODIFY COLUMN n UInt32")
    assert counts(replay(penstock, pipe_id, dryRun=True)) == (5, 0, 1)
    assert counts(replay(penstock, pipe_id, type="DATA_PARSING_ERROR")) == (1, 0, 1)
    one = [{"topic": name, "partition": 0, "offset": 6}]
    assert counts(replay(penstock, pipe_id, offsets=one)) == (1, 1, 0)
    assert counts(replay(penstock, pipe_id)) == (4, 3, 1)
    assert counts(replay(penstock, pipe_id)) == (1, 0, 1)
    assert clickhouse.rows(f"SELECT * FROM {name} ORDER BY n") == [
        {"n": n, "label": f"l{n}", "_key": f"k{n}"} for n in range(250, 260)]
    events = penstock.result("GET", f"{penstock.pipes_path}/{pipe_id}/events?type=replayed")["events"]
    assert [event["details"]["replayed"] for event in events] == [0, 3, 1, 0]
    penstock.delete_pipe(pipe_id)


def test_a_reader_may_not_replay(penstock, kafka, clickhouse, name):
    pipe_id = make_pipe(penstock, kafka, clickhouse, name, [("n", "UInt32")])
    path = f"{penstock.pipes_path}/{pipe_id}/errors/replay"
    assert penstock.request("POST", path, {}, key=penstock.create_key("reader")).status == 403
    bad = {"offsets": 1}, {"from": "yesterday"}, {"dryRun": "yes"}, {"cursor": "x"}, {"type": 3}, {"offset": []}
    for body in bad:
        assert penstock.request("POST", path, body).status == 400, body
    assert counts(replay(penstock, pipe_id)) == (0, 0, 0)


def test_many_error_rows_of_one_record_make_one_row(penstock, kafka, clickhouse, name):
    """More than a page, in two calls that run at once: one is refused or both share the work."""
    columns = [("n", "UInt32")]
    pipe_id = make_pipe(penstock, kafka, clickhouse, name, columns)
    add_errors(clickhouse, pipe_id, name, [f'{{"n":{n}}}' for n in range(12000)], times=2)
    add_errors(clickhouse, pipe_id, name, ['{"n":1}'], kind="RECORD_TOO_LARGE")
    replies = []
    threads = [threading.Thread(target=lambda: replies.append(replay(penstock, pipe_id)))
               for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {reply.status for reply in replies} <= {200, 409}
    assert sum(reply.result["replayed"] for reply in replies if reply.status == 200) == 12000
    assert numbers(clickhouse, name) == list(range(12000))
    assert counts(replay(penstock, pipe_id)) == (0, 0, 0)


def test_a_row_that_clickhouse_refuses_does_not_hold_up_the_others(penstock, kafka, clickhouse, name):
    pipe_id = make_pipe(penstock, kafka, clickhouse, name, [("n", "UInt32")])
    clickhouse.query(f"ALTER TABLE {name} ADD CONSTRAINT small CHECK n != 7")
    add_errors(clickhouse, pipe_id, name, [f'{{"n":{n}}}' for n in range(20)])
    assert counts(replay(penstock, pipe_id)) == (20, 19, 1)
    clickhouse.query(f"ALTER TABLE {name} DROP CONSTRAINT small")
    assert counts(replay(penstock, pipe_id)) == (1, 1, 0)
    assert numbers(clickhouse, name) == list(range(20))


@pytest.mark.parametrize("where", [[], WHERE])
def test_messages_stored_in_part_and_empty_values_are_left_alone(penstock, kafka, clickhouse, name, where):
    """A message of three documents of which ClickHouse refused one must not be stored whole nor taken for
    stored; one that was refused whole is replayed; an empty value is no tombstone."""
    pipe_id = make_pipe(penstock, kafka, clickhouse, name, [("n", "UInt32"), *where])
    clickhouse.query(f"ALTER TABLE {name} ADD CONSTRAINT small CHECK n != 7")
    settings = f"{penstock.pipes_path}/{pipe_id}/settings"
    penstock.result("PUT", settings, {"penstock_multi_record": "lines", "penstock_tombstones": "row"})
    values = [b'{"n":1}\n{"n":7}\n{"n":3}', b'{"n":7}\n{"n":7}', b""]
    kafka.produce(name, [(None, value, None, None, 0) for value in values])
    penstock.command_pipe(pipe_id, "start")
    wait_settled(kafka, penstock, clickhouse, pipe_id, name)
    clickhouse.query(f"ALTER TABLE {name} DROP CONSTRAINT small")
    assert counts(replay(penstock, pipe_id)) == (1, 1, 0)
    assert numbers(clickhouse, name) == [1, 3, 7, 7]


def test_the_same_offset_of_a_topic_made_anew_is_another_record(penstock, kafka, clickhouse, name):
    pipe_id = make_pipe(penstock, kafka, clickhouse, name, [("n", "UInt32")])
    add_errors(clickhouse, pipe_id, name, ['{"n":1}'])
    add_errors(clickhouse, pipe_id, name, ['{"n":2}'])
    assert counts(replay(penstock, pipe_id)) == (2, 2, 0)
    assert numbers(clickhouse, name) == [1, 2]


def test_what_the_pipe_has_stored_itself_is_only_marked(penstock, kafka, clickhouse, name):
    columns = [("n", "UInt32"), *WHERE]
    pipe_id = make_pipe(penstock, kafka, clickhouse, name, columns)
    add_errors(clickhouse, pipe_id, name, [f'{{"n":{n}}}' for n in range(4)])
    clickhouse.query(f"INSERT INTO {name} VALUES (2, '{name}', 0, 2)")
    reply = replay(penstock, pipe_id)
    assert counts(reply) == (4, 4, 0) and reply.result["alreadyStored"] == 1
    assert numbers(clickhouse, name) == [0, 1, 2, 3]


# ---- killed at each step

STEPS = {
    "intent": r"INSERT INTO `default`\.`\w+_clickpipes_replay`.*'intent'",
    "rows": r"INSERT INTO `default`\.`{name}` ",
    "done": r"INSERT INTO `default`\.`\w+_clickpipes_replay`.*'done'",
}


def probe_of(worker_pid):
    """The probe the worker runs now."""
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                is_probe = b"--probe" in file.read()
            with open(f"/proc/{entry}/stat", encoding="ascii") as file:
                parent = int(file.read().rsplit(")", 1)[1].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        if is_probe and parent == worker_pid:
            return int(entry)
    raise AssertionError("no probe runs")


def kill_at(relay, penstock, phase, pattern):
    """Kill the probe once, at the first exchange of this kind."""
    told = []

    def hook(now, text):
        if now == phase and not told and re.search(pattern, text, re.S):
            told.append(text)
            os.kill(probe_of(penstock.workers[0].pid), signal.SIGKILL)

    relay.hook = hook
    return told


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("step", list(STEPS))
@pytest.mark.parametrize("kind", ["coordinates", "window"])
def test_a_kill_never_makes_a_row_twice(relayed, relay, kafka, clickhouse, name, kind, step, phase):
    columns = [("n", "UInt32"), *(WHERE if kind == "coordinates" else [])]
    settings = "SETTINGS non_replicated_deduplication_window = 100" if kind == "window" else ""
    pipe_id = make_pipe(relayed, kafka, clickhouse, name, columns, settings)
    add_errors(clickhouse, pipe_id, name, [f'{{"n":{n}}}' for n in range(50)], times=2)
    told = kill_at(relay, relayed, phase, STEPS[step].format(name=name))
    assert replay(relayed, pipe_id).status == 500
    assert told, "the step was not reached"
    relay.hook = None
    again = replay(relayed, pipe_id)
    assert again.status == 200 and again.result["uncertain"] == 0, again.text
    assert again.result["matched"] == again.result["replayed"]
    assert numbers(clickhouse, name) == list(range(50))
    assert counts(replay(relayed, pipe_id)) == (0, 0, 0)


def test_without_a_way_to_know_the_records_are_left_and_counted(relayed, relay, kafka, clickhouse, name):
    pipe_id = make_pipe(relayed, kafka, clickhouse, name, [("n", "UInt32")])
    add_errors(clickhouse, pipe_id, name, [f'{{"n":{n}}}' for n in range(5)])
    assert kill_at(relay, relayed, "after", STEPS["rows"].format(name=name)) == []
    assert replay(relayed, pipe_id).status == 500
    relay.hook = None
    reply = replay(relayed, pipe_id)
    assert counts(reply) == (0, 0, 0) and reply.result["uncertain"] == 5
    assert numbers(clickhouse, name) == [0, 1, 2, 3, 4]
    # A person who has looked says so (docs/errors.md).
    clickhouse.query(
        f"INSERT INTO {name}_clickpipes_replay (pipe_id, token, state) SELECT DISTINCT pipe_id, token, 'done'"
        f" FROM {name}_clickpipes_replay WHERE state = 'intent'")
    reply = replay(relayed, pipe_id)
    assert counts(reply) == (0, 0, 0) and reply.result["uncertain"] == 0


def test_a_held_replay_keeps_the_second_out(relayed, relay, kafka, clickhouse, name):
    pipe_id = make_pipe(relayed, kafka, clickhouse, name, [("n", "UInt32")])
    add_errors(clickhouse, pipe_id, name, ['{"n":1}'])
    reached, go_on, replies = threading.Event(), threading.Event(), []

    def hook(phase, text):
        if phase == "before" and re.search(STEPS["rows"].format(name=name), text):
            reached.set()
            go_on.wait(30)

    relay.hook = hook
    first = threading.Thread(target=lambda: replies.append(replay(relayed, pipe_id)))
    first.start()
    assert reached.wait(30)
    second = replay(relayed, pipe_id)
    go_on.set()
    first.join()
    assert second.status == 409 and "another replay" in second.text
    assert counts(replies[0]) == (1, 1, 0)
    assert numbers(clickhouse, name) == [1]
    net.wait_until(lambda: replay(relayed, pipe_id).status == 200, 10, "the lock to go")


def test_a_schema_that_came_late_is_what_a_replay_needed(penstock, kafka, clickhouse, name):
    schema = {"type": "record", "name": "N", "fields": [{"name": "n", "type": "int"}]}
    with SchemaRegistry(backend="memory") as registry:
        clickhouse.query(f"CREATE TABLE {name} (n UInt32) ENGINE = MergeTree ORDER BY tuple()")
        kafka.create_topic(name, 1)
        body = kafka_pipe(name, kafka.bootstrap, name, name, [("n", "UInt32")], startPaused=True,
                          destination={"managedTable": False},
                          kafka={"format": "AvroConfluent", "schemaRegistry": registry.setting()})
        pipe_id = penstock.create_pipe(body)["id"]
        number = registry.register("other", {"type": "record", "name": "Other", "fields": []}) + 1
        value = frame(number, serializers.avro_body(schema, {"n": 5}))
        clickhouse.query(
            f"INSERT INTO {name}_clickpipes_error (error_timestamp, error_type, record_value, record_topic, pipe_id)"
            f" SELECT now(), 'SOURCE_SCHEMA_ERROR', unhex('{value.hex()}'), '{name}', '{pipe_id}'")
        assert counts(replay(penstock, pipe_id)) == (1, 0, 1)
        assert registry.register(f"{name}-value", schema) == number
        assert counts(replay(penstock, pipe_id)) == (1, 1, 0)
        assert numbers(clickhouse, name) == [5]
        registry.down()
        add_errors(clickhouse, pipe_id, name, ["\0\0\0\0\1x"])
        away = replay(penstock, pipe_id)
        assert away.status == 400 and "REGISTRY_UNREACHABLE" in away.text
        assert numbers(clickhouse, name) == [5]
