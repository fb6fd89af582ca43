"""Listings cost the same number of SQL statements however many pipes there are."""
import re

import pytest

from tests.harness import net
from tests.harness.penstock import Penstock
from tests.harness.postgres import PrivatePostgres

from .conftest import body_for

BACKGROUND = "penstock_event_log|FROM leftover l|certificate_revision|certificate_told"


@pytest.fixture(scope="module")
def logged():
    """A PostgreSQL that writes every statement to its log."""
    with PrivatePostgres() as cluster:
        cluster.query("ALTER SYSTEM SET log_statement = 'all'")
        cluster.query("SELECT pg_reload_conf()")
        yield cluster


@pytest.fixture(scope="module")
def counted(logged, clickhouse):
    """Call it with a path: (statements, answer). Not counted: the SELECT 1 that tries a connection after a pause,
    and what the api does in the background."""
    with Penstock(logged.url) as own:
        own.create_service(clickhouse.url)

        def lines():
            with open(logged.log, encoding="utf-8", errors="replace") as file:
                return re.findall(r"(?:execute <unnamed>|statement): (.*)", file.read())

        def count(path):
            mark = f"SELECT 'mark before {path}'"
            logged.query(mark)
            answer = own.result("GET", path)
            logged.query(mark.replace("before", "after"))

            def between():
                found = lines()
                after = [at for at, line in enumerate(found) if f"mark after {path}" in line]
                before = [at for at, line in enumerate(found) if f"mark before {path}" in line]
                if not len(after) == len(before) > 0:
                    return None
                return [line for line in found[before[-1] + 1:after[-1]] if line != "SELECT 1" and not re.search(BACKGROUND, line)]

            return net.wait_until(between, 10, "the log"), answer

        yield own, count


def test_a_list_of_1000_pipes(counted, logged, table):
    own, count = counted
    pipe = own.create_pipe(body_for(table))["id"]
    paths = [own.pipes_path, f"{own.pipes_path}/summary"]
    few = {path: count(path) for path in paths}
    assert all(len(answer) == 1 and 1 <= len(statements) <= 8 for statements, answer in few.values()), few
    logged.query(
        "INSERT INTO pipe (id, service_id, name, definition, consumer_group, replicas, cpu_millicores, memory_gb) SELECT "
        "gen_random_uuid(), service_id, name || n, definition, consumer_group, 1, 125, 0.5 FROM pipe, "
        f"generate_series(1, 999) AS n WHERE id = '{pipe}'")
    logged.query("INSERT INTO pipe_replica (pipe_id, replica_index) SELECT id, 0 FROM pipe")
    logged.query("INSERT INTO pipe_partition SELECT id, 't', 0, 1, 2 FROM pipe")
    for path in paths:
        statements, answer = count(path)
        assert len(answer) == 1000
        assert len(statements) == len(few[path][0]), statements
    single = count(f"{own.pipes_path}/{pipe}")
    assert len(single[0]) <= 5, single[0]
