"""Real servers for the provider: Apache Kafka, ClickHouse engine, PostgreSQL, api and worker."""
import itertools
import os

import pytest

from tests.e2e import conftest as servers

from .program import NotTheProvider, Terraform, check_provider

clickhouse, database = servers.clickhouse, servers.database
kafka, penstock = servers.kafka, servers.penstock
_numbers = itertools.count(1)


@pytest.fixture(scope="session", autouse=True)
def provider(tmp_path_factory):
    """The executable is the provider: said once, before anything is started."""
    try:
        check_provider(str(tmp_path_factory.mktemp("provider")))
    except NotTheProvider as problem:
        pytest.exit(f"test-terraform: PENSTOCK_TF_PROVIDER_BIN={os.environ['PENSTOCK_TF_PROVIDER_BIN']} is not the ClickHouse "
                    f"provider {os.environ['PENSTOCK_TF_PROVIDER_VERSION']}: {problem}", returncode=1)


@pytest.fixture
def name(kafka):  # noqa: F811
    """A name for this test's topic and table; the topic is there."""
    name = f"tf_{next(_numbers)}"
    kafka.create_topic(name, 1)
    return name


@pytest.fixture
def terraform(penstock, tmp_path):  # noqa: F811
    """A folder of its own; what a failed test left is deleted by API."""
    yield Terraform(penstock, str(tmp_path))
    for pipe in penstock.result("GET", penstock.pipes_path):
        penstock.request("DELETE", f"{penstock.pipes_path}/{pipe['id']}")
