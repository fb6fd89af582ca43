#!/usr/bin/python3
"""Write docs/type-mapping.md's tables from what both readers really do.

    tests/oracle/report.py --write      (needs penstock-encode and penstock-dev-clickhouse built)

The test (mapping_test.py) makes the same text and fails if the page says something else.
"""
import pathlib
import sys

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from tests.harness.clickhouse import DevClickHouse, REPOSITORY  # noqa: E402
from tests.oracle import cases, readers, rules  # noqa: E402

PAGE = pathlib.Path(REPOSITORY) / "docs" / "type-mapping.md"
START = "<!-- from here on written by tests/oracle/report.py -->"
SHOWN_BYTES = 60

SHOWN = [
    ("Whole numbers: Int8 … Int64, UInt8 … UInt64", ["Int8", "UInt64"], cases.INTEGERS),
    ("Int128, Int256, UInt128, UInt256", ["Int128", "UInt256"], cases.WIDE_INTEGERS),
    ("Float32, Float64", ["Float32", "Float64"], cases.FLOATS),
    ("BFloat16", ["BFloat16"], ["3.14", "1.0078124", "65504.5", "3.4e38", "1e39", '"nan"', '"-inf"']),
    ("Decimal(P, S)", ["Decimal(9, 2)", "Decimal(38, 10)"], cases.DECIMALS),
    ("Decimal(P, S), P up to 76", ["Decimal(76, 10)"], cases.WIDE_DECIMALS),
    ("Bool", ["Bool"], ["2", "10", '"TRUE"', '"yes"']),
    ("String, LowCardinality(String)", ["String", "LowCardinality(Nullable(String))"], cases.STRINGS[:36]),
    ("FixedString(N)", ["FixedString(3)"], cases.STRINGS[:12]),
    ("UUID", ["UUID"], cases.UUIDS),
    ("IPv4", ["IPv4"], cases.IP4S),
    ("IPv6", ["IPv6"], cases.IP6S),
    ("Time, Time64(P)", ["Time", "Time64(3)"], cases.TIMES),
    ("Date, Date32", ["Date", "Date32"], cases.DATES),
    ("DateTime, DateTime64(P)", ["DateTime", "DateTime64(3)"], cases.INSTANTS),
    ("DateTime of another zone", ["DateTime('Asia/Tokyo')", "DateTime64(3, 'Europe/Berlin')"],
     ['"2024-01-02 03:04:05"', '"2024-01-02T03:04:05Z"', '"2024-01-02T03:04:05+02:00"', "1700000000"] + cases.ZONED),
    ("Enum8, Enum16", [cases.ENUM], cases.ENUMS),
]
COMPOSITES = ["Point", "Ring", "SimpleAggregateFunction(sum, UInt64)", "Array(Int32)", "Array(String)", "Map(String, Int32)", "Tuple(a Int32, b String)", "Tuple(Int32, String)",
              "Nested(a Int8, b LowCardinality(String), c Array(Date))"]
SPECIAL = [
    ("Map with other keys than String", ["Map(Int8, Nullable(Int8))"]),
    ("Variant", ["Variant(String, Int64, DateTime)", "Variant(String, Int64, Float64, Bool, DateTime64(3))"]),
    ("JSON", cases.JSONS),
]


def cell(text):
    """Text inside a table."""
    if len(text) > SHOWN_BYTES:
        text = text[:SHOWN_BYTES - 1] + "…"
    shown = "".join(c if c.isprintable() else "\\x%02x" % ord(c) for c in text).replace("|", "\\|")
    ticks = "``" if "`" in shown else "`"
    return f"{ticks}{shown}{ticks}" if shown else "(empty)"


def stored(text):
    return "refused" if text is None else cell(text)


def table(clickhouse, names, values):
    values = list(dict.fromkeys(values))
    results = [readers.compare(clickhouse, name, values) for name in names]
    head = "| JSON |" + "".join(f" {cell(name)} | ClickHouse | rule |" for name in names)
    lines = [head, "| --- |" + " --- | --- | --- |" * len(names)]
    for index, value in enumerate(values):
        row = f"| {cell(value)} |"
        for outcomes in results:
            o = outcomes[index]
            if o.ours == o.theirs:
                row += f" {stored(o.ours)} | same | |"
            else:
                row += f" {stored(o.ours)} | {stored(o.theirs)} | {rules.find(o) or 'UNEXPLAINED'} |"
        lines.append(row)
    return lines


def listed(title, entries):
    lines = ["", f"### {title}", ""]
    for name, sentence, _ in entries:
        lines.append(f"* **{name}**: {sentence}")
    return lines


def generated(clickhouse):
    version = clickhouse.value("SELECT version()")
    lines = ["", "## Differences from ClickHouse's JSONEachRow, and why", "",
             f"Compared with ClickHouse {version}, `date_time_input_format='best_effort'`."]
    lines += listed("Refused by us, taken by ClickHouse", rules.WE_REFUSE)
    lines += listed("Taken by us, refused by ClickHouse", rules.WE_TAKE)
    lines += listed("Taken by both, with another value", rules.WE_DIFFER)
    lines += ["", "## Value by value", "",
              "*same*: ClickHouse does what we do. Long values are cut here with …, not in the tests."]
    for title, names, values in SHOWN:
        lines += ["", f"### {title}", ""] + table(clickhouse, names, cases.COMMON + values)
    for name in COMPOSITES:
        lines += ["", f"### {name}", ""] + table(clickhouse, [name], cases.COMPOSITE[name])
    special = dict([*cases.map_cases(), *cases.special_cases()])
    for title, names in SPECIAL:
        lines += ["", f"### {title}", ""] + table(clickhouse, names, special[names[0]])
    return "\n".join(lines) + "\n"


def page(clickhouse):
    """The page as it should be: what people wrote, then what the readers do."""
    written = PAGE.read_text(encoding="utf-8").split(START)[0]
    return written + START + "\n" + generated(clickhouse)


def main():
    if sys.argv[1:] != ["--write"]:
        print(__doc__)
        return 2
    with DevClickHouse() as clickhouse:
        text = page(clickhouse)
    PAGE.write_text(text, encoding="utf-8")
    print(f"{PAGE}: {len(text.splitlines())} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
