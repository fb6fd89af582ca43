"""Authentication, routing, envelope, bodies: what is the same for every endpoint."""
import http.client
import json
import re
import uuid

import pytest

from .conftest import body_for

UUID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
NOBODY = "00000000-0000-4000-8000-000000000000"
OTHER = "00000000-0000-4000-8000-00000000000f"


def assert_error(reply, status, start):
    assert reply.status == status, reply.text
    answer = reply.json
    assert answer["status"] == status
    assert UUID.match(answer["requestId"]) and answer["requestId"] == reply.headers["x-request-id"]
    assert answer["error"].startswith(start), answer["error"]
    assert "result" not in answer
    return answer["error"]


def test_success_has_the_envelope(penstock):
    reply = penstock.request("GET", penstock.pipes_path)
    assert reply.status == 200
    answer = reply.json
    assert answer["status"] == 200 and isinstance(answer["result"], list)
    assert UUID.match(answer["requestId"]) and reply.headers["x-request-id"] == answer["requestId"]
    assert reply.headers["content-type"].startswith("application/json")


def test_delete_has_no_result(penstock, make):
    pipe = make()
    reply = penstock.request("DELETE", f"{penstock.pipes_path}/{pipe['id']}")
    assert reply.status == 200 and sorted(reply.json) == ["requestId", "status"]


@pytest.mark.parametrize("headers", [
    {}, {"Authorization": "Basic !!!"}, {"Authorization": "Bearer x"}, {"Authorization": "Basic Zm9v"},
    {"Authorization": "Basic " + "QUFB" * 2000},
])
def test_without_credentials_401(penstock, headers):
    reply = penstock.request("GET", penstock.pipes_path, headers=headers, key=None)
    assert_error(reply, 401, "UNAUTHORIZED: ")
    assert reply.headers["www-authenticate"].startswith("Basic realm=")


def test_wrong_secret_and_unknown_key_401(penstock):
    for key in ((penstock.key_id, "wrong"), (penstock.key_id, ""), ("nobody", penstock.key_secret)):
        assert_error(penstock.request("GET", penstock.pipes_path, key=key), 401, "UNAUTHORIZED: ")


def test_401_comes_before_routes_and_methods(penstock):
    for method, path in (("GET", "/v1/nothing"), ("PUT", penstock.pipes_path), ("GET", "/v1")):
        assert_error(penstock.request(method, path, key=None), 401, "UNAUTHORIZED: ")


def test_reader_may_only_read(penstock, reader, make):
    pipe = make()
    path = f"{penstock.pipes_path}/{pipe['id']}"
    assert penstock.request("GET", path, key=reader).status == 200
    assert penstock.request("GET", f"{path}/summary", key=reader).status == 200
    for method, where, body in (
            ("POST", penstock.pipes_path, body_for("never")), ("DELETE", path, None),
            ("PATCH", f"{path}/state", {"command": "stop"}), ("PATCH", f"{path}/scaling", {"replicas": 2}),
            ("PATCH", path, {"name": "x"}), ("DELETE", penstock.service_path, None),
            ("POST", f"{penstock.organization_path}/services", {})):
        assert_error(penstock.request(method, where, body, key=reader), 403, "FORBIDDEN: ")
    assert penstock.pipe(pipe["id"])["name"] == pipe["name"]


def test_revoked_key_401(penstock):
    key = penstock.create_key("reader", "short")
    assert penstock.request("GET", penstock.pipes_path, key=key).status == 200
    penstock.command("key", "revoke", key[0])
    assert_error(penstock.request("GET", penstock.pipes_path, key=key), 401, "UNAUTHORIZED: ")


def test_unknown_organization_and_service_are_403(penstock, make):
    pipe = make()
    for path in (f"/v1/organizations/{NOBODY}", f"/v1/organizations/{NOBODY}/services",
                 f"/v1/organizations/{NOBODY}/services/{penstock.service_id}/clickpipes/{pipe['id']}",
                 f"{penstock.organization_path}/services/{NOBODY}/clickpipes/{pipe['id']}",
                 f"{penstock.organization_path}/services/{NOBODY}"):
        assert_error(penstock.request("GET", path), 403, "FORBIDDEN: ")


def test_keys_of_another_organization_see_nothing(penstock, database, make):
    """The same secret, another organization: its own list, and 403 for everything of ours, whether it exists or not."""
    pipe = make()
    database.query(f"INSERT INTO organization (id, name) VALUES ('{OTHER}', 'other')")
    database.query("INSERT INTO api_key (id, organization_id, name, role, secret_hash) SELECT 'foreign', "
                   f"'{OTHER}', 'x', 'admin', secret_hash FROM api_key WHERE id = '{penstock.key_id}'")
    key = ("foreign", penstock.key_secret)
    try:
        assert [one["id"] for one in penstock.request("GET", "/v1/organizations", key=key).result] == [OTHER]
        assert penstock.request("GET", f"/v1/organizations/{OTHER}/services", key=key).result == []
        mixed = f"/v1/organizations/{OTHER}/services/{penstock.service_id}/clickpipes"
        for path in (penstock.organization_path, penstock.service_path, penstock.pipes_path, mixed, f"{mixed}/{pipe['id']}",
                     f"{penstock.pipes_path}/{pipe['id']}", f"{penstock.organization_path}/audit"):
            assert_error(penstock.request("GET", path, key=key), 403, "FORBIDDEN: ")
        assert_error(penstock.request("DELETE", f"{mixed}/{pipe['id']}", key=key), 403, "FORBIDDEN: ")
        assert penstock.pipe(pipe["id"]) == pipe
    finally:
        database.query(f"DELETE FROM organization WHERE id = '{OTHER}'")


def test_malformed_ids_are_400(penstock):
    reply = penstock.request("GET", f"{penstock.organization_path}/services/not-a-uuid/clickpipes")
    assert assert_error(reply, 400, "BAD_REQUEST: ") == "BAD_REQUEST: Invalid service id <string:not-a-uuid>"
    assert_error(penstock.request("GET", f"{penstock.pipes_path}/nope"), 400, "BAD_REQUEST: Invalid ClickPipe id")
    assert_error(penstock.request("GET", "/v1/organizations/%FF%FE/services"), 400, "BAD_REQUEST: ")


def test_unknown_pipe_is_404_with_its_id(penstock):
    for method, tail, body in (("GET", "", None), ("DELETE", "", None), ("PATCH", "/state", {"command": "stop"}),
                               ("PATCH", "/scaling", {"replicas": 2}), ("GET", "/summary", None),
                               ("GET", "/errors", None), ("GET", "/events", None), ("PATCH", "", {"name": "x"}),
                               ("GET", "/settings", None), ("PUT", "/settings", {"kafka_read_committed": True})):
        reply = penstock.request(method, f"{penstock.pipes_path}/{NOBODY}{tail}", body)
        assert assert_error(reply, 404, "NOT_FOUND: ") == f"NOT_FOUND: {NOBODY}"


def test_unknown_route_404_and_wrong_method_405(penstock):
    assert_error(penstock.request("GET", f"{penstock.pipes_path}/{NOBODY}/nothing"), 404, "NOT_FOUND: ")
    assert_error(penstock.request("GET", "/nothing"), 404, "NOT_FOUND: ")
    # before the 404 of the object, and before anything about the organization
    reply = penstock.request("POST", f"{penstock.pipes_path}/{NOBODY}")
    assert_error(reply, 405, "METHOD_NOT_ALLOWED: ")
    assert sorted(reply.headers["allow"].split(", ")) == ["DELETE", "GET", "HEAD", "PATCH"]
    reply = penstock.request("DELETE", f"{penstock.pipes_path}/summary")
    assert_error(reply, 405, "METHOD_NOT_ALLOWED: ")
    assert reply.headers["allow"] == "GET, HEAD"
    assert_error(penstock.request("OPTIONS", penstock.pipes_path), 405, "METHOD_NOT_ALLOWED: ")


def test_slashes_are_collapsed_without_a_redirect(penstock):
    for path in (penstock.pipes_path + "/", penstock.pipes_path.replace("/v1/", "/v1//"), "//" + penstock.pipes_path + "//"):
        assert penstock.request("GET", path).status == 200


def test_head_is_get_without_a_body(penstock):
    get = penstock.request("GET", "/version")
    head = penstock.request("HEAD", "/version")
    assert head.status == 200 and head.body == b""
    assert head.headers["content-length"] == str(len(get.body))


@pytest.mark.parametrize("body, line, column", [
    (b'{"name": "a",\n "source": }', 2, 12),
    (b"{", 1, 1), (b'{"a": 01}', 1, None), (b'{"a": 1} x', 1, None), (b'{"a": "\xff"}', 1, None),
])
def test_malformed_json_tells_where(penstock, body, line, column):
    error = assert_error(penstock.request("POST", penstock.pipes_path, body), 400, "BAD_REQUEST: malformed JSON")
    found = re.search(r"line (\d+), column (\d+), position (\d+)", error)
    assert found and int(found[1]) == line
    assert column is None or int(found[2]) == column


def test_malformed_json_does_not_quote_the_body(penstock):
    body = b'{"source": {"kafka": {"credentials": {"username": "u", "password": "hunter2-secret'
    error = assert_error(penstock.request("POST", penstock.pipes_path, body), 400, "BAD_REQUEST: malformed JSON")
    assert "hunter2" not in error


def test_duplicate_keys_and_other_bodies_are_refused(penstock):
    error = assert_error(penstock.request("POST", penstock.pipes_path, b'{"name": "a", "name": "b"}'), 400,
                         "BAD_REQUEST: malformed JSON")
    assert "duplicate" in error
    for body in (b"[]", b'"x"', b"1", b"null"):
        assert_error(penstock.request("POST", penstock.pipes_path, body), 400,
                     "BAD_REQUEST: the body must be a JSON object")


def test_deep_nesting_is_refused(penstock):
    body = b'{"a":' * 100000 + b"1" + b"}" * 100000
    assert_error(penstock.request("POST", penstock.pipes_path, body), 400, "BAD_REQUEST: malformed JSON")
    assert penstock.request("GET", "/health/live").status == 200


def test_content_type_does_not_matter(penstock, table):
    body = json.dumps(body_for(table)).encode()
    reply = penstock.request("POST", penstock.pipes_path, body, headers={"Content-Type": "text/plain"})
    assert reply.status == 200, reply.text


def test_a_large_body_is_413(penstock):
    body = b'{"name": "' + b"x" * (5 << 20) + b'"}'
    assert_error(penstock.request("POST", penstock.pipes_path, body), 413, "PAYLOAD_TOO_LARGE: ")
    assert_error(penstock.request("POST", penstock.pipes_path, body, key=None), 401, "UNAUTHORIZED: ")


def test_many_requests_on_one_connection(penstock):
    connection = http.client.HTTPConnection("127.0.0.1", penstock.port, timeout=30)
    try:
        seen = set()
        for _ in range(50):
            connection.request("GET", "/version")
            response = connection.getresponse()
            assert response.status == 200
            response.read()
            seen.add(response.getheader("X-Request-Id"))
        assert len(seen) == 50
        uuid.UUID(seen.pop())
    finally:
        connection.close()


def test_open_endpoints(penstock):
    assert penstock.request("GET", "/health/live", key=None).json == {"status": "ok"}
    assert penstock.request("GET", "/health/ready", key=None).json["status"] == "ok"
    version = penstock.request("GET", "/version", key=None).json
    assert version["name"] == "penstock" and re.match(r"\d+\.\d+\.\d+", version["version"])
    described = penstock.request("GET", "/openapi.yaml", key=None)
    assert described.status == 200 and described.text.startswith("openapi:")
    assert_error(penstock.request("GET", "/metrics", key=None), 401, "UNAUTHORIZED: ")


def test_own_metrics(penstock):
    penstock.request("GET", penstock.pipes_path)
    reply = penstock.request("GET", "/metrics")
    assert reply.status == 200 and reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    route = "/v1/organizations/{organizationId}/services/{serviceId}/clickpipes"
    assert re.search(r'penstock_build_info\{version="[^"]+"\} 1', reply.text)
    assert f'penstock_api_request_duration_seconds_count{{route="{route}",method="GET",code="200"}}' in reply.text
