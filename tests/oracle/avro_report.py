"""Writes the tables of docs/avro.md from what the tests prove: golden messages and rules.

    python3 -m tests.oracle.avro_report          (from the repository's root)
"""
import json
import os

from tests.harness import paths

from . import avro_rules

PAGE = os.path.join(paths.ROOT, "docs", "avro.md")
MARK = "<!-- from here on written by tests/oracle/avro_report.py -->\n"
TITLES = [
    ("Refused by us, taken by ClickHouse", avro_rules.WE_REFUSE),
    ("Taken by us, refused by ClickHouse", avro_rules.WE_TAKE),
    ("Taken by both, with another value", avro_rules.WE_DIFFER),
]


def schema_text(schema):
    if isinstance(schema, str):
        return schema
    if isinstance(schema, list):
        return "[" + ", ".join(schema_text(branch) for branch in schema) + "]"
    return json.dumps({key: value for key, value in schema.items() if key != "namespace"}, ensure_ascii=False)


def value_text(value):
    text = repr(value) if not isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.replace("|", "\\|")


def tables(golden):
    lines = ["## Differences from ClickHouse's format Avro, and why\n"]
    for title, rules in TITLES:
        lines.append(f"### {title}\n")
        lines += [f"* **{name}**: {sentence}" for name, sentence, _ in rules]
        lines.append("")
    lines += ["## Value by value\n", "Values as fastavro takes them, cells as ClickHouse shows them (`FORMAT TSV`).\n",
              "| Avro | value | ClickHouse | cell |", "| --- | --- | --- | --- |"]
    for _, schema, value, cells in golden:
        for type_name, cell in cells:
            cell = cell.replace("|", "\\|")
            lines.append(f"| `{schema_text(schema)}` | `{value_text(value)}` | `{type_name}` | `{cell or ' '}` |")
    return "\n".join(lines) + "\n"


def page():
    with open(PAGE, encoding="utf-8") as file:
        return file.read()


def main():
    from . import avro_golden_test
    head = page().split(MARK)[0]
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(head + MARK + "\n" + tables(avro_golden_test.GOLDEN))


if __name__ == "__main__":
    main()
