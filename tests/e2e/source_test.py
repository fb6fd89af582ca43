"""Topics that are shortened, deleted, made again and refused; limits and settings of the pipe."""
import confluent_kafka.admin

from tests.e2e.destination_test import (
    PLAIN, counters_agree, ids, record, start, wait_reason, wait_well)
from tests.e2e.orders import Feed, create_pipe, good, reconcile, stored, wait_settled
from tests.harness import net
from tests.harness.penstock import ApiError


def stop_pipe(penstock, pipe_id):
    penstock.command_pipe(pipe_id, "stop")
    penstock.wait_state(pipe_id, "Stopped")


def start_pipe(penstock, pipe_id):
    penstock.command_pipe(pipe_id, "start")
    penstock.wait_state(pipe_id, "Running")


def events(penstock, pipe_id, kind):
    page = penstock.result("GET", f"{penstock.pipes_path}/{pipe_id}/events?type={kind}&limit=100")
    return page["events"]


def put_settings(penstock, pipe_id, settings):
    return penstock.result("PUT", f"{penstock.pipes_path}/{pipe_id}/settings", settings)


def test_latest_means_latest_once(penstock, kafka, clickhouse, name):
    """The end of a topic is looked up when the pipe is new, not again at its next start."""
    kafka.create_topic(name, 2)
    kafka.produce(name, [(None, good(1), None, None, 1)])
    pipe_id = create_pipe(
        penstock, kafka, name, columns=PLAIN, kafka={"offset": {"strategy": "from_latest"}})
    penstock.wait_summary(pipe_id, lambda s: len(s["lag"]["partitions"]) == 2, what="two partitions")
    stop_pipe(penstock, pipe_id)
    kafka.produce(name, [record(number) for number in range(10)])
    kafka.produce(name, [(None, good(1), None, None, 1)])
    start_pipe(penstock, pipe_id)
    penstock.wait_summary(pipe_id, lambda s: s["records"]["sent"] == 11, what="what came meanwhile")
    penstock.delete_pipe(pipe_id)


def test_a_new_partition_is_read_from_its_start(penstock, kafka, clickhouse, name):
    kafka.create_topic(name, 1)
    kafka.produce(name, [record(number) for number in range(5)])
    pipe_id = create_pipe(
        penstock, kafka, name, columns=PLAIN, kafka={"offset": {"strategy": "from_latest"}})
    penstock.wait_summary(pipe_id, lambda s: len(s["lag"]["partitions"]) == 1, what="one partition")
    admin = confluent_kafka.admin.AdminClient(kafka.client_config())
    admin.create_partitions([confluent_kafka.admin.NewPartitions(name, 2)])[name].result(30)
    net.wait_until(lambda: kafka.topics()[name] == 2, 20, "two partitions")
    kafka.produce(name, [(None, good(n), None, None, 1) for n in range(10)])
    penstock.wait_summary(
        pipe_id, lambda s: s["records"]["sent"] == 10, 60, "the new partition's records")
    penstock.delete_pipe(pipe_id)


def test_retention_passes_a_stopped_pipe(penstock, kafka, clickhouse, name):
    pipe_id = start(penstock, kafka, name)
    stop_pipe(penstock, pipe_id)
    kafka.produce(name, [record(number) for number in range(10, 50)])
    forget_old_records(kafka, name)
    start_pipe(penstock, pipe_id)
    begin = kafka.begin_offsets(name)[0]
    assert begin > 10
    end = kafka.end_offsets(name)[0]
    kafka.produce(name, [record(number) for number in range(end, end + 10)])
    wait_settled(kafka, penstock, clickhouse, pipe_id, name)
    rows, errors = stored(clickhouse, name)
    assert rows == {(0, at): 1 for at in [*range(10), *range(begin, end + 10)]} and not errors
    (event,) = net.wait_until(lambda: events(penstock, pipe_id, "offset_gap"), 20, "the gap's event")
    assert event["severity"] == "critical"
    assert event["details"] == {"topic": name, "partition": 0, "from": 10, "to": begin, "count": begin - 10}
    counters_agree(penstock, pipe_id, len(rows))
    penstock.delete_pipe(pipe_id)


def forget_old_records(kafka, topic):
    """Let the topic's retention take what is there but for the last record."""
    admin = confluent_kafka.admin.AdminClient(kafka.client_config())

    def configure(**settings):
        named = {key.replace("_", "."): value for key, value in settings.items()}
        resource = confluent_kafka.admin.ConfigResource("topic", topic, set_config=named)
        admin.alter_configs([resource])[resource].result(30)

    begin = kafka.begin_offsets(topic)[0]
    configure(retention_ms="1000", segment_ms="100")

    def has_forgotten():
        kafka.produce(topic, [record(10)])  # old segments end only when something is written
        return kafka.begin_offsets(topic)[0] > begin

    net.wait_until(has_forgotten, 60, "retention at work", 0.5)
    configure(retention_ms="-1")


def test_a_topic_is_deleted_and_made_again(penstock, kafka, clickhouse, name):
    pipe_id = start(penstock, kafka, name, records=30)
    kafka.delete_topic(name)
    reason = wait_reason(penstock, pipe_id, "TOPIC_NOT_FOUND")
    assert name in reason["message"]
    kafka.create_topic(name, 1)
    kafka.produce(name, [record(number) for number in range(100, 180)])
    penstock.wait_summary(pipe_id, lambda s: s["records"]["sent"] == 110, 90, what="the new topic's records")
    assert sorted(ids(clickhouse, name)) == list(range(30)) + list(range(100, 180))
    assert net.wait_until(lambda: events(penstock, pipe_id, "topic_recreated"), 20, "its event")
    wait_well(penstock, pipe_id)
    penstock.delete_pipe(pipe_id)


def test_a_topic_is_made_again_while_the_pipe_is_stopped(penstock, kafka, clickhouse, name):
    for table, again in (("short", 5), ("long", 80)):
        topic = f"{name}_{table}"
        pipe_id = start(penstock, kafka, topic, records=30)
        stop_pipe(penstock, pipe_id)
        kafka.delete_topic(topic)
        kafka.create_topic(topic, 1)
        kafka.produce(topic, [record(number) for number in range(100, 100 + again)])
        start_pipe(penstock, pipe_id)
        penstock.wait_summary(
            pipe_id, lambda s, wanted=30 + again: s["records"]["sent"] == wanted, 60, "its records")
        penstock.delete_pipe(pipe_id)


def test_a_topic_that_is_missing(penstock, kafka, name):
    try:
        create_pipe(penstock, kafka, name)
    except ApiError as problem:
        assert problem.status == 400 and name in str(problem)
    else:
        raise AssertionError("created")


def failed(penstock, pipe_id, code, timeout_s=60):
    summary = penstock.wait_summary(pipe_id, lambda s: s["state"] == "Failed", timeout_s, "Failed")
    assert summary["reason"]["code"] == code, summary["reason"]
    return summary["reason"]["message"]


def test_error_mode_stop(penstock, kafka, clickhouse, name):
    pipe_id = start(penstock, kafka, name, settings={"penstock_error_mode": "stop"})
    bad = (None, b"nonsense", None, None, 0)
    kafka.produce(name, [record(10), bad, record(12), record(13), bad, record(15)])
    message = failed(penstock, pipe_id, "ERROR_LIMIT")
    assert name in message and "partition 0" in message and "offset 11" in message
    penstock.command_pipe(pipe_id, "start")
    message = failed(penstock, pipe_id, "ERROR_LIMIT")
    assert "offset 14" in message, message
    start_pipe(penstock, pipe_id)
    wait_settled(kafka, penstock, clickhouse, pipe_id, name)
    rows, errors = stored(clickhouse, name)
    assert rows == {(0, at): 1 for at in range(16) if at not in (11, 14)}
    assert errors == {(0, 11): 1, (0, 14): 1}
    counters_agree(penstock, pipe_id, 16)
    penstock.delete_pipe(pipe_id)


def test_error_limit(penstock, kafka, clickhouse, name):
    pipe_id = start(penstock, kafka, name, settings={"penstock_error_limit": 3, "penstock_batch_rows": 2})
    records = [(None, b"nonsense", None, None, 0) if n % 5 == 4 else record(n) for n in range(10, 40)]
    kafka.produce(name, records)
    message = failed(penstock, pipe_id, "ERROR_LIMIT")
    assert name in message and "partition 0" in message and "offset 29" in message
    put_settings(penstock, pipe_id, {"penstock_error_limit": 0})
    start_pipe(penstock, pipe_id)
    wait_settled(kafka, penstock, clickhouse, pipe_id, name)
    rows, errors = stored(clickhouse, name)
    assert sorted(errors) == [(0, n) for n in range(14, 40, 5)]
    assert len(rows) + len(errors) == 40 and set(errors.values()) | set(rows.values()) == {1}
    counters_agree(penstock, pipe_id, 40)
    penstock.delete_pipe(pipe_id)


def test_settings_change_under_load(penstock, kafka, clickhouse, name):
    kafka.create_topic(name, 3)
    pipe_id = create_pipe(penstock, kafka, name)
    stream = Feed(kafka, name, rate=2000, bad_every=50).start()
    for settings in ({"penstock_batch_rows": 10, "streaming_max_insert_wait_ms": 500},
                     {"penstock_batch_bytes": 2000, "penstock_compression": "zstd"},
                     {"penstock_compression": "none", "streaming_max_insert_wait_ms": 60000},
                     {"streaming_max_insert_wait_ms": 500}):
        put_settings(penstock, pipe_id, settings)
        stream.wait_produced(len(stream.acknowledged) + 4000)
    acknowledged = stream.stop()
    wait_settled(kafka, penstock, clickhouse, pipe_id, name, 60)
    reconcile(clickhouse, name, acknowledged)
    counters_agree(penstock, pipe_id, len(acknowledged))
    penstock.delete_pipe(pipe_id)


def test_a_password_is_changed(penstock, kafka, clickhouse, name):
    """A wrong one is refused and changes nothing; once the broker's is another, the pipe is Failed within a minute;
    the right one goes on at the offset."""
    user = kafka.users["scramSha256"]
    kafka.create_topic(name, 1)
    kafka.produce(name, [record(n) for n in range(10)])
    pipe_id = create_pipe(
        penstock, kafka, name, columns=PLAIN,
        kafka={"brokers": "SASL_PLAINTEXT://" + kafka.listeners["SASL_PLAINTEXT"], "authentication": "SCRAM-SHA-256",
               "credentials": {"username": user["username"], "password": user["password"]}})
    penstock.wait_summary(pipe_id, lambda s: s["records"]["sent"] == 10, what="the first records")

    def change(password):
        return penstock.request("PATCH", f"{penstock.pipes_path}/{pipe_id}", {
            "source": {"kafka": {"credentials": {"username": user["username"], "password": password}}}})

    reply = change("wrong")
    assert reply.status == 400, reply.text
    assert "failed source validation: /source/kafka/credentials: SOURCE_AUTHENTICATION: " in reply.error
    kafka.produce(name, [record(n) for n in range(10, 20)])
    penstock.wait_summary(pipe_id, lambda s: s["records"]["sent"] == 20, what="records by the old password")
    try:
        kafka.set_scram_password(user["username"], "hunter2-new")
        penstock.result("POST", f"{penstock.pipes_path}/{pipe_id}/restart")
        kafka.produce(name, [record(n) for n in range(20, 30)])
        failed(penstock, pipe_id, "SOURCE_AUTHENTICATION", 75)
        assert change("hunter2-new").status == 200
        start_pipe(penstock, pipe_id)
        wait_settled(kafka, penstock, clickhouse, pipe_id, name)
    finally:
        kafka.set_scram_password(user["username"], user["password"])
    rows, _ = stored(clickhouse, name)
    assert rows == {(0, at): 1 for at in range(30)}
    wait_well(penstock, pipe_id)
    counters_agree(penstock, pipe_id, 30)
    penstock.delete_pipe(pipe_id)


def test_tombstones(penstock, kafka, clickhouse, name):
    for mode, expected in (("row", (3, 0, 0)), ("error", (2, 1, 0)), ("skip", (2, 0, 1))):
        topic = f"{name}_{mode}"
        kafka.create_topic(topic, 1)
        kafka.produce(topic, [record(1), (b"k", None, None, None, 0), record(2)])
        pipe_id = create_pipe(penstock, kafka, topic, columns=PLAIN, settings={"penstock_tombstones": mode})
        wait_settled(kafka, penstock, clickhouse, pipe_id, topic)
        records = counters_agree(penstock, pipe_id, 3)
        assert (records["sent"], records["rejected"], records["skipped"]) == expected
        penstock.delete_pipe(pipe_id)
