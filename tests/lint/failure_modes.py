#!/usr/bin/python3
"""docs/failure-modes.md keeps its word: all 22 modes are there, in order, and every test that it names
exists under the file it names."""
import re

from sources import ROOT, finish

PAGE = ROOT / "docs" / "failure-modes.md"
MODES = 22
TEST = re.compile(r"`(tests/[\w/.]+)::(\w+)`")


def has_test(path, name):
    """A pytest function or a cmocka test of that name."""
    text = path.read_text()
    if path.suffix == ".py":
        return re.search(rf"^def {name}\(", text, re.M) is not None
    return f"cmocka_unit_test({name})" in text or f"cmocka_unit_test_setup_teardown({name}," in text


def main():
    problems = []
    rows = [line for line in PAGE.read_text().splitlines() if re.match(r"\| \d+ \|", line)]
    numbers = [int(line.split("|")[1]) for line in rows]
    if numbers != list(range(1, MODES + 1)):
        problems.append(f"the modes are {numbers}, not 1 to {MODES}")
    named = 0
    for number, line in zip(numbers, rows):
        tests = TEST.findall(line)
        if not tests:
            problems.append(f"mode {number} names no test")
        for file, name in tests:
            named += 1
            path = ROOT / file
            if not path.is_file():
                problems.append(f"mode {number}: {file} does not exist")
            elif not has_test(path, name):
                problems.append(f"mode {number}: {file} has no test {name}")
    finish("failure_modes", problems, named)


if __name__ == "__main__":
    main()
