#!/usr/bin/python3
"""Files stay readable: at most 600 lines each, 100 columns a line, and a head comment in C files.

Tables between `clang-format off` and `clang-format on` may have lines of up to 160 columns."""

from sources import ROOT, finish, tracked

MAX_LINES = 600
MAX_COLUMNS = 100
MAX_TABLE_COLUMNS = 160


def main():
    problems = []
    files = tracked(".c", ".h", ".py")
    for path in files:
        name = path.relative_to(ROOT)
        lines = path.read_text().splitlines()
        if len(lines) > MAX_LINES:
            problems.append(f"{name}: {len(lines)} lines, more than {MAX_LINES}: split it")
        limit = MAX_COLUMNS
        for number, line in enumerate(lines, 1):
            if line.strip() == "/* clang-format off */":
                limit = MAX_TABLE_COLUMNS
            elif line.strip() == "/* clang-format on */":
                limit = MAX_COLUMNS
            if len(line) > limit and "http" not in line and path.suffix != ".py":
                problems.append(f"{name}:{number}: {len(line)} columns")
        if path.suffix == ".c" and not any(line.startswith("/*") for line in lines[:12]):
            problems.append(f"{name}: no head comment that says what the file is for")
        if path.suffix == ".h" and not any(line.strip().startswith("/*") for line in lines[:12]):
            problems.append(f"{name}: no head comment that says what the header promises")
    finish("budget", problems, len(files))


if __name__ == "__main__":
    main()
