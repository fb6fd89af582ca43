"""Changing settings of a pipe that is under load loses nothing: every record is accounted for by
(partition, offset)."""
import confluent_kafka

from tests.e2e.delivery_test import start_stream
from tests.e2e.orders import reconcile, wait_settled

CONSUMER_GROUPS = 0x020c00ff  # 2.12.0

CHANGES = [
    {"penstock_compression": "zstd"},
    {"penstock_batch_rows": 500, "penstock_null": "error"},
    {"penstock_compression": "none", "penstock_batch_bytes": 200000, "penstock_tombstones": "row"},
    {"streaming_max_insert_wait_ms": 1000, "penstock_error_limit": 900000},
    {"penstock_multi_record": "lines"},
    {"penstock_multi_record": None, "penstock_compression": None},
]


def test_settings_change_under_load(penstock, kafka, clickhouse, name):
    pipe_id, stream = start_stream(penstock, kafka, name, bad_every=50)
    for change in CHANGES:
        penstock.result("PUT", f"{penstock.pipes_path}/{pipe_id}/settings", change)
        before = stream.produced
        stream.wait_produced(before + 2000)
        sent = penstock.summary(pipe_id)["records"]["sent"]
        penstock.wait_summary(
            pipe_id, lambda s, least=sent: s["records"]["sent"] > least and s["reason"] is None,
            what="rows after the change")
    acknowledged = stream.stop()
    wait_settled(kafka, penstock, clickhouse, pipe_id, name)
    outcome = reconcile(clickhouse, name, acknowledged)
    assert outcome.rejected == sum(acknowledged.values())
    assert penstock.pipe(pipe_id)["state"] == "Running"
    before = penstock.pipe(pipe_id)
    for method, path, body in (("PUT", "/settings", {"penstock_group_protocol": "consumer"}),
                               ("PATCH", "", {"settings": {"penstock_group_protocol": "consumer"}})):
        reply = penstock.request(method, f"{penstock.pipes_path}/{pipe_id}{path}", body)
        if confluent_kafka.libversion()[1] < CONSUMER_GROUPS:  # the worker's own: refused before a replica would
            assert reply.status == 400 and "/settings: penstock_group_protocol=consumer needs librdkafka" in reply.error
            assert penstock.pipe(pipe_id) == before
        else:
            assert reply.status == 200
    penstock.delete_pipe(pipe_id)
