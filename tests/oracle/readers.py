"""Both readers on the same bytes: ours (penstock-encode, Native) and ClickHouse's JSONEachRow."""
import os
import subprocess
import tempfile

from tests.harness.clickhouse import ClickHouseError, REPOSITORY

from .rules import Outcome

READING = {"date_time_input_format": "best_effort", "input_format_parallel_parsing": 0}
SKIPPING = {**READING, "input_format_allow_errors_num": 1000000, "input_format_allow_errors_ratio": 1}


def encoder_path():
    build = os.environ.get("PENSTOCK_BUILD_DIR") or os.path.join(REPOSITORY, "build")
    return os.path.join(build, "penstock-encode")


def encode(lines, columns, options=()):
    """Our reader: (Native bytes, {line number: (type, column, message)})."""
    with tempfile.TemporaryDirectory() as folder:
        output = os.path.join(folder, "block")
        argv = [encoder_path(), "--output", output, *options]
        for name, type_name in columns:
            argv += [name, type_name]
        done = subprocess.run(argv, input=b"".join(line + b"\n" for line in lines), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.decode())
        rejects = {}
        for row in done.stdout.decode("utf-8", "replace").splitlines():
            number, kind, column, message = row.split("\t", 3)
            rejects[int(number)] = (kind, column, message)
        with open(output, "rb") as file:
            return file.read(), rejects


# What tables of every type need: for users, docs/type-mapping.md says which type needs which.
CREATING = {"allow_suspicious_low_cardinality_types": 1, "flatten_nested": 0, "enable_nullable_tuple_type": 1}


class Tables:
    """Twin tables in one ClickHouse."""

    def __init__(self, clickhouse):
        self.clickhouse = clickhouse

    def create(self, columns):
        listed = ", ".join(f"`{name}` {type_name}" for name, type_name in columns)
        for table in ("ours", "theirs"):
            self.clickhouse.query(f"CREATE OR REPLACE TABLE {table} ({listed}) ENGINE = Memory", settings=CREATING)

    def insert_ours(self, block):
        self.clickhouse.query("INSERT INTO ours FORMAT Native", block)

    def insert_theirs(self, lines):
        """Their reader skips bad lines when told so, but then puts values of Nullable(Decimal) into wrong
        rows (26.7). So the first pass only tells which lines it takes, the second stores them."""
        data = b"".join(line + b"\n" for line in lines)
        wanted = lines
        try:
            self.clickhouse.query("INSERT INTO theirs FORMAT JSONEachRow", data, SKIPPING)
            taken = self.clickhouse.query("SELECT i FROM theirs FORMAT TSV").split()
            wanted = [lines[int(number)] for number in taken]
            self.clickhouse.query("TRUNCATE TABLE theirs")
            if wanted:
                self.clickhouse.query("INSERT INTO theirs FORMAT JSONEachRow", b"".join(line + b"\n" for line in wanted), READING)
            return
        except ClickHouseError:
            self.clickhouse.query("TRUNCATE TABLE theirs")
        for line in wanted:
            try:
                self.clickhouse.query("INSERT INTO theirs FORMAT JSONEachRow", line, READING)
            except ClickHouseError:
                pass  # refused

    def select(self, table, where=""):
        body = self.clickhouse.ask(f"SELECT * FROM {table} {where} ORDER BY i FORMAT TSV").body
        rows = [line.split("\t", 1) for line in body.decode("utf-8", "backslashreplace").split("\n") if line]
        return {int(number): text for number, text in rows}

    def read(self, table, count):
        """{i: text of the other cells}. A row that ClickHouse itself cannot show (an Enum cell of no
        member) counts as refused."""
        try:
            return self.select(table)
        except ClickHouseError:
            rows = {}
        for number in range(count):
            try:
                rows.update(self.select(table, f"WHERE i = {number}"))
            except ClickHouseError:
                pass  # refused
        return rows


def insert_one_by_one(tables, lines, columns, rejects):
    """What a replica does when ClickHouse alone refuses rows, as it may for a JSON column: what it takes
    is stored, the others are rejected with its words."""
    for number, line in enumerate(lines):
        if number in rejects:
            continue
        block, _ = encode([line], columns)
        try:
            tables.insert_ours(block)
        except ClickHouseError as error:
            rejects[number] = ("INSERT_REJECTED", "x", error.text)


def compare(clickhouse, type_name, values):
    """Outcomes of all values for the column x of that type."""
    columns = [("i", "UInt64"), ("x", type_name)]
    lines = [b'{"i":%d,"x":%s}' % (i, value.encode("utf-8", "surrogatepass")) for i, value in enumerate(values)]
    tables = Tables(clickhouse)
    tables.create(columns)
    block, rejects = encode(lines, columns)
    try:
        tables.insert_ours(block)
    except ClickHouseError:
        if "JSON" not in type_name:
            raise
        insert_one_by_one(tables, lines, columns, rejects)
    tables.insert_theirs(lines)
    ours = tables.select("ours")
    theirs = tables.read("theirs", len(values))
    assert set(ours) | set(rejects) == set(range(len(values))), "a document is neither a row nor rejected"
    assert not set(ours) & set(rejects)
    return [Outcome(type_name, value, ours.get(i), rejects.get(i, ("", "", ""))[2], theirs.get(i))
            for i, value in enumerate(values)]
