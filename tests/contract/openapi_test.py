"""openapi/penstock.yaml says what the route table answers, and examples of real answers fit its schemas."""
import os
import subprocess

import pytest
import yaml

from tests.harness import paths

from .conftest import body_for

METHODS = ("get", "put", "post", "delete", "patch")


@pytest.fixture(scope="module")
def document():
    with open(os.path.join(paths.ROOT, "openapi", "penstock.yaml"), encoding="utf-8") as file:
        return yaml.safe_load(file)


def operations(document):
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method, path, item, item[method]


def test_same_routes_as_the_program(document):
    done = subprocess.run([paths.program("penstock-api"), "--print-routes"], stdout=subprocess.PIPE, text=True, check=True)
    assert {f"{method.upper()} {path}" for method, path, _, _ in operations(document)} == set(done.stdout.splitlines())


def test_same_query_members_as_the_program(penstock, document, make):
    """A member that a path does not take is answered with those that it takes (a star: may be repeated)."""
    values = {"{organizationId}": penstock.organization_id, "{serviceId}": penstock.service_id, "{clickPipeId}": make()["id"]}
    for method, path, item, operation in operations(document):
        members = [resolve(document, one) for one in item.get("parameters", []) + operation.get("parameters", [])]
        documented = sorted(one["name"] + ("*" if one["schema"].get("type") == "array" else "") for one in members
                            if one["in"] == "query")
        if method != "get" or not path.startswith("/v1/"):
            assert not documented, path
            continue
        for name, value in values.items():
            path = path.replace(name, value)
        error = penstock.request("GET", f"{path}?nonsense=1").error
        assert error.startswith("BAD_REQUEST: query parameter nonsense: this path takes "), (path, error)
        assert sorted(error.partition("takes ")[2].split()) == (documented or ["none"]), path


def test_the_program_serves_this_file(penstock, document):
    assert yaml.safe_load(penstock.request("GET", "/openapi.yaml", key=None).text) == document


def resolve(document, node):
    while "$ref" in node:
        target = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def references(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_document_is_sound(document):
    assert document["openapi"].startswith("3.0.")
    used = set(references(document))
    for reference in used:
        assert resolve(document, {"$ref": reference}) is not None
    for kind in ("schemas", "responses", "parameters"):
        for name in document["components"][kind]:
            assert f"#/components/{kind}/{name}" in used, f"{kind}/{name} is not used"
    ids = [operation["operationId"] for _, _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    for method, path, item, operation in operations(document):
        assert operation["summary"] and "200" in operation["responses"], (method, path)
        named = {resolve(document, one)["name"] for one in item.get("parameters", []) + operation.get("parameters", [])
                 if resolve(document, one)["in"] == "path"}
        assert named == {part[1:-1] for part in path.split("/") if part.startswith("{")}, path
        if path.startswith("/v1/"):
            assert "401" in operation["responses"], (method, path)
        if method in ("post", "put", "patch"):
            assert "requestBody" in operation, (method, path)


TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "object": dict, "array": list}


def check(document, schema, value, where):
    """The part of JSON Schema that the document uses."""
    schema = resolve(document, schema)
    if value is None and schema.get("nullable"):
        return
    if value is None and "type" not in schema and "allOf" not in schema:
        return
    for part in schema.get("allOf", []):
        check(document, part, value, where)
    if "type" in schema:
        assert isinstance(value, TYPES[schema["type"]]), (where, value)
        assert not (isinstance(value, bool) and schema["type"] in ("integer", "number")), (where, value)
    if "enum" in schema:
        assert value in schema["enum"], (where, value)
    if isinstance(value, dict):
        for name in schema.get("required", []):
            assert name in value, (where, name)
        for name, member in value.items():
            if name in schema.get("properties", {}):
                check(document, schema["properties"][name], member, f"{where}.{name}")
            elif "properties" in schema and "allOf" not in schema and "additionalProperties" not in schema:
                assert where == "" or name in ("result", "status", "requestId"), (where, name)
    if isinstance(value, list) and "items" in schema:
        for number, member in enumerate(value):
            check(document, schema["items"], member, f"{where}[{number}]")


def test_real_answers_fit_the_schemas(penstock, document, make):
    pipe = make({"a": "UInt8"}, settings={"kafka_read_committed": True},
                kafka={"offset": {"strategy": "from_latest"}, "exactlyOnce": False})["id"]
    values = {"{organizationId}": penstock.organization_id, "{serviceId}": penstock.service_id, "{clickPipeId}": pipe}
    bodies = {"pipeState": {"command": "stop"}, "pipeScaling": {"replicas": 2}, "pipePatch": {"name": "x"},
              "sourcePatch": {"kafka": {"topics": "t2"}},
              "settingsPut": {"kafka_read_committed": False}, "servicePatch": {"name": "test"}, "serviceState": {}}
    for method, path, _, operation in operations(document):
        if method in ("delete", "post"):
            continue
        for name, value in values.items():
            path = path.replace(name, value)
        reply = penstock.request(method.upper(), path, bodies.get(operation["operationId"]))
        assert reply.status == 200, (path, reply.text)
        content = resolve(document, operation["responses"]["200"])["content"]
        kind = next(iter(content))
        assert reply.headers["content-type"].startswith(kind), path
        if kind == "application/json":
            check(document, content[kind]["schema"], reply.json, "")
    created = penstock.request("POST", penstock.pipes_path, body_for("openapi"))
    check(document, document["components"]["responses"]["Pipe"]["content"]["application/json"]["schema"], created.json, "")
    refused = penstock.request("GET", penstock.pipes_path, key=None)
    check(document, {"$ref": "#/components/schemas/Error"}, refused.json, "")
