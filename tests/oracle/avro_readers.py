"""Both Avro readers on the same bytes: ours (penstock-encode --avro) and ClickHouse's format Avro."""
import json
import os
import subprocess
import tempfile

from tests.harness.clickhouse import ClickHouseError

from . import avro_bytes
from .readers import Tables, encoder_path

READING = {"input_format_avro_allow_missing_fields": 1, "input_format_avro_null_as_default": 1}

HEADER = "not compatible with Avro"  # the pair of types is refused, whatever the records hold


def encode(schema, bodies, columns, options=()):
    """Our reader: (Native bytes, {record number: (type, column, message)})."""
    with tempfile.TemporaryDirectory() as folder:
        output = os.path.join(folder, "block")
        schema_file = os.path.join(folder, "schema")
        with open(schema_file, "w", encoding="utf-8") as file:
            json.dump(schema, file)
        argv = [encoder_path(), "--output", output, "--avro", schema_file, *options]
        for name, type_name in columns:
            argv += [name, type_name]
        data = b"".join(len(body).to_bytes(4, "little") + body for body in bodies)
        done = subprocess.run(argv, input=data, capture_output=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.decode())
        rejects = {}
        for row in done.stdout.decode("utf-8", "replace").splitlines():
            number, kind, column, message = row.split("\t", 3)
            rejects[int(number)] = (kind, column, message)
        with open(output, "rb") as file:
            return file.read(), rejects


def insert_theirs(clickhouse, schema, bodies):
    """All at once, or one by one if one of them is refused; {number: ClickHouse's words}."""
    refused = {}
    try:
        clickhouse.query("INSERT INTO theirs FORMAT Avro", avro_bytes.container(schema, bodies), READING)
        return refused
    except ClickHouseError as error:
        if len(bodies) == 1 or HEADER in error.text:
            return dict.fromkeys(range(len(bodies)), error.text)
        clickhouse.query("TRUNCATE TABLE theirs")
    for number, body in enumerate(bodies):
        try:
            clickhouse.query("INSERT INTO theirs FORMAT Avro", avro_bytes.container(schema, [body]), READING)
        except ClickHouseError as error:
            refused[number] = error.text
    return refused


def compare(clickhouse, schema, bodies, columns):
    """(ours, rejects, theirs, refused): texts of the rows' cells by record number."""
    tables = Tables(clickhouse)
    tables.create(columns)
    block, rejects = encode(schema, bodies, columns)
    tables.insert_ours(block)
    refused = insert_theirs(clickhouse, schema, bodies)
    ours = tables.read("ours", len(bodies))
    assert set(ours) | set(rejects) == set(range(len(bodies))), "a record is neither a row nor rejected"
    return ours, rejects, tables.read("theirs", len(bodies)), refused
