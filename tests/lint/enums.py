#!/usr/bin/python3
"""`return false;` from a function that returns an enum compiles silently as its first value; only
gcc's -Wc++-compat sees it. Only lines about enum conversion count."""

import compiled


def wanted(name):
    return name.startswith(("api/", "common/", "worker/"))


def checker(_name, arguments):
    flags = [word for word in arguments if word not in ("-c", "-Werror")]
    if "-o" in flags:
        at = flags.index("-o")
        del flags[at:at + 2]
    return ["gcc", *flags[1:], "-Wc++-compat", "-fsyntax-only"]


def judge(done):
    if done.returncode != 0:
        return [line for line in done.stderr.splitlines() if "error" in line]
    return [line for line in done.stderr.splitlines() if "enum conversion" in line]


if __name__ == "__main__":
    compiled.run("enums", wanted, checker, judge)
