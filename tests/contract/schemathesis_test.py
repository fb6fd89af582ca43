"""schemathesis makes thousands of requests from openapi/penstock.yaml, good and bad ones, and checks every answer
against it: no 5xx, no undocumented code, content type or member. A standard validator reads the document."""
import os
import re
import subprocess

from tests.harness import openapi_tools, paths

from .conftest import body_for

DOCUMENT = os.path.join(paths.ROOT, "openapi", "penstock.yaml")
REQUESTS = 2000  # at least
RUNS_MAX = 4
CHECKS = ("not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
          "response_schema_conformance,missing_required_header,unsupported_method,ignored_auth")


def test_the_document_is_valid_openapi():
    done = subprocess.run([openapi_tools.python(), "-m", "openapi_spec_validator", DOCUMENT], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout


def run_some(penstock, config, seed):
    """One run of up to 90 s; how many requests it made. All of them have to be good."""
    done = subprocess.run([
        openapi_tools.python(), "-m", "schemathesis.cli", "--config-file", str(config), "run", DOCUMENT, "--url", f"http://127.0.0.1:{penstock.port}",
        "--auth", f"{penstock.key_id}:{penstock.key_secret}", "--checks", CHECKS, "--exclude-operation-id", "serviceDelete",
        "--exclude-operation-id", "pipeDelete", "--exclude-operation-id", "servicePatch",
        "--exclude-operation-id-regex", "offsetsReset|[pP]robe|schemaDiscovery|[rR]eplay", "--phases", "examples,coverage,fuzzing",
        "--max-examples", "40", "--max-time", "90", "--seed", str(seed), "--no-color", "--max-failures", "20"],
        text=True, check=False, cwd=config.parent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=280)
    assert done.returncode == 0, done.stdout[-8000:]
    return int(re.search(r"(\d+) generated", done.stdout)[1])


def test_generated_requests(penstock, table, tmp_path):
    """Of all checks those that say what the document promises; not those that want every strange value refused or taken
    (which names and types are good is more than a schema can say). The ids in the paths are real ones. Left out: what
    would delete them, and what needs a worker, of which there is none here (503 is then the right answer). A slow
    machine makes fewer requests in a run, so it makes more runs."""
    pipe = penstock.create_pipe(body_for(table))["id"]
    config = tmp_path / "schemathesis.toml"
    config.write_text("\n".join([
        "[parameters]", f'"path.organizationId" = "{penstock.organization_id}"',
        f'"path.serviceId" = "{penstock.service_id}"', f'"path.clickPipeId" = "{pipe}"', ""]))
    requests = 0
    for seed in range(1, RUNS_MAX + 1):
        requests += run_some(penstock, config, seed)
        if requests >= REQUESTS:
            return
    raise AssertionError(f"only {requests} requests in {RUNS_MAX} runs")
