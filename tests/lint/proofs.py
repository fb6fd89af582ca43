#!/usr/bin/python3
"""docs/failure-modes.md and docs/conformance.md keep their word: all 22 modes and all 35 conformance cases are there, in
order, every row of a table names a test, and every test that is named exists in the file it is said to be in."""
import re

from sources import ROOT, finish

MODES = 22
CASES = 35
TEST = re.compile(r"`([\w/.]+)::(\w+)`")


def has_test(path, name):
    """A pytest function or a cmocka test of that name."""
    text = path.read_text()
    if path.suffix == ".py":
        return re.search(rf"^def {name}\(", text, re.M) is not None
    return f"cmocka_unit_test({name})" in text or f"cmocka_unit_test_setup_teardown({name}," in text


def file_of(text):
    """A whole path below tests/, or, without an ending, one below tests/ or in tests/contract."""
    if "." in text:
        return ROOT / text
    return ROOT / "tests" / (f"{text}.py" if "/" in text else f"contract/{text}.py")


def rows_of(page):
    """The rows of its tables, without their heads."""
    lines = [line for line in page.read_text().splitlines() if line.startswith("| ")]
    return [line for number, line in enumerate(lines)
            if "---" not in line and not (number + 1 < len(lines) and "---" in lines[number + 1])]


def check(page, first, count, problems):
    """How many tests it names. The rows that begin with a number and `first` are 1 to count."""
    rows = rows_of(page)
    numbers = [int(line.split()[1]) for line in rows if re.match(first, line)]
    if numbers != list(range(1, count + 1)):
        problems.append(f"{page.name}: the numbers are {numbers}, not 1 to {count}")
    problems.extend(f"{page.name}: no test is named: {line[:60]}" for line in rows if not TEST.search(line))
    named = TEST.findall(page.read_text())
    for file, name in named:
        path = file_of(file)
        if file != "file" and not file.endswith("/file"):  # the pages explain their own form
            if not path.is_file():
                problems.append(f"{page.name}: {file} does not exist")
            elif not has_test(path, name):
                problems.append(f"{page.name}: {file} has no test {name}")
    return len(named)


def main():
    problems = []
    named = check(ROOT / "docs" / "failure-modes.md", r"\| \d+ \|", MODES, problems)
    named += check(ROOT / "docs" / "conformance.md", r"\| \d+ \w", CASES, problems)
    finish("proofs", problems, named)


if __name__ == "__main__":
    main()
