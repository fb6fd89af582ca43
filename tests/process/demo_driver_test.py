"""The demo's driver by itself: what it reads, what it leaves, and whom it ends."""
import os
import signal
import subprocess

import pytest

from demo.driver import console, progress, settings, stack
from tests.harness import net, paths, proc


@pytest.fixture
def choices(tmp_path, monkeypatch):
    """Settings() in a folder of its own with these variables."""
    for name in list(os.environ):
        if name.startswith("DEMO_") or name.startswith("CLICKHOUSE_"):
            monkeypatch.delenv(name)
    for name in ("KAFKA_BROKERS", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DEMO_FOLDER", str(tmp_path / "demo"))
    tmpfs_folder = settings.Settings().tmpfs_folder

    def choose(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return settings.Settings()

    yield choose
    subprocess.run(["rm", "-rf", tmpfs_folder], check=True)


def test_defaults(choices):
    chosen = choices()
    assert (chosen.events, chosen.rate, chosen.exits, chosen.kafka) == (200000, 20000, False, "mock")
    assert chosen.partitions == settings.MOCK_PARTITIONS_MIN
    assert (chosen.clickhouse_url, chosen.kafka_brokers, chosen.database_url) == (None, None, None)


@pytest.mark.parametrize("name, value", [
    ("DEMO_EVENTS", "0"), ("DEMO_EVENTS", "many"), ("DEMO_RATE", "-1"), ("DEMO_KAFKA", "rabbit"),
    ("DEMO_MALFORMED_PERCENT", "51"), ("DEMO_MALFORMED_PERCENT", "nan"), ("DEMO_PARTITIONS", "0"),
    ("CLICKHOUSE_URL", "host:8123"), ("CLICKHOUSE_URL", "http://"),
])
def test_a_bad_value_is_refused_by_name(choices, name, value):
    with pytest.raises(console.DemoError, match=name) as refused:
        choices(**{name: value})
    assert refused.value.code == 2


def test_more_events_get_more_partitions_in_the_mock_only(choices):
    assert choices(DEMO_EVENTS="1000000").partitions == 108
    assert choices(DEMO_EVENTS="1000000000").partitions == settings.MOCK_PARTITIONS_MAX
    assert choices(DEMO_KAFKA="apache").partitions == settings.APACHE_PARTITIONS


def test_user_and_password_leave_the_clickhouse_url(choices):
    chosen = choices(CLICKHOUSE_URL="http://me:p%40ss@[::1]:8123/")
    assert chosen.clickhouse_url == "http://[::1]:8123"
    assert (chosen.clickhouse_user, chosen.clickhouse_password) == ("me", "p@ss")


def test_addresses_of_an_earlier_demo_are_not_the_users_own(choices):
    folder = choices().folder
    os.makedirs(folder)
    with open(os.path.join(folder, "env"), "w", encoding="utf-8") as env:
        env.write("KAFKA_BROKERS='127.0.0.1:1'\nDEMO_EMBEDDED='KAFKA_BROKERS'\n")
    assert choices(KAFKA_BROKERS="127.0.0.1:1").kafka_brokers is None
    assert choices(KAFKA_BROKERS="127.0.0.1:2").kafka_brokers == "127.0.0.1:2"


def test_env_file_survives_any_value(choices):
    from demo.driver import main

    chosen = choices()
    os.makedirs(chosen.folder)
    values = {"A": "plain", "B": "it's $HOME `x` \"y\" \\", "C": ""}
    main.write_env(chosen, values)
    assert os.stat(chosen.env_file).st_mode & 0o777 == 0o600
    assert settings.read_env_file(chosen.env_file) == values
    shell = subprocess.run(
        ["/bin/sh", "-c", f'. "{chosen.env_file}"; printf %s "$B"'], stdout=subprocess.PIPE, check=True)
    assert shell.stdout.decode() == values["B"]


def sleeper():
    """A process of its own session that nobody waits for: a child of a shell that has ended."""
    script = "setsid sleep 300 >/dev/null 2>&1 & echo $!"
    done = subprocess.run(["/bin/sh", "-c", script], stdout=subprocess.PIPE, check=True)
    return int(done.stdout)


def test_leftovers_are_ended_and_a_reused_pid_is_not(choices):
    chosen = choices()
    ours, other = sleeper(), sleeper()
    net.wait_until(lambda: os.getsid(ours) == ours, 5, "session")
    try:
        os.makedirs(chosen.folder)
        left = stack.Stack(chosen)
        stack.write_json(left.record_file, [
            dict(proc.identity(ours), name="ours"),
            # The pid of a process that was started at another time than the one written down.
            dict(proc.identity(other), name="other", start=proc.start_time(other) - 1),
            dict(proc.identity(other), name="other boot", boot="another")])
        assert left.end_leftovers() == 1
        assert proc.start_time(ours) is None
        assert proc.start_time(other) is not None
        assert not os.path.exists(left.record_file)
    finally:
        os.kill(other, signal.SIGKILL)


def test_one_demo_at_a_time(choices):
    chosen = choices()
    first = stack.Stack(chosen)
    first.acquire()
    with pytest.raises(console.DemoError, match=f"pid {os.getpid()}"):
        stack.Stack(chosen).acquire()
    first.lock.close()
    again = stack.Stack(chosen)
    again.acquire()
    again.stop()
    again.lock.close()


def test_a_second_demo_of_a_checkout_takes_the_next_folder(choices, tmp_path, monkeypatch):
    from demo.driver import main

    choices()
    monkeypatch.delenv("DEMO_FOLDER")
    monkeypatch.setattr(paths, "ROOT", str(tmp_path))
    running = [main.acquire() for _ in range(3)]
    try:
        assert [os.path.basename(one.settings.folder) for one in running] == [".demo", ".demo-2", ".demo-3"]
        assert len({one.settings.tmpfs_folder for one in running}) == 3
        monkeypatch.setenv("DEMO_FOLDER", str(tmp_path / ".demo"))
        with pytest.raises(console.AlreadyRunning):
            main.acquire()
    finally:
        for one in running:
            one.stop()
            one.lock.close()


def test_a_child_that_ends_is_named_with_its_last_words(choices):
    children = stack.Stack(choices())
    children.acquire()
    child = children.start("talker", ["/bin/sh", "-c", "echo first; echo 'port is taken' >&2; exit 3"])
    child.wait(10)
    with pytest.raises(console.DemoError, match="talker ended with exit code 3: port is taken") as ended:
        children.check()
    assert ended.value.log == chosen_log(children, "talker")
    with pytest.raises(console.DemoError, match="cannot start nothing"):
        children.start("nothing", ["/nonexistent/program"])
    children.stop()
    assert not os.path.exists(children.record_file)
    children.lock.close()


def chosen_log(children, name):
    return children.settings.log(name)


def test_data_never_goes_into_a_folder_somebody_else_prepared(choices):
    chosen = choices()
    os.symlink("/tmp", chosen.tmpfs_folder)
    try:
        os.makedirs(chosen.folder)
        folder = stack.Stack(chosen).data_folder("clickhouse")
        assert folder == os.path.join(chosen.folder, "clickhouse")
        assert stack.is_ours(folder) and not stack.is_ours(chosen.tmpfs_folder)
    finally:
        os.unlink(chosen.tmpfs_folder)


def test_rates_are_of_the_last_seconds():
    watch = progress.Watch(None, None, None, {"table": "t"})

    def look(at_s, rows, fetched_bytes):
        now = {"time": at_s, "rows": rows, "rejected": 0, "fetched_bytes": fetched_bytes}
        return watch._rates(now)

    assert look(0.0, 0, 0) == (None, None)
    assert look(1.0, 100, 5000) == (100, 5000.0)
    assert look(2.0, 100, None) == (50, None)
    assert look(5.0, 1000, 45000)[0] == 300  # since 2.0, the oldest of the last three seconds


def test_help_and_unknown_arguments():
    demo = os.path.join(paths.ROOT, "demo", "demo")
    told = subprocess.run([demo, "--help"], stdout=subprocess.PIPE, check=True)
    assert b"DEMO_EVENTS" in told.stdout and b"CLICKHOUSE_URL" in told.stdout
    assert subprocess.run([demo, "--nosuch"], stderr=subprocess.PIPE, check=False).returncode == 2
