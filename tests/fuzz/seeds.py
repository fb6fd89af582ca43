"""Seed inputs of the fuzz targets: the oracle's values and documents, and shapes written by hand."""
import hashlib
import struct

from tests.oracle import cases

DICTIONARY = {"json": "json", "cells": "json", "api": "json", "type": "type", "engine": "engine"}

TYPES = [name for name, _ in cases.base_cases()] + list(cases.COMPOSITE) + [
    "Nested(a Int32, b Array(String))", "SimpleAggregateFunction(sum, Int64)", "Variant(Int64, String)", "JSON(max_dynamic_paths=2, a.b Int32, SKIP c)",
    "Decimal256(10)", "Time64(3)", "AggregateFunction(uniq, String)", "Tuple(`a b` Int8, `c\\`d` String)", "Object('json')", "Dynamic(max_types=3)"]

BODY = (b'{"name":"n","source":{"kafka":{"type":"kafka","format":"JSONEachRow","brokers":"SASL_SSL://b:9092","topics":"t, u","authentication":"PLAIN",'
        b'"credentials":{"username":"u","password":"p"},"offset":{"strategy":"from_timestamp","timestamp":"2021-01-01T00:01"},'
        b'"schemaRegistry":{"url":"http://r/subjects/s","authentication":"PLAIN","credentials":{"username":"a","password":"b"}}},"validateSamples":true},'
        b'"destination":{"database":"d","table":"t","managedTable":true,"tableDefinition":{"engine":{"type":"ReplacingMergeTree","versionColumnId":"v"},'
        b'"sortingKey":["id"],"partitionBy":"toYYYYMM(at)"},"columns":[{"name":"id","type":"UInt64"},{"name":"v","type":"UInt32"}],"roles":["r"]},'
        b'"fieldMappings":[{"sourceField":"a.b","destinationField":"id"}],"scaling":{"replicas":2,"replicaMemoryGb":1},'
        b'"settings":{"streaming_max_insert_wait_ms":500,"penstock_overflow":"wrap","penstock_batch_rows":7}}')
UUID = "61f0c404-5cb3-11e7-907b-a6006ad3dba0"
PATHS = ["/", "/health/live", "/v1/organizations", f"/v1/organizations/{UUID}/services/{UUID}/clickpipes",
         f"/v1/organizations/{UUID}/services/{UUID}/clickpipes/{UUID}/settings", f"//v1//organizations/{UUID}/services/{UUID}/clickpipes/{UUID}/state/"]

REGISTRY_ANSWERS = (
    (200, r'{"schema":"\"string\""}'),
    (200, r'{"subject":"s","version":2,"id":7,"schemaType":"JSON","schema":"{\"type\":\"object\"}","references":[]}'),
    (200, '{"schema":"x","schemaType":"PROTOBUF","references":[{"name":"a.proto","subject":"a/b","version":1}]}'),
    (200, '{"schema":"x","schemaType":"XSD"}'), (200, "<html>"), (404, '{"error_code":40403,"message":"Schema not found"}'),
    (404, '{"error_code":404,"message":"HTTP 404 Not Found"}'), (422, '{"error_code":42202,"message":"bad version"}'),
    (401, '{"error_code":401,"message":"Unauthorized"}'), (429, "7"), (503, "99999999999"), (301, "https://b/"))
ANSWERS = ["", "Ok.\n", "Code: 60. DB::Exception: Table d.t does not exist. (UNKNOWN_TABLE) (version 26.7.2.1)",
           "Code: 252. DB::Exception: Too many parts (300). (TOO_MANY_PARTS)", "Code: 60, e.displayText() = DB::Exception: x (version 18.16.0)",
           "Code: 53. DB::Exception: Code: 53. DB::Exception: while pushing to view d.`v x` (aa-bb): no",
           '{"name":"id","type":"UInt64","default_kind":"","engine":"MergeTree","engine_full":"MergeTree ORDER BY id","uuid":"u","total_rows":"5"}\n']


def values():
    """Every value of the oracle once."""
    found = {}
    for _, texts in cases.all_cases():
        for text in texts:
            if len(text) < 400:
                found[text] = None
    return [text.encode("utf-8", "surrogatepass") for text in found]


def json_seeds():
    for text in cases.DOCUMENTS:
        yield text.encode("utf-8", "surrogatepass")
    for value in values()[::12]:
        yield b'{"a":' + value + b',"b":{"c":' + value + b'},"list":[' + value + b",1,{}]}"


def cells_seeds():
    for number, value in enumerate(values()[::8]):
        yield bytes((number % 44, number % 16)) + value


def number_seeds():
    for value in values():
        text = value.strip(b'"')
        if text[:1] in b"+-.0123456789" and text:
            yield text


def datetime_seeds():
    for number, value in enumerate(cases.INSTANTS):
        yield value.strip('"').encode()
        yield struct.pack(">H12B", 1900 + number, number % 13, number % 32, 1, 2, 3, 0, 0, 0, number, 2, number, number)


def frame_seeds():
    for kind, text in ((1, b"{}"), (2, b""), (3, b'{"ok":true}')):
        yield struct.pack("<IHHII", 0x50535430, 1, kind, len(text), 0) + text
    for kind in range(1, 5):
        yield bytes((kind - 1,)) + bytes(40) + b"topic\0" + bytes(200)


def api_seeds():
    for path in PATHS:
        yield path.encode() + b"\n" + BODY
        yield path.encode() + b"\n" + b'{"settings":{"kafka_read_committed":null,"penstock_null":"error"},"name":null}'


def answer_seeds():
    for text in ANSWERS:
        for status in (200, 404, 500):
            yield struct.pack(">H", status) + text.encode()


def registry_seeds():
    for status, text in REGISTRY_ANSWERS:
        yield struct.pack(">H", status) + text.encode()
    for path in ("", "/pre/fix/", "/schemas/ids/7", "/subjects/a%2Fb", "/subjects/s/versions/latest/", "/p/subjects/s/versions/3",
                 "/subjects", "/schemas/ids/x", "/subjects/s?x=1"):
        yield struct.pack(">H", 404) + b"https://host:8081" + path.encode()


def avro_seeds():
    """Bytes of a schema (kinds and counts), then a body of small values."""
    for shape in ((0,), (1, 5), (2, 1, 5), (3, 9, 5, 10, 2, 12, 5), (1, 11, 2, 4, 3), (3, 7, 8, 6), (2, 9, 11, 1, 5, 10, 9, 1), (3, 12, 0, 12, 4, 2)):
        for body in (b"", b"\x00" * 12, b"\x02" * 12, b"\x04\x06abc\x02\x02x\x00\x00", b"\x02\x03\x04\x02a\x00", b"\x02\x06\xff\xfea\x00" + bytes(16)):
            yield bytes(shape) + body


def intent_seeds():
    """Bodies without their checksum (the target adds it): pipe, epoch, nonce, number of ranges, ranges."""
    first = b"\x00\x63\x64\x80\xf0\xc5\xb9\xe3\x33\xd0\x0f\x01\x80" + bytes(range(16))
    for ranges in (b"\x00", b"\x01" + first, b"\x02" + first + b"\x05\x00\x01\x01\x00\x01\x01", b"\x1e" + bytes(30 * 7)):
        yield bytes(16) + b"\x01" + bytes(8) + ranges
    for text in ("p1:", "p2:AAAA", "p0:", "{\"version\":1}", "p1:AAAAAAAAAAAAAAAA"):
        yield text.encode()


ENGINES = [
    "CREATE TABLE q (id UInt64) ENGINE = Kafka('h:9092', 't', 'g', 'JSONEachRow')",
    "CREATE TABLE IF NOT EXISTS `a b`.\"q\" ON CLUSTER c (id UInt64 DEFAULT 1 + (2), m Map(String, Array(Decimal(18, 3))) COMMENT 'it\\'s' CODEC(ZSTD(1)), "
    "a Int8 ALIAS id, INDEX i id TYPE minmax) ENGINE = Kafka() SETTINGS kafka_broker_list = 'a,b', kafka_topic_list = 't, u', kafka_group_name = 'g', "
    "kafka_format = 'AvroConfluent', kafka_num_consumers = 2, kafka_security_protocol = 'sasl_ssl', kafka_sasl_mechanism = 'AWS_MSK_IAM'; -- the end",
    "create table q (x Enum8('a' = 1, 'b,)' = -2), y Tuple(a Int8, `b c` String)) /* k */ engine=kafka settings kafka_broker_list='h' , kafka_sasl_username='u', "
    "kafka_sasl_password='p\\x41\\n', kafka_handle_error_mode='stream', kafka_max_block_size=65536, kafka_flush_interval_ms=7500",
    "ATTACH TABLE q UUID 'x' (x Int8) ENGINE = Kafka('h', 't', 'g', 'RawBLOB', '', 3) SETTINGS kafka_thread_per_consumer = 1 COMMENT 'c'"]


def engine_seeds():
    for text in ENGINES:
        yield text.encode()
    for name in TYPES:
        yield f"CREATE TABLE q (`c` {name}) ENGINE = Kafka('h', 't', 'g', 'Avro')".encode()


SEEDS = {"avro": avro_seeds, "json": json_seeds, "cells": cells_seeds, "type": lambda: (name.encode() for name in TYPES), "number": number_seeds,
         "datetime": datetime_seeds, "frame": frame_seeds, "api": api_seeds, "answer": answer_seeds, "registry": registry_seeds, "intent": intent_seeds, "engine": engine_seeds}


def write(name, folder):
    """The target's seeds, one file each, named by content."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in SEEDS[name]():
        (folder / hashlib.sha1(seed).hexdigest()).write_bytes(seed)
