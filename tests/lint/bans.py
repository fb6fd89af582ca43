#!/usr/bin/python3
"""Calls that are never right here. An exception carries `ban-ok: reason` on its line."""

import re

from sources import ROOT, finish, tracked

BANNED = ("strcpy strcat sprintf vsprintf strncpy strncat gets atoi atol atof strtok localtime gmtime "
          "ctime system popen alloca signal sleep usleep rand mktemp").split()
CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
STRING = re.compile(r'"(?:\\.|[^"\\\n])*"')
MARK = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b(?!.*#\d)")


def main():
    problems = []
    files = tracked(".c", ".h")
    for path in files:
        name = path.relative_to(ROOT)
        text = path.read_text()
        blank = lambda match: re.sub(r"[^\n]", " ", match.group(0))
        code = STRING.sub(blank, COMMENT.sub(blank, text))
        raw_lines = text.splitlines()
        for number, line in enumerate(code.splitlines(), 1):
            raw = raw_lines[number - 1]
            for match in CALL.finditer(line):
                if "ban-ok:" not in raw:
                    problems.append(f"{name}:{number}: {match.group(1)}() is banned")
            if re.search(r"(?<!\w)exit\s*\(", line) and path.name != "main.c" and "_exit" not in line \
                    and "ban-ok:" not in raw:
                problems.append(f"{name}:{number}: exit() belongs to main.c")
            if MARK.search(raw):
                problems.append(f"{name}:{number}: a mark without an issue number")
    finish("bans", problems, len(files))


if __name__ == "__main__":
    main()
