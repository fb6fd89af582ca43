"""The schema registries of the harness do what the tests behind them rely on."""
import http.client
import json
import ssl

import pytest

from tests.harness import registry_servers, serializers
from tests.harness.registry import RegistryError, SchemaRegistry, frame

ORDER = {"type": "record", "name": "Order", "fields": [
    {"name": "id", "type": "long"}, {"name": "note", "type": ["null", "string"], "default": None}]}
DRAFT = "http://json-schema.org/draft-07/schema#"  # Apicurio refuses a JSON Schema without one
WIDER = {"type": "record", "name": "Order", "fields": [
    *ORDER["fields"], {"name": "price", "type": "double", "default": 0.0}]}


@pytest.fixture(scope="module", params=["apicurio", "memory"])
def backend(request):
    server = {"apicurio": registry_servers.Apicurio, "memory": registry_servers.MemoryRegistry}[request.param]
    with server() as running:
        yield running


@pytest.fixture
def registry(backend):
    with SchemaRegistry(backend) as front:
        yield front


def get(registry, path, headers=None, context=None):
    kind = http.client.HTTPConnection if context is None else http.client.HTTPSConnection
    options = {} if context is None else {"context": context}
    connection = kind("localhost", registry.port, timeout=10, **options)
    try:
        connection.request("GET", registry.prefix + path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def test_schemas_are_found_by_id_and_by_subject(registry):
    first = registry.register("orders/of today-value", ORDER)
    second = registry.register("orders/of today-value", WIDER)
    assert first != second
    assert registry.register("other-value", ORDER) == first
    assert registry.version("orders/of today-value", 1)["id"] == first
    assert registry.version("orders/of today-value")["id"] == second
    status, _, body = get(registry, f"/schemas/ids/{first}")
    assert status == 200 and json.loads(json.loads(body)["schema"]) == ORDER
    assert get(registry, "/schemas/ids/9999999")[0] == 404
    assert json.loads(get(registry, "/schemas/ids/9999999")[2])["error_code"] == 40403
    assert registry.asked("/schemas/ids/9999999", 404) == 2


def test_references_and_kinds_are_kept(registry):
    registry.register("money", {"type": "record", "name": "Money", "fields": [{"name": "cents", "type": "long"}]})
    user = {"type": "record", "name": "Bill", "fields": [{"name": "sum", "type": "Money"}]}
    schema_id = registry.register("bill-value", user, references=[("Money", "money", 1)])
    found = json.loads(get(registry, f"/schemas/ids/{schema_id}")[2])
    assert found["references"] == [{"name": "Money", "subject": "money", "version": 1}]
    schema_id = registry.register("json-value", {"$schema": DRAFT, "type": "object"}, kind="JSON")
    assert json.loads(get(registry, f"/schemas/ids/{schema_id}")[2])["schemaType"] == "JSON"
    with pytest.raises(RegistryError):
        registry.version("nobody")


def test_the_front_asks_for_a_login(backend):
    with SchemaRegistry(backend, users={"key": "hush"}, prefix="/registry") as registry:
        assert get(registry, "/subjects")[0] == 401
        assert get(registry, "/subjects", {"Authorization": "Basic a2V5Omh1c2g="})[0] == 200
        registry.users["key"] = "rotated"
        assert get(registry, "/subjects", {"Authorization": "Basic a2V5Omh1c2g="})[0] == 401
        assert registry.setting("/schemas/ids/1")["credentials"] == {"username": "key", "password": "rotated"}


def test_the_front_speaks_tls(backend):
    with SchemaRegistry(backend, tls=True) as registry:
        context = ssl.create_default_context(cafile=registry.certificates.ca)
        assert get(registry, "/subjects", context=context)[0] == 200
        with pytest.raises(ssl.SSLError):
            get(registry, "/subjects", context=ssl.create_default_context())


def test_the_front_fails_on_command(registry):
    registry.fail(429, times=1, path="/subjects", headers={"Retry-After": "7"})
    status, headers, _ = get(registry, "/subjects")
    assert (status, headers["Retry-After"]) == (429, "7")
    assert get(registry, "/subjects")[0] == 200
    registry.fail(None)
    with pytest.raises(http.client.HTTPException):
        get(registry, "/subjects")
    registry.heal()
    registry.down()
    with pytest.raises(ConnectionRefusedError):
        get(registry, "/subjects")
    registry.up()
    assert get(registry, "/subjects")[0] == 200


def test_the_official_serializer_registers_and_frames(registry):
    messages = serializers.confluent(registry, "orders", ORDER, [{"id": 7, "note": "x"}, {"id": 8, "note": None}])
    schema_id = registry.version("orders-value")["id"]
    assert messages == [
        frame(schema_id, serializers.avro_body(ORDER, {"id": 7, "note": "x"})),
        frame(schema_id, serializers.avro_body(ORDER, {"id": 8, "note": None}))]
