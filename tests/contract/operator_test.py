"""What an operator may do beyond Cloud's API: change a stopped pipe's source, restart it, look at its offsets."""
import json

import pytest

from tests.harness import net
from tests.harness.certificates import ending_in


def source(penstock, pipe, kafka, **more):
    return penstock.request("PATCH", f"{penstock.pipes_path}/{pipe}/source", {"kafka": kafka, **more})


@pytest.fixture
def stopped(penstock, make):
    pipe = make(kafka={"consumerGroup": "g1", "exactlyOnce": True, "offset": {"strategy": "from_latest"}},
                settings={"kafka_read_committed": True})
    penstock.command_pipe(pipe["id"], "stop")
    return penstock.pipe(pipe["id"])


def test_source_of_a_stopped_pipe(penstock, database, stopped):
    pipe = stopped["id"]
    secrets = lambda: database.query(f"SELECT md5(secrets) FROM pipe WHERE id = '{pipe}'")
    before = secrets()
    changed = source(penstock, pipe, {"topics": "t2,t3", "exactlyOnce": False}).result
    expected = {**stopped["source"]["kafka"], "topics": "t2,t3", "exactlyOnce": False}
    assert changed["source"]["kafka"] == expected and penstock.pipe(pipe) == changed
    assert changed["state"] == "Stopped" and changed["settings"] == stopped["settings"] and secrets() == before
    changed = source(penstock, pipe, {"offset": None, "exactlyOnce": None, "consumerGroup": None}).result
    kafka = changed["source"]["kafka"]
    assert kafka["consumerGroup"] == f"clickpipes-{pipe}" and "offset" not in kafka and "exactlyOnce" not in kafka
    assert database.query(f"SELECT consumer_group FROM pipe WHERE id = '{pipe}'") == f"clickpipes-{pipe}"
    assert source(penstock, pipe, {"consumerGroup": "g2"}).result["source"]["kafka"]["consumerGroup"] == "g2"
    reply = source(penstock, pipe, {"credentials": {"username": "u", "password": "rotated-hunter2"}})
    assert reply.status == 200 and "hunter2" not in reply.text and secrets() != before
    events = penstock.result("GET", f"{penstock.pipes_path}/{pipe}/events?type=credentials")["events"]
    assert len(events) == 1 and "hunter2" not in json.dumps(events)
    shown = penstock.pipe(pipe)
    assert source(penstock, pipe, {}).result == shown
    assert source(penstock, pipe, {"unknown": 1, "topics": "t2,t3"}).result == shown


def test_offsets_of_other_topics_are_forgotten(penstock, database, stopped):
    pipe = stopped["id"]
    database.query(f"INSERT INTO pipe_partition VALUES ('{pipe}', 't1', 0, 5, 9)")
    path = f"{penstock.pipes_path}/{pipe}/offsets"
    row = {"topic": "t1", "partition": 0, "committed": 5, "end": 9, "lag": 4}
    assert penstock.result("GET", path) == {"partitions": [row]}
    assert source(penstock, pipe, {"exactlyOnce": None}).status == 200
    assert penstock.result("GET", path) == {"partitions": [row]}
    assert source(penstock, pipe, {"topics": "t2"}).status == 200
    assert penstock.result("GET", path) == {"partitions": []}


def test_edits_raise_the_mapping_version_and_the_epoch(penstock, database, stopped):
    """Ranges that were sent and not confirmed are finished with the mapping they were made with; forgotten only where the
    group or the brokers are others."""
    pipe = stopped["id"]
    path = f"{penstock.pipes_path}/{pipe}"
    versions = lambda: tuple(database.query(f"SELECT epoch || ' ' || mapping_version FROM pipe WHERE id = '{pipe}'").split())
    older = lambda: json.loads(database.query(f"SELECT mapping FROM pipe_mapping WHERE pipe_id = '{pipe}' ORDER BY version DESC LIMIT 1"))
    assert versions() == ("1", "1")
    assert penstock.request("PATCH", path, {"name": "another"}).status == 200
    assert penstock.request("PUT", f"{path}/settings", {"penstock_batch_rows": 5}).status == 200
    assert source(penstock, pipe, {"topics": "t1,t2"}).status == 200
    assert versions() == ("1", "1")
    columns = [{"name": "id", "type": "UInt64"}]
    mapping = [{"sourceField": "a.id", "destinationField": "id"}]
    assert penstock.request("PATCH", path, {"destination": {"columns": columns}, "fieldMappings": mapping}).status == 200
    assert versions() == ("1", "2") and older() == {
        "source": {"kafka": {"format": "JSONEachRow"}}, "destination": {"columns": columns}, "settings": {},
        **({"fieldMappings": stopped["fieldMappings"]} if stopped.get("fieldMappings") else {})}
    assert penstock.request("PUT", f"{path}/settings", {"penstock_null": "error"}).status == 200
    assert versions() == ("1", "3") and older()["fieldMappings"] == mapping
    assert source(penstock, pipe, {"consumerGroup": "g2"}).status == 200
    assert versions() == ("2", "3")
    assert source(penstock, pipe, {"brokers": "127.0.0.1:8"}).status == 200
    assert versions() == ("3", "3")
    assert database.query(f"SELECT count(*) FROM pipe_mapping WHERE pipe_id = '{pipe}'") == "2"


@pytest.mark.parametrize("kafka, pointer", [
    ({"topics": ""}, "/source/kafka/topics"), ({"brokers": None}, "/source/kafka/brokers"),
    ({"format": "CSV"}, "/source/kafka/format"), ({"offset": {"strategy": "never"}}, "/source/kafka/offset"),
    ({"exactlyOnce": "yes"}, "/source/kafka/exactlyOnce"), ({"topics": 1}, "/source/kafka/topics"),
    ({"credentials": None}, "/source/kafka/credentials"),
])
def test_a_bad_source_changes_nothing(penstock, stopped, kafka, pointer):
    reply = source(penstock, stopped["id"], {"topics": "t9", **kafka})
    assert reply.status == 400 and pointer in reply.error, reply.text
    assert penstock.pipe(stopped["id"]) == stopped


def test_source_while_running_is_400(penstock, make):
    pipe = make()
    reply = source(penstock, pipe["id"], {"topics": "t2"})
    assert reply.status == 400 and "must be stopped" in reply.error and "must be paused to edit" not in reply.error
    for body in ({}, {"kafka": []}, {"kafka": None}):
        assert penstock.request("PATCH", f"{penstock.pipes_path}/{pipe['id']}/source", body).status == 400
    assert penstock.pipe(pipe["id"]) == pipe


def test_new_logins_reach_a_running_pipe(penstock, database, make):
    registry = {"url": "https://r.invalid", "authentication": "PLAIN"}
    login = {"username": "key", "password": "hunter2-old"}
    pipe = make(kafka={"format": "AvroConfluent", "schemaRegistry": {**registry, "credentials": login}})
    column = lambda name: database.query(f"SELECT {name} FROM pipe WHERE id = '{pipe['id']}'")
    secrets, revision = column("md5(secrets)"), int(column("revision"))
    new = {"credentials": {"username": "key", "password": "hunter2-new"}}
    reply = penstock.request("PATCH", f"{penstock.pipes_path}/{pipe['id']}",
                             {"source": {"kafka": {"schemaRegistry": new}}})
    assert reply.status == 400 and column("md5(secrets)") == secrets  # as on Cloud
    changed = source(penstock, pipe["id"], {"schemaRegistry": new})
    assert changed.status == 200 and "hunter2" not in changed.text
    assert changed.result["source"]["kafka"]["schemaRegistry"] == registry
    assert column("md5(secrets)") != secrets and int(column("revision")) == revision + 1
    events = penstock.result("GET", f"{penstock.pipes_path}/{pipe['id']}/events?type=credentials")["events"]
    assert len(events) == 1
    moved = {"schemaRegistry": {"url": "https://elsewhere.invalid", **new}}
    assert "must be stopped" in source(penstock, pipe["id"], moved).error
    assert int(column("revision")) == revision + 1


def test_certificates_that_end(penstock, database, make, tmp_path):
    """Thirty days before: a warning in the summary and one event; at the end another; none once it is replaced."""
    soon, late = ending_in(tmp_path / "soon", 10), ending_in(tmp_path / "late", 40)
    login = lambda pair: {"authentication": "MUTUAL_TLS", "credentials": {"certificate": pair[0], "privateKey": pair[1]}}
    pipe = make(kafka={**login(soon), "caCertificate": late[0]})["id"]
    path = f"{penstock.pipes_path}/{pipe}"
    events = lambda: [(event["severity"], event["message"]) for event in
                      penstock.result("GET", f"{path}/events?type=credentials")["events"] if "expire" in event["message"]]
    warnings = lambda: penstock.summary(pipe)["warnings"]
    net.wait_until(events, 30, "the event")
    (said,) = warnings()
    assert said.startswith("the client's certificate (source.kafka.credentials.certificate) expires on 20"), said
    assert events() == [("warning", said)]
    (of_list,) = [row["warnings"] for row in penstock.result("GET", f"{penstock.pipes_path}/summary") if row["id"] == pipe]
    assert of_list == [said]
    database.query(f"UPDATE pipe SET certificate_ends_at = now() - interval '1 s' WHERE id = '{pipe}'")
    net.wait_until(lambda: len(events()) == 2, 30, "the second event")
    assert events()[0][0] == "critical" and " expired on " in events()[0][1] and warnings() == [events()[0][1]]
    assert penstock.request("PATCH", path, {"source": {"kafka": login(late)}}).status == 200
    net.wait_until(lambda: warnings() == [], 30, "no warning")
    assert len(events()) == 2


def test_restart(penstock, database, make):
    pipe = make()["id"]
    path = f"{penstock.pipes_path}/{pipe}/restart"
    revision = lambda: int(database.query(f"SELECT revision FROM pipe WHERE id = '{pipe}'"))
    before = revision()
    assert penstock.result("POST", path, {})["id"] == pipe and revision() == before + 1
    database.query(f"UPDATE pipe SET failed_at = now(), failure_code = 'INTERNAL' WHERE id = '{pipe}'")
    assert penstock.result("POST", path)["state"] == "Provisioning"
    assert len(penstock.result("GET", f"{penstock.pipes_path}/{pipe}/events?type=restarted")["events"]) == 2
    penstock.command_pipe(pipe, "stop")
    reply = penstock.request("POST", path)
    assert reply.status == 400 and "stopped" in reply.error
    assert penstock.pipe(pipe)["state"] == "Stopped"


@pytest.mark.parametrize("body, word", [
    ({}, "/to"), ({"to": "nowhere"}, "/to"), ({"to": "timestamp"}, "/timestamp"),
    ({"to": "timestamp", "timestamp": "yesterday"}, "/timestamp"), ({"to": "offsets"}, "/offsets"),
    ({"to": "offsets", "offsets": [{"topic": "t", "partition": 0}]}, "/offsets/0"),
    ({"to": "offsets", "offsets": [{"topic": "t", "partition": 0, "offset": -1}]}, "/offsets/0"),
    ({"to": "offsets", "offsets": [{"topic": "t", "partition": 0, "offset": 1}, {"topic": "t", "partition": 1, "offset": 1},
                                   {"topic": "t", "partition": 0, "offset": 1}]}, "/offsets/2: this partition is named twice"),
    ({"to": "latest", "dryRun": "yes"}, "/dryRun"), ({"to": "latest", "dryrun": True}, "/dryrun: there is no such member"),
    ({"to": "latest", "timestamp": "2026-01-01T00:00:00Z"}, "/timestamp: goes with"), ({"to": "latest", "offsets": []}, "/offsets"),
    ({"to": 5, "dryRun": 1, "x": 1, "offsets": {}}, "/x: there is no such member; /to: required"),
    ({"to": 5, "dryRun": 1, "x": 1, "offsets": {}}, "/offsets: must be a list of 1 to 100000"),
    ({"to": 5, "dryRun": 1, "x": 1, "offsets": {}}, "/dryRun: must be true or false"),
])
def test_bad_resets(penstock, stopped, body, word):
    reply = penstock.request("POST", f"{penstock.pipes_path}/{stopped['id']}/offsets/reset", body)
    assert reply.status == 400 and word in reply.error


def test_reset_needs_a_stopped_pipe_and_a_worker(penstock, make):
    pipe = make()["id"]
    path = f"{penstock.pipes_path}/{pipe}/offsets/reset"
    reply = penstock.request("POST", path, {"to": "latest"})
    assert reply.status == 400 and "must be stopped" in reply.error
    penstock.command_pipe(pipe, "stop")
    assert penstock.request("POST", path, {"to": "latest"}).status == 503
