"""What stands behind the front of `registry.SchemaRegistry`: two independent schema registries.

`Apicurio` is a real Apicurio Registry from Maven Central, whose Confluent API is below
/apis/ccompat/v7. `MemoryRegistry` keeps schemas in memory and answers as Confluent's own does where
the two differ: no schemaType for Avro, its numbers of errors. Both take (method, path, body) and give
(status, headers, body); paths are those of the Confluent API, percent-encoding kept.
"""
import fcntl
import http.client
import json
import os
import shutil
import subprocess
import tempfile
import urllib.parse

from . import net, paths, proc

APICURIO_VERSION = "3.0.9"
FETCH_S = 600
READY_S = 120
REQUEST_S = 30
API = "/apis/ccompat/v7"
JSON_TYPE = "application/vnd.schemaregistry.v1+json"


def cache_folder():
    """Where downloads are kept."""
    return os.environ.get("PENSTOCK_CACHE_DIR") or os.path.expanduser("~/.cache/penstock")


def fetch_once(name, make):
    """The folder `name` of the cache; `make(folder)` fills it the first time, one caller at a time."""
    cache = cache_folder()
    folder = os.path.join(cache, name)
    os.makedirs(cache, exist_ok=True)
    with open(folder + ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(folder):
            work = tempfile.mkdtemp(prefix=name + "-fetch-", dir=cache)
            try:
                make(work)
                os.rename(work, folder)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    return folder


def run_checked(argv, what):
    """Run a program of the fetch; RuntimeError with its last words."""
    done = subprocess.run(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        timeout=FETCH_S)
    if done.returncode != 0:
        said = done.stdout.decode("utf-8", "replace").strip()
        raise RuntimeError(f"{what} failed with {proc.describe_exit(done.returncode)}: {said[-600:]}")


def _fetch_apicurio(folder):
    artifact = f"io.apicurio:apicurio-registry-app:{APICURIO_VERSION}:tar.gz:all"
    run_checked(
        ["mvn", "-q", "-B", "dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={folder}"],
        f"fetching {artifact} from Maven Central (is the network up?)")
    archive = os.path.join(folder, f"apicurio-registry-app-{APICURIO_VERSION}-all.tar.gz")
    run_checked(["tar", "-xzf", archive, "-C", folder], "unpacking Apicurio")
    os.unlink(archive)


def apicurio_folder():
    """The unpacked Apicurio (106 MB to fetch, once)."""
    return fetch_once(f"apicurio-{APICURIO_VERSION}", _fetch_apicurio)


class Apicurio:
    """One Apicurio Registry process with its own folder; `kill9` and `restart` keep its schemas."""

    def __init__(self):
        self.folder = paths.scratch("penstock-registry-")
        self.port = net.free_port()
        jar = os.path.join(apicurio_folder(), f"apicurio-registry-app-{APICURIO_VERSION}-runner.jar")
        self.process = proc.Process(
            "Apicurio Registry",
            ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
             "-Dquarkus.http.host=127.0.0.1", f"-Dquarkus.http.port={self.port}",
             "-Dapicurio.storage.kind=sql", "-Dapicurio.storage.sql.kind=h2",
             f"-Dapicurio.datasource.url=jdbc:h2:file:{self.folder}/db", "-jar", jar],
            os.path.join(self.folder, "log"), cwd=os.path.dirname(jar))

    def _is_ready(self):
        try:
            return self("GET", "/subjects", b"")[0] == 200
        except OSError:
            return False

    def start(self):
        """Start and wait until it answers (2–12 s)."""
        self.process.start()
        self.process.wait_ready(self._is_ready, READY_S, 0.1)
        return self

    def __call__(self, method, path, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=REQUEST_S)
        try:
            connection.request(method, API + path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, {"Content-Type": JSON_TYPE}, answer.read()
        finally:
            connection.close()

    def kill9(self):
        self.process.kill9()

    def stop(self):
        """End it and forget its schemas."""
        self.process.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *unused):
        self.stop()


class _Refused(Exception):
    """An answer of the API that is no success."""

    def __init__(self, status, code, message):
        super().__init__(message)
        self.status = status
        self.body = {"error_code": code, "message": message}


class MemoryRegistry:
    """The calls that readers and serializers need: register, look up, by id, by subject and version."""

    def __init__(self):
        self.schemas = {}  # id: what was registered, without subject and version
        self.subjects = {}  # name: [id of version 1, id of version 2, …], None = deleted
        self.next_id = 100001

    def start(self):
        return self

    def stop(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        pass

    def __call__(self, method, path, body):
        address = urllib.parse.urlsplit(path)
        parts = [urllib.parse.unquote(part) for part in address.path.split("/") if part]
        try:
            given = json.loads(body) if body else None
            status, answer = 200, self._answer(method, parts, given)
        except _Refused as refused:
            status, answer = refused.status, refused.body
        return status, {"Content-Type": JSON_TYPE}, json.dumps(answer).encode()

    def _answer(self, method, parts, given):
        if method == "GET" and parts == ["subjects"]:
            return list(self.subjects)
        if method == "GET" and len(parts) == 3 and parts[:2] == ["schemas", "ids"]:
            return self._by_id(parts[2])
        if parts[:1] == ["subjects"] and len(parts) >= 2:
            return self._subject(method, parts[1], parts[2:], given)
        raise _Refused(404, 404, "HTTP 404 Not Found")

    def _by_id(self, text):
        if not text.isdigit() or int(text) not in self.schemas:
            raise _Refused(404, 40403, f"Schema {text} not found")
        return self.schemas[int(text)]

    def _subject(self, method, subject, rest, given):
        if method == "POST" and rest == ["versions"]:
            return self._register(subject, given)
        versions = self.subjects.get(subject)
        if versions is None:
            raise _Refused(404, 40401, f"Subject '{subject}' not found.")
        if method == "POST" and not rest:
            return self._lookup(subject, versions, given)
        if method == "DELETE" and not rest:
            del self.subjects[subject]
            return [number + 1 for number, schema_id in enumerate(versions) if schema_id is not None]
        if rest == ["versions"]:
            return [number + 1 for number, schema_id in enumerate(versions) if schema_id is not None]
        return self._version(subject, versions, rest[1])

    @staticmethod
    def _known(given):
        known = {"schema": given["schema"]}
        if given.get("schemaType", "AVRO") != "AVRO":
            known["schemaType"] = given["schemaType"]
        if given.get("references"):
            known["references"] = given["references"]
        return known

    def _register(self, subject, given):
        known = self._known(given)
        for schema_id, schema in self.schemas.items():
            if schema == known:
                break
        else:
            schema_id = self.next_id
            self.next_id += 1
            self.schemas[schema_id] = known
        versions = self.subjects.setdefault(subject, [])
        if schema_id not in versions:
            versions.append(schema_id)
        return {"id": schema_id}

    def _lookup(self, subject, versions, given):
        known = self._known(given)
        for number, schema_id in enumerate(versions):
            if schema_id is not None and self.schemas[schema_id] == known:
                return {"subject": subject, "version": number + 1, "id": schema_id, **known}
        raise _Refused(404, 40403, "Schema not found")

    def _version(self, subject, versions, text):
        number = len(versions) if text == "latest" else int(text) if text.isdigit() else 0
        if not 1 <= number <= len(versions) or versions[number - 1] is None:
            raise _Refused(404, 40402, f"Version {text} not found.")
        schema_id = versions[number - 1]
        return {"subject": subject, "version": number, "id": schema_id, **self.schemas[schema_id]}
