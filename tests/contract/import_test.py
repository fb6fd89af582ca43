"""POST S/clickpipes/import/kafka-engine: the body it answers can be sent to create at once."""
import pytest


def imported(penstock, sql):
    return penstock.request("POST", f"{penstock.pipes_path}/import/kafka-engine", {"sql": sql})


def test_a_table_becomes_a_pipe(penstock, clickhouse, table):
    before = penstock.result("GET", penstock.pipes_path)
    audit = penstock.result("GET", f"{penstock.organization_path}/audit?limit=1")
    reply = imported(penstock, f"""
        CREATE TABLE {table} (id UInt64, tags Array(Nullable(String)), note String DEFAULT 'x')
        ENGINE = Kafka SETTINGS kafka_broker_list = '127.0.0.1:9, SASL_SSL://h', kafka_topic_list = 't1,t2',
        kafka_group_name = 'g', kafka_format = 'JSONEachRow', kafka_security_protocol = 'sasl_ssl',
        kafka_sasl_mechanism = 'SCRAM-SHA-512', kafka_sasl_username = 'u', kafka_sasl_password = 'hunter2-import',
        kafka_num_consumers = 3, kafka_max_block_size = 5000, kafka_flush_interval_ms = 100,
        kafka_handle_error_mode = 'stream', kafka_client_id = 'c', nonsense = 1""")
    assert reply.status == 200, reply.text
    pipe = reply.result["pipe"]
    assert pipe["source"]["kafka"] == {
        "type": "kafka", "format": "JSONEachRow", "brokers": "SASL_SSL://127.0.0.1:9,SASL_SSL://h", "topics": "t1,t2",
        "consumerGroup": "g", "authentication": "SCRAM-SHA-512", "credentials": {"username": "u", "password": "hunter2-import"}}
    assert pipe["destination"]["columns"] == [
        {"name": "id", "type": "UInt64"}, {"name": "tags", "type": "Array(Nullable(String))"}, {"name": "note", "type": "String"}]
    assert pipe["destination"]["table"] == f"{table}_data" and pipe["scaling"] == {"replicas": 3}
    assert pipe["settings"] == {"streaming_max_insert_wait_ms": 500, "penstock_batch_rows": 5000}
    left = {entry["setting"]: entry["reason"] for entry in reply.result["notCarried"]}
    assert set(left) == {"kafka_client_id", "nonsense", "columns", "table"} and all(left.values())
    assert penstock.result("GET", penstock.pipes_path) == before
    assert penstock.result("GET", f"{penstock.organization_path}/audit?limit=1") == audit
    assert "hunter2" not in penstock.log()
    made = penstock.create_pipe(pipe)
    assert made["destination"]["table"] == f"{table}_data"
    assert clickhouse.value(f"EXISTS TABLE {table}_data") == "1"


SETTINGS = {
    "kafka_aws_region": "x", "kafka_schema": "x", "kafka_schema_registry_skip_bytes": 1, "kafka_skip_broken_messages": 1,
    "kafka_commit_every_batch": 1, "kafka_client_id": "x", "kafka_poll_timeout_ms": 1, "kafka_poll_max_batch_size": 1,
    "kafka_consumer_reschedule_ms": 1, "kafka_consumers_pool_ttl_ms": 1, "kafka_thread_per_consumer": 1,
    "kafka_commit_on_select": 1, "kafka_consumer_acquire_timeout_ms": 1, "kafka_max_rows_per_message": 1,
    "kafka_autodetect_client_rack": "x", "kafka_compression_codec": "x", "kafka_compression_level": -1,
    "kafka_map_virtual_columns_on_write": "true", "kafka_partition_shard_num": "x", "kafka_shard_count": 1,
    "kafka_keeper_path": "x", "kafka_replica_name": "x", "kafka_row_delimiter": "x"}


def test_every_setting_is_known(penstock):
    text = ", ".join(f"{name} = {value if isinstance(value, int) else repr(value)}" for name, value in SETTINGS.items())
    reply = imported(penstock, f"CREATE TABLE t (x Int8) ENGINE = Kafka('h', 't', 'g', 'AvroConfluent') SETTINGS {text}, "
                               "format_avro_schema_registry_url = 'http://r:1'")
    left = {entry["setting"]: entry["reason"] for entry in reply.result["notCarried"]}
    assert set(left) == {*SETTINGS, "table"} and not [why for why in left.values() if "no setting" in why]
    kafka = reply.result["pipe"]["source"]["kafka"]
    assert kafka["brokers"] == "PLAINTEXT://h" and kafka["format"] == "AvroConfluent"
    assert kafka["schemaRegistry"] == {"url": "http://r:1"}


def test_the_real_engines_own_text_is_read(penstock, clickhouse):
    """What SHOW CREATE TABLE prints, as far as formatting goes: the real engine's formatQuery."""
    text = clickhouse.value(
        "SELECT formatQuery('CREATE TABLE `a b`.q (id UInt64, m Map(String, Array(Decimal(18, 3))) COMMENT ''it\\\\''s'') "
        "ENGINE = Kafka SETTINGS kafka_broker_list = ''h:9092'', kafka_topic_list = ''t'', kafka_group_name = ''g'', "
        "kafka_format = ''CSV'', kafka_num_consumers = 2')")
    reply = imported(penstock, text.replace("\\n", "\n").replace("\\'", "'").replace("\\\\", "\\"))
    assert reply.status == 200, reply.text
    destination = reply.result["pipe"]["destination"]
    assert destination["database"] == "a b" and destination["columns"][1]["type"] == "Map(String, Array(Decimal(18, 3)))"
    assert "kafka_format" in [entry["setting"] for entry in reply.result["notCarried"]]


@pytest.mark.parametrize("body", [{}, {"sql": 1}, {"sql": ""}, {"sql": "CREATE TABLE t (x Int8) ENGINE = Memory"},
                                  {"sql": "CREATE TABLE t (x Int8) ENGINE = Kafka; DROP TABLE t"}, {"sql": "(" * 100000}])
def test_what_is_no_such_table(penstock, body):
    reply = penstock.request("POST", f"{penstock.pipes_path}/import/kafka-engine", body)
    assert reply.status == 400 and "/sql" in reply.error


def kafka_of(penstock, settings):
    reply = imported(penstock, "CREATE TABLE t (x Int8) ENGINE = Kafka('b-1.c.kafka.eu-west-1.amazonaws.com', 't', 'g', "
                               f"'JSONEachRow') SETTINGS {settings}")
    assert reply.status == 200, reply.text
    return reply.result["pipe"]["source"]["kafka"], {entry["setting"] for entry in reply.result["notCarried"]}


@pytest.mark.parametrize("protocol", ["plaintext", "SSL", "sasl_plaintext", "SASL_SSL"])
def test_every_protocol(penstock, protocol):
    kafka, left = kafka_of(penstock, f"kafka_security_protocol = '{protocol}'")
    assert kafka["brokers"].startswith(f"{protocol.upper()}://") and left == {"table"}


@pytest.mark.parametrize("mechanism,ours", [
    ("PLAIN", "PLAIN"), ("SCRAM-SHA-256", "SCRAM-SHA-256"), ("SCRAM-SHA-512", "SCRAM-SHA-512"), ("GSSAPI", None), ("OAUTHBEARER", None)])
def test_every_mechanism(penstock, mechanism, ours):
    kafka, left = kafka_of(penstock, f"kafka_sasl_mechanism = '{mechanism}', kafka_sasl_username = 'u', kafka_sasl_password = 'p'")
    assert kafka.get("authentication") == ours and ("kafka_sasl_mechanism" in left) is (ours is None)


def test_iam_of_msk(penstock):
    """The engine's keys are those of its machine: the pipe's role is to be added, which create says too."""
    sasl = "kafka_security_protocol = 'sasl_ssl', kafka_sasl_mechanism = 'AWS_MSK_IAM', kafka_aws_region = 'eu-west-1'"
    kafka, left = kafka_of(penstock, sasl)
    assert kafka["type"] == "msk" and kafka["authentication"] == "IAM_ROLE" and "credentials" not in kafka
    assert {"kafka_sasl_mechanism", "kafka_aws_region"} < left
    kafka, left = kafka_of(penstock, f"{sasl}, kafka_sasl_username = 'AKID', kafka_sasl_password = 'hunter2'")
    assert kafka["authentication"] == "IAM_USER" and kafka["credentials"] == {"accessKeyId": "AKID", "secretKey": "hunter2"}


@pytest.mark.parametrize("name,known", [
    ("kafka_security_protocol", "plaintext, ssl, sasl_plaintext or sasl_ssl"),
    ("kafka_sasl_mechanism", "GSSAPI, PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER or AWS_MSK_IAM")])
def test_unknown_protocols_and_mechanisms(penstock, name, known):
    reply = imported(penstock, f"CREATE TABLE t (x Int8) ENGINE = Kafka('h', 't', 'g', 'JSONEachRow') SETTINGS {name} = 'TLS'")
    assert reply.status == 400 and f"{name} 'TLS': must be {known}" in reply.error


def test_what_the_statement_does_not_say(penstock):
    reply = imported(penstock, "CREATE TABLE t (x Int8) ENGINE = Kafka(collection)")
    left = {entry["setting"]: entry["reason"] for entry in reply.result["notCarried"]}
    assert "named collection" in left["kafka_topic_list"] and "not in the statement" in left["kafka_format"]


def test_a_registry_with_its_login_in_the_url(penstock):
    kafka, _ = kafka_of(penstock, "format_avro_schema_registry_url = 'https://me%40x:p:%2Fss%@r:8081/a@b'")
    assert kafka["schemaRegistry"] == {
        "url": "https://r:8081/a@b", "authentication": "PLAIN", "credentials": {"username": "me@x", "password": "p:/ss%"}}
    kafka, _ = kafka_of(penstock, "format_avro_schema_registry_url = 'http://r:8081'")
    assert kafka["schemaRegistry"] == {"url": "http://r:8081"}
