"""The network is slow, cut or swallows everything, and the broker dies: the pipe says so, waits and loses nothing."""
import json

import pytest

from tests.harness import net
from tests.harness.fault_proxy import FaultProxy
from tests.process.replica_mock_test import documents, rows_in, wait_rows
from tests.process.replica_test import Producing, reconcile, stored


@pytest.fixture(scope="module", name="proxy")
def fixture_proxy(kafka):
    ports = [int(place.rsplit(":", 1)[1]) for place in (kafka.proxied_advertises, kafka.listeners["PROXIED"])]
    with FaultProxy(*ports) as proxy:
        print(f"fault proxy: {proxy.name}")
        yield proxy


@pytest.fixture(autouse=True)
def healed(request):
    yield
    if "proxy" in request.fixturenames:
        request.getfixturevalue("proxy").heal()


def goes_on(kafka, clickhouse, one, name, producing):
    """All that was produced is stored, nothing of it lost; returns how many rows are double."""
    producing.__exit__()
    wanted = len(producing.produced)
    net.wait_until(lambda: len(stored(clickhouse, name)) >= wanted, 60, "all records", 0.3)
    one.wait(lambda r: r.unsettled == 0 and (r.reasons() or [""])[-1] == "", 60, "all well")
    assert one.terminate() == 0
    assert kafka.committed(f"g-{name}", name) == kafka.end_offsets(name)
    return reconcile(clickhouse, name, producing.produced)


def test_a_cut_network(kafka, clickhouse, replica, proxy, name):
    kafka.create_topic(name, 3)
    with replica(bootstrap=kafka.proxied_advertises) as one, Producing(kafka, name, 200) as producing:
        wait_rows(one, clickhouse, name, 200)
        for _ in range(2):
            proxy.cut()
            one.wait(lambda r: r.reasons()[-1:] == ["SOURCE_UNREACHABLE"], 60, "the brokers are away")
            proxy.heal()
            one.wait(lambda r: r.reasons()[-1] == "", 60, "they are back")
        goes_on(kafka, clickhouse, one, name, producing)


def test_a_network_that_swallows_everything(kafka, clickhouse, replica, proxy, name):
    """Connections stay open and nothing comes: only time-outs tell."""
    kafka.create_topic(name, 3)
    with replica(bootstrap=kafka.proxied_advertises) as one, Producing(kafka, name, 200) as producing:
        wait_rows(one, clickhouse, name, 200)
        proxy.swallow()
        one.wait(lambda r: r.reasons()[-1:] == ["SOURCE_UNREACHABLE"], 90, "the brokers are away")
        assert one.popen.poll() is None
        proxy.heal()
        one.wait(lambda r: r.reasons()[-1] == "", 90, "they are back")
        goes_on(kafka, clickhouse, one, name, producing)


def test_a_slow_network(kafka, clickhouse, replica, proxy, name):
    """Slow is not away: no reason, no rebalance, every record once."""
    kafka.create_topic(name, 3)
    value = "x" * 1000
    with replica(bootstrap=kafka.proxied_advertises) as one:
        kafka.produce(name, documents(10))
        wait_rows(one, clickhouse, name, 10)
        before = one.counters["rebalances"]
        proxy.slow(latency_ms=400, kbytes_per_s=400)
        kafka.produce(name, [(None, json.dumps({"id": n, "name": value}).encode()) for n in range(2000)])
        wait_rows(one, clickhouse, name, 2010, 60)
        one.wait(lambda r: r.unsettled == 0, 30, "all is settled")
        assert one.reasons() in ([], [""]) and one.counters["rebalances"] == before
        proxy.heal()
        assert one.terminate() == 0
    assert rows_in(clickhouse, name) == 2010 and set(stored(clickhouse, name).values()) == {1}


@pytest.mark.short
def test_the_broker_is_killed_and_comes_back(kafka, clickhouse, replica, name):
    kafka.create_topic(name, 3)
    with replica() as one:
        produced = kafka.produce(name, documents(500))
        wait_rows(one, clickhouse, name, 500)
        kafka.kill9()
        one.wait(lambda r: r.reasons()[-1:] == ["SOURCE_UNREACHABLE"], 60, "the broker is away")
        kafka.restart()
        produced += kafka.produce(name, documents(500, 500))
        wait_rows(one, clickhouse, name, 1000, 60)
        one.wait(lambda r: r.reasons()[-1] == "" and r.unsettled == 0, 60, "all well")
        assert one.terminate() == 0
    assert reconcile(clickhouse, name, produced) == 0
    assert kafka.committed(f"g-{name}", name) == kafka.end_offsets(name)
