"""Reconciliation of one pipe: every record that was acknowledged is one row if it is good and one error
row if it is not, with its own content and at its own (topic, partition, offset); nothing else is there.
"""
import base64
import collections

from .feed import is_bad, value_of

KINDS = ("created", "paid", "shipped")
CONTENT = ("concat(toString(id), '|', kind, '|', toString(amount), '|',"
           " toString(toUnixTimestamp64Milli(at)), '|', ifNull(note, '-'))")
FIRST_MS = 1772360430000  # 2026-03-01T10:20:30Z, the earliest `at` of good()
DAY_MS = 86400000
SHOWN = 20

Totals = collections.namedtuple("Totals", "rows errors duplicate_rows duplicate_errors")


def content_of(number):
    """What CONTENT says of a good record's row, from the id alone."""
    at_ms = FIRST_MS + number % 9 * DAY_MS + number % 1000
    note = "-" if number % 4 == 0 else f"note {number}"
    return f"{number}|{KINDS[number % 3]}|{number % 1000}.25|{at_ms}|{note}"


class Mismatch(AssertionError):
    """What is stored is not what was produced. `places` are the (topic, partition, offset) concerned."""

    def __init__(self, text, places):
        super().__init__(text)
        self.places = places


class Account:
    """Of one table and its error table. Each `check` looks at everything below the marks: at how often
    each offset is there, and at the content of what is new."""

    def __init__(self, clickhouse, feed, table, allows_duplicates):
        self.clickhouse = clickhouse
        self.feed = feed
        self.table = table
        self.allows_duplicates = allows_duplicates
        self.checked = {place: 0 for place in feed.places}
        self.bad_below = {place: 0 for place in feed.places}
        self.totals = Totals(0, 0, 0, 0)

    def sources(self):
        """(name, columns of topic, partition and offset, wants bad records, content) of both tables."""
        return ((self.table, ("_topic", "_partition", "_offset"), False, CONTENT),
                (f"{self.table}_clickpipes_error", ("record_topic", "record_partition", "record_offset"),
                 True, "base64Encode(record_value)"))

    def check(self, marks, is_final=False):
        """Raise Mismatch unless everything below the marks is there as it must be; is_final: and nothing
        above them. Returns the Totals."""
        bad_below = {place: self.bad_below[place] + sum(
            1 for number in self.feed.ids(place, self.checked[place], end) if is_bad(number))
            for place, end in marks.items()}
        found = []
        for name, where, wants_bad, content in self.sources():
            wanted = {place: bad_below[place] if wants_bad else end - bad_below[place]
                      for place, end in marks.items()}
            found.append(self._counts(name, where, wants_bad, marks, wanted))
            self._contents(name, where, wants_bad, content, marks)
            if is_final:
                self._nothing_above(name, where, marks)
        (rows, twice_rows), (errors, twice_errors) = found
        self.checked = dict(marks)
        self.bad_below = bad_below
        self.totals = Totals(rows, errors, twice_rows, twice_errors)
        return self.totals

    def _counts(self, name, where, wants_bad, marks, wanted):
        topic, partition, offset = where
        text = self.clickhouse.query(
            f"SELECT {topic}, {partition}, count(), uniqExact({offset}) FROM {name}"
            f" WHERE {below(where, marks)} GROUP BY 1, 2 FORMAT TSV")
        count, unique = collections.Counter(), collections.Counter()
        for line in text.splitlines():
            topic_is, partition_is, times, different = line.split("\t")
            place = (topic_is, int(partition_is))
            count[place] = int(times)
            unique[place] = int(different)
        if any(unique[place] != wanted[place] for place in marks):
            raise self._difference(name, where, wants_bad, marks)
        twice = sum(count.values()) - sum(unique.values())
        if twice and not self.allows_duplicates:
            raise self._difference(name, where, wants_bad, marks)
        return sum(unique.values()), twice

    def _contents(self, name, where, wants_bad, content, marks):
        """The rows between the last marks and these."""
        topic, partition, offset = where
        text = self.clickhouse.query(
            f"SELECT DISTINCT {topic}, {partition}, {offset}, {content} FROM {name}"
            f" WHERE {between(where, self.checked, marks)} FORMAT TSV")
        ids = {place: self.feed.ids(place, self.checked[place], end) for place, end in marks.items()}
        wrong = []
        for line in text.splitlines():
            topic_is, partition_is, offset_is, stored = line.split("\t")
            place = (topic_is, int(partition_is))
            number = ids[place][int(offset_is) - self.checked[place]]
            expected = (base64.b64encode(value_of(number)).decode() if wants_bad else content_of(number))
            if is_bad(number) != wants_bad or stored != expected:
                wrong.append((*place, int(offset_is), stored, expected))
        if wrong:
            raise Mismatch(
                f"{name}: {len(wrong)} rows with another content than what was produced: "
                + "; ".join(f"{t}/{p}/{o}: {s!r}, expected {e!r}" for t, p, o, s, e in wrong[:3]),
                [one[:3] for one in wrong[:SHOWN]])

    def _nothing_above(self, name, where, marks):
        rows = self.clickhouse.rows(
            f"SELECT {where[0]} AS t, {where[1]} AS p, {where[2]} AS o FROM {name}"
            f" WHERE NOT ({below(where, marks)}) ORDER BY ALL LIMIT {SHOWN}")
        if rows:
            raise Mismatch(f"{name}: rows that nobody produced", [(r["t"], r["p"], r["o"]) for r in rows])

    def _difference(self, name, where, wants_bad, marks):
        """The Mismatch that names what is lost, double or surplus."""
        topic, partition, offset = where
        lost, twice, surplus = [], [], []
        for place, end in marks.items():
            text = self.clickhouse.query(
                f"SELECT {offset}, count(), groupUniqArray(_part) FROM {name}"
                f" WHERE {topic} = '{place[0]}' AND {partition} = {place[1]}"
                f" AND {offset} < {end} GROUP BY 1 ORDER BY 1 FORMAT TSV")
            there = {}
            for line in text.splitlines():
                at, times, parts = line.split("\t")
                there[int(at)] = (int(times), parts)
            for at, number in enumerate(self.feed.ids(place, 0, end)):
                times, parts = there.pop(at, (0, ""))
                if is_bad(number) != wants_bad:
                    if times:
                        surplus.append((*place, at, parts))
                elif times == 0:
                    lost.append((*place, at, ""))
                elif times > 1 and not self.allows_duplicates:
                    twice.append((*place, at, parts))
            surplus += [(*place, at, parts) for at, (_, parts) in there.items()]
        text = (f"{name}: {len(lost)} lost, {len(twice)} double, {len(surplus)} that must not be there; "
                f"lost {shown(lost)}; double {shown(twice)}; surplus {shown(surplus)}")
        return Mismatch(text, [one[:3] for one in (lost + twice + surplus)[:SHOWN]])


def shown(places):
    return ", ".join(f"{t}/{p}/{o}{' in ' + parts if parts else ''}" for t, p, o, parts in places[:5]) or "none"


def below(where, marks):
    return between(where, {place: 0 for place in marks}, marks)


def between(where, first, end):
    """SQL: the offset is in [first, end) of its topic and partition."""
    topic, partition, offset = where
    return " OR ".join(
        f"({topic} = '{place[0]}' AND {partition} = {place[1]} AND {offset} >= {first[place]}"
        f" AND {offset} < {stop})" for place, stop in end.items())
