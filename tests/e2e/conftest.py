"""Real servers for the end-to-end tests: one Apache Kafka, ClickHouse engine, PostgreSQL, api and worker
per file of tests. Every test makes its own topic, table and pipe."""
import itertools

import pytest

from tests.harness.clickhouse import DevClickHouse
from tests.harness.kafka import ApacheKafka
from tests.harness.penstock import Penstock
from tests.harness.postgres import PrivatePostgres

LEASE_S = 4

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def kafka():
    with ApacheKafka() as broker:
        yield broker


@pytest.fixture(scope="module")
def clickhouse():
    with DevClickHouse() as server:
        yield server


@pytest.fixture(scope="module")
def database():
    with PrivatePostgres() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def penstock(database, clickhouse):
    with Penstock(database.url, workers=1, env={"PENSTOCK_LEASE_S": LEASE_S}) as programs:
        programs.create_service(clickhouse.url)
        yield programs


@pytest.fixture
def name():
    """A name for this test's topic, table and pipe that no other test of the file has."""
    return f"orders_{next(_numbers)}"


@pytest.fixture(autouse=True)
def servers_are_up(request):
    """A test that failed while it held a server down must not fail the tests after it."""
    yield
    for server in ("kafka", "clickhouse"):
        if server in request.fixturenames:
            running = request.getfixturevalue(server)
            if not running.process.is_alive():
                running.restart()
