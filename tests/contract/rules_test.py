"""Single rules of the contract's sections 2.A to 2.9 that no story of the other files tells: what a create takes and
refuses, which login goes with which broker, what a PATCH keeps."""
import itertools

import pytest

from .conftest import TERRAFORM, body_for

PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
LOGINS = {
    "PLAIN": {"credentials": {"username": "u", "password": "p"}},
    "SCRAM-SHA-256": {"credentials": {"username": "u", "password": "p"}},
    "SCRAM-SHA-512": {"credentials": {"username": "u", "password": "p"}},
    "IAM_ROLE": {"credentials": None, "iamRole": "arn:aws:iam::123456789012:role/r"},
    "IAM_USER": {"credentials": {"accessKeyId": "a", "secretKey": "b"}},
    "MUTUAL_TLS": {"credentials": {"certificate": PEM, "privateKey": KEY}},
}
EVERY = {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "MUTUAL_TLS"}
MATRIX = {  # of the contract; all that brokers have where people run them themselves
    "kafka": EVERY, "redpanda": EVERY, "msk": {"SCRAM-SHA-512", "IAM_ROLE", "IAM_USER", "MUTUAL_TLS"},
    "gcmk": {"PLAIN", "MUTUAL_TLS"}, "confluent": {"PLAIN", "MUTUAL_TLS"}, "warpstream": {"PLAIN"},
    "azureeventhub": {"PLAIN"}, "dokafka": {"SCRAM-SHA-256", "MUTUAL_TLS"},
}


def post(penstock, body):
    return penstock.request("POST", penstock.pipes_path, body)


@pytest.mark.parametrize("kind", MATRIX)
def test_which_login_goes_with_which_broker(penstock, kind):
    """Asked with a name that is refused, so that nothing is made: the login is among the problems or not."""
    for login, members in LOGINS.items():
        error = post(penstock, body_for("t", name="", kafka={"type": kind, "authentication": login, **members})).error
        assert "/name" in error
        assert ("/source/kafka/authentication" in error) is (login not in MATRIX[kind]), (kind, login, error)


def test_login_without_its_credentials_and_other_shapes(penstock):
    for login, other in itertools.product(LOGINS, LOGINS.values()):
        members = {"type": "msk" if login.startswith("IAM") else "kafka", "authentication": login, **other}
        if other.keys() == LOGINS[login].keys() and other["credentials"] and LOGINS[login]["credentials"] and (
                other["credentials"].keys() == LOGINS[login]["credentials"].keys()):
            continue
        if login == "IAM_ROLE":
            members["iamRole"] = other.get("iamRole")  # its absence is the problem, other credentials are dropped
            if members["iamRole"]:
                continue
        error = post(penstock, body_for("t", name="", kafka=members)).error
        assert "/source/kafka/" in error, (login, other)


def definition(columns=None, **more):
    return {"columns": columns or {"id": "UInt64"},
            "destination": {"tableDefinition": {"engine": {"type": "MergeTree"}, "sortingKey": [], **more}}}


@pytest.mark.parametrize("more, problem", [
    (definition({"id": "Nullable(UInt64)"}, sortingKey=["id"]), "sortingKey/0: column 'id' is Nullable"),
    (definition(engine={"type": "MergeTree", "versionColumnId": "id"}), "versionColumnId: is only possible"),
    (definition(engine={"type": "MergeTree", "columnIds": ["id"]}), "columnIds: is only possible"),
    (definition(engine={"type": "SummingMergeTree", "columnIds": ["z"]}), "columnIds/0: 'z' is not a column"),
    (definition(engine={"type": "Log"}), "/destination/tableDefinition/engine/type"),
    (definition(ttl="now() + INTERVAL 1 DAY"), "TTL"),
    ({"destination": {"tableDefinition": None}}, "/destination/tableDefinition: is required"),
    ({"destination": {"managedTable": None}}, "/destination/managedTable: is required"),
    ({"destination": {"table": ""}}, "/destination/table"),
    ({"destination": {"roles": ["clickpipes"]}}, "/destination/roles/0: role 'clickpipes' is reserved"),
    ({"destination": {"roles": ["clickpipes_system"]}}, "/destination/roles/0: role 'clickpipes_system' is reserved"),
    ({"name": None}, "/name: is required"), ({"name": "🚰" * 256}, "/name: 256 characters"),
    ({"startPaused": "x"}, "/startPaused"), ({"scaling": {"replicas": 0}}, "replicas: Not between 1 and 40"),
    ({"scaling": {"replicaMemoryGb": "1"}}, "/scaling/replicaMemoryGb"),
    ({"kafka": {"caCertificate": "x"}}, "/source/kafka/caCertificate"),
    ({"kafka": {"offset": {}}}, "/source/kafka/offset/strategy: is required"),
    ({"kafka": {"offset": {"strategy": "from_latest", "timestamp": "2021-01-01T00:00"}}}, "/source/kafka/offset/timestamp"),
    ({"kafka": {"offset": {"strategy": "from_timestamp", "timestamp": "2021-01-01T00:00:00Z"}}}, "offset/timestamp"),
    ({"kafka": {"authentication": "SERVICE_ACCOUNT_WORKLOAD_IDENTITY"}}, "/source/kafka/authentication: unknown value"),
    ({"settings": {"clickhouse_parallel_view_processing": True}}, "only supported for object storage"),
    ({"settings": {"streaming_max_insert_wait_ms": 700.0}}, "must be an integer"),
])
def test_creates_that_are_refused(penstock, clickhouse, table, more, problem):
    more = dict(more)
    columns = more.pop("columns", None)
    before = penstock.result("GET", penstock.pipes_path)
    reply = post(penstock, body_for(table, columns, **more))
    assert reply.status == 400 and problem in reply.error, reply.text
    assert penstock.result("GET", penstock.pipes_path) == before
    assert clickhouse.value(f"EXISTS TABLE {table}") == "0"


@pytest.mark.parametrize("more, shown", [
    (definition(partitionBy="", primaryKey=None, ttl=""), {"engine": {"type": "MergeTree"}, "sortingKey": []}),
    (definition({"id": "UInt64", "d": "Date"}, ttl="d + INTERVAL 1 DAY"),
     {"engine": {"type": "MergeTree"}, "sortingKey": [], "ttl": "d + INTERVAL 1 DAY"}),
    (definition(engine={"type": "SummingMergeTree"}, sortingKey=["id"]),
     {"engine": {"type": "SummingMergeTree"}, "sortingKey": ["id"]}),
])
def test_table_definitions_are_echoed(penstock, table, more, shown):
    more = dict(more)
    pipe = penstock.create_pipe(body_for(table, more.pop("columns"), **more))
    assert pipe["destination"]["tableDefinition"] == shown == penstock.pipe(pipe["id"])["destination"]["tableDefinition"]


def test_empty_and_null_members_are_unset(penstock, make):
    kafka = make(name="🚰" * 255, settings={"kafka_read_committed": None}, scaling={"concurrency": 4, "replicas": None}, kafka={
        "iamRole": "", "caCertificate": "", "consumerGroup": "", "offset": None, "reversePrivateEndpointIds": []})
    assert kafka["name"] == "🚰" * 255 and "settings" not in kafka
    assert kafka["scaling"] == {"replicas": 1, "replicaCpuMillicores": 125, "replicaMemoryGb": 0.5}
    shown = penstock.pipe(kafka["id"])["source"]["kafka"]
    assert sorted(shown) == ["authentication", "brokers", "consumerGroup", "format", "topics", "type"]
    assert shown["consumerGroup"] == f"clickpipes-{kafka['id']}"


def test_database_is_default_when_left_out(penstock, table):
    body = body_for(table)
    del body["destination"]["database"]
    assert penstock.create_pipe(body)["destination"]["database"] == "default"


def test_private_endpoint_ids_are_echoed(make):
    assert make(kafka={"reversePrivateEndpointIds": ["b", "a"]})["source"]["kafka"]["reversePrivateEndpointIds"] == ["b", "a"]


@pytest.mark.parametrize("body", [
    {}, {"name": None}, {"source": None}, {"source": {"kafka": None}}, {"source": {"validateSamples": False}},
    {"source": {"kafka": {"authentication": "PLAIN", "credentials": None}}}, {"fieldMappings": None}, {"settings": None},
    {"settings": {}}, {"destination": {"columns": None}}, {"unknown": 1, "scaling": {"replicas": 9}},
    {"destination": {"table": "other", "database": "other", "managedTable": False, "roles": ["a"]}},
    {"source": {"kafka": {"brokers": "other:1", "offset": {"strategy": "never"}, "schemaRegistry": {"url": "http://x"}}}},
    {"source": {"kafka": {"schemaRegistry": {"url": "http://x", "credentials": None}}}},
    {"source": {"kafka": {"iamRole": "arn:aws:iam::1:role/r"}}},  # not of PLAIN: shown as null
])
def test_patches_that_change_nothing(penstock, database, make, body):
    pipe = make(settings={"streaming_max_insert_wait_ms": 700})
    revision = database.query(f"SELECT revision FROM pipe WHERE id = '{pipe['id']}'")
    assert penstock.result("PATCH", f"{penstock.pipes_path}/{pipe['id']}", body) == pipe
    assert penstock.pipe(pipe["id"]) == pipe
    assert database.query(f"SELECT revision FROM pipe WHERE id = '{pipe['id']}'") == revision  # no replica restarts


@pytest.mark.parametrize("body, problem", [
    ({"name": ""}, "/name"), ({"name": 1}, "/name"), ({"destination": {"columns": []}}, "/destination/columns"),
    ({"settings": {"nope": 1}}, "/settings/nope"), ({"source": {"kafka": {"authentication": "X"}}}, "authentication"),
    ({"fieldMappings": [{"sourceField": "a", "destinationField": "id"}]}, "Columns are required if field mappings are"),
    ({"source": {"kafka": {"schemaRegistry": {"credentials": {"username": "a", "password": "b"}}}}}, "schemaRegistry"),
])
@pytest.mark.parametrize("headers", [None, TERRAFORM], ids=["script", "terraform"])
def test_patches_that_are_refused_change_nothing(penstock, make, headers, body, problem):
    """All or nothing: what is right beside it is not taken over either."""
    pipe = make()
    reply = penstock.request("PATCH", f"{penstock.pipes_path}/{pipe['id']}", {
        "name": "taken over", "settings": {"kafka_read_committed": True}, **body}, headers=headers)
    assert reply.status == 400 and problem in reply.error, reply.text
    assert penstock.pipe(pipe["id"]) == pipe


def test_settings_in_a_patch_are_merged_like_put(penstock, make):
    pipe = make(settings={"kafka_read_committed": False})
    path = f"{penstock.pipes_path}/{pipe['id']}"
    both = {"kafka_read_committed": False, "streaming_max_insert_wait_ms": 700}
    assert penstock.result("PATCH", path, {"settings": {"streaming_max_insert_wait_ms": 700}})["settings"] == both
    assert penstock.result("PATCH", path, {"settings": {"kafka_read_committed": None}})["settings"] == {
        "streaming_max_insert_wait_ms": 700}


def test_a_role_gives_way_to_a_login_and_back(penstock, make):
    """IAM_ROLE → SCRAM and back: the role is shown as null meanwhile, and no credentials stay behind it."""
    role = "arn:aws:iam::123456789012:role/r"
    pipe = make(kafka={"type": "msk", "authentication": "IAM_ROLE", "iamRole": role, "credentials": None})["id"]
    path = f"{penstock.pipes_path}/{pipe}"

    def change(**kafka):
        reply = penstock.request("PATCH", path, {"source": {"kafka": kafka}}, headers=TERRAFORM)
        return reply if reply.status != 200 else reply.result["source"]["kafka"]

    for _ in range(2):
        refused = change(authentication="SCRAM-SHA-512")  # there are none, or none any more
        assert refused.status == 400 and "/source/kafka/credentials: are required with SCRAM-SHA-512" in refused.error
        shown = change(authentication="SCRAM-SHA-512", credentials={"username": "u", "password": "p"})
        assert shown["authentication"] == "SCRAM-SHA-512" and shown.get("iamRole") is None
        assert shown == penstock.pipe(pipe)["source"]["kafka"]
        shown = change(authentication="IAM_ROLE", iamRole=role)
        assert shown["iamRole"] == role and shown == penstock.pipe(pipe)["source"]["kafka"]
