"""The commands of penstock-api against a real PostgreSQL: output, exit codes, settings."""
import base64
import json
import os
import subprocess

import pytest

from tests.harness import paths
from tests.harness.postgres import PrivatePostgres

RUN_S = 60


class Commands:
    """penstock-api with a database of its own."""

    def __init__(self, url, folder):
        self.key_file = os.path.join(folder, "keys")
        with open(self.key_file, "w", encoding="ascii") as file:
            file.write(base64.b64encode(b"\x01" * 32).decode() + "\n")
        self.url = url
        self.env = {"PENSTOCK_DATABASE_URL": url, "PENSTOCK_SECRET_KEY_FILE": self.key_file}

    def start(self, *arguments, **env):
        known = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
        known.update(self.env, **env)
        return subprocess.Popen(
            [paths.program("penstock-api"), *arguments], env=known, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *arguments, **env):
        with self.start(*arguments, **env) as process:
            out, problems = process.communicate(timeout=RUN_S)
        return process.returncode, out, problems

    def ok(self, *arguments, **env):
        code, out, problems = self.run(*arguments, **env)
        assert code == 0, problems
        return out


@pytest.fixture(scope="module")
def database():
    with PrivatePostgres() as running:
        yield running


@pytest.fixture
def commands(database, tmp_path, request):
    return Commands(database.create_database(request.node.name[:60]), str(tmp_path))


def test_migrate_applies_once(commands):
    first = json.loads(commands.ok("migrate"))
    assert first["applied"] >= 1
    assert json.loads(commands.ok("migrate")) == {"applied": 0}


def test_bootstrap_is_idempotent(commands):
    first = commands.ok("bootstrap", "--organization", "acme")
    assert first.count("\n") == 1
    made = json.loads(first)
    assert set(made) == {"organizationId", "keyId", "keySecret"}
    assert made["keySecret"]
    again = json.loads(commands.ok("bootstrap"))
    assert again == {**made, "keySecret": None}
    fresh = json.loads(commands.ok("bootstrap", "--new-key"))
    assert fresh["organizationId"] == made["organizationId"]
    assert fresh["keyId"] != made["keyId"]
    assert fresh["keySecret"]


def test_bootstraps_at_once_make_one_key(commands):
    started = [commands.start("bootstrap") for _ in range(3)]
    made = [json.loads(process.communicate(timeout=RUN_S)[0]) for process in started]
    assert [process.returncode for process in started] == [0, 0, 0]
    assert len({one["keyId"] for one in made}) == 1
    assert sum(one["keySecret"] is not None for one in made) == 1


def test_keys_are_created_listed_revoked(commands):
    admin = json.loads(commands.ok("bootstrap"))
    reader = json.loads(commands.ok("key", "create", "--role", "reader", "--name", "grafana"))
    assert set(reader) == {"organizationId", "keyId", "keySecret"}
    listed = [json.loads(line) for line in commands.ok("key", "list").splitlines()]
    assert [(key["keyId"], key["role"], key["revoked"]) for key in listed] == [
        (admin["keyId"], "admin", False), (reader["keyId"], "reader", False)]
    assert reader["keySecret"] not in commands.ok("key", "list")
    commands.ok("key", "revoke", admin["keyId"])
    revoked = [json.loads(line)["revoked"] for line in commands.ok("key", "list").splitlines()]
    assert revoked == [True, False]
    # A revoked admin key is no admin key: bootstrap makes another.
    assert json.loads(commands.ok("bootstrap"))["keySecret"]
    code, _, problems = commands.run("key", "revoke", "nobody")
    assert code == 1
    assert "no API key nobody" in problems


def test_rotate_tells_what_it_did(commands):
    commands.ok("migrate")
    assert json.loads(commands.ok("secrets", "rotate")) == {"stored": 0, "rotated": 0}


@pytest.mark.parametrize("arguments, env, code, words", [
    (["nonsense"], {}, 2, "unknown command 'nonsense'"),
    (["key"], {}, 2, "'key' needs a second word"),
    (["key", "create", "--role", "admin"], {}, 2, "needs --role and --name"),
    (["key", "create", "--role", "god", "--name", "x"], {}, 2, "neither admin nor reader"),
    (["migrate", "--config"], {}, 2, "--config needs a value"),
    (["migrate", "--config", "/nonexistent"], {}, 2, "/nonexistent"),
    (["migrate"], {"PENSTOCK_DATABASE_URL": ""}, 2, "PENSTOCK_DATABASE_URL is not set"),
    (["migrate"], {"PENSTOCK_DATABASE_URL": "postgresql://%zz"}, 2, "no libpq connection string"),
    (["migrate"], {"PENSTOCK_DATABASE_URL": "postgresql://127.0.0.1:1/x"}, 3, "cannot connect"),
    (["serve"], {"PENSTOCK_MAX_BODY_BYTES": "12"}, 2, "'12' is not a whole number from 1024"),
    (["serve"], {"PENSTOCK_SECRET_KEY_FILE": ""}, 2, "PENSTOCK_SECRET_KEY_FILE is not set"),
    (["--check-config"], {"PENSTOCK_SECRET_KEY_FILE": "/nonexistent"}, 2, "/nonexistent"),
    (["--check-config"], {"PENSTOCK_DATABASE_URL": "nonsense"}, 2, "no libpq connection string"),
    (["--check-config"], {"PENSTOCK_LISTEN": "8088"}, 2, "not host:port"),
    (["--check-config"], {"PENSTOCK_LISTEN": "0.0.0.0:8088"}, 2, "PENSTOCK_ALLOW_PLAIN_HTTP=1"),
    (["--check-config"], {"PENSTOCK_LISTEN": "0.0.0.0:8088", "PENSTOCK_ALLOW_PLAIN_HTTP": "1"}, 0, ""),
    (["--check-config"], {"PENSTOCK_TLS_CERT_FILE": "/nonexistent"}, 2, "go together"),
    (["--check-config"], {"PENSTOCK_TLS_CERT_FILE": "/nonexistent",
                          "PENSTOCK_TLS_KEY_FILE": "/nonexistent"}, 2, "cannot open /nonexistent"),
    (["--check-config"], {"PENSTOCK_SECRET_KEY_FILE": "", "PENSTOCK_SECRET_KEY": "c2hvcnQ="}, 2,
     "key 1 is not base64 of 32 bytes"),
])
def test_what_is_wrong_is_said(commands, arguments, env, code, words):
    got, out, problems = commands.run(*arguments, **env)
    assert got == code
    assert words in problems
    assert out == ""


def test_a_newer_database_is_refused(commands, database):
    commands.ok("migrate")
    database.query("INSERT INTO schema_migration (number, name, checksum) VALUES (999, '0999_x.sql', '')",
                   commands.url.rpartition("/")[2])
    code, _, problems = commands.run("serve")
    assert code == 1
    assert "newer than this program" in problems


def test_settings_are_printed_without_secrets(commands, tmp_path):
    settings = tmp_path / "settings"
    settings.write_text("# a comment\nPENSTOCK_LISTEN='[::1]:0'\nPENSTOCK_LOG_LEVEL=debug\n")
    out = commands.ok("--print-config", "--config", str(settings), PENSTOCK_LOG_LEVEL="warn")
    assert "PENSTOCK_LISTEN=[::1]:0  # file\n" in out
    assert "PENSTOCK_LOG_LEVEL=warn  # environment\n" in out
    assert "PENSTOCK_MAX_BODY_BYTES=4194304  # default\n" in out
    assert "PENSTOCK_DATABASE_URL=********  # environment\n" in out
    assert commands.url not in out
    commands.ok("--check-config", "--config", str(settings))


def test_help_and_version_need_no_settings(commands):
    for arguments in (["--help"], ["--version"], ["--print-config-markdown"], ["--print-routes"]):
        assert commands.ok(*arguments, PENSTOCK_DATABASE_URL="", PENSTOCK_SECRET_KEY_FILE="")
    assert "| `PENSTOCK_LISTEN` | `127.0.0.1:8088` | api |" in commands.ok("--print-config-markdown")


def test_an_unknown_setting_in_the_environment_is_told(commands):
    code, _, problems = commands.run("migrate", PENSTOCK_LISTN="x", PENSTOCK_URL="for clients")
    assert code == 0
    assert "PENSTOCK_LISTN is no setting" in problems
    assert "PENSTOCK_URL" not in problems
