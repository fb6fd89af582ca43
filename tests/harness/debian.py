"""Programs out of Debian packages, unpacked into the cache folder: nothing is installed, no service starts.

    wrk = debian.program("usr/bin/wrk", "wrk", "libluajit-5.1-2")
    subprocess.run([wrk.path, …], env=wrk.env)
"""
import collections
import fcntl
import glob
import os
import shutil
import subprocess
import tempfile

Program = collections.namedtuple("Program", "path env")


def cache_dir():
    """Where downloads are kept; PENSTOCK_CACHE_DIR replaces it."""
    return os.environ.get("PENSTOCK_CACHE_DIR") or os.path.join(os.path.expanduser("~"), ".cache", "penstock")


def _unpack(packages, folder):
    with tempfile.TemporaryDirectory(dir=os.path.dirname(folder)) as scratch:
        subprocess.run(["apt-get", "-q", "download", *packages], cwd=scratch, check=True,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        root = os.path.join(scratch, "root")
        for package in glob.glob(os.path.join(scratch, "*.deb")):
            subprocess.run(["dpkg-deb", "-x", package, root], check=True)
        shutil.move(root, folder)


def program(path, *packages):
    """A program of the first package, with what it needs from the others in LD_LIBRARY_PATH."""
    folder = os.path.join(cache_dir(), f"debian-{packages[0]}")
    os.makedirs(cache_dir(), exist_ok=True)
    with open(f"{folder}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(os.path.join(folder, path)):
            shutil.rmtree(folder, ignore_errors=True)
            try:
                _unpack(packages, folder)
            except subprocess.CalledProcessError as failure:
                raise RuntimeError(f"cannot fetch {' '.join(packages)} with apt-get download (apt-get update first?): "
                                   f"{failure.output}") from failure
    libraries = glob.glob(os.path.join(folder, "usr", "lib", "*-linux-gnu"))
    return Program(os.path.join(folder, path), {**os.environ, "LD_LIBRARY_PATH": ":".join(libraries)})
