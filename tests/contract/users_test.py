"""A pipe's own ClickHouse user. The development engine has no access control, so a scripted server stands before it:
it answers and records the statements about users and hands everything else through. The real engine's parser then
reads what was recorded (formatQuery), and the engine itself shows what a server without user management answers."""
import http.client
import http.server
import re
import signal
import threading

import pytest

from tests.harness.net import free_port, wait_until
from tests.harness.penstock import Penstock

from .conftest import body_for

ABOUT_USERS = re.compile(r"^(CREATE USER|GRANT|DROP USER)")


class Scripted:
    """refuse: a pattern of statements that get a ClickHouse exception. before: called with each statement about users
    before it is answered."""

    def __init__(self, upstream):
        self.port, self.statements, self.refuse, self.before = free_port(), [], None, None
        scripted = self

        class Handler(http.server.BaseHTTPRequestHandler):
            """One statement."""
            protocol_version = "HTTP/1.1"

            def answer(self, status, body, headers=()):
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                text = body.decode("utf-8", "replace")
                if ABOUT_USERS.match(text):
                    scripted.statements.append(text)
                    if scripted.before:
                        scripted.before(text)
                    if scripted.refuse and re.search(scripted.refuse, text):
                        self.answer(403, b"Code: 497. DB::Exception: Not enough privileges. (ACCESS_DENIED)",
                                    [("X-ClickHouse-Exception-Code", "497")])
                    else:
                        self.answer(200, b"")
                    return
                connection = http.client.HTTPConnection("127.0.0.1", upstream, timeout=30)
                connection.request("POST", self.path, body=body, headers=dict(self.headers))
                reply = connection.getresponse()
                self.answer(reply.status, reply.read(), [
                    pair for pair in reply.getheaders() if pair[0].startswith("X-ClickHouse")])
                connection.close()

            def log_message(self, *unused):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def scripted(clickhouse):
    server = Scripted(clickhouse.port)
    yield server
    server.close()


@pytest.fixture
def service(penstock, scripted):
    """Path of a service that wants users, through the scripted server."""
    made = penstock.result("POST", f"{penstock.organization_path}/services", {
        "name": "users", "provisionUsers": True, "endpoint": {"url": f"http://127.0.0.1:{scripted.port}"}})
    assert made["provisionUsers"] is True
    return f"{penstock.organization_path}/services/{made['id']}"


def test_user_is_made_granted_and_dropped(penstock, database, clickhouse, scripted, service, table):
    odd = "r1'; DROP TABLE x; --`\\"
    body = body_for(table, destination={"roles": ["Full access", "Only destination table", odd]})
    pipe = penstock.result("POST", f"{service}/clickpipes", body)
    user = f"`clickpipe:{service.rpartition('/')[2]}:{pipe['id']}`"
    create, *grants = scripted.statements
    password = re.fullmatch(f"CREATE USER {re.escape(user)} IDENTIFIED WITH sha256_password BY '([0-9a-f-]{{72}})'", create)
    assert password, create
    quoted = odd.replace("\\", "\\\\").replace("`", "\\`")
    assert grants == [f"GRANT INSERT ON `default`.`{table}` TO {user}",
                      f"GRANT INSERT ON `default`.`{table}_clickpipes_error` TO {user}", f"GRANT ALL ON *.* TO {user}",
                      f"GRANT INSERT ON `default`.`{table}` TO {user}", f"GRANT `{quoted}` TO {user}"]
    assert penstock.request("DELETE", f"{service}/clickpipes/{pipe['id']}").status == 200
    assert scripted.statements[-1] == f"DROP USER IF EXISTS {user}"
    for statement in scripted.statements:  # the real parser understands each, as one statement
        literal = statement.replace("\\", "\\\\").replace("'", "\\'")
        assert clickhouse.value(f"SELECT formatQuerySingleLine('{literal}') != ''") == "1", statement
    secret = password[1]
    assert secret not in penstock.log() and secret not in str(pipe)
    assert secret not in database.query("SELECT string_agg(a::text, '') FROM audit_entry a")


def test_each_pipe_has_another_password_and_keeps_it(penstock, database, scripted, service, table):
    pipes = [penstock.result("POST", f"{service}/clickpipes", body_for(f"{table}_{number}"))["id"] for number in range(2)]
    passwords = {statement.split("'")[1] for statement in scripted.statements if statement.startswith("CREATE USER")}
    assert len(passwords) == 2
    secret = lambda: database.query(f"SELECT md5(secrets) FROM pipe WHERE id = '{pipes[0]}'")
    before, count = secret(), len(scripted.statements)
    assert penstock.request("PATCH", f"{service}/clickpipes/{pipes[0]}", {"name": "x"}).status == 200
    assert secret() == before and len(scripted.statements) == count


@pytest.mark.parametrize("refuse", ["^CREATE USER", "_clickpipes_error", "GRANT `r1`"])
def test_a_server_that_refuses(penstock, clickhouse, scripted, service, table, refuse):
    scripted.refuse = refuse
    reply = penstock.request("POST", f"{service}/clickpipes", body_for(table, destination={"roles": ["r1"]}))
    assert reply.status == 400 and "ACCESS_DENIED" in reply.error and "provisionUsers" in reply.error, reply.text
    assert scripted.statements[-1].startswith("DROP USER IF EXISTS `clickpipe:")
    assert penstock.result("GET", f"{service}/clickpipes") == []
    assert clickhouse.value(f"EXISTS TABLE {table}") == "0"
    scripted.refuse = None
    assert penstock.request("POST", f"{service}/clickpipes", body_for(table)).status == 200


def test_the_real_engine_without_user_management(penstock, clickhouse, table):
    made = penstock.result("POST", f"{penstock.organization_path}/services", {
        "name": "real", "provisionUsers": True, "endpoint": {"url": clickhouse.url}})
    path = f"{penstock.organization_path}/services/{made['id']}/clickpipes"
    reply = penstock.request("POST", path, body_for(table))
    assert reply.status == 400 and "provisionUsers" in reply.error and "497" in reply.error, reply.text
    assert penstock.result("GET", path) == [] and clickhouse.value(f"EXISTS TABLE {table}") == "0"


def test_without_the_wish_no_user(penstock, scripted, table):
    made = penstock.result("POST", f"{penstock.organization_path}/services", {
        "name": "none", "endpoint": {"url": f"http://127.0.0.1:{scripted.port}"}})
    path = f"{penstock.organization_path}/services/{made['id']}/clickpipes"
    pipe = penstock.result("POST", path, body_for(table, destination={"roles": ["r1"]}))
    assert penstock.request("DELETE", f"{path}/{pipe['id']}").status == 200
    assert scripted.statements == []


def left(database, pipe):
    return database.query(f"SELECT 1 FROM leftover WHERE pipe_id = '{pipe}'")


def due(database, pipe):
    """As if ten minutes had gone by."""
    database.query(f"UPDATE leftover SET retry_at = now() WHERE pipe_id = '{pipe}'")


def test_delete_does_not_wait_for_clickhouse(penstock, database, clickhouse, scripted, service, table):
    pipe = penstock.result("POST", f"{service}/clickpipes", body_for(table))["id"]
    scripted.refuse = "^DROP USER"
    assert penstock.request("DELETE", f"{service}/clickpipes/{pipe}").status == 200
    assert "clickhouse_leftover" in penstock.log() and pipe in penstock.log()
    # what could not be dropped is remembered, and tried again when its time has come
    scripted.refuse = None
    count = len(scripted.statements)
    due(database, pipe)
    wait_until(lambda: not left(database, pipe), 30, "the leftover to go")
    assert scripted.statements[count:] == [f"DROP USER IF EXISTS `clickpipe:{service.rpartition('/')[2]}:{pipe}`"]
    assert clickhouse.value(f"EXISTS TABLE {table}") == "1"  # a pipe that was deleted leaves its tables


@pytest.fixture(scope="module")
def mortal(database, clickhouse):
    """An api that may be killed."""
    with Penstock(database.url) as programs:
        programs.create_service(clickhouse.url)
        yield programs


@pytest.mark.parametrize("step", ["CREATE USER", "_clickpipes_error"])
def test_what_a_killed_create_left_is_taken_back(mortal, database, clickhouse, scripted, table, step):
    """The api is killed when the user is being made, or when it is made and gets its grants. Who comes next finds the
    announcement; before its time nothing is touched (the create might still be alive)."""
    made = mortal.result("POST", f"{mortal.organization_path}/services", {
        "name": "mortal", "provisionUsers": True, "endpoint": {"url": f"http://127.0.0.1:{scripted.port}"}})["id"]
    scripted.before = lambda text: mortal.api.signal(signal.SIGKILL) if step in text else None
    with pytest.raises((OSError, http.client.HTTPException)):
        mortal.request("POST", f"{mortal.organization_path}/services/{made}/clickpipes", body_for(table))
    scripted.before = None
    mortal.api.wait(20)
    pipe = re.search(f"clickpipe:{made}:([0-9a-f-]{{36}})", scripted.statements[0])[1]
    both = (table, f"{table}_clickpipes_error")
    assert left(database, pipe) and [clickhouse.value(f"EXISTS TABLE {name}") for name in both] == ["1", "1"]
    count = len(scripted.statements)
    due(database, pipe)
    mortal.start_api()
    wait_until(lambda: not left(database, pipe), 30, "the leftover to go")
    assert scripted.statements[count:] == [f"DROP USER IF EXISTS `clickpipe:{made}:{pipe}`"]
    assert [clickhouse.value(f"EXISTS TABLE {name}") for name in both] == ["0", "0"]
    assert mortal.result("GET", f"{mortal.organization_path}/services/{made}/clickpipes") == []


def test_postgresql_lost_the_create(penstock, database, clickhouse, scripted, service, table):
    """The announcement was taken away while the user was made: no pipe, and nothing of it stays."""
    scripted.before = lambda text: database.query("DELETE FROM leftover") if "CREATE USER" in text else None
    reply = penstock.request("POST", f"{service}/clickpipes", body_for(table))
    assert reply.status == 503, reply.text
    assert scripted.statements[-1].startswith("DROP USER IF EXISTS")
    assert clickhouse.value(f"EXISTS TABLE {table}") == "0" and penstock.result("GET", f"{service}/clickpipes") == []


def test_a_failed_create_takes_no_table_that_is_not_its_own(penstock, database, clickhouse, scripted, service, table):
    """While the create makes its user somebody drops its table and makes one of the same name, empty too."""
    def another(text):
        if "CREATE USER" in text:
            clickhouse.query(f"DROP TABLE {table}")
            clickhouse.query(f"CREATE TABLE {table} (id UInt64) ENGINE = MergeTree ORDER BY id")

    scripted.before, scripted.refuse = another, "^CREATE USER"
    assert penstock.request("POST", f"{service}/clickpipes", body_for(table)).status == 400
    assert clickhouse.value(f"EXISTS TABLE {table}") == "1"  # not ours
    assert clickhouse.value(f"EXISTS TABLE {table}_clickpipes_error") == "0"  # ours


def test_a_failed_create_leaves_what_another_create_uses(penstock, database, clickhouse, scripted, service, table):
    """A second create begins while the first makes its user, finds the empty tables of the first, and succeeds; then the
    first fails."""
    begun = []

    def second(text):
        if "CREATE USER" in text and not begun:
            begun.append(penstock.request("POST", penstock.pipes_path, body_for(table, name="second")))

    scripted.before, scripted.refuse = second, "^CREATE USER"
    assert penstock.request("POST", f"{service}/clickpipes", body_for(table)).status == 400
    assert begun[0].status == 200, begun[0].text
    for name in (table, f"{table}_clickpipes_error"):
        assert clickhouse.value(f"EXISTS TABLE {name}") == "1"


def test_a_failed_create_waits_for_one_that_has_not_ended(penstock, database, clickhouse, scripted, service, table):
    """The other create is announced and not ended: our tables stay, and go once it has failed."""
    other = "00000000-0000-4000-8000-00000000000d"

    def announce(text):
        if "CREATE USER" in text:
            database.query("INSERT INTO leftover (pipe_id, service_id, database_name, table_name, has_user, is_open, retry_at) "
                           f"VALUES ('{other}', '{service.rpartition('/')[2]}', 'default', '{table}', false, true, "
                           "now() + interval '1 hour')")

    scripted.before, scripted.refuse = announce, "^CREATE USER"
    assert penstock.request("POST", f"{service}/clickpipes", body_for(table)).status == 400
    pipe = re.search(":([0-9a-f-]{36})`", scripted.statements[0])[1]
    assert clickhouse.value(f"EXISTS TABLE {table}") == "1" and left(database, pipe)
    database.query(f"DELETE FROM leftover WHERE pipe_id = '{other}'")
    due(database, pipe)
    wait_until(lambda: not left(database, pipe), 30, "the leftover to go")
    assert clickhouse.value(f"EXISTS TABLE {table}") == "0"
