"""Live numbers while orders flow, and the comparison at the end."""
import collections
import time

from demo.driver import console
from demo.driver.console import DemoError, megabytes, number
from demo.driver.stack import read_json

TICK_S = 0.5
PLAIN_EVERY_S = 2.0
STALLED_S = 60
RATE_WINDOW_S = 3.0


class Watch:
    """Where the numbers of one pipe come from."""

    def __init__(self, stack, rest, clickhouse, ids):
        """ids: service, pipe, table, stats_file."""
        self.stack = stack
        self.rest = rest
        self.clickhouse = clickhouse
        self.ids = ids
        self.recent = collections.deque()

    @property
    def error_table(self):
        return f"{self.ids['table']}_clickpipes_error"

    def produced(self):
        """What the generator says: produced (acknowledged), bytes, malformed, failed, done."""
        return read_json(self.ids["stats_file"]) or {
            "produced": 0, "bytes": 0, "malformed": 0, "failed": 0, "done": False}

    def stored(self):
        """(rows, rejected) now in ClickHouse."""
        return tuple(self.clickhouse.integers(
            f"SELECT (SELECT count() FROM default.`{self.ids['table']}`), "
            f"(SELECT count() FROM default.`{self.error_table}`)"))

    def summary(self):
        """The pipe's summary; {} while the api cannot answer (the pipe goes on without it)."""
        try:
            return self.rest.summary(self.ids["service"], self.ids["pipe"]) or {}
        except DemoError:
            return {}

    def numbers(self):
        """One look at everything."""
        rows, rejected = self.stored()
        produced = self.produced()
        summary = self.summary()
        now = {
            "time": time.monotonic(), "rows": rows, "rejected": rejected, "produced": produced,
            "lag": (summary.get("lag") or {}).get("records"),
            "fetched_bytes": (summary.get("bytes") or {}).get("fetched"),
            "reason": summary.get("reason"), "state": summary.get("state")}
        now["rows_per_s"], now["bytes_per_s"] = self._rates(now)
        return now

    def _rates(self, now):
        """Rows stored and bytes read per second over the last few seconds."""
        self.recent.append(now)
        while now["time"] - self.recent[0]["time"] > RATE_WINDOW_S:
            self.recent.popleft()
        first = self.recent[0]
        if first is now:
            return None, None
        seconds = max(now["time"] - first["time"], 1e-3)
        rows = now["rows"] + now["rejected"] - first["rows"] - first["rejected"]
        if now["fetched_bytes"] is None or first["fetched_bytes"] is None:
            return int(rows / seconds), None
        return int(rows / seconds), (now["fetched_bytes"] - first["fetched_bytes"]) / seconds

    def line(self, now):
        """The live line."""
        text = (
            f"produced {number(now['produced']['produced'])}, rows {number(now['rows'])}, "
            f"rejected {number(now['rejected'])}, lag {number(now['lag'])}, "
            f"{number(now['rows_per_s'])} rows/s, {megabytes(now['bytes_per_s'])}/s")
        if now["reason"]:
            text += f", {now['reason'].get('code')}: {now['reason'].get('message')}"
        return text


def follow(watch, generator):
    """Show progress until every produced record is a row or a rejected record, or nothing moves."""
    shown = moved = time.monotonic()
    before = None
    while True:
        if generator in watch.stack.children and not generator.is_alive():
            if generator.returncode != 0:
                raise watch.stack.died(generator)
            watch.stack.forget(generator)
        watch.stack.check()
        now = watch.numbers()
        if now["state"] == "Failed":
            raise DemoError(f"the pipe has failed: {now['reason']}")
        interval = TICK_S if console.is_terminal() else PLAIN_EVERY_S
        if time.monotonic() - shown >= interval or before is None:
            console.live(watch.line(now))
            shown = time.monotonic()
        counted = (now["rows"], now["rejected"], now["produced"]["produced"])
        if counted != before:
            before, moved = counted, time.monotonic()
        is_done = generator not in watch.stack.children
        if is_done and now["rows"] + now["rejected"] >= now["produced"]["produced"]:
            console.live(watch.line(now))
            console.clear_live()
            return
        if time.monotonic() - moved > STALLED_S:
            console.clear_live()
            console.step(f"nothing has moved for {STALLED_S} s; comparing what is there")
            return
        time.sleep(TICK_S)


def settled_summary(watch, produced, timeout_s=15):
    """The summary once its counters and offsets have caught up, else as it is at the end of the time."""
    deadline = time.monotonic() + timeout_s
    while True:
        summary = watch.summary()
        records = summary.get("records") or {}
        counted = sum(records.get(name) or 0 for name in ("sent", "rejected", "skipped"))
        lag = (summary.get("lag") or {}).get("records")
        if (counted >= produced and lag == 0) or time.monotonic() > deadline:
            return summary
        time.sleep(TICK_S)


def compare(watch):
    """Produced against stored, exactly. Prints the sheet; returns whether it adds up."""
    produced = watch.produced()
    table, errors = watch.ids["table"], watch.error_table
    summary = settled_summary(watch, produced["produced"])
    counters = summary.get("records") or {}
    rows, rejected = watch.stored()
    (distinct_rows,) = watch.clickhouse.integers(
        f"SELECT uniqExact(_topic, _partition, _offset) FROM default.`{table}`")
    problems = []
    difference = produced["produced"] - rows - rejected
    if difference != 0:
        problems.append(f"{abs(difference):,} records {'missing' if difference > 0 else 'too many'}")
    if distinct_rows != rows:
        problems.append(f"{rows - distinct_rows:,} rows are there twice")
    if rejected != produced["malformed"]:
        problems.append(f"{produced['malformed']:,} records were malformed, {rejected:,} rejected")
    if produced["failed"]:
        problems.append(f"Kafka refused {produced['failed']} records")
    if (counters.get("sent"), counters.get("rejected")) != (rows, rejected):
        problems.append(f"the pipe counts sent {counters.get('sent')}, rejected {counters.get('rejected')}")
    sheet = [
        ("produced, acknowledged by Kafka", produced["produced"]),
        (f"rows in {table}", rows),
        (f"rejected, in {errors}", rejected),
        *((f"    {kind}", count) for kind, count in _by_type(watch)),
        ("produced - rows - rejected", difference),
        ("lag of the pipe, now at rest", (summary.get("lag") or {}).get("records")),
    ]
    console.plain()
    for title, count in sheet:
        console.plain(f"  {title:<48}{number(count):>16}")
    console.plain()
    reason = summary.get("reason")
    if problems and reason:
        problems.append(f"the pipe says {reason.get('code')}: {reason.get('message')}")
    if problems:
        console.plain("FAILED: " + "; ".join(problems))
        return False
    console.plain("RECONCILED: produced = rows + rejected, exactly; no row twice.")
    return True


def _by_type(watch):
    """How many records were rejected for what."""
    lines = watch.clickhouse.query(
        f"SELECT error_type, count() FROM default.`{watch.error_table}` "
        "GROUP BY error_type ORDER BY 2 DESC LIMIT 10").splitlines()
    return [(line.split("\t")[0], int(line.split("\t")[1])) for line in lines]
