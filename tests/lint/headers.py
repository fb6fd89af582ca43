#!/usr/bin/python3
"""Each header compiles alone: it includes what it uses."""

import os
import pathlib
import shlex
import subprocess
import json

from sources import ROOT, finish, tracked


def include_flags(build):
    """Every include root of the build: a header is judged on its own, not on its layer."""
    flags = set()
    for entry in json.loads((build / "compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        for at, word in enumerate(words):
            if word.startswith("-I"):
                flags.add(word)
            elif word == "-isystem":
                flags.add("-I" + words[at + 1])
    return sorted(flags)


def main():
    build = pathlib.Path(os.environ["PENSTOCK_BUILD_DIR"])
    flags = include_flags(build)
    problems = []
    headers = [path for path in tracked(".h") if "tests" not in path.relative_to(ROOT).parts]
    for path in headers:
        done = subprocess.run(
            ["gcc", "-std=c11", "-D_GNU_SOURCE", "-Wall", "-fsyntax-only", "-x", "c", *flags,
             str(path)], capture_output=True, text=True)
        if done.returncode != 0:
            first = next((line for line in done.stderr.splitlines() if "error" in line), "?")
            problems.append(first.replace(str(ROOT) + "/", ""))
    finish("headers", problems, len(headers))


if __name__ == "__main__":
    main()
