"""The official JSON-Schema-Test-Suite, as the source package of PyPI's jsonschema carries it."""
import pathlib
import sys
import tarfile

from .registry_servers import fetch_once, run_checked

VERSION = "4.25.1"


def _make(folder):
    run_checked(
        [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps", "--no-binary",
         "jsonschema", "-d", folder, f"jsonschema=={VERSION}"],
        "fetching the JSON Schema suite from PyPI (is the network up?)")
    (archive,) = pathlib.Path(folder).glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        for member in packed:
            parts = pathlib.PurePosixPath(member.name).parts
            if member.isfile() and parts[1:2] == ("json",) and ".." not in parts:
                target = pathlib.Path(folder, *parts[2:])
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(packed.extractfile(member).read())
    archive.unlink()


def folder():
    """Where `tests` and `remotes` of the suite lie."""
    return pathlib.Path(fetch_once(f"json-schema-suite-{VERSION}", _make))
