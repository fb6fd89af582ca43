"""common/clickhouse against a real ClickHouse: a program of its own (tests/process/clickhouse), run
against the development server, or against CLICKHOUSE_URL (CLICKHOUSE_USER, CLICKHOUSE_PASSWORD)."""
import os
import subprocess

from tests.harness import paths
from tests.harness.clickhouse import DevClickHouse

TIMEOUT_S = 120


def run_program(environment):
    done = subprocess.run([paths.program("clickhouse_process_test")], env={**os.environ, **environment},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stdout
    assert "[  PASSED  ] 11 test(s)." in done.stdout, done.stdout


def test_against_a_real_server():
    if os.environ.get("CLICKHOUSE_URL"):
        run_program({})
        return
    with DevClickHouse(user="penstock", password="a:b c") as clickhouse:
        run_program({"CLICKHOUSE_URL": clickhouse.url, "CLICKHOUSE_USER": "penstock",
                     "CLICKHOUSE_PASSWORD": "a:b c"})
