"""GET …/audit: every changing call, who made it, what it changed; never a secret, nothing of refused calls."""
import pytest

from tests.harness.penstock import Penstock
from tests.harness.postgres import PrivatePostgres

from .conftest import body_for


def audit(penstock, query=""):
    return penstock.result("GET", f"{penstock.organization_path}/audit{query}")


def of(penstock, target, query=""):
    return audit(penstock, f"?target={target}{query}")["entries"]


def test_every_change_of_a_pipe(penstock, make):
    created = make()
    pipe = created["id"]
    path = f"{penstock.pipes_path}/{pipe}"
    calls = [("PATCH", path, {"name": "renamed"}), ("PATCH", f"{path}/scaling", {"replicas": 2}),
             ("PUT", f"{path}/settings", {"kafka_read_committed": True}),
             ("PATCH", path, {"source": {"kafka": {"credentials": {"username": "u", "password": "new-hunter2"}}}}),
             ("PATCH", f"{path}/state", {"command": "stop"}), ("DELETE", path, None)]
    shown = [created]
    for method, where, body in calls:
        assert penstock.request(method, where, body).status == 200
        shown.append(penstock.pipe(pipe) if method != "DELETE" else None)
    entries = of(penstock, pipe)[::-1]
    assert [entry["method"] for entry in entries] == ["POST"] + [method for method, _, _ in calls]
    assert [entry["path"] for entry in entries] == [penstock.pipes_path] + [where for _, where, _ in calls]
    assert [entry["after"] for entry in entries] == shown
    assert [entry["before"] for entry in entries] == [None] + shown[:-1]
    assert {entry["key"] for entry in entries} == {penstock.key_id} and {entry["outcome"] for entry in entries} == {"done"}
    assert "hunter2" not in str(audit(penstock, "?limit=1000"))


def test_what_is_refused_leaves_nothing(penstock, reader, table, make):
    pipe = make()["id"]
    path = f"{penstock.pipes_path}/{pipe}"
    newest = audit(penstock, "?limit=1")["entries"]
    for method, where, body, key in (
            ("PATCH", f"{path}/scaling", {"replicas": 41}, ()), ("POST", penstock.pipes_path, {"name": "x"}, ()),
            ("PATCH", path, {"name": "x"}, reader), ("PATCH", path, b"{", ()),
            ("DELETE", f"{penstock.pipes_path}/00000000-0000-4000-8000-000000000000", None, ()),
            ("GET", path, None, ()), ("POST", penstock.pipes_path, body_for(table, {"a": "Strin"}), ())):
        penstock.request(method, where, body, key=key)
    assert audit(penstock, "?limit=1")["entries"] == newest


def test_services_and_who_it_was(penstock, clickhouse):
    key = penstock.create_key("admin", "second")
    made = penstock.request("POST", f"{penstock.organization_path}/services",
                            {"name": "audited", "endpoint": {"url": clickhouse.url, "password": ""}}, key=key).result
    path = f"{penstock.organization_path}/services/{made['id']}"
    assert penstock.request("PATCH", path, {"name": "other"}).status == 200
    assert penstock.request("DELETE", path).status == 200
    entries = of(penstock, made["id"])[::-1]
    assert [(entry["method"], entry["key"]) for entry in entries] == [
        ("POST", key[0]), ("PATCH", penstock.key_id), ("DELETE", penstock.key_id)]
    assert entries[0]["after"] == made and entries[1]["after"]["name"] == "other" and entries[2]["after"] is None


def test_pages(penstock, make):
    pipe = make()["id"]
    for number in range(5):
        penstock.result("PATCH", f"{penstock.pipes_path}/{pipe}", {"name": f"n{number}"})
    whole = of(penstock, pipe)
    seen, cursor = [], ""
    for _ in range(10):
        page = audit(penstock, f"?target={pipe}&limit=2{cursor}")
        seen += page["entries"]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == whole and len(whole) == 6
    assert of(penstock, pipe, f"&to={whole[-1]['time']}") == [] and of(penstock, pipe, "&from=2999-01-01T00:00:00Z") == []
    for bad in ("limit=0", "cursor=x", "from=x"):
        assert penstock.request("GET", f"{penstock.organization_path}/audit?{bad}").status == 400


@pytest.fixture
def other_database():
    with PrivatePostgres() as cluster:
        yield cluster


def test_no_change_without_an_entry(other_database, clickhouse, table):
    """When the entry cannot be written, the change is not made; when its end cannot, the entry stays."""
    with Penstock(other_database.url) as own:
        own.create_service(clickhouse.url)
        pipe = own.create_pipe(body_for(table))
        other_database.query("ALTER TABLE audit_entry ADD CONSTRAINT refuse CHECK (method <> 'PATCH')")
        path = f"{own.pipes_path}/{pipe['id']}"
        assert own.request("PATCH", path, {"name": "x"}).status >= 500
        assert own.pipe(pipe["id"]) == pipe
        other_database.query("ALTER TABLE audit_entry DROP CONSTRAINT refuse")
        other_database.query("ALTER TABLE audit_entry ADD CONSTRAINT refuse CHECK (outcome <> 'done') NOT VALID")
        assert own.request("PATCH", path, {"name": "x"}).status == 200
        entry = of(own, pipe["id"])[0]
        assert entry["method"] == "PATCH" and entry["outcome"] == "unknown" and entry["before"] == pipe
        assert "audit_not_completed" in own.log()
