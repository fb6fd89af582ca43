"""tests/terraform/run with a provider that is none says so at once, and is not counted as passed."""
import os
import shutil
import subprocess

import pytest

from tests.harness import paths

RUN = os.path.join(paths.ROOT, "tests", "terraform", "run")


def run(**env):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_TF_")}
    done = subprocess.run([RUN], env={**inherited, **env}, text=True, check=False, timeout=120, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


@pytest.mark.skipif(shutil.which("terraform") is None, reason="no terraform program on the PATH")
def test_a_program_that_is_no_provider(tmp_path):
    fake = tmp_path / "provider"
    fake.write_text("#!/bin/sh\nexit 0\n")
    code, output = run(PENSTOCK_TF_PROVIDER_BIN=str(fake))
    assert code == 1 and f"PENSTOCK_TF_PROVIDER_BIN={fake} is not an executable file" in output
    fake.chmod(0o755)
    code, output = run(PENSTOCK_TF_PROVIDER_BIN=str(fake))
    assert code == 1 and f"PENSTOCK_TF_PROVIDER_BIN={fake} is not the ClickHouse provider 3.25.3: terraform" in output, output
    assert "passed" not in output


def test_without_terraform(tmp_path):
    (tmp_path / "dirname").symlink_to(shutil.which("dirname"))
    code, output = run(PATH=str(tmp_path), PENSTOCK_TF_PROVIDER_BIN="/bin/true")
    assert code == 77 and "test-terraform: NOT RUN: no terraform program on the PATH" in output, output
