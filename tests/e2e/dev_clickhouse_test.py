"""The development ClickHouse: what the mover, the api and the other tests rely on, tried over HTTP."""
import base64
import concurrent.futures
import ctypes
import gzip
import http.client
import json
import os
import signal
import socket
import struct
import subprocess
import threading
import time
import zlib

import pytest

from tests.harness import net, paths, proc
from tests.harness.clickhouse import ClickHouseError, DevClickHouse

LZ4 = ctypes.CDLL("liblz4.so.1")
ZSTD = ctypes.CDLL("libzstd.so.1")
LZ4.LZ4F_compressFrame.restype = ctypes.c_size_t
ZSTD.ZSTD_compress.restype = ctypes.c_size_t
MEGABYTE = 1024 * 1024


def _room(data):
    return ctypes.create_string_buffer(len(data) + len(data) // 8 + 1024)


def lz4_frame(data):
    room = _room(data)
    size = LZ4.LZ4F_compressFrame(
        room, ctypes.c_size_t(len(room)), data, ctypes.c_size_t(len(data)), None)
    return room.raw[:size]


def zstd(data):
    room = _room(data)
    size = ZSTD.ZSTD_compress(
        room, ctypes.c_size_t(len(room)), data, ctypes.c_size_t(len(data)), 1)
    return room.raw[:size]


def lz4_block(data):
    """One ClickHouse block, LZ4 inside, with a checksum of zeros."""
    room = _room(data)
    size = LZ4.LZ4_compress_default(data, room, len(data), len(room))
    return bytes(16) + struct.pack("<BII", 0x82, size + 9, len(data)) + room.raw[:size]


def row_binary(numbers):
    return b"".join(struct.pack("<Q", n) + bytes([len(str(n))]) + str(n).encode() for n in numbers)


def native(numbers):
    """One Native block of columns a UInt64, b String."""
    numbers = list(numbers)
    texts = b"".join(bytes([len(str(n))]) + str(n).encode() for n in numbers)
    return (
        b"\x02" + varint(len(numbers))
        + b"\x01a\x06UInt64" + struct.pack(f"<{len(numbers)}Q", *numbers)
        + b"\x01b\x06String" + texts
    )


def varint(value):
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


@pytest.fixture(scope="module")
def server():
    with DevClickHouse() as clickhouse:
        yield clickhouse


@pytest.fixture
def table(server, request):
    """An empty table `a UInt64, b String DEFAULT 'x'` in `default`."""
    name = "t_" + request.node.name.replace("[", "_").replace("]", "").replace("-", "_")
    server.query(f"CREATE OR REPLACE TABLE `{name}` (a UInt64, b String DEFAULT 'x') "
                 "ENGINE = MergeTree ORDER BY a")
    yield f"`{name}`"
    server.query(f"DROP TABLE `{name}`")


def fails(server, code, sql, data=None, settings=None):
    with pytest.raises(ClickHouseError) as caught:
        server.query(sql, data, settings)
    assert caught.value.code == code
    assert caught.value.text.startswith(f"Code: {code}. DB::Exception: ")
    return caught.value


# Pages and answers


def test_health_pages(server):
    for path in ("/ping", "/", "/replicas_status"):
        answer = server.request("GET", path)
        assert (answer.status, answer.body) == (200, b"Ok.\n")
    assert server.request("GET", "/nosuch").status == 404
    assert server.request("PUT", "/").status == 405
    assert server.request("HEAD", "/ping").status == 200


def test_query_in_url_body_and_both(server):
    assert server.request("GET", "/", {"query": "SELECT 1"}).body == b"1\n"
    assert server.request("POST", "/", {"query": "SELECT 2"}).body == b"2\n"
    assert server.request("POST", "/", None, b"SELECT 3").body == b"3\n"
    assert server.request("POST", "/", {"query": "SELECT"}, b"4").body == b"4\n"
    assert server.request("POST", "/query", {"query": "SELECT 5;"}).body == b"5\n"


@pytest.mark.parametrize("sql, content_type, body", [
    ("SELECT 1 AS x FORMAT JSONEachRow", "application/x-ndjson; charset=UTF-8", b'{"x":1}\n'),
    ("SELECT 1 AS x FORMAT TSVWithNames", "text/tab-separated-values; charset=UTF-8", b"x\n1\n"),
    ("SELECT 'a' FORMAT RowBinary", "application/octet-stream", b"\x01a"),
    ("SELECT 1 AS x FORMAT Native", "application/octet-stream", b"\x01\x01\x01x\x05UInt8\x01"),
    ("SELECT 1, 'a' FORMAT CSV", "text/csv; charset=UTF-8; header=absent", b'1,"a"\n'),
])
def test_output_formats(server, sql, content_type, body):
    answer = server.ask(sql)
    assert answer.body == body
    assert answer.headers["content-type"] == content_type
    assert answer.headers["x-clickhouse-format"] == sql.rpartition(" ")[2]


def test_json_document(server):
    document = json.loads(server.query("SELECT number AS n FROM numbers(3) FORMAT JSON",
                                       settings={"output_format_json_quote_64bit_integers": 0}))
    assert document["meta"] == [{"name": "n", "type": "UInt64"}]
    assert document["data"] == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert document["rows"] == 3


def test_default_format(server):
    assert server.query("SELECT 1 AS x", settings={"default_format": "JSONEachRow"}) == '{"x":1}\n'
    answer = server.ask("SELECT 1 AS x", headers={"X-ClickHouse-Format": "JSONEachRow"})
    assert answer.body == b'{"x":1}\n'
    answer = server.ask("SELECT 1 AS x FORMAT TSV", headers={"X-ClickHouse-Format": "JSONEachRow"})
    assert answer.body == b"1\n"


def test_headers_of_an_answer(server, table):
    answer = server.ask("SELECT 1", settings={"query_id": "my-id"})
    assert answer.headers["x-clickhouse-query-id"] == "my-id"
    assert answer.headers["x-clickhouse-timezone"] == server.value("SELECT timezone()")
    assert answer.headers["x-clickhouse-server-display-name"] == socket.gethostname()
    assert answer.summary["result_rows"] == 1
    assert len(server.ask("SELECT 1").headers["x-clickhouse-query-id"]) == 36
    written = server.ask(f"INSERT INTO {table} FORMAT RowBinary", row_binary(range(10))).summary
    assert (written["written_rows"], written["read_rows"]) == (10, 0)
    copied = server.ask(f"INSERT INTO {table} SELECT a + 10, b FROM {table}").summary
    assert (copied["written_rows"], copied["read_rows"]) == (10, 10)


def test_compressed_answers(server):
    sql = "SELECT number FROM numbers(1000)"
    plain = server.query(sql)
    asked = {"Accept-Encoding": "gzip"}
    answer = server.ask(sql, settings={"enable_http_compression": 1}, headers=asked)
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(answer.body).decode() == plain
    assert "content-encoding" not in server.ask(sql, headers=asked).headers
    assert "content-encoding" not in server.ask(sql, settings={"enable_http_compression": 1}).headers


def test_settings_parameters_and_database(server):
    assert server.value("SELECT getSetting('max_threads')", {"max_threads": 3}) == "3"
    assert server.value("SELECT getSetting('max_threads') SETTINGS max_threads = 5") == "5"
    assert server.value("SELECT {x:String}, {n:UInt8} + 1", {"param_x": "it's", "param_n": 4}) == "it\\'s\t5"
    assert server.value("SELECT count() FROM {t:Identifier}.one", {"param_t": "system"}) == "1"
    assert server.value("SELECT currentDatabase()") == "default"
    assert server.value("SELECT currentDatabase()", {"database": "system"}) == "system"
    answer = server.ask("SELECT currentDatabase()", headers={"X-ClickHouse-Database": "system"})
    assert answer.body == b"system\n"
    for name, value in (("async_insert", 0), ("wait_end_of_query", 1), ("insert_deduplicate", 1),
                        ("send_progress_in_http_headers", 0), ("buffer_size", 4096)):
        assert server.query("SELECT 1", settings={name: value}) == "1\n"


def test_settings_do_not_leak_into_the_next_request(server):
    before = server.value("SELECT getSetting('max_block_size')")
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    for setting, expected in (("?max_block_size=77&database=system", "77\tsystem"), ("", f"{before}\tdefault")):
        connection.request("POST", "/" + setting, b"SELECT getSetting('max_block_size'), currentDatabase()")
        assert connection.getresponse().read().decode().strip() == expected
    connection.close()


def test_default_is_an_ordinary_database(server, table):
    name = table.strip("`")
    engine = "SELECT engine FROM system.databases WHERE name = 'default'"
    assert server.value(engine) == "Atomic"
    listed = server.value("SELECT engine, primary_key FROM system.tables "
                          f"WHERE database = 'default' AND name = '{name}'")
    assert listed == "MergeTree\ta"
    assert server.value(f"SELECT count() FROM default.{table}") == "0"
    databases = server.query("SHOW DATABASES").split()
    assert databases == ["INFORMATION_SCHEMA", "default", "information_schema", "system"]
    with open(os.path.join(server.directory, "data", "empty", "decoy.csv"), "w", encoding="ascii") as decoy:
        decoy.write("1\n")
    assert fails(server, 60, "SELECT * FROM `decoy.csv`").status == 404


def test_default_comes_back_when_dropped():
    with DevClickHouse() as own:
        own.query("DROP DATABASE default")
        assert own.value("SELECT engine FROM system.databases WHERE name = 'default'") == "Atomic"
        own.query("CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a")
        own.kill9()
        own.restart()
        assert own.value("SELECT count() FROM default.t") == "0"


# Errors


@pytest.mark.parametrize("code, status, sql, settings", [
    (62, 400, "SELCT 1", {}),
    (62, 400, "1", {}),
    (62, 400, "", {}),
    (62, 400, "SELECT 1; SELECT 2", {}),
    (47, 404, "SELECT nosuch", {}),
    (60, 404, "SELECT * FROM nosuch", {}),
    (81, 404, "SELECT 1", {"database": "nosuch"}),
    (81, 404, "SELECT 1", {"database": "no`such"}),
    (115, 404, "SELECT 1", {"nosuch": 1}),
    (115, 404, "SELECT 1", {"max_threads = 1, x": 1}),
    (73, 404, "SELECT 1 FORMAT Nosuch", {}),
    (159, 408, "SELECT sleepEachRow(0.1) FROM numbers(30)", {"max_execution_time": 0.3, "max_block_size": 1}),
    (241, 500, "SELECT groupArray(number) FROM numbers(10000000)", {"max_memory_usage": 1000000}),
    (456, 500, "SELECT {x:String}", {}),
    (48, 501, "SELECT 1", {"session_id": "s"}),
    (497, 403, "CREATE USER u", {}),
])
def test_errors_of_queries(server, code, status, sql, settings):
    assert fails(server, code, sql, settings=settings).status == status


def test_get_is_read_only(server, table):
    answer = server.request("GET", "/", {"query": f"DROP TABLE {table}"})
    assert (answer.status, answer.code) == (500, 164)
    answer = server.request("GET", "/", {"query": f"INSERT INTO {table} (a) VALUES (1)"})
    assert (answer.status, answer.code) == (500, 164)
    assert server.request("GET", "/", {"query": "SELECT 1", "max_threads": 2}).body == b"1\n"
    assert server.request("GET", "/", {"query": "SELECT 1", "readonly": 1}).body == b"1\n"


@pytest.mark.parametrize("code, head, data", [
    (33, "INSERT INTO {} FORMAT RowBinary", row_binary([1, 2])[:-1]),
    (27, "INSERT INTO {} FORMAT JSONEachRow", b'{"a":1}\n{"a":"no"}\n'),
    (16, "INSERT INTO {} (nosuch) FORMAT TSV", b"1\n"),
    (60, "INSERT INTO nosuch FORMAT TSV", b"1\n"),
    (73, "INSERT INTO {} FORMAT Nosuch", b"1\n"),
    (115, "INSERT INTO {} SETTINGS nosuch = 1 FORMAT TSV", b"1\t2\n"),
    (117, "INSERT INTO {} SETTINGS input_format_skip_unknown_fields = 0 FORMAT JSONEachRow", b'{"z":1}'),
])
def test_bad_insert_stores_nothing(server, table, code, head, data):
    fails(server, code, head.format(table), data)
    assert server.value(f"SELECT count() FROM {table}") == "0"


def test_connection_is_usable_after_an_error(server, table):
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request("POST", "/?query=INSERT%20INTO%20nosuch%20FORMAT%20TSV", bytes(5 * MEGABYTE))
    refused = connection.getresponse()
    assert (refused.status, refused.getheader("X-ClickHouse-Exception-Code")) == (404, "60")
    refused.read()
    sock = connection.sock
    connection.request("POST", "/", f"SELECT count() FROM {table}".encode())
    assert connection.getresponse().read() == b"0\n"
    assert connection.sock is sock
    connection.close()


# Inserts


@pytest.mark.parametrize("head, data", [
    ("INSERT INTO {} FORMAT RowBinary", row_binary(range(1000))),
    ("INSERT INTO {} (a, b) FORMAT RowBinary", row_binary(range(1000))),
    ("INSERT INTO {} FORMAT Native", native(range(1000))),
    ("INSERT INTO {} FORMAT TSV", b"".join(b"%d\t%d\n" % (n, n) for n in range(1000))),
    ("INSERT INTO {} VALUES", b",".join(b"(%d,'%d')" % (n, n) for n in range(1000))),
    ("INSERT INTO {} FORMAT JSONEachRow", b"\n\n".join(b'{"a":%d,"b":"%d"}' % (n, n) for n in range(1000))),
    ("INSERT INTO {} SETTINGS async_insert=0 FORMAT TSV", b"".join(b"%d\t%d\n" % (n, n) for n in range(1000))),
], ids=["row_binary", "columns", "native", "tsv", "values", "json", "settings"])
@pytest.mark.parametrize("way", ["url", "body"])
def test_insert_formats(server, table, head, data, way):
    sql = head.format(table)
    if way == "url":
        server.query(sql, data)
    else:
        server.request("POST", "/", None, sql.encode() + b"\n" + data)
    assert server.value(f"SELECT count(), sum(a), countIf(b = toString(a)) FROM {table}") == "1000\t499500\t1000"


@pytest.mark.parametrize("encoding, pack", [
    ("gzip", gzip.compress), ("deflate", zlib.compress), ("zstd", zstd), ("lz4", lz4_frame)])
def test_encoded_bodies(server, table, encoding, pack):
    data = native(range(200000))
    head = {"Content-Encoding": encoding}
    server.ask(f"INSERT INTO {table} FORMAT Native", pack(data), headers=head)
    assert server.value(f"SELECT count(), sum(a) FROM {table}") == "200000\t19999900000"
    with pytest.raises(ClickHouseError) as caught:
        server.ask(f"INSERT INTO {table} FORMAT Native", pack(data)[:-20], headers=head)
    assert caught.value.code in (354, 561, 618)
    assert server.value(f"SELECT count() FROM {table}") == "200000"


def test_unknown_encoding_is_refused(server, table):
    with pytest.raises(ClickHouseError) as caught:
        server.ask(f"INSERT INTO {table} FORMAT TSV", b"1\t1\n", headers={"Content-Encoding": "br"})
    assert caught.value.code == 89


def test_clickhouse_blocks(server, table):
    data = b"".join(lz4_block(native(range(start, start + 1000))) for start in range(0, 5000, 1000))
    server.query(f"INSERT INTO {table} FORMAT Native", data, {"decompress": 1})
    assert server.value(f"SELECT count(), sum(a) FROM {table}") == "5000\t12497500"
    fails(server, 271, f"INSERT INTO {table} FORMAT Native", data[:-1], {"decompress": 1})
    assert server.value(f"SELECT count() FROM {table}") == "5000"


def test_whole_query_may_be_compressed(server):
    answer = server.request("POST", "/", None, gzip.compress(b"SELECT 7"), {"Content-Encoding": "gzip"})
    assert answer.body == b"7\n"


def test_chunked_upload(server, table):
    pieces = (row_binary(range(start, start + 10)) for start in range(0, 1000, 10))
    server.ask(f"INSERT INTO {table} FORMAT RowBinary", pieces)
    assert server.value(f"SELECT count(), sum(a) FROM {table}") == "1000\t499500"


def test_data_arriving_byte_by_byte(server, table):
    text = f"INSERT INTO {table} /* VALUES */ FORMAT TSV SETTINGS async_insert = 0\n1\tone\n2\ttwo\n".encode()
    server.request("POST", "/", None, (bytes([byte]) for byte in text), {"Transfer-Encoding": "chunked"})
    assert server.query(f"SELECT * FROM {table} ORDER BY a") == "1\tone\n2\ttwo\n"


def test_expect_100_continue(server, table):
    body = row_binary(range(10))
    query = f"INSERT INTO {table} FORMAT RowBinary".replace(" ", "%20").replace("`", "%60")
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as sock:
        sock.sendall(f"POST /?query={query} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
                     "Expect: 100-continue\r\n\r\n".encode())
        assert sock.recv(1000).startswith(b"HTTP/1.1 100 ")
        sock.sendall(body)
        assert sock.recv(1000).startswith(b"HTTP/1.1 200 ")
    assert server.value(f"SELECT count() FROM {table}") == "10"


def test_insert_without_a_format_takes_the_default_one(server, table):
    server.query(f"INSERT INTO {table} (a)", b"1\n2\n", {"default_format": "TSV"})
    server.ask(f"INSERT INTO {table} (a)", b'{"a":3}', headers={"X-ClickHouse-Format": "JSONEachRow"})
    assert server.value(f"SELECT groupArray(a) FROM (SELECT a FROM {table} ORDER BY a)") == "[1,2,3]"
    fails(server, 62, f"INSERT INTO {table} (a)", b"1\n2\n")


def test_data_is_never_run_as_a_statement(server, table):
    text = b"\n\nCREATE TABLE pwned ENGINE = Log AS SELECT 1;"
    data = row_binary([1]) + struct.pack("<Q", 2) + bytes([len(text)]) + text
    server.query(f"INSERT INTO {table} FORMAT RowBinary", data)
    server.request("POST", "/", None, f"INSERT INTO {table} FORMAT RowBinary\n".encode() + data)
    assert server.value(f"SELECT count() FROM {table} WHERE b LIKE '%pwned%'") == "2"
    assert server.value("EXISTS TABLE pwned") == "0"


def test_missing_columns_take_their_default(server, table):
    server.query(f"INSERT INTO {table} FORMAT JSONEachRow", b'{"a":1}')
    server.query(f"INSERT INTO {table} (a) FORMAT RowBinary", struct.pack("<Q", 2))
    assert server.query(f"SELECT a, b FROM {table} ORDER BY a") == "1\tx\n2\tx\n"


def test_deduplication_token(server):
    server.query("CREATE TABLE dedup (a UInt64) ENGINE = MergeTree ORDER BY a "
                 "SETTINGS non_replicated_deduplication_window = 100")
    for token, value in (("x", 1), ("x", 2), ("y", 3)):
        settings = {"insert_deduplication_token": token, "async_insert": 0}
        server.query("INSERT INTO dedup FORMAT RowBinary", struct.pack("<Q", value), settings)
    assert server.query("SELECT a FROM dedup ORDER BY a") == "1\n3\n"
    server.query("DROP TABLE dedup")


def test_client_that_goes_away_cancels_its_insert(server, table):
    query = f"INSERT INTO {table} FORMAT RowBinary".replace(" ", "%20").replace("`", "%60")
    data = row_binary(range(1000))
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as sock:
        sock.sendall(f"POST /?query={query} HTTP/1.1\r\nHost: x\r\n"
                     f"Content-Length: {len(data) + 1}\r\n\r\n".encode() + data)
    net.wait_until(lambda: server.value("SELECT count() FROM system.processes WHERE query_kind = 'Insert'") == "0",
                   20, "the insert to end")
    assert server.value(f"SELECT count() FROM {table}") == "0"


def test_parallel_inserts(server, table):
    def insert(worker):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        for n in range(10):
            start = (worker * 10 + n) * 100
            query = f"INSERT INTO {table} FORMAT Native".replace(" ", "%20").replace("`", "%60")
            connection.request("POST", f"/?query={query}", native(range(start, start + 100)))
            response = connection.getresponse()
            assert response.status == 200, response.read()
            response.read()
        connection.close()

    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        list(pool.map(insert, range(24)))
    assert server.value(f"SELECT count(), uniqExact(a), min(a), max(a) FROM {table}") == "24000\t24000\t0\t23999"


def test_large_body_streams_in_bounded_memory(server):
    """300 MB of rows that are dropped on arrival: only what is on the way may take memory."""
    server.query("CREATE TABLE hole (a UInt64, b String) ENGINE = Null")
    piece = native(range(100000))
    count = 300 * MEGABYTE // len(piece) + 1
    before = server.process.rss_bytes()
    written = server.ask("INSERT INTO hole FORMAT Native", (piece for _ in range(count))).summary
    assert written["written_rows"] == count * 100000
    assert server.process.rss_bytes(peak=True) - before < 400 * MEGABYTE
    server.query("DROP TABLE hole")


# Life and death


def test_acknowledged_rows_survive_kill9():
    with DevClickHouse() as own:
        own.query("CREATE TABLE t (a UInt64, b String) ENGINE = MergeTree ORDER BY a")
        acknowledged = []
        ended = threading.Event()

        def insert():
            try:
                for start in range(0, 10**9, 1000):
                    own.query("INSERT INTO t FORMAT Native", native(range(start, start + 1000)))
                    acknowledged.append(start)
            except (OSError, http.client.HTTPException):
                ended.set()

        writer = threading.Thread(target=insert)
        writer.start()
        net.wait_until(lambda: len(acknowledged) >= 50, 60, "50 inserts")
        own.kill9()
        writer.join(60)
        assert ended.is_set()
        began = time.monotonic()
        own.restart()
        assert time.monotonic() - began < 30
        count, distinct, top = map(int, own.value("SELECT count(), uniqExact(a), max(a) FROM t").split())
        assert count == distinct == top + 1
        assert count in (len(acknowledged) * 1000, (len(acknowledged) + 1) * 1000)


def test_users():
    with DevClickHouse(user="penstock", password="s3cret:word") as own:
        assert own.query("SELECT 1") == "1\n"
        assert own.request("GET", "/ping", auth=False).status == 200
        basic = base64.b64encode(b"penstock:s3cret:word").decode()
        good = [
            {"headers": {"Authorization": "Basic " + basic}},
            {"params": {"user": "penstock", "password": "s3cret:word"}},
        ]
        bad = [
            {},
            {"headers": {"Authorization": "Basic " + base64.b64encode(b"penstock:x").decode()}},
            {"params": {"user": "penstock", "password": "wrong"}},
            {"headers": {"X-ClickHouse-User": "default", "X-ClickHouse-Key": ""}},
        ]
        for options in good:
            assert own.request("POST", "/", body=b"SELECT 1", auth=False, **options).body == b"1\n"
        for options in bad:
            answer = own.request("POST", "/", body=b"SELECT 1", auth=False, **options)
            assert (answer.status, answer.code) == (403, 516)
        with open(f"/proc/{own.pid}/cmdline", "rb") as cmdline:
            assert b"s3cret" not in cmdline.read()


def test_grants_of_a_config_file(tmp_path):
    (tmp_path / "users.xml").write_text(
        "<clickhouse><profiles><default/></profiles><quotas><default/></quotas><users><default>"
        "<password></password><networks><ip>::/0</ip></networks><profile>default</profile>"
        "<quota>default</quota><grants><query>GRANT SELECT, CREATE, INSERT ON default.*</query>"
        "<query>GRANT TABLE ENGINE ON *</query></grants></default></users></clickhouse>", encoding="utf-8")
    (tmp_path / "config.xml").write_text(
        f"<clickhouse><users_config>{tmp_path}/users.xml</users_config></clickhouse>", encoding="utf-8")
    with DevClickHouse(config_file=tmp_path / "config.xml") as own:
        own.query("CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a")
        own.query("INSERT INTO t FORMAT TSV", b"1\n")
        refused = fails(own, 497, "DROP TABLE t")
        assert refused.status == 403


def test_second_server_on_the_same_data_is_refused(server, tmp_path):
    argv = list(server.process.argv)
    argv[argv.index("--listen") + 1] = "127.0.0.1:0"
    argv[argv.index("--port-file") + 1] = str(tmp_path / "port")
    second = subprocess.run(argv, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert second.returncode == 1
    assert "is another server running on it?" in second.stderr
    assert server.query("SELECT 1") == "1\n"


@pytest.mark.parametrize("arguments, code, words", [
    (["--data", "DATA", "--library", "/nosuch.so"], 3, "cannot load /nosuch.so"),
    (["--data", "DATA"], 2, "Usage:"),
    (["--nosuch"], 2, "unrecognized option"),
    (["--data", "DATA", "--library", "LIBRARY", "--listen", "0.0.0.0:0"], 1, "no loopback address"),
    (["--data", "DATA", "--library", "LIBRARY", "--listen", "nonsense"], 1, "127.0.0.1:PORT"),
])
def test_usage(server, tmp_path, arguments, code, words):
    library = server.process.argv[server.process.argv.index("--library") + 1]
    names = {"DATA": str(tmp_path / "data"), "LIBRARY": library}
    argv = [paths.program("penstock-dev-clickhouse")] + [names.get(word, word) for word in arguments]
    done = subprocess.run(argv, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == code
    assert words in done.stderr


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_ends_cleanly_while_connections_are_open(signum):
    own = DevClickHouse().start()
    own.query("CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a")
    own.query("INSERT INTO t FORMAT TSV", b"1\n")
    with socket.create_connection(("127.0.0.1", own.port)):
        own.process.signal(signum)
        assert own.process.wait(20) == 0
    own.restart()
    assert own.value("SELECT count() FROM t") == "1"
    assert own.stop() == 0


def test_ends_with_its_parent(server, tmp_path):
    """The parent is a shell that is killed: nobody is left to end the server."""
    argv = list(server.process.argv)
    argv[argv.index("--data") + 1] = str(tmp_path / "data")
    argv[argv.index("--listen") + 1] = "127.0.0.1:0"
    argv[argv.index("--port-file") + 1] = str(tmp_path / "port")
    argv.append("--die-with-parent")
    script = '"$@" & echo $! >"$0"; wait'
    shell = proc.Process("shell", ["sh", "-c", script, tmp_path / "pid", *argv], tmp_path / "log").start()
    shell.wait_for_file(tmp_path / "port")
    child = proc.identity(int((tmp_path / "pid").read_text(encoding="ascii")))
    shell.kill9()
    assert proc.wait_gone(child, 20)
