"""Run a checker over every file of compile_commands.json, one process per file, and remember what
was clean: the same bytes are not checked twice (the cache lives in the build folder)."""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys

from sources import ROOT, finish


def commands(build, wanted):
    """[(source, argument list)] of the compiled files whose repository path `wanted` accepts."""
    entries = json.loads((build / "compile_commands.json").read_text())
    result = {}
    for entry in entries:
        source = pathlib.Path(entry["file"]).resolve()
        if source.suffix != ".c" or ROOT not in source.parents:
            continue
        name = str(source.relative_to(ROOT))
        if wanted(name):
            result[name] = shlex.split(entry["command"])
    return sorted(result.items())


def digest(arguments, checker):
    """Hash of everything the answer depends on: the preprocessed text, the checker and its config."""
    skip = {"-c"}
    flags = [word for word in arguments[1:] if word not in skip]
    if "-o" in flags:
        at = flags.index("-o")
        del flags[at:at + 2]
    text = subprocess.run([arguments[0], "-E", "-C", *flags], capture_output=True).stdout
    seed = " ".join(checker).encode() + (ROOT / ".clang-tidy").read_bytes()
    return hashlib.sha256(seed + text).hexdigest()


def run(title, wanted, checker_for, judge):
    """checker_for(name, arguments) → command; judge(CompletedProcess) → list of problem lines."""
    build = pathlib.Path(os.environ["PENSTOCK_BUILD_DIR"])
    cache = build / "lint-cache"
    cache.mkdir(exist_ok=True)
    files = commands(build, wanted)

    def check(item):
        name, arguments = item
        command = checker_for(name, arguments)
        mark = cache / (title + "-" + digest(arguments, command))
        if mark.exists():
            return []
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        problems = judge(done)
        if not problems:
            mark.touch()
        return [line.replace(str(ROOT) + "/", "") for line in problems]

    jobs = int(os.environ.get("PENSTOCK_JOBS", os.cpu_count() or 2))
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        problems = [line for lines in pool.map(check, files) for line in lines]
    sys.stdout.flush()
    finish(title, problems, len(files))
