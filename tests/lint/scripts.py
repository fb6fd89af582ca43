#!/usr/bin/python3
"""Python and shell: no unknown or unused name (pyflakes), no trap of the shell (shellcheck)."""
import subprocess

from sources import ROOT, finish


def scripts():
    """(Python files, shell files) that git knows or would add."""
    out = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True,
                         capture_output=True, text=True).stdout
    python, shell = [], []
    for name in out.splitlines():
        path = ROOT / name
        if not path.is_file():
            continue
        with path.open("rb") as file:
            first = file.readline(80)
        if path.suffix == ".py" or first.startswith(b"#!/usr/bin/python3"):
            python.append(name)
        elif first.startswith(b"#!/bin/sh"):
            shell.append(name)
    return python, shell


def problems_of(command, names):
    done = subprocess.run([*command, *names], cwd=ROOT, check=False, capture_output=True, text=True)
    lines = (done.stdout + done.stderr).splitlines()
    if done.returncode != 0 and not lines:
        lines = [f"{command[0]} ended with {done.returncode}"]
    return lines


def main():
    python, shell = scripts()
    problems = problems_of(["pyflakes3"], python) + problems_of(["shellcheck", "--format=gcc"], shell)
    if not shell:
        problems.append("no shell script found")
    finish("scripts", problems, len(python) + len(shell))


if __name__ == "__main__":
    main()
