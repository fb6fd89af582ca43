"""Replicas against a real Apache Kafka, in the version and on the Kafka library that the environment names:

    PENSTOCK_TEST_KAFKA       3.9.2 (default) or 4.3.1
    PENSTOCK_TEST_LIBRDKAFKA  system (default) or newest

One broker, one ClickHouse for the whole suite; every test has its own topic, table and group. `make test` runs all with
the first pair and those marked `short` with the newest one; `make test-kafka` runs all with every pair.
"""
import itertools
import os

import pytest

from tests.harness import librdkafka
from tests.harness.clickhouse import DevClickHouse
from tests.harness.kafka import NEWEST_VERSION, ApacheKafka
from tests.harness.replica import Replica, make_spec
from tests.process.replica_mock_test import FAST, make_tables

KAFKA = os.environ.get("PENSTOCK_TEST_KAFKA") or "3.9.2"
LIBRARY = os.environ.get("PENSTOCK_TEST_LIBRDKAFKA") or "system"
COLUMNS = [("id", "UInt64"), ("name", "String"), ("_topic", "String"), ("_partition", "Int32"), ("_offset", "Int64")]

_numbers = itertools.count(1)


def pytest_configure(config):
    config.addinivalue_line("markers", "short: also run by `make test` with the newest Kafka and library")
    config.addinivalue_line("markers", "newest: needs a library or a broker that the defaults are not")


def pytest_collection_modifyitems(items):
    for item in items:
        if "newest" in item.keywords and (KAFKA, LIBRARY) != (NEWEST_VERSION, "newest"):
            item.add_marker(pytest.mark.skip(reason=f"Kafka {KAFKA}, {LIBRARY} library"))


@pytest.fixture(scope="session", autouse=True)
def library():
    """Every worker process of the session runs on this librdkafka."""
    before = dict(os.environ)
    os.environ.update(librdkafka.environment(LIBRARY))
    yield LIBRARY
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def kafka():
    with ApacheKafka(version=KAFKA) as broker:
        yield broker


@pytest.fixture(scope="session")
def clickhouse():
    with DevClickHouse() as server:
        yield server


@pytest.fixture
def name(clickhouse):
    """A name for this test's topic, group and table; the table is there."""
    made = f"t{next(_numbers)}"
    make_tables(clickhouse, made, COLUMNS)
    return made


@pytest.fixture
def replica(kafka, clickhouse, name, tmp_path):
    """replica(**options of make_spec): a Replica (not started) of topic, group and table `name`."""

    def make(**options):
        options = dict(options)
        settings = {**FAST, **options.pop("settings", {})}
        index = options.get("index", 0)
        group = options.pop("group", f"g-{name}")
        spec = make_spec(
            options.pop("bootstrap", kafka.bootstrap), options.pop("topic", name), clickhouse, name, COLUMNS,
            group=group, settings=settings, **options)
        return Replica(spec, str(tmp_path / f"log{index}"))

    return make


@pytest.fixture(autouse=True)
def servers_are_up(request):
    """A test that failed while it held a server down must not fail the tests after it."""
    yield
    for server in ("kafka", "clickhouse"):
        if server in request.fixturenames:
            running = request.getfixturevalue(server)
            if not running.process.is_alive():
                running.restart()
