#!/usr/bin/python3
"""clang-tidy with .clang-tidy's checks over the product's sources; any finding is an error."""

import os

import compiled


def wanted(name):
    return name.startswith(("api/", "common/", "worker/", "demo/"))


def checker(name, _arguments):
    return ["clang-tidy-14", "--quiet", "--extra-arg=-Wno-unknown-warning-option", "-p", os.environ["PENSTOCK_BUILD_DIR"], name]


def judge(done):
    findings = [line for line in done.stdout.splitlines()
                if ": error:" in line or ": warning:" in line]
    if done.returncode != 0 and not findings:
        findings = [line for line in done.stderr.splitlines() if "error" in line] or ["tidy failed"]
    return findings


if __name__ == "__main__":
    compiled.run("tidy", wanted, checker, judge)
