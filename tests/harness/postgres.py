"""A private PostgreSQL cluster for tests and the demo: made, started, killed, restarted, removed.

    with PrivatePostgres() as database:
        run(env={"PENSTOCK_DATABASE_URL": database.url})
        assert database.query("SELECT count(*) FROM pipe") == "0"

It listens on one loopback port (which stays the same over restarts) and on a Unix socket in its own
folder, knows one superuser `penstock` with a random password, and an empty database `penstock`.
PostgreSQL refuses to run as root, so root runs it as `postgres` or `nobody`. A folder that is given
is kept by `stop` and used again by the next `start`; that user must be able to reach it.
"""
import glob
import os
import pwd
import secrets
import shutil
import signal
import subprocess

from . import net, paths, proc

USER = "penstock"
DATABASE = "penstock"
INITDB_S = 120
QUERY_S = 60
CHILDREN_GONE_S = 20
# Unix socket paths may have 107 bytes; the name PostgreSQL adds takes about 20.
SOCKET_FOLDER_MAX = 80


class PostgresError(RuntimeError):
    """The cluster could not be made, or a query failed."""


def bin_folder():
    """The folder of initdb and postgres: PENSTOCK_POSTGRES_BIN, Debian's newest, or that of PATH."""
    given = os.environ.get("PENSTOCK_POSTGRES_BIN")
    if given:
        return given
    found = glob.glob("/usr/lib/postgresql/*/bin/initdb")
    if found:
        newest = max(found, key=lambda path: int(path.split("/")[4]) if path.split("/")[4].isdigit() else 0)
        return os.path.dirname(newest)
    initdb = shutil.which("initdb")
    if initdb is None:
        raise PostgresError("no PostgreSQL server programs found: apt-get install postgresql")
    return os.path.dirname(os.path.realpath(initdb))


def _unprivileged():
    """(uid, gid) to run as, None if we are not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise PostgresError("running as root and neither a user postgres nor nobody exists")


class PrivatePostgres:
    """One cluster. Start it from the main thread (see proc.Process)."""

    def __init__(self, folder=None, port=None, is_durable=False):
        """is_durable: wait for the disk (the demo); tests do not survive a power cut and need not."""
        self._is_own_folder = folder is None
        self.folder = os.path.abspath(folder) if folder else None
        self.port = port
        self.is_durable = is_durable
        self.password = None
        self.process = None
        self._user = _unprivileged()
        self._bin = bin_folder()

    @property
    def url(self):
        """What PENSTOCK_DATABASE_URL takes."""
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def pid(self):
        return self.process.pid

    @property
    def log(self):
        return os.path.join(self.folder, "log")

    def start(self, timeout_s=60):
        """Make the cluster if there is none, start it, wait until it answers."""
        self._prepare_folder()
        if self.port is None:
            self.port = net.free_port()
        if not os.path.exists(os.path.join(self._data, "PG_VERSION")):
            self._make_cluster()
        with open(self._password_file, encoding="utf-8") as file:
            self.password = file.read().strip()
        options = {
            "listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": self._sockets,
            "max_connections": 100, "shared_buffers": "32MB", "logging_collector": "off",
            "max_wal_size": "256MB", "log_min_messages": "warning",
            # In the data folder, so that a killed server leaves nothing in /dev/shm.
            "dynamic_shared_memory_type": "mmap",
        }
        if not self.is_durable:
            # Commits still reach the kernel at once, so kill9 loses none.
            options.update(fsync="off", full_page_writes="off")
        argv = [os.path.join(self._bin, "postgres"), "-D", self._data]
        for name, value in options.items():
            argv += ["-c", f"{name}={value}"]
        # SIGINT is PostgreSQL's fast shutdown: sessions are ended, nothing is lost.
        self.process = proc.Process(
            "PostgreSQL", argv, self.log, user=self._user, cwd=self.folder, env={"LC_ALL": "C.UTF-8"},
            stop_signal=signal.SIGINT)
        self.process.start()
        self.process.wait_ready(self._is_ready, timeout_s)
        self._make_database()
        return self

    def stop(self):
        """End it; its own folder goes too. Returns the exit code."""
        code = self.process.stop() if self.process is not None else None
        if self._is_own_folder and self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None
        return code

    def kill9(self):
        """SIGKILL to the server and all its sessions, as a machine crash would; wait until they are gone."""
        if self.process is None or not self.process.is_alive():
            return
        family = [proc.identity(pid) for pid in self._session_pids()]
        self.process.kill9()
        for who in family:
            proc.kill_identity(who)
        for who in family:
            if not proc.wait_gone(who, CHILDREN_GONE_S):
                raise PostgresError(f"process {who['pid']} of the killed server does not end")

    def restart(self):
        """Bring it back on the same data and port, after kill9 or while it runs."""
        if self.process is not None and self.process.is_alive():
            self.process.stop()
        return self.start()

    def query(self, sql, database=DATABASE):
        """Run SQL with psql and return its unaligned text; PostgresError if it fails."""
        argv = [
            os.path.join(self._bin, "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
            "-h", self._sockets, "-p", str(self.port), "-U", USER, "-d", database, "-c", sql]
        done = subprocess.run(
            argv, check=False, timeout=QUERY_S, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=dict(os.environ, PGPASSWORD=self.password))
        if done.returncode != 0:
            raise PostgresError(done.stderr.decode("utf-8", "replace").strip())
        return done.stdout.decode().rstrip("\n")

    def create_database(self, name):
        """One more empty database; returns its URL."""
        self.query(f'CREATE DATABASE "{name}"')
        return self.url.rpartition("/")[0] + "/" + name

    @property
    def _data(self):
        return os.path.join(self.folder, "data")

    @property
    def _sockets(self):
        short = len(self.folder) <= SOCKET_FOLDER_MAX
        return self.folder if short else "/tmp"

    @property
    def _password_file(self):
        return os.path.join(self.folder, "password")

    def _prepare_folder(self):
        if self.folder is None:
            self.folder = paths.scratch("penstock-postgres-")
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        if self._user is not None:
            os.chown(self.folder, *self._user)

    def _make_cluster(self):
        with open(os.open(self._password_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w",
                  encoding="utf-8") as file:
            file.write(secrets.token_hex(16))
        if self._user is not None:
            os.chown(self._password_file, *self._user)
        # Made beside and renamed: a half-made cluster of a killed initdb must not be taken for a whole one.
        growing = self._data + ".new"
        shutil.rmtree(growing, ignore_errors=True)
        argv = [
            os.path.join(self._bin, "initdb"), "-D", growing, "-U", USER, "--pwfile", self._password_file,
            "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"]
        if not self.is_durable:
            argv.append("--no-sync")
        extra = {}
        if self._user is not None:
            extra = {"user": self._user[0], "group": self._user[1], "extra_groups": []}
        try:
            done = subprocess.run(
                argv, check=False, timeout=INITDB_S, cwd="/", stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **extra)
        except OSError as problem:
            raise PostgresError(f"initdb: {problem}") from None
        if done.returncode != 0:
            text = done.stdout.decode("utf-8", "replace").strip()
            shutil.rmtree(growing, ignore_errors=True)
            raise PostgresError(f"initdb in {growing} failed (can its user reach the folder?):\n{text}")
        os.rename(growing, self._data)

    def _is_ready(self):
        try:
            return self.query("SELECT 1", database="postgres") == "1"
        except PostgresError:
            return False

    def _make_database(self):
        known = self.query(f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'", database="postgres")
        if not known:
            self.query(f"CREATE DATABASE {DATABASE}", database="postgres")

    def _session_pids(self):
        found = []
        for path in glob.glob(f"/proc/{self.pid}/task/*/children"):
            try:
                with open(path, encoding="ascii") as file:
                    found += [int(word) for word in file.read().split()]
            except OSError:
                continue
        return found

    def __enter__(self):
        return self.start()

    def __exit__(self, *unused):
        self.stop()
