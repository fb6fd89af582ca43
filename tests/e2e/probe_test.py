"""What a person is shown before a pipe is made: topics, records, inferred columns, a preview. Nothing
joins a consumer group."""
import base64
import decimal

import pytest

from tests.harness import net, serializers
from tests.harness.penstock import kafka_pipe
from tests.harness.registry import SchemaRegistry, frame

RECORDS = [
    b'{"id":1,"price":1.5,"name":"a","at":"2026-01-02 03:04:05","ok":true,"tags":["x"],"who":{"age":1}}',
    b'{"id":2,"price":2,"name":null,"at":"2026-01-02T03:04:05.6Z","ok":false,"tags":[],"who":{"age":2,"mail":"m"}}',
    b'{"id":3,"price":"3.25","name":"c","at":"2026-01-02","big":18446744073709551615}',
    b"no json",
]


@pytest.fixture(scope="module")
def topic(kafka):
    kafka.create_topic("probed", 1)
    kafka.produce("probed", [(b"k", RECORDS[0], [("trace", b"t1"), ("raw", b"\xff")])]
                  + [(None, value) for value in RECORDS[1:]])
    return "probed"


def probe(penstock, kind, kafka, topic=None, **more):
    source = {"kafka": {"type": "kafka", "format": "JSONEachRow", "brokers": kafka.bootstrap}}
    if topic is not None:
        source["kafka"]["topics"] = topic
    path = kind if kind == "schemaDiscovery" else f"probe/{kind}"
    return penstock.request("POST", f"{penstock.pipes_path}/{path}", {"source": source, **more})


def test_topics_by_prefix_and_page(penstock, kafka, topic):
    for number in range(3):
        kafka.create_topic(f"many-{number}", number + 1)
    found = probe(penstock, "topics", kafka).result["topics"]
    assert {"name": topic, "partitions": 1} in found
    page = probe(penstock, "topics", kafka, prefix="many-", limit=2).result
    assert page["topics"] == [{"name": "many-0", "partitions": 1}, {"name": "many-1", "partitions": 2}]
    rest = probe(penstock, "topics", kafka, prefix="many-", limit=2, cursor=page["next"]).result
    assert rest == {"topics": [{"name": "many-2", "partitions": 3}], "next": None}


def test_samples_have_their_coordinates(penstock, kafka, topic):
    newest = probe(penstock, "sample", kafka, topic).result["records"]
    assert [record["offset"] for record in newest] == [3, 2, 1, 0]
    first = newest[-1]
    assert (first["topic"], first["partition"], first["key"], first["encoding"]) == (topic, 0, "k", "utf8")
    assert first["value"].encode() == RECORDS[0] and first["decoded"]["who"] == {"age": 1}
    assert first["headers"] == {"trace": "t1", "raw": "base64:" + base64.b64encode(b"\xff").decode()}
    assert newest[0]["decoded"] is None and newest[1]["key"] is None
    assert first["problem"] is None and "token" in newest[0]["problem"]
    place = probe(penstock, "sample", kafka, topic, partition=0, offset=1, limit=2).result["records"]
    assert [record["offset"] for record in place] == [1, 2]
    assert probe(penstock, "sample", kafka, topic, offset=100).result["records"] == []
    later = probe(penstock, "sample", kafka, topic, timestamp="2100-01-01T00:00:00Z")
    assert later.result["records"] == []
    oldest = probe(penstock, "sample", kafka, topic, **{"from": "oldest", "limit": 1}).result["records"]
    assert [record["offset"] for record in oldest] == [0]


def test_columns_are_inferred_from_all_samples(penstock, kafka, topic):
    expected = {
        "id": ("Int64", False), "price": ("Float64", False), "name": ("String", True),
        "at": ("DateTime64(9)", False), "ok": ("Bool", True), "tags": ("Array(String)", True),
        "who": ("Tuple(age Int64, mail Nullable(String))", True), "big": ("UInt64", True)}

    def fields(**more):
        result = probe(penstock, "infer", kafka, topic, **{"from": "oldest"}, **more).result
        assert result["meta"] == {"samples": "4", "skipped": "1"}
        return {field["name"]: (field["type"], field["optional"]) for field in result["fields"]}

    assert fields() == expected
    assert fields(nested="json")["who"] == ("JSON", True)
    flat = fields(nested="flatten", separator="_")
    assert flat["who_age"] == ("Int64", True) and flat["who_mail"] == ("String", True)
    assert fields(numbersInStrings=False)["price"] == ("String", False)
    found = probe(penstock, "schemaDiscovery", kafka, topic).result
    assert {field["name"]: field["type"] for field in found["fields"]} == {
        name: kind for name, (kind, _) in expected.items()}
    assert set(found) == {"fields", "meta"}


def preview_body(kafka, topic, columns, **more):
    return kafka_pipe("preview", kafka.bootstrap, topic, "not_there_yet", columns, **more)


def preview(penstock, body):
    return penstock.request("POST", f"{penstock.pipes_path}/probe/preview", body)


def test_preview_shows_rows_and_errors_as_they_would_be(penstock, kafka, topic):
    columns = [("id", "UInt8"), ("cost", "Decimal(9, 2)"), ("at", "DateTime64(3)"), ("day", "Date"),
               ("name", "Nullable(String)"), ("ok", "Bool"), ("tags", "Array(LowCardinality(String))"),
               ("who", "Tuple(age Int32, mail String)"), ("kind", "Enum8('a' = 1, 'c' = 2)"),
               ("_offset", "Int64")]
    mappings = [{"sourceField": "price", "destinationField": "cost"},
                {"sourceField": "at", "destinationField": "day"},
                {"sourceField": "name", "destinationField": "kind"}]
    body = preview_body(kafka, topic, columns, fieldMappings=mappings, **{"from": "oldest"})
    result = preview(penstock, body).result
    assert result["rows"][0] == {"topic": topic, "partition": 0, "offset": 0, "cells": {
        "id": 1, "cost": "1.50", "at": "2026-01-02 03:04:05.000", "day": "2026-01-02", "name": "a",
        "ok": True, "tags": ["x"], "who": {"age": 1, "mail": ""}, "kind": "a", "_offset": 0}}
    assert [row["offset"] for row in result["rows"]] == [0, 1, 2]
    (error,) = result["errors"]
    assert (error["type"], error["offset"], error["value"]) == ("DATA_PARSING_ERROR", 3, "no json")
    assert set(error) == {"timestamp", "type", "message", "column", "schemaId", "topic", "partition", "offset",
                          "recordTimestamp", "key", "value", "encoding", "headers"}
    strict = dict(body, settings={"penstock_null": "error"})
    assert [e["column"] for e in preview(penstock, strict).result["errors"]] == ["kind", ""]
    missing = dict(body, fieldMappings=[{"sourceField": "a", "destinationField": "nowhere"}])
    assert preview(penstock, missing).status == 400


def test_samples_are_validated_at_create_when_asked(penstock, kafka, topic, name):
    body = kafka_pipe(name, kafka.bootstrap, topic, name, [("id", "Int64")], startPaused=True)
    body["source"]["validateSamples"] = True
    refused = penstock.request("POST", penstock.pipes_path, body)
    assert refused.status == 400 and "DATA_PARSING_ERROR" in refused.text and "probed[0]@3" in refused.text
    assert penstock.result("GET", penstock.pipes_path) == []
    kafka.create_topic(name, 1)
    kafka.produce(name, [(None, b'{"id":1}')])
    body["source"]["kafka"]["topics"] = name
    pipe = penstock.create_pipe(body)
    penstock.delete_pipe(pipe["id"])


def test_connections_are_told_part_by_part(penstock, kafka, topic):
    fine = probe(penstock, "connection", kafka, topic).result
    assert fine["source"]["ok"] and fine["destination"]["ok"] and fine["registry"] is None
    lost = probe(penstock, "connection", kafka, "no-such-topic").result
    assert not lost["source"]["ok"] and "UNKNOWN_TOPIC_OR_PART" in lost["source"]["message"]
    assert lost["source"]["hint"] and lost["destination"]["ok"]


@pytest.mark.parametrize("kind", ["topics", "sample", "infer", "preview", "connection", "schemaDiscovery"])
def test_an_unreachable_broker_is_400_with_its_error_and_a_hint(penstock, kind):
    class Nobody:
        bootstrap = f"127.0.0.1:{net.free_port()}"

    more = {"destination": kafka_pipe("x", "b", "t", "x", [("a", "Int64")])["destination"]}
    reply = probe(penstock, kind, Nobody, "t", **(more if kind == "preview" else {}))
    assert reply.status == 400
    assert "SOURCE_UNREACHABLE" in reply.text and "_TRANSPORT" in reply.text and "Check that the brokers are up" in reply.text


def test_odd_topics_and_records(penstock, kafka, clickhouse, name):
    """Empty, aborted, null, binary, cut in the middle of a character, too large for a pipe."""
    kafka.create_topic(name, 2)
    assert probe(penstock, "sample", kafka, name).result == {"records": []}
    reply = probe(penstock, "infer", kafka, name)
    assert reply.status == 400 and "no records" in reply.error
    long = ("ü" * 50000).encode()
    kafka.produce(name, [(b"k", None, None, None, 0), (b"\x80", b"\xff\x00", [("h", b"1"), ("h", b"\xfe")], None, 0),
                         (None, b"x" + long, None, None, 0), (None, b"", None, None, 0)])
    null, binary, text, empty = probe(penstock, "sample", kafka, name, **{"from": "oldest"}).result["records"]
    assert (null["key"], null["value"], null["decoded"]) == ("k", None, None) and "tombstone" in null["problem"]
    assert (binary["encoding"], binary["key"], binary["value"]) == ("base64", "gA==", "/wA=")
    assert binary["headers"] == {"h": ["1", "base64:/g=="]}
    assert text["encoding"] == "utf8" and text["truncated"] and text["value"] == "x" + "ü" * 32767
    assert text["decoded"] is None and "65536" in text["problem"]
    assert empty["value"] == "" and empty["key"] is None and not empty["truncated"]
    kafka.create_topic(f"{name}_huge", 1, {"max.message.bytes": "25000000"})
    for megabytes in (17, 9):
        kafka.produce(f"{name}_huge", [(None, b'{"id":1,"s":"' + b"x" * (megabytes << 20) + b'"}')])
    assert [record["truncated"] for record in probe(penstock, "sample", kafka, f"{name}_huge").result["records"]] == [True] * 2
    body = preview_body(kafka, f"{name}_huge", [("id", "Int64"), ("s", "String")])
    result = preview(penstock, body).result
    assert [error["type"] for error in result["errors"]] == ["RECORD_TOO_LARGE"]
    (row,) = result["rows"]
    assert row["cells"] == {"id": 1, "s": "x" * 65536 + "…"}
    wide = dict(body, destination={**body["destination"], "columns": [
        {"name": "s", "type": "Array(String)"}]}, fieldMappings=[])
    kafka.produce(f"{name}_huge", [(None, b'{"s":["' + b"x" * (9 << 20) + b'"]}')])
    reply = preview(penstock, dict(wide, limit=1))
    assert reply.status == 400 and "/limit: the answer would be" in reply.error and "fewer records" in reply.error, reply.text


def test_everything_wrong_is_told_at_once(penstock, kafka, topic):
    reply = penstock.request("POST", f"{penstock.pipes_path}/probe/infer", {
        "source": {"kafka": {"brokers": "", "topics": 5}}, "limit": 0, "numbersInStrings": 1, "timestamp": "today"})
    assert reply.status == 400
    for pointer in ("/source/kafka/brokers:", "/source/kafka/topics:", "/limit:", "/numbersInStrings:", "/timestamp:"):
        assert pointer in reply.error, reply.text
    reply = probe(penstock, "sample", kafka, topic, partition=7)
    assert reply.status == 400 and f"/partition: topic '{topic}' has no partition 7" in reply.error


@pytest.mark.parametrize("more, pointer", [
    ({"limit": 0}, "/limit"), ({"limit": 1001}, "/limit"), ({"offset": -1}, "/offset"),
    ({"timestamp": "today"}, "/timestamp"), ({"partition": "0"}, "/partition"), ({"from": "middle"}, "/from"),
])
def test_wrong_options_are_named(penstock, kafka, topic, more, pointer):
    reply = probe(penstock, "sample", kafka, topic, **more)
    assert reply.status == 400 and pointer + ":" in reply.text


def test_who_may_probe_and_what_stays_behind(penstock, kafka, topic):
    body = {"source": {"kafka": {"brokers": kafka.bootstrap, "topics": topic}}}
    path = f"{penstock.pipes_path}/probe/sample"
    assert penstock.request("POST", path, body, key=penstock.create_key("reader")).status == 403
    assert penstock.request("POST", path, {}).status == 400
    assert penstock.request("POST", path, {"source": {"kafka": {"brokers": kafka.bootstrap}}}).status == 400
    assert penstock.request("POST", path, body).status == 200
    import confluent_kafka.admin
    groups = confluent_kafka.admin.AdminClient(kafka.client_config()).list_groups(timeout=10)
    assert [group.id for group in groups] == []


PRICED = {"type": "record", "name": "Priced", "namespace": "shop", "fields": [
    {"name": "id", "type": "long"},
    {"name": "note", "type": ["null", "string"]},
    {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
    {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["a", "b"]}},
    {"name": "next_kind", "type": ["null", "Kind"]},
    {"name": "tags", "type": {"type": "array", "items": ["null", "string"]}},
    {"name": "who", "type": {"type": "record", "name": "Who", "fields": [
        {"name": "age", "type": ["null", "int"]}, {"name": "kinds", "type": {"type": "array", "items": "shop.Kind"}}]}},
    {"name": "any", "type": ["null", "long", "string"]},
    {"name": "sums", "type": ["null", {"type": "map", "values": "double"}]}]}


def test_avro_by_the_registry_schema(penstock, kafka, name):
    kafka.create_topic(name, 1)
    with SchemaRegistry(backend="memory", users={"key": "hush"}) as registry:
        number = registry.register("priced-value", PRICED)
        value = {"id": 1, "note": None, "price": decimal.Decimal("1.50"), "at": 1767322800000, "kind": "b",
                 "next_kind": None, "tags": ["x", None], "who": {"age": 3, "kinds": ["a"]}, "any": 7,
                 "sums": {"s": 0.5}}
        kafka.produce(name, [(None, b"no frame"), (None, frame(number, serializers.avro_body(PRICED, value)))])
        source = {"kafka": {"format": "AvroConfluent", "brokers": kafka.bootstrap, "topics": name,
                            "schemaRegistry": registry.setting()}}
        path = f"{penstock.pipes_path}/probe"
        found = penstock.result("POST", f"{path}/infer", {"source": source})
        assert found["meta"] == {"schemaId": str(number)}
        kinds = {field["name"]: (field["type"], field["optional"]) for field in found["fields"]}
        assert kinds == {
            "id": ("Int64", False), "note": ("String", True), "price": ("Decimal(9, 2)", False),
            "at": ("DateTime64(3)", False), "kind": ("Enum8('a' = 0, 'b' = 1)", False),
            "next_kind": ("Enum8('a' = 0, 'b' = 1)", True), "tags": ("Array(Nullable(String))", False),
            "who": ("Tuple(age Nullable(Int32), kinds Array(Enum8('a' = 0, 'b' = 1)))", False),
            "any": ("Variant(Int64, String)", True), "sums": ("Map(String, Float64)", True)}
        columns = [(column, kind) for column, (kind, _) in kinds.items()]
        body = kafka_pipe("preview", kafka.bootstrap, name, "not_there_yet", columns, kafka=source["kafka"])
        newest, oldest = penstock.result("POST", f"{path}/sample", {"source": source})["records"]
        assert oldest["decoded"] is None and "schema id" in oldest["problem"]
        assert newest["encoding"] == "base64" and newest["problem"] is None and newest["decoded"] == {
            "id": 1, "note": None, "price": "1.50", "at": "2026-01-02 03:00:00.000", "kind": "b", "next_kind": None,
            "tags": ["x", None], "who": {"age": 3, "kinds": ["a"]}, "any": 7, "sums": {"s": 0.5}}
        result = preview(penstock, body).result
        assert [row["cells"] for row in result["rows"]] == [{
            "id": 1, "note": "", "price": "1.50", "at": "2026-01-02 03:00:00.000", "kind": "b", "next_kind": "a",
            "tags": ["x", None], "who": {"age": 3, "kinds": ["a"]}, "any": 7, "sums": {"s": 0.5}}]
        assert [error["type"] for error in result["errors"]] == ["SOURCE_SCHEMA_ERROR"]
        fine = penstock.result("POST", f"{path}/connection", {"source": source})
        assert fine["registry"]["ok"]
        registry.users = {"key": "other"}
        for record in penstock.result("POST", f"{path}/sample", {"source": source})["records"]:
            assert record["decoded"] is None and record["value"]  # what Kafka says is shown all the same
        refused = penstock.request("POST", f"{path}/infer", {"source": source})
        assert refused.status == 400 and "REGISTRY_AUTHENTICATION" in refused.text
