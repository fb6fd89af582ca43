"""Child processes of tests and of the demo: started, awaited and ended by pid, never by name.

Each child has its own session and process group, a log file for stdout and stderr, /dev/null (or a
pipe) as stdin, and a parent-death signal, so that nothing outlives a killed test run or demo.
`identity` and `kill_identity` name a process by pid *and* start time, for a later program that finds
the pid in a file: a number the kernel gave to somebody else meanwhile is never signalled.
"""
import ctypes
import os
import signal
import subprocess
import threading
import time

from . import net

PR_SET_PDEATHSIG = 1
LOG_TAIL_BYTES = 4000

_libc = ctypes.CDLL(None, use_errno=True)


class ProcessDied(RuntimeError):
    """A child ended although it was still needed."""


def _stat(pid):
    """Fields of /proc/PID/stat from the state on; None if there is no such process (or a zombie)."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat_file:
            fields = stat_file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in ("Z", "X", "x") else fields


def start_time(pid):
    """Start time of a running process in clock ticks since boot; None if there is none (or a zombie)."""
    fields = _stat(pid)
    return None if fields is None else int(fields[19])


def is_frozen(pid):
    """Whether a process is stopped (SIGSTOP)."""
    fields = _stat(pid)
    return fields is not None and fields[0] == "T"


def boot_id():
    """Identity of this boot; start times of different boots cannot be compared."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as boot_file:
        return boot_file.read().strip()


def identity(pid):
    """What to write down to find exactly this process again."""
    return {"pid": pid, "start": start_time(pid), "boot": boot_id()}


def is_identity_alive(who):
    """Whether the process written down by `identity` still runs."""
    return (
        who.get("start") is not None
        and who.get("boot") == boot_id()
        and start_time(who["pid"]) == who["start"]
    )


def kill_identity(who, signum=signal.SIGKILL, group=False):
    """Signal the process written down by `identity`; False if it is gone."""
    if not is_identity_alive(who):
        return False
    try:
        if group:
            os.killpg(who["pid"], signum)
        else:
            os.kill(who["pid"], signum)
    except ProcessLookupError:
        return False
    return True


class Process:
    """One child. `start` may be called again after it ended."""

    def __init__(self, name, argv, log, **options):
        """Options: env (added to ours), cwd, stdin_pipe, stdout_pipe, user (uid, gid: only as root),
        death_signal (None: the child may outlive us), stop_signal, append_log."""
        self.name = name
        self.argv = [str(part) for part in argv]
        self.log = str(log)
        self.env = options.get("env") or {}
        self.cwd = options.get("cwd")
        self.stdin_pipe = options.get("stdin_pipe", False)
        self.stdout_pipe = options.get("stdout_pipe", False)
        self.user = options.get("user")
        self.death_signal = options.get("death_signal", signal.SIGKILL)
        self.stop_signal = options.get("stop_signal", signal.SIGTERM)
        self.append_log = options.get("append_log", True)
        self.popen = None

    def _prepare_child(self, parent):
        def prepare():
            os.setsid()
            if self.user is not None:
                uid, gid = self.user
                os.setgroups([])
                os.setgid(gid)
                os.setuid(uid)
            # After the change of user, which clears it.
            if self.death_signal is not None:
                _libc.prctl(PR_SET_PDEATHSIG, int(self.death_signal), 0, 0, 0)
                if os.getppid() != parent:
                    os._exit(127)

        return prepare

    def start(self):
        """Start the child. Only from the main thread: the parent-death signal follows the thread."""
        if self.death_signal is not None and threading.current_thread() is not threading.main_thread():
            raise RuntimeError(f"{self.name}: start children from the main thread")
        if self.is_alive():
            raise RuntimeError(f"{self.name} runs already, pid {self.pid}")
        self._close_pipes()
        os.makedirs(os.path.dirname(os.path.abspath(self.log)), exist_ok=True)
        env = dict(os.environ)
        env.update({key: str(value) for key, value in self.env.items()})
        with open(self.log, "ab" if self.append_log else "wb") as log:
            self.popen = subprocess.Popen(
                self.argv,
                stdin=subprocess.PIPE if self.stdin_pipe else subprocess.DEVNULL,
                stdout=subprocess.PIPE if self.stdout_pipe else log,
                stderr=log,
                env=env,
                cwd=self.cwd,
                preexec_fn=self._prepare_child(os.getpid()),
            )
        return self

    @property
    def pid(self):
        return self.popen.pid if self.popen else None

    @property
    def returncode(self):
        return self.popen.poll() if self.popen else None

    def is_alive(self):
        return self.popen is not None and self.popen.poll() is None

    def check(self):
        """Raise ProcessDied with the end of the log unless the child runs."""
        if not self.is_alive():
            raise ProcessDied(
                f"{self.name} ended with {describe_exit(self.returncode)}; log {self.log}:\n{self.log_tail()}"
            )
        return True

    def log_tail(self, limit_bytes=LOG_TAIL_BYTES):
        """The end of the log, for a message."""
        try:
            with open(self.log, "rb") as log:
                log.seek(0, os.SEEK_END)
                log.seek(max(0, log.tell() - limit_bytes))
                return log.read().decode("utf-8", "replace")
        except OSError as problem:
            return f"(no log: {problem})"

    def wait_ready(self, condition, timeout_s=30.0, interval_s=0.02):
        """Wait until `condition()` is true; ProcessDied at once if the child ends meanwhile."""

        def ready():
            self.check()
            return condition()

        try:
            return net.wait_until(ready, timeout_s, f"{self.name} ready", interval_s)
        except TimeoutError as problem:
            raise TimeoutError(f"{problem}; log {self.log}:\n{self.log_tail()}") from None

    def wait_for_file(self, path, timeout_s=30.0):
        """Wait until a file written atomically is there; return its stripped text."""

        def text():
            try:
                with open(path, encoding="utf-8") as ready_file:
                    return ready_file.read().strip()
            except FileNotFoundError:
                return None

        return self.wait_ready(text, timeout_s)

    def signal(self, signum):
        if self.is_alive():
            self.popen.send_signal(signum)

    def wait(self, timeout_s=None):
        """Wait for the end; return the exit code (negative: by that signal)."""
        if self.popen is None:
            return None
        return self.popen.wait(timeout_s)

    def stop(self, timeout_s=15.0):
        """Ask the child to end, kill its group if it does not; return the exit code."""
        if self.popen is None:
            return None
        self.signal(self.stop_signal)
        try:
            self.popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill9_group()
        self._close_pipes()
        return self.returncode

    def kill9(self):
        """SIGKILL to the child alone (what a crash or the OOM killer does); wait until it is gone."""
        if self.popen is None:
            return
        self.signal(signal.SIGKILL)
        self.popen.wait()
        self._close_pipes()

    def kill9_group(self):
        """SIGKILL to the child and everything it started in its group."""
        if self.popen is None:
            return
        try:
            os.killpg(self.popen.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.popen.wait()
        self._close_pipes()

    def _close_pipes(self):
        if self.popen is None:
            return
        for pipe in (self.popen.stdin, self.popen.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    pass  # a command that the dead child never read

    def cpu_s(self):
        """User and system CPU seconds of the running child so far."""
        with open(f"/proc/{self.pid}/stat", encoding="utf-8", errors="replace") as stat_file:
            fields = stat_file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_bytes(self, peak=False):
        """Resident bytes of the running child now, or at its peak."""
        wanted = "VmHWM:" if peak else "VmRSS:"
        with open(f"/proc/{self.pid}/status", encoding="utf-8") as status_file:
            for line in status_file:
                if line.startswith(wanted):
                    return int(line.split()[1]) * 1024
        return 0

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()


def describe_exit(code):
    """An exit code in words."""
    if code is None:
        return "no exit code"
    if code < 0:
        try:
            return f"signal {signal.Signals(-code).name}"
        except ValueError:
            return f"signal {-code}"
    return f"exit code {code}"


def wait_gone(who, timeout_s):
    """Wait until a process written down by `identity` (not our child) is gone; False if it stays."""
    deadline = time.monotonic() + timeout_s
    while is_identity_alive(who):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
    return True
