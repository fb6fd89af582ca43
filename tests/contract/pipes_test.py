"""Pipes: create, read back, list, state, scaling, delete."""
import datetime
import json
import uuid

import pytest

from .conftest import BROKERS, TERRAFORM, body_for

SECRETS = ("hunter2-secret", "registry-secret", "credentials")


def post(penstock, body, slash=False, **options):
    return penstock.request("POST", penstock.pipes_path + ("/" if slash else ""), body, **options)


def refused(penstock, body):
    """The error of a create that must be a 400, and leaves no pipe behind."""
    before = len(penstock.result("GET", penstock.pipes_path))
    reply = post(penstock, body)
    assert reply.status == 400, reply.text
    assert len(penstock.result("GET", penstock.pipes_path)) == before
    assert "hunter2" not in reply.text
    return reply.error


def test_create_with_and_without_trailing_slash(penstock):
    for number, slash in enumerate((True, False)):
        reply = post(penstock, body_for(f"slash{number}"), slash=slash)
        assert reply.status == 200 and uuid.UUID(reply.result["id"])


def test_minimal_create_reads_back_as_terraform_needs(penstock, table, make):
    pipe = make()
    assert pipe["state"] == "Provisioning"
    assert pipe["scaling"] == {"replicas": 1, "replicaCpuMillicores": 125, "replicaMemoryGb": 0.5}
    assert pipe["serviceId"] == penstock.service_id
    kafka = pipe["source"]["kafka"]
    assert kafka["consumerGroup"] == f"clickpipes-{pipe['id']}"
    for name in ("offset", "caCertificate", "iamRole", "schemaRegistry", "exactlyOnce", "reversePrivateEndpointIds"):
        assert kafka.get(name) is None
    assert not pipe.get("settings") and not pipe.get("fieldMappings")
    assert pipe["destination"] == {
        "database": "default", "table": table, "managedTable": True,
        "tableDefinition": {"engine": {"type": "MergeTree"}, "sortingKey": []},
        "columns": [{"name": "id", "type": "UInt64"}]}
    for name in ("createdAt", "updatedAt"):
        assert datetime.datetime.fromisoformat(pipe[name].replace("Z", "+00:00")).tzinfo is not None
    assert penstock.pipe(pipe["id"]) == pipe


def test_create_makes_both_tables(penstock, clickhouse, table, make):
    make({"id": "UInt64", "name": "String", "day": "Date"}, destination={
        "tableDefinition": {"engine": {"type": "ReplacingMergeTree", "versionColumnId": "id"},
                            "sortingKey": ["name", "id"], "partitionBy": "toYYYYMM(day)", "primaryKey": "name"}})
    row = clickhouse.rows("SELECT engine, sorting_key, partition_key, primary_key FROM system.tables "
                          f"WHERE database = 'default' AND name = '{table}'")[0]
    assert row == {"engine": "ReplacingMergeTree", "sorting_key": "name, id", "partition_key": "toYYYYMM(day)",
                   "primary_key": "(name)"}
    columns = [line["name"] for line in clickhouse.rows(
        f"SELECT name FROM system.columns WHERE table = '{table}_clickpipes_error' ORDER BY position")]
    assert columns[:8] == ["error_timestamp", "error_type", "error_msg", "record_key", "record_value",
                           "record_timestamp", "record_partition", "record_offset"]
    assert columns[8:] == ["record_topic", "record_headers", "schema_id", "pipe_id", "column_name"]


ENGINES = [
    ({"type": "MergeTree"}, {}),
    ({"type": "ReplacingMergeTree", "versionColumnId": "id"}, {"sortingKey": ["name", "id"]}),
    ({"type": "ReplacingMergeTree"}, {"sortingKey": ["id"]}),
    ({"type": "SummingMergeTree", "columnIds": ["id"]}, {"sortingKey": ["name"]}),
    ({"type": "Null"}, {}),
    ({"type": "MergeTree"}, {"sortingKey": ["name", "id"], "partitionBy": "id % 8", "primaryKey": "name"}),
    ({"type": "MergeTree"}, {"sortingKey": ["lower(name)"]}),
]


@pytest.mark.parametrize("engine, more", ENGINES)
def test_managed_engines_round_trip(penstock, make, engine, more):
    definition = {"engine": engine, **more}
    pipe = make({"name": "String", "id": "UInt64"}, destination={"tableDefinition": definition})
    assert pipe["destination"]["tableDefinition"] == definition
    assert penstock.pipe(pipe["id"])["destination"]["tableDefinition"] == definition


TYPES = ["Int8", "UInt64", "Float32", "Bool", "String", "FixedString(16)", "Date", "Date32", "DateTime",
         "DateTime('Europe/Zurich')", "DateTime64(3)", "DateTime64(9, 'UTC')", "UUID", "Decimal(18,3)",
         "Decimal( 38 , 10 )", "LowCardinality(String)", "Nullable(Int32)", "Array(Nullable(String))",
         "Tuple(a Int8, b String)", "Map(String, UInt64)", "Enum8('a' = 1, 'b' = 2)", "Enum16('ä'=-300)"]


def test_types_and_order_are_echoed_verbatim(penstock, table):
    columns = [(f"c{number}", kind) for number, kind in reversed(list(enumerate(TYPES)))]
    pipe = penstock.create_pipe(body_for(table, columns))
    assert [(column["name"], column["type"]) for column in pipe["destination"]["columns"]] == columns


def test_strings_are_echoed_exactly(penstock, make):
    name = "Pipe 🚰 <a> & \"b\" \\ ß"
    pipe = make(name=name, kafka={
        "brokers": "PLAINTEXT://127.0.0.1:9, plaintext://127.0.0.1:10", "topics": "t1, t2,t3", "consumerGroup": "g1",
        "caCertificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"})
    kafka = penstock.pipe(pipe["id"])["source"]["kafka"]
    assert penstock.pipe(pipe["id"])["name"] == name
    assert kafka["brokers"] == "PLAINTEXT://127.0.0.1:9, plaintext://127.0.0.1:10"
    assert kafka["topics"] == "t1, t2,t3" and kafka["consumerGroup"] == "g1"
    assert kafka["caCertificate"].endswith("-----END CERTIFICATE-----\n")


def test_go_json_escapes_are_decoded(penstock, table):
    raw = json.dumps(body_for(table, name="NAME")).replace('"NAME"', '"a \\u003c b \\u0026 c \\ud83d\\udeb0"')
    reply = post(penstock, raw.encode() + b"\n", slash=True, headers=TERRAFORM)
    assert reply.result["name"] == "a < b & c 🚰"


@pytest.mark.parametrize("offset", [
    {"strategy": "from_beginning"}, {"strategy": "from_latest"},
    {"strategy": "from_timestamp", "timestamp": "2021-01-01T00:00"}])
def test_offset_is_echoed_exactly(make, offset):
    assert make(kafka={"offset": offset})["source"]["kafka"]["offset"] == offset


def test_null_offset_timestamp_is_absent(make):
    offset = make(kafka={"offset": {"strategy": "from_latest", "timestamp": None}})["source"]["kafka"]["offset"]
    assert offset == {"strategy": "from_latest"}


@pytest.mark.parametrize("offset", [
    {"strategy": "from_timestamp"}, {"strategy": "from_timestamp", "timestamp": "2021-01-01"},
    {"strategy": "from_timestamp", "timestamp": "2021-02-30T00:00"}, {"strategy": "sometimes"}])
def test_bad_offsets_are_refused(penstock, table, offset):
    assert "/source/kafka/offset" in refused(penstock, body_for(table, kafka={"offset": offset}))


@pytest.mark.parametrize("value", [None, False, True])
def test_exactly_once_has_three_states(make, value):
    kafka = make(kafka={} if value is None else {"exactlyOnce": value})["source"]["kafka"]
    assert kafka.get("exactlyOnce") is value


def test_quirks_of_other_clients_are_accepted(penstock, table):
    body = body_for(table, kafka={
        "reversePrivateEndpointIds": [], "caCertificate": None, "iamRole": None, "schemaRegistry": None,
        "offset": {"strategy": "from_beginning"}, "brokers": "PLAINTEXT://127.0.0.1:9"})
    del body["source"]["kafka"]["authentication"]
    body["source"]["kafka"]["credentials"] = None
    body["source"]["validateSamples"] = False
    body["destination"]["tableDefinition"] = {"engine": {"type": "MergeTree"}}
    body.update(settings={}, fieldMappings=[], scaling={"replicas": 2, "replicaCpuMillicores": 250,
                                                        "replicaMemoryGb": 1}, unknown={"x": 1})
    pipe = penstock.create_pipe(body)
    assert pipe["scaling"] == {"replicas": 2, "replicaCpuMillicores": 250, "replicaMemoryGb": 1}
    kafka = pipe["source"]["kafka"]
    assert "authentication" not in kafka and "reversePrivateEndpointIds" not in kafka
    assert "validateSamples" not in pipe["source"] and "unknown" not in pipe


def test_field_mappings_are_echoed_in_order(penstock, make):
    mappings = [{"sourceField": "my_field", "destinationField": "b"}, {"sourceField": "_offset", "destinationField": "a"}]
    pipe = make({"a": "Int64", "b": "String", "c": "String"}, fieldMappings=mappings)
    assert pipe["fieldMappings"] == mappings


def test_roles_and_secrets_are_never_returned(penstock, table):
    roles = ["r1", "r2"]
    body = body_for(table, destination={"roles": roles})
    reply = post(penstock, body, slash=True, headers=TERRAFORM)
    assert reply.status == 200, reply.text
    pipe = reply.result["id"]
    path = f"{penstock.pipes_path}/{pipe}"
    texts = [reply.text]
    for method, where, sent in (
            ("GET", path, None), ("GET", penstock.pipes_path, None), ("GET", f"{path}/summary", None),
            ("GET", f"{path}/events", None), ("GET", f"{path}/settings", None),
            ("GET", f"{penstock.pipes_path}/summary", None), ("GET", f"{penstock.service_path}/prometheus", None),
            ("PATCH", f"{path}/scaling", {}), ("PATCH", f"{path}/state", {"command": "stop"}),
            ("PATCH", path, {"source": {"kafka": {"authentication": "PLAIN", "credentials": {
                "username": "u", "password": "other-hunter2-secret"}}}})):
        answer = penstock.request(method, where, sent)
        assert answer.status == 200, (method, where, answer.text)
        texts.append(answer.text)
    for text in texts:
        assert "hunter2" not in text and "credentials" not in text and '"roles"' not in text
    assert "hunter2" not in penstock.log()


def test_secrets_are_encrypted_in_the_database(database, make):
    pipe = make()
    stored = database.query(f"SELECT encode(secrets, 'escape'), definition FROM pipe WHERE id = '{pipe['id']}'")
    assert stored and "hunter2" not in stored and "password" not in stored


def test_unmanaged_table(penstock, clickhouse, table):
    error = refused(penstock, body_for(table, destination={"managedTable": False}))
    assert "/destination/table" in error and "does not exist" in error
    clickhouse.query(f"CREATE TABLE {table} (id UInt64, more String) ENGINE = MergeTree ORDER BY id")
    pipe = penstock.create_pipe(body_for(table, destination={"managedTable": False}))
    assert pipe["destination"]["managedTable"] is False and "tableDefinition" not in pipe["destination"]
    assert clickhouse.value(f"EXISTS TABLE {table}_clickpipes_error") == "1"


def test_unmanaged_table_must_have_the_columns(penstock, clickhouse, table):
    clickhouse.query(f"CREATE TABLE {table} (id String) ENGINE = MergeTree ORDER BY id")
    error = refused(penstock, body_for(table, {"id": "UInt64", "gone": "String"}, destination={"managedTable": False}))
    assert "/destination/columns/0" in error and "/destination/columns/1" in error
    assert clickhouse.value(f"EXISTS TABLE {table}_clickpipes_error") == "0"


def test_an_existing_table_that_fits_is_accepted(penstock, clickhouse, table, make):
    first = make()
    clickhouse.query(f"INSERT INTO {table} VALUES (1)")
    second = make()
    assert second["id"] != first["id"]
    error = refused(penstock, body_for(table, {"id": "String"}))
    assert "/destination/columns/0" in error
    assert clickhouse.value(f"SELECT count() FROM {table}") == "1"


def test_all_problems_at_once(penstock, table):
    body = body_for(table, [("a", "Strin"), ("b", "Int32"), ("b", "Array(")], name="", kafka={
        "format": "CSV", "topics": "", "offset": {"strategy": "never"}},
        destination={"tableDefinition": {"engine": {"type": "Log"}}}, settings={"nonsense": 1}, scaling={"replicas": 41})
    error = refused(penstock, body)
    for pointer in ("/name", "/source/kafka/format", "/source/kafka/topics", "/source/kafka/offset/strategy",
                    "/destination/columns/0/type", "/destination/columns/2/name", "/destination/columns/2/type",
                    "/destination/tableDefinition/engine/type", "/settings/nonsense", "/scaling/replicas"):
        assert pointer in error, (pointer, error)


@pytest.mark.parametrize("change, pointer", [
    ({"destination": {"columns": []}}, "/destination/columns"),
    ({"destination": {"tableDefinition": {"engine": {"type": "ReplacingMergeTree", "versionColumnId": "x"},
                                          "sortingKey": ["id"]}}}, "versionColumnId"),
    ({"destination": {"tableDefinition": {"engine": {"type": "MergeTree"}, "sortingKey": ["a,b"]}}}, "sortingKey/0"),
    ({"kafka": {"authentication": "IAM_ROLE", "credentials": None}}, "/source/kafka"),
    ({"kafka": {"brokers": ""}}, "/source/kafka/brokers"),
    ({"kafka": {"format": "AvroConfluent"}}, "/source/kafka"),
    ({"settings": {"streaming_max_insert_wait_ms": 499}}, "streaming_max_insert_wait_ms"),
    ({"settings": {"streaming_max_insert_wait_ms": 60001}}, "streaming_max_insert_wait_ms"),
    ({"settings": {"streaming_max_insert_wait_ms": "5000"}}, "streaming_max_insert_wait_ms"),
    ({"settings": {"kafka_read_committed": "<nil>"}}, "kafka_read_committed"),
    ({"settings": {"object_storage_concurrency": 1}}, "object_storage_concurrency"),
    ({"scaling": {"replicas": 41}}, "replicas: Not between 1 and 40"),
    ({"scaling": {"replicaCpuMillicores": 2001}}, "replicaCpuMillicores"),
    ({"fieldMappings": [{"sourceField": "a", "destinationField": "nope"}]}, "/fieldMappings/0"),
    ({"name": "x" * 256}, "/name"),
])
def test_single_problems(penstock, table, change, pointer):
    assert pointer in refused(penstock, body_for(table, **change))


@pytest.mark.parametrize("kafka", [
    {"format": "Protobuf"}, {"format": "Protobuf", "schemaRegistry": {"url": "https://127.0.0.1:1"}},
])
def test_what_is_not_built_yet_is_refused_not_broken(penstock, table, kafka):
    assert "not supported" in refused(penstock, body_for(table, kafka=kafka))


@pytest.mark.parametrize("kafka", [
    {"type": "msk", "authentication": "IAM_ROLE", "iamRole": "arn:aws:iam::1:role/r", "credentials": None},
    {"type": "msk", "authentication": "IAM_USER", "credentials": {"accessKeyId": "a", "secretKey": "hunter2"}},
])
def test_aws_logins_are_taken(penstock, table, kafka):
    pipe = penstock.create_pipe(body_for(table, kafka=kafka))
    assert pipe["source"]["kafka"]["authentication"] == kafka["authentication"]
    assert pipe["source"]["kafka"].get("iamRole") == kafka.get("iamRole") and "hunter2" not in str(pipe)
    penstock.delete_pipe(pipe["id"])


@pytest.mark.parametrize("source, problem", [
    ({"postgres": {}}, "/source/postgres: only Kafka sources are supported"),
    ({"objectStorage": {"type": "s3"}}, "/source/objectStorage: only Kafka sources are supported"),
    ({"kafka": {"protobufSchema": "AAAA"}}, "/source/kafka/protobufSchema: "),
    ({"kafka": {"tombstoneMode": "delete", "exactlyOnce": True}}, "/source/kafka/tombstoneMode: "),
    ({"kafka": {"credentials": {"username": "u", "password": 5}}}, "/source/kafka/credentials/password: must be a string"),
])
def test_a_source_is_one_kafka(penstock, table, source, problem):
    body = body_for(table, kafka=source.get("kafka", {}))
    body["source"] = {**source, **body["source"]}
    assert problem in refused(penstock, body)


def test_other_sources_that_are_null_are_absent(penstock, table):
    body = body_for(table)
    body["source"].update(postgres=None, kinesis=None)
    assert list(penstock.create_pipe(body)["source"]) == ["kafka"]


REGISTRY_LOGIN = {"username": "key", "password": "hunter2-secret"}


@pytest.mark.parametrize("kafka, problem", [
    ({"format": "Avro"}, "/source/kafka/schemaRegistry: is required with Avro"),
    ({"format": "AvroConfluent"}, "/source/kafka/schemaRegistry: is required with AvroConfluent"),
    ({"format": "AvroConfluent", "schemaRegistry": {"credentials": REGISTRY_LOGIN}},
     "/source/kafka/schemaRegistry/url: is required"),
    ({"format": "Avro", "schemaRegistry": {"url": "https://r", "credentials": REGISTRY_LOGIN}},
     "/source/kafka/schemaRegistry/url: must name a schema with Avro"),
    ({"format": "AvroConfluent", "schemaRegistry": {"url": "r:8081"}},
     "/source/kafka/schemaRegistry/url: must begin with https:// or http://"),
    ({"format": "AvroConfluent", "schemaRegistry": {"url": "https://r", "type": "glue"}},
     "/source/kafka/schemaRegistry/type: only registries of type confluent are supported"),
    ({"schemaRegistry": {"url": "https://r", "authentication": "BEARER"}},
     "/source/kafka/schemaRegistry/authentication: must be PLAIN or absent"),
    ({"schemaRegistry": {"url": "https://r", "credentials": {"password": "hunter2-secret"}}},
     "/source/kafka/schemaRegistry/credentials/username: is required"),
])
def test_wrong_registries_are_named(penstock, table, kafka, problem):
    error = refused(penstock, body_for(table, kafka=kafka))
    assert problem in error and "hunter2" not in error


@pytest.mark.parametrize("kafka", [
    {"format": "AvroConfluent", "schemaRegistry": {
        "url": "https://r.invalid", "authentication": "PLAIN", "credentials": REGISTRY_LOGIN}},
    {"format": "Avro", "schemaRegistry": {
        "url": "http://r.invalid:8081/x/subjects/a%2Fb/versions/3", "authentication": "PLAIN",
        "credentials": {"username": "", "password": ""}, "caCertificate": None}},
    {"format": "JSONEachRow", "schemaRegistry": {"url": "https://r.invalid/schemas/ids/1", "authentication": "PLAIN"}},
])
def test_registries_are_echoed_without_their_login(penstock, database, table, kafka):
    pipe = penstock.create_pipe(body_for(table, kafka=kafka))
    wanted = {name: kafka["schemaRegistry"][name] for name in ("url", "authentication")}
    for shown in (pipe, penstock.pipe(pipe["id"])):
        assert shown["source"]["kafka"]["format"] == kafka["format"]
        assert shown["source"]["kafka"]["schemaRegistry"] == wanted
    stored = database.query(
        f"SELECT p::text || coalesce(encode(secrets, 'escape'), '') FROM pipe p WHERE id = '{pipe['id']}'")
    assert "hunter2" not in stored and "r.invalid" in stored


@pytest.mark.parametrize("body", [
    {}, {"name": "x"}, {"name": 1, "source": [], "destination": "x"}, {"source": {"kafka": None}},
    {"name": "x", "source": {"kafka": {"brokers": 1}}, "destination": {"columns": {}}},
    {"name": "x", "source": {"kafka": {"credentials": "hunter2"}}, "destination": {"columns": [1, None, []]}},
    {"name": None, "source": {"postgres": {}}, "destination": None, "settings": [], "fieldMappings": {}, "scaling": "x"},
])
def test_any_shape_is_answered(penstock, body):
    refused(penstock, body)


def test_clickhouse_refusal_is_400_and_leaves_nothing(penstock, clickhouse, table):
    error = refused(penstock, body_for(table, destination={
        "tableDefinition": {"engine": {"type": "MergeTree"}, "sortingKey": ["no_such_function(id)"]}}))
    assert "ClickHouse" in error and "no_such_function" in error
    error = refused(penstock, body_for(table, destination={"database": "nowhere"}))
    assert "nowhere" in error
    assert clickhouse.value(f"EXISTS TABLE {table}") == "0"
    assert clickhouse.value(f"EXISTS TABLE {table}_clickpipes_error") == "0"


def test_error_table_that_cannot_be_made_takes_the_target_back(penstock, clickhouse):
    name = "x" * 200  # the error table's name is too long for a file name, the target's is not
    error = refused(penstock, body_for(name))
    assert "ClickHouse" in error
    assert clickhouse.value(f"EXISTS TABLE {name}") == "0"


def test_a_foreign_table_in_the_error_tables_place(penstock, clickhouse, table):
    clickhouse.query(f"CREATE TABLE {table}_clickpipes_error (x Int8) ENGINE = MergeTree ORDER BY x")
    error = refused(penstock, body_for(table))
    assert f"{table}_clickpipes_error" in error and "error_timestamp" in error
    assert clickhouse.value(f"EXISTS TABLE {table}") == "0"
    assert clickhouse.value(f"EXISTS TABLE {table}_clickpipes_error") == "1"


def test_list_equals_single_gets(penstock, make):
    pipe = make()
    listed = {one["id"]: one for one in penstock.result("GET", penstock.pipes_path)}
    assert listed[pipe["id"]] == penstock.pipe(pipe["id"])


def test_empty_list(penstock, clickhouse):
    service = penstock.result("POST", f"{penstock.organization_path}/services",
                              {"name": "empty", "endpoint": {"url": clickhouse.url}})
    path = f"{penstock.organization_path}/services/{service['id']}"
    assert penstock.result("GET", f"{path}/clickpipes") == []
    assert penstock.result("GET", f"{path}/clickpipes/summary") == []
    assert penstock.request("DELETE", path).status == 200
    assert penstock.request("GET", path).status == 403


def test_a_pipe_belongs_to_its_service(penstock, clickhouse, make):
    pipe = make()
    other = penstock.result("POST", f"{penstock.organization_path}/services",
                            {"name": "other", "endpoint": {"url": clickhouse.url}})
    path = f"{penstock.organization_path}/services/{other['id']}/clickpipes/{pipe['id']}"
    assert penstock.request("GET", path).status == 404
    assert penstock.request("DELETE", path).status == 404
    assert penstock.pipe(pipe["id"])["id"] == pipe["id"]


def test_delete_in_any_state_is_effective_at_once(penstock, table, make):
    for command in (None, "stop"):
        pipe = make()
        if command:
            penstock.command_pipe(pipe["id"], command)
        assert penstock.request("DELETE", f"{penstock.pipes_path}/{pipe['id']}").status == 200
        assert penstock.request("GET", f"{penstock.pipes_path}/{pipe['id']}").status == 404
        assert penstock.request("DELETE", f"{penstock.pipes_path}/{pipe['id']}").status == 404
    again = make()
    assert again["id"] != pipe["id"] and again["source"]["kafka"]["consumerGroup"] == f"clickpipes-{again['id']}"


def test_names_need_not_be_unique(make):
    assert make(name="twin", table="twin1")["id"] != make(name="twin", table="twin2")["id"]


def test_stop_and_start(penstock, make):
    pipe = make()["id"]
    path = f"{penstock.pipes_path}/{pipe}/state"
    reply = penstock.request("PATCH", path, {"command": "start"})
    assert reply.status == 400 and f"{pipe[:8]} ClickPipe is already running" in reply.error
    assert penstock.command_pipe(pipe, "stop")["state"] == "Stopped"
    assert penstock.command_pipe(pipe, "stop")["state"] == "Stopped"
    assert penstock.summary(pipe)["desired"] == "stopped"
    assert penstock.result("PATCH", path, {"action": "start"})["state"] == "Provisioning"
    assert penstock.result("PATCH", path, {"action": "stop"})["state"] == "Stopped"
    for body in ({"command": "resync"}, {"command": "awake"}, {}, {"command": 1}, {"command": "stop", "action": "start"}):
        assert penstock.request("PATCH", path, body).status == 400
    assert penstock.pipe(pipe)["state"] == "Stopped"


def test_start_paused(penstock, make):
    pipe = make(startPaused=True)
    assert pipe["state"] == "Stopped" and "startPaused" not in pipe
    assert penstock.command_pipe(pipe["id"], "start")["state"] == "Provisioning"


def test_states_follow_the_facts(penstock, database, make):
    pipe = make()["id"]
    database.query(f"UPDATE pipe SET ready_at = now() WHERE id = '{pipe}'")
    assert penstock.pipe(pipe)["state"] == "Running"
    database.query("UPDATE pipe SET failed_at = now(), failure_code = 'TABLE_NOT_FOUND', "
                   f"failure_message = 'code 60 UNKNOWN_TABLE' WHERE id = '{pipe}'")
    assert penstock.pipe(pipe)["state"] == "Failed"
    reason = penstock.summary(pipe)["reason"]
    assert reason["code"] == "TABLE_NOT_FOUND" and reason["message"] == "code 60 UNKNOWN_TABLE" and reason["hint"]
    assert penstock.scale_pipe(pipe, replicas=2)["state"] == "Failed"
    assert penstock.command_pipe(pipe, "start")["state"] == "Provisioning"
    database.query("INSERT INTO pipe_replica (pipe_id, replica_index, owner, expires_at, state) VALUES "
                   f"('{pipe}', 0, 'o', now() + interval '1 minute', 'running')")
    assert penstock.pipe(pipe)["state"] == "Running"
    assert penstock.command_pipe(pipe, "stop")["state"] == "Stopping"
    assert penstock.command_pipe(pipe, "start")["state"] in ("Provisioning", "Running")


def test_scaling(penstock, make):
    pipe = make()["id"]
    changed = penstock.scale_pipe(pipe, replicas=2, replicaCpuMillicores=250, replicaMemoryGb=1.0)
    assert changed["id"] == pipe and changed["state"] == "Provisioning"
    assert changed["scaling"] == {"replicas": 2, "replicaCpuMillicores": 250, "replicaMemoryGb": 1}
    assert isinstance(changed["scaling"]["replicas"], int) and penstock.pipe(pipe) == changed
    assert penstock.scale_pipe(pipe, replicas=4, replicaCpuMillicores=None)["scaling"]["replicaCpuMillicores"] == 250
    before = penstock.pipe(pipe)
    assert penstock.scale_pipe(pipe) == before
    assert penstock.scale_pipe(pipe, replicas=4) == before
    assert penstock.scale_pipe(pipe, replicas=4, concurrency=7) == before
    for bad, word in (({"replicas": 41}, "replicas: Not between 1 and 40"), ({"replicas": 0}, "replicas: Not between"),
                      ({"replicas": 2.5}, "replicas"), ({"replicaMemoryGb": 0.4}, "replicaMemoryGb"),
                      ({"replicaMemoryGb": 8.5}, "replicaMemoryGb"), ({"replicaCpuMillicores": 124}, "Millicores"),
                      ({"replicas": "2"}, "replicas")):
        reply = penstock.request("PATCH", f"{penstock.pipes_path}/{pipe}/scaling", bad)
        assert reply.status == 400 and word in reply.error
    assert penstock.pipe(pipe) == before


def test_settings_lifecycle_of_terraform(penstock, make):
    pipe = make(settings={"kafka_read_committed": True})
    assert pipe["settings"] == {"kafka_read_committed": True}
    path = f"{penstock.pipes_path}/{pipe['id']}/settings"

    def put(settings, headers=TERRAFORM):
        return penstock.request("PUT", path, settings, headers=headers)

    both = {"kafka_read_committed": True, "streaming_max_insert_wait_ms": 10000}
    assert put(both).status == 200 and penstock.pipe(pipe["id"])["settings"] == both
    one = {"streaming_max_insert_wait_ms": 10000}
    assert put(one).status == 200 and penstock.pipe(pipe["id"])["settings"] == one
    assert penstock.result("GET", path) == {**one, "kafka_read_committed": False}
    assert put({}).status == 200 and not penstock.pipe(pipe["id"]).get("settings")
    for bad in ({"streaming_max_insert_wait_ms": 499}, {"streaming_max_insert_wait_ms": 60001},
                {"object_storage_concurrency": 1}, {"kafka_read_committed": "<nil>"}):
        assert put(bad).status == 400
    # scripts: merged, null clears, {} is refused
    assert put({"kafka_read_committed": False}, None).result == {"kafka_read_committed": False}
    assert put(one, None).result == {"kafka_read_committed": False, **one}
    assert penstock.pipe(pipe["id"])["settings"] == {"kafka_read_committed": False, **one}
    assert put({"kafka_read_committed": None}, None).status == 200
    assert penstock.pipe(pipe["id"])["settings"] == one
    assert put({}, None).status == 400


def test_settings_of_a_pipe_without(penstock, make):
    pipe = make()
    assert penstock.result("GET", f"{penstock.pipes_path}/{pipe['id']}/settings") == {"kafka_read_committed": False}
    assert not pipe.get("settings")


def test_patch_rename_columns_and_mappings(penstock, clickhouse, table, make):
    pipe = make({"id": "UInt64"})
    path = f"{penstock.pipes_path}/{pipe['id']}"
    assert penstock.result("PATCH", path, {"name": "new 🚰"})["name"] == "new 🚰"
    assert penstock.pipe(pipe["id"])["updatedAt"] >= pipe["updatedAt"]
    columns = [{"name": "id", "type": "UInt64"}, {"name": "b", "type": "String"}]
    mappings = [{"sourceField": "x", "destinationField": "b"}]
    changed = penstock.result("PATCH", path, {"destination": {"columns": columns}, "fieldMappings": mappings})
    assert changed["destination"]["columns"] == columns and changed["fieldMappings"] == mappings
    assert changed["state"] == "Provisioning"
    assert clickhouse.value(f"SELECT count() FROM system.columns WHERE table = '{table}'") == "1"
    before = penstock.pipe(pipe["id"])
    reply = penstock.request("PATCH", path, {"name": "x", "fieldMappings": []})
    assert reply.status == 400 and "Columns are required if field mappings are provided" in reply.error
    reply = penstock.request("PATCH", path, {"name": "x", "destination": {"columns": [{"name": "a", "type": "Strin"}]}})
    assert reply.status == 400 and "/destination/columns/0/type" in reply.error
    assert penstock.result("PATCH", path, {}) == before == penstock.pipe(pipe["id"])


def test_patch_source(penstock, database, make):
    pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    pipe = make(kafka={"caCertificate": pem})
    path = f"{penstock.pipes_path}/{pipe['id']}"
    secrets = lambda: database.query(f"SELECT md5(secrets) FROM pipe WHERE id = '{pipe['id']}'")
    revision = lambda: int(database.query(f"SELECT revision FROM pipe WHERE id = '{pipe['id']}'"))
    before, number = secrets(), revision()
    changed = penstock.result("PATCH", path, {"source": {"kafka": {"authentication": "PLAIN", "caCertificate": pem * 2}}})
    assert changed["source"]["kafka"]["caCertificate"] == pem * 2 and secrets() == before and revision() == number + 1
    rotated = {"source": {"kafka": {"authentication": "PLAIN", "credentials": {"username": "u", "password": "p2"}}}}
    penstock.result("PATCH", path, rotated)
    assert secrets() != before and revision() == number + 2
    before = secrets()
    penstock.result("PATCH", path, rotated)
    assert secrets() == before and revision() == number + 2  # nothing changed, nothing restarts
    penstock.result("PATCH", path, {"name": "only a name"})
    assert revision() == number + 2
    # immutable members are ignored, null clears, Terraform's absence clears
    ignored = {"topics": "other", "brokers": "b:1", "type": "msk", "format": "Avro", "consumerGroup": "x",
               "offset": {"strategy": "from_latest"}, "exactlyOnce": True}
    assert penstock.result("PATCH", path, {"source": {"kafka": ignored}})["source"] == changed["source"]
    assert penstock.result("PATCH", path, {"source": {"kafka": {"caCertificate": None}}})["source"]["kafka"].get(
        "caCertificate") is None
    penstock.result("PATCH", path, {"source": {"kafka": {"caCertificate": pem}}})
    reply = penstock.request("PATCH", path, {"source": {"kafka": {"authentication": "PLAIN"}}}, headers=TERRAFORM)
    assert reply.result["source"]["kafka"].get("caCertificate") is None
    reply = penstock.request("PATCH", path, {"source": {"kafka": {"schemaRegistry": {"credentials": {"username": "a"}}}}})
    assert reply.status == 400
    # a stopped pipe stays stopped
    penstock.command_pipe(pipe["id"], "stop")
    assert penstock.result("PATCH", path, {"source": {"kafka": {"caCertificate": pem}}})["state"] == "Stopped"


def test_terraform_create_then_scale_then_read(penstock, table):
    """The calls of the official provider for a pipe with a scaling block, with its exact body."""
    body = (
        '{"name":"p1","source":{"kafka":{"type":"confluent","format":"JSONEachRow","brokers":"%s","topics":"t1",'
        '"authentication":"PLAIN","credentials":{"username":"u","password":"p"}}},"destination":{"database":"default",'
        '"table":"%s","managedTable":true,"tableDefinition":{"engine":{"type":"MergeTree"},"sortingKey":[]},'
        '"columns":[{"name":"id","type":"UInt64"}]},"settings":{"streaming_max_insert_wait_ms":5000}}\n') % (BROKERS, table)
    head = {**TERRAFORM, "Content-Type": "application/json; charset=utf-8"}
    created = post(penstock, body.encode(), slash=True, headers=head).result
    path = f"{penstock.pipes_path}/{created['id']}"
    scaled = penstock.request("PATCH", f"{path}/scaling", b'{"replicas":2}\n', headers=head).result
    assert scaled["id"] == created["id"] and scaled["scaling"]["replicas"] == 2
    read = penstock.request("GET", path, headers=head).result
    sent = json.loads(body)
    del sent["source"]["kafka"]["credentials"]
    del read["source"]["kafka"]["consumerGroup"]
    for name in ("name", "source", "destination", "settings"):
        assert read[name] == sent[name]
    assert penstock.request("DELETE", path, headers=head).status == 200
    again = post(penstock, body.encode(), slash=True, headers=head)
    assert again.status == 200 and again.result["id"] != created["id"]


def test_import_of_terraform(penstock, make):
    pipe = make()
    path = f"{penstock.pipes_path}/{pipe['id']}"
    reply = penstock.request("PATCH", path, {"source": {"kafka": {
        "authentication": "PLAIN", "credentials": {"username": "u", "password": "hunter2-secret"}}}}, headers=TERRAFORM)
    assert reply.status == 200 and reply.result == pipe
