#!/usr/bin/python3
"""Run libFuzzer targets over their seeds, the kept findings, and whatever they come up with.

    tests/fuzz/run.py [--build build-fuzz] [--seconds 60] [--quick] [TARGET]...

Without targets all of them, --seconds shared out evenly. A finding ends the run with its input's
path; put the input into tests/fuzz/corpus/<target>/ once it is understood. --quick starts from the
seeds alone (fixed seed) and keeps nothing; otherwise the corpus grows in <build>/corpus/<target>."""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.fuzz import seeds  # noqa: E402

MAX_LEN = {"json": 4096, "cells": 2048, "type": 1024, "number": 400, "datetime": 120, "frame": 6000, "api": 8192, "answer": 4096, "registry": 4096,
           "avro": 1024, "intent": 3000, "engine": 4096}
INPUT_S = 10  # longest time for one input
MEMORY_MB = 2048


def run(build, name, seconds, corpus, quick):
    """True if the target found nothing."""
    findings = build / "findings" / name
    findings.mkdir(parents=True, exist_ok=True)
    dictionary = ROOT / "tests" / "fuzz" / "dictionary" / (seeds.DICTIONARY.get(name, "none") + ".dict")
    argv = [str(build / "tests" / f"fuzz_{name}"), f"-max_total_time={seconds}", f"-max_len={MAX_LEN[name]}", f"-timeout={INPUT_S}",
            f"-rss_limit_mb={MEMORY_MB}", f"-artifact_prefix={findings}/", "-print_final_stats=1", "-use_value_profile=1"]
    if not os.path.exists(argv[0]):
        argv[0] = str(build / f"fuzz_{name}")
    if quick:
        argv.append("-seed=1")
    if dictionary.exists():
        argv.append(f"-dict={dictionary}")
    argv.append(str(corpus))
    kept = ROOT / "tests" / "fuzz" / "corpus" / name
    if kept.is_dir():
        argv.append(str(kept))
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    said = done.stdout.decode("utf-8", "replace")
    if done.returncode != 0:
        print(f"{name}: FAILED\n{said[-6000:]}")
        return False
    found = re.search(r"^stat::number_of_executed_units:\s*(\d+)", said, re.M)
    units = int(found.group(1)) if found else 0
    print(f"{name}: {units} inputs in {seconds} s, nothing found", flush=True)
    if units == 0:
        print(f"{name}: FAILED: no input was tried")
    return units > 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build-fuzz")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("targets", nargs="*")
    asked = parser.parse_args()
    names = asked.targets or sorted(MAX_LEN)
    share = asked.seconds if asked.targets else max(1, asked.seconds // len(names))
    is_fine = True
    for name in names:
        if asked.quick:
            with tempfile.TemporaryDirectory() as folder:
                seeds.write(name, pathlib.Path(folder))
                is_fine = run(asked.build, name, share, folder, True) and is_fine
        else:
            folder = asked.build / "corpus" / name
            seeds.write(name, folder)
            is_fine = run(asked.build, name, share, folder, False) and is_fine
    return 0 if is_fine else 1


if __name__ == "__main__":
    sys.exit(main())
