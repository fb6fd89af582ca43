"""`make demo` as a person runs it: to its end, twice at once, after kill -9, with Ctrl-C."""
import base64
import json
import os
import signal
import subprocess
import urllib.request

import pytest

from demo.driver import settings, stack
from tests.harness import net, paths, proc

DEMO = os.path.join(paths.ROOT, "demo", "demo")
UP_S = 180
GONE_S = 60


class Demo:
    """One demo in a folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.env_file = os.path.join(folder, "env")
        self.log = os.path.join(folder + ".out")

    def environment(self, **variables):
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(("DEMO_", "CLICKHOUSE_", "KAFKA_", "DATABASE_"))}
        return dict(kept, DEMO_FOLDER=self.folder, **variables)

    def run(self, *arguments, **variables):
        """Run to the end; (exit code, output)."""
        done = subprocess.run(
            [DEMO, *arguments], env=self.environment(**variables), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=UP_S * 2)
        return done.returncode, done.stdout.decode("utf-8", "replace")

    def start(self, **variables):
        """Start in the background; wait until .demo/env says that everything is up."""
        child = proc.Process("demo", ["/usr/bin/env", "-i", *(
            f"{name}={value}" for name, value in self.environment(**variables).items()), DEMO], self.log)
        child.start()
        child.wait_ready(lambda: os.path.exists(self.env_file), UP_S, 0.1)
        return child

    def processes(self):
        """The children as the driver wrote them down."""
        return stack.read_json(os.path.join(self.folder, "processes.json"))

    def env(self):
        return settings.read_env_file(self.env_file)

    def get(self, path):
        """GET below the service of .demo/env."""
        env = self.env()
        token = base64.b64encode(f"{env['PENSTOCK_KEY_ID']}:{env['PENSTOCK_KEY_SECRET']}".encode()).decode()
        request = urllib.request.Request(
            f"{env['PENSTOCK_URL']}/organizations/{env['PENSTOCK_ORGANIZATION_ID']}/services/"
            f"{env['PENSTOCK_SERVICE_ID']}{path}", headers={"Authorization": f"Basic {token}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)["result"]

    def assert_nothing_left(self, processes):
        for one in processes:
            assert proc.wait_gone(one, GONE_S), f"{one['name']} still runs"


@pytest.fixture
def demo():
    parent = paths.scratch("penstock-demo-test-")
    os.chmod(parent, 0o711)
    one = Demo(os.path.join(parent, "demo"))
    yield one
    one.run("--down")
    subprocess.run(["rm", "-rf", parent], check=True)


def test_every_record_is_accounted_for(demo):
    code, said = demo.run(DEMO_EVENTS="60000", DEMO_RATE="0", DEMO_EXIT="1", DEMO_MALFORMED_PERCENT="2")
    assert code == 0, said
    assert "RECONCILED" in said and "FAILED" not in said
    assert ", rejected " in said and "rows/s" in said
    assert not os.path.exists(demo.env_file)
    assert not os.path.exists(os.path.join(demo.folder, "processes.json"))


def test_the_same_with_a_real_kafka(demo):
    code, said = demo.run(DEMO_EVENTS="30000", DEMO_RATE="0", DEMO_EXIT="1", DEMO_KAFKA="apache")
    assert code == 0, said
    assert "RECONCILED" in said


def test_kill9_of_the_demo_leaves_nothing_and_it_starts_again(demo):
    child = demo.start(DEMO_EVENTS="1000000", DEMO_RATE="2000")
    env = demo.env()
    assert demo.get(f"/clickpipes/{env['PENSTOCK_PIPE_ID']}")["state"] == "Running"
    processes = demo.processes()
    assert {one["name"] for one in processes} >= {
        "PostgreSQL", "clickhouse", "kafka", "penstock-api", "penstock-worker"}
    code, said = demo.run(DEMO_EXIT="1")
    assert code == 1 and "running already" in said
    child.kill9()
    demo.assert_nothing_left(processes)
    code, said = demo.run(DEMO_EVENTS="10000", DEMO_RATE="0", DEMO_EXIT="1")
    assert code == 0, said


def test_ctrl_c_ends_everything(demo):
    child = demo.start(DEMO_EVENTS="1000000", DEMO_RATE="2000")
    processes = demo.processes()
    child.signal(signal.SIGINT)
    assert child.wait(GONE_S) == 130
    demo.assert_nothing_left(processes)
    assert not os.path.exists(demo.env_file)


def test_it_keeps_running_after_the_comparison_until_it_is_taken_down(demo):
    child = demo.start(DEMO_EVENTS="5000", DEMO_RATE="0")
    processes = demo.processes()

    def says_what_to_try():
        with open(demo.log, encoding="utf-8") as log:
            return "everything keeps running" in log.read()

    child.wait_ready(says_what_to_try, UP_S, 0.1)
    with open(demo.log, encoding="utf-8") as log:
        commands = [line for line in log.read().splitlines() if line.startswith("curl ")]
    assert len(commands) == 5
    for command in commands:
        shell = f'. "{demo.env_file}"; {command} --fail-with-body'
        done = subprocess.run(["/bin/sh", "-c", shell], stdout=subprocess.PIPE, check=False, timeout=60)
        assert done.returncode == 0 and done.stdout, f"{command}: {done.stdout}"
    code, said = demo.run("--down")
    assert code == 0, said
    assert child.wait(GONE_S) == 0
    demo.assert_nothing_left(processes)
    assert demo.run("--down")[1].endswith("nothing was running\n")


@pytest.mark.parametrize("name", ["KAFKA_BROKERS", "CLICKHOUSE_URL", "DATABASE_URL"])
def test_a_part_that_is_not_there_is_named_in_one_line(demo, name):
    port = net.free_port()
    value = {"KAFKA_BROKERS": f"127.0.0.1:{port}", "CLICKHOUSE_URL": f"http://127.0.0.1:{port}",
             "DATABASE_URL": f"postgresql://nobody@127.0.0.1:{port}/none"}[name]
    code, said = demo.run(DEMO_EXIT="1", **{name: value})
    assert code == 1, said
    failures = [line for line in said.splitlines() if line.startswith("FAILED: ")]
    assert len(failures) == 1 and "Traceback" not in said
