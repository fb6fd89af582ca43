"""What a pipe with exactlyOnce promises is what its table allows: found out at create and at every start, told in
the summary and by events, improved by the statement that is offered."""
import re

from tests.e2e.destination_test import record
from tests.e2e.orders import create_pipe
from tests.e2e.source_test import events, start_pipe, stop_pipe
from tests.harness import net
from tests.harness.relay import Relay

PLAIN = [("id", "UInt64"), ("note", "String")]
WITH_OFFSETS = [*PLAIN, ("_topic", "String"), ("_partition", "Int32"), ("_offset", "Int64")]


def make_table(clickhouse, name, columns, settings=""):
    listed = ", ".join(f"{column} {kind}" for column, kind in columns)
    clickhouse.query(f"CREATE TABLE {name} ({listed}) ENGINE = MergeTree ORDER BY id {settings}")


def make_pipe(penstock, kafka, name, columns, **more):
    kafka.create_topic(name, 1)
    kafka.produce(name, [record(number) for number in range(10)])
    source = {"exactlyOnce": True, **more.pop("kafka", {})}
    return create_pipe(penstock, kafka, name, columns=columns, kafka=source, **more)


def wait_guarantee(penstock, pipe_id, mode):
    summary = penstock.wait_summary(
        pipe_id, lambda s: s["guarantee"]["mode"] == mode and s["state"] == "Running", what=f"guarantee {mode}")
    return summary["guarantee"]


def offer_of(guarantee):
    return re.search(r"ALTER TABLE [^;,]*", guarantee["detail"]).group(0)


def test_three_tables_three_promises(penstock, kafka, clickhouse, name):
    unmanaged = {"destination": {"managedTable": False}}
    for kind, columns, settings in (("window", PLAIN, "SETTINGS non_replicated_deduplication_window = 1000"),
                                    ("offsets", WITH_OFFSETS, ""), ("neither", PLAIN, "")):
        make_table(clickhouse, f"{name}_{kind}", columns, settings)
    pipes = {kind: make_pipe(penstock, kafka, f"{name}_{kind}", columns, **unmanaged)
             for kind, columns in (("window", PLAIN), ("offsets", WITH_OFFSETS), ("neither", PLAIN))}
    # known at once, from the api, and the same when a replica has looked
    for find in (lambda pipe, mode: penstock.summary(pipe)["guarantee"], lambda pipe, mode: wait_guarantee(penstock, pipe, mode)):
        by_token = find(pipes["window"], "exactly-once-by-token")
        assert by_token["mode"] == "exactly-once-by-token" and by_token["protects"] == {"inserts": 500, "seconds": 604800}
        assert "non_replicated_deduplication_window = 1000" in by_token["detail"]
        by_check = find(pipes["offsets"], "exactly-once-by-check")
        assert by_check["mode"] == "exactly-once-by-check" and by_check["protects"] == {"inserts": None, "seconds": 604800}
        assert "_topic, _partition, _offset" in by_check["detail"]
        neither = find(pipes["neither"], "at-least-once")
        assert neither["mode"] == "at-least-once" and neither["protects"] is None
        assert offer_of(neither) == (f"ALTER TABLE `default`.`{name}_neither` MODIFY SETTING"
                                     " non_replicated_deduplication_window = 10000")
    for kind, severity in (("window", "info"), ("offsets", "info"), ("neither", "critical")):
        penstock.wait_summary(pipes[kind], lambda s: s["records"]["sent"] == 10, what="the records")
        (event,) = events(penstock, pipes[kind], "guarantee")
        assert event["severity"] == severity and event["details"]["mode"] == penstock.summary(pipes[kind])["guarantee"]["mode"]
        assert not events(penstock, pipes[kind], "table_changed")

    # what is offered helps, from the next start on
    pipe_id = pipes["neither"]
    clickhouse.query(offer_of(neither))
    stop_pipe(penstock, pipe_id)
    start_pipe(penstock, pipe_id)
    improved = wait_guarantee(penstock, pipe_id, "exactly-once-by-token")
    assert improved["protects"] == {"inserts": 5000, "seconds": 604800}
    newest = events(penstock, pipe_id, "guarantee")[0]
    assert newest["severity"] == "info" and newest["details"]["before"] == "at-least-once"
    (changed,) = events(penstock, pipe_id, "table_changed")
    assert "not as it was" in changed["message"]
    # exactlyOnce off: no more is promised than is asked for
    stop_pipe(penstock, pipe_id)
    penstock.result("PATCH", f"{penstock.pipes_path}/{pipe_id}/source", {"kafka": {"exactlyOnce": False}})
    plain = penstock.summary(pipe_id)["guarantee"]
    assert plain["mode"] == "at-least-once" and "exactlyOnce is off" in plain["detail"] and plain["protects"] is None
    assert {f"{name}_{kind}": clickhouse.value(f"SELECT count() FROM {name}_{kind}") for kind in pipes} == {
        f"{name}_{kind}": "10" for kind in pipes}
    for pipe in pipes.values():
        penstock.delete_pipe(pipe)


def test_managed_tables_are_protected_and_views_are_named(penstock, kafka, clickhouse, name):
    pipe_id = make_pipe(penstock, kafka, name, PLAIN)
    guarantee = wait_guarantee(penstock, pipe_id, "exactly-once-by-token")
    assert guarantee["protects"] == {"inserts": 5000, "seconds": 604800}
    error_table = clickhouse.value(f"SELECT engine_full FROM system.tables WHERE name = '{name}_clickpipes_error'")
    assert "non_replicated_deduplication_window = 10000" in error_table
    clickhouse.query(f"CREATE TABLE {name}_daily (id UInt64) ENGINE = MergeTree ORDER BY id")
    clickhouse.query(f"CREATE MATERIALIZED VIEW {name}_view TO {name}_daily AS SELECT id FROM {name}")
    penstock.result("POST", f"{penstock.pipes_path}/{pipe_id}/restart", {})
    weak = penstock.wait_summary(
        pipe_id, lambda s: f"{name}_daily" in s["guarantee"]["detail"], what="the view's table")["guarantee"]
    assert weak["mode"] == "exactly-once-by-token"
    assert events(penstock, pipe_id, "guarantee")[0]["severity"] == "warning"
    clickhouse.query(offer_of(weak))
    penstock.result("POST", f"{penstock.pipes_path}/{pipe_id}/restart", {})
    penstock.wait_summary(
        pipe_id, lambda s: f"{name}_daily" not in s["guarantee"]["detail"], what="a view that is protected, too")
    assert events(penstock, pipe_id, "guarantee")[0]["severity"] == "info"
    penstock.delete_pipe(pipe_id)


def test_a_mapping_is_changed_while_a_range_is_pending(penstock, kafka, clickhouse, name):
    """What was sent before the PATCH, and is not known to be stored, is stored as it was mapped then."""
    columns = [*WITH_OFFSETS, ("extra", "String")]
    make_table(clickhouse, name, columns, "SETTINGS non_replicated_deduplication_window = 1000")
    service_id, refused, is_refusing = penstock.service_id, [], []
    with Relay(clickhouse.port) as relay:

        def refuse(phase, text):
            if phase == "before" and is_refusing and f"INSERT INTO `default`.`{name}`" in text:
                refused.append(text)
                raise ConnectionError("the connection ends here, as the test wants it")

        relay.hook = refuse
        penstock.create_service(relay.url, name="relay")
        try:
            pipe_id = make_pipe(penstock, kafka, name, WITH_OFFSETS, destination={"managedTable": False})
            path = f"{penstock.pipes_path}/{pipe_id}"
            penstock.wait_summary(pipe_id, lambda s: s["records"]["sent"] == 10, what="the first records")
            is_refusing.append(True)
            kafka.produce(name, [record(10)])
            net.wait_until(lambda: refused, 30, "an insert under way")
            penstock.result("PATCH", path, {
                "destination": {"columns": [{"name": column, "type": kind} for column, kind in columns]},
                "fieldMappings": [{"sourceField": "note", "destinationField": "extra"}]})
            kafka.produce(name, [record(number) for number in range(11, 20)])
            is_refusing.clear()
            penstock.wait_summary(pipe_id, lambda s: s["records"]["sent"] == 20, what="all records")
            rows = clickhouse.rows(f"SELECT _offset AS o, extra != '' AS is_new FROM {name} ORDER BY o")
            assert [(row["o"], row["is_new"]) for row in rows] == [(at, 1 if at > 10 else 0) for at in range(20)]
            penstock.delete_pipe(pipe_id)
        finally:
            penstock.service_id = service_id
