"""Packages and programs: what has to be there before anything starts."""
import fcntl
import os
import shutil
import subprocess

from demo.driver import console
from demo.driver.console import DemoError, step
from tests.harness import paths

TARGETS = ["penstock-api", "penstock-worker", "penstock-dev-clickhouse", "penstock-dev-kafka",
           "penstock-demo-events"]


def run_logged(argv, log, what, hint=""):
    """Run a program to its end with its output in the log; DemoError with the last line if it fails."""
    with open(log, "ab") as out:
        out.write(f"\n$ {' '.join(argv)}\n".encode())
        out.flush()
        start = out.tell()
        try:
            done = subprocess.run(
                argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, check=False,
                cwd=paths.ROOT)
            code = done.returncode
        except OSError as problem:
            raise DemoError(f"{what}: {problem}", log) from None
    if code != 0:
        raise DemoError(f"{what} failed: {last_line(log, start)}{hint}", log)


def last_line(log, start=0):
    """The last line of a log after `start` that says something."""
    with open(log, "rb") as text:
        text.seek(start)
        lines = [line.strip() for line in text.read().decode("utf-8", "replace").splitlines()]
    said = [line for line in lines if line]
    return said[-1] if said else "(it said nothing)"


def packages(settings):
    """Debian packages by name; quick when all are there, else minutes: say what is installed."""
    step("packages: looking for what is missing (deploy/install-deps demo)")
    log = settings.log("install")
    with open(log, "ab") as out:
        start = out.tell()
        with subprocess.Popen(
                [os.path.join(paths.ROOT, "deploy", "install-deps"), "demo"], cwd=paths.ROOT,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=out) as running:
            for line in running.stdout:
                step(line.decode("utf-8", "replace").strip())
    if running.returncode != 0:
        raise DemoError(f"installing packages failed: {last_line(log, start)}", log)


def build(settings):
    """The programs. Configures once; later runs only build what changed."""
    folder = paths.build_dir()
    os.makedirs(folder, exist_ok=True)
    # A second demo of this checkout waits here.
    with open(os.path.join(folder, "demo.lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _build(settings, folder)


def _build(settings, folder):
    log = settings.log("build")
    is_new = not os.path.exists(os.path.join(folder, "CMakeCache.txt"))
    note = f" (the first time some minutes, {console.short(log)})" if is_new else ""
    step(f"build: {', '.join(TARGETS)} in {console.short(folder)}/{note}")
    if is_new:
        generator = ["-G", "Ninja"] if shutil.which("ninja") else []
        run_logged(
            ["cmake", "-S", paths.ROOT, "-B", folder, *generator], log, "configuring the build")
    run_logged(
        ["cmake", "--build", folder, "-j", str(os.cpu_count() or 2), "--target", *TARGETS], log,
        "building")


def clickhouse_library(settings):
    """libchdb, fetched once per machine; returns its path."""
    script = os.path.join(paths.ROOT, "demo", "clickhouse", "fetch-libchdb")
    log = settings.log("install")
    with open(log, "ab") as out:
        start = out.tell()
        done = subprocess.run(
            [script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=out, check=False)
    if done.returncode != 0:
        raise DemoError(
            f"fetching the ClickHouse engine failed: {last_line(log, start)} (npm's registry must be "
            "reachable, or give CLICKHOUSE_URL)", log)
    return done.stdout.decode().strip()
