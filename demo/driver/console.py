"""What a person sees: one line for each step with the time since the start, and one live line."""
import os
import shutil
import sys
import time

_started = time.monotonic()


class DemoError(Exception):
    """Why the demo cannot go on, in one clear line; `log` names the file that says more."""

    def __init__(self, message, log=None, code=1):
        super().__init__(message)
        self.log = log
        self.code = code


class AlreadyRunning(DemoError):
    """Another demo has this folder."""


class Interrupted(Exception):
    """Ctrl-C, SIGTERM or SIGHUP."""


def step(text):
    """One step, with its time."""
    clear_live()
    print(f"[{time.monotonic() - _started:7.1f} s] {text}", flush=True)


def plain(text=""):
    """A line without a time."""
    clear_live()
    print(text, flush=True)


def is_terminal():
    """Whether lines can be overwritten."""
    return sys.stdout.isatty()


def live(text):
    """The live line: overwritten on a terminal, a line of its own elsewhere."""
    if is_terminal():
        # A line that wraps could not be overwritten.
        room = shutil.get_terminal_size().columns - 1
        print(f"\r\033[K{text[:room]}", end="", flush=True)
        live.is_open = True
    else:
        step(text)


live.is_open = False


def clear_live():
    """Leave the live line standing and go on below it."""
    if live.is_open:
        print(flush=True)
        live.is_open = False


def short(path):
    """A path as a person would type it here."""
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative


def number(value):
    """1234567 as 1,234,567; None as ?."""
    return "?" if value is None else f"{value:,}"


def megabytes(count):
    """Bytes as MB with one digit."""
    return "?" if count is None else f"{count / 1e6:,.1f} MB"
