"""schemathesis and openapi-spec-validator from PyPI, in a virtual environment of their own in the cache.

    subprocess.run([openapi_tools.python(), "-m", "schemathesis.cli", "run", …])
"""
import os
import sys

from .registry_servers import fetch_once, run_checked

VERSION = "4.32.5"
PACKAGES = [f"schemathesis=={VERSION}", "openapi-spec-validator==0.9.0"]


def _make(folder):
    run_checked([sys.executable, "-m", "venv", "--copies", folder], "making a virtual environment")
    run_checked(
        [os.path.join(folder, "bin", "python3"), "-m", "pip", "install", "-q", "--disable-pip-version-check", *PACKAGES],
        "fetching schemathesis from PyPI (is the network up?)")


def python():
    """The environment's interpreter. (Its programs name the folder it was made in: use `-m`.)"""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return os.path.join(fetch_once(f"schemathesis-{VERSION}-python{version}", _make), "bin", "python3")
