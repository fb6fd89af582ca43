"""schemathesis makes thousands of requests from openapi/penstock.yaml, good and bad ones, and checks every answer
against it: no 5xx, no undocumented code, content type or member. A standard validator reads the document."""
import os
import re
import subprocess

import pytest

from tests.harness import debian, paths

from .conftest import body_for

PACKAGES = ["schemathesis==4.32.5", "openapi-spec-validator"]
DOCUMENT = os.path.join(paths.ROOT, "openapi", "penstock.yaml")
REQUESTS = 2000
CHECKS = ("not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
          "response_schema_conformance,missing_required_header,unsupported_method,ignored_auth")


@pytest.fixture(scope="module")
def tools():
    """Folder of the programs, installed by pip into an environment of their own in the cache."""
    folder = os.path.join(debian.cache_dir(), "openapi-tools")
    done = os.path.join(folder, "installed")
    wanted = "\n".join(PACKAGES)
    if not os.path.exists(done) or open(done, encoding="ascii").read() != wanted:
        os.makedirs(debian.cache_dir(), exist_ok=True)
        subprocess.run(["python3", "-m", "venv", "--clear", folder], check=True)
        subprocess.run([f"{folder}/bin/pip", "-q", "install", "--disable-pip-version-check", *PACKAGES], check=True)
        with open(done, "w", encoding="ascii") as file:
            file.write(wanted)
    return os.path.join(folder, "bin")


def test_the_document_is_valid_openapi(tools):
    done = subprocess.run([f"{tools}/openapi-spec-validator", DOCUMENT], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout


def test_generated_requests(penstock, tools, table, tmp_path):
    """Of all checks those that say what the document promises; not those that want every strange value refused or taken
    (which names and types are good is more than a schema can say). The ids in the paths are real ones. Left out: what
    would delete them, and what needs a worker, of which there is none here (503 is then the right answer)."""
    pipe = penstock.create_pipe(body_for(table))["id"]
    config = tmp_path / "schemathesis.toml"
    config.write_text("\n".join([
        "[parameters]", f'"path.organizationId" = "{penstock.organization_id}"',
        f'"path.serviceId" = "{penstock.service_id}"', f'"path.clickPipeId" = "{pipe}"', ""]))
    done = subprocess.run([
        f"{tools}/schemathesis", "--config-file", str(config), "run", DOCUMENT, "--url", f"http://127.0.0.1:{penstock.port}",
        "--auth", f"{penstock.key_id}:{penstock.key_secret}", "--checks", CHECKS, "--exclude-operation-id", "serviceDelete",
        "--exclude-operation-id", "pipeDelete", "--exclude-operation-id", "servicePatch",
        "--exclude-operation-id-regex", "offsetsReset|[pP]robe|schemaDiscovery|[rR]eplay", "--phases", "examples,coverage,fuzzing",
        "--max-examples", "40", "--max-time", "90", "--seed", "1", "--no-color", "--max-failures", "20"],
        text=True, check=False, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=280)
    assert done.returncode == 0, done.stdout[-8000:]
    assert int(re.search(r"(\d+) generated", done.stdout)[1]) >= REQUESTS, done.stdout[-2000:]
