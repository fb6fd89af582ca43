"""Other librdkafkas than the system's, for programs that were built against that one.

The newest comes with confluent-kafka from PyPI, which serializers.py fetches anyway. It is linked as librdkafka.so.1 into a
folder of its own: with that folder in LD_LIBRARY_PATH a built penstock-worker runs on it. It has no SASL/GSSAPI.
"""
import glob
import os

from . import serializers
from .registry_servers import fetch_once

VERSION = "2.16.0"


def _make(folder):
    found = glob.glob(os.path.join(
        serializers.folder(), "lib", "python3.*", "site-packages", "confluent_kafka.libs", "librdkafka-*.so.1"))
    if len(found) != 1:
        raise RuntimeError(f"confluent-kafka {VERSION} came without its librdkafka: {found}")
    os.symlink(found[0], os.path.join(folder, "librdkafka.so.1"))


def newest_folder():
    """The folder for LD_LIBRARY_PATH."""
    return fetch_once(f"librdkafka-{VERSION}", _make)


def environment(name):
    """What a process needs to run on the library `name`: "system" or "newest"."""
    if name == "system":
        return {}
    if name != "newest":
        raise ValueError(f"no librdkafka is called {name!r}: system or newest")
    paths = [newest_folder(), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
    return {"LD_LIBRARY_PATH": ":".join(paths)}
