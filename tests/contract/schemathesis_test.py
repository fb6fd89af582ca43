"""The document openapi/penstock.yaml, read by a standard validator and a standard linter; and schemathesis, which makes
thousands of requests from it, good and bad ones, for every operation, and checks every answer against it."""
import json
import os
import re
import subprocess

import pytest

from tests.harness import openapi_tools, paths
from tests.harness.clickhouse import DevClickHouse
from tests.harness.kafka import ApacheKafka
from tests.harness.penstock import Penstock, kafka_pipe
from tests.harness.postgres import PrivatePostgres

DOCUMENT = os.path.join(paths.ROOT, "openapi", "penstock.yaml")
RULES = os.path.join(paths.ROOT, "openapi", "spectral.yaml")
REQUESTS = 2000  # at least
RUN_S = 60  # schemathesis uses up its time
RUNS_MAX = 3

# All of schemathesis' checks but one. object_level_authorization compares what two users see of each other's objects:
# keys of one organization share all of them, by design; that another organization's are refused is in
# protocol_test.py::test_keys_of_another_organization_see_nothing.
LEFT_OUT = "object_level_authorization"

# positive_data_acceptance wants what fits the schema to be accepted. It holds as it is for every operation without a
# body; 400 is right beside that
MAY_REFUSE = {
    # where the body names types, tables, SQL, brokers, logins, whose worth no schema can tell,
    "pipeCreate", "pipePatch", "sourcePatch", "settingsPut", "serviceCreate", "servicePatch", "importKafkaEngine",
    "probeTopics", "probeSample", "probeInfer", "probePreview", "probeConnection", "schemaDiscovery",
    # where the state of the pipe decides (start of a running one, reset of one that is not stopped, …) or of the service,
    "pipeState", "pipeRestart", "offsetsReset", "errorsReplay", "serviceDelete",
    # where two members must agree (from before to), or the cursor of a page is opaque,
    "metricsGet", "errorsGet",
    # for whole numbers above 64 bits and names with a zero byte in JSON, which the reader of JSON does not take,
    "pipeScaling", "serviceState",
    # and where nothing is ever made.
    "privateEndpointCreate",
}
ACCEPTED = ["2xx", "3xx", "400", "401", "403", "404", "409", "429", "5xx"]


def run(argv, **more):
    done = subprocess.run(argv, text=True, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=400, **more)
    assert done.returncode == 0, done.stdout[-8000:]
    return done.stdout


def test_the_document_is_valid_openapi():
    run([openapi_tools.python(), "-m", "openapi_spec_validator", DOCUMENT])


def test_the_document_is_clean_by_spectral():
    run([*openapi_tools.spectral(), "lint", "--ruleset", RULES, "--fail-severity", "hint", DOCUMENT])


def test_spectral_can_fail(tmp_path):
    """A key given twice, which a reader of YAML passes over."""
    with open(DOCUMENT, encoding="utf-8") as file:
        text = file.read()
    bad = tmp_path / "bad.yaml"
    bad.write_text(text.replace("  /version:\n", "  /version:\n    summary: a\n    summary: b\n"), encoding="utf-8")
    with pytest.raises(AssertionError, match="Duplicate key"):
        run([*openapi_tools.spectral(), "lint", "--ruleset", RULES, "--fail-severity", "hint", str(bad)])


@pytest.fixture(scope="module")
def world():
    """A whole Penstock: api, worker, Kafka, ClickHouse; what the hooks need to know of it."""
    with PrivatePostgres() as database, DevClickHouse() as clickhouse, ApacheKafka() as kafka:
        kafka.create_topic("records", 1)
        kafka.produce("records", [(None, value) for value in (b'{"id":1}', b"no json", b'{"id":"x"}')])
        with Penstock(database.url, workers=1) as penstock:
            penstock.create_service(clickhouse.url)
            pipe = penstock.create_pipe(kafka_pipe("p", kafka.bootstrap, "records", "records", {"id": "UInt64"}))["id"]
            yield penstock, {"brokers": kafka.bootstrap, "topic": "records", "clickhouse": clickhouse.url, "pipe": pipe,
                             "service": penstock.service_id, "organization": penstock.organization_id}
            assert penstock.api.stop(timeout_s=40) == 0, penstock.api.log_tail()  # sanitizers speak here


def configuration(folder):
    """schemathesis' settings: what may be refused by which operation."""
    lines = []
    for operation in sorted(MAY_REFUSE):
        lines += ["[[operations]]", f'include-operation-id = "{operation}"',
                  f"checks.positive_data_acceptance.expected-statuses = {json.dumps(ACCEPTED)}"]
    # A number or an empty text instead of the list of filters is, in a query, a list of one text.
    rejected = ["200", "400", "401", "403", "404", "405", "429", "5xx"]
    lines += ["[[operations]]", 'include-operation-id = "serviceList"',
              f"checks.negative_data_rejection.expected-statuses = {json.dumps(rejected)}"]
    path = folder / "schemathesis.toml"
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return path


def run_some(world, folder, seed):
    """One run; (requests made, whether there were some for every operation). All of them have to be good."""
    penstock, facts = world
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": os.path.dirname(__file__),
                   "PENSTOCK_SCHEMATHESIS": json.dumps(facts), "PYTHONDONTWRITEBYTECODE": "1"}
    output = run([
        openapi_tools.python(), "-m", "schemathesis.cli", "--config-file", str(configuration(folder)), "run", DOCUMENT,
        "--url", f"http://127.0.0.1:{penstock.port}", "--auth", f"{penstock.key_id}:{penstock.key_secret}",
        "--checks", "all", "--exclude-checks", LEFT_OUT, "--phases", "examples,coverage,fuzzing,stateful",
        "--max-examples", "15", "--max-time", str(RUN_S * seed), "--seed", str(seed), "--no-color", "--max-failures", "20"],
        cwd=folder, env=environment)
    known, tested = re.search(r"Selected: \d+/(\d+)\s+Tested: (\d+)", output).groups()
    return int(re.search(r"(\d+) generated", output)[1]), known == tested


def test_generated_requests(world, tmp_path):
    """A slow machine makes fewer requests in a run, so it makes another, longer run."""
    requests, are_all = 0, False
    for seed in range(1, RUNS_MAX + 1):
        more, are_all = run_some(world, tmp_path, seed)
        requests += more
        if requests >= REQUESTS and are_all:
            return
    raise AssertionError(f"{requests} requests in {RUNS_MAX} runs, of every operation: {are_all}")
