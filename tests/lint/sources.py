"""Which files the lint looks at, and how it reports."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROOMS = ("api", "bench", "common", "demo", "tests", "worker")


def tracked(*suffixes):
    """Files git knows or would add, below the source folders, with one of the suffixes."""
    out = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True).stdout
    names = [ROOT / line for line in out.splitlines()]
    return sorted(
        path for path in names
        if path.suffix in suffixes and path.is_file()
        and path.relative_to(ROOT).parts[0] in ROOMS)


def finish(title, problems, looked_at):
    """Print every problem; end the program with the right code. Nothing to look at is a failure."""
    for problem in problems:
        print(problem)
    print(f"{title}: {looked_at} files, {len(problems)} problems")
    if looked_at == 0:
        print(f"{title}: found no files to look at")
        sys.exit(1)
    sys.exit(1 if problems else 0)
