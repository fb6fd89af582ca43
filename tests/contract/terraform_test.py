"""The conformance cases of the ClickPipes API, by number, played by a stand-in for the official
Terraform provider: it sends the provider's requests byte for byte (Go's JSON, its User-Agent, its order of calls) and
applies the provider's own rules to the answers: only 200 is success, 5xx and 429 are tried again, and what is read
back must equal what was planned ("Provider produced inconsistent result after apply")."""
import concurrent.futures
import copy
import http.server
import json
import re
import threading

import pytest

from tests.harness.net import free_port

from .conftest import BROKERS, TERRAFORM

HEAD = {**TERRAFORM, "Content-Type": "application/json; charset=utf-8"}
PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
KEYS = ["-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----\n" % text for text in ("AAAA", "BBBB")]
CREDENTIALS = {"username": "u", "password": "hunter2"}


def go_json(body):
    """As Go's encoding/json writes it to a body: compact, UTF-8, <, > and & escaped, a newline at the end."""
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text.encode() + b"\n"


class Inconsistent(AssertionError):
    """Provider produced inconsistent result after apply."""


def consistent(what, planned, read):
    if type(planned) is not type(read) or planned != read:
        raise Inconsistent(f"{what}: planned {planned!r}, read {read!r}")


class Provider:
    """Plans are dictionaries like create bodies, with `stopped` beside; unset is absent."""

    def __init__(self, penstock, retry=True):
        self.penstock = penstock
        self.retry = retry
        self.calls = []

    def call(self, method, tail, body=None, gone_is_none=False):
        path = f"{self.penstock.pipes_path}/{tail}"
        raw = None if body is None else go_json(body)
        for _ in range(4 if self.retry else 1):
            reply = self.penstock.request(method, path, raw, headers=HEAD if raw else TERRAFORM)
            self.calls.append((method, tail.partition("/")[2], raw, reply.status))
            if reply.status != 429 and reply.status < 500:
                break
        if gone_is_none and reply.status == 404:
            return None
        assert reply.status == 200, f"status: {reply.status}, body: {reply.text}"
        return reply.json.get("result")

    def read(self, pipe_id):
        """Of a refresh: None drops the pipe from the state."""
        return self.call("GET", pipe_id, gone_is_none=True)

    def check(self, plan, pipe):
        """The read-back rules, attribute by attribute."""
        for name in ("name", "fieldMappings", "settings"):
            if name in plan:
                consistent(name, plan[name], pipe.get(name))
            elif pipe.get(name):
                raise Inconsistent(f"{name}: not planned, read {pipe[name]!r}")
        kafka, sent = pipe["source"]["kafka"], plan["source"]["kafka"]
        for name in ("type", "format", "brokers", "topics", "authentication"):
            consistent(f"source.{name}", sent[name], kafka[name])
        for name in ("iamRole", "caCertificate", "offset", "exactlyOnce"):
            consistent(f"source.{name}", sent.get(name), kafka.get(name))
        if sent.get("offset") is not None:
            consistent("offset.timestamp", sent["offset"].get("timestamp"), kafka["offset"].get("timestamp"))
        if "consumerGroup" in sent:
            consistent("consumerGroup", sent["consumerGroup"], kafka["consumerGroup"])
        assert isinstance(kafka["consumerGroup"], str) and kafka["consumerGroup"]
        registry = sent.get("schemaRegistry")
        shown = kafka.get("schemaRegistry")
        consistent("schemaRegistry", registry and {key: registry[key] for key in registry if key != "credentials"}, shown)
        assert not kafka.get("reversePrivateEndpointIds") and "credentials" not in json.dumps(pipe)
        to, wanted = pipe["destination"], plan["destination"]
        for name in ("database", "table", "managedTable", "columns"):
            consistent(f"destination.{name}", wanted[name], to[name])
        assert "roles" not in to
        table, planned = to.get("tableDefinition"), wanted.get("tableDefinition")
        consistent("tableDefinition", planned is None, table is None)
        if planned is not None:
            consistent("engine.type", planned["engine"]["type"], table["engine"]["type"].partition("(")[0])
            consistent("sortingKey", planned["sortingKey"], table.get("sortingKey") or [])
            for name in ("partitionBy", "primaryKey"):
                consistent(name, planned.get(name), table.get(name))
        for name, value in plan.get("scaling", {}).items():
            consistent(f"scaling.{name}", True, value == pipe["scaling"][name])
        assert isinstance(pipe["scaling"]["replicas"], int) and len(pipe["scaling"]) == 3
        for name in ("createdAt", "updatedAt"):
            assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$", pipe[name])

    def create(self, plan):
        body = {key: plan[key] for key in ("name", "source", "destination", "fieldMappings", "settings") if key in plan}
        made = self.call("POST", "", body)
        differing = {key: value for key, value in plan.get("scaling", {}).items() if made["scaling"][key] != value}
        if differing:
            made = self.call("PATCH", f"{made['id']}/scaling", differing)
        pipe = self.call("GET", made["id"])
        self.check(plan, pipe)
        return pipe["id"]

    def update(self, pipe_id, old, new):
        """One apply; asserts that the plan after it is empty."""
        live = self.call("GET", pipe_id)
        patch = {}
        if old["name"] != new["name"]:
            patch["name"] = new["name"]
        before, after = old["source"]["kafka"], new["source"]["kafka"]
        if before != after:
            kafka = {"authentication": after["authentication"]}
            if before.get("credentials") != after.get("credentials") and "credentials" in after:
                kafka["credentials"] = after["credentials"]
            kafka.update({key: after[key] for key in ("iamRole", "caCertificate") if key in after})
            patch["source"] = {"kafka": kafka}
        if (old["destination"]["columns"], old.get("fieldMappings")) != (
                new["destination"]["columns"], new.get("fieldMappings")):
            patch["destination"] = {"columns": new["destination"]["columns"]}
            if new.get("fieldMappings"):
                patch["fieldMappings"] = new["fieldMappings"]
        if patch:
            live = self.call("PATCH", pipe_id, patch)
        if old.get("settings") != new.get("settings"):
            self.call("PUT", f"{pipe_id}/settings", new.get("settings", {}))
        idle = live["state"] in ("Stopped", "Stopping", "Paused", "Pausing")
        if new.get("stopped"):
            if patch or not idle:
                self.call("PATCH", f"{pipe_id}/state", {"command": "stop"})
        elif idle or live["state"] == "Failed":
            self.call("PATCH", f"{pipe_id}/state", {"command": "start"})
        scaling = new.get("scaling", {})
        if scaling and (scaling != old.get("scaling") or len(scaling) < 3):
            self.call("PATCH", f"{pipe_id}/scaling", scaling)
        pipe = self.call("GET", pipe_id)
        self.check(new, pipe)
        return pipe

    def delete(self, pipe_id):
        self.call("DELETE", pipe_id)


@pytest.fixture
def provider(penstock):
    return Provider(penstock)


@pytest.fixture
def plan(table):
    """The smallest configuration: PLAIN into a managed table."""
    return {
        "name": "p1",
        "source": {"kafka": {"type": "confluent", "format": "JSONEachRow", "brokers": BROKERS, "topics": "t1",
                             "authentication": "PLAIN", "credentials": dict(CREDENTIALS)}},
        "destination": {"database": "default", "table": table, "managedTable": True,
                        "tableDefinition": {"engine": {"type": "MergeTree"}, "sortingKey": []},
                        "columns": [{"name": "id", "type": "UInt64"}]}}


def changed(plan, **more):
    """A deep copy; kafka and destination are merged, None removes."""
    new = copy.deepcopy(plan)
    for target, members in ((new["source"]["kafka"], more.pop("kafka", {})),
                            (new["destination"], more.pop("destination", {})), (new, more)):
        for name, value in members.items():
            if value is None:
                target.pop(name, None)
            else:
                target[name] = value
    return new


def running(database, pipe_id):
    """As if a replica consumed."""
    database.query(f"UPDATE pipe SET ready_at = now() WHERE id = '{pipe_id}'")


def bodies(provider, method, tail=None):
    return [json.loads(raw) for verb, end, raw, _ in provider.calls
            if verb == method and raw is not None and (tail is None or end == tail)]


def refused(penstock, body, word=""):
    before = penstock.result("GET", penstock.pipes_path)
    reply = penstock.request("POST", penstock.pipes_path + "/", go_json(body), headers=HEAD)
    assert reply.status == 400 and word in reply.error, reply.text
    assert penstock.result("GET", penstock.pipes_path) == before


def test_case_01_trailing_slash(penstock, plan):
    for number, tail in enumerate(("/", "")):
        body = changed(plan, destination={"table": f"{plan['destination']['table']}_{number}"})
        reply = penstock.request("POST", penstock.pipes_path + tail, go_json(body), headers=HEAD)
        assert reply.status == 200 and reply.result["id"]


def test_case_02_minimal_create(provider, plan):
    pipe_id = provider.create(plan)
    pipe = provider.read(pipe_id)
    assert pipe["source"]["kafka"]["consumerGroup"] == f"clickpipes-{pipe_id}"
    assert not {"offset", "schemaRegistry"} & set(pipe["source"]["kafka"]) and "settings" not in pipe
    assert [(method, tail) for method, tail, _, _ in provider.calls] == [("POST", ""), ("GET", ""), ("GET", "")]


def test_case_03_and_05_scaling(provider, penstock, database, plan):
    first = changed(plan, scaling={"replicas": 2, "replicaCpuMillicores": 250, "replicaMemoryGb": 1.0})
    pipe_id = provider.create(first)
    assert bodies(provider, "PATCH") == [{"replicas": 2, "replicaCpuMillicores": 250, "replicaMemoryGb": 1.0}]
    assert provider.read(pipe_id)["scaling"] == {"replicas": 2, "replicaCpuMillicores": 250, "replicaMemoryGb": 1}
    running(database, pipe_id)
    provider.calls.clear()
    provider.update(pipe_id, first, changed(first, scaling={**first["scaling"], "replicas": 4, "replicaMemoryGb": 2.0}))
    assert [(method, tail) for method, tail, _, _ in provider.calls] == [("GET", ""), ("PATCH", "scaling"), ("GET", "")]
    reply = penstock.request("PATCH", f"{penstock.pipes_path}/{pipe_id}/scaling", go_json({"replicas": 41}))
    assert reply.status == 400 and provider.read(pipe_id)["scaling"]["replicas"] == 4


def test_case_04_scaling_that_matches(provider, plan):
    pipe_id = provider.create(changed(plan, scaling={"replicas": 1}))
    assert bodies(provider, "PATCH") == []
    assert provider.read(pipe_id)["scaling"] == {"replicas": 1, "replicaCpuMillicores": 125, "replicaMemoryGb": 0.5}


def test_case_06_rename(provider, plan):
    first = changed(plan, scaling={"replicas": 2})
    pipe_id = provider.create(first)
    provider.calls.clear()
    provider.update(pipe_id, first, changed(first, name="renamed 🚰 <&>"))
    assert bodies(provider, "PATCH") == [{"name": "renamed 🚰 <&>"}, {"replicas": 2}]
    assert b"\\u003c\\u0026\\u003e" in provider.calls[1][2]


def test_case_07_and_08_rotation_and_unrelated_edit(provider, penstock, database, plan):
    pipe_id = provider.create(plan)
    secret = lambda: database.query(f"SELECT md5(secrets) FROM pipe WHERE id = '{pipe_id}'")
    database.query(f"INSERT INTO pipe_partition VALUES ('{pipe_id}', 't1', 0, 5, 9)")
    before = secret()
    second = changed(plan, kafka={"credentials": {"username": "u", "password": "rotated-hunter2"}})
    provider.update(pipe_id, plan, second)
    assert bodies(provider, "PATCH") == [{"source": {"kafka": {
        "authentication": "PLAIN", "credentials": {"username": "u", "password": "rotated-hunter2"}}}}]
    rotated = secret()
    assert rotated != before
    assert penstock.result("GET", f"{penstock.pipes_path}/{pipe_id}/offsets")["partitions"][0]["committed"] == 5
    third = changed(second, kafka={"caCertificate": PEM})
    provider.update(pipe_id, second, third)
    assert bodies(provider, "PATCH")[-1] == {"source": {"kafka": {"authentication": "PLAIN", "caCertificate": PEM}}}
    assert secret() == rotated
    provider.update(pipe_id, third, second)  # removed: the provider says nothing, we know it
    assert "hunter2" not in penstock.log()


def test_case_09_mutual_tls(provider, plan):
    first = changed(plan, kafka={"authentication": "MUTUAL_TLS", "caCertificate": PEM, "brokers": "127.0.0.1:9",
                                 "credentials": {"certificate": PEM, "privateKey": KEYS[0]}})
    pipe_id = provider.create(first)
    provider.update(pipe_id, first, changed(first, kafka={"credentials": {"certificate": PEM, "privateKey": KEYS[1]}}))


def test_case_10_iam_without_a_role_is_refused(penstock, plan):
    refused(penstock, changed(plan, kafka={"type": "msk", "authentication": "IAM_ROLE", "credentials": None}))
    refused(penstock, changed(plan, kafka={"iamRole": "arn:aws:iam::1:role/r"}))
    refused(penstock, changed(plan, kafka={"type": "msk", "authentication": "IAM_USER"}))


def test_case_11_auth_switch(provider, plan):
    pipe_id = provider.create(plan)
    second = changed(plan, kafka={"authentication": "MUTUAL_TLS", "caCertificate": PEM,
                                  "credentials": {"certificate": PEM, "privateKey": KEYS[0]}})
    provider.update(pipe_id, plan, second)
    provider.update(pipe_id, second, plan)


def test_case_12_event_hubs(provider, plan):
    secret = "Endpoint=sb://n.servicebus.windows.net/;SharedAccessKeyName=k;SharedAccessKey=aHVudGVyMg=="
    pipe_id = provider.create(changed(plan, kafka={
        "type": "azureeventhub", "brokers": "n.servicebus.windows.net:9093",
        "credentials": {"connectionString": secret}}))
    assert "SharedAccessKey" not in json.dumps(provider.read(pipe_id))


def test_case_13_registry_cannot_be_patched(provider, penstock, plan):
    pipe_id = provider.create(plan)
    path = f"{penstock.pipes_path}/{pipe_id}"
    before = provider.read(pipe_id)
    registry = {"schemaRegistry": {"credentials": {"username": "a", "password": "b"}}}
    assert penstock.request("PATCH", path, {"name": "x", "source": {"kafka": registry}}).status == 400
    assert penstock.result("PATCH", path, {"source": {"kafka": {"brokers": "other:1"}}}) == before


@pytest.mark.parametrize("offset", [{"strategy": "from_beginning"}, {"strategy": "from_latest"},
                                    {"strategy": "from_timestamp", "timestamp": "2021-01-01T00:00"}])
def test_case_14_offsets(provider, plan, offset):
    provider.create(changed(plan, kafka={"offset": offset}))


@pytest.mark.parametrize("offset", [{"strategy": "from_timestamp"}, {"strategy": "from_timestamp", "timestamp": "x"}])
def test_case_14_offsets_that_are_none(penstock, plan, offset):
    refused(penstock, changed(plan, kafka={"offset": offset}), "offset")


def test_case_15_consumer_group(provider, plan):
    provider.create(changed(plan, kafka={"consumerGroup": "g1"}))


@pytest.mark.parametrize("value", [True, False])
def test_case_16_exactly_once(provider, plan, value):
    first = changed(plan, kafka={"exactlyOnce": value})
    pipe_id = provider.create(first)
    provider.update(pipe_id, first, changed(first, kafka={"credentials": {"username": "u", "password": "p2"}}))


def test_case_17_unmanaged_table(provider, penstock, clickhouse, plan):
    unmanaged = changed(plan, destination={"managedTable": False, "tableDefinition": None})
    refused(penstock, unmanaged, "does not exist")
    clickhouse.query(f"CREATE TABLE {plan['destination']['table']} (id UInt64) ENGINE = MergeTree ORDER BY id")
    provider.create(unmanaged)


@pytest.mark.parametrize("definition", [
    {"engine": {"type": "ReplacingMergeTree", "versionColumnId": "v"}, "sortingKey": ["v", "id"]},
    {"engine": {"type": "SummingMergeTree", "columnIds": ["v"]}, "sortingKey": ["id"]},
    {"engine": {"type": "Null"}, "sortingKey": []},
    {"engine": {"type": "MergeTree"}, "sortingKey": ["id", "v"], "partitionBy": "id % 8", "primaryKey": "id"}])
def test_case_18_engines(provider, clickhouse, plan, definition):
    columns = [{"name": "id", "type": "UInt64"}, {"name": "v", "type": "Decimal(18,3)"}]
    if definition["engine"]["type"] == "ReplacingMergeTree":
        columns[1]["type"] = "UInt32"
    config = changed(plan, destination={"tableDefinition": definition, "columns": columns})
    provider.create(config)
    if definition["engine"]["type"] != "Null":
        clickhouse.query(f"INSERT INTO {plan['destination']['table']} VALUES (1, 1)")
    provider.create(config)  # our choice: a table that fits is taken, full or not


def test_case_19_roles(provider, plan):
    provider.create(changed(plan, destination={"roles": ["r1", "r2"]}))


def test_case_20_field_mappings(provider, penstock, clickhouse, plan):
    first = changed(plan, destination={"columns": [{"name": "id", "type": "UInt64"}, {"name": "my_field1", "type": "String"}]},
                    fieldMappings=[{"sourceField": "my_field", "destinationField": "my_field1"}])
    pipe_id = provider.create(first)
    second = changed(first, destination={"columns": first["destination"]["columns"] + [{"name": "z", "type": "Int8"}]},
                     fieldMappings=[{"sourceField": "zz", "destinationField": "z"}, *first["fieldMappings"]])
    provider.update(pipe_id, first, second)
    assert list(bodies(provider, "PATCH")[0]) == ["destination", "fieldMappings"]
    assert clickhouse.value(f"SELECT count() FROM system.columns WHERE table = '{plan['destination']['table']}'") == "2"
    reply = penstock.request("PATCH", f"{penstock.pipes_path}/{pipe_id}", {"name": "x", "fieldMappings": []})
    assert reply.status == 400 and "Columns are required if field mappings are provided" in reply.error
    provider.check(second, provider.read(pipe_id))
    third = changed(second, fieldMappings=None)
    provider.update(pipe_id, second, third)  # the provider drops the empty list from the JSON
    assert list(bodies(provider, "PATCH")[-1]) == ["destination"]


def test_case_21_settings_lifecycle(provider, penstock, plan):
    plans = [changed(plan, settings=value) for value in (
        {"kafka_read_committed": True}, {"kafka_read_committed": True, "streaming_max_insert_wait_ms": 10000},
        {"streaming_max_insert_wait_ms": 10000}, None, {"kafka_read_committed": False}, None)]
    pipe_id = provider.create(plans[0])
    for old, new in zip(plans, plans[1:]):
        provider.update(pipe_id, old, new)
        assert bodies(provider, "PUT", "settings")[-1] == new.get("settings", {})
    for bad in ({"streaming_max_insert_wait_ms": 499}, {"streaming_max_insert_wait_ms": 60001},
                {"object_storage_concurrency": 1}, {"kafka_read_committed": "<nil>"}):
        path = f"{penstock.pipes_path}/{pipe_id}/settings"
        assert penstock.request("PUT", path, go_json(bad), headers=HEAD).status == 400
        refused(penstock, changed(plan, settings=bad))
    provider.check(plan, provider.read(pipe_id))


def test_case_22_settings_for_scripts(provider, penstock, plan):
    pipe_id = provider.create(plan)
    path = f"{penstock.pipes_path}/{pipe_id}/settings"
    assert penstock.result("GET", path)["kafka_read_committed"] is False and "settings" not in provider.read(pipe_id)
    penstock.result("PUT", path, {"kafka_read_committed": False})
    penstock.result("PUT", path, {"streaming_max_insert_wait_ms": 5000})
    assert provider.read(pipe_id)["settings"] == {"kafka_read_committed": False, "streaming_max_insert_wait_ms": 5000}


def test_case_23_24_and_25_stop_start_edit(provider, penstock, database, plan):
    pipe_id = provider.create(plan)
    running(database, pipe_id)
    stopped = changed(plan, stopped=True)
    assert provider.update(pipe_id, plan, stopped)["state"] == "Stopped"
    edited = changed(stopped, kafka={"credentials": {"username": "u", "password": "p2"}})
    assert provider.update(pipe_id, stopped, edited)["state"] == "Stopped"
    assert [tail for method, tail, _, _ in provider.calls if method == "PATCH"] == ["state", "", "state"]
    again = changed(edited, stopped=None)
    assert provider.update(pipe_id, edited, again)["state"] == "Provisioning"
    running(database, pipe_id)
    path = f"{penstock.pipes_path}/{pipe_id}/state"
    reply = penstock.request("PATCH", path, go_json({"command": "start"}), headers=HEAD)
    assert reply.status == 400 and "ClickPipe is already running" in reply.error
    assert penstock.result("PATCH", path, {"action": "stop"})["state"] == "Stopped"


def test_case_26_failed_pipe_recovery(provider, database, plan):
    pipe_id = provider.create(plan)
    database.query("UPDATE pipe SET failed_at = now(), failure_code = 'SOURCE_AUTHENTICATION', failure_message = 'x' "
                   f"WHERE id = '{pipe_id}'")
    fixed = changed(plan, kafka={"credentials": {"username": "u", "password": "right"}})
    assert provider.update(pipe_id, plan, fixed)["state"] == "Provisioning"
    assert bodies(provider, "PATCH", "state") == [{"command": "start"}]


def test_case_27_import(provider, plan):
    pipe_id = provider.create(plan)
    before = provider.read(pipe_id)
    provider.calls.clear()
    imported = changed(plan, kafka={"credentials": None})
    assert provider.update(pipe_id, imported, plan) == before
    assert bodies(provider, "PATCH") == [{"source": {"kafka": {"authentication": "PLAIN", "credentials": CREDENTIALS}}}]


def test_case_28_out_of_band_delete(provider, penstock, plan):
    pipe_id = provider.create(plan)
    path = f"{penstock.pipes_path}/{pipe_id}"
    assert penstock.request("GET", path, key=(penstock.key_id, "wrong")).status == 401
    provider.delete(pipe_id)
    assert provider.read(pipe_id) is None
    answer = penstock.request("GET", path).json
    assert answer["status"] == 404 and answer["error"] == f"NOT_FOUND: {pipe_id}" and answer["requestId"]
    # with PostgreSQL away: 5xx (outage_test)


def test_case_29_and_30_delete_and_replace(provider, database, plan):
    for state in ("Provisioning", "Running", "Stopped"):
        pipe_id = provider.create(plan)
        if state == "Running":
            running(database, pipe_id)
        elif state == "Stopped":
            provider.update(pipe_id, plan, changed(plan, stopped=True))
        assert provider.read(pipe_id)["state"] == state
        provider.delete(pipe_id)
        assert provider.read(pipe_id) is None
    other = provider.create(changed(plan, kafka={"topics": "t2"}))
    assert other != pipe_id and provider.read(other)["source"]["kafka"]["consumerGroup"] == f"clickpipes-{other}"


class Flaky:
    """A proxy that answers the first requests of a method itself, or lets them through and drops the answer."""

    def __init__(self, penstock, answers):
        self.port, upstream, left = free_port(), penstock.port, list(answers)

        class Handler(http.server.BaseHTTPRequestHandler):
            """Forwards what it does not answer."""

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if left:
                    status, headers = left.pop(0)
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                port, penstock.port = penstock.port, upstream
                reply = penstock.request("POST", self.path, body, headers=dict(self.headers), key=None)
                penstock.port = port
                self.send_response(reply.status)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            def log_message(self, *unused):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.mark.parametrize("answer", [(503, {}), (429, {"X-RateLimit-Reset": "0"})])
def test_case_31_transient_errors(penstock, plan, answer):
    before = len(penstock.result("GET", penstock.pipes_path))
    flaky, port = Flaky(penstock, [answer]), penstock.port
    penstock.port = flaky.port
    try:
        made = Provider(penstock).call("POST", "", {key: plan[key] for key in plan})
    finally:
        penstock.port = port
        flaky.close()
    assert penstock.pipe(made["id"])["id"] == made["id"]
    assert len(penstock.result("GET", penstock.pipes_path)) == before + 1


def test_case_32_list(provider, penstock, plan):
    pipe_id = provider.create(plan)
    listed = penstock.result("GET", penstock.pipes_path)
    for pipe in listed:
        assert penstock.pipe(pipe["id"]) == pipe
    assert pipe_id in [pipe["id"] for pipe in listed]


def test_case_33_envelope(provider, penstock, plan):
    pipe_id = provider.create(plan)
    path = f"{penstock.pipes_path}/{pipe_id}"
    uuid4 = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
    for method, where, status in (("GET", path, 200), ("GET", f"{path}x", 400), ("PUT", path, 405),
                                  ("DELETE", path, 200), ("DELETE", path, 404)):
        answer = penstock.request(method, where).json
        assert answer["status"] == status and uuid4.match(answer["requestId"])
        assert ("error" in answer) is (status != 200) and "result" not in answer or status == 200


def test_case_34_parallel_apply(penstock, database, plan):
    def apply(number):
        own = Provider(penstock, retry=False)
        config = changed(plan, name=f"p{number}", scaling={"replicas": number % 4 + 1},
                         destination={"table": f"{plan['destination']['table']}_{number}"})
        pipe_id = own.create(config)
        running(database, pipe_id)
        for _ in range(5):
            assert own.read(pipe_id)["state"] == "Running"
        own.update(pipe_id, config, changed(config, name=f"q{number}"))
        own.delete(pipe_id)
        return {status for _, _, _, status in own.calls}

    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        assert set().union(*pool.map(apply, range(5))) == {200}


def test_case_35_prometheus(provider, penstock, database, plan):
    pipe_id = provider.create(plan)
    running(database, pipe_id)
    values = []
    for sent in (5, 9):
        database.query(f"UPDATE pipe SET sent_records = {sent} WHERE id = '{pipe_id}'")
        reply = penstock.request("GET", f"{penstock.service_path}/prometheus")
        assert reply.headers["content-type"].startswith("text/plain")
        assert re.search(rf'ClickPipes_Info{{[^}}]*{pipe_id}[^}}]*clickpipe_state="Running"[^}}]*}} 1\n', reply.text)
        values.append(float(re.search(rf"ClickPipes_SentEvents_Total{{[^}}]*{pipe_id}[^}}]*}} (\S+)", reply.text)[1]))
    assert values == [5, 9]


def test_all_in_one_apply(provider, penstock, database, plan):
    """Pipe, settings, state, scaling, in this order; then an apply that takes the scaling block away: {} is a no-op."""
    pipe_id = provider.create(plan)
    running(database, pipe_id)
    new = changed(plan, name="new", stopped=True, settings={"kafka_read_committed": True}, scaling={"replicas": 3},
                  kafka={"caCertificate": PEM, "credentials": {"username": "u", "password": "p2"}},
                  destination={"columns": [{"name": "id", "type": "UInt64"}, {"name": "z", "type": "Int8"}]},
                  fieldMappings=[{"sourceField": "zz", "destinationField": "z"}])
    provider.calls.clear()
    assert provider.update(pipe_id, plan, new)["state"] == "Stopped"
    assert [(method, tail) for method, tail, _, _ in provider.calls] == [
        ("GET", ""), ("PATCH", ""), ("PUT", "settings"), ("PATCH", "state"), ("PATCH", "scaling"), ("GET", "")]
    before = provider.read(pipe_id)
    reply = penstock.request("PATCH", f"{penstock.pipes_path}/{pipe_id}/scaling", go_json({}), headers=HEAD)
    assert reply.status == 200 and reply.result == before
    back = changed(plan, scaling={"replicas": 3})
    running(database, pipe_id)
    assert provider.update(pipe_id, new, back)["scaling"]["replicas"] == 3
    provider.delete(pipe_id)


def test_every_case_is_here():
    named = {int(number) for name in globals() if name.startswith("test_case_") for number in re.findall(r"\d\d", name)}
    assert named == set(range(1, 36))


def test_the_stand_in_can_fail(provider, penstock, plan):
    """What the provider would call inconsistent, the stand-in does too."""
    pipe = provider.read(provider.create(plan))
    for spoil in (lambda p: p.update(settings={"kafka_read_committed": False}), lambda p: p.update(name="other"),
                  lambda p: p["source"]["kafka"].update(offset={"strategy": "from_beginning"}),
                  lambda p: p["source"]["kafka"].update(exactlyOnce=False),
                  lambda p: p["source"]["kafka"].update(caCertificate=""),
                  lambda p: p["destination"].update(managedTable=None),
                  lambda p: p["destination"]["columns"][0].update(type="Decimal(18, 3)"),
                  lambda p: p["destination"]["tableDefinition"].update(partitionBy="")):
        broken = copy.deepcopy(pipe)
        spoil(broken)
        with pytest.raises(AssertionError):
            provider.check(plan, broken)
    provider.check(plan, pipe)
