"""The contract (docs of the ClickPipes API) against the real penstock-api, PostgreSQL and ClickHouse
engine, without a worker: what a pipe shows is then derived from what is wanted alone."""
import itertools

import pytest

from tests.harness.clickhouse import DevClickHouse
from tests.harness.penstock import Penstock, kafka_pipe
from tests.harness.postgres import PrivatePostgres

TERRAFORM = {"User-Agent": "terraform-provider-clickhouse/3.25.3 Commit/x"}
BROKERS = "127.0.0.1:9"

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def clickhouse():
    with DevClickHouse() as server:
        yield server


@pytest.fixture(scope="session")
def database():
    with PrivatePostgres() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def penstock(database, clickhouse):
    with Penstock(database.url, env={"PENSTOCK_CLICKHOUSE_LOG": 1}) as programs:
        programs.create_service(clickhouse.url)
        yield programs
        programs.api.stop(timeout_s=40)
        assert programs.api.returncode == 0, programs.api.log_tail()  # sanitizers speak here


@pytest.fixture(scope="session")
def reader(penstock):
    """A key that may only read."""
    return penstock.create_key("reader")


@pytest.fixture
def table():
    """A table name that no other test uses."""
    return f"t{next(_numbers)}"


def body_for(table, columns=None, **more):
    """The smallest create body Terraform sends, for this table."""
    kafka = {"type": "confluent", "authentication": "PLAIN",
             "credentials": {"username": "u", "password": "hunter2-secret"}}
    kafka.update(more.pop("kafka", {}))
    return kafka_pipe(more.pop("name", f"pipe {table}"), BROKERS, "t1", table,
                      columns or {"id": "UInt64"}, kafka=kafka, **more)


@pytest.fixture
def make(penstock, table):
    """Create a pipe; returns it."""

    def create(columns=None, **more):
        return penstock.create_pipe(body_for(more.pop("table", table), columns, **more))

    return create
