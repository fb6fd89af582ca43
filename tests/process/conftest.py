"""Fixtures of the supervisor's suites."""
import pytest

from tests.harness.postgres import PrivatePostgres
from tests.process.world import World


@pytest.fixture(scope="module")
def postgres():
    with PrivatePostgres() as server:
        yield server


@pytest.fixture
def world(postgres):
    """A migrated database of its own and workers on it; everything ends with the test."""
    made = World(postgres)
    try:
        yield made
    finally:
        made.close()
