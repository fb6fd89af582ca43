"""GET P/asyncapi: the document of what a pipe reads; every reference in it leads somewhere, no secret is in it."""
import yaml

from .openapi_test import references, resolve


def test_the_document(penstock, make):
    pipe = make([("id", "UInt64"), ("tags", "Array(String)"), ("n", "LowCardinality(Nullable(String))"), ("at", "DateTime")],
                name="p 🚰", kafka={"brokers": "SASL_SSL://h1:9092,SASL_SSL://h2", "topics": "t1, t2"},
                fieldMappings=[{"sourceField": "my_id", "destinationField": "id"},
                               {"sourceField": "_topic", "destinationField": "n"}])["id"]
    path = f"{penstock.pipes_path}/{pipe}/asyncapi"
    reply = penstock.request("GET", path)
    assert reply.status == 200 and reply.headers["content-type"].startswith("application/json")
    document = reply.json
    assert document["asyncapi"] == "3.0.0" and document["info"]["title"] == "p 🚰" and "hunter2" not in reply.text
    assert document["servers"] == {"broker0": {"host": "h1:9092", "protocol": "kafka-secure"},
                                   "broker1": {"host": "h2", "protocol": "kafka-secure"}}
    assert sorted(document["channels"]) == sorted(document["operations"]) == ["t1", "t2"]
    used = set(references(document))
    assert used == {"#/channels/t1", "#/channels/t2", "#/components/messages/record"}
    assert all(resolve(document, {"$ref": one}) for one in used)
    message = document["components"]["messages"]["record"]
    assert message["contentType"] == "application/json"
    assert message["payload"]["properties"] == {
        "my_id": {"type": "integer", "x-clickhouse-type": "UInt64"},
        "tags": {"type": "array", "x-clickhouse-type": "Array(String)"}, "at": {"x-clickhouse-type": "DateTime"}}
    assert document["operations"]["t2"]["bindings"]["kafka"]["groupId"] == {
        "type": "string", "enum": [f"clickpipes-{pipe}"]}
    as_yaml = penstock.request("GET", path, headers={"Accept": "application/yaml"})
    assert as_yaml.text.startswith('---\n"asyncapi": "3.0.0"\n')
    open_pipe = make(table="open_one", kafka={"authentication": None, "credentials": None})["id"]
    assert penstock.request("GET", f"{penstock.pipes_path}/{open_pipe}/asyncapi").json["servers"]["broker0"]["protocol"] == "kafka"
    assert as_yaml.headers["content-type"].startswith("application/yaml") and yaml.safe_load(as_yaml.text) == document
