"""Offsets of a pipe, looked at and reset, restart and a change of its source, against a real Kafka."""
import datetime
import json
import os
import re
import subprocess
import signal

from tests.e2e.destination_test import record, start
from tests.e2e.orders import stored
from tests.e2e.source_test import events, start_pipe, stop_pipe
from tests.harness import net, paths


def offsets(penstock, pipe_id):
    return penstock.result("GET", f"{penstock.pipes_path}/{pipe_id}/offsets")["partitions"]


def reset(penstock, pipe_id, to, **more):
    return penstock.request("POST", f"{penstock.pipes_path}/{pipe_id}/offsets/reset", {"to": to, **more})


def rows_of(clickhouse, name):
    return sum(stored(clickhouse, name)[0].values())


def test_offsets_are_reset(penstock, kafka, clickhouse, database, name):
    pipe_id = start(penstock, kafka, name)  # records 0 to 9 of partition 0
    net.wait_until(lambda: offsets(penstock, pipe_id) == [
        {"topic": name, "partition": 0, "committed": 10, "end": 10, "lag": 0}], 20, "a commit")
    reply = reset(penstock, pipe_id, "beginning")
    assert reply.status == 400 and "must be stopped" in reply.error
    stop_pipe(penstock, pipe_id)
    kafka.produce(name, [record(number) for number in range(10, 15)])
    assert offsets(penstock, pipe_id) == [{"topic": name, "partition": 0, "committed": 10, "end": 15, "lag": 5}]

    def move(to, again, skipped, **more):
        return {"partitions": [{"topic": name, "partition": 0, "from": 10, "to": to}], "again": again,
                "skipped": skipped, **more}

    # dry: says it, changes nothing, leaves no audit entry
    newest = penstock.result("GET", f"{penstock.organization_path}/audit?limit=1")
    assert reset(penstock, pipe_id, "beginning", dryRun=True).result == move(0, 10, 0)
    assert reset(penstock, pipe_id, "latest", dryRun=True).result == move(15, 0, 5)
    future = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)).isoformat()
    assert reset(penstock, pipe_id, "timestamp", timestamp=future, dryRun=True).result == move(15, 0, 5)
    assert reset(penstock, pipe_id, "timestamp", timestamp="1971-01-01T00:00:00Z", dryRun=True).result == move(0, 10, 0)
    one = [{"topic": name, "partition": 0, "offset": 7}]
    assert reset(penstock, pipe_id, "offsets", offsets=one, dryRun=True).result == move(7, 3, 0)
    for bad in ({"offset": 16}, {"partition": 1}, {"topic": "other"}):
        reply = reset(penstock, pipe_id, "offsets", offsets=[{**one[0], **bad}])
        assert reply.status == 400 and "/offsets/0" in reply.error, reply.text
    assert offsets(penstock, pipe_id)[0]["committed"] == 10
    assert penstock.result("GET", f"{penstock.organization_path}/audit?limit=1") == newest
    assert not events(penstock, pipe_id, "offsets_reset")

    # and now really
    assert reset(penstock, pipe_id, "offsets", offsets=one).result == move(7, 3, 0)
    assert offsets(penstock, pipe_id) == [{"topic": name, "partition": 0, "committed": 7, "end": 15, "lag": 8}]
    (event,) = events(penstock, pipe_id, "offsets_reset")
    assert event["details"] == move(7, 3, 0) and event["severity"] == "warning"
    epoch = lambda: database.query(f"SELECT epoch FROM pipe WHERE id = '{pipe_id}'")
    assert epoch() == "1"  # other partitions would have stayed
    start_pipe(penstock, pipe_id)
    net.wait_until(lambda: rows_of(clickhouse, name) == 18, 30, "10 rows, then 8 from offset 7 on")
    assert stored(clickhouse, name)[0] == {(0, at): 2 if 7 <= at < 10 else 1 for at in range(15)}
    stop_pipe(penstock, pipe_id)
    assert reset(penstock, pipe_id, "beginning").status == 200 and epoch() == "2"
    penstock.delete_pipe(pipe_id)


def test_a_group_in_use_is_not_moved(penstock, kafka, name):
    """Somebody else reads with the stopped pipe's group: Kafka refuses, nothing is recorded."""
    pipe_id = start(penstock, kafka, name)
    stop_pipe(penstock, pipe_id)
    before = offsets(penstock, pipe_id)
    group = penstock.pipe(pipe_id)["source"]["kafka"]["consumerGroup"]
    with kafka.consumer(group) as consumer:
        consumer.subscribe([name])
        net.wait_until(lambda: consumer.poll(0.2) is not None or consumer.assignment(), 30, "an assignment")
        reply = reset(penstock, pipe_id, "beginning")
        assert reply.status == 400 and "in use" in reply.error, reply.text
    assert offsets(penstock, pipe_id) == before and not events(penstock, pipe_id, "offsets_reset")
    penstock.delete_pipe(pipe_id)


def test_restart_and_other_topics(penstock, kafka, clickhouse, name):
    pipe_id = start(penstock, kafka, name)
    pid = penstock.summary(pipe_id)["replicas"][0]["pid"]
    penstock.result("POST", f"{penstock.pipes_path}/{pipe_id}/restart", {})
    penstock.wait_summary(
        pipe_id, lambda s: s["replicas"] and s["replicas"][0]["pid"] not in (pid, None)
        and s["replicas"][0]["state"] == "running", what="another process")
    stop_pipe(penstock, pipe_id)
    kafka.create_topic(f"{name}_b", 1)
    kafka.produce(f"{name}_b", [record(number) for number in range(100, 105)])
    changed = penstock.result("PATCH", f"{penstock.pipes_path}/{pipe_id}/source", {"kafka": {"topics": f"{name}_b"}})
    assert changed["source"]["kafka"]["topics"] == f"{name}_b", json.dumps(changed)
    start_pipe(penstock, pipe_id)
    net.wait_until(lambda: clickhouse.value(f"SELECT count() FROM {name}") == "15", 30, "the other topic's rows")
    assert [row["topic"] for row in net.wait_until(lambda: offsets(penstock, pipe_id), 20, "offsets")] == [f"{name}_b"]

    def latencies():
        text = penstock.request("GET", f"{penstock.service_path}/prometheus").text
        return re.search(rf'penstock_pipe_latency_seconds_count{{[^}}]*{pipe_id}[^}}]*}} (\d+)', text)[1]

    net.wait_until(lambda: latencies() == "15", 20, "a latency of every record, over restarts")

    def memory():
        return penstock.result("GET", f"{penstock.pipes_path}/{pipe_id}/metrics")["series"]["memoryBytes"]

    # A sample that fell between the start and the first report of the process says 0.
    net.wait_until(lambda: any(value > 1_000_000 for _, value in memory()), 60, "a sample of the memory")
    penstock.delete_pipe(pipe_id)



def test_a_pipe_is_stopping_while_it_drains(penstock, kafka, clickhouse, name):
    """ClickHouse stands still with an insert under way: until that has ended the pipe is Stopping, whatever is asked of it;
    then Stopped, with the offset behind the rows. Started while it drains it goes on."""
    pipe = start(penstock, kafka, name)  # with ten records
    penstock.wait_summary(pipe, lambda s: s["records"]["sent"] == 10, what="ten records sent")
    for number, command in enumerate(("stop", "start")):
        clickhouse.process.signal(signal.SIGSTOP)
        try:
            kafka.produce(name, [record(10 + number)])
            penstock.wait_summary(pipe, lambda s, wanted=11 + number: s["records"]["fetched"] == wanted, what="the record read")
            assert penstock.command_pipe(pipe, "stop")["state"] == "Stopping"
            for _ in range(5):
                assert penstock.pipe(pipe)["state"] == "Stopping"
            assert penstock.summary(pipe)["records"]["sent"] == 10 + number
            assert penstock.command_pipe(pipe, command)["state"] == ("Stopping" if command == "stop" else "Running")
        finally:
            clickhouse.process.signal(signal.SIGCONT)
        penstock.wait_state(pipe, "Stopped" if command == "stop" else "Running")
        if command == "stop":
            offsets = penstock.result("GET", f"{penstock.pipes_path}/{pipe}/offsets")["partitions"]
            assert [row["committed"] for row in offsets] == [11] and penstock.summary(pipe)["records"]["sent"] == 11
            penstock.command_pipe(pipe, "start")
            penstock.wait_state(pipe, "Running")
    penstock.wait_summary(pipe, lambda s: s["records"]["sent"] == 12, what="all sent")
    assert clickhouse.value(f"SELECT count(), uniqExact(id) FROM {name} FORMAT TSV") == "12\t12"
    penstock.delete_pipe(pipe)


def test_the_examples_of_the_docs(penstock, kafka, clickhouse, tmp_path):
    """docs/operators.md as a reader pastes it: every block works, and no endpoint is without an example."""
    with open(os.path.join(paths.ROOT, "docs", "operators.md"), encoding="utf-8") as file:
        text = file.read()
    with open(os.path.join(paths.ROOT, "api", "routes.c"), encoding="utf-8") as file:
        tails = re.findall(r'(?:SERVICE|ORGANIZATION|PIPES|PIPE) "(/[^"]+)"|, "(/(?:health|version|openapi|metrics)[^"]*)"', file.read())
    missing = [tail for pair in tails for tail in pair if tail and "{" not in tail and tail not in text]
    assert len(tails) > 30 and missing == [], missing
    kafka.create_topic("demo_orders", 1)
    kafka.produce("demo_orders", [(None, b'{"order_id":"6ba7b810-9dad-11d1-80b4-00c04fd430c8","n":%d}' % number) for number in range(5)])
    (tmp_path / ".demo").mkdir()
    (tmp_path / ".demo" / "env").write_text("".join(f"{name}='{value}'\n" for name, value in {
        "PENSTOCK_URL": penstock.url, "PENSTOCK_ORGANIZATION_ID": penstock.organization_id,
        "PENSTOCK_SERVICE_ID": penstock.service_id, "PENSTOCK_KEY_ID": penstock.key_id,
        "PENSTOCK_KEY_SECRET": penstock.key_secret, "KAFKA_BROKERS": kafka.bootstrap,
        "CLICKHOUSE_URL": clickhouse.url}.items()), encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)
    done = subprocess.run(["bash", "-euxo", "pipefail", "-c", "\n".join(blocks)], cwd=tmp_path, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
    assert done.returncode == 0 and "jq: error" not in done.stdout, done.stdout[-3000:]
    assert clickhouse.value("EXISTS TABLE by_example") == "1"
