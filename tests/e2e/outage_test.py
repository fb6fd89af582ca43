"""An outage longer than the pipe's patience: the pipe fails with the reason, keeps what it has not stored
in Kafka, and goes on when somebody starts it again."""
from tests.e2e.orders import Feed, create_pipe, reconcile, wait_settled

PATIENCE_S = 3


def fail_and_start_again(penstock, kafka, clickhouse, name, server, setting, code):
    kafka.create_topic(name, 2)
    pipe_id = create_pipe(penstock, kafka, name, settings={setting: PATIENCE_S})
    stream = Feed(kafka, name, rate=300).start()
    penstock.wait_summary(pipe_id, lambda s: s["records"]["sent"] > 0, what="first rows")
    server.kill9()
    penstock.wait_state(pipe_id, "Failed", 60)
    reason = penstock.summary(pipe_id)["reason"]
    assert reason["code"] == code and reason["message"]
    server.restart()
    assert penstock.pipe(pipe_id)["state"] == "Failed", "it needs a person"
    penstock.command_pipe(pipe_id, "start")
    penstock.wait_state(pipe_id, "Running", 60)
    stream.wait_produced(len(stream.acknowledged) + 500, 120)
    acknowledged = stream.stop()
    wait_settled(kafka, penstock, clickhouse, pipe_id, name)
    reconcile(clickhouse, name, acknowledged)
    penstock.delete_pipe(pipe_id)


def test_a_destination_that_stays_away(penstock, kafka, clickhouse, name):
    fail_and_start_again(penstock, kafka, clickhouse, name, clickhouse, "penstock_destination_timeout_s",
                         "DESTINATION_UNREACHABLE")


def test_a_source_that_stays_away(penstock, kafka, clickhouse, name):
    fail_and_start_again(penstock, kafka, clickhouse, name, kafka, "penstock_source_timeout_s", "SOURCE_UNREACHABLE")
