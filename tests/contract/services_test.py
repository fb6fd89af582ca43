"""Organizations and services."""
import pytest

from tests.harness import net
from tests.harness.clickhouse import DevClickHouse

from .conftest import body_for


def services(penstock):
    return f"{penstock.organization_path}/services"


def test_organizations(penstock):
    listed = penstock.result("GET", "/v1/organizations")
    assert len(listed) == 1 and listed[0]["id"] == penstock.organization_id
    assert sorted(listed[0]) == ["createdAt", "id", "name"]
    assert penstock.result("GET", penstock.organization_path) == listed[0]
    assert penstock.result("GET", penstock.organization_path.upper().replace("/V1/ORGANIZATIONS", "/v1/organizations"))


def test_service_life(penstock, clickhouse):
    sent = {"name": "life 🚰", "endpoint": {"url": clickhouse.url, "username": "default", "password": ""}}
    made = penstock.result("POST", services(penstock), sent)
    assert made["endpoint"] == {"url": clickhouse.url, "username": "default"}
    assert made["name"] == "life 🚰" and made["state"] == "running" and made["provisionUsers"] is False
    assert made["clickhouseVersion"] == clickhouse.value("SELECT version()")
    for member, value in (("ipAccessList", []), ("endpoints", []), ("idleScaling", False)):
        assert made[member] == value
    assert isinstance(made["provider"], str) and isinstance(made["region"], str)
    path = f"{services(penstock)}/{made['id']}"
    assert penstock.result("GET", path) == made
    assert made in penstock.result("GET", services(penstock))
    changed = penstock.result("PATCH", path, {"name": "renamed", "provisionUsers": True})
    assert changed == {**made, "name": "renamed", "provisionUsers": True}
    assert penstock.result("PATCH", path, {}) == changed
    assert penstock.result("PATCH", f"{path}/state", {"command": "awake"})["state"] == "running"
    assert penstock.result("PATCH", f"{path}/state", {})["state"] == "running"
    for body in ({"command": "sleep"}, {"command": 1}):
        assert penstock.request("PATCH", f"{path}/state", body).status == 400
    assert penstock.result("GET", f"{path}/clickpipesReversePrivateEndpoints") == []
    reply = penstock.request("POST", f"{path}/clickpipesReversePrivateEndpoints", {"description": "x", "type": "VPC"})
    assert reply.status == 400 and "not supported" in reply.error
    assert penstock.request("GET", f"{path}/clickpipesReversePrivateEndpoints/{made['id']}").status == 404
    assert penstock.request("GET", f"{path}/clickpipesCdcScaling").status == 404
    assert penstock.request("DELETE", path).status == 200
    assert penstock.request("GET", path).status == 403


def test_a_service_with_pipes_is_not_deleted(penstock, clickhouse, table):
    made = penstock.result("POST", services(penstock), {"name": "used", "endpoint": {"url": clickhouse.url}})
    path = f"{services(penstock)}/{made['id']}"
    pipe = penstock.result("POST", f"{path}/clickpipes", body_for(table))
    reply = penstock.request("DELETE", path)
    assert reply.status == 400 and reply.error.startswith("BAD_REQUEST: ")
    assert penstock.request("DELETE", f"{path}/clickpipes/{pipe['id']}").status == 200
    assert penstock.request("DELETE", path).status == 200


@pytest.mark.parametrize("body, pointers", [
    ({}, ["/name", "/endpoint/url"]), ({"name": "", "endpoint": {"url": "nonsense"}}, ["/name", "/endpoint/url"]),
    ({"name": 1, "endpoint": []}, ["/name", "/endpoint"]),
    ({"name": "x", "endpoint": {"url": "http://u:secret@h:1"}}, ["/endpoint/url"]),
    ({"name": "x", "endpoint": {"url": "http://h:1", "username": 1, "password": 2, "caCertificate": 3},
      "provisionUsers": "yes"},
     ["/endpoint/username", "/endpoint/password", "/endpoint/caCertificate", "/provisionUsers"]),
])
def test_bad_services_name_every_problem(penstock, body, pointers):
    before = penstock.result("GET", services(penstock))
    reply = penstock.request("POST", services(penstock), body)
    assert reply.status == 400
    for pointer in pointers:
        assert pointer in reply.error
    assert penstock.result("GET", services(penstock)) == before


def test_an_unreachable_clickhouse_is_400(penstock, clickhouse):
    port = net.free_port()
    reply = penstock.request("POST", services(penstock),
                             {"name": "x", "endpoint": {"url": f"http://127.0.0.1:{port}"}})
    assert reply.status == 400 and str(port) in reply.error
    made = penstock.result("POST", services(penstock), {"name": "x", "endpoint": {"url": clickhouse.url}})
    path = f"{services(penstock)}/{made['id']}"
    reply = penstock.request("PATCH", path, {"name": "y", "endpoint": {"url": f"http://127.0.0.1:{port}"}})
    assert reply.status == 400
    assert penstock.result("GET", path) == made
    assert penstock.request("DELETE", path).status == 200


def test_a_rename_does_not_need_the_clickhouse(penstock):
    with DevClickHouse() as server:
        made = penstock.result("POST", services(penstock), {"name": "x", "endpoint": {"url": server.url}})
    path = f"{services(penstock)}/{made['id']}"
    assert penstock.result("PATCH", path, {"name": "y"}) == {**made, "name": "y"}
    assert penstock.request("PATCH", path, {"endpoint": {"username": "u"}}).status == 400
    assert penstock.request("DELETE", path).status == 200


def test_wrong_password_is_400_with_clickhouses_words(penstock):
    with DevClickHouse(user="u", password="right-hunter2") as server:
        body = {"name": "auth", "endpoint": {"url": server.url, "username": "u", "password": "wrong-hunter2"}}
        reply = penstock.request("POST", services(penstock), body)
        assert reply.status == 400 and "hunter2" not in reply.text
        assert "AUTHENTICATION_FAILED" in reply.error or "516" in reply.error
        body["endpoint"]["password"] = "right-hunter2"
        reply = penstock.request("POST", services(penstock), body)
        assert reply.status == 200 and "hunter2" not in reply.text
        # a rename keeps the password
        path = f"{services(penstock)}/{reply.result['id']}"
        assert penstock.result("PATCH", path, {"name": "other"})["name"] == "other"
        assert penstock.request("PATCH", path, {"endpoint": {"password": "wrong-hunter2"}}).status == 400
        assert penstock.request("DELETE", path).status == 200
    assert "hunter2" not in penstock.log()
