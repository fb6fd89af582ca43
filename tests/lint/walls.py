#!/usr/bin/python3
"""The walls of docs/architecture.md: who may include whom, and which file owns which library.

The compiler already refuses most forbidden includes (one include root per layer); this check also
sees what would need a change of CMakeLists.txt to go wrong, and the owners of library headers.
"""

import re

from sources import ROOT, finish, tracked

# room → rooms it may include (itself always)
COMMON = {"common/base", "common/config", "common/model", "common/metrics"}
ALLOWED = {
    "common/base": set(),
    "common/config": {"common/base"},
    "common/model": {"common/base"},
    "common/metrics": {"common/base"},
    "common/pg": {"common/base", "common/config"},
    "common/http": {"common/base"},
    "common/store": {"common/base", "common/config", "common/model", "common/pg"},
    "common/clickhouse": {"common/base", "common/model", "common/http"},
    "api": COMMON | {"common/pg", "common/store", "common/http", "common/clickhouse"},
    "worker/protocol": {"common/base"},
    "worker/supervisor": COMMON | {"common/pg", "common/store", "worker/protocol"},
    "worker/replica": COMMON | {"common/http", "common/clickhouse", "worker/protocol"},
    "worker/probe": COMMON | {"common/http", "common/clickhouse", "worker/protocol",
                              "worker/replica"},
    "worker": COMMON | {"common/pg", "common/store", "worker/protocol", "worker/supervisor",
                        "worker/replica", "worker/probe"},
}

# library header → files that may include it
OWNERS = {
    "microhttpd.h": {"api/http/server.c"},
    "curl/curl.h": {"common/http/http.c"},
    "librdkafka/rdkafka.h": {
        "worker/replica/kafka/" + name for name in (
            "client.h", "client.c", "handle.h", "helper.h", "ask.h", "trouble.h", "source.c",
            "rebalance.c", "commit.c", "helper.c", "ask.c", "trouble.c", "check.c", "check_handle.h",
            "message.h", "message.c", "browse.c", "token.h", "token.c")},
    "openssl/x509.h": {"common/model/certificate.c"},
    "libpq-fe.h": {"common/pg/pg.c"},
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def room_of(name):
    """The longest room that holds this path, or None for what has no walls (tests, demo, bench)."""
    best = None
    for room in ALLOWED:
        if name.startswith(room + "/") and (best is None or len(room) > len(best)):
            best = room
    return best


def main():
    problems = []
    files = [path for path in tracked(".c", ".h") if room_of(str(path.relative_to(ROOT)))]
    for path in files:
        name = str(path.relative_to(ROOT))
        room = room_of(name)
        for mark, header in INCLUDE.findall(path.read_text()):
            if mark == "<":
                owners = OWNERS.get(header)
                if owners is not None and name not in owners:
                    problems.append(f"{name}: includes <{header}>, which belongs to "
                                    + ", ".join(sorted(owners)))
                continue
            if header.startswith("."):
                problems.append(f"{name}: relative include \"{header}\"")
                continue
            target = room_of(header)
            if target is None:
                problems.append(f"{name}: \"{header}\" is in no room")
            elif target != room and target not in ALLOWED[room]:
                problems.append(f"{name}: {room} may not include {target} (\"{header}\")")
    finish("walls", problems, len(files))


if __name__ == "__main__":
    main()
