"""A pipe and its schema registry, through the whole of Penstock: what create refuses, what is shown and
kept of the login, and a login that changes."""
import contextlib
import json

import pytest

from tests.harness import registry_servers, serializers
from tests.harness.kafka import MockKafka
from tests.harness.penstock import kafka_pipe
from tests.harness.registry import SchemaRegistry, frame

COLUMNS = {"id": "Int64", "note": "String"}
ORDER = {"type": "record", "name": "Order", "fields": [
    {"name": "id", "type": "long"}, {"name": "note", "type": "string"}]}
SECRET = "hunter2-registry"


@pytest.fixture(scope="module")
def kafka():
    with MockKafka() as cluster:
        yield cluster


@pytest.fixture(scope="module", params=["apicurio", "memory"])
def backend(request):
    server = {"apicurio": registry_servers.Apicurio, "memory": registry_servers.MemoryRegistry}[request.param]
    with server() as running:
        yield running


@pytest.fixture(scope="module")
def memory():
    """The quick registry, where the kind does not matter."""
    return registry_servers.MemoryRegistry()


@pytest.fixture
def registry(memory):
    with SchemaRegistry(memory, users={"key": SECRET}) as front:
        yield front


def avro_pipe(kafka, name, setting, file_format="AvroConfluent", **more):
    """A create body; the topic is made."""
    if name not in kafka.topics():
        kafka.create_topic(name, 1)
    more.setdefault("startPaused", True)
    settings = {"streaming_max_insert_wait_ms": 500, **more.pop("settings", {})}
    return kafka_pipe(
        name, kafka.bootstrap, name, name, COLUMNS, kafka={"format": file_format, "schemaRegistry": setting},
        settings=settings, **more)


def refused(penstock, body):
    reply = penstock.request("POST", penstock.pipes_path, body)
    assert reply.status == 400, reply.text
    assert SECRET not in reply.text
    return reply.error


@contextlib.contextmanager
def created(penstock, body):
    pipe = penstock.create_pipe(body)
    yield pipe
    penstock.delete_pipe(pipe["id"])


def test_every_form_of_the_url_works_with_both_registries(penstock, kafka, backend, name):
    with SchemaRegistry(backend, users={"key": SECRET}, tls=True, prefix="/registry/v1") as registry:
        schema_id = registry.register(f"{name}/value", ORDER)
        for file_format, path in (
                ("AvroConfluent", ""), ("AvroConfluent", "/"), ("Avro", f"/schemas/ids/{schema_id}"),
                ("Avro", f"/subjects/{name}%2Fvalue"), ("Avro", f"/subjects/{name}%2Fvalue/versions/1/"),
                ("AvroConfluent", f"/subjects/{name}%2Fvalue/versions/latest")):
            before = len(registry.requests)
            body = avro_pipe(kafka, name, registry.setting(path), file_format)
            with created(penstock, body) as pipe:
                shown = pipe["source"]["kafka"]
                assert shown["format"] == file_format
                wanted = {key: value for key, value in registry.setting(path).items() if key != "credentials"}
                assert shown["schemaRegistry"] == wanted
                assert penstock.pipe(pipe["id"])["source"]["kafka"]["schemaRegistry"] == wanted
            assert {status for _, _, status in registry.requests[before:]} <= {200, 404}
            assert len(registry.requests) > before


def test_create_asks_the_registry(penstock, kafka, registry, name):
    pointer = "failed source validation: /source/kafka/"
    schema_id = registry.register("orders-value", ORDER)
    other_id = registry.register("json-value", {"type": "object"}, kind="JSON")

    def error_of(setting, file_format="AvroConfluent"):
        return refused(penstock, avro_pipe(kafka, name, setting, file_format))

    wrong = registry.setting()
    wrong["credentials"] = {"username": "key", "password": SECRET + "x"}
    for setting in (wrong, {key: wrong[key] for key in ("url", "authentication")}):
        error = error_of(setting)
        assert f"{pointer}schemaRegistry/credentials: REGISTRY_AUTHENTICATION: " in error and "HTTP 401" in error
    assert f"{pointer}format: " in error_of(registry.setting(f"/schemas/ids/{other_id}"))
    assert f"{pointer}format: " in error_of(registry.setting(f"/schemas/ids/{schema_id}"), "JSONEachRow")
    error = error_of(registry.setting("/subjects/nobody-value"), "Avro")
    assert f"{pointer}schemaRegistry/url: " in error and "no latest version of subject nobody-value" in error
    registry.fail(200, body=b"<html>Welcome</html>")
    assert "is the URL a schema registry's" in error_of(registry.setting())
    registry.heal()
    registry.fail(404, body=b"<html>Not Found</html>")
    assert "is the URL a schema registry's" in error_of(registry.setting())
    registry.heal()
    registry.fail(301, headers={"Location": "https://elsewhere.invalid/"})
    assert "the registry redirects to https://elsewhere.invalid/" in error_of(registry.setting("/schemas/ids/1"))
    registry.heal()
    registry.fail(500)
    assert "REGISTRY_UNREACHABLE: asking for schema id 1: HTTP 500" in error_of(registry.setting("/schemas/ids/1"))
    registry.heal()
    registry.down()
    assert f"{pointer}schemaRegistry/url: REGISTRY_UNREACHABLE: " in error_of(registry.setting())
    assert penstock.result("GET", penstock.pipes_path) == []


def test_a_registry_that_hangs_is_told(penstock, kafka, registry, name):
    registry.fail("hold")
    error = refused(penstock, avro_pipe(kafka, name, registry.setting("/schemas/ids/1"), "Avro"))
    assert "schemaRegistry/url: REGISTRY_UNREACHABLE: " in error and "does not answer in time" in error


def test_a_private_ca_is_needed_and_enough(penstock, kafka, memory, name):
    with SchemaRegistry(memory, tls=True) as registry:
        setting = registry.setting()
        with created(penstock, avro_pipe(kafka, name, setting)):
            pass
        del setting["caCertificate"]
        assert "certificate" in refused(penstock, avro_pipe(kafka, name, setting)).lower()


def test_a_registry_that_forbids_one_schema_is_no_reason_to_refuse(penstock, kafka, registry, name):
    registry.fail(403, path="/schemas/ids", body={"error_code": 40301, "message": "denied"})
    with created(penstock, avro_pipe(kafka, name, registry.setting())):
        assert registry.asked("/subjects", 200) == 1


def test_the_login_stays_secret(penstock, kafka, database, registry, name):
    with created(penstock, avro_pipe(kafka, name, registry.setting(), startPaused=False)) as pipe:
        penstock.wait_state(pipe["id"], ("Running", "Provisioning", "Failed"))
        texts = [penstock.log(), penstock.log("worker-0"), json.dumps(pipe)]
        for path in ("", "/summary", "/events"):
            texts.append(penstock.request("GET", f"{penstock.pipes_path}/{pipe['id']}{path}").text)
        texts.append(database.query("SELECT p::text || encode(coalesce(secrets, ''), 'escape') FROM pipe p"))
        for worker in penstock.workers:
            texts += command_lines(worker.pid)
        assert all(texts)
        assert not [text for text in texts if SECRET in text]


def command_lines(pid):
    """Command line and environment of a process and its children."""
    found = []
    for path in (f"/proc/{pid}/cmdline", f"/proc/{pid}/environ"):
        with open(path, "rb") as file:
            found.append(file.read().decode("utf-8", "replace"))
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
        for child in children.read().split():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                found += command_lines(child)
    return found


def wait_rows(penstock, clickhouse, pipe, table, count):
    """Every record is in the table, and nothing was rejected. Records behind one that waits are stored before
    it, so a restart meanwhile stores them again."""
    summary = penstock.wait_summary(
        pipe, lambda now: now["records"]["sent"] >= count and now["lag"]["records"] == 0, 60, f"{count} rows")
    assert summary["records"]["rejected"] == 0 and summary["reason"] is None
    assert clickhouse.rows(f"SELECT DISTINCT id, note FROM {table} ORDER BY id") == [
        {"id": number, "note": f"n{number}"} for number in range(count)]


@pytest.mark.parametrize("has_failed", [False, True], ids=["while-it-waits", "after-it-failed"])
def test_a_login_that_is_rotated_loses_nothing(penstock, kafka, clickhouse, registry, name, has_failed):
    first = registry.register(f"{name}-value", ORDER)
    wider = {**ORDER, "fields": [{"name": "more", "type": "int", "default": 0}, *ORDER["fields"]]}
    second = registry.register(f"{name}-value", wider)

    def record(number):
        schema_id, schema = (first, ORDER) if number % 2 else (second, wider)
        value = {"id": number, "note": f"n{number}", "more": 1}
        return None, frame(schema_id, serializers.avro_body(schema, value))

    pipe = penstock.create_pipe(avro_pipe(kafka, name, registry.setting(), startPaused=False))["id"]
    kafka.produce(name, [record(1)])
    penstock.wait_summary(pipe, lambda now: now["records"]["sent"] == 1, 60, "the first row")
    registry.users["key"] = "rotated-" + SECRET
    kafka.produce(name, [record(number) for number in range(0, 100) if number != 1])
    penstock.wait_summary(
        pipe, lambda now: now["reason"] is not None and now["reason"]["code"] == "REGISTRY_AUTHENTICATION", 60,
        "the refusal")
    if has_failed:
        penstock.wait_summary(pipe, lambda now: now["state"] == "Failed", 60, "the end of waiting")
    login = registry.setting()["credentials"]
    reply = penstock.request("PATCH", f"{penstock.pipes_path}/{pipe}/source", {
        "kafka": {"schemaRegistry": {"credentials": login}}})
    assert reply.status == 200 and SECRET not in reply.text
    if has_failed:
        penstock.result("POST", f"{penstock.pipes_path}/{pipe}/restart")
    wait_rows(penstock, clickhouse, pipe, name, 100)
    assert registry.asked(f"/schemas/ids/{second}$", 200) == 1  # one request, however many records
    texts = [penstock.log(), penstock.log("worker-0"), penstock.request(
        "GET", f"{penstock.pipes_path}/{pipe}/events").text]
    assert not [text for text in texts if SECRET in text]
    penstock.delete_pipe(pipe)
