"""The processes of the demo: started one by one, written down, and ended in the reverse order.

Every child has its own session, a log in .demo/logs and a parent-death signal. Each is also written
to .demo/processes.json with its start time, so that `--down` finds what a killed driver left and never
signals a process that only got the same number.
"""
import fcntl
import json
import os
import re
import shutil
import signal
import stat
import time

from demo.driver.console import AlreadyRunning, DemoError, short, step
from tests.harness import proc

STOP_S = 20


class Stack:
    """All children of one demo, and the folders they use."""

    def __init__(self, settings):
        self.settings = settings
        self.children = []
        self.record_file = os.path.join(settings.folder, "processes.json")
        self.driver_file = os.path.join(settings.folder, "driver.json")
        self.run_folder = os.path.join(settings.folder, "run")
        self.lock = None
        self.before_stop = None

    def acquire(self):
        """Become the one demo of this checkout; end what a killed one left."""
        os.makedirs(self.settings.folder, mode=0o711, exist_ok=True)
        self.lock = open(os.path.join(self.settings.folder, "lock"), "a", encoding="ascii")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            who = read_json(self.driver_file) or {}
            raise AlreadyRunning(
                f"a demo is running already in {short(self.settings.folder)} (pid {who.get('pid', '?')}): "
                "end it there with Ctrl-C, or from here with `make demo-down`") from None
        self.end_leftovers()
        write_json(self.driver_file, proc.identity(os.getpid()))
        self.make_folders()

    def make_folders(self):
        """Fresh folders; the logs of the last run are replaced."""
        logs = os.path.join(self.settings.folder, "logs")
        for folder in (logs, self.run_folder):
            shutil.rmtree(folder, ignore_errors=True)
            os.makedirs(folder, mode=0o700)

    def end_leftovers(self):
        """End processes and remove data of a demo that was killed. Returns how many still ran."""
        ended = 0
        left = [one for one in read_json(self.record_file) or [] if proc.is_identity_alive(one)]
        for one in reversed(left):
            step(f"ending {one['name']} (pid {one['pid']}), left by an earlier demo")
            proc.kill_identity(one, signal.SIGKILL, group=True)
            if not proc.wait_gone(one, STOP_S):
                raise DemoError(f"{one['name']} (pid {one['pid']}) does not end")
            ended += 1
        remove(self.record_file)
        self.remove_data()
        return ended

    def remove_data(self):
        """Forget data and addresses; logs and the secret key stay."""
        remove(self.settings.env_file)
        for folder in ("postgres", "clickhouse", "kafka", "run"):
            shutil.rmtree(os.path.join(self.settings.folder, folder), ignore_errors=True)
        for folder in self.settings.outside_folders:
            if is_ours(folder):
                shutil.rmtree(folder, ignore_errors=True)

    def data_folder(self, name, is_reachable=False):
        """A new folder for data, on tmpfs where there is one, else under .demo/, or where every user
        gets to if it is to be reachable."""
        base = self.settings.folder
        if self.settings.has_tmpfs or is_reachable:
            # Its name can be guessed, so it must be made by us, not found.
            try:
                os.mkdir(self.settings.tmpfs_folder, 0o711)
            except FileExistsError:
                pass
            if is_ours(self.settings.tmpfs_folder):
                base = self.settings.tmpfs_folder
            else:
                step(f"{self.settings.tmpfs_folder} belongs to somebody else: data goes to .demo/")
        folder = os.path.join(base, name)
        os.makedirs(folder, mode=0o700)
        return folder

    def start(self, name, argv, **options):
        """Start a child and write it down. Options as in proc.Process."""
        child = proc.Process(name, argv, self.settings.log(name), **options)
        try:
            child.start()
        except OSError as problem:
            raise DemoError(f"cannot start {name}: {problem}") from None
        self.adopt(child)
        return child

    def adopt(self, child):
        """Watch, write down and end a child that was started elsewhere."""
        self.children.append(child)
        write_json(
            self.record_file,
            [dict(proc.identity(one.pid), name=one.name) for one in self.children if one.is_alive()])

    def wait_ready(self, child, condition, timeout_s):
        """Wait for a child; DemoError with its log if it ends or takes too long."""
        try:
            return child.wait_ready(condition, timeout_s, 0.05)
        except proc.ProcessDied:
            raise self.died(child) from None
        except TimeoutError:
            raise DemoError(
                f"{child.name} is not ready after {timeout_s:g} s", child.log) from None

    @staticmethod
    def died(child):
        """What to say of a child that ended by itself."""
        said = [line for line in child.log_tail().splitlines() if line.strip()]
        last = said[-1].strip() if said else "it said nothing"
        # Of one of our log lines only what went wrong.
        last = re.sub(r'^\S+ error .* error="(.*)"$', r"\1", last)
        return DemoError(
            f"{child.name} ended with {proc.describe_exit(child.returncode)}: {last}", child.log)

    def check(self):
        """DemoError if a child that should run has ended."""
        for child in self.children:
            if not child.is_alive():
                raise self.died(child)

    def forget(self, child):
        """A child that has done its work is no longer watched."""
        self.children.remove(child)

    def stop(self):
        """End all, the last one first. Quiet about what is gone already. `before_stop`, if set, is
        called while all still run."""
        if self.before_stop is not None:
            self.before_stop()
            self.before_stop = None
        for child in reversed(self.children):
            if child.is_alive():
                step(f"ending {child.name}")
            child.stop(STOP_S)
        self.children.clear()
        remove(self.record_file)
        remove(self.driver_file)
        self.remove_data()

    def kill(self):
        """End all at once."""
        for child in self.children:
            child.kill9_group()

    def down(self):
        """`--down`: end a running driver, or what a killed one left. Returns whether there was any."""
        if not os.path.isdir(self.settings.folder):
            return False
        who = read_json(self.driver_file)
        was_running = who is not None and proc.kill_identity(who, signal.SIGTERM)
        if was_running:
            step(f"ending the demo with pid {who['pid']}")
            if not proc.wait_gone(who, 3 * STOP_S):
                proc.kill_identity(who, signal.SIGKILL)
                proc.wait_gone(who, STOP_S)
        self.lock = open(os.path.join(self.settings.folder, "lock"), "a", encoding="ascii")
        deadline = time.monotonic() + STOP_S
        while True:
            try:
                fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise DemoError(f"another demo holds {self.settings.folder}/lock") from None
                time.sleep(0.05)
        ended = self.end_leftovers()
        remove(self.driver_file)
        return was_running or ended > 0


def is_ours(folder):
    """Whether a folder is a real one and made by us."""
    try:
        found = os.lstat(folder)
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()


def read_json(path):
    """A JSON file, None if it is not there or broken."""
    try:
        with open(path, encoding="utf-8") as text:
            return json.load(text)
    except (FileNotFoundError, ValueError):
        return None


def write_json(path, value):
    """Replace a JSON file in one step."""
    with open(path + ".new", "w", encoding="utf-8") as text:
        json.dump(value, text)
    os.rename(path + ".new", path)


def write_private(path, text, owner=None):
    """Write a file only its owner can read; `owner` is (uid, gid)."""
    remove(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as out:
        if owner is not None:
            os.fchown(descriptor, *owner)
        out.write(text)


def remove(path):
    """Remove a file that may be gone already."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
