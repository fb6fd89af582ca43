"""Pipes that read with a schema registry, replica against real Kafka protocol, ClickHouse and a registry:
framed Avro by the official serializer, schemas that change, that come late and that never come, bodies that
are not what they say; every record is accounted for by its offset."""
import json

import pytest

from tests.harness import net, serializers
from tests.harness.clickhouse import DevClickHouse
from tests.harness.kafka import MockKafka
from tests.harness.registry import SchemaRegistry, frame
from tests.harness.replica import Replica, make_spec
from tests.process.replica_mock_test import ERROR_COLUMNS

ORDER = {"type": "record", "name": "Order", "fields": [
    {"name": "id", "type": "long"}, {"name": "note", "type": ["null", "string"], "default": None}]}
WIDER = {"type": "record", "name": "Order", "fields": [
    {"name": "price", "type": "double", "default": 0.0}, *ORDER["fields"]]}
COLUMNS = [("id", "Int64"), ("note", "Nullable(String)"), ("price", "Float64"), ("_offset", "Int64")]
JSON_ORDER = {
    "$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "required": ["id"],
    "properties": {"id": {"type": "integer", "minimum": 0}, "note": {"type": "string"}}}
FAST = {"streaming_max_insert_wait_ms": 500}


@pytest.fixture(scope="module", name="clickhouse")
def fixture_clickhouse():
    with DevClickHouse() as clickhouse:
        yield clickhouse


@pytest.fixture(scope="module", name="kafka")
def fixture_kafka():
    with MockKafka() as kafka:
        yield kafka


@pytest.fixture(name="registry")
def fixture_registry():
    with SchemaRegistry(backend="memory", users={"key": "hush"}) as registry:
        yield registry


class Pipe:
    """A topic, its table and a running replica."""

    def __init__(self, kafka, clickhouse, registry, name, tmp_path, **options):
        self.kafka, self.clickhouse, self.registry, self.name = kafka, clickhouse, registry, name
        self.columns = options.pop("columns", COLUMNS)
        self.topic = kafka.create_topic(name, 1)
        parts = ", ".join(f"`{column}` {kind}" for column, kind in self.columns)
        clickhouse.query(f"CREATE TABLE {name} ({parts}) ENGINE = MergeTree ORDER BY tuple()")
        clickhouse.query(
            f"CREATE TABLE {name}_clickpipes_error ({ERROR_COLUMNS}) ENGINE = MergeTree ORDER BY tuple()")
        setting = registry.setting(options.pop("url_path", ""))
        credentials = setting.pop("credentials", None)
        source = {"format": options.pop("format", "AvroConfluent"), "schemaRegistry": setting}
        self.spec = make_spec(
            kafka.bootstrap, self.topic, clickhouse, name, self.columns, group=f"g-{name}", source=source,
            secrets={"schemaRegistry": credentials} if credentials else {},
            settings={**FAST, **options.pop("settings", {})}, **options)
        self.log = str(tmp_path / f"{name}.log")
        self.produced = 0

    def start(self):
        return Replica(self.spec, self.log)

    def send(self, *values):
        """Produce values, or (key, value) pairs; returns their offsets."""
        records = [value if isinstance(value, tuple) else (None, value) for value in values]
        self.kafka.produce(self.topic, records)
        first = self.produced
        self.produced += len(records)
        return list(range(first, self.produced))

    def rows(self):
        return {row["o"]: row for row in self.clickhouse.rows(
            f"SELECT _offset AS o, * FROM {self.name} ORDER BY o LIMIT 1000000")}

    def errors(self):
        return {row["o"]: row for row in self.clickhouse.rows(
            "SELECT record_offset AS o, error_type AS type, error_msg AS message, schema_id AS schema, "
            f"column_name AS name FROM {self.name}_clickpipes_error ORDER BY o LIMIT 1000000")}

    def count(self, table):
        return int(self.clickhouse.value(f"SELECT count() FROM {table}"))

    def wait(self, replica, rows, errors=0, timeout_s=30):
        replica.wait(
            lambda _: (self.count(self.name), self.count(f"{self.name}_clickpipes_error")) == (rows, errors),
            timeout_s, f"{rows} rows and {errors} errors in {self.name}")

    def wait_committed(self, replica, offset):
        replica.wait(lambda r: [p[0] for p in r.partitions.values()] == [offset], 20, f"commit of {offset}")


def test_framed_avro_and_a_schema_that_changes(kafka, clickhouse, registry, tmp_path):
    pipe = Pipe(kafka, clickhouse, registry, "framed", tmp_path)
    first = serializers.confluent(
        registry, pipe.topic, ORDER, [{"id": i, "note": f"n{i}" if i % 2 else None} for i in range(500)])
    pipe.send(*first)
    with pipe.start() as replica:
        pipe.wait(replica, 500)
        pid = replica.popen.pid
        second = serializers.confluent(
            registry, pipe.topic, WIDER, [{"id": i, "note": "w", "price": i / 4} for i in range(500, 800)])
        assert second[0][:5] != first[0][:5]
        pipe.send(*[message for pair in zip(first[:300], second) for message in pair])
        pipe.wait(replica, 1100)
        pipe.wait_committed(replica, 1100)
        assert replica.popen.pid == pid
        rows = pipe.rows()
        assert sorted(rows) == list(range(1100))
        for offset, row in rows.items():
            number = offset if offset < 500 else (offset - 500) // 2 + (500 if offset % 2 else 0)
            assert int(row["id"]) == number
            assert float(row["price"]) == (number / 4 if number >= 500 else 0)
            assert row["note"] == ("w" if number >= 500 else f"n{number}" if number % 2 else None)
        schema_ids = {int.from_bytes(message[1:5], "big") for message in (first[0], second[0])}
        for schema_id in schema_ids:
            assert registry.asked(f"/schemas/ids/{schema_id}") == 1
        told = [json.loads(details) for event, _, _, details in replica.events if event == "schema"]
        assert {event["schemaId"] for event in told} == schema_ids and len(told) == 2
        assert replica.terminate() == 0


def test_bad_messages_become_error_rows(kafka, clickhouse, registry, tmp_path):
    columns = [("id", "Int8"), ("note", "Nullable(String)"), ("_offset", "Int64")]
    pipe = Pipe(kafka, clickhouse, registry, "bad", tmp_path, columns=columns)
    schema_id = registry.register("bad-value", ORDER)
    other_id = registry.register("other-value", JSON_ORDER, kind="JSON")

    def body(value):
        return serializers.avro_body(ORDER, value)

    good = frame(schema_id, body({"id": 1, "note": "x"}))
    pipe.send(
        good,
        frame(schema_id, body({"id": 2, "note": "long enough"})[:-3]),
        frame(schema_id, body({"id": 3, "note": None}) + b"more"),
        frame(schema_id, body({"id": 1000, "note": None})),
        b"no framing",
        frame(other_id, b'{"id": 1}'),
        good)
    with pipe.start() as replica:
        pipe.wait(replica, 2, 5)
        pipe.wait_committed(replica, 7)
        assert replica.counters["rejected_records"] == 5
    assert sorted(pipe.rows()) == [0, 6]
    errors = pipe.errors()
    assert [errors[offset]["type"] for offset in (1, 2, 3, 4, 5)] == [
        "DATA_PARSING_ERROR", "DATA_PARSING_ERROR", "TYPE_CONVERSION_ERROR", "SOURCE_SCHEMA_ERROR",
        "SOURCE_SCHEMA_ERROR"]
    assert [int(errors[offset]["schema"]) for offset in (1, 2, 3, 4, 5)] == [
        schema_id, schema_id, schema_id, 0, other_id]
    assert errors[3]["name"] == "id"


def test_an_id_that_comes_late_and_one_that_never_comes(kafka, clickhouse, registry, tmp_path):
    """Records of an unknown schema wait; others of their partition do not, but no commit passes them."""
    pipe = Pipe(kafka, clickhouse, registry, "late", tmp_path)
    known = registry.register("late-value", ORDER)
    body = serializers.avro_body(ORDER, {"id": 7, "note": None})
    unknown, late = known + 1000, known + 1
    pipe.send(frame(known, body))
    with pipe.start() as replica:
        pipe.wait(replica, 1)
        pipe.send(
            frame(late, serializers.avro_body(WIDER, {"id": 8, "note": None, "price": 2.0})), frame(unknown, body),
            frame(known, body))
        net.wait_until(lambda: registry.asked(f"/schemas/ids/{late}", 404) > 0, 30, "a question for the late one")
        assert registry.register("late-value", WIDER) == late
        pipe.wait(replica, 3, 1)
        pipe.wait_committed(replica, 4)
        pipe.send(frame(unknown, body))  # waits no longer
        pipe.wait(replica, 3, 2)
        assert replica.terminate() == 0
    assert sorted(pipe.rows()) == [0, 1, 3]
    assert float(pipe.rows()[1]["price"]) == 2.0
    errors = pipe.errors()
    assert sorted(errors) == [2, 4]
    for error in errors.values():
        assert (error["type"], int(error["schema"])) == ("SOURCE_SCHEMA_ERROR", unknown)
        assert str(unknown) in error["message"]


def test_a_registry_that_is_away_stops_nobody_else(kafka, clickhouse, registry, tmp_path):
    pipe = Pipe(kafka, clickhouse, registry, "away", tmp_path)
    cached = registry.register("away-value", ORDER)
    fresh = registry.register("away-value", WIDER)
    old = frame(cached, serializers.avro_body(ORDER, {"id": 1, "note": None}))
    new = frame(fresh, serializers.avro_body(WIDER, {"id": 2, "note": None, "price": 1.0}))
    pipe.send(old)
    with pipe.start() as replica:
        pipe.wait(replica, 1)
        registry.down()
        pipe.send(new, *[old] * 50)
        pipe.wait(replica, 51)
        pipe.wait_committed(replica, 1)
        replica.wait(
            lambda r: any(event[1] == "REGISTRY_UNREACHABLE" for event in r.events), 20, "the reason")
        assert replica.state == "waiting"
        registry.up()
        pipe.wait(replica, 52)
        pipe.wait_committed(replica, 52)
        replica.wait(lambda r: r.state == "running", 20, "no reason any more")
        assert replica.terminate() == 0
    assert sorted(pipe.rows()) == list(range(52))


def test_waiting_records_are_read_again_after_a_stop(kafka, clickhouse, registry, tmp_path):
    """No commit passes a record that waits."""
    pipe = Pipe(kafka, clickhouse, registry, "again", tmp_path)
    known = registry.register("again-value", ORDER)
    late = registry.register("again-value", WIDER)
    old = frame(known, serializers.avro_body(ORDER, {"id": 1, "note": None}))
    new = frame(late, serializers.avro_body(WIDER, {"id": 2, "note": None, "price": 1.0}))
    registry.fail(503, path=f"/schemas/ids/{late}")
    pipe.send(old, new, new, old)
    with pipe.start() as replica:
        pipe.wait(replica, 2)
        pipe.wait_committed(replica, 1)
        assert replica.terminate() == 0
    registry.heal()
    with pipe.start() as replica:
        replica.wait(lambda _: sorted(pipe.rows()) == [0, 1, 2, 3], 30, "all offsets")
        pipe.wait_committed(replica, 4)
    assert pipe.count(pipe.name) == 5  # the last one came twice: at least once
    assert pipe.errors() == {}


def test_a_refused_login_ends_the_replica(kafka, clickhouse, registry, tmp_path):
    pipe = Pipe(kafka, clickhouse, registry, "login", tmp_path)
    schema_id = registry.register("login-value", ORDER)
    registry.users["key"] = "rotated"
    pipe.send(frame(schema_id, serializers.avro_body(ORDER, {"id": 1, "note": None})))
    with pipe.start() as replica:
        net.wait_until(lambda: replica.popen.poll() is not None, 60, "the end")
        failed = [event for event in replica.events if event[0] == "failed"]
        assert [event[1] for event in failed] == ["REGISTRY_AUTHENTICATION"]
        assert "401" in failed[0][2] and "hush" not in failed[0][2]
    pipe.spec["secrets"] = {"schemaRegistry": {"username": "key", "password": "rotated"}}
    with pipe.start() as replica:
        pipe.wait(replica, 1)


def test_unframed_avro_with_the_schema_of_the_url(kafka, clickhouse, registry, tmp_path):
    schema_id = registry.register("plain-value", ORDER)
    pipe = Pipe(kafka, clickhouse, registry, "plain", tmp_path, format="Avro",
                url_path=f"/schemas/ids/{schema_id}")
    pipe.send(*[serializers.avro_body(ORDER, {"id": i, "note": None}) for i in range(20)], b"")
    with pipe.start() as replica:
        pipe.wait(replica, 20, 1)
    assert [int(row["id"]) for row in pipe.rows().values()] == list(range(20))


def test_json_is_validated_against_its_schema(kafka, clickhouse, registry, tmp_path):
    columns = [("id", "Int64"), ("note", "String"), ("_offset", "Int64")]
    pipe = Pipe(kafka, clickhouse, registry, "checked", tmp_path, columns=columns, format="JSONEachRow")
    schema_id = registry.register("checked-value", JSON_ORDER, kind="JSON")
    avro_id = registry.register("other-value", ORDER)
    framed = serializers.confluent(registry, pipe.topic, JSON_ORDER, [{"id": 1, "note": "x"}], kind="JSON")
    pipe.send(
        *framed, frame(schema_id, b'{"id": -1}'), frame(schema_id, b'{"note": "x"}'),
        frame(schema_id, b'{"id": 1'), b'{"id": 1}', frame(avro_id, b'{"id": 1}'))
    with pipe.start() as replica:
        pipe.wait(replica, 1, 5)
    errors = pipe.errors()
    assert [errors[offset]["type"] for offset in range(1, 6)] == [
        "SCHEMA_VALIDATION_ERROR", "SCHEMA_VALIDATION_ERROR", "DATA_PARSING_ERROR", "SOURCE_SCHEMA_ERROR",
        "SOURCE_SCHEMA_ERROR"]
    assert "minimum" in errors[1]["message"] and "/id" in errors[1]["message"]
    assert "required" in errors[2]["message"]


def test_keys_and_several_documents(kafka, clickhouse, registry, tmp_path):
    """Fields of a framed Avro key, and messages of several documents, whole or not at all."""
    columns = [("id", "Int64"), ("customer", "Int64"), ("_offset", "Int64")]
    key_schema = {"type": "record", "name": "Key", "fields": [{"name": "customer", "type": "long"}]}
    key_id = registry.register("keys-key", key_schema)
    value_id = registry.register("keys-value", JSON_ORDER, kind="JSON")
    pipe = Pipe(
        kafka, clickhouse, registry, "keys", tmp_path, columns=columns, format="JSONEachRow",
        settings={"penstock_multi_record": "lines"},
        mappings=[{"sourceField": "_key.customer", "destinationField": "customer"}])
    key = frame(key_id, serializers.avro_body(key_schema, {"customer": 77}))
    pipe.send(
        (key, frame(value_id, b'{"id": 1}\n{"id": 2}\n')),
        (b'{"customer": 5}', frame(value_id, b'{"id": 3}')),
        (key, frame(value_id, b'{"id": 4}\n{"id": -5}\n{"id": 6}')),
        (b"no JSON", frame(value_id, b'{"id": 7}')))
    with pipe.start() as replica:
        pipe.wait(replica, 3, 2)
        pipe.wait_committed(replica, 4)
        assert (replica.counters["sent_records"], replica.counters["rejected_records"]) == (2, 2)
    found = clickhouse.rows("SELECT id, customer, _offset AS o FROM keys ORDER BY id LIMIT 10")
    assert [(int(row["id"]), int(row["customer"]), int(row["o"])) for row in found] == [
        (1, 77, 0), (2, 77, 0), (3, 5, 1)]
    errors = pipe.errors()
    assert errors[2]["message"].startswith("line 2: ")
    assert errors[3]["message"].startswith("key: ")
