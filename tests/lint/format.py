#!/usr/bin/python3
"""Every C file is as clang-format 14 would write it (`make format` repairs)."""

import subprocess

from sources import ROOT, finish, tracked


def main():
    files = tracked(".c", ".h")
    run = subprocess.run(
        ["clang-format-14", "--dry-run", "--ferror-limit=1", *map(str, files)],
        capture_output=True, text=True)
    problems = sorted({
        line.split(":")[0].removeprefix(str(ROOT) + "/") + ": not formatted"
        for line in run.stderr.splitlines() if "warning:" in line})
    finish("format", problems, len(files))


if __name__ == "__main__":
    main()
