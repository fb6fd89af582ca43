"""schemathesis and openapi-spec-validator from PyPI, in a virtual environment of their own in the cache, and Spectral
from npm beside it.

    subprocess.run([openapi_tools.python(), "-m", "schemathesis.cli", "run", …])
    subprocess.run([*openapi_tools.spectral(), "lint", …])
"""
import os
import sys

from .registry_servers import fetch_once, run_checked

VERSION = "4.32.5"
SPECTRAL_VERSION = "6.16.3"
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


def _make_spectral(folder):
    run_checked(
        ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", folder,
         f"@stoplight/spectral-cli@{SPECTRAL_VERSION}"], "fetching Spectral from npm (is the network up?)")


def spectral():
    """The words that run Spectral."""
    folder = fetch_once(f"spectral-{SPECTRAL_VERSION}", _make_spectral)
    return ["node", os.path.join(folder, "node_modules", "@stoplight", "spectral-cli", "dist", "index.js")]
